"""Indexing: ``x[i]`` with integers, slices, ``None``, ``...``, bool masks and integer arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import ieee
from .inplace import check_in_place
from .shape import view_of


def _array_index(index: Any, input: Tensor) -> tuple[Any, bool]:
    """``index`` for the array module, and whether it is a basic one (which gives a view)."""
    basic = True
    converted = []
    for item in index if isinstance(index, tuple) else (index,):
        if isinstance(item, Tensor):
            if item.data.dtype.kind not in "biu":
                raise IndexError(f"tensors used as indices must be integer or bool tensors, got {item.dtype}")
            if item.backend is not input.backend:
                raise RuntimeError(
                    f"indices should be on the same device as the indexed tensor ({input.device}), got {item.device}"
                )
            item = item.data
        elif isinstance(item, (list, range)):
            item = input.backend.xp.asarray(item)
            if item.size == 0:
                item = item.astype(np.int64)
        basic = basic and (
            item is None
            or item is Ellipsis
            or (isinstance(item, (int, slice, np.integer)) and not isinstance(item, bool))
        )
        if isinstance(item, slice) and item.step is not None and int(item.step) <= 0:
            raise ValueError(f"step must be greater than zero, got {item.step}; use flip for a reversed tensor")
        converted.append(item)
    if basic and Ellipsis not in converted:
        converted.append(Ellipsis)  # with it, a single element is a view without dimensions; without it, a copy
    return tuple(converted), basic


class GetItem(Function):
    """The gradient goes back to where the elements came from, summed where one was taken more than once."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, index: Any, basic: bool) -> Tensor:
        if ctx.needs_input_grad[0] and not basic:
            # The owner of an index array may change it before backward, and no version counter would tell.
            index = tuple([item.copy() if hasattr(item, "copy") else item for item in index])
        ctx.shape, ctx.index, ctx.basic = input.data.shape, index, basic
        array = input.data[index]
        return view_of(input, array) if basic else wrap(array, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return PutItem.apply(grad_output, ctx.shape, ctx.index, ctx.basic), None, None


class PutItem(Function):
    """Zeros of ``shape`` with ``source`` added at ``index``: the adjoint of indexing."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, shape: tuple[int, ...], index: Any, basic: bool) -> Tensor:
        ctx.index, ctx.basic = index, basic
        xp = source.backend.xp
        out = xp.zeros(shape, dtype=source.data.dtype)
        if basic:
            out[index] = source.data
        else:
            ieee.run(xp.add.at, out, index, source.data)
        return wrap(out, source.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return GetItem.apply(grad_output, ctx.index, ctx.basic), None, None, None


@tensor_method("__getitem__")
def getitem(input: Tensor, index: Any) -> Tensor:
    """``input[index]``. Integers, slices, ``None`` and ``...`` give views; masks and integer arrays give copies.

    >>> import minitorch
    >>> x = minitorch.arange(6).reshape(2, 3)
    >>> x[1, ::2], x[x > 3]
    (tensor([3, 5]), tensor([4, 5]))

    Raises:
        IndexError: an index is out of range, or there are more of them than dimensions.
    """
    converted, basic = _array_index(index, input)
    return GetItem.apply(input, converted, basic)


@tensor_method("__setitem__")
def setitem(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``, in place; ``value`` is a number or a tensor that broadcasts to the elements.

    Raises:
        RuntimeError: the tensor, or ``value``, is part of a recorded graph and recording is on.
    """
    check_in_place("setitem", input, value)
    converted, _ = _array_index(index, input)
    source = value.data if isinstance(value, Tensor) else value
    shape = input.data[converted].shape
    try:
        input.data[converted] = source
    except ValueError:
        got = list(input.backend.xp.shape(source))
        raise RuntimeError(
            f"setitem: shape mismatch: value of shape {got} cannot be broadcast to the indexed shape {list(shape)}"
        ) from None
    input._bump_version()
