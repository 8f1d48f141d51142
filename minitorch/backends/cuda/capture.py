"""Recording launches instead of running them, so that a graph can repeat them all at once.

A graph repeats its launches with the very same arguments. What changes from one replay to the next, such as a learning
rate or the place in a stream of random numbers, therefore lies in *cells* of device memory: captured kernels read it
there, and it is written before each replay.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from typing import Any

import cupy
import numpy as np

from . import source
from .arrays import Array, ceil_div
from .launch import launch

Step = tuple[Any, ...]  # what is fixed about an optimiser's step: its kernel and flags


class _Thread(threading.local):
    capture: Capture | None = None
    asked: list[tuple[Step, tuple[float, ...]]] | None = None


_thread = _Thread()
_captures: weakref.WeakSet[Capture] = weakref.WeakSet()


def current() -> Capture | None:
    """What this thread is capturing."""
    return _thread.capture


def pools() -> list[Any]:
    """The pools of all graphs that there are."""
    return [capture.pool for capture in _captures]


def is_capturing() -> bool:
    """Whether the current stream is."""
    return bool(cupy.cuda.get_current_stream().is_capturing())


class Capture:
    """A stream that records, the memory of what is recorded, and afterwards the graph.

    The memory comes from a pool of its own, so that nothing else gets what the graph will write into. It must live as
    long as the graph.
    """

    def __init__(self, stream: Any = None) -> None:
        self.stream = cupy.cuda.Stream(non_blocking=True) if stream is None else stream
        self.device = cupy.cuda.Device(self.stream.device_id)
        self.pool = cupy.cuda.MemoryPool()
        self.graph: Any = None
        self.steps: list[tuple[Step, list[Array]]] = []  # of optimisers, with where the host keeps their numbers
        self._pages: list[_Page] = []
        self._inside = contextlib.ExitStack()
        _captures.add(self)

    def begin(self) -> None:
        gc.collect()  # what would be freed while capturing, in the middle of it
        inside = contextlib.ExitStack()
        with inside:
            inside.enter_context(self.device)
            cupy.cuda.runtime.deviceSynchronize()
            inside.enter_context(self.stream)
            inside.enter_context(cupy.cuda.using_allocator(self.pool.malloc))
            if gc.isenabled():
                gc.disable()
                inside.callback(gc.enable)
            self.stream.begin_capture()
            _thread.capture = self
            self._inside = inside.pop_all()

    def end(self) -> None:
        """Whatever happens, the stream doesn't capture any more afterwards."""
        _thread.capture = None
        with self._inside:
            self.graph = self.stream.end_capture()

    def is_empty(self) -> bool:
        """Whether nothing was recorded."""
        return not self.pool.total_bytes() and "node" not in self.graph.debug_dot_str()

    # ---- numbers that change ----------------------------------------------------------------------------------------

    def cells(self, count: int, dtype: Any) -> tuple[Array, Array]:
        """Numbers that captured kernels read: for the host an array to write them to, for the kernels one to read."""
        words = ceil_div(count * np.dtype(dtype).itemsize, 8)
        if not self._pages or self._pages[-1].used + words > _WORDS:
            self._pages.append(_Page())
        return self._pages[-1].take(words, count, dtype)

    def step(self, step: Step, numbers: tuple[float, ...], dtypes: list[Any]) -> dict[Any, Array]:
        """Cells for the numbers of an optimiser's step, for each dtype of its parameters."""
        pairs = {dtype: self.cells(len(numbers), dtype) for dtype in dtypes}
        self.steps.append((step, [on_host for on_host, _ in pairs.values()]))
        return {dtype: on_device for dtype, (_, on_device) in pairs.items()}

    def launch(self) -> None:
        """Repeats what was recorded, on its device's current stream, with the numbers as they are now."""
        with self.device:
            for page in self._pages:
                page.write()
            self.graph.launch()


_WORDS = 64  # in the kernel's struct Cells


class _Page:
    """Cells that one launch writes: here, and on the device."""

    def __init__(self) -> None:
        self.used = 0
        self._on_device = cupy.empty(_WORDS, np.uint64)
        self._cells = source.struct("cells", "Cells", words=0)
        self._words = self._cells["words"]
        self._written = b""

    def take(self, words: int, count: int, dtype: Any) -> tuple[Array, Array]:
        part = slice(self.used, self.used + words)
        self.used += words
        return self._words[part].view(dtype)[:count], self._on_device[part].view(dtype)[:count]

    def write(self) -> None:
        words = self._words.tobytes()
        if words != self._written:
            launch("cells", "write_cells", grid=(1,), block=(_WORDS,), args=(self._cells, self._on_device))
            self._written = words


# ---- steps of optimisers ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def asking() -> Any:
    """Inside, optimisers' steps change nothing: the list that this gives gets what is fixed about each, and its
    numbers."""
    asked: list[tuple[Step, tuple[float, ...]]] = []
    _thread.asked = asked
    try:
        yield asked
    finally:
        _thread.asked = None


def asked() -> list[tuple[Step, tuple[float, ...]]] | None:
    """Where a step shall put its numbers instead of being done."""
    return _thread.asked
