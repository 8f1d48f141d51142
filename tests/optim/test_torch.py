"""Optimisers and schedules against PyTorch's, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch import optim

from .test_optimizers import CASES, IDS

torch = pytest.importorskip("torch")


def run(library, make, options, schedule, steps):
    """The parameters after each step, and the learning rates."""
    rng = np.random.default_rng(0)
    tensor = minitorch.from_numpy if library is minitorch else torch.from_numpy
    params = [tensor(rng.standard_normal(shape).astype(np.float32)) for shape in ((4, 3), (5,))]
    for p in params:
        p.requires_grad_()
    optimizer = make(params, **options)
    scheduler = schedule(library.optim.lr_scheduler, optimizer)
    points, rates = [], []
    for _ in range(steps):
        for p in params:
            p.grad = tensor(rng.standard_normal(p.shape).astype(np.float32))
        optimizer.step()
        scheduler.step()
        points.append(np.concatenate([p.detach().numpy().ravel().copy() for p in params]))
        rates.append(optimizer.param_groups[0]["lr"])
    return np.array(points), rates, optimizer, scheduler


SCHEDULES = [
    lambda library, optimizer: library.StepLR(optimizer, 7, 0.3),
    lambda library, optimizer: library.CosineAnnealingLR(optimizer, 12, 1e-4),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["StepLR", "CosineAnnealingLR"])
@pytest.mark.parametrize(("make", "oracle", "options"), CASES, ids=IDS)
def test_the_same_steps(make, oracle, options, schedule):
    points, rates, *_ = run(minitorch, make, options, schedule, 40)
    expected, expected_rates, *_ = run(torch, getattr(torch.optim, make.__name__), options, schedule, 40)
    assert rates == expected_rates
    np.testing.assert_allclose(points, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("make", "oracle", "options"), CASES, ids=IDS)
def test_their_state_continues_here(make, oracle, options):
    _, _, theirs, scheduler = run(torch, getattr(torch.optim, make.__name__), options, SCHEDULES[0], 3)
    saved = theirs.state_dict()
    saved["state"] = {
        number: {n: None if v is None else minitorch.from_numpy(v.numpy().copy()) for n, v in state.items()}
        for number, state in saved["state"].items()
    }
    params = [
        minitorch.from_numpy(p.detach().numpy().copy()).requires_grad_() for p in theirs.param_groups[0]["params"]
    ]
    ours = make(params)
    schedule = SCHEDULES[0](optim.lr_scheduler, ours)
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
