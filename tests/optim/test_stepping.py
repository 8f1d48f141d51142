"""What steps take and change: groups, dtypes, closures, gradients that are missing, graphs that were recorded."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minitorch
from minitorch import optim


def test_groups_have_options_of_their_own():
    a, b, c = (minitorch.zeros(1, requires_grad=True) for _ in range(3))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 10}], lr=1)
    optimizer.add_param_group({"params": [c], "lr": 100})
    for p in (a, b, c):
        p.grad = minitorch.ones(1)
    optimizer.step()
    assert [a.item(), b.item(), c.item()] == [-1, -10, -100]
    optimizer.param_groups[0]["lr"] = 5
    optimizer.step()
    assert [a.item(), b.item(), c.item()] == [-6, -20, -200]


def test_parameters_of_several_dtypes_and_shapes_in_one_group():
    shapes = [(), (3,), (0,), (2, 2)]
    params = [
        minitorch.ones(shape, dtype=dtype, requires_grad=True)
        for shape, dtype in itertools.product(shapes, ("float32", "float64", "float16"))
    ]
    optimizer = optim.Adam(params, lr=0.5)
    for _ in range(2):
        for p in params:
            p.grad = minitorch.ones_like(p)
        optimizer.step()
    for p in params:
        np.testing.assert_allclose(p.detach().numpy(), 0.0 if p.numel() else [], atol=1e-3)


def test_zero_grad():
    p = minitorch.ones(2, requires_grad=True)
    optimizer = optim.SGD([p], lr=1)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is None
    (p * p).sum().backward(create_graph=True)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0, 0]
    assert p.grad.grad_fn is None
    optimizer.zero_grad()
    assert p.grad is None


def test_closure_is_recorded_and_returned():
    p = minitorch.tensor([3.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with minitorch.no_grad():
        assert optimizer.step(closure).item() == 9
    assert p.item() == 0
    assert optimizer.step() is None


def test_a_step_is_noticed_by_a_recorded_graph():
    p = minitorch.tensor([3.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.5)
    loss = (p * p).sum()
    p.grad = minitorch.ones(1)
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_momentum_switched_on_later_begins_with_the_gradient():
    p = minitorch.zeros(1, requires_grad=True)
    optimizer = optim.SGD([p], lr=1)
    p.grad = minitorch.ones(1)
    optimizer.step()
    optimizer.param_groups[0].update(momentum=0.5, dampening=0.5)
    optimizer.step()
    assert p.item() == -2
    optimizer.step()
    assert p.item() == -3
