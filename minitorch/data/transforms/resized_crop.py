"""A part of an image in a given size: the augmentation of networks for ImageNet."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...tensor import Tensor
from .resize import interpolation_of, resized
from .size import size_of
from .transform import Transform, draw

ATTEMPTS = 10


class RandomResizedCrop(Transform):
    """A part of each image, of random size and form, enlarged or shrunk to ``size``.

    The part's area is the image's times a number that is uniform in ``scale``, its width divided by its height a number
    whose logarithm is uniform in ``ratio``; it lies anywhere with the same probability. If ten such parts are larger
    than the image, its middle is taken, as much as ``ratio`` allows.

    Args:
        size: an int for a square, or (height, width).
        scale: the least and the largest share of the image's area.
        ratio: the least and the largest width divided by height.
        interpolation, antialias: as for :class:`Resize`.

    Every image takes eleven blocks of the generator's stream.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> photo = minitorch.zeros(3, 375, 500, dtype=minitorch.uint8)
    >>> transforms.RandomResizedCrop(224)(photo).shape
    minitorch.Size([3, 224, 224])

    Szegedy et al., "Going deeper with convolutions" (2014), section 6.

    Raises:
        ImportError, TypeError, NotImplementedError: as those of :class:`Resize`.
        ValueError: also where ``scale`` or ``ratio`` aren't two positive numbers, the smaller one first.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: str = "bilinear",
        antialias: bool = True,
    ) -> None:
        self.size = size_of("RandomResizedCrop", size)
        for name, value in (("scale", scale), ("ratio", ratio)):
            if not isinstance(value, (tuple, list)) or len(value) != 2 or not 0 < value[0] <= value[1]:
                raise ValueError(
                    f"RandomResizedCrop: expected {name} to be two positive numbers, the smaller one first, got {value}"
                )
        self.scale = scale[0], scale[1]
        self.ratio = ratio[0], ratio[1]
        self.interpolation = interpolation_of("RandomResizedCrop", interpolation, antialias)
        self.antialias = antialias

    def transform(self, images: Tensor) -> Tensor:
        N, C, H, W = images.data.shape
        output = images.new_empty((N, C, *self.size))
        for i, (top, left, height, width) in enumerate(self._boxes(N, H, W).tolist()):
            part = images[i : i + 1, :, top : top + height, left : left + width]
            made = resized("RandomResizedCrop", part, self.size, self.interpolation, self.antialias)
            output.data[i] = made.data[0]
        return output

    def _boxes(self, N: int, H: int, W: int) -> NDArray[np.int64]:
        """(top, left, height, width) of a part for each of N images of H × W pixels."""
        numbers = draw(N, 2 * ATTEMPTS + 2)
        area = H * W * _between(self.scale, numbers[:, :ATTEMPTS])
        log_ratio = math.log(self.ratio[0]), math.log(self.ratio[1])
        ratio = np.exp(_between(log_ratio, numbers[:, ATTEMPTS : 2 * ATTEMPTS]))
        widths, heights = np.rint(np.sqrt(area * ratio)), np.rint(np.sqrt(area / ratio))
        fits = (widths > 0) & (widths <= W) & (heights > 0) & (heights <= H)
        first = np.arange(N), fits.argmax(1)
        sizes = np.stack([heights[first], widths[first]], 1)
        places = np.floor(numbers[:, -2:] * ([H + 1, W + 1] - sizes))
        boxes = np.concatenate([places, sizes], 1)
        boxes[~fits.any(1)] = self._middle(H, W)
        return boxes.astype(np.int64)

    def _middle(self, H: int, W: int) -> tuple[int, int, int, int]:
        """The largest part in the middle whose ratio is allowed."""
        height, width = H, W
        if not height or not width:
            pass  # what is wrong with that, resized() says
        elif self.ratio[0] > W / H:
            height = max(round(W / self.ratio[0]), 1)
        elif self.ratio[1] < W / H:
            width = max(round(H * self.ratio[1]), 1)
        return (H - height) // 2, (W - width) // 2, height, width


def _between(limits: tuple[float, float], numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers from [0, 1) as numbers from [low, high)."""
    low, high = limits
    return low + (high - low) * numbers
