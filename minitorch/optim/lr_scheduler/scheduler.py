"""What all schedulers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..optimizer import Optimizer


class LRScheduler:
    """Base class: a subclass computes the rates of epoch ``last_epoch`` in :meth:`get_lr`.

    Call :meth:`step` at the end of every epoch, after the optimiser's steps. Making a scheduler sets the rates of
    epoch 0; ``last_epoch`` resumes after an epoch, with the optimiser that was in use.

    >>> import minitorch
    >>> class Harmonic(minitorch.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / (1 + self.last_epoch) for lr in self.base_lrs]
    >>> optimizer = minitorch.optim.SGD([minitorch.nn.Parameter(minitorch.zeros(1))], lr=0.6)
    >>> scheduler = Harmonic(optimizer)
    >>> for epoch in range(3):
    ...     print(f"{scheduler.get_last_lr()[0]:.1f}")
    ...     optimizer.step()
    ...     scheduler.step()
    0.6
    0.3
    0.2

    Raises:
        TypeError: ``optimizer`` is none.
        KeyError: it has not been with a scheduler before, and ``last_epoch`` is given.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch "
                    f">= 0: load the optimizer's state first"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self._begin(last_epoch)

    def _begin(self, last_epoch: int) -> None:
        """Goes on from an epoch, with the rates that the optimiser has."""
        self.last_epoch = last_epoch
        self._step_count = 0
        self.step()

    def _restart(self) -> None:
        """Sets the rates of epoch 0."""
        for group, lr in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = lr
        self._begin(-1)

    def get_lr(self) -> list[float]:
        """The rate of each parameter group in epoch ``last_epoch``, computed from the rates before."""
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """The rates that the last :meth:`step` set."""
        return self._last_lr

    def step(self) -> None:
        """Goes on to the next epoch."""
        self._step_count += 1
        self.last_epoch += 1
        rates = self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = list(rates)

    def _current(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser, whose own ``state_dict`` has the current rates."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continues where ``state_dict`` was taken; the optimiser's must be loaded as well.

        Raises:
            ValueError: it is another scheduler's.
        """
        missing = [name for name in self.state_dict() if name not in state_dict]
        if missing:
            raise ValueError(f"loaded state dict is not of {type(self).__name__}: it lacks {', '.join(missing)}")
        self.__dict__.update({name: state_dict[name] for name in self.state_dict()})
