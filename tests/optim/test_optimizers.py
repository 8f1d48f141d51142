"""Optimisers against the formulas written out for single numbers, over many steps; state; bad input."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest

import minitorch
from minitorch import nn, optim

STEPS = 60


def gradient(p, t):
    """Of a valley that is steep one way and flat the other, with a slope that changes sign from step to step."""
    return [4 * (p[0] - 1) + math.sin(t), 0.1 * (p[1] + 2) + 0.3 * math.cos(2 * t)]


# ---- the formulas, a number at a time, independent of the backends ---------------------------------------------------


def sgd(lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    buffer = None

    def step(p, g, t):
        nonlocal buffer
        g = (-g if maximize else g) + weight_decay * p
        if momentum:
            buffer = g if buffer is None else momentum * buffer + (1 - dampening) * g
            g = g + momentum * buffer if nesterov else buffer
        return p - lr * g

    return step


def adam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False, decoupled=False):
    m = v = largest = 0.0

    def step(p, g, t):
        nonlocal m, v, largest
        g = -g if maximize else g
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        largest = max(largest, v)
        m_hat = m / (1 - betas[0] ** t)
        v_hat = (largest if amsgrad else v) / (1 - betas[1] ** t)
        return p - lr * m_hat / (math.sqrt(v_hat) + eps)

    return step


def rmsprop(lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, maximize=False):
    v = mean = buffer = 0.0

    def step(p, g, t):
        nonlocal v, mean, buffer
        g = (-g if maximize else g) + weight_decay * p
        v = alpha * v + (1 - alpha) * g * g
        mean = alpha * mean + (1 - alpha) * g
        d = g / (math.sqrt(v - mean * mean if centered else v) + eps)
        buffer = momentum * buffer + d
        return p - lr * (buffer if momentum else d)

    return step


def adamw(**options):
    return adam(**{"weight_decay": 1e-2, **options}, decoupled=True)


CASES = [
    (optim.SGD, sgd, {"lr": 0.1}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05}),
    (optim.SGD, sgd, {"lr": 0.05, "momentum": 0.8, "nesterov": True}),
    (optim.SGD, sgd, {"lr": 0.001, "weight_decay": 0.1, "maximize": True}),
    (optim.Adam, adam, {}),
    (optim.Adam, adam, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1}),
    (optim.Adam, adam, {"lr": 0.1, "betas": (0.5, 0.7), "amsgrad": True, "eps": 1e-3}),
    (optim.Adam, adam, {"lr": 0.01, "maximize": True}),
    (optim.AdamW, adamw, {}),
    (optim.AdamW, adamw, {"lr": 0.1, "weight_decay": 0.5, "amsgrad": True}),
    (optim.RMSprop, rmsprop, {}),
    (optim.RMSprop, rmsprop, {"lr": 0.02, "alpha": 0.8, "momentum": 0.7, "weight_decay": 0.1}),
    (optim.RMSprop, rmsprop, {"lr": 0.02, "alpha": 0.9, "centered": True, "eps": 1e-3}),
    (optim.RMSprop, rmsprop, {"lr": 0.01, "alpha": 0.9, "centered": True, "momentum": 0.5, "maximize": True}),
]
IDS = [f"{make.__name__}-{'-'.join(map(str, options))}" for make, _, options in CASES]


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


@pytest.mark.parametrize(
    ("make", "oracle", "options"), CASES[:1] + CASES[6:7] + CASES[12:13], ids=["SGD", "Adam", "RMS"]
)
def test_float16_is_updated_in_float32(make, oracle, options):
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


# ---- groups, missing gradients, learning rates -----------------------------------------------------------------------


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


# ---- state ---------------------------------------------------------------------------------------------------------


def a_model(seed):
    minitorch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def train(model, optimizer, first, last):
    for t in range(first, last):
        x = minitorch.from_numpy(np.random.default_rng(t).standard_normal((5, 3)).astype(np.float32))
        optimizer.zero_grad()
        (model(x) ** 2).mean().backward()
        optimizer.step()


@pytest.mark.parametrize(("make", "oracle", "options"), CASES, ids=IDS)
def test_resumed_training_is_the_same_to_the_bit(make, oracle, options):
    through, first = a_model(0), a_model(0)
    train(through, make(through.parameters(), **options), 0, 7)
    optimizer = make(first.parameters(), **options)
    train(first, optimizer, 0, 3)
    saved = copy.deepcopy((first.state_dict(), optimizer.state_dict()))
    resumed = a_model(1)
    resumed.load_state_dict(saved[0])
    optimizer = make(resumed.parameters())
    optimizer.load_state_dict(saved[1])
    train(resumed, optimizer, 3, 7)
    for name, tensor in resumed.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), through.state_dict()[name].numpy())


def test_state_dict_layout():
    a, b = (minitorch.zeros(n, requires_grad=True) for n in (2, 3))
    optimizer = optim.Adam([{"params": [a]}, {"params": [b], "lr": 0.5}])
    b.grad = minitorch.ones(3)
    optimizer.step()
    state = optimizer.state_dict()
    assert state["param_groups"][1] == {
        "lr": 0.5,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0,
        "amsgrad": False,
        "maximize": False,
        "params": [1],
    }
    assert list(state["state"]) == [1]
    assert {name: getattr(value, "shape", value) for name, value in state["state"][1].items()} == {
        "step": 1,
        "exp_avg": (3,),
        "exp_avg_sq": (3,),
    }


def test_loading_copies_and_converts():
    p, q = minitorch.zeros(2, requires_grad=True), minitorch.zeros(2, dtype=minitorch.float64, requires_grad=True)
    first, second = optim.SGD([p], lr=1, momentum=0.5), optim.SGD([q], lr=3)
    p.grad = minitorch.ones(2)
    first.step()
    saved = first.state_dict()
    saved["state"][0]["step"] = minitorch.tensor(1.0)  # as PyTorch has it
    saved["state"][0]["nothing"] = None
    second.load_state_dict(saved)
    assert second.param_groups[0]["lr"] == 1
    assert second.param_groups[0]["params"] == [q]
    assert second.state[q]["step"] == 1
    assert second.state[q]["momentum_buffer"].dtype is minitorch.float64
    first.step()
    assert second.state[q]["momentum_buffer"].tolist() == [1, 1]
    assert first.state[p]["momentum_buffer"].tolist() == [1.5, 1.5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["param_groups"].append(s["param_groups"][0]), "different number of parameter groups"),
        (lambda s: s["param_groups"][0]["params"].append(1), "doesn't match the size of optimizer's group: 2 and 1"),
        (lambda s: s["param_groups"][0].pop("betas"), "is not of Adam: it lacks betas"),
        (lambda s: s["param_groups"][0].update(lr=-1), "Invalid learning rate: -1"),
        (lambda s: s["state"].update({4: {}}), r"in none of its groups: \[4\]"),
        (lambda s: s["state"][0].update(exp_avg=minitorch.ones(3)), r"exp_avg of parameter 0 .* \(2,\), got \(3,\)"),
        (lambda s: s["state"][0].update(exp_avg=[1, 2]), r"exp_avg of parameter 0 .* got list"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    p = minitorch.zeros(2, requires_grad=True)
    optimizer = optim.Adam([p], lr=0.5)
    p.grad = minitorch.ones(2)
    optimizer.step()
    state = copy.deepcopy(optimizer.state_dict())
    before = repr(optimizer), optimizer.state[p]["exp_avg"]
    change(state)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert (repr(optimizer), optimizer.state[p]["exp_avg"]) == before


def test_repr():
    optimizer = optim.SGD([minitorch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    assert repr(optimizer) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.1\n    maximize: False\n    momentum: 0.9\n"
        "    nesterov: False\n    weight_decay: 0\n)"
    )


# ---- bad input -----------------------------------------------------------------------------------------------------


def leaf():
    return minitorch.zeros(1, requires_grad=True)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (optim.SGD, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.SGD, {"lr": math.nan}, "Invalid learning rate: nan"),
        (optim.SGD, {"momentum": -0.1}, "Invalid momentum value: -0.1"),
        (optim.SGD, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.SGD, {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        (optim.SGD, {"nesterov": True, "momentum": 1, "dampening": 1}, "Nesterov momentum requires"),
        (optim.Adam, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.Adam, {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
        (optim.Adam, {"betas": (0.9, -1)}, "Invalid beta parameter at index 1: -1"),
        (optim.Adam, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.AdamW, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (optim.RMSprop, {"alpha": -1}, "Invalid alpha value: -1"),
        (optim.RMSprop, {"momentum": -1}, "Invalid momentum value: -1"),
    ],
)
def test_options_out_of_range(make, options, message):
    with pytest.raises(ValueError, match=message):
        make([leaf()], **options)
    with pytest.raises(ValueError, match=message):
        make([{"params": [leaf()], **options}])


def test_parameters_that_cannot_be():
    p = leaf()
    for params, error, message in (
        ([], ValueError, "optimizer got an empty parameter list"),
        (nn.ReLU().parameters(), ValueError, "optimizer got an empty parameter list"),
        (p, TypeError, "should be an iterable of Tensors or dicts, but got Tensor"),
        ({"params": [p]}, TypeError, "should be an iterable of Tensors or dicts, but got dict"),
        ([p, 3], TypeError, "can only optimize Tensors, but one of the params is int"),
        ([p * 2], ValueError, "can't optimize a non-leaf Tensor"),
        ([minitorch.arange(3)], ValueError, "can only optimize floating-point Tensors, but one is minitorch.int64"),
        ([p, p], ValueError, "some parameters appear more than once"),
        ([{"params": [p]}, {"params": [p]}], ValueError, "some parameters appear more than once"),
    ):
        with pytest.raises(error, match=message):
            optim.SGD(params, lr=1)
    optimizer = optim.SGD([p], lr=1)
    with pytest.raises(TypeError, match="param_group must be a dict, but got list"):
        optimizer.add_param_group([leaf()])
    with pytest.raises(ValueError, match="Invalid learning rate"):
        optimizer.add_param_group({"params": [leaf()], "lr": -1})
    assert len(optimizer.param_groups) == 1


def test_a_step_that_cannot_be_changes_nothing():
    first, second = leaf(), leaf()
    optimizer = optim.SGD([first, second], lr=1, momentum=0.9)
    first.grad = minitorch.ones(1)
    frozen = np.zeros(1, np.float32)
    frozen.flags.writeable = False
    second.data = frozen
    second.grad = minitorch.ones(1)
    with pytest.raises(RuntimeError, match=r"SGD: a parameter of shape \(1,\) is read-only"):
        optimizer.step()
    second.data = np.zeros(2, np.float32)
    with pytest.raises(RuntimeError, match=r"the gradient of a parameter doesn't fit it: expected shape \(2,\)"):
        optimizer.step()
    assert first.item() == 0
    assert optimizer.state == {}


def test_a_model_converted_after_its_optimizer_was_used():
    model = nn.Linear(1, 1)
    optimizer = optim.Adam(model.parameters())
    train(nn.Sequential(nn.Linear(3, 1), model), optimizer, 0, 1)
    model.double()
    with pytest.raises(RuntimeError, match=r"the exp_avg of a parameter doesn't fit it: .* float64.*got .* float32"):
        optimizer.step()
