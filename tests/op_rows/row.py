"""What a row of the table of operations is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch.testing import Case, Source, apart, binary, unary
from minitorch.testing.operation import Operation
from minitorch.testing.strategies import Array, Shape
from minitorch.testing.suite import INTEGERS_AND_BOOL

__all__ = [
    "INTEGERS",
    "INTEGERS_AND_BOOL",
    "Array",
    "Case",
    "Mistake",
    "Op",
    "Shape",
    "Source",
    "apart",
    "binary",
    "each",
    "functional",
    "method",
    "named",
    "taken",
    "unary",
]

INTEGERS = INTEGERS_AND_BOOL[:3]


@dataclass(frozen=True)
class Mistake:
    """A wrong call, and what it must raise; the same type in PyTorch, unless ``as_pytorch`` is False."""

    call: Callable[[Any], Any]  # takes the library: minitorch or torch
    error: type[Exception]
    message: str  # a regular expression
    as_pytorch: bool = True


@dataclass(frozen=True)
class Op(Operation):
    """A row: an operation as ``minitorch.testing`` checks it, and how it compares with PyTorch's."""

    in_torch: Callable[[Case], bool] = lambda case: True  # whether PyTorch takes it, so that ``call`` works there
    mistakes: tuple[Mistake, ...] = ()


def named(name: str) -> Callable[..., Any]:
    """``call`` of an operation that is a function of the library: ``lib.name(*tensors, **kwargs)``."""
    return lambda lib, *tensors, **kwargs: getattr(lib, name)(*tensors, **kwargs)


def method(name: str) -> Callable[..., Any]:
    """``call`` of an operation that is a method of the first tensor."""
    return lambda lib, input, *tensors, **kwargs: getattr(input, name)(*tensors, **kwargs)


def functional(name: str) -> Callable[..., Any]:
    """``call`` of an operation of ``nn.functional``."""
    return lambda lib, *tensors, **kwargs: getattr(lib.nn.functional, name)(*tensors, **kwargs)


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    """The reference of an elementwise operation: a function of Python numbers, applied to every element."""

    def reference(*arrays: Array, **kwargs: Any) -> Array:
        arrays = tuple(np.broadcast_arrays(*arrays))
        results = [function(*numbers, **kwargs) for numbers in zip(*(a.ravel().tolist() for a in arrays), strict=True)]
        dtype = type(results[0]) if results else arrays[0].dtype
        return np.array(results, dtype=dtype).reshape(arrays[0].shape)

    return reference


def taken(array: Array, shape: Shape, source: Callable[[Shape], Shape]) -> Array:
    """The reference of an operation that moves elements: ``out[i] = array[source(i)]``, element by element."""
    out = np.empty(shape, array.dtype)
    for index in np.ndindex(*shape):
        out[index] = array[source(index)]
    return out
