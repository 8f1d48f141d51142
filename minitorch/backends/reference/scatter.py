"""Adding and writing to places that an index names."""

from __future__ import annotations

from typing import Any

import numpy as np

from .windows import Array, ieee


@ieee
def index_add(output: Array, index: Array, source: Array) -> None:
    """``add.at`` takes them one after the other, where ``output[:, index] += source`` would keep the last one only."""
    np.add.at(output, (slice(None), index), source)  # type: ignore[arg-type]  # a tuple with a slice is an index too


@ieee
def index_put(output: Array, index: tuple[Any, ...], source: Array) -> None:
    """NumPy writes one element after the other, so that the last one stays."""
    output[index] = source
