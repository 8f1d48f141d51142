"""Tensor: an array, where it lives, and its place in the graph.

This module holds what a tensor *is*: its data and properties, conversions, and how tensors are made from other things.
What tensors can *do* is in ``minitorch.ops``, which attaches each operation here with :func:`tensor_method`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import autograd
from .autograd import Variable
from .autograd import engine as _engine
from .backends import get_backend
from .devices import device as Device
from .devices import on
from .dtypes import _BY_NUMPY, as_dtype, dtype, get_default_dtype, of_scalar, promote_types

if TYPE_CHECKING:
    from .backends.protocol import Backend
    from .tensor_methods import TensorMethods

    class Function(autograd.Function):
        """``autograd.Function`` as type checkers shall see it in ``minitorch.ops``: its results are tensors."""

        @classmethod
        def apply(cls, *args: Any) -> Tensor: ...
else:
    Function = autograd.Function
    TensorMethods = object

Number = bool | int | float
F = TypeVar("F", bound=Callable[..., Any])


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of ints that knows how many elements they make.

    >>> import minitorch
    >>> minitorch.zeros(2, 3).shape, minitorch.zeros(2, 3).shape.numel()
    (minitorch.Size([2, 3]), 6)
    """

    __slots__ = ()

    def numel(self) -> int:
        return math.prod(self)

    def __repr__(self) -> str:
        return f"minitorch.Size({list(self)})"


class Tensor(Variable, TensorMethods):
    """A multi-dimensional array of one dtype on one device, which can record how it was computed.

    Make one with :func:`minitorch.tensor`, a factory such as :func:`minitorch.zeros`, or an operation.
    ``Tensor.data`` is the NumPy (or CuPy) array itself; changing it is not noticed by autograd.

    ``Tensor(data)`` is ``minitorch.tensor(data)`` in the default floating dtype, as ``torch.Tensor`` is.

    >>> import minitorch
    >>> minitorch.Tensor([[1, 2], [3, 4]]) + 0.5
    tensor([[1.5000, 2.5000],
            [3.5000, 4.5000]])
    """

    __slots__ = ("backend",)

    backend: Backend

    def __init__(self, data: Any = (), *, device: Any = None) -> None:
        self.backend = backend_of(device)
        self.data = array_of(data, get_default_dtype(), self.backend)
        self.grad_fn = self._grad = self._hooks = self._version_cell = None
        self.output_nr = 0
        self._requires_grad = False

    # ---- properties -------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self.data.shape)

    @property
    def dtype(self) -> dtype:
        return _BY_NUMPY[self.data.dtype]

    @property
    def device(self) -> Device:
        return Device("cpu") if self.backend.xp is np else Device("cuda", self.data.device.id)

    @property
    def is_cuda(self) -> bool:
        return self.backend.xp is not np

    @property
    def ndim(self) -> int:
        return int(self.data.ndim)

    @property
    def itemsize(self) -> int:
        return int(self.data.itemsize)

    @property
    def nbytes(self) -> int:
        return int(self.data.nbytes)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or with ``dim`` the length of that dimension."""
        return self.shape if dim is None else self.data.shape[normalize_dim(dim, self.data.ndim)]

    def dim(self) -> int:
        return int(self.data.ndim)

    def numel(self) -> int:
        return int(self.data.size)

    def element_size(self) -> int:
        return int(self.data.itemsize)

    def is_floating_point(self) -> bool:
        return bool(self.data.dtype.kind == "f")

    def is_contiguous(self) -> bool:
        return bool(self.data.flags.c_contiguous)

    def stride(self, dim: int | None = None) -> Any:
        """The number of elements between neighbours in each dimension, or in ``dim``."""
        strides = tuple(s // self.data.itemsize for s in self.data.strides)
        return strides if dim is None else strides[normalize_dim(dim, self.data.ndim)]

    def __len__(self) -> int:
        if self.data.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        if self.data.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(len(self.data))])

    # A tensor is one object, however many elements compare equal: __eq__ is elementwise, the hash is the identity.
    __hash__ = object.__hash__

    # ---- to other types -------------------------------------------------------------------------------------------

    def item(self) -> Number:
        """The one element as a Python number."""
        if self.data.size != 1:
            raise RuntimeError(f"a Tensor with {self.data.size} elements cannot be converted to Scalar")
        return self._host().item()  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._host().tolist()

    def _host(self) -> np.ndarray[Any, Any]:
        """The array on the CPU: a copy where it is on a GPU, made when what was started there is done."""
        if self.backend.xp is np:
            return self.data  # type: ignore[no-any-return]
        with on(self.backend):
            return self.data.get()  # type: ignore[no-any-return]

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The NumPy array that this tensor is made of (a copy only where ``force`` needs one).

        Raises:
            RuntimeError: the tensor requires a gradient, and ``force`` isn't set.
            TypeError: it lives on a GPU, and ``force`` isn't set.
        """
        if not force:
            if self._requires_grad:
                raise RuntimeError(
                    "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
                )
            if self.is_cuda:
                raise TypeError(
                    f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
                    f"host memory first."
                )
        return self._host()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"__array__: a copy is needed to convert {array.dtype} to {dtype}")
            return array.astype(dtype)
        return array.copy() if copy else array

    # ndarray * tensor is then tensor.__rmul__(ndarray), not an array of objects.
    __array_ufunc__ = None

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self._requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        with on(self.backend):
            return self.data.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {'more than one' if self.data.size else 'no'} value"
                f"{'s' if self.data.size == 0 else ''} is ambiguous"
            )
        return bool(self._host())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.data.dtype.kind not in "iub" or self.data.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.data.ndim == 0 else object.__format__(self, spec)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.grad_fn is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) can be copied by deepcopy or pickle; "
                "use detach() first"
            )
        return _rebuild, (type(self), self.numpy(force=True), str(self.device), self._requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.grad_fn is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol"
            )
        with on(self.backend):
            copy = wrap(self.data.copy(), self.backend, type(self))
        copy._requires_grad = self._requires_grad
        copy._grad = None if self._grad is None else self._grad.detach().clone()
        memo[id(self)] = copy
        return copy

    # ---- autograd ---------------------------------------------------------------------------------------------------

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Adds this tensor's gradient with respect to the leaves of its graph into their ``grad``.

        See :func:`minitorch.autograd.backward`. ``gradient`` may be left out for a tensor of one element.

        >>> import minitorch
        >>> x = minitorch.tensor([1., 2., 3.], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4., 6.])
        """
        _engine.backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """A tensor with the same memory and no history."""
        out = wrap(self.data, self.backend)
        out._version_cell = self._shared_version()
        return out

    def detach_(self) -> Tensor:
        """Forgets this tensor's history and makes it a leaf."""
        self.grad_fn = None
        self.output_nr = 0
        self._requires_grad = False
        return self


# Looked up once: ``wrap`` runs for every result.
_new = object.__new__
_numpy_scalar = np.generic


def wrap(array: Any, backend: Backend, cls: type[Tensor] = Tensor) -> Tensor:
    """A tensor of an array that nobody else will change: what operations return."""
    self = _new(cls)
    # Reductions to zero dimensions give NumPy scalars, which are no arrays.
    self.data = np.asarray(array) if isinstance(array, _numpy_scalar) else array
    self.backend = backend
    self.grad_fn = self._grad = self._hooks = self._version_cell = None
    self.output_nr = 0
    self._requires_grad = False
    return self


def _rebuild(cls: type[Tensor], array: Any, device: str, requires_grad: bool) -> Tensor:
    backend = backend_of(device)
    return wrap(backend.move(array), backend, cls).requires_grad_(requires_grad)  # type: ignore[no-any-return]


def backend_of(device: Any) -> Backend:
    """The backend of a device, or of the default device for None."""
    if device is None:
        return get_backend("cpu", 0)
    device = Device(device)
    return get_backend(device.type, device.index)


def tensor_method(*names: str) -> Callable[[F], F]:
    """Attaches a function, whose first argument is a tensor, to ``Tensor`` under ``names``."""

    def attach(function: F) -> F:
        for name in names:
            setattr(Tensor, name, function)
        return function

    return attach


def normalize_dim(dim: int, ndim: int, name: str = "dim") -> int:
    """``dim`` counted from the front; a 0-d tensor counts as having one dimension, as in PyTorch.

    Raises:
        IndexError: it is out of range.
    """
    n = max(ndim, 1)
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {name}={dim})")
    return dim + n if dim < 0 else dim


def array_of(data: Any, dtype: Any, backend: Backend) -> Any:
    """A new array with the elements of ``data``: numbers, nested sequences, arrays or tensors."""
    if isinstance(data, Tensor):
        data = data.data
    wanted = None if dtype is None else as_dtype(dtype).numpy
    if isinstance(data, (np.ndarray, np.generic)) or hasattr(data, "__cuda_array_interface__"):
        with on(backend):
            array = backend.xp.array(backend.move(data), dtype=wanted)
    else:
        array = backend.move(_array_of_numbers(data, wanted))
    as_dtype(array.dtype)  # raises where Minitorch has no such dtype
    return array


_PLAIN = {bool, int, float}


def _dtype_of_numbers(data: Any) -> dtype:
    """The dtype that holds a number, or all of nested sequences: arrays and tensors among them keep theirs.

    Python's floats have no dtype of their own, and count as of the default one.
    """
    if isinstance(data, Sequence):
        kinds = set(map(type, data))  # a list of a million floats is looked at as one
        others = [] if kinds <= _PLAIN else [item for item in data if type(item) not in _PLAIN]
        numbers: list[Any] = [*[kind() for kind in kinds & _PLAIN], *others]
        return functools.reduce(promote_types, map(_dtype_of_numbers, numbers))
    return as_dtype(data.dtype) if hasattr(data, "dtype") else of_scalar(data)


def _array_of_numbers(data: Any, wanted: np.dtype[Any] | None) -> np.ndarray[Any, Any]:
    """An array of a number, or of nested sequences of numbers, arrays and tensors."""
    if isinstance(data, Sequence) and any(isinstance(item, Tensor) for item in data):
        data = [item.detach() if isinstance(item, Tensor) else item for item in data]
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(f"tensor: nested sequences must agree in length and depth ({error})") from None
    if array.dtype.kind == "O":
        strange = [type(v).__name__ for v in array.ravel().tolist() if not isinstance(v, (bool, int, float))]
        if strange:
            raise RuntimeError(f"tensor: could not infer the dtype of {strange[0]}")
    if array.dtype == object or array.dtype == np.uint64:  # Python's ints beyond int64
        if wanted is None or wanted.kind != "f":
            raise ValueError("tensor: a number is too large for int64")
        return np.array(data, dtype=wanted)
    if wanted is None:
        if array.dtype.kind not in "biuf":
            return array  # of strings, say, which the caller refuses
        d = _dtype_of_numbers(data) if array.size else get_default_dtype()
        return array.astype(d.numpy, copy=False)
    if wanted.kind in "iu" and array.dtype.kind in "iuf" and array.size:
        limits = np.iinfo(wanted)
        low = -limits.max if wanted.kind == "u" else limits.min  # negative numbers wrap around
        if not (low <= array.min() and array.max() <= limits.max):
            raise RuntimeError(f"tensor: a value cannot be converted to {wanted} without overflow")
        array = array.astype(np.int64)
    with np.errstate(over="ignore"):
        return array.astype(wanted)
