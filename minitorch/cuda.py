"""GPUs: whether there are any, what they are, waiting for them, and their memory; names as in ``torch.cuda``.

Importing it needs neither a GPU nor CuPy. Tensors go to a GPU with ``x.to("cuda")``, models with ``model.to("cuda")``.
"""

from __future__ import annotations

from typing import Any

from . import random
from .backends import cuda as _cuda
from .cuda_graphs import CUDAGraph, graph, is_current_stream_capturing
from .devices import device as Device

__all__ = [
    "CUDAGraph",
    "Event",
    "Stream",
    "current_device",
    "current_stream",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "graph",
    "is_available",
    "is_current_stream_capturing",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "stream",
    "synchronize",
    "why_unavailable",
]


def is_available() -> bool:
    """Whether device ``"cuda"`` can be used. :func:`why_unavailable` says what is missing."""
    return why_unavailable() is None


def why_unavailable() -> str | None:
    """Why device ``"cuda"`` can't be used and how that can be mended, or None where it can."""
    return _cuda.why_unavailable()


def device_count() -> int:
    """The number of GPUs that the process sees: 0 where none can be used."""
    try:
        return _cuda.device_count()
    except _cuda.Unavailable:
        return 0


def current_device() -> int:
    """The number of the GPU that ``"cuda"`` without a number means.

    Raises:
        RuntimeError: there is none.
    """
    return _index(None)


def get_device_name(device: Any = None) -> str:
    """The name of a GPU, such as ``"NVIDIA H200"``."""
    return str(_properties(device)["name"].decode())


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of a GPU: (9, 0) for an H200."""
    properties = _properties(device)
    return int(properties["major"]), int(properties["minor"])


def synchronize(device: Any = None) -> None:
    """Waits until everything that was started on a GPU is finished.

    Raises:
        RuntimeError: there is no GPU, or something that was started there failed.
    """
    with _cupy().cuda.Device(_index(device)):
        _cupy().cuda.runtime.deviceSynchronize()


# ---- memory ----------------------------------------------------------------------------------------------------------


def memory_allocated(device: Any = None) -> int:
    """The bytes that arrays on a GPU take now."""
    with _cupy().cuda.Device(_index(device)):
        return int(_cupy().get_default_memory_pool().used_bytes())


def memory_reserved(device: Any = None) -> int:
    """The bytes that CuPy's pool has taken from a GPU, for the arrays that there are and for later ones."""
    with _cupy().cuda.Device(_index(device)):
        return int(_cupy().get_default_memory_pool().total_bytes())


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that arrays on a GPU took at once, since :func:`reset_peak_memory_stats`.

    Counting slows every allocation down, so it begins with the first call of either, for the thread that calls it.
    """
    return _peak().most(_index(device))


def reset_peak_memory_stats(device: Any = None) -> None:
    """Lets :func:`max_memory_allocated` count from now on."""
    _peak().reset(_index(device))


def empty_cache() -> None:
    """Gives the memory that no array takes back to the GPUs."""
    _cupy().get_default_memory_pool().free_all_blocks()
    _cupy().get_default_pinned_memory_pool().free_all_blocks()


class _Peak:
    """The most memory that each device's arrays took: a hook of CuPy's tells every change."""

    def __init__(self) -> None:
        self._now: dict[int, int] = {}
        self._most: dict[int, int] = {}

    def reset(self, index: int) -> None:
        self._now[index] = self._most[index] = memory_allocated(index)

    def most(self, index: int) -> int:
        if index not in self._most:
            self.reset(index)
        return self._most[index]

    def change(self, index: int, size: int) -> None:
        if index in self._now:
            self._now[index] += size
            self._most[index] = max(self._most[index], self._now[index])


_the_peak: _Peak | None = None


def _peak() -> _Peak:
    global _the_peak
    if _the_peak is None:
        peak = _Peak()

        class Hook(_cupy().cuda.MemoryHook):  # type: ignore[misc]  # CuPy is Any
            name = "minitorch.cuda.max_memory_allocated"

            def malloc_postprocess(self, **about: Any) -> None:
                peak.change(about["device_id"], about["mem_size"])

            def free_postprocess(self, **about: Any) -> None:
                peak.change(about["device_id"], -about["mem_size"])

        Hook().__enter__()
        _the_peak = peak
    return _the_peak


# ---- random numbers --------------------------------------------------------------------------------------------------


def manual_seed(seed: int) -> None:
    """Seeds the default generator, which is the same for all devices: :func:`minitorch.manual_seed`."""
    random.manual_seed(seed)


manual_seed_all = manual_seed


# ---- streams and events ----------------------------------------------------------------------------------------------


class Stream:
    """A queue of work on a GPU. Work in one is done in order; other streams don't wait for it.

    ``with stream:`` puts what is called into it.
    """

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        with _cupy().cuda.Device(_index(device)):
            self._stream = _cupy().cuda.Stream(non_blocking=True, priority=priority)

    @classmethod
    def _of(cls, stream: Any) -> Stream:
        self = cls.__new__(cls)
        self._stream = stream
        return self

    @property
    def cuda_stream(self) -> int:
        """CUDA's own handle, for other libraries."""
        return int(self._stream.ptr)

    @property
    def device(self) -> Device:
        return Device("cuda", self._stream.device_id)

    def __enter__(self) -> Stream:
        self._stream.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stream.__exit__(*error)

    def synchronize(self) -> None:
        """Waits until all that was put into the stream is done."""
        self._stream.synchronize()

    def query(self) -> bool:
        """Whether all that was put into the stream is done."""
        return bool(self._stream.done)

    def record_event(self, event: Event | None = None) -> Event:
        """Marks the present end of the stream with an event."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Lets later work in this stream wait for an event."""
        self._stream.wait_event(event._event)

    def wait_stream(self, stream: Stream) -> None:
        """Lets later work in this stream wait for what is in another one now."""
        self.wait_event(stream.record_event())

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Stream) and self.cuda_stream == other.cuda_stream and self.device == other.device

    def __hash__(self) -> int:
        return hash((self.cuda_stream, self.device))

    def __repr__(self) -> str:
        return f"<minitorch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


def stream(stream: Stream) -> Stream:
    """The stream as a context: ``with minitorch.cuda.stream(s):`` is ``with s:``."""
    return stream


def current_stream(device: Any = None) -> Stream:
    """The stream that work on a GPU is put into."""
    return Stream._of(_cupy().cuda.get_current_stream(_index(device)))


class Event:
    """A place in a stream: whether it has been reached, and when.

    Args:
        enable_timing: whether :meth:`elapsed_time` can be asked for.
        blocking: whether :meth:`synchronize` leaves the processor to others.
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False) -> None:
        self._event = _cupy().cuda.Event(block=blocking, disable_timing=not enable_timing)
        self._timed = enable_timing

    def record(self, stream: Stream | None = None) -> None:
        """Puts the event into a stream, or into the current one."""
        self._event.record(None if stream is None else stream._stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Lets later work in a stream, or in the current one, wait for the event."""
        (current_stream() if stream is None else stream).wait_event(self)

    def synchronize(self) -> None:
        """Waits until the event is reached."""
        self._event.synchronize()

    def query(self) -> bool:
        """Whether it has been reached."""
        return bool(self._event.done)

    def elapsed_time(self, end_event: Event) -> float:
        """The milliseconds from this event to another, both reached.

        Raises:
            ValueError: one of them was made without ``enable_timing=True``.
        """
        if not (self._timed and end_event._timed):
            raise ValueError("elapsed_time: both events must be made with enable_timing=True")
        return float(_cupy().cuda.get_elapsed_time(self._event, end_event._event))


# ---- devices ---------------------------------------------------------------------------------------------------------


def _cupy() -> Any:
    _cuda.device_count()  # raises with the reason
    return _cuda.import_cupy()


def _index(device: Any) -> int:
    """The number of a GPU, given as a number, a device, its name, or None for the current one.

    Raises:
        RuntimeError: there is none, or none of that number.
        ValueError: the device isn't a GPU.
    """
    if device is None:
        return int(_cupy().cuda.runtime.getDevice())
    if not isinstance(device, int):
        device = Device(device)
        if device.type != "cuda":
            raise ValueError(f"expected a cuda device, got {device}")
        if device.index is None:
            return _index(None)
        device = device.index
    count = _cuda.device_count()
    if not 0 <= device < count:
        raise RuntimeError(f"device 'cuda:{device}': there {'is 1 GPU' if count == 1 else f'are {count} GPUs'} here")
    return int(device)


def _properties(device: Any) -> Any:
    return _cupy().cuda.runtime.getDeviceProperties(_index(device))
