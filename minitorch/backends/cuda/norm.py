"""Standardization of groups and its gradient: the host side of ``kernels/norm.cu``."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from .arrays import Array, ceil_div, contiguous, type_name
from .groups import NARROW, THREADS, groups, packed, power_of_two, shares
from .launch import launch
from .reduce import Reductions

_FEW, _MANY = 8, 32  # elements that a thread holds
_LONG = _MANY * THREADS  # elements; longer groups are shared by blocks
_WARPS = THREADS // 32


class Normalization:
    """These methods of ``minitorch.backends.protocol.Backend``, which describes them."""

    @staticmethod
    def standardize(input: Array, eps: float, centred: bool) -> tuple[Array, Array, Array | None, Array]:
        P, O, R = input.shape
        input, pack = packed(input, R)
        normalized = cupy.empty_like(input)
        scale, mean, variance = (cupy.empty((O,), input.dtype) for _ in range(3))
        statistics = scale, (mean if centred else None), variance
        epsilon = input.dtype.type(eps)
        if P * R <= _LONG:
            _launch_held("standardize", input, pack, input, normalized, *statistics, epsilon)
        else:
            chunk, parts = shares(P * R, O, _LONG, _LONG)
            part_means, part_squares = (cupy.empty((O, parts), input.dtype) for _ in range(2))
            held = pack, _MANY // pack
            whole = groups("norm", input.shape, pack, THREADS, chunk, parts)
            moments = input, part_means, part_squares, np.bool_(centred)
            _launch("moments", held, input, O * parts, *moments, whole)
            sizes = map(np.int64, (O, parts, chunk, P * R))
            _launch(
                "combine_moments",
                (),
                input,
                ceil_div(O, _WARPS),
                part_means,
                part_squares,
                *statistics,
                epsilon,
                *sizes,
            )
            _launch("standardize_long", (pack,), input, O * parts, input, normalized, *statistics[:2], whole)
        return normalized, *statistics

    @staticmethod
    def standardize_backward(grad_normalized: Array, normalized: Array, scale: Array, centred: bool) -> Array:
        P, O, R = normalized.shape
        grad_normalized, pack = packed(grad_normalized, R)
        normalized, _ = packed(normalized, R)
        scale = contiguous(scale)
        grad_input = cupy.empty_like(normalized)
        arrays, results = (grad_normalized, normalized, scale), (grad_input, np.bool_(centred))
        if P * R <= _LONG:
            _launch_held("backward", normalized, pack, *arrays, *results)
        else:
            sums = _gradient_sums(grad_normalized, normalized)
            chunk, parts = shares(P * R, O, _LONG, 4 * _LONG)
            whole = groups("norm", normalized.shape, pack, THREADS, chunk, parts)
            _launch("backward_long", (pack,), normalized, O * parts, *arrays, sums, *results, whole)
        return grad_input

    @staticmethod
    def affine(input: Array, weight: Array, bias: Array | None) -> Array:
        _, C, Q = input.shape
        input, pack = packed(input, C if Q == 1 else Q)
        output = cupy.empty_like(input)
        arrays = input, contiguous(weight), None if bias is None else contiguous(bias), output
        packs = input.size // pack
        _launch("affine", (pack,), input, ceil_div(packs, THREADS), *arrays, *map(np.int64, (packs, C, Q)))
        return output

    @staticmethod
    def affine_backward(grad_output: Array, input: Array, weight: Array) -> tuple[Array, Array, Array]:
        grad_input = Normalization.affine(grad_output, weight, None)
        if input.shape[2] < NARROW or not input.size:
            sums = (Reductions.sum(array, (0, 2)) for array in (grad_output, grad_output * input))
        else:
            sums = iter(_gradient_sums(grad_output, input))
        grad_bias, grad_weight = sums
        return grad_input, grad_weight, grad_bias


def _gradient_sums(grad: Array, array: Array) -> Array:
    """Σg and Σg·x of each group of two arrays (P, O, R): → (2, O)."""
    P, O, R = array.shape
    grad, pack = packed(grad, R)
    array, _ = packed(array, R)
    chunk, parts = shares(P * R, O, _LONG, 4 * _LONG)
    sums = cupy.empty((2, O, parts), array.dtype)
    whole = groups("norm", (P, O, R), pack, THREADS, chunk, parts)
    _launch("gradient_sums", (pack,), array, O * parts, grad, array, sums, whole)
    return Reductions.sum(sums, (2,))


def _launch_held(kernel: str, array: Array, pack: int, *args: Any) -> None:
    """For groups short enough for the registers of a block, a warp or part of one."""
    P, O, R = array.shape if array.size else (0, array.shape[1], 1)
    length = P * R
    elements = _FEW if length <= 32 * _FEW or 32 * _MANY < length <= THREADS * _FEW else _MANY
    width = power_of_two(ceil_div(length, elements))
    width = width if width <= 32 else THREADS
    whole = groups("norm", (P, O, R), pack, width)
    _launch(kernel, (pack, elements // pack), array, ceil_div(O, THREADS // width), *args, whole)


def _launch(kernel: str, numbers: tuple[int, ...], like: Array, blocks: int, *args: Any) -> None:
    name = f"{kernel}<{','.join((type_name(like.dtype), *map(str, numbers)))}>"
    launch("norm", name, grid=(blocks,), block=(THREADS,), args=args)
