"""Tensors from data, and factories."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import random
from ..dtypes import as_dtype, get_default_dtype, int64, of_scalar
from ..tensor import Tensor, array_of, backend_of, tensor_method, wrap
from .shape import sizes


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of ``data``: a number, nested lists, an array or a tensor.

    Python floats become the default dtype (float32), ints int64; arrays keep theirs.

    >>> import minitorch
    >>> minitorch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> minitorch.tensor([1.5], requires_grad=True)
    tensor([1.5000], requires_grad=True)

    Raises:
        TypeError: ``data`` holds something else than numbers.
        ValueError: nested lists differ in length.
    """
    backend = data.backend if device is None and isinstance(data, Tensor) else backend_of(device)
    return _factory(array_of(data, dtype, backend), backend, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, without copying where it already is a tensor or array of that dtype and device."""
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    if isinstance(data, np.ndarray) and (dtype is None or as_dtype(dtype).numpy == data.dtype) and device is None:
        return from_numpy(data)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    as_dtype(ndarray.dtype)
    return wrap(ndarray, backend_of(None))


def _factory(array: Any, backend: Any, requires_grad: bool) -> Tensor:
    out = wrap(array, backend)
    out.requires_grad = requires_grad
    return out


def _numpy_dtype(dtype: Any) -> Any:
    return (get_default_dtype() if dtype is None else as_dtype(dtype)).numpy


def _checked(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    shape = sizes(size)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"{name}: Trying to create tensor with negative dimension: {list(shape)}")
    return shape


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    backend = backend_of(device)
    return _factory(backend.xp.zeros(_checked("zeros", size), _numpy_dtype(dtype)), backend, requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones: ``ones(2, 3)`` or ``ones((2, 3))``."""
    backend = backend_of(device)
    return _factory(backend.xp.ones(_checked("ones", size), _numpy_dtype(dtype)), backend, requires_grad)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of whatever the memory holds."""
    backend = backend_of(device)
    return _factory(backend.empty(_checked("empty", size), _numpy_dtype(dtype)), backend, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor filled with a number, of that number's dtype unless one is given."""
    backend = backend_of(device)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    numpy_dtype = (of_scalar(value) if dtype is None else as_dtype(dtype)).numpy
    return _factory(backend.xp.full(_checked("full", (size,)), value, numpy_dtype), backend, requires_grad)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``start, start + step, …`` up to but without ``end``; ``arange(n)`` starts at 0.

    The dtype is int64 if all three are ints, else the default dtype.

    Raises:
        RuntimeError: ``step`` is 0 or leads away from ``end``.
    """
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: upper bound and lower bound inconsistent with step sign ({start}, {end}, {step})")
    if dtype is None:
        dtype = int64 if all(isinstance(v, int) for v in (start, end, step)) else get_default_dtype()
    backend = backend_of(device)
    # start + i*step in float64 or int64, then rounded once, as PyTorch does it.
    count = max(0, math.ceil((end - start) / step))
    array = start + backend.xp.arange(count) * step
    return _factory(array.astype(_numpy_dtype(dtype)), backend, requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` numbers from ``start`` to ``end``, both included, in equal distances."""
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    backend = backend_of(device)
    return _factory(backend.xp.linspace(start, end, steps, dtype=_numpy_dtype(dtype)), backend, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The n × m matrix (n × n by default) with ones on the diagonal and zeros elsewhere."""
    backend = backend_of(device)
    return _factory(backend.xp.eye(n, m, dtype=_numpy_dtype(dtype)), backend, requires_grad)


# ---- like another tensor ---------------------------------------------------------------------------------------------


def _like(input: Tensor, dtype: Any, device: Any) -> dict[str, Any]:
    return {"dtype": input.dtype if dtype is None else dtype, "device": input.device if device is None else device}


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape (and the dtype and device) of ``input``."""
    return zeros(input.data.shape, **_like(input, dtype, device), requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones in the shape (and the dtype and device) of ``input``."""
    return ones(input.data.shape, **_like(input, dtype, device), requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised memory in the shape (and the dtype and device) of ``input``."""
    return empty(input.data.shape, **_like(input, dtype, device), requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A number repeated in the shape (and the dtype and device) of ``input``."""
    return full(input.data.shape, fill_value, **_like(input, dtype, device), requires_grad=requires_grad)


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uniform random numbers in the shape (and the dtype and device) of ``input``."""
    return rand(input.data.shape, **_like(input, dtype, device), requires_grad=requires_grad)


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Standard normal random numbers in the shape (and the dtype and device) of ``input``."""
    return randn(input.data.shape, **_like(input, dtype, device), requires_grad=requires_grad)


@tensor_method("new_zeros")
def new_zeros(self: Tensor, *size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros with the dtype and device of this tensor."""
    numpy_dtype = self.data.dtype if dtype is None else _numpy_dtype(dtype)
    return _factory(self.backend.xp.zeros(_checked("new_zeros", size), numpy_dtype), self.backend, requires_grad)


@tensor_method("new_ones")
def new_ones(self: Tensor, *size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones with the dtype and device of this tensor."""
    numpy_dtype = self.data.dtype if dtype is None else _numpy_dtype(dtype)
    return _factory(self.backend.xp.ones(_checked("new_ones", size), numpy_dtype), self.backend, requires_grad)


@tensor_method("new_full")
def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A number repeated, with the dtype and device of this tensor."""
    numpy_dtype = self.data.dtype if dtype is None else _numpy_dtype(dtype)
    array = self.backend.xp.full(_checked("new_full", (size,)), fill_value, numpy_dtype)
    return _factory(array, self.backend, requires_grad)


@tensor_method("new_empty")
def new_empty(self: Tensor, *size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised memory with the dtype and device of this tensor."""
    numpy_dtype = self.data.dtype if dtype is None else _numpy_dtype(dtype)
    return _factory(self.backend.empty(_checked("new_empty", size), numpy_dtype), self.backend, requires_grad)


@tensor_method("new_tensor")
def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A copy of ``data`` with the dtype and device of this tensor."""
    array = array_of(data, self.dtype if dtype is None else dtype, self.backend)
    return _factory(array, self.backend, requires_grad)


# ---- random ----------------------------------------------------------------------------------------------------------


def _floating(name: str, dtype: Any) -> Any:
    numpy_dtype = _numpy_dtype(dtype)
    if numpy_dtype.kind != "f":
        raise RuntimeError(f"{name}: expected a floating-point dtype, got {dtype}")
    return numpy_dtype


def rand(
    *size: Any,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform random numbers from [0, 1)."""
    backend, shape = backend_of(device), _checked("rand", size)
    array = random.uniform(backend, math.prod(shape), _floating("rand", dtype), generator)
    return _factory(array.reshape(shape), backend, requires_grad)


def randn(
    *size: Any,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers of mean 0 and variance 1, normally distributed."""
    backend, shape = backend_of(device), _checked("randn", size)
    array = random.normal(backend, math.prod(shape), _floating("randn", dtype), generator)
    return _factory(array.reshape(shape), backend, requires_grad)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: random.Generator | None = None,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    """Random integers from [low, high): ``randint(10, (2, 3))`` or ``randint(5, 10, (2, 3))``."""
    if size is None:
        low, high, size = 0, low, high
    if high <= low:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    backend, shape = backend_of(device), _checked("randint", (size,))
    array = random.integers(backend, low, high, math.prod(shape), generator)
    return wrap(array.reshape(shape).astype((int64 if dtype is None else as_dtype(dtype)).numpy), backend)


def randperm(n: int, *, generator: random.Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The integers from 0 to n - 1 in random order."""
    backend = backend_of(device)
    array = random.permutation(backend, n, generator)
    return wrap(array.astype((int64 if dtype is None else as_dtype(dtype)).numpy), backend)
