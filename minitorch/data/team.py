"""Threads that make batches beforehand."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Protocol

from .worker import BatchMaker, Task

# How long a worker may go on with the batch that it is at when nobody wants it any more.
PATIENCE = 5.0

Jobs = SimpleQueue["tuple[Future[Any], Task] | None"]


class Worker(Protocol):
    """What a thread does."""

    def begin(self) -> None:
        """Called once, in the thread."""

    def __call__(self, task: Task) -> Any:
        """The batch, made in the thread."""

    def leave(self) -> None:
        """Called last, in the thread."""

    def end(self) -> None:
        """Called in another thread after that, or where it lasts too long."""


class ThreadWorker:
    """Makes batches in its thread."""

    def __init__(self, maker: BatchMaker, worker_id: int, base_seed: int) -> None:
        self._maker, self._worker_id, self._base_seed = maker, worker_id, base_seed

    def begin(self) -> None:
        self._maker.begin(self._worker_id, self._base_seed)

    def __call__(self, task: Task) -> Any:
        return self._maker(task)

    def leave(self) -> None:
        pass

    def end(self) -> None:
        pass


class Team:
    """A thread for each worker. It ends with :meth:`close`, or when nothing refers to it any more, or the program ends.

    ``finish`` is applied to each batch in the worker's thread. The threads are daemons, so that one that hangs keeps no
    program from ending.
    """

    def __init__(self, workers: Sequence[Worker], finish: Callable[[Any], Any]) -> None:
        self._jobs: Jobs = SimpleQueue()
        threads = [
            threading.Thread(target=_work, args=(worker, finish, self._jobs), name=f"DataLoader-{i}", daemon=True)
            for i, worker in enumerate(workers)
        ]
        # The threads don't refer to the team, nor does this.
        self._close = weakref.finalize(self, _end, os.getpid(), self._jobs, threads, workers)
        for thread in threads:
            thread.start()

    def submit(self, task: Task) -> Future[Any]:
        """Has a batch made. Tasks are begun in the order in which they are given.

        Raises:
            RuntimeError: the team has ended, which may be for another iterator's sake.
        """
        if not self.is_open:
            raise RuntimeError(
                "DataLoader: its workers have ended, because of an error that another iterator over it met"
            )
        future: Future[Any] = Future()
        self._jobs.put((future, task))
        return future

    @property
    def is_open(self) -> bool:
        """Whether it takes tasks."""
        return self._close.alive

    def close(self) -> None:
        """Ends the threads. Futures that aren't done have to be cancelled before."""
        self._close()


def _work(worker: Worker, finish: Callable[[Any], Any], jobs: Jobs) -> None:
    failure: BaseException | None = None
    try:
        worker.begin()
    except BaseException as error:
        failure = error
    while (job := jobs.get()) is not None:
        future, task = job
        if future.set_running_or_notify_cancel():
            try:
                if failure is not None:
                    raise failure
                future.set_result(finish(worker(task)))
            except BaseException as error:
                future.set_exception(error)
        del job, future, task  # waiting for the next one, this frame keeps no batch alive
    worker.leave()


def _end(process: int, jobs: Jobs, threads: Sequence[threading.Thread], workers: Sequence[Worker]) -> None:
    if os.getpid() != process:
        return  # a forked copy, to which none of these belong
    for _ in threads:
        jobs.put(None)
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        # The garbage collector, which may have called this, runs in any thread. One may also not have been started.
        if thread.ident is not None and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
    for worker in workers:
        worker.end()
