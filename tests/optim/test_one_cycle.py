"""OneCycleLR: its curve, the momentum that goes the other way, state."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

import minitorch
from minitorch import optim
from minitorch.optim.lr_scheduler import OneCycleLR


def optimizer_of(*rates, make=optim.SGD, **options):
    return make([{"params": [minitorch.zeros(1, requires_grad=True)], "lr": lr} for lr in rates], **options)


def along(points, step, curve):
    """The value at a step of a curve through (step, value) of ``points``."""
    for (begin, start), (end, stop) in pairwise(points):
        if step <= end:
            x = (step - begin) / (end - begin)
            return start + (stop - start) * (x if curve == "linear" else (1 - math.cos(math.pi * x)) / 2)
    raise AssertionError


@pytest.mark.parametrize("curve", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_the_curve(curve, three_phase, make):
    options = {"momentum": 0.5} if make is optim.SGD else {}
    optimizer = optimizer_of(1.0, 1.0, make=make, **options)
    scheduler = OneCycleLR(
        optimizer,
        [2.0, 4.0],
        epochs=4,
        steps_per_epoch=5,
        pct_start=0.35,
        anneal_strategy=curve,
        base_momentum=0.8,
        max_momentum=[0.9, 0.95],
        div_factor=10.0,
        final_div_factor=100.0,
        three_phase=three_phase,
    )
    for step in range(20):
        for group, top, high in zip(optimizer.param_groups, (2.0, 4.0), (0.9, 0.95), strict=True):
            if three_phase:
                rates = [(0, top / 10), (6, top), (12, top / 10), (19, top / 1000)]
                momenta = [(0, high), (6, 0.8), (12, high), (19, high)]
            else:
                rates = [(0, top / 10), (6, top), (19, top / 1000)]
                momenta = [(0, high), (6, 0.8), (19, high)]
            assert group["lr"] == pytest.approx(along(rates, step, curve), rel=1e-12)
            momentum = group["momentum"] if make is optim.SGD else group["betas"][0]
            assert momentum == pytest.approx(along(momenta, step, curve), rel=1e-12)
            if make is optim.Adam:
                assert group["betas"][1] == 0.999
        assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
        scheduler.step()
    with pytest.raises(ValueError, match=r"Tried to step 21 times\. .* total steps is 20"):
        scheduler.step()


def test_phases_of_one_step():
    """Where the way up is the first step, it has been gone at once."""
    optimizer = optimizer_of(1.0)
    scheduler = OneCycleLR(optimizer, 1.0, 10, pct_start=0.1, cycle_momentum=False)
    assert scheduler.get_last_lr() == [1.0]
    assert optimizer.param_groups[0]["momentum"] == 0
    assert OneCycleLR(optimizer_of(1.0), 1.0, 1).get_last_lr() == pytest.approx([1 / 25e4])
    assert OneCycleLR(optimizer_of(1.0), 1.0, 5, pct_start=0.0, cycle_momentum=False).get_last_lr()[0] < 1


def test_resuming():
    def make():
        return OneCycleLR(optimizer_of(1.0, momentum=0.9), 1.0, 12, three_phase=True)

    def go(scheduler, steps):
        seen = []
        for _ in range(steps):
            scheduler.step()
            seen.append((scheduler.get_last_lr(), scheduler.optimizer.param_groups[0]["momentum"]))
        return seen

    through, first, second = make(), make(), make()
    expected = go(through, 11)
    go(first, 5)
    second.load_state_dict(first.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert go(second, 6) == expected[5:]
