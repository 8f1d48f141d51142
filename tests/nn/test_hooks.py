"""Functions that are called before and after a module's forward."""

from __future__ import annotations

import pytest

import minitorch
from minitorch import nn

from .modules import Affine


def test_hooks_see_and_replace():
    module = Affine()
    calls = []
    module.register_forward_pre_hook(lambda m, args: calls.append(("pre", m, args)))
    doubled = module.register_forward_pre_hook(lambda m, args: args[0] * 2)
    module.register_forward_hook(lambda m, args, output: calls.append(("post", args[0].tolist(), output.tolist())))
    x = minitorch.ones(2)
    assert module(x).tolist() == [2, 2]
    assert calls[0] == ("pre", module, (x,))
    assert calls[1] == ("post", [2, 2], [2, 2])
    doubled.remove()
    doubled.remove()  # a second time does nothing, also to hooks that came later
    with module.register_forward_hook(lambda m, args, output: output + 1):
        assert module(x).tolist() == [2, 2]
    assert module(x).tolist() == [1, 1]


def test_a_removed_hook_takes_no_other_with_it():
    module = Affine()
    first = module.register_forward_hook(lambda m, args, output: output)
    first.remove()
    module.register_forward_hook(lambda m, args, output: output + 1)
    first.remove()
    assert module(minitorch.ones(2)).tolist() == [2, 2]


def test_hooks_with_keyword_arguments_and_order():
    module = Affine()
    order = []
    module.register_forward_pre_hook(lambda m, args: order.append("second"))
    module.register_forward_pre_hook(lambda m, args: order.append("first"), prepend=True)
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"factor": 3}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, output: output + kwargs["factor"], with_kwargs=True)
    assert module(minitorch.ones(2), factor=2).tolist() == [6, 6]
    assert order == ["first", "second"]
    module.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        module(minitorch.ones(2))


def test_forward_is_missing():
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        nn.Module()(1)
