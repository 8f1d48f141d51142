"""Schedulers one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler


class SequentialLR(LRScheduler):
    """Lets the first of ``schedulers`` work until epoch ``milestones[0]``, then the second until the next, and so on.

    Each begins with its epoch 0 when its turn comes.

    >>> import minitorch
    >>> from minitorch.optim.lr_scheduler import ExponentialLR, LinearLR, SequentialLR
    >>> optimizer = minitorch.optim.SGD([minitorch.zeros(1, requires_grad=True)], lr=1.0)
    >>> warm_up = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> scheduler = SequentialLR(optimizer, [warm_up, ExponentialLR(optimizer, gamma=0.5)], milestones=[2])
    >>> for epoch in range(5):
    ...     print(scheduler.get_last_lr()[0])
    ...     scheduler.step()
    0.5
    0.75
    1.0
    0.5
    0.25

    Raises:
        ValueError: there is no scheduler, one is another optimiser's or a :class:`ReduceLROnPlateau`, or there isn't
            one milestone between each two of them.
        TypeError: one of ``schedulers`` is none.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        if not schedulers:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler")
        for i, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(f"SequentialLR: schedulers[{i}] is no scheduler but {type(scheduler).__name__}")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"SequentialLR: schedulers[{i}] is ReduceLROnPlateau, whose step needs a metric")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"SequentialLR: schedulers[{i}] belongs to another optimizer")
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR expects one milestone less than schedulers, but got {len(schedulers)} schedulers and "
                f"{len(milestones)} milestones"
            )
        self.optimizer = optimizer
        self._schedulers = list(schedulers)
        self._milestones = list(milestones)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]  # making the schedulers has changed it
        self._begin(last_epoch)

    def _begin(self, last_epoch: int) -> None:
        self.last_epoch = last_epoch + 1
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._begin(first.last_epoch - 1)
        self._last_lr = first.get_last_lr()

    def _restart(self) -> None:
        self.last_epoch = 0
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._restart()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:
        """Goes on to the next epoch, and to the next scheduler where that is a milestone."""
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser; of the schedulers, their ``state_dict``."""
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        schedulers = self._schedulers
        super().load_state_dict(state_dict)
        self._schedulers = schedulers
        for scheduler, saved in zip(schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(saved)
