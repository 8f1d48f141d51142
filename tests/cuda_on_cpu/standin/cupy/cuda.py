"""Devices, streams, events and memory: there are two devices, and everything is finished when a call returns."""

from __future__ import annotations

import time
import types

from . import _state
from ._array import Device as Device
from ._memory import MemoryHook as MemoryHook
from ._memory import MemoryPointer as MemoryPointer
from ._memory import MemoryPool as MemoryPool
from ._memory import OutOfMemoryError as OutOfMemoryError
from ._memory import alloc as alloc
from ._memory import get_allocator as get_allocator
from ._memory import set_allocator as set_allocator
from ._memory import using_allocator as using_allocator


class CUDARuntimeError(RuntimeError):
    pass


def _set_device(device):
    Device(device).use()


runtime = types.SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDevice=lambda: _state.device,
    setDevice=_set_device,
    getDeviceCount=lambda: _state.devices,
    driverGetVersion=lambda: 13000,
    runtimeGetVersion=lambda: 13000,
    deviceSynchronize=lambda: None,
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
    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.null, self.non_blocking, self.ptr, self.device_id = null, non_blocking, 0, _state.device
        self._before = []

    def __enter__(self):
        global _stream
        self._before.append(_stream)
        _stream = self
        return self

    def __exit__(self, *error):
        global _stream
        _stream = self._before.pop()

    def use(self):
        global _stream
        _stream = self
        return self

    done = True

    def synchronize(self):
        pass

    def record(self, event=None):
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event):
        pass


Stream.null = Stream(null=True)
_stream = Stream.null


def get_current_stream(device_id=-1):
    return _stream


class Event:
    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.disable_timing = disable_timing
        self.time = None

    def record(self, stream=None):
        self.time = time.perf_counter()

    done = True

    def synchronize(self):
        pass


def get_elapsed_time(start, end):
    return (end.time - start.time) * 1000


class PinnedMemoryPool:
    def free_all_blocks(self):
        pass

    def n_free_blocks(self):
        return 0
