"""Convolution as one matrix product, of the kernels and of the windows that they meet.

Write each window of the image, C·KH·KW numbers, as a column; the N·OH·OW columns make a matrix. Each of the O kernels
is a row of C·KH·KW numbers. Rows times columns is the convolution:

    weight (O, C·KH·KW)  ·  columns (C·KH·KW, N·OH·OW)  =  output (O, N·OH·OW)

The matrix has K² times as many elements as the image: that is the price for handing all the work to the matrix product,
the operation that computers do best. Both gradients are products with the same matrices; the one of the input then adds
columns back to the pixels that they were copied from. With groups there are that many pairs of matrices.

Chellapilla, Puri and Simard, "High performance convolutional neural networks for document processing" (2006); Caffe
made it known (Jia, "Learning semantic image representations at a large scale", 2014, section 5.2.2). The backends'
kernels compute the same product without ever writing the columns to memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..geometry import ConvGeometry, Pair
from .taps import padded, quiet, taps, unpadded


class Im2col:
    """``algorithm="im2col"``."""

    def __init__(self, backend: Any) -> None:
        self.backend, self.xp = backend, backend.xp

    @quiet
    def conv2d(
        self, input: Any, weight: Any, bias: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Any:
        N, O, kernel = len(input), len(weight), weight.shape[2:]
        output_size = ConvGeometry(stride, padding, dilation, groups).output_size(input.shape[2:], kernel)
        columns = self._columns(input, kernel, output_size, stride, padding, dilation, groups)
        output = self.backend.matmul(_rows(weight, groups), columns)
        output = self.xp.ascontiguousarray(output.reshape(O, N, *output_size).swapaxes(0, 1))
        if bias is not None:
            output += bias[:, None, None]
        return output

    @quiet
    def conv2d_backward_input(
        self,
        grad_output: Any,
        weight: Any,
        input_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Any:
        N, C, H, W = input_shape
        kernel, output_size = weight.shape[2:], grad_output.shape[2:]
        columns = self.backend.matmul(_rows(weight, groups).swapaxes(1, 2), _rows(grad_output.swapaxes(0, 1), groups))
        columns = columns.reshape(C, *kernel, N, *output_size)
        shape = N, C, H + 2 * padding[0], W + 2 * padding[1]
        image = self.xp.zeros(shape, dtype=grad_output.dtype)
        for kh, kw, seen in taps(image, kernel, output_size, stride, dilation):
            seen += columns[:, kh, kw].swapaxes(0, 1)
        return unpadded(image, padding).copy()

    @quiet
    def conv2d_backward_weight(
        self,
        input: Any,
        grad_output: Any,
        weight_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Any:
        kernel, output_size = weight_shape[2:], grad_output.shape[2:]
        columns = self._columns(input, kernel, output_size, stride, padding, dilation, groups)
        weight = self.backend.matmul(_rows(grad_output.swapaxes(0, 1), groups), columns.swapaxes(1, 2))
        return weight.reshape(weight_shape)

    def _columns(
        self,
        input: Any,
        kernel: Sequence[int],
        output_size: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Any:
        """Every window as a column: (groups, C/groups·KH·KW, N·OH·OW)."""
        N, C = input.shape[:2]
        columns = self.xp.empty((C, *kernel, N, *output_size), dtype=input.dtype)
        for kh, kw, seen in taps(padded(self.xp, input, padding), kernel, output_size, stride, dilation):
            columns[:, kh, kw] = seen.swapaxes(0, 1)
        height, width = C // groups * kernel[0] * kernel[1], N * output_size[0] * output_size[1]
        return columns.reshape(groups, height, width)


def _rows(array: Any, groups: int) -> Any:
    """(O, A, B, C) → (groups, O/groups, A·B·C): a matrix for each group, with a row for each output channel."""
    O, a, b, c = array.shape
    return array.reshape(groups, O // groups, a * b * c)
