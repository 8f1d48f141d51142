"""Parts of images: the middle, or somewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...ops.geometry import Pair
from ...tensor import Tensor, wrap
from .pad import Fill, borders_of, mode_of, padded
from .size import size_of
from .transform import Transform, draw


class CenterCrop(Transform):
    """The middle of images. Those that are smaller than ``size`` get a border of zeros first.

    Args:
        size: an int for a square, or (height, width).

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> transforms.CenterCrop((1, 2))(minitorch.arange(12).reshape(1, 3, 4))
    tensor([[[5, 6]]])

    Raises:
        TypeError, ValueError: ``size`` is neither.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_of("CenterCrop", size)

    def transform(self, images: Tensor) -> Tensor:
        (H, W), (height, width) = images.data.shape[-2:], self.size
        down, across = max(height - H, 0), max(width - W, 0)
        borders = across // 2, down // 2, across - across // 2, down - down // 2
        return center_crop(padded("CenterCrop", images, borders, 0, "constant"), self.size)


def center_crop(images: Tensor, size: Pair) -> Tensor:
    """The middle of images that are large enough; where it lies between two pixels, at the even one of both."""
    (H, W), (height, width) = images.data.shape[-2:], size
    top, left = round((H - height) / 2), round((W - width) / 2)
    return images[..., top : top + height, left : left + width]


class RandomCrop(Transform):
    """A part of each image, anywhere with the same probability.

    Args:
        size: of the part: an int for a square, or (height, width).
        padding: a border that the images get first, as for :class:`Pad`; by default none.
        pad_if_needed: images that are still smaller get a border on both sides, as wide as what is missing.
        fill, padding_mode: of the border, as for :class:`Pad`.

    Every image takes one block of the generator's stream.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> crop = transforms.RandomCrop(32, padding=4)  # as usual for CIFAR-10
    >>> crop(minitorch.zeros(5, 3, 32, 32)).shape
    minitorch.Size([5, 3, 32, 32])

    Raises:
        TypeError, ValueError: of the arguments, as those of :class:`Pad`.
        ValueError: an image is smaller than ``size``, also with its border.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Fill = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = size_of("RandomCrop", size)
        self.padding = None if padding is None else borders_of("RandomCrop", padding)
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = mode_of("RandomCrop", padding_mode)

    def transform(self, images: Tensor) -> Tensor:
        left, top, right, bottom = self.padding or (0, 0, 0, 0)
        height, width = self.size
        if self.pad_if_needed:
            across = max(width - (images.data.shape[3] + left + right), 0)
            down = max(height - (images.data.shape[2] + top + bottom), 0)
            left, top, right, bottom = left + across, top + down, right + across, bottom + down
        images = padded("RandomCrop", images, (left, top, right, bottom), self.fill, self.padding_mode)
        N, C, H, W = images.data.shape
        if height > H or width > W:
            raise ValueError(
                f"RandomCrop: the crop of size {self.size} is larger than the image of size {(H, W)}, its border "
                f"included; pad_if_needed=True makes the border wide enough"
            )
        places = np.floor(draw(N, 2) * (H - height + 1, W - width + 1)).astype(np.int64).tolist()
        output = images.backend.xp.empty((N, C, height, width), images.data.dtype)
        for image, part, (y, x) in zip(images.data, output, places, strict=True):
            part[...] = image[:, y : y + height, x : x + width]
        return wrap(output, images.backend)
