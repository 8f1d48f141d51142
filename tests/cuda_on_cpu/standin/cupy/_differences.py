"""Where CuPy gives something else than NumPy, the stand-in does too: as CuPy 14.2's sources say.

What CuPy leaves open, the stand-in does in another way than NumPy. It refuses what gives other bits every time (atomic
additions of floating-point numbers, CUB's scans) and cuBLAS: Minitorch has sums and matrix products of its own.

Everything here is of NumPy's arrays: ``_graph.run`` calls ``instead_of(function)``.
"""

from __future__ import annotations

import numpy as np


def _floating(*values):
    return any(np.asarray(value).dtype.kind == "f" for value in values)


# ---- NaN: argmax and argmin, trees of threads, find any; sorted vectors begin with those that have a sign ------------


def _any_nan(function):
    def call(a, axis=None, out=None, *, keepdims=False):
        found = function(a, axis=axis, keepdims=keepdims)
        if a.dtype.kind == "f":
            last = np.flip(np.isnan(a), axis).argmax(axis=axis, keepdims=keepdims)
            length = a.size if axis is None else a.shape[axis]
            found = np.where(np.isnan(a).any(axis=axis, keepdims=keepdims), length - 1 - last, found)
        return np.asarray(found, np.int64)

    return call


def _key(array):
    """What Thrust sorts by: of vectors the bits (radix sort), in which a NaN with a sign is below everything."""
    if array.dtype.kind != "f" or array.dtype.itemsize == 2 or array.ndim != 1:
        return array
    return np.where(np.isnan(array) & np.signbit(array), -np.inf, array)


def _argsort(a, axis=-1, kind=None):
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")
    return np.argsort(_key(np.atleast_1d(a)), axis=axis, kind="stable")


def _sort(a, axis=-1, kind=None):
    if a.ndim == 0:
        raise np.exceptions.AxisError("Sorting arrays with the rank of zero is not supported")
    return np.take_along_axis(a, _argsort(a, axis), axis)


def _partition(a, kth, axis=-1):
    if _floating(a) and np.isnan(a).any():
        raise AssertionError("cupy.partition compares with <, and leaves NaN anywhere")
    return _sort(a, axis)


# ---- division: quotients of floating-point numbers are rounded before they are floored -------------------------------


def _floor_divide(a, b):
    return np.floor(np.divide(a, b)) if _floating(a, b) else np.floor_divide(a, b)


def _remainder(a, b):
    return a - np.floor(np.divide(a, b)) * b if _floating(a, b) else np.remainder(a, b)


# ---- indices: out of range they wrap around; of several that are written to one place, which stays isn't said --------


def _is_mask(item):
    return isinstance(item, np.ndarray) and item.dtype == bool


def _around(index, shape):
    """The index with its arrays of integers taken modulo the size of their dimension."""
    items = index if isinstance(index, tuple) else (index,)
    used = sum(item.ndim if _is_mask(item) else item is not None and item is not Ellipsis for item in items)
    result, dim = [], 0
    for item in items:
        if item is Ellipsis:
            dim += len(shape) - used
        elif _is_mask(item):
            dim += item.ndim
        elif item is not None:
            if isinstance(item, np.ndarray) and item.size and shape[dim]:
                item = item % shape[dim]
            dim += 1
        result.append(item)
    return tuple(result) if isinstance(index, tuple) else result[0]


def _getitem(array, index):
    return array[_around(index, array.shape)]


def _setitem(array, index, value):
    items = index if isinstance(index, tuple) else (index,)
    several = any(isinstance(item, np.ndarray) and not _is_mask(item) for item in items) and np.ndim(value)
    index = _around(index, array.shape)
    if isinstance(value, np.ndarray) and value.size > 1:
        target = array if several else array[index]
        same = target.ctypes.data == value.ctypes.data and target.strides == value.strides and not several
        if np.may_share_memory(target, value) and not same:  # x[i] += y assigns x[i] to itself
            raise AssertionError("cupy copies between arrays that overlap in any order")
    if several:
        places = np.arange(array.size).reshape(array.shape)[index]
        value = np.broadcast_to(value, places.shape).reshape(-1)[::-1]
        index = np.unravel_index(places.reshape(-1)[::-1], array.shape)
    array[index] = value


def _take(a, indices, axis=None, out=None):
    size = a.size if axis is None else a.shape[axis]
    if size == 0 and np.size(indices):
        raise IndexError("cannot do a non-empty take from an empty axes.")
    return np.take(a, np.asarray(indices) % size if size else indices, axis)


# ---- what Minitorch mustn't use --------------------------------------------------------------------------------------


def _of_integers(function, why):
    """``function``, but not of floating-point numbers."""

    def call(*args, **kwargs):
        if _floating(*[a for a in args if isinstance(a, np.ndarray)]):
            raise AssertionError(f"cupy.{function.__name__} of floating-point numbers {why}")
        return function(*args, **kwargs)

    return call


def _bincount(x, weights=None, minlength=None):
    if weights is not None:
        raise AssertionError("cupy.bincount adds weights atomically: use the backend's index_add")
    return np.bincount(x, minlength=minlength or 0)


def _scan(function):
    def call(a, axis=None, dtype=None, out=None):
        if axis is None and _floating(a):
            raise AssertionError(f"cupy.{function.__name__} without an axis is CUB's, of which no two runs need agree")
        return function(a, axis, dtype)

    return call


_INSTEAD = {np.bincount: _bincount, np.partition: _partition, np.sort: _sort}
for _names, _function in {
    "argsort": _argsort,
    "take": _take,
    "argmax": _any_nan(np.argmax),
    "argmin": _any_nan(np.argmin),
    "cumsum": _scan(np.cumsum),
    "cumprod": _scan(np.cumprod),
}.items():
    _INSTEAD |= {getattr(np, _names): _function, getattr(np.ndarray, _names): _function}
for _names, _function in {"floordiv floor_divide": _floor_divide, "mod remainder": _remainder}.items():
    _short, _long = _names.split()
    _INSTEAD |= {getattr(np, _long): _function, getattr(np.ndarray, f"__{_short}__"): _function}
    _INSTEAD[getattr(np.ndarray, f"__r{_short}__")] = lambda b, a, function=_function: function(a, b)
for _function in (np.matmul, np.dot, np.vdot, np.inner, np.outer, np.tensordot, np.einsum, np.ndarray.__matmul__):
    _INSTEAD[_function] = _of_integers(_function, "is cuBLAS's: use the backend's matmul")
for _function in (np.add.at, np.subtract.at):
    _INSTEAD[_function] = _of_integers(_function, "adds atomically: use the backend's index_add")
_INSTEAD |= {np.ndarray.__getitem__: _getitem, np.ndarray.__setitem__: _setitem}


def instead_of(function):
    """What CuPy does where NumPy does ``function``."""
    return _INSTEAD.get(function, function)
