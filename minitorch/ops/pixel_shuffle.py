"""Channels into pixels and back: a convolution that computes several pixels for each one that it sees.

Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural
network" (2016).
"""

from __future__ import annotations

from ..tensor import Tensor
from .geometry import int_of
from .permute import permute
from .shape import reshape


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """r² channels become r × r pixels: (…, C·r², H, W) → (…, C, H·r, W·r) for an ``upscale_factor`` of r.

    ``output[c, h·r + i, w·r + j] = input[c·r² + i·r + j, h, w]``.

    >>> import minitorch
    >>> minitorch.pixel_shuffle(minitorch.arange(8).reshape(4, 1, 2), 2)
    tensor([[[0, 2, 1, 3],
             [4, 6, 5, 7]]])

    Raises:
        RuntimeError: fewer than 3 dimensions; r is not positive, or r² doesn't divide the channels.
    """
    r = _factor("pixel_shuffle", input, "upscale_factor", upscale_factor)
    *batch, C, H, W = input.data.shape
    if C % r**2:
        raise RuntimeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={C} is not divisible by {r**2}"
        )
    parts = reshape(input, (*batch, C // r**2, r, r, H, W))
    return reshape(_permuted(parts, len(batch), (0, 3, 1, 4, 2)), (*batch, C // r**2, H * r, W * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """r × r pixels become r² channels: (…, C, H·r, W·r) → (…, C·r², H, W). It undoes :func:`pixel_shuffle`.

    >>> import minitorch
    >>> minitorch.pixel_unshuffle(minitorch.tensor([[[0, 2, 1, 3], [4, 6, 5, 7]]]), 2).flatten()
    tensor([0, 1, 2, 3, 4, 5, 6, 7])

    Raises:
        RuntimeError: fewer than 3 dimensions; r is not positive, or doesn't divide height and width.
    """
    r = _factor("pixel_unshuffle", input, "downscale_factor", downscale_factor)
    *batch, C, H, W = input.data.shape
    for side, size, dim in (("height", H, -2), ("width", W, -1)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {side} to be divisible by downscale_factor, but input.size({dim})={size} is "
                f"not divisible by {r}"
            )
    parts = reshape(input, (*batch, C, H // r, r, W // r, r))
    return reshape(_permuted(parts, len(batch), (0, 2, 4, 1, 3)), (*batch, C * r**2, H // r, W // r))


def _permuted(parts: Tensor, batch: int, order: tuple[int, ...]) -> Tensor:
    """The dimensions behind the first ``batch`` in another order."""
    return permute(parts, (*range(batch), *(batch + dim for dim in order)))


def _factor(name: str, input: Tensor, argument: str, factor: int) -> int:
    """The factor, checked, and the rank of the input with it."""
    if input.data.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with {input.data.ndim} dimension(s)"
        )
    factor = int_of(name, argument, factor)
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {argument}, but got {factor}")
    return factor
