"""What tensors can do. Importing this package attaches every operation to ``Tensor``."""

from . import (
    arithmetic,
    compare,
    convert,
    creation,
    elementwise,
    index,
    inplace,
    matmul,
    reduce,
    selection,
    shape,
)

__all__ = [
    "arithmetic",
    "compare",
    "convert",
    "creation",
    "elementwise",
    "index",
    "inplace",
    "matmul",
    "reduce",
    "selection",
    "shape",
]
