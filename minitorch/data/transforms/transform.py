"""What all transforms have in common: images in, images out, and where their random numbers come from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autograd import is_grad_enabled
from ...backends import get_backend
from ...devices import on_its_device
from ...random import uniform
from ...tensor import Tensor


class Transform:
    """A function of images: of one, (C, H, W), or of any number in leading dimensions, (…, C, H, W).

    A subclass defines ``transform(images)``, which gets a batch (N, C, H, W) and gives as many results; N is 1 for a
    single image. It must not write into ``images``, which may be the dataset's own memory. The result may share it.

    Unlike torchvision's, a random transform draws anew for every image of a batch. It draws from the generator of
    :func:`minitorch.manual_seed`, in a :class:`~minitorch.data.DataLoader` from a stream of the batch's own.

    Transforms prepare data: no operation is recorded for ``backward()``.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> class Invert(transforms.Transform):
    ...     def transform(self, images):
    ...         return 255 - images
    >>> invert = Invert()
    >>> invert(minitorch.tensor([[[0, 255]]], dtype=minitorch.uint8))
    tensor([[[255,   0]]], dtype=minitorch.uint8)

    Raises:
        TypeError: the input is no tensor.
        ValueError: it has less than three dimensions.
        RuntimeError: it requires a gradient, which would be lost.
    """

    @on_its_device
    def __call__(self, input: Any) -> Any:
        name = type(self).__name__
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}: expected a tensor of images (..., C, H, W), got {type(input).__name__}")
        shape = tuple(input.data.shape)
        if len(shape) < 3:
            raise ValueError(f"{name}: expected images (..., C, H, W), got a tensor of shape {shape}")
        if input.requires_grad and is_grad_enabled():
            raise RuntimeError(
                f"{name}: the input requires a gradient, but transforms record no operations; pass input.detach()"
            )
        images = input.reshape(math.prod(shape[:-3]), *shape[-3:])
        output = self.transform(images)
        return output.reshape(*shape[:-3], *output.data.shape[1:])

    def transform(self, images: Tensor) -> Tensor:
        """The results for a batch of images (N, C, H, W)."""
        raise NotImplementedError(f"{type(self).__name__} does not define transform")

    def __repr__(self) -> str:
        options = [f"{name}={value!r}" for name, value in vars(self).items() if not name.startswith("_")]
        return f"{type(self).__name__}({', '.join(options)})"


def draw(images: int, numbers: int) -> NDArray[np.float64]:
    """Random numbers from [0, 1), so many for each image: (images, numbers).

    An image takes whole blocks of the generator's stream. So a batch gets what its images would get one after another,
    and how far the stream moves depends on nothing but the number of images.
    """
    even = numbers + numbers % 2  # a block holds two numbers of 53 bits
    drawn = uniform(get_backend("cpu"), images * even, np.float64, None).reshape(images, even)
    return drawn[:, :numbers]  # type: ignore[no-any-return]
