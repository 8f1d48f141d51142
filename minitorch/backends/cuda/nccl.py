"""Arrays between the GPUs of several processes, by NCCL.

What it does runs in a stream of its own, which waits for the current one when something is started; the current stream
waits for it when the result is needed. So gradients travel while kernels compute others.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import cupy
import numpy as np

from . import Unavailable
from .arrays import Array

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # CuPy warns where NCCL is missing; here that is an error
    from cupy.cuda import nccl

_TYPES = {
    np.dtype(np.uint8): "NCCL_UINT8",
    np.dtype(np.int32): "NCCL_INT32",
    np.dtype(np.int64): "NCCL_INT64",
    np.dtype(np.float16): "NCCL_FLOAT16",
    np.dtype(np.float32): "NCCL_FLOAT32",
    np.dtype(np.float64): "NCCL_FLOAT64",
}
_OPERATIONS = {"sum": "NCCL_SUM", "product": "NCCL_PROD", "min": "NCCL_MIN", "max": "NCCL_MAX"}


class _Transfer:
    """Something in the stream of NCCL. It keeps its arrays until it is waited for."""

    def __init__(self, stream: Any, *arrays: Array) -> None:
        self._arrays = arrays
        self._device = cupy.cuda.Device(stream.device_id)
        self._reached = cupy.cuda.Event(disable_timing=True)
        self._reached.record(stream)

    def is_completed(self) -> bool:
        return bool(self._reached.done)

    def wait(self) -> None:
        """Lets the current stream wait, not this process."""
        with self._device:
            cupy.cuda.get_current_stream().wait_event(self._reached)
        self._arrays = ()


class Nccl:
    """The transport of arrays on GPUs: one for each process, which ``share`` their values by other means.

    Raises:
        Unavailable: NCCL isn't installed, or two processes use one GPU.
    """

    def __init__(self, index: int, rank: int, size: int, share: Callable[[Any], list[Any]], node: str) -> None:
        self.index = index
        with cupy.cuda.Device(index):
            _check(share((nccl.available, node, cupy.cuda.runtime.deviceGetPCIBusId(index))))
            identity = share(nccl.get_unique_id() if rank == 0 else None)[0]
            self._communicator = nccl.NcclCommunicator(size, identity, rank)
            self._stream = cupy.cuda.Stream(non_blocking=True)

    def _start(
        self, function: Callable[..., None], array: Array, *rest: Any, gathered: Array | None = None
    ) -> _Transfer:
        result = array if gathered is None else gathered
        with cupy.cuda.Device(self.index):
            ready = cupy.cuda.Event(disable_timing=True)
            ready.record()
            self._stream.wait_event(ready)
            kind = getattr(nccl, _TYPES[array.dtype])
            function(array.data.ptr, result.data.ptr, array.size, kind, *rest, self._stream.ptr)
            return _Transfer(self._stream, array, result)

    def all_reduce(self, array: Array, operation: str) -> _Transfer:
        return self._start(self._communicator.allReduce, array, getattr(nccl, _OPERATIONS[operation]))

    def broadcast(self, array: Array, src: int) -> _Transfer:
        return self._start(self._communicator.broadcast, array, src)

    def all_gather(self, gathered: Array, array: Array) -> _Transfer:
        return self._start(self._communicator.allGather, array, gathered=gathered)

    def destroy(self) -> None:
        self._stream.synchronize()
        self._communicator.destroy()


def _check(processes: list[tuple[bool, str, str]]) -> None:
    """Raises what is wrong, on all ranks the same."""
    missing = [str(rank) for rank, (available, *_) in enumerate(processes) if not available]
    if missing:
        major = cupy.cuda.runtime.runtimeGetVersion() // 1000
        raise Unavailable(
            f"tensors on GPUs travel between processes by NCCL, which CuPy can't load on rank {', '.join(missing)}; "
            f"pip install nvidia-nccl-cu{major}"
        )
    first: dict[tuple[str, str], int] = {}
    for rank, (_, node, gpu) in enumerate(processes):
        other = first.setdefault((node, gpu), rank)
        if other != rank:
            raise Unavailable(
                f"ranks {other} and {rank} use the same GPU ({gpu} of {node}), but each needs its own: "
                f'device = f"cuda:{{minitorch.distributed.get_node_local_rank()}}"'
            )
