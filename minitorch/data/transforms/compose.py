"""One transform after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...ops.join import stack
from ...tensor import Tensor
from .transform import Transform


class Compose(Transform):
    """Applies ``transforms`` in their order.

    Args:
        transforms: transforms, or other functions of one image. A :class:`Transform` gets a batch as a whole, another
            function image by image.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> prepare = transforms.Compose(
    ...     [
    ...         transforms.ToDtype(minitorch.float32, scale=True),
    ...         transforms.Normalize(mean=[0.5], std=[0.5]),
    ...         lambda image: image.flip(-1),
    ...     ]
    ... )
    >>> prepare(minitorch.tensor([[[0, 255]]], dtype=minitorch.uint8))
    tensor([[[ 1., -1.]]])

    Raises:
        TypeError: ``transforms`` is no sequence of functions.
        ValueError: it is empty.
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        if not isinstance(transforms, Sequence) or not all(map(callable, transforms)):
            raise TypeError(f"Compose: expected a sequence of callables as transforms, got {transforms!r}")
        if not transforms:
            raise ValueError("Compose: pass at least one transform")
        self.transforms = list(transforms)

    def __call__(self, input: Any) -> Any:
        for transform in self.transforms:
            input = apply(transform, input)
        return input


def apply(transform: Callable[[Any], Any], images: Any) -> Any:
    """``transform(images)``, image by image where these are several and it is a function of one.

    >>> import minitorch
    >>> apply(lambda image: image.sum((1, 2)), minitorch.ones(2, 3, 4, 4))
    tensor([[16., 16., 16.],
            [16., 16., 16.]])
    """
    if isinstance(transform, Transform) or not isinstance(images, Tensor) or images.ndim <= 3:
        return transform(images)
    return stack([apply(transform, image) for image in images])
