"""Saving and restoring a module's state."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch import nn


def model():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False))
    net.register_buffer("mean", minitorch.zeros(2))
    net.register_buffer("scratch", minitorch.zeros(2), persistent=False)
    return net


def snapshot(module):
    return {name: tensor.numpy().copy() for name, tensor in module.state_dict().items()}


def test_names_and_memory():
    net = model()
    state = net.state_dict()
    assert list(state) == ["mean", "0.weight", "0.bias", "2.weight"]
    assert state["0.weight"].data is net[0].weight.data
    assert not state["0.weight"].requires_grad
    assert net.state_dict(keep_vars=True)["0.weight"] is net[0].weight
    assert list(net[0].state_dict(prefix="first.")) == ["first.weight", "first.bias"]
    known = {"other": minitorch.ones(1)}
    assert net.state_dict(destination=known) is known
    assert next(iter(known)) == "other"


def test_loading_copies_into_the_same_parameters():
    net, other = model(), model()
    weight, version = net[0].weight, net[0].weight._version
    keys = net.load_state_dict(other.state_dict())
    assert repr(keys) == "<All keys matched successfully>"
    assert net[0].weight is weight
    assert weight._version > version
    assert weight.requires_grad
    for name, array in snapshot(other).items():
        np.testing.assert_array_equal(snapshot(net)[name], array)
    with minitorch.no_grad():
        other[0].weight.fill_(9)
    assert not (weight == 9).any()


def test_loading_rounds_floats_and_casts_integers():
    layer = nn.Linear(1, 1)
    layer.load_state_dict({"weight": minitorch.tensor([[0.1]], dtype=minitorch.float64), "bias": minitorch.tensor([3])})
    assert layer.weight.item() == np.float32(0.1)
    assert layer.bias.item() == 3


def test_all_that_is_wrong_is_listed_and_nothing_changes():
    net = model()
    before = snapshot(net)
    state = dict(model().state_dict())
    del state["mean"]
    state["extra"] = minitorch.ones(1)
    state["0.weight"] = minitorch.ones(5, 2)
    state["2.weight"] = [1.0]
    with pytest.raises(RuntimeError) as info:
        net.load_state_dict(state)
    assert str(info.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "mean". \n'
        '\tUnexpected key(s) in state_dict: "extra". \n'
        "\tsize mismatch for 0.weight: copying a param with shape minitorch.Size([5, 2]) from checkpoint, the shape in "
        "current model is minitorch.Size([3, 2]).\n"
        '\tWhile copying the parameter named "2.weight", expected minitorch.Tensor from checkpoint but received '
        "<class 'list'>"
    )
    for name, array in snapshot(net).items():
        np.testing.assert_array_equal(array, before[name])


def test_not_strict_loads_what_is_there_and_returns_the_rest():
    net = model()
    keys = net.load_state_dict({"0.bias": minitorch.ones(3), "extra": minitorch.ones(1)}, strict=False)
    assert keys.missing_keys == ["mean", "0.weight", "2.weight"]
    assert keys.unexpected_keys == ["extra"]
    assert "missing_keys=['mean'" in repr(keys)
    assert net[0].bias.tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match=r"size mismatch for 0\.bias"):
        net.load_state_dict({"0.bias": minitorch.ones(4)}, strict=False)


def test_what_cannot_be_stored():
    net = model()
    net.register_buffer("count", minitorch.tensor(1))
    state = dict(net.state_dict(), count=minitorch.tensor(1.5))
    with pytest.raises(RuntimeError, match=r"dtype mismatch for count: minitorch.float32 .* minitorch.int64"):
        net.load_state_dict(state)
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got <class 'list'>"):
        net.load_state_dict([])
    frozen = np.zeros((1, 1), np.float32)
    frozen.flags.writeable = False
    layer = nn.Linear(1, 1)
    layer.weight = nn.Parameter(minitorch.from_numpy(frozen))
    with pytest.raises(RuntimeError, match="weight is made of a read-only array"):
        layer.load_state_dict(nn.Linear(1, 1).state_dict())


def test_a_module_registered_as_none_has_no_state():
    net = model()
    net.child = nn.Linear(1, 1)
    net.child = None
    assert "child.weight" not in net.state_dict()
    net.load_state_dict(model().state_dict())
