"""Rates that are multiplied by a factor at certain epochs, or at all."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..optimizer import Optimizer
from .scheduler import LRScheduler


class LambdaLR(LRScheduler):
    """lr(t) = lr(0)·lr_lambda(t), with a function of the epoch for all groups, or a list of one for each.

    >>> import minitorch
    >>> optimizer = minitorch.optim.SGD([minitorch.zeros(1, requires_grad=True)], lr=0.1)
    >>> scheduler = minitorch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> for epoch in range(3):
    ...     print(round(scheduler.get_last_lr()[0], 4))
    ...     scheduler.step()
    0.1
    0.05
    0.0333

    Raises:
        ValueError: there are fewer or more functions than groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        count = len(optimizer.param_groups) if isinstance(optimizer, Optimizer) else 1
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * count
        if len(self.lr_lambdas) != count:
            raise ValueError(f"LambdaLR: expected {count} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [
            base_lr * function(self.last_epoch)
            for function, base_lr in zip(self.lr_lambdas, self.base_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser and the functions; of callable objects, their attributes."""
        attributes = [
            None if isinstance(function, types.FunctionType) else dict(getattr(function, "__dict__", {}))
            for function in self.lr_lambdas
        ]
        return {**super().state_dict(), "lr_lambdas": attributes}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        functions = self.lr_lambdas
        super().load_state_dict(state_dict)
        self.lr_lambdas = functions
        for function, attributes in zip(functions, state_dict["lr_lambdas"], strict=True):
            if attributes is not None:
                vars(function).update(attributes)


class StepLR(LRScheduler):
    """lr ← gamma·lr every ``step_size`` epochs.

    >>> import minitorch
    >>> optimizer = minitorch.optim.SGD([minitorch.zeros(1, requires_grad=True)], lr=0.1)
    >>> scheduler = minitorch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(4):
    ...     print(optimizer.param_groups[0]["lr"])
    ...     scheduler.step()
    0.1
    0.1
    0.05
    0.05

    Raises:
        ValueError: ``step_size`` is not positive.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size < 1:
            raise ValueError(f"StepLR: step_size must be positive, got {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._current()
        return [lr * self.gamma for lr in self._current()]


class MultiStepLR(LRScheduler):
    """lr ← gamma·lr at each of the epochs in ``milestones``.

    >>> import minitorch
    >>> optimizer = minitorch.optim.SGD([minitorch.zeros(1, requires_grad=True)], lr=0.1)
    >>> scheduler = minitorch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for epoch in range(4):
    ...     print(scheduler.get_last_lr()[0])
    ...     scheduler.step()
    0.1
    0.05
    0.05
    0.025
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)  # an epoch that is there twice counts twice
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        times = self.milestones.get(self.last_epoch, 0)
        return [lr * self.gamma**times for lr in self._current()] if times else self._current()


class ExponentialLR(LRScheduler):
    """lr ← gamma·lr every epoch.

    >>> import minitorch
    >>> optimizer = minitorch.optim.SGD([minitorch.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = minitorch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for epoch in range(3):
    ...     print(scheduler.get_last_lr()[0])
    ...     scheduler.step()
    1.0
    0.5
    0.25
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self._step_count == 1:
            return self._current()
        return [lr * self.gamma for lr in self._current()]
