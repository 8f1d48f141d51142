"""Memory of the CPU that is locked in its place, so that a GPU copies from and to it by itself while Python goes on."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import cupy
import numpy as np

from .arrays import Array

HostArray = np.ndarray[Any, Any]

_lock = threading.Lock()
_in_flight: deque[tuple[Any, HostArray]] = deque()  # arrays that a GPU may still read, each with the event of its end


def empty(shape: tuple[int, ...], dtype: Any) -> HostArray:
    """An uninitialised C-contiguous array in pinned memory, which CuPy's pool gets back when nothing needs it."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    array: HostArray = np.ndarray(shape, dtype, cupy.cuda.alloc_pinned_memory(max(size, 1)))
    return array


def is_pinned(array: HostArray) -> bool:
    """Whether the memory is pinned: what the array, its base or its base's base and so on, was made of."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    return bool(isinstance(owner, cupy.cuda.PinnedMemoryPointer))


def send(array: HostArray) -> Array:
    """A copy of a pinned, C-contiguous array on the current GPU. It is made when the current stream comes to it; until
    then the memory is kept, and must not be changed."""
    stream = cupy.cuda.get_current_stream()
    there = cupy.empty(array.shape, array.dtype)
    there.set(array, stream)
    reached = cupy.cuda.Event(disable_timing=True)
    reached.record(stream)
    with _lock:
        _in_flight.append((reached, array))
        while _in_flight and _in_flight[0][0].done:
            _in_flight.popleft()
    return there


def receive(array: Array) -> HostArray:
    """A copy in pinned memory, which may be read when the current stream has been waited for. The array is on the
    current GPU."""
    here = empty(array.shape, array.dtype)
    array.get(cupy.cuda.get_current_stream(), out=here, blocking=False)
    return here
