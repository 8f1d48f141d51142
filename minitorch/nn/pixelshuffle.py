"""Layers that turn channels into pixels and back."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .module import Module


class PixelShuffle(Module):
    """r² channels become r × r pixels: (…, C·r², H, W) → (…, C, H·r, W·r). The last layer of sub-pixel convolution.

    >>> import minitorch
    >>> minitorch.nn.PixelShuffle(3)(minitorch.randn(1, 9, 4, 4)).shape
    minitorch.Size([1, 1, 12, 12])

    Raises:
        RuntimeError: in the call, where r² doesn't divide the channels.

    Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural
    network" (2016).
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """r × r pixels become r² channels: (…, C, H·r, W·r) → (…, C·r², H, W). It undoes :class:`PixelShuffle`.

    >>> import minitorch
    >>> minitorch.nn.PixelUnshuffle(3)(minitorch.randn(1, 1, 12, 12)).shape
    minitorch.Size([1, 9, 4, 4])

    Raises:
        RuntimeError: in the call, where r doesn't divide height and width.
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"
