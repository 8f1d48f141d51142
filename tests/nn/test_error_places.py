"""Errors that are raised inside a model say in which of its modules."""

from __future__ import annotations

import pytest

import minitorch
from minitorch import nn

from .modules import Net


class Failing(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


def raised_by(model, kind):
    with pytest.raises(kind) as info:
        model(minitorch.ones(1, 2))
    return info.value


def test_errors_name_the_path_and_the_class():
    net = Net()
    net.features[2][0] = nn.Linear(5, 4)
    assert str(raised_by(net, RuntimeError)).startswith("features.2.0 (Linear): linear: ")
    assert str(raised_by(net.features, RuntimeError)).startswith("2.0 (Linear): linear: ")
    assert str(raised_by(nn.Linear(5, 4), RuntimeError)).startswith("linear: ")  # called by itself: it has no path


def test_errors_in_modules_that_are_not_called_by_their_parent():
    class Picks(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.layers = nn.ModuleList([nn.ReLU(), inner])
            self.hidden = [Failing(RuntimeError("lost"))]  # a plain list registers nothing

        def forward(self, x):
            return self.layers[1](x)

    model = nn.Sequential(Picks(Failing(ValueError("bad"))))
    assert str(raised_by(model, ValueError)) == "0.layers.1 (Failing): bad"
    model[0].forward = lambda x: model[0].hidden[0](x)
    assert str(raised_by(model, RuntimeError)) == "0 (Picks): lost"


def test_errors_keep_their_type_and_what_they_carry():
    class Own(Exception):
        def __str__(self):
            return f"own {self.args[0]}"

    assert raised_by(nn.Sequential(Failing(ValueError("bad", 3))), ValueError).args == ("0 (Failing): bad", 3)
    assert str(raised_by(nn.Sequential(Failing(AssertionError())), AssertionError)) == "in 0 (Failing)"
    for error in (KeyError("key"), Own(4), OSError(2, "gone"), StopAsyncIteration(5)):
        args = error.args
        nested = nn.Sequential(nn.Sequential(Failing(error)))
        caught = raised_by(nested, type(error))
        assert caught is error
        assert caught.args == args
        assert caught.__notes__ == ["in 0.0 (Failing)"]


def test_an_error_that_is_raised_again_elsewhere_is_located_anew():
    error = RuntimeError("bad")
    assert str(raised_by(nn.Sequential(Failing(error)), RuntimeError)) == "0 (Failing): bad"
    assert str(raised_by(nn.Sequential(nn.ReLU(), Failing(error)), RuntimeError)) == "1 (Failing): bad"


def test_errors_of_hooks_are_located():
    model = nn.Sequential(nn.ReLU())
    model[0].register_forward_pre_hook(lambda module, args: 1 / 0)
    assert str(raised_by(model, ZeroDivisionError)) == "0 (ReLU): division by zero"
