"""Module: members, iteration, moving, copies, repr."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import minitorch
from minitorch import nn

from .modules import Affine, Net, names

# ---- members -------------------------------------------------------------------------------------------------------


def test_attributes_register_what_they_are():
    net = Net()
    assert names(net.named_parameters()) == [
        "affine.scale",
        "features.0.weight",
        "features.0.bias",
        "features.2.0.weight",
        "features.2.0.bias",
    ]
    assert names(net.named_buffers()) == ["affine.shift", "affine.scratch"]
    assert [id(b) for b in net.buffers()] == [id(net.affine.shift), id(net.affine.scratch)]
    assert names(net.named_modules()) == [
        "",
        "affine",
        "features",
        "features.0",
        "features.1",
        "features.2",
        "features.2.0",
    ]
    assert names(net.named_children()) == ["affine", "features"]
    assert list(net.children()) == [net.affine, net.features]
    assert names(net.named_parameters(recurse=False)) == []
    assert names(net.affine.named_parameters(prefix="a", recurse=False)) == ["a.scale"]
    assert "scale" in dir(net.affine)
    assert "shift" in dir(net.affine)
    assert "0" not in dir(net.features)


def test_what_has_two_places_is_given_once():
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = net.a
    net.c = nn.Linear(2, 2)
    net.c.weight = net.a.weight
    assert names(net.named_children()) == ["a", "c"]
    assert names(net.named_parameters()) == ["a.weight", "a.bias", "c.bias"]
    assert names(net.named_parameters(remove_duplicate=False)) == [
        "a.weight",
        "a.bias",
        "b.weight",
        "b.bias",
        "c.weight",
        "c.bias",
    ]
    assert names(net.named_modules()) == ["", "a", "c"]
    assert names(net.named_modules(remove_duplicate=False)) == ["", "a", "b", "c"]
    assert list(net.state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias", "c.weight", "c.bias"]


def test_assigning_over_a_member():
    module = Affine()
    with pytest.raises(TypeError, match=r"cannot assign 'minitorch\.tensor\.Tensor' as parameter 'scale'"):
        module.scale = minitorch.ones(2)
    with pytest.raises(TypeError, match="cannot assign 'int' as buffer 'shift'"):
        module.shift = 3
    module.scale = None
    assert module.scale is None
    assert list(module.parameters()) == []
    module.shift = nn.Parameter(minitorch.ones(2))  # a buffer becomes a parameter
    assert names(module.named_parameters()) == ["shift"]
    assert names(module.named_buffers()) == ["scratch"]
    module.shift = nn.ReLU()  # and a module
    assert names(module.named_children()) == ["shift"]
    assert list(module.parameters()) == []
    with pytest.raises(TypeError, match="cannot assign 'str' as child module 'shift'"):
        module.shift = "relu"
    module.plain = 3
    module.plain = nn.Parameter(minitorch.ones(1))
    assert "plain" not in module.__dict__


def test_assigning_a_buffer_keeps_whether_it_is_persistent():
    module = Affine()
    module.scratch = minitorch.ones(4)
    assert "scratch" not in module.state_dict()
    assert module.scratch.shape == (4,)


def test_reassigning_a_parameter_keeps_the_order():
    layer = nn.Linear(2, 2)
    layer.weight = nn.Parameter(minitorch.zeros(2, 2))
    assert names(layer.named_parameters()) == ["weight", "bias"]


def test_deleting():
    module = Affine()
    del module.scale, module.scratch
    assert not hasattr(module, "scale")
    with pytest.raises(AttributeError, match="scale"):
        del module.scale
    module.plain = 1
    del module.plain
    assert not hasattr(module, "plain")


def test_before_init():
    class Early(nn.Module):
        def __init__(self, value):
            self.value = value

    with pytest.raises(AttributeError, match=r"cannot assign parameters before Module.__init__\(\) call"):
        Early(nn.Parameter(minitorch.ones(1)))
    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\) call"):
        Early(nn.ReLU())
    early = Early(3)
    assert early.value == 3
    with pytest.raises(AttributeError, match=r"cannot assign buffer before Module.__init__\(\) call"):
        early.register_buffer("a", minitorch.ones(1))


def test_missing_attribute():
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'classifier'"):
        Net().classifier  # noqa: B018


@pytest.mark.parametrize(
    ("register", "value"),
    [("register_parameter", nn.Parameter()), ("register_buffer", minitorch.ones(1)), ("add_module", nn.ReLU())],
)
def test_names_that_cannot_be(register, value):
    method = getattr(Affine(), register)
    for name, error, message in (
        (3, TypeError, "name should be a string. Got int"),
        ("a.b", KeyError, 'name can.*t contain "."'),
        ("", KeyError, "name can.*t be empty"),
        ("forward", KeyError, "attribute 'forward' already exists"),
    ):
        with pytest.raises(error, match=message):
            method(name, value)


def test_values_that_cannot_be():
    module = Affine()
    with pytest.raises(TypeError, match="object to parameter 'a'"):
        module.register_parameter("a", minitorch.ones(1))
    with pytest.raises(TypeError, match="object to buffer 'a'"):
        module.register_buffer("a", np.ones(1))
    with pytest.raises(TypeError, match="is not a Module subclass"):
        module.register_module("a", 3)
    computed = nn.Parameter(minitorch.ones(1))
    computed.grad_fn = (computed * 2).grad_fn
    with pytest.raises(ValueError, match="Cannot assign non-leaf Tensor to parameter 'a'"):
        module.register_parameter("a", computed)


def test_get_by_path():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("features.2.0") is net.features[2][0]
    assert net.get_parameter("features.0.bias") is net.features[0].bias
    assert net.get_buffer("affine.shift") is net.affine.shift
    for get, path, message in (
        (net.get_submodule, "features.7", "Sequential has no attribute `7`"),
        (net.get_submodule, "affine.scale", "`scale` is not an nn.Module"),
        (net.get_parameter, "affine.shift", "`shift` is not an nn.Parameter"),
        (net.get_buffer, "affine.scale", "`scale` is not a buffer"),
        (net.get_buffer, "affine.nothing", "Affine has no attribute `nothing`"),
    ):
        with pytest.raises(AttributeError, match=message):
            get(path)


def test_parameter():
    data = minitorch.ones(2, requires_grad=True)
    parameter = nn.Parameter(data * 2)
    assert parameter.is_leaf
    assert parameter.requires_grad
    assert repr(nn.Parameter(minitorch.ones(1))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    shared = minitorch.zeros(2)
    nn.Parameter(shared).data[0] = 5
    assert shared.tolist() == [5, 0]
    assert nn.Parameter().shape == (0,)
    assert not nn.Parameter(minitorch.arange(3), requires_grad=False).requires_grad
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(minitorch.arange(3))
    with pytest.raises(TypeError, match="expected a Tensor, got list"):
        nn.Parameter([1.0])
    for duplicate in (copy.deepcopy(parameter), pickle.loads(pickle.dumps(parameter))):
        assert type(duplicate) is nn.Parameter
        assert duplicate.requires_grad


# ---- changing all of it --------------------------------------------------------------------------------------------


def test_train_and_eval():
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert net.train().features[2].training
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        net.train(1)


def test_apply_goes_from_the_leaves_to_the_root():
    seen = []
    net = Net()
    assert net.apply(seen.append) is net
    assert seen[-1] is net
    assert [type(module).__name__ for module in seen] == [
        "Affine", "Linear", "ReLU", "Linear", "Sequential", "Sequential", "Net",
    ]  # fmt: skip


def test_requires_grad_and_zero_grad():
    net = Net()
    net(minitorch.ones(1, 2)).sum().backward()
    grad = net.affine.scale.grad
    net.zero_grad(set_to_none=False)
    assert net.affine.scale.grad.tolist() == [0, 0]
    assert grad.tolist() == [0, 0]  # the same memory
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(False) is net
    assert not net(minitorch.ones(1, 2)).requires_grad


def test_to_changes_dtype_in_place_and_leaves_integers():
    net = Net()
    net.register_buffer("count", minitorch.tensor(3))
    net(minitorch.ones(1, 2)).sum().backward()
    scale = net.affine.scale
    assert net.double() is net
    assert net.affine.scale is scale
    assert scale.dtype is minitorch.float64
    assert scale.grad.dtype is minitorch.float64
    assert net.affine.scratch.dtype is minitorch.float64
    assert net.count.dtype is minitorch.int64
    assert net.to(minitorch.ones(1)).affine.shift.dtype is minitorch.float32
    assert net.half().affine.scale.dtype is minitorch.float16
    assert net.float().to("cpu", minitorch.float64).cpu().affine.scale.dtype is minitorch.float64
    with pytest.raises(TypeError, match="only accepts floating point dtypes, but got desired dtype"):
        net.to(minitorch.int64)
    with pytest.raises(RuntimeError):
        net.to("tpu")


def test_to_is_noticed_by_a_recorded_graph():
    layer = nn.Linear(2, 2)
    loss = (layer(minitorch.ones(1, 2, requires_grad=True)) ** 2).sum()
    layer.double()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_device_that_is_not_there_moves_nothing():
    net = Net()
    with pytest.raises(RuntimeError, match="cuda"):
        net.to("cuda:7", minitorch.float64)
    assert net.affine.scale.dtype is minitorch.float32
    with pytest.raises(RuntimeError, match="cuda:7"):
        net.cuda(7)


# ---- copies and repr -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent_and_keep_what_is_shared(duplicate):
    net = Net().eval()
    net.tied = net.features[0]
    other = duplicate(net)
    assert repr(other) == repr(net)
    assert not other.features.training
    assert other.tied is other.features[0]
    assert list(other.state_dict()) == list(net.state_dict())
    with minitorch.no_grad():
        other.affine.scale.fill_(7)
    assert net.affine.scale.tolist() == [1, 1]
    assert other(minitorch.ones(1, 2)).shape == (1, 4)


def test_repr():
    class Shown(nn.Module):
        def extra_repr(self):
            return "one=1\ntwo=2"

    shown = Shown()
    assert repr(shown) == "Shown(\n  one=1\n  two=2\n)"
    shown.child = nn.Sequential(OrderedDict(inner=nn.ReLU()))
    shown.nothing = nn.ReLU()
    shown.nothing = None
    assert repr(shown) == (
        "Shown(\n  one=1\n  two=2\n  (child): Sequential(\n    (inner): ReLU()\n  )\n  (nothing): None\n)"
    )
    assert repr(nn.Module()) == "Module()"
