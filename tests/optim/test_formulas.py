"""Optimisers against the formulas written out for single numbers, over many steps."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch

from .formulas import CASES, IDS, STEPS, gradient


def trajectory(make, options, dtype, prepare=lambda tensor: tensor):
    p = prepare(minitorch.tensor([3.0, 4.0], dtype=dtype)).requires_grad_()
    optimizer = make([p], **options)
    points = []
    for t in range(1, STEPS + 1):
        p.grad = minitorch.tensor(gradient(p.tolist(), t), dtype=dtype)
        optimizer.step()
        points.append(p.tolist())
    return np.array(points)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-4)])
@pytest.mark.parametrize(("make", "oracle", "options"), CASES, ids=IDS)
def test_trajectory(make, oracle, options, dtype, tolerance):
    steps = [oracle(**options), oracle(**options)]
    p, expected = [3.0, 4.0], []
    for t in range(1, STEPS + 1):
        p = [step(x, g, t) for step, x, g in zip(steps, p, gradient(p, t), strict=True)]
        expected.append(p)
    np.testing.assert_allclose(trajectory(make, options, dtype), expected, rtol=tolerance, atol=tolerance)


HALF = {make: options for make, _, options in CASES if options.get("lr", 0) >= 0.02}  # one of each


@pytest.mark.parametrize(("make", "options"), HALF.items(), ids=[make.__name__ for make in HALF])
def test_float16_is_updated_in_float32(make, options):
    # The state is exact; only the parameter itself is rounded to 11 bits at each step.
    exact = trajectory(make, options, "float64")
    half = trajectory(make, options, "float16")
    np.testing.assert_allclose(half, exact, rtol=2e-2, atol=2e-2)
    p = minitorch.ones(2, dtype=minitorch.float16, requires_grad=True)
    optimizer = make([p], **options)
    p.grad = minitorch.ones(2, dtype=minitorch.float16)
    optimizer.step()
    assert p.dtype is minitorch.float16
    states = [value for value in optimizer.state[p].values() if isinstance(value, minitorch.Tensor)]
    assert all(state.dtype is minitorch.float32 for state in states)


@pytest.mark.parametrize(("make", "oracle", "options"), CASES, ids=IDS)
def test_strides_do_not_matter(make, oracle, options):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    grads = [np.random.default_rng(i).standard_normal((3, 4)).astype(np.float32) for i in range(3)]
    packed = minitorch.tensor(values, requires_grad=True)
    base = np.zeros((8, 6), np.float32)
    base[::2, ::2] = values.T
    strided = minitorch.from_numpy(base[::2, ::2].T).requires_grad_()
    for parameter, order in ((packed, "C"), (strided, "F")):
        optimizer = make([parameter], **options)
        for grad in grads:
            parameter.grad = minitorch.from_numpy(np.asarray(grad, order=order))
            optimizer.step()
    np.testing.assert_array_equal(packed.detach().numpy(), strided.detach().numpy())
    assert not base[1::2].any()
    assert not base[:, 1::2].any()


@pytest.mark.parametrize(("make", "oracle", "options"), CASES, ids=IDS)
def test_a_parameter_without_gradient_waits(make, oracle, options):
    early, late = (minitorch.tensor([2.0], dtype=minitorch.float64, requires_grad=True) for _ in range(2))
    optimizer = make([early, late], **options)
    steps = [oracle(**options), oracle(**options)]
    expected = [2.0, 2.0]
    for t in range(1, 8):
        early.grad = minitorch.tensor([math.sin(t)], dtype=minitorch.float64)
        late.grad = None if t % 2 else early.grad.clone()
        optimizer.step()
        expected[0] = steps[0](expected[0], math.sin(t), t)
        if t % 2 == 0:
            expected[1] = steps[1](expected[1], math.sin(t), t // 2)
    np.testing.assert_allclose([early.item(), late.item()], expected, rtol=1e-12)


@pytest.mark.parametrize(("make", "oracle", "options"), CASES, ids=IDS)
def test_a_learning_rate_of_zero_moves_only_the_state(make, oracle, options):
    states = []
    for lr in (0, 0.1):  # schedules pass through 0
        p = minitorch.tensor([2.0, -3.0], dtype=minitorch.float64, requires_grad=True)
        optimizer = make([p], **{**options, "lr": lr})
        p.grad = minitorch.tensor([0.3, 0.4], dtype=minitorch.float64)
        optimizer.step()
        states.append({k: v.tolist() if isinstance(v, minitorch.Tensor) else v for k, v in optimizer.state[p].items()})
        assert lr or p.tolist() == [2.0, -3.0]
    assert states[0] == states[1]
