"""Schedules against their closed forms."""

from __future__ import annotations

import math

import pytest

import minitorch
from minitorch import optim
from minitorch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, StepLR


def optimizer_of(*rates):
    return optim.SGD([{"params": [minitorch.zeros(1, requires_grad=True)], "lr": lr} for lr in rates])


def rates(scheduler, epochs):
    seen = []
    for _ in range(epochs):
        seen.append([group["lr"] for group in scheduler.optimizer.param_groups])
        assert scheduler.get_last_lr() == seen[-1]
        scheduler.step()
    return seen


def step_lr(optimizer):
    return StepLR(optimizer, step_size=3, gamma=0.5)


def cosine(optimizer):
    return CosineAnnealingLR(optimizer, T_max=5, eta_min=0.01)


def test_step_lr():
    for epoch, (a, b) in enumerate(rates(step_lr(optimizer_of(1.0, 0.2)), 20)):
        assert a == 0.5 ** (epoch // 3)
        assert b == pytest.approx(0.2 * 0.5 ** (epoch // 3), rel=1e-14)


def test_cosine_annealing_goes_down_and_up_again():
    for epoch, (a, b) in enumerate(rates(cosine(optimizer_of(1.0, 0.2)), 40)):
        cos = (1 + math.cos(math.pi * epoch / 5)) / 2
        assert a == pytest.approx(0.01 + 0.99 * cos, rel=1e-9)
        assert b == pytest.approx(0.01 + 0.19 * cos, rel=1e-9)


@pytest.mark.parametrize("make", [step_lr, cosine])
def test_resuming_is_the_same_to_the_bit(make):
    through = rates(make(optimizer_of(1.0, 0.2)), 17)
    first = make(optimizer_of(1.0, 0.2))
    rates(first, 7)
    optimizer = optimizer_of(1.0, 0.2)
    second = make(optimizer)
    second.load_state_dict(first.state_dict())
    optimizer.load_state_dict(first.optimizer.state_dict())
    assert rates(second, 10) == through[7:]


def test_resuming_with_last_epoch():
    first = step_lr(optimizer_of(1.0))
    rates(first, 4)
    resumed = StepLR(first.optimizer, step_size=3, gamma=0.5, last_epoch=first.last_epoch)
    assert resumed.last_epoch == 5
    assert rates(resumed, 3) == [[0.5], [0.25], [0.25]]
    with pytest.raises(KeyError, match=r"'initial_lr' is not specified in param_groups\[0\]"):
        StepLR(optimizer_of(1.0), 3, last_epoch=4)


def test_schedulers_chain():
    optimizer = optimizer_of(1.0)
    down, half = cosine(optimizer), step_lr(optimizer)
    for _ in range(3):
        down.step()
        half.step()
    expected = 0.01 + 0.99 * (1 + math.cos(math.pi * 3 / 5)) / 2
    assert optimizer.param_groups[0]["lr"] == pytest.approx(expected / 2, rel=1e-12)


def test_bad_input():
    with pytest.raises(TypeError, match="int is not an Optimizer"):
        StepLR(3, 1)
    with pytest.raises(ValueError, match="step_size must be positive, got 0"):
        StepLR(optimizer_of(1.0), 0)
    with pytest.raises(ValueError, match="T_max must be positive, got 0"):
        CosineAnnealingLR(optimizer_of(1.0), 0)
    with pytest.raises(ValueError, match="is not of CosineAnnealingLR: it lacks T_max, eta_min"):
        cosine(optimizer_of(1.0)).load_state_dict(step_lr(optimizer_of(1.0)).state_dict())
    with pytest.raises(NotImplementedError):
        LRScheduler(optimizer_of(1.0))
