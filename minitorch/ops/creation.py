"""Tensors from data, and factories. All take ``dtype``, ``device`` and ``requires_grad``."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..devices import on
from ..dtypes import as_dtype, bool_, get_default_dtype, int64, of_scalar
from ..tensor import Tensor, array_of, backend_of, wrap
from .dispatch import fitting_number, ieee


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of ``data``: a number, nested lists, an array or a tensor.

    Python floats become the default dtype (float32), ints int64; arrays and tensors keep theirs.

    >>> import minitorch
    >>> minitorch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> minitorch.tensor([1.5], requires_grad=True)
    tensor([1.5000], requires_grad=True)

    Raises:
        TypeError: ``data`` holds strings.
        ValueError: nested lists differ in length, or a number is too large for int64.
        RuntimeError: ``data`` holds something else than numbers, or a number is too large for ``dtype``.
    """
    backend = data.backend if device is None and isinstance(data, Tensor) else backend_of(device)
    return made(array_of(data, dtype, backend), backend, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``data`` as a tensor, without copying where it already is a tensor or array of that dtype and device.

    >>> import minitorch
    >>> x = minitorch.tensor([1, 2])
    >>> minitorch.as_tensor(x) is x, minitorch.as_tensor([1, 2], dtype=minitorch.float32)
    (True, tensor([1., 2.]))

    Raises:
        TypeError, ValueError, RuntimeError: as :func:`tensor`.
    """
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    same_dtype = isinstance(data, np.ndarray) and (dtype is None or as_dtype(dtype).numpy == data.dtype)
    if same_dtype and backend_of(device) is backend_of("cpu"):
        return from_numpy(data)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor that shares the memory of a NumPy array: what one writes, the other reads.

    >>> import minitorch, numpy
    >>> array = numpy.zeros(2, dtype="float32")
    >>> x = minitorch.from_numpy(array)
    >>> array[0] = 5
    >>> x
    tensor([5., 0.])

    Raises:
        TypeError: it is no array, or of a dtype that Minitorch doesn't have.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    as_dtype(ndarray.dtype)
    return wrap(ndarray, backend_of("cpu"))


def made(array: Any, backend: Any, requires_grad: bool) -> Tensor:
    """What factories return."""
    out = wrap(array, backend)
    out.requires_grad = requires_grad
    return out


def numpy_dtype(dtype: Any) -> Any:
    """A factory's ``dtype`` argument for the array module: the default dtype where it is None."""
    return (get_default_dtype() if dtype is None else as_dtype(dtype)).numpy


def integer(name: str, argument: str, value: Any) -> int:
    """An integer that was given to ``name``.

    Raises:
        TypeError: it is none, or a bool.
    """
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{name}: expected {argument} to be an int, got {type(value).__name__}")


def shape_of(name: str, sizes: tuple[Any, ...], size: Any = None) -> tuple[int, ...]:
    """The shape in ``f(2, 3)``, ``f((2, 3))`` or ``f(size=(2, 3))``.

    Raises:
        TypeError: none is given, or something else than ints.
        RuntimeError: one is negative.
    """
    if size is not None:
        sizes = (size,)
    if not sizes:
        raise TypeError(f"{name}: expected a size, such as {name}(2, 3)")
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    shape = tuple([integer(name, "every size", n) for n in sizes])
    if shape and min(shape) < 0:
        raise RuntimeError(f"{name}: Trying to create tensor with negative dimension: {list(shape)}")
    return shape


def number(name: str, argument: str, value: Any) -> Any:
    """A Python number, or the one in a tensor without dimensions.

    Raises:
        TypeError: it is something else.
    """
    if (isinstance(value, Tensor) and value.data.ndim == 0) or isinstance(value, np.generic):
        return value.item()
    try:
        of_scalar(value)
    except TypeError:
        raise TypeError(f"{name}: expected {argument} to be a number, got {type(value).__name__}") from None
    return value


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros: ``zeros(2, 3)``, ``zeros((2, 3))`` or ``zeros(size=(2, 3))``.

    >>> import minitorch
    >>> minitorch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])

    Raises:
        TypeError: a size is no int.
        RuntimeError: a size is negative.
    """
    backend = backend_of(device)
    with on(backend):
        return made(backend.xp.zeros(shape_of("zeros", sizes, size), numpy_dtype(dtype)), backend, requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones; sizes as :func:`zeros` takes them.

    >>> import minitorch
    >>> minitorch.ones(2, dtype=minitorch.int64)
    tensor([1, 1])

    Raises:
        TypeError, RuntimeError: as :func:`zeros`.
    """
    backend = backend_of(device)
    with on(backend):
        return made(backend.xp.ones(shape_of("ones", sizes, size), numpy_dtype(dtype)), backend, requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of whatever the memory holds, to be filled: nothing is written. Sizes as :func:`zeros` takes them.

    >>> import minitorch
    >>> minitorch.empty(2, 3).fill_(0.5)
    tensor([[0.5000, 0.5000, 0.5000],
            [0.5000, 0.5000, 0.5000]])

    Raises:
        TypeError, RuntimeError: as :func:`zeros`.
    """
    backend = backend_of(device)
    return made(backend.empty(shape_of("empty", sizes, size), numpy_dtype(dtype)), backend, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor filled with a number, of that number's dtype unless one is given.

    >>> import minitorch
    >>> minitorch.full((2,), 7)
    tensor([7, 7])

    Raises:
        TypeError: ``size`` is no tuple of ints, or ``fill_value`` no number.
        RuntimeError: ``fill_value`` is too large for the dtype.
    """
    backend = backend_of(device)
    value = number("full", "fill_value", fill_value)
    d = of_scalar(value) if dtype is None else as_dtype(dtype)
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"full: expected size to be a tuple of ints, got {type(size).__name__}")
    shape = shape_of("full", (size,))
    with on(backend):
        return made(backend.xp.full(shape, fitting_number(value, d), d.numpy), backend, requires_grad)


def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``start, start + step, …`` up to but without ``end``; ``arange(n)`` starts at 0.

    The dtype is int64 if all three are ints, else the default dtype. Given an integer dtype they lose their fractions:
    before the elements are counted in int64, after that in smaller ones, as in PyTorch.

    >>> import minitorch
    >>> minitorch.arange(1, 2, 0.25)
    tensor([1.0000, 1.2500, 1.5000, 1.7500])

    Raises:
        TypeError: one is no number.
        RuntimeError: ``step`` is 0 or leads away from ``end``, or ``start`` or ``end`` is not finite.
        ValueError: ``step`` becomes 0 in an integer dtype.
    """
    if start is None or end is None:
        start, end = 0, start if end is None else end
    start, end, step = (
        number("arange", name, value) for name, value in (("start", start), ("end", end), ("step", step))
    )
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: upper bound and lower bound inconsistent with step sign ({start}, {end}, {step})")
    if dtype is None:
        dtype = int64 if all(isinstance(v, int) for v in (start, end, step)) else get_default_dtype()
    d = as_dtype(dtype)
    if d is bool_:
        raise NotImplementedError("arange: not implemented for minitorch.bool")
    if d is int64:
        start, end, step = int(start), int(end), int(step)
    if not d.is_floating_point and int(step) == 0:
        raise ValueError(f"arange: step must be nonzero, but becomes 0 in {d}")
    exact = all(isinstance(v, int) for v in (start, end, step))  # then however large they are
    count = -(-(end - start) // step) if exact else math.ceil((end - start) / step)
    if not d.is_floating_point:
        start, step = int(start), int(step)
    backend = backend_of(device)
    # start + i·step in float64 or int64, then rounded once, as PyTorch does it.
    with on(backend):
        array = start + backend.xp.arange(count) * step
        return made(array.astype(d.numpy), backend, requires_grad)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` numbers from ``start`` to ``end``, both included, in equal distances.

    In an integer dtype the bounds and the numbers lose their fractions.

    >>> import minitorch
    >>> minitorch.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])

    Raises:
        TypeError: a bound is no number, or ``steps`` no int.
        RuntimeError: ``steps`` is negative, or a bound is a tensor with dimensions.
    """
    for name, bound in (("start", start), ("end", end)):
        if isinstance(bound, Tensor) and bound.data.ndim:
            raise RuntimeError(
                f"linspace only supports 0-dimensional start and end tensors, got {name} of shape {tuple(bound.shape)}"
            )
    first, last = number("linspace", "start", start), number("linspace", "end", end)
    steps = integer("linspace", "steps", steps)
    if steps < 0:
        raise RuntimeError(f"linspace: number of steps must be non-negative, got {steps}")
    d = as_dtype(get_default_dtype() if dtype is None else dtype)
    if d is bool_:
        raise NotImplementedError("linspace: not implemented for minitorch.bool")
    if not d.is_floating_point:
        first, last = int(first), int(last)
    backend = backend_of(device)
    with on(backend):
        array = ieee.run(_evenly, float(first), float(last), steps, backend.xp)
        return made(array.astype(d.numpy), backend, requires_grad)


def _evenly(start: float, end: float, steps: int, xp: Any) -> Any:
    """Each half is counted from its own end: both ends are exact, and the reverse is as exact."""
    step = (end - start) / max(steps - 1, 1)
    i = xp.arange(steps)
    return xp.where((i < steps // 2) | (steps == 1), start + i * step, end - (steps - 1 - i) * step)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The n × m matrix (n × n by default) with ones on the diagonal and zeros elsewhere.

    >>> import minitorch
    >>> minitorch.eye(2, 3)
    tensor([[1., 0., 0.],
            [0., 1., 0.]])

    Raises:
        TypeError: a size is no int.
        RuntimeError: it is negative.
    """
    backend = backend_of(device)
    rows = integer("eye", "n", n)
    columns = rows if m is None else integer("eye", "m", m)
    for name, size in (("n", rows), ("m", columns)):
        if size < 0:
            raise RuntimeError(f"eye: {name} must be greater or equal to 0, got {size}")
    with on(backend):
        return made(backend.xp.eye(rows, columns, dtype=numpy_dtype(dtype)), backend, requires_grad)
