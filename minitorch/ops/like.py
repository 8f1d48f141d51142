"""Factories that take the dtype and device from another tensor, and some of them its shape too."""

from __future__ import annotations

from typing import Any

from ..devices import on
from ..dtypes import as_dtype
from ..tensor import Tensor, array_of, backend_of, tensor_method
from .creation import made, number, shape_of
from .dispatch import check_tensors, fitting_number


def place(input: Tensor, dtype: Any, device: Any) -> tuple[Any, Any]:
    """The backend and the array module's dtype of a new tensor: those of ``input`` where they aren't given."""
    backend = input.backend if device is None else backend_of(device)
    return backend, input.data.dtype if dtype is None else as_dtype(dtype).numpy


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape (and the dtype and device) of ``input``.

    >>> import minitorch
    >>> minitorch.zeros_like(minitorch.tensor([[1, 2, 3]]))
    tensor([[0, 0, 0]])

    Raises:
        TypeError: ``input`` is no tensor.
    """
    check_tensors("zeros_like", input=input)
    return new_zeros(input, input.data.shape, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape (and the dtype and device) of ``input``.

    >>> import minitorch
    >>> minitorch.ones_like(minitorch.tensor([[1, 2, 3]]), dtype=minitorch.float32)
    tensor([[1., 1., 1.]])

    Raises:
        TypeError: ``input`` is no tensor.
    """
    check_tensors("ones_like", input=input)
    return new_ones(input, input.data.shape, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised memory in the shape (and the dtype and device) of ``input``.

    >>> import minitorch
    >>> minitorch.empty_like(minitorch.zeros(2, 3)).shape
    minitorch.Size([2, 3])

    Raises:
        TypeError: ``input`` is no tensor.
    """
    check_tensors("empty_like", input=input)
    return new_empty(input, input.data.shape, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A number repeated in the shape (and the dtype and device) of ``input``.

    >>> import minitorch
    >>> minitorch.full_like(minitorch.zeros(2, 2), 7)
    tensor([[7., 7.],
            [7., 7.]])

    Raises:
        TypeError: ``input`` is no tensor, or ``fill_value`` no number.
        RuntimeError: ``fill_value`` is too large for the dtype.
    """
    check_tensors("full_like", input=input)
    return new_full(input, input.data.shape, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)


@tensor_method("new_zeros")
def new_zeros(
    self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros with the dtype and device of this tensor.

    >>> import minitorch
    >>> minitorch.tensor([1, 2]).new_zeros(3)
    tensor([0, 0, 0])

    Raises:
        TypeError, RuntimeError: as :func:`minitorch.zeros`.
    """
    backend, d = place(self, dtype, device)
    with on(backend):
        return made(backend.xp.zeros(shape_of("new_zeros", sizes, size), d), backend, requires_grad)


@tensor_method("new_ones")
def new_ones(
    self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones with the dtype and device of this tensor.

    >>> import minitorch
    >>> minitorch.tensor([1, 2]).new_ones(3)
    tensor([1, 1, 1])

    Raises:
        TypeError, RuntimeError: as :func:`minitorch.zeros`.
    """
    backend, d = place(self, dtype, device)
    with on(backend):
        return made(backend.xp.ones(shape_of("new_ones", sizes, size), d), backend, requires_grad)


@tensor_method("new_empty")
def new_empty(
    self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Uninitialised memory with the dtype and device of this tensor.

    >>> import minitorch
    >>> minitorch.tensor([1, 2]).new_empty(2, 3).dtype
    minitorch.int64

    Raises:
        TypeError, RuntimeError: as :func:`minitorch.zeros`.
    """
    backend, d = place(self, dtype, device)
    return made(backend.empty(shape_of("new_empty", sizes, size), d), backend, requires_grad)


@tensor_method("new_full")
def new_full(
    self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A number repeated, with the dtype and device of this tensor.

    >>> import minitorch
    >>> minitorch.tensor([1, 2]).new_full((3,), 7)
    tensor([7, 7, 7])

    Raises:
        TypeError: ``size`` is no tuple of ints, or ``fill_value`` no number.
        RuntimeError: ``fill_value`` is too large for the dtype.
    """
    backend, d = place(self, dtype, device)
    shape = shape_of("new_full", (), size)
    value = fitting_number(number("new_full", "fill_value", fill_value), as_dtype(d))
    with on(backend):
        return made(backend.xp.full(shape, value, d), backend, requires_grad)


@tensor_method("new_tensor")
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A copy of ``data``, as :func:`minitorch.tensor` takes it, with the dtype and device of this tensor.

    >>> import minitorch
    >>> minitorch.tensor([1, 2]).new_tensor([2.7, 3])
    tensor([2, 3])

    Raises:
        TypeError, ValueError, RuntimeError: as :func:`minitorch.tensor`.
    """
    backend, d = place(self, dtype, device)
    return made(array_of(data, d, backend), backend, requires_grad)
