"""GPUs: whether there are any, what they are, waiting for them, and their memory; names as in ``torch.cuda``.

Importing it needs neither a GPU nor CuPy. Tensors go to a GPU with ``x.to("cuda")``, models with ``model.to("cuda")``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import random
from .backends import cuda as _cuda
from .cuda_graphs import CUDAGraph, graph, is_current_stream_capturing
from .cuda_streams import Event, Stream, current_stream, stream

__all__ = [
    "CUDAGraph",
    "DeviceProperties",
    "Event",
    "Stream",
    "current_device",
    "current_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "graph",
    "is_available",
    "is_current_stream_capturing",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "set_device",
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
    """The number of the GPU that ``"cuda"`` without a number means, in this thread.

    >>> import minitorch
    >>> minitorch.cuda.current_device()
    0

    Raises:
        RuntimeError: there is none.
    """
    return _cuda.index_of()


def set_device(device: Any) -> None:
    """Makes a GPU (a number, a name such as ``"cuda:1"``, or a device) the current one of this thread.

    Operations run where their tensors are, whichever GPU is current: better name it in ``to("cuda:1")``, or use
    :class:`device`.

    >>> import minitorch
    >>> minitorch.cuda.set_device("cuda:0")

    Raises:
        RuntimeError: there is no such GPU.
        ValueError: the device isn't a GPU.
    """
    _cuda.cupy().cuda.runtime.setDevice(_cuda.index_of(device))


class device:
    """``with minitorch.cuda.device(1):`` makes that GPU the current one inside; None changes nothing.

    >>> import minitorch
    >>> with minitorch.cuda.device(0):
    ...     minitorch.ones(2, device="cuda").device
    device(type='cuda', index=0)

    Raises:
        RuntimeError: there is no such GPU.
        ValueError: the device isn't a GPU.
    """

    def __init__(self, device: Any) -> None:
        self.idx = None if device is None else _cuda.index_of(device)
        self._before: list[int] = []  # one object may be entered more than once

    def __enter__(self) -> device:
        self._before.append(current_device())
        if self.idx is not None:
            set_device(self.idx)
        return self

    def __exit__(self, *error: Any) -> None:
        set_device(self._before.pop())


class DeviceProperties(NamedTuple):
    """What :func:`get_device_properties` tells of a GPU."""

    name: str
    """Such as ``"NVIDIA H200"``."""
    major: int
    """Of the compute capability, which is major.minor."""
    minor: int
    total_memory: int
    """In bytes."""
    multi_processor_count: int


def get_device_properties(device: Any = None) -> DeviceProperties:
    """Name, compute capability, memory (in bytes) and number of multiprocessors of a GPU.

    >>> import minitorch
    >>> minitorch.cuda.get_device_properties().total_memory > 2**30
    True

    Raises:
        RuntimeError: there is no such GPU.
    """
    found = _cuda.cupy().cuda.runtime.getDeviceProperties(_cuda.index_of(device))
    numbers = (found[key] for key in ("major", "minor", "totalGlobalMem", "multiProcessorCount"))
    return DeviceProperties(found["name"].decode(), *map(int, numbers))


def get_device_name(device: Any = None) -> str:
    """The name of a GPU, such as ``"NVIDIA H200"``.

    >>> import minitorch
    >>> minitorch.cuda.get_device_name() == minitorch.cuda.get_device_properties().name
    True
    """
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of a GPU: (9, 0) for an H200.

    >>> import minitorch
    >>> minitorch.cuda.get_device_capability() >= (7, 0)
    True
    """
    return get_device_properties(device)[1:3]


def synchronize(device: Any = None) -> None:
    """Waits until everything that was started on a GPU is finished: operations return before they are.

    Raises:
        RuntimeError: there is no GPU, or something that was started there failed.
    """
    with _cuda.cupy().cuda.Device(_cuda.index_of(device)):
        _cuda.cupy().cuda.runtime.deviceSynchronize()


# ---- memory ----------------------------------------------------------------------------------------------------------


def memory_allocated(device: Any = None) -> int:
    """The bytes that arrays on a GPU take now, in the blocks of 512 bytes that CuPy's pool gives.

    >>> import minitorch
    >>> before = minitorch.cuda.memory_allocated()
    >>> x = minitorch.zeros(1000, device="cuda")
    >>> 4000 <= minitorch.cuda.memory_allocated() - before < 4000 + 512
    True
    """
    with _cuda.cupy().cuda.Device(_cuda.index_of(device)):
        return sum(int(pool.used_bytes()) for pool in _cuda.pools())


def memory_reserved(device: Any = None) -> int:
    """The bytes that CuPy's pool has taken from a GPU, for the arrays that there are and for later ones.

    >>> import minitorch
    >>> minitorch.cuda.memory_reserved() >= minitorch.cuda.memory_allocated()
    True
    """
    with _cuda.cupy().cuda.Device(_cuda.index_of(device)):
        return sum(int(pool.total_bytes()) for pool in _cuda.pools())


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that arrays on a GPU took at once, since :func:`reset_peak_memory_stats`.

    Counting slows every allocation down, so it begins with the first call of either, for the thread that calls it.

    >>> import minitorch
    >>> minitorch.cuda.reset_peak_memory_stats()
    >>> y = minitorch.zeros(1000, device="cuda") + 1          # the zeros are gone
    >>> minitorch.cuda.max_memory_allocated() >= minitorch.cuda.memory_allocated() + 4000
    True
    """
    return _peak().most(_cuda.index_of(device))


def reset_peak_memory_stats(device: Any = None) -> None:
    """Lets :func:`max_memory_allocated` count from now on."""
    _peak().reset(_cuda.index_of(device))


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """The bytes that are free on a GPU, and those that it has, whoever uses them.

    >>> import minitorch
    >>> free, total = minitorch.cuda.mem_get_info()
    >>> 0 < free <= total
    True
    """
    free, total = _cuda.cupy().cuda.Device(_cuda.index_of(device)).mem_info
    return int(free), int(total)


def empty_cache() -> None:
    """Gives the memory that no array takes back to the GPUs."""
    _cuda.cupy().get_default_memory_pool().free_all_blocks()
    _cuda.cupy().get_default_pinned_memory_pool().free_all_blocks()


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

        class Hook(_cuda.cupy().cuda.MemoryHook):  # type: ignore[misc]  # CuPy is Any
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
