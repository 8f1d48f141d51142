"""``RawModule`` and ``RawKernel``: CUDA C++ compiled by the C++ compiler, launched as fibers."""

from __future__ import annotations

import ctypes
import math

import kernels_on_cpu
import numpy as np

from . import _state
from ._array import ndarray

_CANARY = 0xA5
_MARGIN = 64  # bytes before the memory of arguments that are compared after the launch


class RawModule:
    def __init__(self, *, code, options=(), name_expressions=None, backend="nvrtc"):
        self._names = tuple(name_expressions or ())
        self._library = kernels_on_cpu.module(code, self._names)

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
        memory = _Memory([(a, c) for a, c in zip(args, self._constant, strict=True) if isinstance(a, ndarray)])
        for i, argument in enumerate(args):
            if isinstance(argument, ndarray):
                values[i] = np.array(memory.address(argument), np.uint64)
        pointers = (ctypes.c_void_p * len(args))(*[value.ctypes.data for value in values])
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
        if error:
            raise RuntimeError(f"{self.name}: {error.decode()}")
        memory.bring_back(self.name)

    def _bytes(self, i, argument):
        """The bytes of an argument that isn't an array; CUDA would take whatever lies behind a wrong one."""
        size = self._sizes[i]
        if isinstance(argument, ndarray):
            if size > 0 or -size not in (1, argument.dtype.itemsize):
                raise TypeError(f"{self.name}: argument {i} is an array of {argument.dtype}, the parameter has {size}")
            return None
        if not isinstance(argument, (np.generic, np.ndarray)) or argument.size != 1:
            raise TypeError(f"{self.name}: argument {i} is {type(argument).__name__}")
        null = size < 0 and isinstance(argument, np.uint64) and argument == 0
        if not null and argument.nbytes != size:
            raise TypeError(f"{self.name}: argument {i} has {argument.nbytes} bytes, the parameter {size}")
        return np.array(argument)


class _Memory:
    """The memory of a launch's arrays, copied to where guard pages stand around each piece of it."""

    def __init__(self, arrays):
        self.pieces = []  # [first, end, written, address]
        for array, constant in arrays:
            if array._device != _state.device:
                raise RuntimeError(f"a kernel on device {_state.device} gets an array on device {array._device}")
            first, end = np.lib.array_utils.byte_bounds(array._array)
            if first == end:
                end += 1
            self.pieces.append([first, end, not constant, 0])
        self.pieces.sort()
        merged = []
        for piece in self.pieces:
            if merged and piece[0] < merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], piece[1])
                merged[-1][2] |= piece[2]
            else:
                merged.append(piece)
        self.pieces = merged
        for slot, piece in enumerate(merged):
            first, end = piece[:2]
            padding = -end % 16  # keeps the address's remainder by 16, which vectors of 4 floats depend on
            fence = kernels_on_cpu.runtime().mt_fenced(slot, end - first + padding + _MARGIN)
            piece[3] = fence - padding - (end - first)
            ctypes.memset(piece[3] - _MARGIN, _CANARY, _MARGIN)
            ctypes.memmove(piece[3], first, end - first)
            ctypes.memset(fence - padding, _CANARY, padding)
            piece.append(padding)

    def address(self, array):
        first = array._array.ctypes.data
        for start, end, _, copy, _ in self.pieces:
            if start <= first < end or first == start:
                return copy + first - start
        raise AssertionError("an argument without memory")

    def bring_back(self, name):
        for first, end, written, copy, padding in self.pieces:
            before = ctypes.string_at(copy - _MARGIN, _MARGIN)
            after = ctypes.string_at(copy + end - first, padding)
            if (before + after).strip(bytes([_CANARY])):
                raise RuntimeError(f"{name}: a thread writes just outside an array")
            if written:
                ctypes.memmove(first, copy, end - first)
