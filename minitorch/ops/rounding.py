"""Rounding, element by element. All of it is piecewise constant: the gradients are 0. Integers stay as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..devices import on_its_device
from ..tensor import Tensor, tensor_method, wrap
from .dispatch import Constant, check_kind, ieee


@on_its_device
def _rounded(name: str, input: Tensor, xp_name: str) -> Tensor:
    check_kind(name, input, "if")
    if input.data.dtype.kind != "f":
        return wrap(input.data.copy(), input.backend)
    return Constant.apply(getattr(input.backend.xp, xp_name)(input.data), input)


@tensor_method("floor")
def floor(input: Tensor) -> Tensor:
    """``⌊input⌋``: the largest integer not above each element, in the same dtype. Its gradient is 0.

    >>> import minitorch
    >>> minitorch.floor(minitorch.tensor([1.7, -1.2]))
    tensor([ 1., -2.])

    Raises:
        NotImplementedError: the tensor is bool.
    """
    return _rounded("floor", input, "floor")


@tensor_method("ceil")
def ceil(input: Tensor) -> Tensor:
    """``⌈input⌉``: the smallest integer not below each element, in the same dtype. Its gradient is 0.

    >>> import minitorch
    >>> minitorch.ceil(minitorch.tensor([1.2, -1.7]))
    tensor([ 2., -1.])

    Raises:
        NotImplementedError: the tensor is bool.
    """
    return _rounded("ceil", input, "ceil")


@tensor_method("trunc", "fix")
def trunc(input: Tensor) -> Tensor:
    """Each element without its fractional part: rounded towards zero, in the same dtype. Its gradient is 0.

    >>> import minitorch
    >>> minitorch.trunc(minitorch.tensor([1.7, -1.7]))
    tensor([ 1., -1.])

    Raises:
        NotImplementedError: the tensor is bool.
    """
    return _rounded("trunc", input, "trunc")


@tensor_method("round")
@on_its_device
def round_(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with ``decimals`` digits after the point; halves go to the even one. Its gradient is 0.

    A negative ``decimals`` rounds to tens, hundreds and so on. As in PyTorch, elements are multiplied by a power of
    ten, rounded to integers and divided again: a number of which that product isn't exact may go the other way, and
    where it overflows the result is infinite.

    >>> import minitorch
    >>> minitorch.round(minitorch.tensor([0.5, 1.5, -2.7]))
    tensor([ 0.,  2., -3.])
    >>> minitorch.round(minitorch.tensor([1234.567]), decimals=-2)
    tensor([1200.])

    Raises:
        NotImplementedError: the tensor is bool, or of integers and ``decimals`` isn't 0.
    """
    if decimals == 0:
        return _rounded("round", input, "rint")
    check_kind("round with decimals", input, "f")
    return Constant.apply(ieee.run(_to_decimals, input.data, decimals, input.backend.xp), input)


def _to_decimals(x: Any, decimals: int, xp: Any) -> Any:
    power = x.dtype.type(np.float64(10) ** abs(decimals))
    return xp.rint(x / power) * power if decimals < 0 else xp.rint(x * power) / power
