"""Sums, as exact as float64 makes them."""

from __future__ import annotations

import numpy as np

from .windows import Array, ieee


@ieee
def sum(input: Array, dims: tuple[int, ...], keepdims: bool = False) -> Array:
    """The sum over ``dims``, added up in float64 and rounded once."""
    return np.asarray(input.sum(axis=dims, dtype=np.float64, keepdims=keepdims), input.dtype, order="C")
