"""Convolution and its two adjoints: choose the kernels of ``kernels/conv2d.cu`` and launch them.

``minitorch.backends.cuda.conv.fp32_precision``, named as in PyTorch, is ``"tf32"`` or ``"ieee"``. With ``"tf32"``
float32 images are convolved on tensor cores, which round both factors to 10 bits of mantissa.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import cupy

from . import source, tiles
from .launch import launch
from .matmul import add_splits

Array = Any
Pair = tuple[int, int]
Shape = tuple[int, int, int, int]

fp32_precision = "tf32"

_C = {"f": "float", "d": "double"}
_LARGEST = 2**31 - 2**10  # indices are ints, which must not overflow in the last tile


class Conv2d:
    """``conv2d`` and its gradients of ``minitorch.backends.protocol.Backend``."""

    @staticmethod
    def conv2d(
        input: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Array:
        N, _, H, W = input.shape
        O, depth, KH, KW = weight.shape
        OH = (H + 2 * padding[0] - dilation[0] * (KH - 1) - 1) // stride[0] + 1
        OW = (W + 2 * padding[1] - dilation[1] * (KW - 1) - 1) // stride[1] + 1
        output = cupy.empty((N, O, OH, OW), input.dtype)
        if output.size == 0:
            return output
        input, weight = cupy.ascontiguousarray(input), cupy.ascontiguousarray(weight)
        bias = None if bias is None else cupy.ascontiguousarray(bias)
        rows, columns = O // groups, N * OH * OW
        tile = tiles.choose(_candidates(input), rows, columns, groups)
        vector = 4 if tile.shared and depth * KH * KW % 4 == 0 and weight.data.ptr % 16 == 0 else 1
        geometry = _geometry(input.shape, weight.shape, (OH, OW), stride, padding, dilation, groups, 1, 0)
        launch(
            "conv2d",
            f"conv2d<{_C[input.dtype.char]},{tile.name},{vector}>",
            grid=(tiles.blocks(tile, rows, columns, groups),),
            block=(tile.threads,),
            args=(input, weight, bias, output, geometry),
            shared=tile.shared,
        )
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
        N, C, H, W = shape = tuple(input_shape)
        grad_input = cupy.empty(shape, grad_output.dtype)
        if grad_input.size == 0:
            return grad_input
        grad_output, weight = cupy.ascontiguousarray(grad_output), cupy.ascontiguousarray(weight)
        # As many phases (see the kernel) as there are steps in a stride; this is the size of the largest.
        rows, columns = C // groups, N * -(-H // stride[0]) * -(-W // stride[1])
        batches = groups * stride[0] * stride[1]
        tile = tiles.choose(_candidates(grad_output), rows, columns, batches)
        OH, OW = grad_output.shape[2:]
        launch(
            "conv2d",
            f"conv2d_backward_input<{_C[grad_output.dtype.char]},{tile.name}>",
            grid=(tiles.blocks(tile, rows, columns, batches),),
            block=(tile.threads,),
            args=(
                grad_output,
                weight,
                grad_input,
                _geometry(shape, weight.shape, (OH, OW), stride, padding, dilation, groups, 1, 0),
            ),
            shared=tile.shared,
        )
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
        O, depth, KH, KW = shape = tuple(weight_shape)
        grad_weight = cupy.empty(shape, input.dtype)
        if grad_weight.size == 0:
            return grad_weight
        input, grad_output = cupy.ascontiguousarray(input), cupy.ascontiguousarray(grad_output)
        OH, OW = grad_output.shape[2:]
        rows, columns = O // groups, depth * KH * KW
        tile = tiles.choose(_candidates(input), rows, columns, groups)
        vector = 4 if tile.shared and OH * OW % 4 == 0 and grad_output.data.ptr % 16 == 0 else 1
        blocks = tiles.blocks(tile, rows, columns, groups)
        splits, chunk = tiles.split(blocks, input.shape[0] * OH * OW)
        parts = grad_weight if splits == 1 else cupy.empty((splits, *shape), input.dtype)
        launch(
            "conv2d",
            f"conv2d_backward_weight<{_C[input.dtype.char]},{tile.name},{vector}>",
            grid=(blocks * splits,),
            block=(tile.threads,),
            args=(
                input,
                grad_output,
                parts,
                _geometry(input.shape, shape, (OH, OW), stride, padding, dilation, groups, splits, chunk),
            ),
            shared=tile.shared,
        )
        if splits > 1:
            add_splits(parts, grad_weight)
        return grad_weight


def _candidates(array: Array) -> tuple[tiles.Tile, ...]:
    tiles.check_precision("conv", fp32_precision)
    return tiles.candidates(fp32_precision, array.dtype, array.device.id)


@functools.lru_cache(maxsize=4096)
def _geometry(
    input: Shape,
    weight: Shape,
    output: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    splits: int,
    chunk: int,
) -> Any:
    """The kernels' ``struct Conv``."""
    (N, C, H, W), (O, depth, KH, KW), (OH, OW) = input, weight, output
    # Positions in the batch, and elements of an image and of the weight, are numbered with ints.
    largest = max(N * OH * OW, N * H * W, C * H * W, O * OH * OW, O * depth * KH * KW)
    if largest > _LARGEST or max(H + 2 * padding[0], W + 2 * padding[1]) > 2**30:
        raise ValueError(f"conv2d: on cuda, input {input} with weight {weight} is too large: split the batch")
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
