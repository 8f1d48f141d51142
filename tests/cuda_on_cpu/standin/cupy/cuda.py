"""Devices, streams, events and memory: there are two devices, and everything is finished when a call returns, except
for what NCCL does."""

from __future__ import annotations

import itertools
import time
import types

from . import _graph, _state
from . import _memory as memory
from . import _nccl as nccl
from ._array import Device as Device
from ._graph import CUDARuntimeError as CUDARuntimeError
from ._graph import Graph as Graph
from ._memory import MemoryHook as MemoryHook
from ._memory import MemoryPointer as MemoryPointer
from ._memory import MemoryPool as MemoryPool
from ._memory import OutOfMemoryError as OutOfMemoryError
from ._memory import alloc as alloc
from ._memory import get_allocator as get_allocator
from ._memory import set_allocator as set_allocator
from ._memory import using_allocator as using_allocator


def _set_device(device):
    Device(device).use()


def _synchronize_device():
    _graph.refuse()
    _state.land()


runtime = types.SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDevice=lambda: _state.device,
    setDevice=_set_device,
    getDeviceCount=lambda: _state.devices,
    driverGetVersion=lambda: 13000,
    runtimeGetVersion=lambda: 13000,
    deviceSynchronize=_synchronize_device,
    deviceGetPCIBusId=lambda device: f"0000:{device:02X}:00.0",
    getDeviceProperties=lambda device: {
        "name": b"fibers of a CPU",
        "major": 9,
        "minor": 0,
        "multiProcessorCount": 2,
        "totalGlobalMem": 2**34,
    },
)

nvrtc = types.SimpleNamespace(getVersion=lambda: (13, 0), getSupportedArchs=lambda: (75, 80, 90, 100, 120))


def is_available():
    return True


class Stream:
    _handles = itertools.count(1)

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.null, self.non_blocking, self.device_id = null, non_blocking, _state.device
        self.ptr = 0 if null else next(self._handles)
        self._before = []
        self.waiting = []  # what NCCL shall do
        _state.streams[self.ptr] = self

    def __enter__(self):
        self._before.append(_state.stream)
        _state.stream = self
        return self

    def __exit__(self, *error):
        _state.stream = self._before.pop()

    def use(self):
        _state.stream = self
        return self

    @property
    def done(self):
        self.synchronize()
        return True

    def synchronize(self):
        if self.is_capturing():
            _graph.refuse()
        self.do()
        _state.land()

    def do(self):
        while self.waiting:
            self.waiting.pop(0)()

    def record(self, event=None):
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event):
        if event.stream is not None:
            event.stream.do()

    def begin_capture(self, mode=None):
        if self.null:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if _state.capture is not None:
            raise CUDARuntimeError("cudaErrorIllegalState: the stand-in captures one graph at a time")
        _state.capture = _graph.Capture(self)

    def end_capture(self):
        capture = _state.capture
        if not self.is_capturing():
            raise CUDARuntimeError("cudaErrorIllegalState: the operation cannot be performed in the present state")
        _state.capture = None
        capture.check()
        return Graph(capture)

    def is_capturing(self):
        return _state.capture is not None and _state.capture.stream is self


Stream.null = Stream(null=True)
_state.stream = Stream.null


def get_current_stream(device_id=-1):
    return _state.stream


class Event:
    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.disable_timing = disable_timing
        self._device = _state.device
        self.time = self.stream = None
        self._captured = False

    def record(self, stream=None):
        if (stream or _state.stream).device_id not in (-1, self._device) and not (stream or _state.stream).null:
            raise CUDARuntimeError("cudaErrorInvalidResourceHandle: an event is recorded in a stream of its own device")
        self.stream = stream or _state.stream
        self._captured = self.stream.is_capturing()
        self.time = time.perf_counter()

    @property
    def done(self):
        self.synchronize()
        return True

    def synchronize(self):
        if self._captured:
            _graph.refuse_host_memory()
        if self.stream is not None:
            self.stream.do()


def get_elapsed_time(start, end):
    return (end.time - start.time) * 1000


class PinnedMemoryPool:
    def free_all_blocks(self):
        pass

    def n_free_blocks(self):
        return 0


class PinnedMemoryPointer(bytearray):
    """Memory that NumPy's arrays can be made of."""


def alloc_pinned_memory(size):
    return PinnedMemoryPointer(size)
