"""Mirrored images."""

from __future__ import annotations

import numpy as np

from ...tensor import Tensor, wrap
from .transform import Transform, draw


class _RandomFlip(Transform):
    """Mirrors each image with probability ``p`` in one dimension."""

    _dim: int

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: expected p to be a probability from 0 to 1, got {p}")
        self.p = p

    def transform(self, images: Tensor) -> Tensor:
        chosen = np.flatnonzero(draw(len(images.data), 1)[:, 0] < self.p)
        if not chosen.size:
            return images
        xp = images.backend.xp
        positions = xp.asarray(chosen)
        output = images.data.copy()
        output[positions] = xp.flip(images.data[positions], self._dim)
        return wrap(output, images.backend)


class RandomHorizontalFlip(_RandomFlip):
    """Each image, or its mirror image (left and right exchanged) with probability ``p``.

    Every image takes one block of the generator's stream.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> transforms.RandomHorizontalFlip(p=1.0)(minitorch.tensor([[[1, 2, 3]]]))
    tensor([[[3, 2, 1]]])

    Raises:
        ValueError: ``p`` isn't from 0 to 1.
    """

    _dim = -1


class RandomVerticalFlip(_RandomFlip):
    """Each image, or with probability ``p`` upside down.

    Every image takes one block of the generator's stream.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> transforms.RandomVerticalFlip(p=1.0)(minitorch.tensor([[[1], [2], [3]]]))
    tensor([[[3],
             [2],
             [1]]])

    Raises:
        ValueError: ``p`` isn't from 0 to 1.
    """

    _dim = -2
