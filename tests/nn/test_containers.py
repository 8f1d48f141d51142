"""Sequential and ModuleList as lists, ModuleDict as a dictionary."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import minitorch
from minitorch import nn


@pytest.fixture(params=[lambda *m: nn.Sequential(*m), lambda *m: nn.ModuleList(m)])
def three(request):
    return request.param(nn.ReLU(), nn.Tanh(), nn.Sigmoid())


def kinds(modules):
    return "".join(type(module).__name__[0] for module in modules)


def names(container):
    return "".join(name for name, _ in container.named_children())


def test_items(three):
    assert len(three) == 3
    assert kinds(three) == "RTS"
    assert three[0] is three[-3]
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            three[index]
    three[1] = nn.Flatten()
    three[-1] = nn.Identity()
    assert kinds(three) == "RFI"
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        three[0] = 3


def test_slices_share_the_modules(three):
    part = three[1:]
    assert type(part) is type(three)
    assert part[0] is three[1]
    assert names(part) == ("12" if isinstance(three, nn.Sequential) else "01")
    part.append(nn.Flatten())
    assert kinds(part) == "TSF"
    assert kinds(three) == "RTS"


def test_changing(three):
    assert three.append(nn.Flatten()) is three
    assert three.extend([nn.Identity()]) is three
    assert kinds(three) == "RTSFI"
    del three[1]
    assert (kinds(three), names(three)) == ("RSFI", "0123")
    del three[1:3]
    assert (kinds(three), names(three)) == ("RI", "01")
    three.insert(0, nn.Tanh()).insert(-1, nn.Sigmoid())
    assert (kinds(three), names(three)) == ("TRSI", "0123")
    assert kinds([three.pop(), three.pop(0)]) == "IT"
    assert kinds(three) == "RS"
    for change in (three.append, lambda m: three.insert(0, m), lambda m: three.extend([m])):
        with pytest.raises(TypeError, match="str is not a Module subclass"):
            change("relu")
    assert kinds(three) == "RS"


def test_extending_with_itself(three):
    assert kinds(three.extend(three)) == "RTSRTS"


def test_sequential_calls_in_order_and_keeps_names():
    model = nn.Sequential(OrderedDict(twice=nn.Linear(1, 1, bias=False), clip=nn.ReLU()))
    with minitorch.no_grad():
        model.twice.weight.fill_(-2)
    assert model(minitorch.tensor([[1.0], [-1.0]])).tolist() == [[0], [2]]
    assert list(model.state_dict()) == ["twice.weight"]
    assert list(model[:1].state_dict()) == ["twice.weight"]
    assert nn.Sequential()(3) == 3


def test_module_list_adds_like_a_list():
    modules = nn.ModuleList([nn.ReLU()])
    joined = modules + (nn.Tanh() for _ in range(1))
    assert kinds(joined) == "RT"
    modules += [nn.Sigmoid()]
    assert kinds(modules) == "RS"
    assert kinds(nn.ModuleList(m for m in joined)) == "RT"
    with pytest.raises(NotImplementedError, match="forward"):
        modules(minitorch.ones(1))


# ---- ModuleDict ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        dict,
        OrderedDict,
        lambda pairs: pairs,
        lambda pairs: iter(pairs),
        lambda pairs: [list(pair) for pair in pairs],
        nn.ModuleDict,
    ],
)
def test_a_dict_is_made_of_a_mapping_or_of_pairs(make):
    modules = nn.ModuleDict(make([("b", nn.Linear(1, 2)), ("a", nn.ReLU())]))
    assert list(modules) == list(modules.keys()) == ["b", "a"]
    assert kinds(modules.values()) == "LR"
    assert [name for name, _ in modules.items()] == names_of(modules) == ["b", "a"]
    assert list(modules.state_dict()) == ["b.weight", "b.bias"]
    assert len(modules) == 2


def names_of(container):
    return [name for name, _ in container.named_children()]


def test_a_dict_changes():
    modules = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    modules["a"] = nn.Sigmoid()
    modules.update({"c": nn.Flatten(), "b": nn.Identity()})
    assert (names_of(modules), kinds(modules.values())) == (["a", "b", "c"], "SIF")
    assert type(modules.pop("b")) is nn.Identity
    del modules["a"]
    assert "a" not in modules
    assert "c" in modules
    modules.clear()
    assert len(modules) == len(nn.ModuleDict()) == 0
    assert repr(modules) == "ModuleDict()"


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda modules: modules["b"], KeyError, "b"),
        (lambda modules: modules.pop("b"), KeyError, "b"),
        (lambda modules: modules.__delitem__("b"), KeyError, "b"),
        (lambda modules: modules.__setitem__("b", 3), TypeError, "int is not a Module subclass"),
        (lambda modules: modules.__setitem__(3, nn.ReLU()), TypeError, "module name should be a string. Got int"),
        (lambda modules: modules.__setitem__("pop", nn.ReLU()), KeyError, "attribute 'pop' already exists"),
        (lambda modules: modules.__setitem__("a.b", nn.ReLU()), KeyError, 'can.*t contain "."'),
        (lambda modules: modules.update(3), TypeError, "iterable of key/value pairs, but got int"),
        (lambda modules: modules.update([3]), TypeError, "element #0 should be Iterable; is int"),
        (lambda modules: modules.update([("a",)]), ValueError, "element #0 has length 1; 2 is required"),
        (lambda modules: modules(minitorch.ones(1)), NotImplementedError, "forward"),
    ],
)
def test_what_a_dict_refuses(act, error, message):
    modules = nn.ModuleDict({"a": nn.ReLU()})
    with pytest.raises(error, match=message):
        act(modules)
    assert names_of(modules) == ["a"]
