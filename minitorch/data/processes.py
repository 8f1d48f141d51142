"""Processes that make batches beforehand. To the loader, each of them is a thread that lets a process do its work.

A process sends a batch as a pickle without the arrays' memory, and that memory as a file without a name: it needn't
wait for the program to read that, nothing can be left behind in /dev/shm, and no limit of it counts. The program copies
the memory out of the file and closes it. (Mapped, each batch that is kept would hold an open file.)
"""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import signal
import tempfile
import time
import traceback
from multiprocessing import connection as connections
from multiprocessing import reduction, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..backends import get_backend
from ..threads import set_num_threads
from .team import PATIENCE
from .worker import BatchMaker, Task, generator_of


class WorkerTraceback(Exception):
    """The traceback in the worker, as the cause of the exception that the program gets."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


# ---- in the program --------------------------------------------------------------------------------------------------


class ProcessWorker:
    """Has batches made by a process of its own."""

    def __init__(self, context: BaseContext, maker: BatchMaker, worker_id: int, base_seed: int) -> None:
        self._connection, theirs = context.Pipe()
        self._has_left = False
        inherited = None
        if context.get_start_method() == "fork":
            inherited = self._connection  # in the process, a copy of our end: open, it would hide that we are gone
        else:
            resource_tracker.ensure_running()  # which it needs, and the start of which unblocks signals
        self._process = context.Process(  # type: ignore[attr-defined]
            target=_serve,
            args=(theirs, inherited, maker, worker_id, base_seed),
            name=f"DataLoader-{worker_id}",
            daemon=True,
        )
        # Ctrl-C reaches the whole process group. The program alone acts on it, also while a process is starting.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def begin(self) -> None:
        pass

    def __call__(self, task: Task) -> Any:
        try:
            self._connection.send(task)
            done, *answer = self._connection.recv()
            buffers = _receive_buffers(self._connection, answer[1]) if done else []
        except (EOFError, ConnectionError):
            raise RuntimeError(self._how_it_died()) from None
        if done:
            return pickle.loads(answer[0], buffers=buffers)
        raise _rebuilt(*answer)

    def leave(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.send(None)
        self._has_left = True

    def end(self) -> None:
        if self._has_left:
            self._process.join(PATIENCE)
        for stop in (self._process.terminate, self._process.kill):
            if self._process.is_alive():
                stop()
                self._process.join(1)
        self._connection.close()

    def _how_it_died(self) -> str:
        process = self._process
        connections.wait([process.sentinel], PATIENCE)
        deadline = time.monotonic() + 1  # another thread may just be asking for the exit code, too
        while process.exitcode is None and time.monotonic() < deadline:
            time.sleep(0.01)
        code = process.exitcode
        what = f"DataLoader worker (pid {process.pid})"
        if code is None or code >= 0:
            return f"{what} exited unexpectedly with exit code {code}"
        hint = "; the system does that when memory runs out" if code == -signal.SIGKILL else ""
        return f"{what} was killed by signal {-code} ({signal.strsignal(-code)}){hint}"


def start_processes(context: BaseContext, maker: BatchMaker, base_seed: int) -> list[ProcessWorker]:
    """All processes, or none where one can't be started."""
    started: list[ProcessWorker] = []
    try:
        for worker_id in range(maker.num_workers):
            started.append(ProcessWorker(context, maker, worker_id, base_seed))  # noqa: PERF401
    except BaseException:
        for worker in started:
            worker.leave()
            worker.end()
        raise
    return started


def _receive_buffers(connection: Connection, sizes: list[int]) -> list[NDArray[np.uint8]]:
    """The memory of a batch's arrays."""
    if not sizes:
        return []
    buffers = [get_backend("cpu", 0).empty((size,), np.uint8) for size in sizes]
    with open(reduction.recv_handle(connection), "rb") as file:
        for buffer in buffers:
            found = file.readinto(buffer.data)
            if found != buffer.size:
                raise RuntimeError(f"DataLoader: expected {buffer.size} bytes of an array, got {found}")
    return buffers


def _rebuilt(error: bytes | None, text: str) -> BaseException:
    """A worker's exception, or a RuntimeError with its text where it can't be sent."""
    if error is None:
        return RuntimeError(text)
    try:
        rebuilt: BaseException = pickle.loads(error)
    except Exception:
        return RuntimeError(text)
    rebuilt.__cause__ = WorkerTraceback(text)
    return rebuilt


# ---- in the worker ---------------------------------------------------------------------------------------------------


def _serve(
    connection: Connection, inherited: Connection | None, maker: BatchMaker, worker_id: int, base_seed: int
) -> None:
    """Makes batches until it is told to stop, or the program has ended in whatever way."""
    if inherited is not None:
        inherited.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if get_backend("cpu", 0).name == "cpu":
        set_num_threads(1)  # the processes share the CPU
    failure: BaseException | None = None
    try:
        maker.begin(worker_id, base_seed)
    except BaseException as error:
        failure = error
    with contextlib.suppress(EOFError, ConnectionError):
        while (task := connection.recv()) is not None:
            answer, file = _answer(maker, task, failure)
            connection.send(answer)
            if file is not None:
                with file:
                    reduction.send_handle(connection, file.fileno(), None)


def _answer(maker: BatchMaker, task: Task, failure: BaseException | None) -> tuple[Any, BinaryIO | None]:
    """A batch, and the file with its arrays; or what went wrong now, or when the worker started."""
    try:
        if failure is not None:
            raise failure
        _seed_globals(task)
        data, sizes, file = _packed(maker(task))
    except BaseException as error:
        return (False, *_described(error)), None
    return (True, data, sizes), file


def _seed_globals(task: Task) -> None:
    """Nobody else in this process uses the global generators of Python and NumPy, so they too repeat what they gave."""
    seed = generator_of(task).initial_seed()
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002


def _packed(batch: Any) -> tuple[bytes, list[int], BinaryIO | None]:
    """A batch as a pickle, and the file that its arrays are in with the size of each."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(batch, protocol=5, buffer_callback=buffers.append)
    if not buffers:
        return data, [], None
    file = _file_without_name()
    try:
        sizes = []
        for buffer in buffers:
            with buffer.raw() as raw:
                file.write(raw)
                sizes.append(raw.nbytes)
        file.seek(0)  # where the program begins to read: it shares the position
    except BaseException:
        file.close()
        raise
    return data, sizes, file


def _file_without_name() -> BinaryIO:
    """A file that is gone when nobody has it open any more: in memory, where the system has that."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("minitorch"), "w+b")
    return tempfile.TemporaryFile()


def _described(error: BaseException) -> tuple[bytes | None, str]:
    """An exception to be sent, if it can be rebuilt, and its text with the traceback."""
    where = f"in a DataLoader worker (pid {os.getpid()}):\n"
    text = "".join([where, *traceback.format_exception(error)])
    try:
        data = pickle.dumps(error)
        pickle.loads(data)
    except Exception:
        return None, text
    return data, text
