"""One pass over the data: what is to be made, the iterators that hand it out, and how far they have come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from itertools import chain, count, islice, repeat
from typing import Any
from weakref import finalize

from ..random import Generator, integers
from ..tensor import backend_of
from .team import Team
from .worker import Task


@dataclass
class Progress:
    """How far an epoch has come, and what it began with."""

    generator: tuple[int, int]  # where the generator stood
    sampler: Any  # its state, or None
    handed_out: int = 0
    is_over: bool = False


def tasks_of(sampler: Iterable[Any], generator: Generator, skipped: int = 0) -> tuple[int, Iterator[Task]]:
    """The base seed of an epoch, and the batches that are to be made, without the first ``skipped`` ones.

    Raises:
        ValueError: there aren't that many.
    """
    indices = iter(sampler)
    # A sampler draws its order when it is asked for the first batch. The base seed comes after that.
    first = list(islice(indices, 1))
    base_seed = int(integers(backend_of(None), 0, 2**63, 1, generator)[0])
    indices = chain(first, indices)
    found = sum(1 for _ in islice(indices, skipped))
    if found < skipped:
        raise ValueError(
            f"DataLoader: the loaded state is {skipped} batches into an epoch, but the sampler gives only {found}"
        )
    return base_seed, map(Task, repeat(base_seed), count(skipped), indices)


_END = object()


class Batches(Iterator[Any]):
    """Hands out the batches of an epoch; each is made when it is asked for."""

    def __init__(self, progress: Progress, tasks: Iterator[Task], make: Callable[[Task], Any]) -> None:
        self._progress, self._tasks, self._make = progress, tasks, make
        self._is_open = True

    def __next__(self) -> Any:
        if not self._is_open:
            raise StopIteration
        try:
            batch = self._next()
        except BaseException:
            self.close()
            raise
        if batch is _END:
            self._progress.is_over = True
            self.close()
            raise StopIteration
        self._progress.handed_out += 1
        return batch

    def _next(self) -> Any:
        task = next(self._tasks, None)
        return _END if task is None else self._make(task)

    def close(self) -> None:
        """Ends the iteration here."""
        self._is_open = False


class PrefetchedBatches(Batches):
    """Hands out the batches of an epoch, which a team makes beforehand.

    Args:
        ahead: how many are made, or being made, that nobody has asked for yet.
        timeout: seconds to wait for one, or None.
        keeps_team: the team is used again, unless something goes wrong.
    """

    def __init__(
        self,
        progress: Progress,
        tasks: Iterator[Task],
        team: Team,
        ahead: int,
        timeout: float | None,
        keeps_team: bool,
    ) -> None:
        super().__init__(progress, tasks, team.submit)
        self._team, self._timeout, self._keeps_team = team, timeout, keeps_team
        self._pending: deque[Future[Any]] = deque()
        # Also when nobody iterates any further: a team that is kept shall not go on with this.
        self._cancel = finalize(self, _cancel, self._pending)
        for _ in range(ahead):
            self._order()

    def _order(self) -> None:
        try:
            task = next(self._tasks, None)
            if task is not None:
                self._pending.append(self._make(task))
        except Exception as error:  # the sampler's, which is raised when it is the turn of its batch
            failed: Future[Any] = Future()
            failed.set_exception(error)
            self._pending.append(failed)
            self._tasks = iter(())

    def _next(self) -> Any:
        if not self._pending:
            return _END
        try:
            batch = self._result(self._pending[0])
        except BaseException:
            self._keeps_team = False  # it may be what is wrong
            raise
        self._pending.popleft()
        self._order()
        return batch

    def _result(self, future: Future[Any]) -> Any:
        try:
            return future.result(self._timeout)
        except Late:
            if future.done():  # so it was the dataset that ran out of time
                return future.result()
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None

    def close(self) -> None:
        super().close()
        self._tasks = iter(())
        self._cancel()
        if not self._keeps_team:
            self._team.close()


def _cancel(pending: deque[Future[Any]]) -> None:
    for future in pending:
        future.cancel()
    pending.clear()
