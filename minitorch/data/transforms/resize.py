"""Images in another size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dtypes import float32, uint8
from ...ops.geometry import Pair, int_of
from ...ops.interpolate import interpolate
from ...tensor import Tensor, wrap
from .size import sizes_of
from .transform import Transform

FILTERS = ("bilinear", "bicubic", "lanczos", "box", "hamming")  # of Pillow, which average
NEAREST = ("nearest", "nearest-exact")  # of interpolate(), which take one pixel
POINTWISE = (*NEAREST, "bilinear", "bicubic")  # what there is without antialiasing: those of interpolate()


class Resize(Transform):
    """Images in another size.

    Args:
        size: an int: the length of the shorter edge, the ratio of both stays. (height, width): exactly these.
        interpolation: ``"bilinear"``, ``"bicubic"``, ``"lanczos"``, ``"box"``, ``"hamming"``, ``"nearest"`` or
            ``"nearest-exact"``.
        max_size: with an int as ``size``: the longer edge becomes no longer than this. With None: exactly this long.
        antialias: whether an image that shrinks is averaged over all its pixels, as a good photograph needs it, or
            taken from the two or four next to a point, which is what :func:`minitorch.nn.functional.interpolate` does.

    Antialiasing is Pillow's work: on the CPU, for uint8 in integers, for floating dtypes in float32. All else works on
    every device. Floating values that overshoot (``"bicubic"``, ``"lanczos"``) are not clipped, uint8 are.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> transforms.Resize(16)(minitorch.zeros(3, 32, 64, dtype=minitorch.uint8)).shape
    minitorch.Size([3, 16, 32])
    >>> transforms.Resize((1, 2))(minitorch.tensor([[[0.0, 1.0, 2.0, 3.0]]]))
    tensor([[[0.7143, 2.2857]]])

    Raises:
        ImportError: Pillow is needed, but not installed.
        TypeError: ``size`` is no int or pair; the images are neither uint8 nor floating.
        ValueError: ``size`` isn't positive or doesn't go with ``max_size``; there is no such interpolation, or not
            without antialiasing; an image has no pixels or would have none.
        NotImplementedError: the images are on a GPU, for which there is no antialiasing.
    """

    def __init__(
        self,
        size: int | Sequence[int] | None,
        interpolation: str = "bilinear",
        max_size: int | None = None,
        antialias: bool = True,
    ) -> None:
        self.size = None if size is None else sizes_of("Resize", size)
        self.interpolation = interpolation_of("Resize", interpolation, antialias)
        self.max_size = None if max_size is None else int_of("Resize", "max_size", max_size)
        self.antialias = antialias
        if self.size is None and self.max_size is None:
            raise ValueError("Resize: without a size, max_size must be an int, got None")
        if self.size is not None and self.max_size is not None:
            if len(self.size) == 2:
                raise ValueError(f"Resize: max_size is for a size that is one int (or None), got size={size}")
            if self.max_size <= self.size[0]:
                raise ValueError(f"Resize: max_size={max_size} must be greater than the shorter edge, size={size}")

    def transform(self, images: Tensor) -> Tensor:
        H, W = images.data.shape[-2:]
        return resized("Resize", images, self._new_size(H, W), self.interpolation, self.antialias)

    def _new_size(self, H: int, W: int) -> Pair:
        if self.size is not None and len(self.size) == 2:
            return self.size[0], self.size[1]
        short, long = min(H, W), max(H, W)
        if not short:
            return H, W  # nothing can be told of the ratio; resized() says so
        if self.size is None:
            new_short, new_long = int((self.max_size or 0) * short / long), self.max_size or 0
        else:
            new_short, new_long = self.size[0], int(self.size[0] * long / short)
            if self.max_size is not None and new_long > self.max_size:
                new_short, new_long = int(self.max_size * new_short / new_long), self.max_size
        return (new_short, new_long) if H <= W else (new_long, new_short)


def resized(name: str, images: Tensor, size: Pair, interpolation: str, antialias: bool) -> Tensor:
    """Images (N, C, H, W) in the size (height, width)."""
    if 0 in images.data.shape[-2:] or min(size) < 1:
        raise ValueError(f"{name}: can't make an image of size {size} of one of size {tuple(images.data.shape[-2:])}")
    if images.dtype is not uint8 and not images.is_floating_point():
        raise TypeError(f"{name}: expected images of uint8 or a floating dtype, got {images.dtype}")
    if size == images.data.shape[-2:]:
        return images
    if not images.data.size:
        return images.new_empty((*images.data.shape[:2], *size))
    if antialias and interpolation in FILTERS:
        return _averaged(name, images, size, interpolation)
    if interpolation in NEAREST or images.is_floating_point():
        return interpolate(images, size, mode=interpolation)
    return interpolate(images.to(float32), size, mode=interpolation).round().clamp(0, 255).to(uint8)


def interpolation_of(name: str, interpolation: str, antialias: bool) -> str:
    """Checks that there is such an interpolation."""
    if interpolation not in (*FILTERS, *NEAREST):
        names = ", ".join((*FILTERS, *NEAREST))
        raise ValueError(f"{name}: expected interpolation to be one of {names}, got {interpolation!r}")
    if not antialias and interpolation not in POINTWISE:
        raise ValueError(f"{name}: {interpolation!r} is always antialiased, but antialias={antialias}")
    return interpolation


def _averaged(name: str, images: Tensor, size: Pair, interpolation: str) -> Tensor:
    """By Pillow, which antialiases, one channel after the other: an image of one channel needs no rearranging."""
    if images.is_cuda:
        raise NotImplementedError(
            f"{name}: Pillow resizes on the CPU only, the images are on {images.device}; do it before .to('cuda'), or "
            f"without antialiasing (antialias=False)"
        )
    Image = _pillow(name)
    N, C, H, W = images.data.shape
    values = images.data if images.dtype is uint8 else images.data.astype(np.float32, copy=False)
    output = np.empty((N, C, *size), images.data.dtype)
    for plane, target in zip(values.reshape(N * C, H, W), output.reshape(N * C, *size), strict=True):
        picture = Image.fromarray(np.ascontiguousarray(plane))
        target[...] = picture.resize(size[::-1], Image.Resampling[interpolation.upper()])
    return wrap(output, images.backend)


def _pillow(name: str) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"{name}: images are resized by Pillow: pip install pillow") from error
    return Image
