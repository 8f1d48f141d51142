"""Options, parameters and states that optimisers refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch
from minitorch import nn, optim


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
        (optim.Adagrad, {"lr_decay": -0.5}, "Invalid lr_decay value: -0.5"),
        (optim.Adagrad, {"initial_accumulator_value": -1}, "Invalid initial_accumulator_value value: -1"),
        (optim.Adagrad, {"eps": -1}, "Invalid epsilon value: -1"),
        (optim.Adadelta, {"rho": 1.1}, "Invalid rho value: 1.1"),
        (optim.Adadelta, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.NAdam, {"betas": (1.0, 0.0)}, "Invalid beta parameter at index 0: 1.0"),
        (optim.NAdam, {"momentum_decay": -0.2}, "Invalid momentum_decay value: -0.2"),
        (optim.LBFGS, {"lr": -1}, "Invalid learning rate: -1"),
        (optim.LBFGS, {"history_size": 0}, "Invalid history_size value: 0"),
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
    layer = nn.Linear(1, 1)
    optimizer = optim.Adam(layer.parameters())
    layer.weight.grad = minitorch.ones(1, 1)
    optimizer.step()
    layer.double()
    layer.weight.grad = minitorch.ones(1, 1).double()
    with pytest.raises(RuntimeError, match=r"the exp_avg of a parameter doesn't fit it: .* float64.*got .* float32"):
        optimizer.step()
