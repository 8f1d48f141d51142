"""Max-pooling with its scatter and gather, average pooling and its adjoint: the host side of ``kernels/pool2d.cu``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import cupy
import numpy as np

from . import source
from .arrays import Array, Pair, ceil_div, contiguous, type_name
from .launch import launch

_THREADS = 256  # of a block; each has one element
_MOST_U32 = 2**31 - _THREADS  # elements that a kernel may count in 32 bits, the threads behind the last included


class Pooling:
    """These methods of ``minitorch.backends.protocol.Backend``, which describes them."""

    @staticmethod
    def max_pool2d(
        input: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
    ) -> tuple[Array, Array]:
        geometry = _geometry(input.shape[2:], tuple(output_size), kernel_size, stride, padding, dilation)
        output = cupy.empty((*input.shape[:2], *output_size), input.dtype)
        indices = cupy.empty(output.shape, np.uint8 if kernel_size[0] * kernel_size[1] <= 256 else np.int32)
        types = type_name(input.dtype), _index_name(indices)
        _launch("max_pool2d", types, output.size, contiguous(input), output, indices, geometry)
        return output, indices

    @staticmethod
    def max_pool2d_backward(
        grad_output: Array,
        indices: Array,
        input_shape: Sequence[int],
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
    ) -> Array:
        geometry = _geometry(tuple(input_shape[2:]), indices.shape[2:], kernel_size, stride, padding, dilation)
        grad_input = cupy.empty(tuple(input_shape), grad_output.dtype)
        types = type_name(grad_output.dtype), _index_name(indices)
        arrays = contiguous(grad_output), contiguous(indices), grad_input
        _launch("max_pool2d_backward", types, grad_input.size, *arrays, geometry)
        return grad_input

    @staticmethod
    def max_pool2d_gather(
        input: Array, indices: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
    ) -> Array:
        geometry = _geometry(input.shape[2:], indices.shape[2:], kernel_size, stride, padding, dilation)
        output = cupy.empty(indices.shape, input.dtype)
        types = type_name(input.dtype), _index_name(indices)
        _launch("max_pool2d_gather", types, output.size, contiguous(input), contiguous(indices), output, geometry)
        return output

    @staticmethod
    def avg_pool2d(
        input: Array,
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        output_size: Pair,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        geometry = _geometry(input.shape[2:], tuple(output_size), kernel_size, stride, padding, (1, 1))
        output = cupy.empty((*input.shape[:2], *output_size), input.dtype)
        divisor = np.bool_(count_include_pad), np.int64(divisor_override or 0)
        _launch("avg_pool2d", (type_name(input.dtype),), output.size, contiguous(input), output, geometry, *divisor)
        return output

    @staticmethod
    def avg_pool2d_backward(
        grad_output: Array,
        input_shape: Sequence[int],
        kernel_size: Pair,
        stride: Pair,
        padding: Pair,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        geometry = _geometry(tuple(input_shape[2:]), grad_output.shape[2:], kernel_size, stride, padding, (1, 1))
        grad_input = cupy.empty(tuple(input_shape), grad_output.dtype)
        types = (type_name(grad_output.dtype),)
        divisor = np.bool_(count_include_pad), np.int64(divisor_override or 0)
        _launch("avg_pool2d_backward", types, grad_input.size, contiguous(grad_output), grad_input, geometry, *divisor)
        return grad_input


def _index_name(indices: Array) -> str:
    return "u8" if indices.itemsize == 1 else "int"


@functools.lru_cache(maxsize=1024)
def _geometry(
    input_size: Pair, output_size: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Any:
    """What the kernels know of an image and its windows."""
    H, W = input_size
    OH, OW = output_size
    KH, KW = kernel_size
    # Where there is one window its stride may be any number, and means nothing.
    stride_h, stride_w = (step if size > 1 else 1 for step, size in zip(stride, output_size, strict=True))
    divisors = [_divisor(n) for n in (H, W, OH, OW, stride_h, stride_w)]
    return source.struct(
        "pool2d",
        "Pool",
        H=H,
        W=W,
        OH=OH,
        OW=OW,
        KH=KH,
        KW=KW,
        stride_h=stride_h,
        stride_w=stride_w,
        padding_h=padding[0],
        padding_w=padding[1],
        dilation_h=dilation[0],
        dilation_w=dilation[1],
        multipliers=[multiplier for multiplier, _ in divisors],
        shifts=[shift for _, shift in divisors],
    )


def _divisor(n: int) -> tuple[int, int]:
    """The multiplier and the shift that divide a number below 2**31 by n: ``quotient`` in the source."""
    n = max(n, 1)  # an empty array has no elements to number
    shift = (n - 1).bit_length()
    return ((1 << 32) * ((1 << shift) - n)) // n + 1, shift


def _launch(kernel: str, types: tuple[str, ...], n: int, *args: Any) -> None:
    """A thread for each of the ``n`` elements that the kernel writes."""
    count, number = ("u32", np.uint32) if n <= _MOST_U32 else ("u64", np.uint64)
    name = f"{kernel}<{','.join((*types, count))}>"
    launch("pool2d", name, grid=(ceil_div(n, _THREADS),), block=(_THREADS,), args=(*args, number(n)))
