"""Against PyTorch, where it is installed: reprs, names, layouts, error messages."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch import nn

from .test_layers import REPRS

torch = pytest.importorskip("torch")


def to_torch(state):
    return {name: torch.from_numpy(tensor.numpy().copy()) for name, tensor in state.items()}


@pytest.mark.parametrize("source", REPRS)
def test_repr(source):
    assert repr(eval(source, {"nn": torch.nn})) == REPRS[source]


def models(library):
    return library.Sequential(
        library.Conv2d(4, 6, 3, padding=1, groups=2),
        library.ReLU(),
        library.MaxPool2d(2),
        library.Conv2d(6, 4, (3, 2), bias=False),
        library.Tanh(),
        library.AvgPool2d(2, padding=1),
        library.Flatten(),
        library.Linear(16, 5),
    )


def test_the_same_state_gives_the_same_loss_and_gradients():
    minitorch.manual_seed(0)
    ours, theirs = models(nn), models(torch.nn)
    theirs.load_state_dict(to_torch(ours.state_dict()))
    x = np.random.default_rng(0).standard_normal((3, 4, 10, 9)).astype(np.float32)
    target = np.array([1, 4, 0])
    loss = nn.CrossEntropyLoss()(ours(minitorch.from_numpy(x)), minitorch.from_numpy(target))
    expected = torch.nn.CrossEntropyLoss()(theirs(torch.from_numpy(x)), torch.from_numpy(target))
    loss.backward()
    expected.backward()
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-5)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-3, atol=1e-6)


def test_loading_errors_read_the_same():
    def message(library, ones):
        model = library.Sequential(library.Linear(2, 3), library.Linear(3, 1))
        state = dict(model.state_dict())
        del state["0.bias"], state["1.weight"]
        state.update({"x": ones(1), "0.y": ones(1), "0.weight": ones(5, 2)})
        with pytest.raises(RuntimeError) as info:
            model.load_state_dict(state)
        return str(info.value)

    assert message(nn, minitorch.ones) == message(torch.nn, torch.ones).replace("torch.Size", "minitorch.Size")


def test_attribute_errors_read_the_same():
    def message(library, act):
        with pytest.raises((AttributeError, TypeError, KeyError)) as info:
            act(library, library.Linear(2, 2))
        return str(info.value).replace("minitorch", "torch")

    def assign_number(library, layer):
        layer.weight = 3

    def clash(library, layer):
        layer.register_parameter("weight_norm", None)
        layer.register_buffer("weight", None)

    def missing(library, layer):
        return layer.nothing

    def path(library, layer):
        return layer.get_submodule("a.b")

    for act in (assign_number, clash, missing, path):
        assert message(nn, act) == message(torch.nn, act)


def test_gains():
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
