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
            _find_statistics(input, pack, centred, statistics, epsilon)
            whole, parts = _in_parts(input, pack, 4 * _LONG)
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
            whole, parts = _in_parts(normalized, pack, 4 * _LONG)
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
            grad_bias, grad_weight = (Reductions.sum(array, (0, 2)) for array in (grad_output, grad_output * input))
        else:
            grad_bias, grad_weight = _gradient_sums(grad_output, input)
        return grad_input, grad_weight, grad_bias


def _find_statistics(input: Array, pack: int, centred: bool, statistics: tuple[Any, ...], epsilon: Any) -> None:
    """The scales, means (or None) and variances of long groups, from those of parts that a block's registers hold."""
    P, O, R = input.shape
    whole, parts = _in_parts(input, pack, _LONG)
    moments = tuple([cupy.empty((O, parts), input.dtype) for _ in range(2)])
    _launch("moments", (pack, _MANY // pack), input, O * parts, input, *moments, np.bool_(centred), whole)
    sizes = map(np.int64, (O, parts, whole["chunk"], P * R))
    _launch("combine_moments", (), input, ceil_div(O, _WARPS), *moments, *statistics, epsilon, *sizes)


def _in_parts(array: Array, pack: int, most: int) -> tuple[Any, int]:
    """The struct ``Groups`` for blocks that share each group, at most ``most`` elements a block, and their number."""
    P, O, R = array.shape
    chunk, parts = shares(P * R, O, _LONG, most)
    return groups("norm", (P, O, R), pack, THREADS, chunk, parts), parts


def _gradient_sums(grad: Array, array: Array) -> Array:
    """Σg and Σg·x of each group of two arrays (P, O, R): → (2, O)."""
    _, O, R = array.shape
    grad, pack = packed(grad, R)
    array, _ = packed(array, R)
    whole, parts = _in_parts(array, pack, 4 * _LONG)
    sums = cupy.empty((2, O, parts), array.dtype)
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
