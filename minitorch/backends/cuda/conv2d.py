"""Convolution and its two adjoints: choose the kernels of ``kernels/conv2d.cu`` and launch them.

``minitorch.backends.cudnn.conv.fp32_precision``, named as in PyTorch, is ``"tf32"`` or ``"ieee"``. With ``"tf32"``
float32 images are convolved on tensor cores, which round both factors to 10 bits of mantissa.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import cupy

from ... import precision as switches
from . import source, tiles
from .gemm import add_splits
from .launch import launch

Array = Any
Pair = tuple[int, int]
Shape = tuple[int, int, int, int]

_C = {"f": "float", "d": "double"}
_LARGEST = 2**31 - 2**10  # indices are ints, which must not overflow in the last tile


class Conv2d:
    """``conv2d`` and its gradients of ``minitorch.backends.protocol.Backend``."""

    @staticmethod
    def conv2d(
        input: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Array:
        N, _, H, W = input.shape
        O, _, KH, KW = weight.shape
        OH = (H + 2 * padding[0] - dilation[0] * (KH - 1) - 1) // stride[0] + 1
        OW = (W + 2 * padding[1] - dilation[1] * (KW - 1) - 1) // stride[1] + 1
        output = cupy.empty((N, O, OH, OW), input.dtype)
        if output.size == 0:
            return output
        input, weight = cupy.ascontiguousarray(input), cupy.ascontiguousarray(weight)
        bias = None if bias is None else cupy.ascontiguousarray(bias)
        geometry = Geometry(input.shape, weight.shape, (OH, OW), stride, padding, dilation, groups)
        _run("conv2d", geometry, weight, (input, weight, bias), output)
        return output

    @staticmethod
    def conv2d_backward_input(
        grad_output: Array,
        weight: Array,
        input_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        N, C, H, W = input_shape
        grad_input = cupy.empty((N, C, H, W), grad_output.dtype)
        if grad_input.size == 0:
            return grad_input
        grad_output, weight = cupy.ascontiguousarray(grad_output), cupy.ascontiguousarray(weight)
        geometry = Geometry((N, C, H, W), weight.shape, grad_output.shape[2:], stride, padding, dilation, groups)
        _run("conv2d_backward_input", geometry, weight, (grad_output, weight), grad_input)
        return grad_input

    @staticmethod
    def conv2d_backward_weight(
        input: Array,
        grad_output: Array,
        weight_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        O, depth, KH, KW = weight_shape
        grad_weight = cupy.empty((O, depth, KH, KW), input.dtype)
        if grad_weight.size == 0:
            return grad_weight
        input, grad_output = cupy.ascontiguousarray(input), cupy.ascontiguousarray(grad_output)
        geometry = Geometry(input.shape, (O, depth, KH, KW), grad_output.shape[2:], stride, padding, dilation, groups)
        _run("conv2d_backward_weight", geometry, grad_output, (input, grad_output), grad_weight)
        return grad_weight


class Geometry(NamedTuple):
    """The shapes and options of a convolution; its gradients have those of the convolution that they belong to."""

    input: Shape
    weight: Shape
    output: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int


class _Plan(NamedTuple):
    """How a kernel is launched; without the arrays, so that it can be kept for the next launch of the same shapes."""

    kernel: str
    blocks: int
    threads: int
    shared: int
    conv: Any  # struct Conv
    splits: int


def _run(kernel: str, geometry: Geometry, a: Array, operands: tuple[Array | None, ...], output: Array) -> None:
    """Launches a kernel; ``a`` is the operand that it may read four elements at a time."""
    plan = _plan(kernel, geometry, a.dtype.char, a.data.ptr % 16 == 0, switches.conv.fp32_precision, a.device.id)
    to = output if plan.splits == 1 else cupy.empty((plan.splits, *output.shape), output.dtype)
    args = (*operands, to, plan.conv)
    launch("conv2d", plan.kernel, grid=(plan.blocks,), block=(plan.threads,), args=args, shared=plan.shared)
    if plan.splits > 1:
        add_splits(to, output)


@functools.lru_cache(maxsize=4096)
def _plan(kernel: str, geometry: Geometry, char: str, aligned: bool, precision: str, device: int) -> _Plan:
    (N, C, H, W), (O, channels, KH, KW), (OH, OW) = geometry[:3]
    groups, stride = geometry.groups, geometry.stride
    # Rows and columns of the product, how many there are, and how many contiguous elements of `a` lie side by side.
    if kernel == "conv2d":
        rows, columns, batches, contiguous = O // groups, N * OH * OW, groups, channels * KH * KW
    elif kernel == "conv2d_backward_weight":
        rows, columns, batches, contiguous = O // groups, channels * KH * KW, groups, OH * OW
    else:  # as many phases as a stride has steps; the columns are those of the largest
        rows, columns, batches = C // groups, N * -(-H // stride[0]) * -(-W // stride[1]), groups * math.prod(stride)
        contiguous = 1
    candidates = tiles.candidates(precision, char, device)
    depth = N * OH * OW if kernel == "conv2d_backward_weight" else 0  # of a sum that may be split
    vectors = aligned and contiguous % 4 == 0
    instances = {tile: name for tile in candidates if (name := _instance(kernel, char, tile.name, vectors))}
    tile = tiles.choose(list(instances), rows, columns, batches, depth)
    blocks = tiles.blocks(tile, rows, columns, batches)
    splits, chunk = tiles.split(blocks, depth)
    return _Plan(instances[tile], blocks * splits, tile.threads, tile.shared, _struct(geometry, splits, chunk), splits)


def _instance(kernel: str, char: str, tile: str, vectors: bool) -> str | None:
    """The kernel's instance for a tile, which may read four elements at a time; None if there isn't any."""
    name = f"{kernel}<{_C[char]},{tile}"
    names = (*((f"{name},4>",) if vectors else ()), f"{name},1>", f"{name}>")
    return next((name for name in names if name in source.instances("conv2d")), None)


def _struct(geometry: Geometry, splits: int, chunk: int) -> Any:
    """The kernels' ``struct Conv``."""
    (N, C, H, W), (O, depth, KH, KW), (OH, OW), stride, padding, dilation, groups = geometry
    # Positions in the batch, and elements of an image and of the weight, are numbered with ints.
    largest = max(N * OH * OW, N * H * W, C * H * W, O * OH * OW, O * depth * KH * KW)
    if largest > _LARGEST or max(H + 2 * padding[0], W + 2 * padding[1]) > 2**30:
        raise ValueError(
            f"conv2d: on cuda, input {geometry.input} with weight {geometry.weight} is too large: split the batch"
        )
    return source.struct(
        "conv2d",
        "Conv",
        N=N,
        C=C,
        H=H,
        W=W,
        O=O,
        KH=KH,
        KW=KW,
        OH=OH,
        OW=OW,
        stride_h=stride[0],
        stride_w=stride[1],
        padding_h=padding[0],
        padding_w=padding[1],
        dilation_h=dilation[0],
        dilation_w=dilation[1],
        groups=groups,
        splits=splits,
        chunk=chunk,
    )
