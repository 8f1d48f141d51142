"""One cycle: up to a large rate, and down to almost nothing, in a single run."""

from __future__ import annotations

import math
from typing import Any

from ..optimizer import Optimizer
from .scheduler import LRScheduler


class OneCycleLR(LRScheduler):
    """From max_lr/div_factor up to ``max_lr`` in a part ``pct_start`` of all steps, then down far below the start.

    With ``three_phase`` it goes down as it came up, and in the rest of the steps to the initial rate divided by
    ``final_div_factor``; without, all the way there at once. From a to b it goes by ``anneal_strategy``: along a
    cosine, a + (b - a)·(1 - cos(πx)) / 2, or ``"linear"``, a + (b - a)·x, with x from 0 to 1.

    Where the rate goes up, momentum (or Adam's β₁) goes down from ``max_momentum`` to ``base_momentum``, and the other
    way round, unless ``cycle_momentum`` is False. Call :meth:`step` after every batch, ``total_steps`` =
    ``epochs``·``steps_per_epoch`` in all.

    >>> import minitorch
    >>> optimizer = minitorch.optim.SGD([minitorch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    >>> scheduler = minitorch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=6, pct_start=0.5)
    >>> for batch in range(6):
    ...     print(round(scheduler.get_last_lr()[0], 4), round(optimizer.param_groups[0]["momentum"], 4))
    ...     if batch < 5:
    ...         scheduler.step()
    0.04 0.95
    0.52 0.9
    1.0 0.85
    0.75 0.875
    0.25 0.925
    0.0 0.95

    Raises:
        ValueError: an option is out of range, no number of steps is given, or the optimiser has no momentum; in
            ``step``, after more than ``total_steps`` steps.
        TypeError: ``optimizer`` is none.

    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2017.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self.cycle_momentum = cycle_momentum
        options: dict[str, list[float]] = {"max_lr": _for_groups(optimizer, "max_lr", max_lr)}
        if cycle_momentum:
            if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
                raise ValueError(
                    f"OneCycleLR: with cycle_momentum, the optimizer must support momentum or beta1, which "
                    f"{type(optimizer).__name__} does not"
                )
            self.use_beta1 = "betas" in optimizer.defaults
            options["max_momentum"] = _for_groups(optimizer, "max_momentum", max_momentum)
            options["base_momentum"] = _for_groups(optimizer, "base_momentum", base_momentum)
        if last_epoch == -1:
            for i, group in enumerate(optimizer.param_groups):
                group.update({name: values[i] for name, values in options.items()})
                group["initial_lr"] = group["max_lr"] / div_factor
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rate of each group; momentum is set as well."""
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            )
        begin = 0.0
        for phase in self._schedule_phases:
            if self.last_epoch <= phase["end_step"]:
                break
            begin = phase["end_step"]
        else:  # the step after the last
            begin = self._schedule_phases[-2]["end_step"]
        # A phase of one step is over at once.
        length = phase["end_step"] - begin
        x = (self.last_epoch - begin) / length if length else 1.0
        for group in self.optimizer.param_groups if self.cycle_momentum else ():
            momentum = self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], x)
            if self.use_beta1:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum
        return [self._between(g[phase["start_lr"]], g[phase["end_lr"]], x) for g in self.optimizer.param_groups]

    def _between(self, start: float, end: float, x: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * x + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * x) + 1)


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise ValueError("OneCycleLR: you must define either total_steps OR (epochs AND steps_per_epoch)")
    total = 1
    given = (
        {"epochs": epochs, "steps_per_epoch": steps_per_epoch} if total_steps is None else {"total_steps": total_steps}
    )
    for name, number in given.items():
        if not isinstance(number, int) or number <= 0:
            raise ValueError(f"OneCycleLR: expected positive integer {name}, but got {number}")
        total *= number
    return total


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """The step at which each phase ends, and the options of a group between which it goes."""

    def phase(end_step: float, lr: tuple[str, str], momentum: tuple[str, str]) -> dict[str, Any]:
        start = {"end_step": end_step, "start_lr": lr[0], "end_lr": lr[1]}
        return {**start, "start_momentum": momentum[0], "end_momentum": momentum[1]}

    up = float(pct_start * total_steps) - 1
    phases = [phase(up, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum"))]
    if three_phase:
        down = float(2 * pct_start * total_steps) - 2
        phases.append(phase(down, ("max_lr", "initial_lr"), ("base_momentum", "max_momentum")))
        phases.append(phase(total_steps - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum")))
    else:
        phases.append(phase(total_steps - 1, ("max_lr", "min_lr"), ("base_momentum", "max_momentum")))
    return phases


def _for_groups(optimizer: Optimizer, name: str, value: Any) -> list[float]:
    """A number for every group, or a list of one for each."""
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        raise ValueError(f"OneCycleLR: {name} has {len(values)} values, but the optimizer has {groups} param groups")
    return values
