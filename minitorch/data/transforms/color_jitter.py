"""Images in other colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...tensor import Tensor, wrap
from .color import brightness, computed, contrast, grey, hue, saturation
from .transform import Transform, draw

Amount = float | Sequence[float] | None


class ColorJitter(Transform):
    """Changes brightness, contrast, saturation and hue of each image, by random factors and in random order.

    A factor is uniform between two numbers, which are given as a pair or follow from one number a:

    Args:
        brightness: ``[max(0, 1 - a), 1 + a]``, by which all values are multiplied.
        contrast: the same; values move away from the mean grey of the image, or to it.
        saturation: the same; values move away from the grey of their pixel, or to it.
        hue: ``[-a, a]`` with a ≤ 0.5: the part of a turn by which the circle of colours is turned.

    None leaves that property alone. Images have three channels, or one, which has neither saturation nor hue.

    Every image takes four blocks of the generator's stream. Unlike torchvision's, the images of a batch get factors
    and an order each.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> jitter = transforms.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
    >>> jitter(minitorch.rand(8, 3, 32, 32)).shape
    minitorch.Size([8, 3, 32, 32])
    >>> turn = transforms.ColorJitter(hue=(0.5, 0.5))
    >>> turn(minitorch.tensor([255, 0, 0], dtype=minitorch.uint8).reshape(3, 1, 1)).flatten()  # red to cyan
    tensor([  0, 255, 255], dtype=minitorch.uint8)

    Raises:
        ValueError: a number is negative, or a pair isn't in order or in its range.
        TypeError: neither a number nor a pair is given; the images are neither uint8 nor floating, or have other
            channels.
    """

    def __init__(
        self, brightness: Amount = None, contrast: Amount = None, saturation: Amount = None, hue: Amount = None
    ) -> None:
        self.brightness = _limits("brightness", brightness)
        self.contrast = _limits("contrast", contrast)
        self.saturation = _limits("saturation", saturation)
        self.hue = _limits("hue", hue)

    def transform(self, images: Tensor) -> Tensor:
        check_colours("ColorJitter", images)
        N = len(images.data)
        numbers = draw(N, 8)
        order = numbers[:, :4].argsort(1)
        xp, dtype = images.backend.xp, computed(images.data.dtype)
        steps = (
            (brightness, self.brightness),
            (contrast, self.contrast),
            (saturation, self.saturation),
            (hue, self.hue),
        )
        output = images.data.copy()
        for place in range(4):
            for k, (adjust, limits) in enumerate(steps):
                chosen = np.flatnonzero(order[:, place] == k)
                if limits is None or not chosen.size:
                    continue
                low, high = limits
                factors = (low + (high - low) * numbers[chosen, 4 + k]).astype(dtype).reshape(-1, 1, 1, 1)
                positions = xp.asarray(chosen)
                output[positions] = adjust(xp, output[positions], xp.asarray(factors))
        return wrap(output, images.backend)


class Grayscale(Transform):
    """``0.2989 · red + 0.587 · green + 0.114 · blue``, the brightness that the eye sees.

    Args:
        num_output_channels: 1, or 3 equal ones. Images of one channel stay as they are, or get it three times.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> transforms.Grayscale()(minitorch.tensor([255, 255, 0], dtype=minitorch.uint8).reshape(3, 1, 1))
    tensor([[[225]]], dtype=minitorch.uint8)

    Raises:
        ValueError: ``num_output_channels`` is neither 1 nor 3.
        TypeError: the images are neither uint8 nor floating, or have neither three channels nor one.
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        if num_output_channels not in (1, 3):
            raise ValueError(f"Grayscale: expected num_output_channels to be 1 or 3, got {num_output_channels}")
        self.num_output_channels = num_output_channels

    def transform(self, images: Tensor) -> Tensor:
        check_colours("Grayscale", images)
        output = grey(images.data).astype(images.data.dtype)
        return wrap(output.repeat(self.num_output_channels, axis=1), images.backend)


def check_colours(name: str, images: Tensor, channels: Sequence[int] = (1, 3)) -> None:
    """Whether these are images whose values and channels mean colours.

    Raises:
        TypeError: they are not.
    """
    if images.data.dtype != np.uint8 and not images.is_floating_point():
        raise TypeError(f"{name}: expected images of uint8 or a floating dtype, got {images.dtype}")
    if images.data.shape[-3] not in channels:
        numbers = " or ".join(map(str, channels))
        raise TypeError(f"{name}: expected images with {numbers} channels, got {images.data.shape[-3]}")


def _limits(name: str, amount: Any) -> tuple[float, float] | None:
    """Between which numbers a factor is drawn; None where it changes nothing."""
    if amount is None:
        return None
    centre, least, most = (0.0, -0.5, 0.5) if name == "hue" else (1.0, 0.0, math.inf)
    if isinstance(amount, (int, float)):
        if amount < 0:
            raise ValueError(f"ColorJitter: expected {name} not to be negative, got {amount}")
        low, high = centre - amount, centre + amount
        if name != "hue":
            low = max(low, 0.0)
    elif isinstance(amount, (tuple, list)) and len(amount) == 2:
        low, high = float(amount[0]), float(amount[1])
    else:
        raise TypeError(f"ColorJitter: expected {name} to be a number or a pair of numbers, got {amount!r}")
    if not least <= low <= high <= most:
        raise ValueError(f"ColorJitter: expected {name} between {least} and {most} and in order, got {(low, high)}")
    return None if low == high == centre else (low, high)
