"""Sorting, and what follows from it: the largest few, the median.

NaN counts as larger than any number. Equal elements keep their order, whether ``stable`` is asked for or not. Gradients
go to where the elements came from.
"""

from __future__ import annotations

import math
from operator import index
from typing import Any

from ..devices import on_its_device
from ..tensor import Tensor, tensor_method, wrap
from . import return_types
from .dispatch import check_kind
from .extremes import Pick, check_not_empty, elements_at
from .join import narrow
from .reduce import dim_of
from .shape import squeeze


def _sorting(input: Tensor, dim: int, descending: bool) -> Any:
    """The indices that sort along ``dim``: an array."""
    xp, array = input.backend.xp, input.data
    if not array.ndim:
        return xp.zeros((), "int64")
    if not descending:
        return xp.argsort(array, axis=dim, kind="stable")
    # Sorted from behind and read from behind: the largest first, and equal elements in their order.
    backwards = xp.argsort(xp.flip(array, dim), axis=dim, kind="stable")
    return array.shape[dim] - 1 - xp.flip(backwards, dim)


@tensor_method("sort")
@on_its_device
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool | None = False) -> return_types.sort:
    """The elements in order along ``dim`` and the indices where they stood, as the named pair (values, indices).

    NaN comes last, or first with ``descending``. Equal elements keep their order, ``stable`` or not.

    >>> import minitorch
    >>> minitorch.tensor([3, 1, 2]).sort(descending=True)
    minitorch.return_types.sort(
    values=tensor([3, 2, 1]),
    indices=tensor([0, 2, 1]))

    Raises:
        IndexError: ``dim`` is out of range.
    """
    dim = dim_of(dim, input.data.ndim)
    indices = wrap(_sorting(input, dim, descending), input.backend)
    return return_types.sort(elements_at(input, indices, dim), indices)


@tensor_method("argsort")
@on_its_device
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """The indices that :func:`sort` returns.

    >>> import minitorch
    >>> minitorch.tensor([3, 1, 2]).argsort()
    tensor([1, 2, 0])
    """
    dim = dim_of(dim, input.data.ndim)
    return wrap(_sorting(input, dim, descending), input.backend)


@tensor_method("topk")
@on_its_device
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> return_types.topk:
    """The ``k`` largest (or smallest) elements along ``dim`` in order, as the named pair (values, indices).

    Of equal elements the first are taken, the first of them first. PyTorch leaves open which are, and with
    ``sorted=False`` also the order; here they are in order either way.

    >>> import minitorch
    >>> minitorch.tensor([1., 4., 2., 3.]).topk(2).indices
    tensor([1, 3])

    Raises:
        IndexError: ``dim`` is out of range.
        RuntimeError: ``k`` is negative or larger than the dimension, or the elements are bools.
    """
    dim, k = dim_of(dim, input.data.ndim), index(k)
    size = input.data.shape[dim] if input.data.ndim else 1
    if not 0 <= k <= size:
        raise RuntimeError(f"topk: selected index k out of range: k={k}, but dimension {dim} has {size} elements")
    check_kind("topk", input, "if")
    indices = wrap(_sorting(input, dim, largest), input.backend)
    if input.data.ndim:
        indices = narrow(indices, dim, 0, k)
    return return_types.topk(elements_at(input, indices, dim), indices)


# ---- median ----------------------------------------------------------------------------------------------------------


@on_its_device
def _median_of_all(input: Tensor) -> Tensor:
    xp, array = input.backend.xp, input.data
    if array.size == 0:
        value = xp.full((1,), math.nan if array.dtype.kind == "f" else xp.iinfo(array.dtype).min, array.dtype)
    else:
        middle, last = (array.size - 1) // 2, array.size - 1
        value = xp.partition(array.reshape(-1), (middle, last))[middle:]
        value = xp.where(value[-1:] != value[-1:], value[-1:], value[:1])  # NaN is sorted last, and wins
    return Pick.apply(input, value.reshape((1,) * array.ndim), tuple(range(array.ndim)), False)


@on_its_device
def _medians_along(input: Tensor, dim: int, keepdim: bool) -> return_types.median:
    dim = dim_of(dim, input.data.ndim)
    indices = wrap(_sorting(input, dim, False), input.backend)
    if input.data.ndim:
        check_not_empty("median", input, (dim,))
        xp, array = input.backend.xp, input.data
        size = array.shape[dim]
        numbers = (array == array).sum(axis=dim, keepdims=True)  # the first NaN, if any, was sorted behind them
        middle = xp.where(numbers < size, numbers, (size - 1) // 2)
        indices = wrap(xp.take_along_axis(indices.data, middle, axis=dim), input.backend)
    values = elements_at(input, indices, dim)
    if not keepdim:
        values, indices = squeeze(values, dim), squeeze(indices, dim)
    return return_types.median(values, indices)


@tensor_method("median")
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of all elements, or with ``dim`` the named pair (values, indices) of the medians along it.

    Of an even number of elements it is the lower one of the two in the middle. It is NaN where an element is. Without
    ``dim`` equal elements share the gradient evenly; with it the gradient goes to the element that the index names.

    >>> import minitorch
    >>> minitorch.tensor([4., 1., 3., 2.]).median()
    tensor(2.)

    Raises:
        IndexError: ``dim`` is out of range or empty.
        RuntimeError: the elements are bools.
    """
    check_kind("median", input, "if")
    if dim is not None:
        return _medians_along(input, dim, keepdim)
    if keepdim:
        raise TypeError("median(): keepdim=True needs a dim")
    return _median_of_all(input)
