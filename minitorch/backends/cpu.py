"""The CPU backend: allocates the outputs and calls the C++ kernels in ``minitorch._C``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minitorch import _C

Array = NDArray[Any]
Pair = tuple[int, int]

_LARGE = 1 << 16  # arrays of at least this many bytes come from the caching allocator (cpp/memory.h)


def _empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return _C.empty(shape, dtype) if math.prod(shape) * dtype.itemsize >= _LARGE else np.empty(shape, dtype)


def _contiguous(array: Array) -> Array:
    """The array itself if it is C-contiguous, else a copy (unlike ``np.ascontiguousarray``, 0-d stays 0-d)."""
    return np.asarray(array, order="C")


def _aligned(array: Array) -> Array:
    """The array itself, whatever its strides; a copy if it lies between the addresses its elements belong at."""
    return array if array.flags.aligned else array.copy()


class CpuBackend:
    """Implements ``minitorch.backends.protocol.Backend``, which describes every method."""

    name = "cpu"
    xp = np

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        return _empty(tuple(shape), np.dtype(dtype))

    # ---- matrix product -------------------------------------------------------------------------------------------

    def matmul(self, a: Array, b: Array, bias: Array | None = None, activation: str | None = None) -> Array:
        shape: tuple[int, ...] = (a.shape[-2], b.shape[-1])
        if a.ndim > 2 or b.ndim > 2:
            shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + shape
        output = _empty(shape, a.dtype)
        if bias is not None:
            bias = _contiguous(bias)
        _C.matmul(_aligned(a), _aligned(b), bias, activation == "relu", output)
        return output

    # ---- elementwise ----------------------------------------------------------------------------------------------

    def relu(self, input: Array) -> Array:
        input = _contiguous(input)
        output = _empty(input.shape, input.dtype)
        _C.relu(input, output)
        return output

    def relu_backward(self, grad_output: Array, output: Array) -> Array:
        grad_input = _empty(output.shape, output.dtype)
        _C.relu_backward(_contiguous(grad_output), _contiguous(output), grad_input)
        return grad_input

    # ---- convolution ----------------------------------------------------------------------------------------------

    def conv2d(
        self,
        input: Array,
        weight: Array,
        bias: Array | None,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        N, _, H, W = input.shape
        O, _, KH, KW = weight.shape
        OH = (H + 2 * padding[0] - dilation[0] * (KH - 1) - 1) // stride[0] + 1
        OW = (W + 2 * padding[1] - dilation[1] * (KW - 1) - 1) // stride[1] + 1
        output = _empty((N, O, OH, OW), input.dtype)
        bias = None if bias is None else _contiguous(bias)
        _C.conv2d(_contiguous(input), _contiguous(weight), bias, output, stride, padding, dilation, groups)
        return output

    def conv2d_backward_input(
        self,
        grad_output: Array,
        weight: Array,
        input_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        grad_input = _empty(tuple(input_shape), grad_output.dtype)
        _C.conv2d_backward_input(
            _contiguous(grad_output), _contiguous(weight), grad_input, stride, padding, dilation, groups
        )
        return grad_input

    def conv2d_backward_weight(
        self,
        input: Array,
        grad_output: Array,
        weight_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Array:
        grad_weight = _empty(tuple(weight_shape), input.dtype)
        _C.conv2d_backward_weight(
            _contiguous(input), _contiguous(grad_output), grad_weight, stride, padding, dilation, groups
        )
        return grad_weight
