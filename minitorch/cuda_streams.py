"""Queues of work on a GPU, and marks in them. Use them as ``minitorch.cuda.Stream`` and ``minitorch.cuda.Event``."""

from __future__ import annotations

from typing import Any

from .backends import cuda as _cuda
from .devices import device as Device

__all__ = ["Event", "Stream", "current_stream", "stream"]


class Stream:
    """A queue of work on a GPU. Work in one is done in order; other streams don't wait for it.

    ``with stream:`` puts what is called into it, and makes its GPU the current one.

    Args:
        device: the GPU; by default the current one.
        priority: lower numbers go first, as in CUDA: -1 is before 0.

    >>> import minitorch
    >>> side = minitorch.cuda.Stream()
    >>> x = minitorch.ones(3, device="cuda")
    >>> side.wait_stream(minitorch.cuda.current_stream())     # for x
    >>> with side:
    ...     y = x * 2
    >>> minitorch.cuda.current_stream().wait_stream(side)     # for y
    >>> y.tolist()
    [2.0, 2.0, 2.0]

    Raises:
        RuntimeError: there is no such GPU.
    """

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        self._index = _cuda.index_of(device)
        self._entered: list[Any] = []  # one object may be entered more than once
        with _cuda.cupy().cuda.Device(self._index):
            self._stream = _cuda.cupy().cuda.Stream(non_blocking=True, priority=priority)

    @classmethod
    def _of(cls, stream: Any, index: int) -> Stream:
        self = cls.__new__(cls)
        self._index, self._entered, self._stream = index, [], stream
        return self

    @property
    def cuda_stream(self) -> int:
        """CUDA's own handle, for other libraries."""
        return int(self._stream.ptr)

    @property
    def device(self) -> Device:
        return Device("cuda", self._index)

    def __enter__(self) -> Stream:
        device = _cuda.cupy().cuda.Device(self._index)
        device.__enter__()
        self._stream.__enter__()
        self._entered.append(device)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stream.__exit__(*error)
        self._entered.pop().__exit__(*error)

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
        if event._event is not None:
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
    index = _cuda.index_of(device)
    return Stream._of(_cuda.cupy().cuda.get_current_stream(index), index)


class Event:
    """A place in a stream: whether it has been reached, and when.

    Args:
        enable_timing: whether :meth:`elapsed_time` can be asked for.
        blocking: whether :meth:`synchronize` leaves the processor to others.

    >>> import minitorch
    >>> start, end = (minitorch.cuda.Event(enable_timing=True) for _ in range(2))
    >>> start.record()
    >>> y = minitorch.ones(3, device="cuda") * 2
    >>> end.record()
    >>> end.synchronize()
    >>> start.elapsed_time(end) >= 0                          # milliseconds
    True
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False) -> None:
        self._timed = enable_timing
        self._blocking = blocking
        self._event: Any = None  # made when it is first recorded: it belongs to a GPU, the stream's

    def record(self, stream: Stream | None = None) -> None:
        """Puts the event into a stream, or into the current one."""
        stream = current_stream() if stream is None else stream
        if self._event is None:
            cuda = _cuda.cupy().cuda
            with cuda.Device(stream.device.index):
                self._event = cuda.Event(block=self._blocking, disable_timing=not self._timed)
        self._event.record(stream._stream)

    def wait(self, stream: Stream | None = None) -> None:
        """Lets later work in a stream, or in the current one, wait for the event."""
        (current_stream() if stream is None else stream).wait_event(self)

    def synchronize(self) -> None:
        """Waits until the event is reached, if it was recorded."""
        if self._event is not None:
            self._event.synchronize()

    def query(self) -> bool:
        """Whether it has been reached, or was never recorded."""
        return self._event is None or bool(self._event.done)

    def elapsed_time(self, end_event: Event) -> float:
        """The milliseconds from this event to another, both reached.

        Raises:
            ValueError: one of them was made without ``enable_timing=True``.
            RuntimeError: one of them wasn't recorded.
        """
        if not (self._timed and end_event._timed):
            raise ValueError("elapsed_time: both events must be made with enable_timing=True")
        if self._event is None or end_event._event is None:
            raise RuntimeError("elapsed_time: both events must be recorded first")
        return float(_cuda.cupy().cuda.get_elapsed_time(self._event, end_event._event))
