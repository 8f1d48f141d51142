"""Brightness, contrast, saturation and hue of images, each image by a factor of its own.

All take an array (N, C, H, W), uint8 from 0 to 255 or floating from 0 to 1, and factors (N, 1, 1, 1), and give an array
like the first. In between they compute in float32 or float64; for uint8, fractions are cut off, as by torchvision.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# What the eye makes of red, green and blue: ITU-R BT.601, to the digits that Matlab and torchvision have.
GREY_WEIGHTS = (0.2989, 0.587, 0.114)


def grey(images: Any) -> Any:
    """The brightness that the eye sees, unrounded: (N, 3 or 1, H, W) → (N, 1, H, W)."""
    dtype = computed(images.dtype)
    if images.shape[1] == 1:
        return images.astype(dtype, copy=False)
    red, green, blue = (dtype.type(weight) for weight in GREY_WEIGHTS)
    return red * images[:, 0:1] + green * images[:, 1:2] + blue * images[:, 2:3]


def brightness(xp: Any, images: Any, factors: Any) -> Any:
    """``factor · x``: 0 is black, 1 the image itself."""
    return stored(xp, images * factors, images.dtype)


def contrast(xp: Any, images: Any, factors: Any) -> Any:
    """``m + factor · (x - m)`` with the mean grey m of the image: 0 is a grey area."""
    mean = _grey_levels(xp, images).mean((1, 2, 3), dtype=factors.dtype, keepdims=True)
    return _blended(xp, images, mean, factors)


def saturation(xp: Any, images: Any, factors: Any) -> Any:
    """``g + factor · (x - g)`` with the grey g of each pixel: 0 is a grey image."""
    return images if images.shape[1] == 1 else _blended(xp, images, _grey_levels(xp, images), factors)


def hue(xp: Any, images: Any, factors: Any) -> Any:
    """Turns the circle of colours by ``factor`` of a whole turn: from red by 1/3 to green, by 2/3 to blue.

    Of the hexagonal cone of hues, saturations and values (HSV) only the hue changes: the smallest channel L and the
    chroma C, the largest less the smallest, stay as they are. With the hue h in sixths of a turn, from 0 to 6, and
    ramps that are cut off at 0 and 1, red is ``L + C·(|h - 3| - 1)``, green ``L + C·(2 - |h - 2|)``, blue
    ``L + C·(2 - |h - 4|)``.

    Smith, "Color gamut transform pairs" (1978).
    """
    if images.shape[1] == 1:
        return images
    dtype = computed(images.dtype)
    red, green, blue = (images[:, c].astype(dtype, copy=False) for c in range(3))
    largest = xp.maximum(xp.maximum(red, green), blue)
    smallest = xp.minimum(xp.minimum(red, green), blue)
    chroma = largest - smallest
    divisor = xp.where(chroma > 0, chroma, dtype.type(1))  # a grey has no hue, whatever is made of it is grey again
    sixths = xp.where(
        largest == red,
        (green - blue) / divisor,
        xp.where(largest == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    sixths += 6 * factors[:, 0]
    sixths -= 6 * xp.floor(sixths / 6)
    output = xp.empty(images.shape, images.dtype)
    for c, (middle, edge, slope) in enumerate([(3, -1, 1), (2, 2, -1), (4, 2, -1)]):
        turned = smallest + chroma * xp.clip(edge + slope * abs(sixths - middle), 0, 1)
        if images.dtype == np.uint8:
            turned *= dtype.type(255.999 / 255)  # 0…1 falls into 256 equal parts, as by ToDtype
        output[:, c] = turned.astype(images.dtype, copy=False)
    return output


def stored(xp: Any, values: Any, dtype: Any) -> Any:
    """Clipped to the range of images of ``dtype``, and in it."""
    return xp.clip(values, 0, 255 if dtype == np.uint8 else 1).astype(dtype, copy=False)


def computed(dtype: Any) -> Any:
    """The dtype to compute in for images of ``dtype``."""
    return np.promote_types(np.float32, dtype)


def _grey_levels(xp: Any, images: Any) -> Any:
    levels = grey(images)
    return xp.floor(levels) if images.dtype == np.uint8 else levels


def _blended(xp: Any, images: Any, others: Any, factors: Any) -> Any:
    values = images * factors
    values += others * (1 - factors)
    return stored(xp, values, images.dtype)
