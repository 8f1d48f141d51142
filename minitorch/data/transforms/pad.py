"""Images with a border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ops.dispatch import fitting_number
from ...ops.geometry import int_of
from ...tensor import Tensor, wrap
from .transform import Transform

Borders = tuple[int, int, int, int]  # left, top, right, bottom
Fill = float | Sequence[float]

MODES = ("constant", "edge", "reflect", "symmetric")


class Pad(Transform):
    """Adds pixels around images.

    Args:
        padding: how many: an int for all sides, (left and right, top and bottom), or (left, top, right, bottom).
        fill: their value with ``"constant"``: a number, or one for each channel.
        padding_mode: what they are, of a row a b c d padded by 2:

            - ``"constant"``: ``fill``;
            - ``"edge"``: ``a a a b c d d d``;
            - ``"reflect"``: ``c b a b c d c b``;
            - ``"symmetric"``: ``b a a b c d d c``.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> image = minitorch.tensor([[[1, 2]]], dtype=minitorch.uint8)
    >>> transforms.Pad((2, 0), padding_mode="symmetric")(image)
    tensor([[[2, 1, 1, 2, 2, 1]]], dtype=minitorch.uint8)
    >>> transforms.Pad((0, 1, 0, 0), fill=255)(image)
    tensor([[[255, 255],
             [  1,   2]]], dtype=minitorch.uint8)

    Raises:
        ValueError: there are not 1, 2 or 4 numbers of pixels, one is negative, there is no such mode, or ``fill`` has
            not as many numbers as the images have channels.
        TypeError: a number of pixels is no int.
        RuntimeError: ``fill`` is too large for the dtype of the images.
    """

    def __init__(self, padding: int | Sequence[int], fill: Fill = 0, padding_mode: str = "constant") -> None:
        self.padding = borders_of("Pad", padding)
        self.fill = fill
        self.padding_mode = mode_of("Pad", padding_mode)

    def transform(self, images: Tensor) -> Tensor:
        return padded("Pad", images, self.padding, self.fill, self.padding_mode)


def padded(name: str, images: Tensor, borders: Borders, fill: Fill, mode: str) -> Tensor:
    """Images (N, C, H, W) with borders; themselves where these are 0."""
    left, top, right, bottom = borders
    if not any(borders):
        return images
    N, C, H, W = images.data.shape
    xp = images.backend.xp
    if mode != "constant":
        # Where the pixels of each row and column come from.
        rows, columns = [
            xp.asarray(np.pad(np.arange(n), edges, mode))  # type: ignore[call-overload]
            for n, edges in ((H, (top, bottom)), (W, (left, right)))
        ]
        return wrap(images.data.take(rows, axis=2).take(columns, axis=3), images.backend)
    fills = np.asarray(fill).reshape(-1)
    if len(fills) not in (1, C):
        raise ValueError(f"{name}: fill has {len(fills)} numbers, but the images have {C} channels")
    numbers = np.array([fitting_number(number, images.dtype) for number in fills.tolist()], images.data.dtype)
    output = xp.empty((N, C, H + top + bottom, W + left + right), images.data.dtype)
    output[...] = xp.asarray(numbers.reshape(-1, 1, 1))
    output[:, :, top : top + H, left : left + W] = images.data
    return wrap(output, images.backend)


def borders_of(name: str, padding: Any) -> Borders:
    """``padding`` as (left, top, right, bottom)."""
    numbers = [int_of(name, "padding", n) for n in (padding if isinstance(padding, (tuple, list)) else (padding,))]
    if len(numbers) not in (1, 2, 4) or min(numbers) < 0:
        raise ValueError(
            f"{name}: expected padding to be an int, or 1, 2 or 4 of them, that aren't negative, got {padding!r}"
        )
    left, top, right, bottom = (numbers * 4)[:4]
    return left, top, right, bottom


def mode_of(name: str, padding_mode: str) -> str:
    """Checks that there is such a mode."""
    if padding_mode not in MODES:
        raise ValueError(f"{name}: expected padding_mode to be one of {', '.join(MODES)}, got {padding_mode!r}")
    return padding_mode
