"""The stand-in's array: a NumPy array in memory of the stand-in's that only CuPy's ways reach.

It offers what CuPy's array has and nothing else, never becomes a NumPy array by itself, refuses NumPy arrays as
operands and knows its device. Like CuPy, it gives 0-d arrays where NumPy gives scalars, and no floating-point warnings.
"""

from __future__ import annotations

import json
import pathlib
import types
import weakref

import numpy as np

from . import _graph, _memory, _state

# Functions whose results have a shape that depends on numbers, so that CuPy waits for these; and those that change
# their first argument.
_WAITING = {"nonzero", "flatnonzero", "argwhere", "unique", "extract", "compress", "bincount"}
_WRITING = {"copyto", "fill_diagonal", "place", "put", "putmask", "add.at", "subtract.at", "maximum.at", "minimum.at"}
_WRITING |= {"bitwise_and.at", "bitwise_or.at", "bitwise_xor.at", np.ndarray.sort, np.ndarray.partition}

NAMES = json.loads(pathlib.Path(__file__).with_name("names.json").read_text())


def unwrapped(value):
    """A value of NumPy's for one of CuPy's, in tuples and lists as well.

    Raises:
        TypeError: it is a NumPy array, which CuPy doesn't mix with its own.
        ValueError: it is on another device than the current one.
    """
    if isinstance(value, ndarray):
        if value._device != _state.device:
            raise ValueError(f"array on device {value._device}, while device {_state.device} is the current one")
        return value._array
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if type(value) in (tuple, list):
        return type(value)([unwrapped(item) for item in value])
    return value


def wrapped(value):
    """A result of NumPy's as CuPy gives it."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        memory = _memory.owner(array)
        first = memory.first() if memory else None
        return first if first is not None and first._array is array else ndarray._of(array)  # the former for `out`
    if isinstance(value, (tuple, list)):
        items = [wrapped(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def calling(function, name, parameters=None):
    """``function`` of NumPy's as a function of CuPy's, which takes no other keywords than CuPy's does."""

    def call(*args, **kwargs):
        if isinstance(parameters, list) and not any(p.startswith("**") for p in parameters):
            unknown = kwargs.keys() - set(parameters)
            limit = len(parameters) if not any(p.startswith("*") for p in parameters) else len(args)
            if unknown or len(args) > limit:
                raise TypeError(f"cupy.{name}{tuple(parameters)} got {len(args)} arguments and {sorted(kwargs)}")
        args = [unwrapped(arg) for arg in args]
        kwargs = {key: unwrapped(value) for key, value in kwargs.items()}
        if name in _WAITING or (name == "where" and len(args) == 1):
            _graph.refuse()
        writes = [] if kwargs.get("out") is None else [kwargs["out"]]
        if name in _WRITING or function in _WRITING:
            writes = args[:1]
        return wrapped(_graph.run(function, *args, writes=writes, **kwargs))

    call.__name__ = name
    return call


class Flags:
    """CuPy's flags: less than NumPy's. There are no read-only arrays."""

    def __init__(self, flags):
        self.c_contiguous, self.f_contiguous, self.owndata = flags.c_contiguous, flags.f_contiguous, flags.owndata


class Device:
    """Also a context, in which it is the current device."""

    def __init__(self, device=None):
        self.id = _state.device if device is None else int(device)
        if not 0 <= self.id < _state.devices:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        self._before = []

    compute_capability = "90"
    attributes = types.MappingProxyType({"MaxSharedMemoryPerBlockOptin": 227 * 1024})

    def __enter__(self):
        self._before.append(_state.device)
        _state.device = self.id
        return self

    def __exit__(self, *error):
        _state.device = self._before.pop()

    def use(self):
        _state.device = self.id

    def synchronize(self):
        _graph.refuse()

    @property
    def mem_info(self):
        return 2**33, 2**34

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self):
        return self.id

    def __int__(self):
        return self.id


class ndarray:
    __slots__ = ("__weakref__", "_array", "_device", "base")
    __array_priority__ = 100

    def __new__(cls, shape, dtype=float, order="C"):
        array = _memory.uninitialised(shape, dtype, order)  # full of NaN, or -1
        if array.dtype == bool:
            array.fill(True)
        return cls._of(array)

    @classmethod
    def _of(cls, array):
        self = object.__new__(cls)
        self._array = _memory.placed(array)
        self._device = _state.device
        # A view's base is the array that it was, through whatever views, taken of: the one object.
        memory = _memory.owner(self._array)
        self.base = memory.first() if memory else None
        if memory and self.base is None:
            memory.first = weakref.ref(self)
        return self

    # ---- no way to NumPy but get() ------------------------------------------------------------------------------

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__":
            raise NotImplementedError(f"cupy: ufunc method {method}")
        if isinstance(kwargs.get("out"), tuple):
            (kwargs["out"],) = kwargs["out"]
        return calling(ufunc, ufunc.__name__)(*inputs, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        import cupy

        return getattr(cupy, function.__name__)(*args, **kwargs)

    @property
    def __cuda_array_interface__(self):
        return {"shape": self.shape, "typestr": self.dtype.str, "data": (self.data.ptr, False), "version": 3}

    def get(self, stream=None, order="C", out=None, blocking=True):
        _graph.refuse()
        if out is None:
            return self._here.copy(order="A" if order == "A" else "C")
        if not isinstance(out, np.ndarray) or out.shape != self.shape or out.dtype != self.dtype:
            raise ValueError("cupy.ndarray.get: out must have the array's shape and dtype")
        copy = self._here.copy()
        _state.landing.append(lambda: np.copyto(out, copy))  # when it is waited for
        if blocking:
            _state.land()
        return out

    def set(self, array, stream=None):
        if not isinstance(array, np.ndarray) or array.shape != self.shape or array.dtype != self.dtype:
            raise ValueError("cupy.ndarray.set: shape and dtype must be the array's")
        _graph.refuse_host_memory()
        self._array[...] = array

    # ---- properties -----------------------------------------------------------------------------------------------

    shape = property(lambda self: self._array.shape)
    dtype = property(lambda self: self._array.dtype)
    ndim = property(lambda self: self._array.ndim)
    size = property(lambda self: self._array.size)
    strides = property(lambda self: self._array.strides)
    itemsize = property(lambda self: self._array.itemsize)
    nbytes = property(lambda self: self._array.nbytes)
    flags = property(lambda self: Flags(self._array.flags))
    device = property(lambda self: Device(self._device))
    T = property(lambda self: self._like(self._array.T))
    mT = property(lambda self: self._like(self._array.mT))
    real = property(lambda self: self._like(self._array.real))
    imag = property(lambda self: self._like(self._array.imag))

    @property
    def data(self):
        memory = _memory.owner(self._array)
        if memory is None:
            return _memory.MemoryPointer(_memory.BaseMemory(self._device), 0)
        return _memory.MemoryPointer(memory, self._array.ctypes.data - memory.ptr)

    def _like(self, array):
        view = ndarray._of(array)
        view._device = self._device
        return view

    # ---- elements -------------------------------------------------------------------------------------------------

    def __getitem__(self, index):
        _check_index(index, reading=True)
        result = np.asarray(_graph.run(np.ndarray.__getitem__, self._array, unwrapped(index)))
        return self._like(result) if _is_view(result, self._array) else wrapped(self._made(result))

    def __setitem__(self, index, value):
        _check_index(index, reading=False)
        args = self._here, unwrapped(index), unwrapped(value)
        _graph.run(np.ndarray.__setitem__, *args, writes=args[:1])

    def item(self, *args):
        return self.get().item(*args)

    def tolist(self):
        return self.get().tolist()

    def tobytes(self, order="C"):
        return self.get().tobytes(order)

    def __len__(self):
        return len(self._array)

    def __iter__(self):
        return iter([self._like(np.asarray(row)) for row in self._array])

    def __bool__(self):
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __index__(self):
        return self.get().__index__()

    def __repr__(self):
        return repr(self.get())

    def __reduce__(self):
        return _rebuilt, (self.get(),)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        with Device(self._device):
            return self.copy()

    __hash__ = None

    # ---- methods --------------------------------------------------------------------------------------------------

    @property
    def _here(self):
        """The NumPy array, for what CuPy does by a kernel: on the current device, which must be the array's."""
        return unwrapped(self)

    def _made(self, result):
        """A new array, which a kernel makes on the current device: that must be this array's."""
        unwrapped(self)
        return result

    def reshape(self, *shape, order="C"):
        result = _graph.run(np.ndarray.reshape, self._array, *shape, order=order)
        return self._like(result) if _is_view(result, self._array) else wrapped(self._made(result))

    def view(self, dtype=None):
        return self._like(self._array.view() if dtype is None else self._array.view(dtype))

    def copy(self, order="C"):
        return ndarray._of(_graph.run(np.ndarray.copy, self._array, order))

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        array = _graph.run(np.ndarray.astype, self._array, dtype, order=order, copy=copy)
        return self if array is self._array else wrapped(self._made(array))

    def diagonal(self, offset=0, axis1=0, axis2=1):
        array = self._array.diagonal(offset, axis1, axis2)
        if self._array.flags.writeable:
            array.setflags(write=True)
        return self._like(array)

    def fill(self, value):
        _graph.run(np.ndarray.fill, self._here, unwrapped(value), writes=[self._array])

    def scatter_add(self, index, value):
        _graph.run(np.add.at, self._here, unwrapped(index), unwrapped(value), writes=[self._array])


def _check_index(index, reading):
    """CuPy copies lists of indices from the host, and waits where a mask decides how many elements there are."""
    for item in index if isinstance(index, tuple) else (index,):
        if isinstance(item, list):
            _graph.refuse_host_memory()
        if reading and isinstance(item, ndarray) and item.dtype == bool:
            _graph.refuse()


def _rebuilt(array):
    return ndarray._of(array)


def _is_view(result, array):
    return not result.size or np.may_share_memory(result, array)


def _in_place(name):
    method = getattr(np.ndarray, name)

    def operator(self, other):
        self._array = _graph.run(method, self._here, unwrapped(other), writes=[self._array])
        return self

    return operator


def _operator(name):
    method = getattr(np.ndarray, name)

    def operator(self, *others):
        if any(not isinstance(o, (ndarray, np.generic, np.ndarray, int, float, complex, type(None))) for o in others):
            return NotImplemented
        return wrapped(_graph.run(method, unwrapped(self), *[unwrapped(other) for other in others]))

    return operator


for _name in "neg pos abs invert".split():
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
for _name in "add sub mul truediv floordiv mod pow divmod matmul lshift rshift and or xor".split():
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(ndarray, f"__r{_name}__", _operator(f"__r{_name}__"))
    if _name not in ("divmod", "matmul"):
        setattr(ndarray, f"__i{_name}__", _in_place(f"__i{_name}__"))
for _name in "eq ne lt le gt ge".split():
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
for _name in NAMES["ndarray"]:
    # A method that is a function of the module as well takes the same keywords, without the array itself.
    if not hasattr(ndarray, _name) and hasattr(np.ndarray, _name):
        _parameters = NAMES["cupy"].get(_name)
        setattr(ndarray, _name, calling(getattr(np.ndarray, _name), _name, None))
