"""A stand-in for CuPy on machines without a GPU: its arrays are NumPy's in memory of its own, its kernels run as
fibers.

It has the names that CuPy 14 has (``names.json``, which ``describe_cupy.py`` wrote) and is stricter than CuPy.
"""

from __future__ import annotations

import types as _types

import numpy as _np

from . import _array, _graph, _memory, cuda, fft, linalg
from ._array import NAMES as _NAMES
from ._array import calling as _calling
from ._array import ndarray, unwrapped, wrapped
from ._raw import RawKernel, RawModule

__version__ = _NAMES["version"]

_memory.current_stream = cuda.get_current_stream

newaxis, inf, nan, pi, e = None, _np.inf, _np.nan, _np.pi, _np.e
for _name in (
    "bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128 intp "
    "generic number integer floating inexact dtype iinfo finfo"
).split():
    globals()[_name] = getattr(_np, _name)


class ufunc:
    """A function of elements; of NumPy's further methods, those that CuPy has for it."""

    _reducing = ("add", "multiply")
    _at = ("add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor")

    def __init__(self, name):
        self._function = getattr(_np, name)
        self.__name__ = self.name = name
        self._call = _calling(self._function, name)
        self.nin, self.nout, self.nargs = self._function.nin, self._function.nout, self._function.nargs

    def __call__(self, *args, **kwargs):
        unknown = kwargs.keys() - {"out", "dtype", "where", "casting"}
        if unknown:
            raise TypeError(f"cupy.{self.name}: unexpected keywords {sorted(unknown)}")
        return self._call(*args, **kwargs)

    def _method(self, method, names):
        if self.name not in names:
            raise NotImplementedError(f"`cupy.{self.name}.{method}` is not supported yet")
        return _calling(getattr(self._function, method), f"{self.name}.{method}")

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        return self._method("reduce", self._reducing)(array, axis, dtype, out, keepdims)

    def accumulate(self, array, axis=0, dtype=None, out=None):
        return self._method("accumulate", self._reducing)(array, axis, dtype, out)

    def at(self, a, indices, b=None):
        return self._method("at", self._at)(a, indices, b)

    def outer(self, a, b, **kwargs):
        return _calling(self._function.outer, f"{self.name}.outer")(a, b, **kwargs)


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    """From numbers, nested sequences, NumPy arrays or arrays of its own; always new unless ``copy`` isn't asked for."""
    value = obj if isinstance(obj, _np.ndarray) else unwrapped(obj)
    own = isinstance(obj, ndarray)  # what comes from the host is copied in any case
    if not own and _np.ndim(value):  # a number is an argument of the kernel that fills an array
        _graph.refuse_host_memory()
    result = _graph.run(_np.array, value, dtype=dtype, copy=True if copy and own else None, order=order, ndmin=ndmin)
    if result.dtype.kind not in "bifuc":
        raise ValueError(f"Unsupported dtype {result.dtype}")
    return obj if own and result is value else wrapped(result)


def asarray(a, dtype=None, order=None, *, blocking=False):
    if isinstance(a, ndarray) and (dtype is None or a.dtype == dtype) and order in (None, "K", "A"):
        return a
    return array(a, dtype, False, order or "K")


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get() if isinstance(a, ndarray) else _np.asarray(a)


def empty(shape, dtype=float, order="C"):
    return ndarray(shape, dtype, order)


def empty_like(prototype, dtype=None, order="K", subok=None, shape=None):
    return empty(prototype.shape if shape is None else shape, dtype or prototype.dtype)


def get_array_module(*args):
    import cupy

    return cupy if any(isinstance(a, ndarray) for a in args) else _np


def lexsort(keys):
    if not isinstance(keys, ndarray):
        raise TypeError("cupy.lexsort takes one array of keys")
    return wrapped(_np.lexsort(unwrapped(keys)))


def diagonal(a, offset=0, axis1=0, axis2=1):
    return a.diagonal(offset, axis1, axis2)


def get_default_memory_pool():
    return _memory.default_pool


def get_default_pinned_memory_pool():
    return cuda.PinnedMemoryPool()


lib = _types.SimpleNamespace(
    stride_tricks=_types.SimpleNamespace(
        as_strided=lambda x, shape=None, strides=None: x._like(
            _np.lib.stride_tricks.as_strided(x._array, shape, strides)
        )
    )
)
for _name, _parameters in _NAMES["cupy"].items():
    if _name not in globals() and hasattr(_np, _name):
        globals()[_name] = (
            ufunc(_name)
            if _parameters == "ufunc" and isinstance(getattr(_np, _name), _np.ufunc)
            else _calling(getattr(_np, _name), _name, _parameters)
        )
