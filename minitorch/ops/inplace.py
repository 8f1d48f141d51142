"""Writing into tensors: what in-place operations have in common, and ``zero_``, ``fill_`` and ``copy_``.

In-place operations are for memory that no recorded graph depends on: optimisers, initialisation, buffers. On a tensor
that is part of a recorded graph they raise while recording is on; under ``no_grad`` they are allowed, and version
counters notice where a graph needed the old value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import is_grad_enabled
from ..devices import on, on_its_device
from ..tensor import Tensor, tensor_method
from .dispatch import ieee


def is_writeable(array: Any) -> bool:
    """Whether each element has its own place, and it may change. NumPy knows; CuPy lets anything be written."""
    if isinstance(array, np.ndarray):
        return bool(array.flags.writeable)
    return array.size == 0 or all(stride or n < 2 for stride, n in zip(array.strides, array.shape, strict=True))


def check_in_place(
    name: str, input: Tensor, *others: Any, instead: str = "Write the out-of-place form (x = x + y)"
) -> None:
    """Raises RuntimeError where changing ``input`` in place would have to be recorded, or can't be done at all.

    ``instead`` is what the message advises.
    """
    if not is_writeable(input.data):
        raise RuntimeError(
            f"{name}: this tensor is read-only: an expanded view, or made of a read-only array. Change a clone() of it."
        )
    if not is_grad_enabled():
        return
    for tensor in (input, *others):
        if isinstance(tensor, Tensor) and tensor._requires_grad:
            if tensor is not input:
                what = "a tensor that requires grad would be written into one that is no part of its graph"
            elif tensor.grad_fn is None:
                what = "a leaf Variable that requires grad is being used in an in-place operation"
            else:
                what = f"the tensor is part of a recorded graph (its grad_fn is {tensor.grad_fn.name()})"
            raise RuntimeError(
                f"{name}: {what}; its shape is {list(tensor.data.shape)}. {instead}, or do it "
                f"inside `with minitorch.no_grad():`."
            )


@on_its_device
def store(input: Tensor, value: Any) -> Tensor:
    """Writes ``value``, an array or a number that the caller has checked, into all of ``input``."""
    ieee.run(input.data.__setitem__, ..., unshared(value, input))
    input._bump_version()
    return input


def unshared(value: Any, input: Tensor) -> Any:
    """``value``, an array or a number, or a copy where writing it into ``input`` would change it on the way.

    NumPy looks after that by itself; CuPy's threads would read what others have written.
    """
    if input.is_cuda and hasattr(value, "ndim") and input.backend.xp.may_share_memory(value, input.data):
        return value.copy()
    return value


@tensor_method("zero_")
def zero_(input: Tensor) -> Tensor:
    """Fills the tensor with zeros, and returns it.

    >>> import minitorch
    >>> minitorch.ones(3).zero_()
    tensor([0., 0., 0.])

    Raises:
        RuntimeError: as :func:`fill_`.
    """
    check_in_place("zero_", input)
    return store(input, 0)


@tensor_method("fill_")
def fill_(input: Tensor, value: Any) -> Tensor:
    """Fills the tensor with a number, or with a tensor of one element, and returns it.

    >>> import minitorch
    >>> x = minitorch.zeros(2, 3)
    >>> column = x[:, 0].fill_(7)  # a view of x
    >>> x
    tensor([[7., 0., 0.],
            [7., 0., 0.]])

    Raises:
        RuntimeError: the tensor is read-only, or the change would have to be recorded.
    """
    check_in_place("fill_", input, value)
    return store(input, value.item() if isinstance(value, Tensor) else value)


@tensor_method("copy_")
def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Copies ``src``, which may be broadcast, cast and on another device, into the tensor, and returns it.

    ``non_blocking`` is as in :meth:`to`, for copies to a GPU.

    >>> import minitorch
    >>> minitorch.zeros(2, 3).copy_(minitorch.tensor([1, 2, 3]))
    tensor([[1., 2., 3.],
            [1., 2., 3.]])

    Raises:
        RuntimeError: ``src`` doesn't broadcast to the shape, the tensor is read-only, or the change would have to be
            recorded.
    """
    check_in_place("copy_", input, src)
    array = src.data if src.backend is input.backend else input.backend.move(src.data, non_blocking and input.is_cuda)
    try:
        with on(input.backend):
            array = input.backend.xp.broadcast_to(array, input.data.shape)
    except ValueError:
        raise RuntimeError(
            f"copy_: the source's shape {list(src.data.shape)} does not broadcast to the tensor's "
            f"{list(input.data.shape)}"
        ) from None
    return store(input, array)
