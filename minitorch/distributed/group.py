"""The group of processes that this one belongs to: begin, end, and this process's place in it."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import traceback
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .. import threads
from ..tensor import Tensor
from .mpi import Mpi
from .work import Transport

if TYPE_CHECKING:
    from ..backends.cuda.nccl import Nccl

# The backends, and what their tensors are on.
_DEVICES = {"mpi": "a CPU", "nccl": "GPUs"}

_DEFAULT_TIMEOUT = timedelta(minutes=30)  # PyTorch's


class Group:
    """All processes that were started together, and how their tensors travel."""

    def __init__(self, backend: str | None, timeout: float) -> None:
        self.backend = backend
        self.mpi = Mpi(timeout)
        self.rank, self.size = self.mpi.rank, self.mpi.size
        self.local_rank, local_size = self.mpi.local_rank()
        self._nccl: Nccl | None = None
        self._hook_before = sys.excepthook
        if self.size > 1:
            sys.excepthook = self._fail
        self._share_processors(local_size)

    def _share_processors(self, local_size: int) -> None:
        """Lets the processes of a machine use a processor each, or as many as there are for each.

        A launcher may have given them different processors; else they all see the same.
        """
        mine = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
        seen = {
            processor
            for name, processors in self.mpi.share((self.mpi.node_name(), mine))
            if name == self.mpi.node_name()
            for processor in processors
        }
        if local_size > 1 and "OMP_NUM_THREADS" not in os.environ:
            threads.set_num_threads(max(1, min(len(seen) // local_size, len(mine))))

    def transport(self, tensor: Tensor, what: str) -> Transport:
        """How this tensor travels.

        Raises:
            RuntimeError: the group's backend isn't for its device, or NCCL can't be used.
        """
        needed = "nccl" if tensor.is_cuda else "mpi"
        if self.backend not in (None, needed):
            raise RuntimeError(
                f"{what}: backend {self.backend!r} is for tensors on {_DEVICES[str(self.backend)]}, got one on "
                f"{tensor.device}; init_process_group() without a backend takes both"
            )
        if needed == "mpi":
            return self.mpi
        from ..backends.cuda.nccl import Nccl  # needs CuPy, which a tensor on a GPU proves to be there

        index = tensor.device.index
        if self._nccl is None:
            assert index is not None
            self._nccl = Nccl(index, self.rank, self.size, self.mpi.share, self.mpi.node_name())
        elif self._nccl.index != index:
            raise RuntimeError(
                f"{what}: rank {self.rank} uses cuda:{self._nccl.index} since its first collective operation, got a "
                f"tensor on cuda:{index}; a process has one GPU in its group"
            )
        return self._nccl

    def _fail(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
        """Shows an error that nobody caught, and ends the other processes, which would wait."""
        shown = "".join(traceback.format_exception(kind, error, trace))
        sys.stdout.flush()
        sys.stderr.write(f"rank {self.rank} of {self.size} failed, and ends the others:\n{shown}")  # in one piece
        sys.stderr.flush()
        self.mpi.abort(128 + signal.SIGINT if issubclass(kind, KeyboardInterrupt) else 1)

    def destroy(self) -> None:
        if sys.excepthook == self._fail:
            sys.excepthook = self._hook_before
        if self._nccl is not None:
            self._nccl.destroy()
        self.mpi.free()


_group: Group | None = None


def the_group() -> Group:
    """Raises:
    ValueError: there is none.
    """
    if _group is None:
        raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
    return _group


# ---- what users call -------------------------------------------------------------------------------------------------


def is_available() -> bool:
    """Whether mpi4py is installed, which several processes need.

    >>> from minitorch import distributed
    >>> distributed.is_available()
    True
    """
    return importlib.util.find_spec("mpi4py") is not None


def is_initialized() -> bool:
    """Whether this process is in a group: after :func:`init_process_group`, until :func:`destroy_process_group`.

    >>> from minitorch import distributed
    >>> distributed.is_initialized()
    False
    """
    return _group is not None


def init_process_group(backend: str | None = None, timeout: timedelta | None = None) -> None:
    """Makes a group of all processes that ``mpiexec`` started; all of them call it. Without ``mpiexec`` it is a group
    of one.

    From then on, an exception that a rank doesn't catch ends all of them, after its traceback. (``sys.exit(1)`` on one
    rank does so under ``python -m mpi4py``.) Of the processes on one machine each gets its share of the processors,
    as by :func:`minitorch.set_num_threads`, unless ``OMP_NUM_THREADS`` is set.

    Args:
        backend: ``"mpi"`` for tensors on a CPU, ``"nccl"`` for tensors on GPUs (each rank another one), None for both.
        timeout: how long a rank waits for the others in an operation on a CPU; 30 minutes by default.

    >>> from minitorch import distributed
    >>> distributed.init_process_group()
    >>> distributed.is_initialized(), distributed.get_world_size()
    (True, 1)
    >>> distributed.destroy_process_group()

    Raises:
        RuntimeError: mpi4py or its MPI is missing, or ``mpiexec`` is another MPI's. The message says what to install.
        ValueError: there is a group already, or no such backend.
    """
    global _group
    if _group is not None:
        raise ValueError("trying to initialize the default process group twice!")
    if backend is not None and backend not in _DEVICES:
        raise ValueError(f"init_process_group: backend is {backend!r}; it can be 'mpi', 'nccl', or None for both")
    seconds = (_DEFAULT_TIMEOUT if timeout is None else timeout).total_seconds()
    _group = Group(backend, seconds)


def destroy_process_group() -> None:
    """Leaves the group; all ranks do. A program's end does so too.

    >>> from minitorch import distributed
    >>> distributed.init_process_group()
    >>> distributed.destroy_process_group()
    >>> distributed.is_initialized()
    False

    Raises:
        ValueError: there is no group.
    """
    global _group
    the_group().destroy()
    _group = None


def get_rank() -> int:
    """This process's number in the group, from 0.

    >>> from minitorch import distributed
    >>> distributed.init_process_group()
    >>> distributed.get_rank()
    0
    >>> distributed.destroy_process_group()

    Raises:
        ValueError: there is no group.
    """
    return the_group().rank


def get_world_size() -> int:
    """The number of processes in the group.

    >>> from minitorch import distributed
    >>> distributed.init_process_group()
    >>> distributed.get_world_size()
    1
    >>> distributed.destroy_process_group()

    Raises:
        ValueError: there is no group.
    """
    return the_group().size


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """This process's number among those of its machine: which GPU it takes, ``f"cuda:{get_node_local_rank()}"``.

    Without a group it is ``fallback_rank``.

    >>> from minitorch import distributed
    >>> distributed.get_node_local_rank(fallback_rank=0)
    0

    Raises:
        ValueError: there is no group, and no ``fallback_rank`` was given.
    """
    if _group is None and fallback_rank is not None:
        return int(fallback_rank)
    return the_group().local_rank
