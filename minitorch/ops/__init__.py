"""What tensors can do. Importing this package attaches every operation to ``Tensor``."""

from . import compare, convert, creation, elementwise, index, inplace, matmul, reduce, shape

__all__ = ["compare", "convert", "creation", "elementwise", "index", "inplace", "matmul", "reduce", "shape"]
