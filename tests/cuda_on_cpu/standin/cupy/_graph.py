"""Graphs: what a capturing stream records instead of doing it.

While a stream captures, nothing happens, as with CUDA: kernels aren't launched, functions are called only to learn the
shapes of their results, and the results are poison. What would wait for the GPU is refused, and so is what copies from
the host. Each launch of the graph calls everything again, on the same memory.

A graph doesn't keep the memory that it works in. What was freed while it was captured is poisoned at that very point of
each launch, and what is free when it is launched before that: a graph that reads what it hasn't written, or what isn't
its own any more, computes NaN.
"""

from __future__ import annotations

import ctypes
import threading
import weakref

import numpy as np

from . import _memory, _state
from ._differences import instead_of

_POISON = 0xFF  # floats are NaN, integers -1


class CUDARuntimeError(RuntimeError):
    pass


_REFUSED = "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing"
_INVALID = "cudaErrorStreamCaptureInvalidated: operation failed due to a previous error during capture"
_COPIED = "cudaErrorCapturedEvent: operation not permitted on an event last recorded in a capturing stream"


def capture():
    """The capture that this thread's current stream is in, or None."""
    current = _state.capture
    if current is None or current.thread != threading.get_ident():
        return None
    stream = current.stream
    return current if stream is _state.stream and stream.device_id == _state.device else None


def refuse(message=_REFUSED):
    """For what can't be captured: raises while the current stream captures, and the capture is lost."""
    current = capture()
    if current is not None:
        current.valid = False
        raise CUDARuntimeError(message)


def refuse_host_memory():
    """For copies from the host: CuPy holds their source until an event, which a capturing stream doesn't reach."""
    refuse(_COPIED)


def run(function, *args, writes=(), **kwargs):
    """Calls a function of NumPy's, or what CuPy does instead, or records the call.

    ``writes``: the arguments that it changes.
    """
    function = instead_of(function)
    current = capture()
    with np.errstate(all="ignore"):
        return function(*args, **kwargs) if current is None else current.record(function, args, kwargs, writes)


class Capture:
    def __init__(self, stream):
        self.stream = stream
        self.thread = threading.get_ident()
        self.pool = getattr(_memory.get_allocator(), "__self__", None)
        self.valid = True
        self.nodes = []  # [(name, function)]

    def check(self):
        if not self.valid:
            raise CUDARuntimeError(_INVALID)

    def record(self, function, args, kwargs, writes):
        """Returns what ``function`` would: views of the arguments as they are, new arrays full of poison."""
        self.check()
        call = Call(function, args, kwargs)
        name = getattr(function, "__name__", str(function))
        if writes:
            Call(function, _map(np.copy, args), _map(np.copy, kwargs))()  # for its errors
            self.nodes.append((name, call))
            return writes[0]
        sources, new = [], []
        _map(sources.append, [args, kwargs])

        def place(array):
            if any(np.may_share_memory(array, source) for source in sources):
                return array
            array = _memory.placed(array)
            _poison(array)
            new.append(Place(array))
            return array

        result = _map(place, function(*args, **kwargs))
        if new:

            def node():
                values = []
                _map(values.append, call())
                for to, value in zip(new, values, strict=True):
                    to.array()[...] = value

            self.nodes.append((name, node))
        return result

    def launch(self, kernel, arrays, run):
        """``run`` launches the kernel, which uses the arrays."""
        self.check()
        places = [Place(array) for array in arrays]

        def node():
            for place in places:
                place.check()
            run()

        self.nodes.append((kernel.name, node))

    def freed(self, memory):
        """Of the pool, or of another one."""
        if memory.pool is self.pool:
            first, size = memory.ptr, memory.__array_interface__["shape"][0]
            self.nodes.append((None, lambda: ctypes.memset(first, _POISON, size)))


class Call:
    """A call of a function with arrays that are where they were."""

    def __init__(self, function, args, kwargs):
        self.function, self.args, self.kwargs = function, _map(Place, args), _map(Place, kwargs)

    def __call__(self):
        return self.function(*_there(self.args), **_there(self.kwargs))


class Place:
    """Where an array lies. It doesn't keep the memory, but notices when that has been freed."""

    def __init__(self, array):
        self.layout = array.shape, array.dtype, array.strides
        self.first = array.ctypes.data
        low, high = np.lib.array_utils.byte_bounds(array)
        self.low, self.size = low, max(high - low, 1)
        memory = _memory.owner(array)
        current = capture()
        if memory is None:  # a number, or an array without elements
            self.copy = array.copy()
        elif current is not None and getattr(memory, "pool", None) is current.pool:
            self.copy, self.owner = None, weakref.ref(current.pool)
        else:
            self.copy, self.owner = None, weakref.ref(memory)

    def check(self):
        if self.copy is None and self.owner() is None:
            raise RuntimeError("a graph uses an array whose memory has been freed")

    def array(self):
        self.check()
        if self.copy is not None:
            return self.copy
        shape, dtype, strides = self.layout
        memory = (ctypes.c_uint8 * self.size).from_address(self.low)
        return np.ndarray(shape, dtype, memory, self.first - self.low, strides)


def _map(function, value):
    """``value`` with ``function`` of every array and NumPy scalar in it."""
    if isinstance(value, (np.ndarray, np.generic)):
        return function(np.asarray(value))
    if isinstance(value, (tuple, list)):
        items = [_map(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {key: _map(function, item) for key, item in value.items()}
    return value


def _there(value):
    """``value`` with the arrays of all places in it."""
    if isinstance(value, Place):
        return value.array()
    if isinstance(value, (tuple, list)):
        return type(value)([_there(item) for item in value])
    if isinstance(value, dict):
        return {key: _there(item) for key, item in value.items()}
    return value


def _poison(array):
    if array.size:
        array.fill(np.frombuffer(bytes([_POISON]) * array.itemsize, array.dtype)[0])


class Graph:
    """What a stream has captured."""

    def __init__(self, capture):
        self._nodes = capture.nodes
        self._pool = None if capture.pool is None else weakref.ref(capture.pool)

    def launch(self, stream=None):
        refuse()
        pool = self._pool and self._pool()
        if pool is not None:
            pool.poison_free_blocks()
        with np.errstate(all="ignore"):
            for _, node in self._nodes:
                node()

    def upload(self, stream=None):
        refuse()

    def debug_dot_str(self, flags=0):
        """The nodes, each with the name of its kernel or function."""
        names = [name for name, _ in self._nodes if name is not None]
        lines = [f'"graph_1_node_{i}"[label="{i}\\n{name}\\n"];' for i, name in enumerate(names)]
        return "\n".join(["digraph dot {", *lines, "}"])
