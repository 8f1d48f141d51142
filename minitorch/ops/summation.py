"""Sums of arrays of any dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

_SUMMED_BY_BACKENDS = (np.dtype(np.float32), np.dtype(np.float64))


def total(backend: Any, array: Any, dims: tuple[int, ...], keepdims: bool = False) -> Any:
    """``array.sum`` in the array's own dtype, for floats with an error that hardly grows with their number."""
    if array.dtype in _SUMMED_BY_BACKENDS:
        return backend.sum(array, dims, keepdims)
    return array.sum(axis=dims, dtype=array.dtype, keepdims=keepdims)
