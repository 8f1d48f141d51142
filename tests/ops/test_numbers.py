"""Operators and functions with a Python number on either side give what tensors give, and so do their gradients."""

from __future__ import annotations

import operator

import pytest

import minitorch
from minitorch.autograd import grad

FLOATS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "pow": operator.pow,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
INTEGERS = {
    **FLOATS,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "bitwise_left_shift": operator.lshift,
    "bitwise_right_shift": operator.rshift,
}


def check(function, first, second, number):
    """``function(first, second)``, where ``number`` is one of them, is what it gives with a tensor in its place."""

    def as_tensor(value):
        return minitorch.tensor([number] * 3, dtype=tensor.dtype) if value is number else value.detach().clone()

    tensor = second if first is number else first
    result = function(first, second)
    a, b = as_tensor(first), as_tensor(second)
    leaf = b if first is number else a
    wanted = function(a, b) if not tensor.requires_grad else function(*(t.requires_grad_() for t in (a, b)))
    assert result.dtype is wanted.dtype
    assert result.tolist() == wanted.tolist()
    assert result.requires_grad == wanted.requires_grad
    if result.requires_grad:
        assert grad(result.sum(), tensor)[0].tolist() == grad(wanted.sum(), leaf)[0].tolist()


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("number", [2.5, 3, 2])
def test_floats(name, number):
    x = minitorch.tensor([0.5, 2.5, 3.0], dtype=minitorch.float64, requires_grad=True)
    for function in (FLOATS[name], getattr(minitorch, name)):
        check(function, x, number, number)
        check(function, number, x, number)


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("number", [3, 2])
def test_integers(name, number):
    x = minitorch.tensor([1, 3, 4])
    for function in (INTEGERS[name], getattr(minitorch, name)):
        check(function, x, number, number)
        check(function, number, x, number)


@pytest.mark.parametrize("name", INTEGERS)
def test_what_is_no_number_is_refused(name):
    x = minitorch.tensor([1, 3, 4])
    with pytest.raises(TypeError, match="expected a tensor or a number, got str"):
        getattr(minitorch, name)(x, "a")
