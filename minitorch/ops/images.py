"""Signals and single images as batches of images (N, C, H, W), which is what kernels work on, and back."""

from __future__ import annotations

from ..tensor import Tensor
from .shape import reshape

Shape = tuple[int, ...]


def to_images(input: Tensor, dims: int) -> Tensor:
    """(N, C, H, W) of what may also be one image (C, H, W); for ``dims=1``, of signals (N, C, L) or (C, L).

    Signals are images with one row. The weight (O, C, K) of a convolution becomes (O, C, 1, K) in the same way.
    """
    shape = input.data.shape
    if len(shape) == 4:
        return input
    N, C, *size = shape if len(shape) == dims + 2 else (1, *shape)
    return reshape(input, (N, C, *size) if dims == 2 else (N, C, 1, *size))


def from_images(output: Tensor, input: Shape, dims: int) -> Tensor:
    """A result (N, O, OH, OW) without the dimensions that :func:`to_images` added to an input of shape ``input``."""
    if len(input) == 4:
        return output
    shape = output.data.shape
    return reshape(output, (*shape[dims + 2 - len(input) : 2], *shape[4 - dims :]))
