"""Convolution by its definition, one element of the kernel at a time.

    y[n, o, i, j] = Σ_{kh, kw} Σ_c w[o, c, kh, kw] · x[n, c, i·stride + kh·dilation, j·stride + kw·dilation]

The sum over (kh, kw) is a loop. For one of them, the pixels that it meets are the image itself, shifted and thinned
out by the stride; the sum over channels is a matrix product, an O × C matrix times all pixels. So there are K² products
of small matrices, and no memory for more than one shifted image. The gradients run the same loop with another factor
left out.

Vasudevan, Anderson and Gregg, "Parallel multi channel convolution using general matrix multiplication" (2017), call
it kn2row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..geometry import ConvGeometry, Pair
from .taps import padded, quiet, taps, unpadded


class Direct:
    """``algorithm="direct"``. It takes integers too, for whose products the array module has a function."""

    def __init__(self, backend: Any) -> None:
        self.backend, self.xp = backend, backend.xp

    def _product(self, a: Any, b: Any) -> Any:
        return self.backend.matmul(a, b) if a.dtype.kind == "f" else self.xp.matmul(a, b)

    @quiet
    def conv2d(
        self, input: Any, weight: Any, bias: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Any:
        N, C = input.shape[:2]
        O, _, *kernel = weight.shape
        OH, OW = ConvGeometry(stride, padding, dilation, groups).output_size(input.shape[2:], kernel)
        matrices = weight.reshape(groups, O // groups, C // groups, *kernel)
        output = self.xp.zeros((N, groups, O // groups, OH * OW), dtype=input.dtype)
        for kh, kw, seen in taps(padded(self.xp, input, padding), kernel, (OH, OW), stride, dilation):
            output += self._product(matrices[..., kh, kw], seen.reshape(N, groups, C // groups, OH * OW))
        output = output.reshape(N, O, OH, OW)
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
        _, O, OH, OW = grad_output.shape
        kernel = weight.shape[2:]
        matrices = weight.reshape(groups, O // groups, C // groups, *kernel).swapaxes(1, 2)
        rows = grad_output.reshape(N, groups, O // groups, OH * OW)
        shape = N, C, H + 2 * padding[0], W + 2 * padding[1]
        image = self.xp.zeros(shape, dtype=grad_output.dtype)
        for kh, kw, seen in taps(image, kernel, (OH, OW), stride, dilation):
            seen += self._product(matrices[..., kh, kw], rows).reshape(seen.shape)
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
        N, C = input.shape[:2]
        _, O, OH, OW = grad_output.shape
        kernel = weight_shape[2:]
        rows = grad_output.reshape(N, groups, O // groups, OH * OW)
        matrices = self.xp.empty((groups, O // groups, C // groups, *kernel), dtype=input.dtype)
        for kh, kw, seen in taps(padded(self.xp, input, padding), kernel, (OH, OW), stride, dilation):
            columns = seen.reshape(N, groups, C // groups, OH * OW).swapaxes(2, 3)
            matrices[..., kh, kw] = self._product(rows, columns).sum(0)
        return matrices.reshape(weight_shape)
