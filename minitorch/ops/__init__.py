"""What tensors can do. Importing this package attaches every operation to ``Tensor``."""

from . import (
    activation,
    arithmetic,
    compare,
    conv,
    convert,
    creation,
    elementwise,
    index,
    inplace,
    loss,
    matmul,
    pool,
    reduce,
    selection,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "compare",
    "conv",
    "convert",
    "creation",
    "elementwise",
    "index",
    "inplace",
    "loss",
    "matmul",
    "pool",
    "reduce",
    "selection",
    "shape",
]
