"""``RawModule`` and ``RawKernel``: CUDA C++ compiled by the C++ compiler, launched as fibers."""

from __future__ import annotations

import ctypes
import math

import kernels_on_cpu
import numpy as np

from . import _graph, _memory, _state
from ._array import ndarray


class RawModule:
    def __init__(self, *, code, options=(), name_expressions=None, backend="nvrtc"):
        _graph.refuse()  # it would be loaded
        self._names = tuple(name_expressions or ())
        self._library = kernels_on_cpu.module(code, self._names, _state.races)

    def get_function(self, name):
        return RawKernel(self._library, self._names.index(name), name)


class RawKernel:
    def __init__(self, library, number, name):
        self._body = ctypes.cast(getattr(library, f"body_{number}"), ctypes.c_void_p)
        sizes, constant = (ctypes.c_int * 64)(), (ctypes.c_int * 64)()
        count = getattr(library, f"signature_{number}")(sizes)
        getattr(library, f"constants_{number}")(constant)
        self._sizes, self._constant = list(sizes[:count]), list(constant[:count])
        self._library = library
        self.name = name
        self.max_dynamic_shared_size_bytes = 48 * 1024

    def __call__(self, grid, block, args, *, shared_mem=0, stream=None):
        if len(args) != len(self._sizes):
            raise TypeError(f"{self.name}: {len(self._sizes)} parameters, {len(args)} arguments")
        if shared_mem > self.max_dynamic_shared_size_bytes:
            raise RuntimeError(f"{self.name}: CUDA_ERROR_INVALID_VALUE: {shared_mem} bytes of shared memory")
        if shared_mem > 227 * 1024:
            raise RuntimeError(f"{self.name}: no device has {shared_mem} bytes of shared memory for a block")
        grid, block = ((*map(int, size), 1, 1)[:3] for size in (grid, block))
        if min(*grid, *block) < 1 or math.prod(block) > 1024 or grid[1] > 65535 or grid[2] > 65535 or block[2] > 64:
            raise RuntimeError(f"{self.name}: CUDA_ERROR_INVALID_VALUE: grid {grid}, block {block}")
        values = [self._bytes(i, argument) for i, argument in enumerate(args)]
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
        """The bytes of an argument that isn't an array; CUDA would take whatever lies behind a wrong one."""
        size = self._sizes[i]
        if isinstance(argument, ndarray):
            if size > 0 or -size not in (1, argument.dtype.itemsize):
                raise TypeError(f"{self.name}: argument {i} is an array of {argument.dtype}, the parameter has {size}")
            if argument._device != _state.device:
                raise RuntimeError(f"a kernel on device {_state.device} gets an array on device {argument._device}")
            return np.array(argument.data.ptr, np.uint64)
        if not isinstance(argument, (np.generic, np.ndarray)) or argument.size != 1:
            raise TypeError(f"{self.name}: argument {i} is {type(argument).__name__}")
        null = size < 0 and isinstance(argument, np.uint64) and argument == 0
        if not null and argument.nbytes != size:
            raise TypeError(f"{self.name}: argument {i} has {argument.nbytes} bytes, the parameter {size}")
        return np.array(argument)
