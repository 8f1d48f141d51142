"""Schedules against their closed forms; state; bad input."""

from __future__ import annotations

import math

import pytest

import minitorch
from minitorch import optim
from minitorch.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)


def optimizer_of(*rates, momentum=0):
    groups = [{"params": [minitorch.zeros(1, requires_grad=True)], "lr": lr} for lr in rates]
    return optim.SGD(groups, momentum=momentum)


def rates(scheduler, epochs):
    seen = []
    for _ in range(epochs):
        seen.append([group["lr"] for group in scheduler.optimizer.param_groups])
        assert scheduler.get_last_lr() == seen[-1]
        scheduler.step()
    return seen


def slower(epoch):
    return 1 / (1 + epoch)


def step_lr(optimizer):
    return StepLR(optimizer, step_size=3, gamma=0.5)


def cosine(optimizer):
    return CosineAnnealingLR(optimizer, T_max=5, eta_min=0.01)


def warm_up_then_steps(optimizer):
    return SequentialLR(optimizer, [LinearLR(optimizer, 0.5, total_iters=4), step_lr(optimizer)], [5])


# A schedule, and its rate at an epoch if it begins with lr.
SCHEDULES = {
    "StepLR": (step_lr, lambda lr, t: lr * 0.5 ** (t // 3)),
    "MultiStepLR": (
        lambda optimizer: MultiStepLR(optimizer, [2, 7, 7, 15], gamma=0.3),
        lambda lr, t: lr * 0.3 ** sum(t >= milestone for milestone in (2, 7, 7, 15)),
    ),
    "ExponentialLR": (lambda optimizer: ExponentialLR(optimizer, 0.9), lambda lr, t: lr * 0.9**t),
    "LambdaLR": (lambda optimizer: LambdaLR(optimizer, slower), lambda lr, t: lr / (1 + t)),
    "LinearLR up": (
        lambda optimizer: LinearLR(optimizer, start_factor=0.25, total_iters=6),
        lambda lr, t: lr * (0.25 + 0.75 * min(t, 6) / 6),
    ),
    "LinearLR down": (
        lambda optimizer: LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=10),
        lambda lr, t: lr * (1 - min(t, 10) / 10),
    ),
    "CosineAnnealingLR": (cosine, lambda lr, t: 0.01 + (lr - 0.01) * (1 + math.cos(math.pi * t / 5)) / 2),
    "SequentialLR": (
        warm_up_then_steps,
        lambda lr, t: lr * (0.5 + 0.5 * min(t, 4) / 4) if t < 5 else lr * 0.5 ** ((t - 5) // 3),
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_closed_form(name):
    make, rate = SCHEDULES[name]
    for epoch, (a, b) in enumerate(rates(make(optimizer_of(1.0, 0.2)), 40)):
        assert a == pytest.approx(rate(1.0, epoch), rel=1e-9, abs=1e-15)
        assert b == pytest.approx(rate(0.2, epoch), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
def test_resuming_is_the_same_to_the_bit(name, tmp_path):
    make, _ = SCHEDULES[name]
    through = rates(make(optimizer_of(1.0, 0.2)), 17)
    first = make(optimizer_of(1.0, 0.2))
    rates(first, 7)
    minitorch.save([first.state_dict(), first.optimizer.state_dict()], tmp_path / "state.safetensors")
    saved = minitorch.load(tmp_path / "state.safetensors")
    optimizer = optimizer_of(1.0, 0.2)
    second = make(optimizer)
    second.load_state_dict(saved[0])
    optimizer.load_state_dict(saved[1])
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
    """Each goes on from the rate that the one before has left, without knowing of the others."""
    optimizer = optimizer_of(1.0)
    warm_up = LinearLR(optimizer, 0.5, total_iters=4)
    schedulers = [cosine(optimizer), step_lr(optimizer), warm_up, ExponentialLR(optimizer, 0.9)]
    lr = 0.5
    for t in range(1, 6):
        for scheduler in schedulers:
            scheduler.step()
        lr = 0.01 + (lr - 0.01) * (1 + math.cos(math.pi * t / 5)) / (1 + math.cos(math.pi * (t - 1) / 5))
        lr *= 0.5 if t == 3 else 1
        lr *= (4 + t) / (3 + t) if t <= 4 else 1
        lr *= 0.9
        assert optimizer.param_groups[0]["lr"] == pytest.approx(lr, rel=1e-9)


def test_a_function_for_each_group():
    scheduler = LambdaLR(optimizer_of(1.0, 0.5), [slower, lambda epoch: epoch])
    assert rates(scheduler, 3) == [[1.0, 0.0], [0.5, 0.5], [1 / 3, 1.0]]


def test_callable_objects_keep_their_state():
    class Decay:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, epoch):
            return self.factor**epoch

    first = LambdaLR(optimizer_of(1.0, 1.0), [Decay(0.5), slower])
    state = first.state_dict()
    assert state["lr_lambdas"] == [{"factor": 0.5}, None]
    second = LambdaLR(optimizer_of(1.0, 1.0), [Decay(0.1), slower])
    second.load_state_dict(state)
    second.step()
    assert second.get_last_lr() == [0.5, 0.5]


def test_sequences_of_sequences():
    """Each begins with its epoch 0 when its turn comes, also within another."""
    optimizer = optimizer_of(1.0)

    def stairs():
        return MultiStepLR(optimizer, [1], gamma=0.5)

    inner = SequentialLR(optimizer, [stairs(), stairs()], [2])
    later = SequentialLR(optimizer, [stairs(), ExponentialLR(optimizer, 0.5)], [2])
    scheduler = SequentialLR(optimizer, [inner, later], [5])
    seen = [lr for (lr,) in rates(scheduler, 10)]
    assert seen == [1.0, 0.5, 1.0, 0.5, 0.5, 1.0, 0.5, 1.0, 0.5, 0.25]


def test_a_sequence_may_begin_with_its_second():
    optimizer = optimizer_of(1.0)
    scheduler = SequentialLR(optimizer, [LinearLR(optimizer), ExponentialLR(optimizer, 0.5)], [0])
    assert [lr for (lr,) in rates(scheduler, 3)] == [1.0, 0.5, 0.25]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: StepLR(3, 1), TypeError, "int is not an Optimizer"),
        (lambda o: LambdaLR(3, slower), TypeError, "int is not an Optimizer"),
        (lambda o: ReduceLROnPlateau(3), TypeError, "int is not an Optimizer"),
        (lambda o: OneCycleLR(3, 1.0, 5), TypeError, "int is not an Optimizer"),
        (lambda o: StepLR(o, 0), ValueError, "step_size must be positive, got 0"),
        (lambda o: CosineAnnealingLR(o, 0), ValueError, "T_max must be positive, got 0"),
        (lambda o: LambdaLR(o, [slower, slower]), ValueError, "expected 1 lr_lambdas, but got 2"),
        (lambda o: LinearLR(o, start_factor=0.0), ValueError, "start_factor .* greater than 0 .* got 0.0"),
        (lambda o: LinearLR(o, start_factor=1.5), ValueError, "start_factor .* less or equal to 1, got 1.5"),
        (lambda o: LinearLR(o, end_factor=-0.5), ValueError, "end_factor .* between 0 and 1, got -0.5"),
        (lambda o: SequentialLR(o, [], []), ValueError, "at least one scheduler"),
        (lambda o: SequentialLR(o, [step_lr(o), 3], [1]), TypeError, r"schedulers\[1\] is no scheduler but int"),
        (lambda o: SequentialLR(o, [step_lr(o)], [1]), ValueError, "1 schedulers and 1 milestones"),
        (lambda o: SequentialLR(o, [step_lr(optimizer_of(1))], []), ValueError, "belongs to another optimizer"),
        (lambda o: SequentialLR(o, [ReduceLROnPlateau(o)], []), ValueError, "ReduceLROnPlateau, whose step needs"),
        (lambda o: ReduceLROnPlateau(o, factor=1.0), ValueError, "factor should be < 1.0, got 1.0"),
        (lambda o: ReduceLROnPlateau(o, mode="low"), ValueError, "mode 'low' is unknown"),
        (lambda o: ReduceLROnPlateau(o, threshold_mode="sum"), ValueError, "threshold_mode 'sum' is unknown"),
        (lambda o: ReduceLROnPlateau(o, min_lr=[0.1, 0.2]), ValueError, "expected 1 min_lrs, got 2"),
        (lambda o: OneCycleLR(o, 1.0), ValueError, r"either total_steps OR \(epochs AND steps_per_epoch\)"),
        (lambda o: OneCycleLR(o, 1.0, epochs=3), ValueError, r"either total_steps OR \(epochs AND steps_per_epoch\)"),
        (lambda o: OneCycleLR(o, 1.0, 0), ValueError, "positive integer total_steps, but got 0"),
        (lambda o: OneCycleLR(o, 1.0, epochs=2.0, steps_per_epoch=3), ValueError, "positive integer epochs"),
        (lambda o: OneCycleLR(o, 1.0, epochs=2, steps_per_epoch=-3), ValueError, "integer steps_per_epoch, but got -3"),
        (lambda o: OneCycleLR(o, 1.0, 5, pct_start=1.5), ValueError, "between 0 and 1 pct_start, but got 1.5"),
        (lambda o: OneCycleLR(o, 1.0, 5, pct_start=1), ValueError, "float between 0 and 1 pct_start, but got 1"),
        (lambda o: OneCycleLR(o, 1.0, 5, anneal_strategy="exp"), ValueError, "'cos' or 'linear', got 'exp'"),
        (lambda o: OneCycleLR(o, [1.0, 2.0], 5), ValueError, "max_lr has 2 values, but the optimizer has 1 param"),
    ],
)
def test_mistakes(make, error, message):
    with pytest.raises(error, match=message):
        make(optimizer_of(1.0))


def test_other_mistakes():
    with pytest.raises(ValueError, match="is not of CosineAnnealingLR: it lacks T_max, eta_min"):
        cosine(optimizer_of(1.0)).load_state_dict(step_lr(optimizer_of(1.0)).state_dict())
    with pytest.raises(NotImplementedError):
        LRScheduler(optimizer_of(1.0))
    plain = optim.Adagrad([minitorch.zeros(1, requires_grad=True)])
    with pytest.raises(ValueError, match="the optimizer must support momentum or beta1, which Adagrad does not"):
        OneCycleLR(plain, 1.0, 5)
    OneCycleLR(plain, 1.0, 5, cycle_momentum=False)
