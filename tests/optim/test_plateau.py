"""ReduceLROnPlateau: what counts as better, and when the rate falls."""

from __future__ import annotations

import math

import pytest

import minitorch
from minitorch import optim
from minitorch.optim.lr_scheduler import ReduceLROnPlateau


def optimizer_of(*rates):
    return optim.SGD([{"params": [minitorch.zeros(1, requires_grad=True)], "lr": lr} for lr in rates])


def rates_after(scheduler, metrics):
    seen = []
    for metric in metrics:
        scheduler.step(metric)
        seen.append(scheduler.get_last_lr()[0])
        assert seen[-1] == scheduler.optimizer.param_groups[0]["lr"]
    return seen


def test_patience():
    scheduler = ReduceLROnPlateau(optimizer_of(1.0), factor=0.5, patience=2)
    # Two bad epochs are forgiven, the third is not; a good one begins the count anew.
    assert rates_after(scheduler, [3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1]) == [1] * 6 + [0.5] * 4 + [0.25]


@pytest.mark.parametrize(
    ("options", "better", "worse"),
    [
        ({"mode": "min", "threshold": 0.1}, 89.9, 90.1),
        ({"mode": "min", "threshold": 0.1, "threshold_mode": "abs"}, 99.8, 99.95),
        ({"mode": "max", "threshold": 0.1}, 110.1, 109.9),
        ({"mode": "max", "threshold": 0.1, "threshold_mode": "abs"}, 100.2, 100.05),
    ],
)
def test_better_is_better_by_the_threshold(options, better, worse):
    for metric, lr in ((better, 1.0), (worse, 0.5), (math.nan, 0.5)):
        scheduler = ReduceLROnPlateau(optimizer_of(1.0), factor=0.5, patience=0, **options)
        assert rates_after(scheduler, [100.0, metric]) == [1.0, lr]


def test_cooldown():
    scheduler = ReduceLROnPlateau(optimizer_of(1.0), factor=0.5, patience=0, cooldown=2)
    assert rates_after(scheduler, [1] * 8) == [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_the_least_rate_and_the_least_change():
    scheduler = ReduceLROnPlateau(optimizer_of(1.0, 1.0), factor=0.5, patience=0, min_lr=[0.3, 0.0], eps=0.1)
    seen = [tuple(scheduler.get_last_lr()) for _ in range(6) if scheduler.step(1.0) is None]
    assert seen == [(1.0, 1.0), (0.5, 0.5), (0.3, 0.25), (0.3, 0.125), (0.3, 0.125), (0.3, 0.125)]


def test_groups_that_are_added():
    optimizer = optimizer_of(1.0)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=0, min_lr=0.6)
    listed = ReduceLROnPlateau(optimizer, factor=0.5, patience=0, min_lr=[0.6])
    optimizer.add_param_group({"params": [minitorch.zeros(1, requires_grad=True)], "lr": 4.0})
    for _ in range(2):
        scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.6, 2.0]
    listed.step(1.0)
    with pytest.raises(RuntimeError, match="the optimizer has 2 param groups, but there are 1 min_lrs"):
        listed.step(1.0)


def test_a_metric_may_be_a_tensor_and_the_state_resumes():
    def make(optimizer):
        return ReduceLROnPlateau(optimizer, "max", factor=0.5, patience=1, cooldown=1)

    metrics = [minitorch.tensor(x) for x in (1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0)]
    through = rates_after(make(optimizer_of(1.0)), metrics)
    first = make(optimizer_of(1.0))
    rates_after(first, metrics[:4])
    optimizer = optimizer_of(1.0)
    second = make(optimizer)
    second.load_state_dict(first.state_dict())
    optimizer.load_state_dict(first.optimizer.state_dict())
    assert rates_after(second, metrics[4:]) == through[4:]
    assert second.best == 3.0
