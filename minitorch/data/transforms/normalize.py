"""Values with mean 0 and deviation 1 in every channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...tensor import Tensor, wrap
from .transform import Transform


class Normalize(Transform):
    """``(x - mean[c]) / std[c]`` in channel c.

    Args:
        mean, std: a number for each channel, or one for all; for ImageNet usually (0.485, 0.456, 0.406) and
            (0.229, 0.224, 0.225), of values from 0 to 1.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> image = minitorch.tensor([[[0.0, 0.5]], [[0.5, 1.0]]])
    >>> transforms.Normalize(mean=[0.5, 0.75], std=[0.5, 0.25])(image)
    tensor([[[-1.,  0.]],
            [[-1.,  1.]]])

    torchvision's argument ``inplace`` is missing: images are never changed in place.

    Raises:
        TypeError: the images aren't floating: use :class:`ToDtype` first.
        ValueError: a deviation is zero, or there are not as many numbers as channels.
    """

    def __init__(self, mean: Sequence[float] | float, std: Sequence[float] | float) -> None:
        self.mean = _numbers("mean", mean)
        self.std = _numbers("std", std)
        if 0 in self.std:
            raise ValueError(f"Normalize: std has a zero, by which nothing can be divided: {self.std}")

    def transform(self, images: Tensor) -> Tensor:
        if not images.is_floating_point():
            raise TypeError(
                f"Normalize: expected floating images, got {images.dtype}; put ToDtype(minitorch.float32, scale=True) "
                f"before it"
            )
        C = images.data.shape[1]
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if len(numbers) not in (1, C):
                raise ValueError(f"Normalize: {name} has {len(numbers)} numbers, but the images have {C} channels")
        xp, dtype = images.backend.xp, images.data.dtype
        mean, std = [xp.asarray(np.array(n, dtype).reshape(-1, 1, 1)) for n in (self.mean, self.std)]
        output = images.data - mean
        output /= std
        return wrap(output, images.backend)


def _numbers(name: str, value: Any) -> list[float]:
    array = np.asarray(value, np.float64)
    if array.ndim > 1 or not array.size:
        raise ValueError(f"Normalize: expected {name} to be a number, or one for each channel, got {value!r}")
    return [float(number) for number in array.reshape(-1)]
