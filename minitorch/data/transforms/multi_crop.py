"""Several parts of an image, all of which a network looks at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ...ops.geometry import Pair
from ...ops.join import stack
from ...ops.softmax import softmax
from ...tensor import Tensor
from .crop import center_crop
from .size import size_of
from .transform import Transform


class FiveCrop(Transform):
    """The four corners of images, and the middle: (…, C, H, W) → (…, 5, C, height, width).

    In this order: top left, top right, bottom left, bottom right, middle. torchvision gives a tuple of them.

    Args:
        size: an int for squares, or (height, width).

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> transforms.FiveCrop(1)(minitorch.arange(9).reshape(1, 3, 3)).flatten()
    tensor([0, 2, 6, 8, 4])

    Raises:
        TypeError, ValueError: ``size`` is neither.
        ValueError: an image is smaller.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_of("FiveCrop", size)

    def transform(self, images: Tensor) -> Tensor:
        return stack(_five_crops("FiveCrop", images, self.size), 1)


class TenCrop(Transform):
    """The four corners of images, the middle, and the mirror images of all: (…, C, H, W) → (…, 10, C, height, width).

    In the order of :class:`FiveCrop`, those of the mirror image last. torchvision gives a tuple of them.
    :func:`average_over_crops` makes one prediction of them.

    Args:
        size: an int for squares, or (height, width).
        vertical_flip: the other five are upside down, not mirrored.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> transforms.TenCrop(1)(minitorch.arange(9).reshape(1, 3, 3)).flatten()
    tensor([0, 2, 6, 8, 4, 2, 0, 8, 6, 4])

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks" (2012),
    section 4.1.

    Raises:
        TypeError, ValueError: ``size`` is neither.
        ValueError: an image is smaller.
    """

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False) -> None:
        self.size = size_of("TenCrop", size)
        self.vertical_flip = vertical_flip

    def transform(self, images: Tensor) -> Tensor:
        mirrored = images.flip(-2 if self.vertical_flip else -1)
        crops = [_five_crops("TenCrop", side, self.size) for side in (images, mirrored)]
        return stack(crops[0] + crops[1], 1)


def _five_crops(name: str, images: Tensor, size: Pair) -> list[Tensor]:
    (H, W), (height, width) = images.data.shape[-2:], size
    if height > H or width > W:
        raise ValueError(f"{name}: the crops of size {size} are larger than the image of size {(H, W)}")
    corners = [
        images[..., top : top + height, left : left + width] for top in (0, H - height) for left in (0, W - width)
    ]
    return [*corners, center_crop(images, size)]


def average_over_crops(model: Callable[[Tensor], Any], crops: Tensor) -> Tensor:
    """The probabilities of the classes, as the mean of the softmax of what ``model`` says of each crop.

    So the 2012 AlexNet was evaluated (section 4.1 of the paper), which brought 1.5 points more than the middle alone.

    Args:
        model: gives scores (N, classes) of images (N, C, H, W).
        crops: (…, crops, C, H, W), as :class:`TenCrop` makes them. The model gets all at once.

    Returns:
        Probabilities (…, classes).

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> images = minitorch.rand(2, 3, 8, 8)
    >>> model = minitorch.nn.Sequential(minitorch.nn.Flatten(), minitorch.nn.Linear(3 * 6 * 6, 4))
    >>> transforms.average_over_crops(model, transforms.TenCrop(6)(images)).shape
    minitorch.Size([2, 4])

    Raises:
        ValueError: ``crops`` has less than four dimensions.
    """
    shape = tuple(crops.data.shape)
    if len(shape) < 4:
        raise ValueError(f"average_over_crops: expected crops (..., crops, C, H, W), got a tensor of shape {shape}")
    probabilities = softmax(model(crops.reshape(math.prod(shape[:-3]), *shape[-3:])), -1)
    return probabilities.reshape(*shape[:-3], probabilities.data.shape[-1]).mean(-2)
