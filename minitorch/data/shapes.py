"""Pictures of shapes, drawn when they are needed: something to recognise where there are no photographs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import get_backend
from ..ops.creation import from_numpy
from ..random import Generator, uniform, words
from ..tensor import Tensor
from .images import ImageDataset
from .shape_drawing import NUMBERS, SHAPES, Floats, draw

_PIXELS_AT_ONCE = 1 << 15


class Shapes(ImageDataset):
    """Drawn pictures of ten kinds of shapes. They are no photographs, and easier: a small network recognises them all.

    A circle, square, triangle, star, cross, ring, heart, crescent, semicircle or bar, of any light colour, size,
    rotation and place, on a darker background of changing colour, under noise. Nothing is downloaded.

    The picture with index i is of class ``i % num_classes``. It depends on the arguments and on i alone, and is the
    same on every machine: a longer dataset begins with the pictures of a shorter one.

    Args:
        train: the training set, or else the test set, which has other pictures.
        size: pixels a side.
        length: how many pictures; by default 10,000 for training and 2,000 for testing. They are kept in memory,
            ``3·size²`` bytes each.
        num_classes: how many of the kinds, in the order above.
        seed: other seeds give other pictures.
        transform, target_transform: applied to each picture and each class.

    Samples are ``(image, target)``: uint8 (3, size, size) from 0 to 255, and an int. Of ``data`` (N, 3, size, size),
    ``targets`` and ``classes``, and of how transforms meet batches, :class:`minitorch.data.ImageDataset` tells.

    >>> import minitorch
    >>> shapes = minitorch.data.Shapes(length=100)
    >>> shapes
    Shapes(100 images of 32×32, 10 classes)
    >>> image, target = shapes[13]
    >>> image.shape, image.dtype, shapes.classes[target]
    (minitorch.Size([3, 32, 32]), minitorch.uint8, 'star')

    Raises:
        ValueError: ``size`` is below 8, ``length`` below 0, or ``num_classes`` not from 1 to 10.
    """

    def __init__(
        self,
        train: bool = True,
        size: int = 32,
        length: int | None = None,
        num_classes: int = 10,
        seed: int = 0,
        transform: Callable[[Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        n = (10000 if train else 2000) if length is None else length
        for name, value, least, most in (
            ("size", size, 8, None),
            ("length", n, 0, None),
            ("num_classes", num_classes, 1, len(SHAPES)),
        ):
            if value < least or (most is not None and value > most):
                between = f"{least} or more" if most is None else f"from {least} to {most}"
                raise ValueError(f"Shapes: {name} should be {between}, got {value}")
        self.train = train
        self.size = size
        self.seed = Generator().manual_seed(seed).initial_seed()
        labels = np.arange(n, dtype=np.int64) % num_classes
        images = np.empty((n, 3, size, size), np.uint8)
        chunk = max(1, _PIXELS_AT_ONCE // size**2)
        for first in range(0, n, chunk):
            last = min(first + chunk, n)
            images[first:last] = draw(labels[first:last], self._numbers(first, last), self._noise(first, last))
        names = [shape.__name__ for shape in SHAPES[:num_classes]]
        super().__init__(from_numpy(images), from_numpy(labels), names, transform, target_transform)

    def _generator(self, stream: int, block: int) -> Generator:
        """Where numbers begin in one of four streams: those of the training and test set, each with its noise."""
        return Generator().set_state((self.seed, ((stream if self.train else stream + 2) << 60) + block))

    def _numbers(self, first: int, last: int) -> Floats:
        generator = self._generator(0, first * NUMBERS // 4)
        drawn: Floats = uniform(get_backend("cpu"), (last - first) * NUMBERS, np.float32, generator)
        return drawn.reshape(-1, NUMBERS)

    def _noise(self, first: int, last: int) -> Floats:
        """(N, 3, size, size), nearly normal with mean 0 and deviation 1: sums of the four bytes of a word."""
        needed = 3 * self.size**2
        taken = -(-needed // 4) * 4  # a picture's words are whole blocks of four
        drawn: NDArray[np.uint32] = words(
            get_backend("cpu"), (last - first) * taken, self._generator(1, first * taken // 4)
        )
        pairs = (drawn & 0x00FF00FF) + ((drawn >> 8) & 0x00FF00FF)
        sums = ((pairs & 0xFFFF) + (pairs >> 16)).astype(np.float32)
        # A byte has mean 127.5 and variance (256² - 1) / 12.
        noise: Floats = (sums - 510) * (3 / (256**2 - 1)) ** 0.5
        return noise.reshape(-1, taken)[:, :needed].reshape(-1, 3, self.size, self.size)
