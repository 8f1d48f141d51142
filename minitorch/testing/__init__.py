"""What tests of operations need, Minitorch's own and yours.

- :func:`check_op` checks an operation of yours in every way in which Minitorch's own are checked, in one call;
- :func:`assert_close` compares results, with PyTorch's tolerances;
- ``tensors``, ``arrays``, ``shapes``, ``broadcastable``, ``conv2d_cases`` and ``pool2d_cases`` are strategies for
  Hypothesis, for properties of your own;
- ``Source`` and ``Case``, ``unary``, ``binary`` and ``apart`` say which inputs ``check_op`` tries.

All but ``assert_close`` need Hypothesis (``pip install hypothesis``), which is imported when the first is used.

What a mistake looks like:

>>> import numpy as np
>>> from minitorch.autograd import Function
>>> class Square(Function):
...     @staticmethod
...     def forward(ctx, input):
...         ctx.save_for_backward(input)
...         return input * input
...
...     @staticmethod
...     def backward(ctx, grad_output):
...         (input,) = ctx.saved_tensors
...         return grad_output * input  # the 2 is forgotten
>>> from minitorch.testing import check_op, unary
>>> try:
...     check_op(Square.apply, inputs=unary(), reference=np.square)
... except AssertionError as error:
...     print(error)  # doctest: +ELLIPSIS
Square(float64 ()) fails the check 'gradient'
GradcheckError: gradcheck: Jacobian mismatch for output 0 with respect to input 0
operation:    SquareBackward
worst:        d output 0 / d input 0
...
likely cause: the gradient is off by a factor of 2 (too small: multiply it by 2)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .assertions import assert_close

if TYPE_CHECKING:
    from .cases import Case, Source, apart, binary, unary
    from .strategies import Conv2dCase, Pool2dCase, arrays, broadcastable, conv2d_cases, pool2d_cases, shapes, tensors
    from .suite import check_op

__all__ = [
    "Case",
    "Conv2dCase",
    "Pool2dCase",
    "Source",
    "apart",
    "arrays",
    "assert_close",
    "binary",
    "broadcastable",
    "check_op",
    "conv2d_cases",
    "pool2d_cases",
    "shapes",
    "tensors",
    "unary",
]

_CASES = ("Case", "Source", "apart", "binary", "unary")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "suite" if name == "check_op" else "cases" if name in _CASES else "strategies"
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
