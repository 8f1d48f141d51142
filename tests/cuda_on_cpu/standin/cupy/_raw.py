"""``RawModule`` and ``RawKernel``: CUDA C++ compiled by the C++ compiler, launched as fibers."""

from __future__ import annotations

import ctypes
import math
import typing

import kernels_on_cpu
import numpy as np

from . import _graph, _memory, _state
from ._array import ndarray


class RawModule:
    def __init__(self, *, code, options=(), name_expressions=None, backend="nvrtc"):
        _graph.refuse()  # it would be loaded
        self._code = code
        self._names = tuple(name_expressions or ())
        self._library = kernels_on_cpu.module(code, self._names, _state.races)

    def get_function(self, name):
        return RawKernel(self._library, self._names.index(name), name, kernels_on_cpu.restricted(self._code, name))


class Parameter(typing.NamedTuple):
    """A parameter of a kernel. Of a pointer, size, kind and const are those of what it points to."""

    size: int
    kind: str  # NumPy's letter
    pointer: bool
    const: bool
    restrict: bool

    def __str__(self):
        what = {"f": "float", "i": "signed", "u": "unsigned", "b": "bool", "V": "struct"}[self.kind]
        return f"{'a pointer to ' if self.pointer else ''}{what} of {self.size} bytes"


class RawKernel:
    def __init__(self, library, number, name, restricted):
        self._body = ctypes.cast(getattr(library, f"body_{number}"), ctypes.c_void_p)
        signature = (ctypes.c_int * (4 * len(restricted)))()
        assert getattr(library, f"signature_{number}")(signature) == len(restricted)
        self._parameters = [
            Parameter(
                signature[4 * i], chr(signature[4 * i + 1]), bool(signature[4 * i + 2]), bool(signature[4 * i + 3]), r
            )
            for i, r in enumerate(restricted)
        ]
        self._library = library
        self.name = name
        self.max_dynamic_shared_size_bytes = 48 * 1024

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        if len(args) != len(self._parameters):
            raise TypeError(f"{self.name}: {len(self._parameters)} parameters, {len(args)} arguments")
        if shared_mem > self.max_dynamic_shared_size_bytes:
            raise RuntimeError(f"{self.name}: CUDA_ERROR_INVALID_VALUE: {shared_mem} bytes of shared memory")
        if shared_mem > 227 * 1024:
            raise RuntimeError(f"{self.name}: no device has {shared_mem} bytes of shared memory for a block")
        grid, block = ((*map(int, size), 1, 1)[:3] for size in (grid, block))
        if min(*grid, *block) < 1 or math.prod(block) > 1024 or grid[1] > 65535 or grid[2] > 65535 or block[2] > 64:
            raise RuntimeError(f"{self.name}: CUDA_ERROR_INVALID_VALUE: grid {grid}, block {block}")
        values = [self._bytes(i, argument) for i, argument in enumerate(args)]
        if sum(value.nbytes for value in values) > 4096:
            raise RuntimeError(f"{self.name}: more than 4096 bytes of arguments")
        self._check_overlaps(args)
        capture = _graph.capture()
        if capture is None:
            self._launch(grid, block, values, shared_mem)
        else:
            arrays = [argument._array for argument in args if isinstance(argument, ndarray)]
            capture.launch(self, arrays, lambda: self._launch(grid, block, values, shared_mem))

    def _launch(self, grid, block, values, shared_mem):
        _memory.check()  # so that what is found after the launch is the launch's
        pointers = (ctypes.c_void_p * len(values))(*[value.ctypes.data for value in values])
        _state.launches += 1
        error = kernels_on_cpu.runtime().mt_launch(
            self._body,
            pointers,
            (ctypes.c_uint * 3)(*grid),
            (ctypes.c_uint * 3)(*block),
            shared_mem,
            _state.thread_order,
            _state.launches,
        )
        try:
            _memory.check()
        except _memory.Damage as damage:
            error = error or str(damage).encode()
        if error:
            raise RuntimeError(f"{self.name}: {error.decode()}")

    def _bytes(self, i, argument):
        """The bytes of an argument; CUDA would take whatever lies behind a wrong one."""
        parameter = self._parameters[i]
        wrong = f"{self.name}: argument {i} is {{}}, the parameter {parameter}"
        if isinstance(argument, ndarray):
            array = argument._array
            if not parameter.pointer or (array.dtype.kind, array.itemsize) != (parameter.kind, parameter.size):
                raise TypeError(wrong.format(f"an array of {array.dtype}"))
            if argument._device != _state.device:
                raise RuntimeError(f"a kernel on device {_state.device} gets an array on device {argument._device}")
            if not parameter.const and array.size and not (array.flags.writeable and _places_differ(array)):
                raise TypeError(wrong.format("a view that has elements twice, and the kernel may write into it"))
            return np.array(argument.data.ptr, np.uint64)
        if not isinstance(argument, (np.generic, np.ndarray)) or argument.size != 1:
            raise TypeError(wrong.format(f"a {type(argument).__name__}"))
        if parameter.pointer:
            if not isinstance(argument, np.uint64) or argument != 0:
                raise TypeError(wrong.format(f"a {argument.dtype}"))
        elif (argument.dtype.kind, argument.nbytes) != (parameter.kind, parameter.size):
            raise TypeError(wrong.format(f"{argument.dtype} of {argument.nbytes} bytes"))
        return np.array(argument)

    def _check_overlaps(self, args):
        """What a kernel writes may lie in none of its other arrays; in the same place as one, where it doesn't declare
        that they are apart."""
        arrays = [
            (a._array, p) for a, p in zip(args, self._parameters, strict=True) if isinstance(a, ndarray) and a.size
        ]
        for i, (array, parameter) in enumerate(arrays):
            for other, its in arrays[:i]:
                if (parameter.const and its.const) or not np.may_share_memory(array, other):
                    continue
                same = np.lib.array_utils.byte_bounds(array) == np.lib.array_utils.byte_bounds(other)
                if parameter.restrict or its.restrict or not same:
                    raise ValueError(f"{self.name}: an array that it writes overlaps another one")


def _places_differ(array):
    return all(stride != 0 or size < 2 for stride, size in zip(array.strides, array.shape, strict=True))
