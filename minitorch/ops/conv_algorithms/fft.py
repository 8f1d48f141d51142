"""Convolution by the convolution theorem: what slides over all pixels is one product for each frequency.

With F the discrete Fourier transform of a plane, ⋆ cross-correlation and ∗ convolution, both on a circle::

    F(w ⋆ x) = conj(F(w)) · F(x)        F(w ∗ g) = F(w) · F(g)

So transform all images and all kernels, multiply frequency by frequency, sum over channels, transform back. The plane
is as large as the padded image: no sum then reaches over its edge, where the circle would close. The rest is
arrangement:

* a dilated kernel has zeros between its elements;
* of all places of the kernel, a stride keeps every second, third, … one; in the gradients, where the others don't
  count, ``grad_output`` has zeros between its elements;
* the gradient of the input is a convolution, ``w ∗ grad_output``; that of the weight is a correlation,
  ``grad_output ⋆ x``.

Transforms cost O(P log P) for a plane of P pixels, once for each of N·C images, O·C/groups kernels and N·O outputs.
The products cost 2·N·O·C/groups·P: multiplications of complex numbers, but only half of the frequencies, as the other
half of a real plane's are their conjugates. Nothing depends on the size of the kernel, where all other algorithms cost
K² times N·O·C/groups·P. In return a kernel becomes as large as the image, and a stride saves nothing.

Rounding errors are relative to the largest number of a plane, not to each result, and a NaN or an infinity in an image
reaches all of its outputs.

Mathieu, Henaff and LeCun, "Fast training of convolutional networks through FFTs" (2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..geometry import ConvGeometry, Pair
from .taps import padded, quiet


class Fft:
    """``algorithm="fft"``. In the dtype of the operands: NumPy (from 2.0) and CuPy transform float32 as float32."""

    def __init__(self, backend: Any) -> None:
        self.xp = backend.xp

    @quiet
    def conv2d(
        self, input: Any, weight: Any, bias: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Any:
        (N, C, *size), (O, _, *kernel) = input.shape, weight.shape
        OH, OW = ConvGeometry(stride, padding, dilation, groups).output_size(size, kernel)
        plane = _plane(size, padding)
        x = self._transform(padded(self.xp, input, padding), plane, (N, groups, C // groups))
        w = self._transform(self._spread(weight, dilation), plane, (groups, O // groups, C // groups))
        y = self.xp.einsum("ngchw,gochw->ngohw", x, w.conj(), optimize=True)
        everywhere = self.xp.fft.irfft2(y, s=plane).reshape(N, O, *plane)
        output = everywhere[:, :, : stride[0] * OH : stride[0], : stride[1] * OW : stride[1]]
        return output.copy() if bias is None else output + bias[:, None, None]

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
        O = len(weight)
        plane = _plane((H, W), padding)
        g = self._transform(self._spread(grad_output, stride), plane, (N, groups, O // groups))
        w = self._transform(self._spread(weight, dilation), plane, (groups, O // groups, C // groups))
        x = self.xp.einsum("ngohw,gochw->ngchw", g, w, optimize=True)
        image = self.xp.fft.irfft2(x, s=plane).reshape(N, C, *plane)
        return image[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W].copy()

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
        (N, C, *size), (O, _, KH, KW) = input.shape, weight_shape
        plane = _plane(size, padding)
        x = self._transform(padded(self.xp, input, padding), plane, (N, groups, C // groups))
        g = self._transform(self._spread(grad_output, stride), plane, (N, groups, O // groups))
        w = self.xp.einsum("ngohw,ngchw->gochw", g.conj(), x, optimize=True)
        spread = self.xp.fft.irfft2(w, s=plane).reshape(O, C // groups, *plane)
        return spread[:, :, : dilation[0] * KH : dilation[0], : dilation[1] * KW : dilation[1]].copy()

    def _transform(self, images: Any, plane: Pair, shape: tuple[int, int, int]) -> Any:
        """The frequencies of real images with zeros behind them up to the size of the plane: (*shape, h, w // 2 + 1)"""
        return self.xp.fft.rfft2(images, s=plane).reshape(*shape, plane[0], plane[1] // 2 + 1)

    def _spread(self, images: Any, step: Pair) -> Any:
        """The images with ``step - 1`` zeros between neighbouring elements."""
        A, B, H, W = images.shape
        out = self.xp.zeros((A, B, step[0] * (H - 1) + 1, step[1] * (W - 1) + 1), dtype=images.dtype)
        out[:, :, :: step[0], :: step[1]] = images
        return out


def _plane(size: Sequence[int], padding: Pair) -> Pair:
    """What is transformed instead of the padded image: a little more, of sizes that transform quickly."""
    return _quick_size(size[0] + 2 * padding[0]), _quick_size(size[1] + 2 * padding[1])


@lru_cache(maxsize=512)
def _quick_size(n: int) -> int:
    """The next number without prime factors over 5, of which fast Fourier transforms are made."""
    rest = n
    for factor in (2, 3, 5):
        while rest % factor == 0:
            rest //= factor
    return n if rest == 1 else _quick_size(n + 1)
