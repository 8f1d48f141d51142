"""Optimisers and schedules against PyTorch's, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch import optim

from .formulas import CASES, IDS

torch = pytest.importorskip("torch")


def run(library, make, options, schedule, steps, dtype="float32"):
    """The parameters after each step, and the learning rates."""
    rng = np.random.default_rng(0)
    tensor = minitorch.from_numpy if library is minitorch else torch.from_numpy
    params = [tensor(rng.standard_normal(shape).astype(dtype)) for shape in ((4, 3), (5,))]
    for p in params:
        p.requires_grad_()
    optimizer = make(params, **options)
    scheduler = schedule(library.optim.lr_scheduler, optimizer)
    points, rates = [], []
    for _ in range(steps):
        for p in params:
            p.grad = tensor(rng.standard_normal(p.shape).astype(dtype))
        optimizer.step()
        scheduler.step()
        points.append(np.concatenate([p.detach().numpy().ravel().copy() for p in params]))
        rates.append(optimizer.param_groups[0]["lr"])
    return np.array(points), rates, optimizer, scheduler


SCHEDULES = {
    "StepLR": lambda library, optimizer: library.StepLR(optimizer, 7, 0.3),
    "CosineAnnealingLR": lambda library, optimizer: library.CosineAnnealingLR(optimizer, 12, 1e-4),
    "MultiStepLR": lambda library, optimizer: library.MultiStepLR(optimizer, [3, 9, 9, 30], 0.3),
    "ExponentialLR": lambda library, optimizer: library.ExponentialLR(optimizer, 0.97),
    "LinearLR": lambda library, optimizer: library.LinearLR(optimizer),
    "LinearLR down": lambda library, optimizer: library.LinearLR(optimizer, 1.0, 0.1, 20),
    "LambdaLR": lambda library, optimizer: library.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch)),
    "SequentialLR": lambda library, optimizer: library.SequentialLR(
        optimizer,
        [
            library.LinearLR(optimizer, 0.1, total_iters=4),
            library.StepLR(optimizer, 3, 0.5),
            library.CosineAnnealingLR(optimizer, 10, 1e-3),
            library.LambdaLR(optimizer, lambda epoch: 0.9**epoch),
        ],
        [4, 11, 30],
    ),
}


@pytest.mark.parametrize(("make", "oracle", "options"), CASES, ids=IDS)
@pytest.mark.parametrize(("dtype", "rtol", "atol"), [("float32", 2e-5, 2e-6), ("float64", 1e-10, 1e-12)])
def test_the_same_steps(make, oracle, options, dtype, rtol, atol):
    torch.set_default_dtype(getattr(torch, dtype))  # in which PyTorch keeps numbers such as NAdam's product
    try:
        schedule = SCHEDULES["StepLR"]
        points, rates, *_ = run(minitorch, make, options, schedule, 40, dtype)
        expected, expected_rates, *_ = run(torch, getattr(torch.optim, make.__name__), options, schedule, 40, dtype)
    finally:
        torch.set_default_dtype(torch.float32)
    assert rates == expected_rates
    np.testing.assert_allclose(points, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_same_rates(name):
    _, rates, *_ = run(minitorch, optim.SGD, {"lr": 0.1}, SCHEDULES[name], 40)
    _, expected, *_ = run(torch, torch.optim.SGD, {"lr": 0.1}, SCHEDULES[name], 40)
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"total_steps": 45},
        {"epochs": 9, "steps_per_epoch": 5, "anneal_strategy": "linear", "pct_start": 0.5},
        {"total_steps": 41, "three_phase": True, "base_momentum": 0.5, "div_factor": 3.0, "final_div_factor": 7.0},
        {"total_steps": 50, "pct_start": 0.0, "cycle_momentum": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["SGD", "NAdam"])
def test_the_same_cycle(name, options):
    def cycle(library, optimizer):
        return library.OneCycleLR(optimizer, 0.5, **options)

    own = {"lr": 0.1, "momentum": 0.9} if name == "SGD" else {}
    _, rates, ours, _ = run(minitorch, getattr(optim, name), own, cycle, 40)
    _, expected, theirs, _ = run(torch, getattr(torch.optim, name), own, cycle, 40)
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    option = "momentum" if name == "SGD" else "betas"
    np.testing.assert_allclose(ours.param_groups[0][option], theirs.param_groups[0][option], rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"mode": "max", "patience": 1, "threshold": 0.3, "cooldown": 2},
        {"patience": 0, "threshold_mode": "abs", "threshold": 0.2, "min_lr": 0.01},
        {"mode": "max", "patience": 0, "threshold_mode": "abs", "factor": 0.7, "eps": 0.03},
    ],
    ids=str,
)
def test_the_same_plateaus(options):
    def rates(library, zeros):
        optimizer = library.optim.SGD([zeros], lr=0.3)
        scheduler = library.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        rng = np.random.default_rng(1)
        seen = []
        for step in range(60):
            scheduler.step(1 / (1 + step / 10) + rng.standard_normal() / 5)
            seen += [*scheduler.get_last_lr(), scheduler.num_bad_epochs]
        return seen

    assert rates(minitorch, minitorch.zeros(1, requires_grad=True)) == rates(torch, torch.zeros(1, requires_grad=True))


@pytest.mark.parametrize(("make", "oracle", "options"), CASES, ids=IDS)
def test_their_state_continues_here(make, oracle, options):
    _, _, theirs, scheduler = run(torch, getattr(torch.optim, make.__name__), options, SCHEDULES["StepLR"], 3)
    saved = theirs.state_dict()
    saved["state"] = {
        number: {n: None if v is None else minitorch.from_numpy(v.numpy().copy()) for n, v in state.items()}
        for number, state in saved["state"].items()
    }
    params = [
        minitorch.from_numpy(p.detach().numpy().copy()).requires_grad_() for p in theirs.param_groups[0]["params"]
    ]
    ours = make(params)
    schedule = SCHEDULES["StepLR"](optim.lr_scheduler, ours)
    ours.load_state_dict(saved)
    schedule.load_state_dict(scheduler.state_dict())
    for p, q in zip(params, theirs.param_groups[0]["params"], strict=True):
        p.grad = minitorch.ones_like(p)
        q.grad = torch.ones_like(q)
    for _ in range(3):
        ours.step()
        theirs.step()
        schedule.step()
        scheduler.step()
    for p, q in zip(params, theirs.param_groups[0]["params"], strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=2e-5, atol=2e-6)
