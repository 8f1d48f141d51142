"""Integers from 0 to 255 as numbers from 0 to 1, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dtypes import as_dtype, uint8
from ...tensor import Tensor, wrap
from .transform import Transform


class ToDtype(Transform):
    """Converts images to ``dtype``; with ``scale`` also their values, from 0…255 of uint8 to 0…1 of floating dtypes.

    Back from floating numbers to uint8 is ``⌊x·255.999⌋``, as in torchvision: 0…1 falls into 256 equal parts. Values
    outside 0…1 become 0 and 255 (where torchvision lets them wrap around). Between floating dtypes nothing is scaled.

    Args:
        dtype: the dtype of the result.
        scale: whether values are scaled. Without it they are converted as ``Tensor.to`` does.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> image = minitorch.tensor([[[0, 51, 255]]], dtype=minitorch.uint8)
    >>> transforms.ToDtype(minitorch.float32, scale=True)(image)
    tensor([[[0.0000, 0.2000, 1.0000]]])

    Raises:
        TypeError: ``dtype`` is none; or, with ``scale``, an image isn't converted between uint8 and a floating dtype.
    """

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        self.dtype = as_dtype(dtype)
        self.scale = scale

    def transform(self, images: Tensor) -> Tensor:
        old, new = images.dtype, self.dtype
        if old is new or not self.scale or (old.is_floating_point and new.is_floating_point):
            return images.to(new)
        if uint8 in (old, new) and (old.is_floating_point or new.is_floating_point):
            # float16 by way of float32: it has too few digits for either factor.
            computed = np.promote_types(np.float32, (new if old is uint8 else old).numpy)
            factor = computed.type(1 / 255 if old is uint8 else 255.999)
            scaled = wrap(images.backend.xp.multiply(images.data, factor, dtype=computed), images.backend)
            return scaled.to(new) if old is uint8 else scaled.clamp(0, 255).to(new)
        raise TypeError(
            f"ToDtype: scale=True is for images of uint8 that become floating, or the other way round; got {old} to "
            f"become {new}"
        )
