"""Sums of arrays whose error doesn't grow with the number of elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LONG = 1024  # so many elements, added one after the other, lose at most the last three of a float32's seven digits


def total(array: Any, dims: tuple[int, ...], keepdims: bool = False) -> Any:
    """``array.sum`` in the array's own dtype.

    NumPy adds in pairs along the dimension whose elements are neighbours in memory: the error grows with the logarithm
    of their number. Along the others it adds one after the other, and 0.1 in float32, added a million times, is 1%
    off. There, long sums are kept in float64, which takes no longer: the memory sets the pace. CuPy adds in pairs.
    """
    dtype = array.dtype
    if dtype == np.float32 and array.size > LONG and isinstance(array, np.ndarray) and not _in_pairs(array, dims):
        return array.sum(axis=dims, dtype=np.float64, keepdims=keepdims).astype(dtype)
    return array.sum(axis=dims, dtype=dtype, keepdims=keepdims)


def _in_pairs(array: Any, dims: tuple[int, ...]) -> bool:
    """Whether the sum is short, or along the dimension of the smallest stride."""
    steps = {abs(stride): d for d, stride in enumerate(array.strides) if array.shape[d] > 1}
    return math.prod([array.shape[d] for d in dims]) <= LONG or steps[min(steps)] in dims
