"""State of optimisers: saved, loaded, continued."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minitorch
from minitorch import nn, optim

from .formulas import CASES, IDS


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
        "decoupled_weight_decay": False,
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


def test_adagrad_begins_with_its_initial_value_and_nadam_keeps_its_product():
    p = minitorch.tensor([3.0], requires_grad=True)
    adagrad, nadam = optim.Adagrad([p], initial_accumulator_value=2.0), optim.NAdam([p], betas=(0.5, 0.9))
    p.grad = minitorch.tensor([3.0])
    adagrad.step()
    nadam.step()
    assert adagrad.state_dict()["state"][0]["sum"].tolist() == [11.0]
    product = nadam.state_dict()["state"][0]["mu_product"]
    assert product == 0.5 * (1 - 0.5 * 0.96**4e-3)
    nadam.param_groups[0]["betas"] = (0.25, 0.9)  # as a schedule may do: the product remembers what was
    nadam.step()
    assert nadam.state[p]["mu_product"] == product * 0.25 * (1 - 0.5 * 0.96**8e-3)
    saved = nadam.state_dict()
    saved["state"][0]["mu_product"] = minitorch.tensor(0.125)  # as PyTorch has it
    nadam.load_state_dict(saved)
    assert nadam.state[p]["mu_product"] == 0.125
