"""Arrays and objects between processes by MPI.

Everything here is a *nonblocking* collective that is then asked whether it is done. A blocking one would neither let
Ctrl-C through nor notice that the others don't come, and would keep a processor busy that they may need.
"""

from __future__ import annotations

import importlib
import os
import pickle
import time
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_INSTALL = "pip install 'minitorch[mpi]' brings mpi4py and MPICH"

# What launchers tell their processes about how many they are.
_LAUNCHERS = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")


def import_mpi() -> Any:
    """mpi4py's module, which starts MPI.

    Raises:
        RuntimeError: it isn't installed, or finds no MPI.
    """
    try:
        return importlib.import_module("mpi4py.MPI")
    except ModuleNotFoundError as error:
        raise RuntimeError(f"init_process_group: mpi4py is not installed ({error}); {_INSTALL}") from None
    except (ImportError, RuntimeError) as error:
        raise RuntimeError(f"init_process_group: mpi4py can't load MPI ({error}); {_INSTALL}") from error


def check_launcher(size: int) -> None:
    """Raises:
    RuntimeError: another MPI's ``mpiexec`` started this process, so that it can't see the others.
    """
    for variable in _LAUNCHERS:
        started = os.environ.get(variable, "1")
        if size == 1 and started != "1":
            raise RuntimeError(
                f"init_process_group: {variable} says that {started} processes were started, but each is alone: "
                f"mpiexec belongs to another MPI than mpi4py. Use the one beside this Python "
                f"(python -m mpi4py --mpi-library names mpi4py's MPI)"
            )


class _Request:
    """A nonblocking operation of MPI. Only calls of MPI move it on."""

    # So long a rank that waits asks again and again, leaving its processor to whoever wants it; then it begins to nap.
    EAGER, NAP = 0.1, 0.001

    def __init__(self, request: Any, timeout: float, what: str, arrays: tuple[Array, ...]) -> None:
        self._request = request
        self._timeout = timeout
        self._what = what
        self._arrays = arrays  # mpi4py doesn't keep them

    def is_completed(self) -> bool:
        return bool(self._request.Test())

    def wait(self) -> None:
        started = time.monotonic()
        while not self._request.Test():
            waited = time.monotonic() - started
            if waited < self.EAGER:
                os.sched_yield()
            elif waited < self._timeout:
                time.sleep(self.NAP)
            else:
                raise RuntimeError(
                    f"{self._what}: waited {waited:.0f} s for the other ranks; every rank must call the same "
                    f"operations in the same order (init_process_group's timeout is {self._timeout:g} s)"
                )


class Mpi:
    """The transport of arrays in the memory of CPUs. Results have the same bits on all ranks."""

    def __init__(self, timeout: float) -> None:
        self._mpi = import_mpi()
        check_launcher(self._mpi.COMM_WORLD.Get_size())
        self._comm = self._mpi.COMM_WORLD.Dup()  # of our own, so that nothing is mixed up with what a program sends
        self.rank = int(self._comm.Get_rank())
        self.size = int(self._comm.Get_size())
        self._timeout = timeout
        self._under_way: list[_Request] = []
        self._operations = {
            "sum": self._mpi.SUM,
            "product": self._mpi.PROD,
            "min": self._mpi.MIN,
            "max": self._mpi.MAX,
        }

    def _started(self, request: Any, what: str, *arrays: Array) -> _Request:
        # MPI goes on writing into the arrays also where nobody waits for it.
        started = _Request(request, self._timeout, what, arrays)
        self._under_way = [*(other for other in self._under_way if not other.is_completed()), started]
        return started

    def all_reduce(self, array: Array, operation: str) -> _Request:
        request = self._comm.Iallreduce(self._mpi.IN_PLACE, array, self._operations[operation])
        return self._started(request, "all_reduce", array)

    def broadcast(self, array: Array, src: int) -> _Request:
        return self._started(self._comm.Ibcast(array, src), "broadcast", array)

    def all_gather(self, gathered: Array, array: Array) -> _Request:
        return self._started(self._comm.Iallgather(array, gathered), "all_gather", array, gathered)

    def barrier(self) -> _Request:
        return self._started(self._comm.Ibarrier(), "barrier")

    def share(self, value: Any) -> list[Any]:
        """The ``value`` of every rank, in their order."""
        message = np.frombuffer(pickle.dumps(value), np.uint8)
        lengths = np.empty((self.size, 1), np.int64)
        self.all_gather(lengths, np.array([message.size])).wait()
        padded = np.zeros(int(lengths.max()), np.uint8)
        padded[: message.size] = message
        messages = np.empty((self.size, padded.size), np.uint8)
        self.all_gather(messages, padded).wait()
        return [
            pickle.loads(row[:length].tobytes()) for row, length in zip(messages, lengths[:, 0].tolist(), strict=True)
        ]

    def local_rank(self) -> tuple[int, int]:
        """This process's number among those of its machine, and how many they are."""
        local = self._comm.Split_type(self._mpi.COMM_TYPE_SHARED, self.rank)
        numbers = int(local.Get_rank()), int(local.Get_size())
        local.Free()
        return numbers

    def node_name(self) -> str:
        return str(self._mpi.Get_processor_name())

    def abort(self, status: int) -> None:
        """Ends all processes, this one too."""
        self._mpi.COMM_WORLD.Abort(status)

    def free(self) -> None:
        self._comm.Free()
