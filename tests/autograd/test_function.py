"""Custom Functions, as PyTorch's users write them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch
from minitorch.autograd import Function, grad, gradcheck, gradgradcheck, once_differentiable
from minitorch.testing import assert_close


def leaf(*values):
    return minitorch.tensor(values, dtype=minitorch.float64, requires_grad=True)


def tensor(*values):
    return minitorch.tensor(values, dtype=minitorch.float64)


# ---- from PyTorch's documentation, with the import changed ---------------------------------------------------------


class LegendrePolynomial3(Function):
    """pytorch.org/tutorials/beginner/examples_autograd/polynomial_custom_function.html"""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


def test_the_tutorial_fits_a_sine():
    x = minitorch.linspace(-math.pi, math.pi, 2000)
    y = minitorch.sin(x)
    a, b, c, d = (minitorch.full((), value, requires_grad=True) for value in (0.0, -1.0, 0.0, 0.3))
    P3 = LegendrePolynomial3.apply
    losses = []
    for _ in range(1000):
        y_pred = a + b * P3(c + d * x)
        loss = (y_pred - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with minitorch.no_grad():
            for parameter in (a, b, c, d):
                parameter -= 5e-6 * parameter.grad
                parameter.grad = None
    # PyTorch 2.13's losses after 100 and 1000 steps.
    assert losses[99] == pytest.approx(209.95834, rel=1e-4)
    assert losses[999] == pytest.approx(14.87789, rel=1e-4)


class Exp(Function):
    """docs.pytorch.org/docs/stable/autograd.html: saves its result."""

    @staticmethod
    def forward(ctx, i):
        result = i.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        (result,) = ctx.saved_tensors
        return grad_output * result


class LinearFunction(Function):
    """docs.pytorch.org/docs/stable/notes/extending.html: forward without ctx, and setup_context."""

    @staticmethod
    def forward(input, weight, bias):
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def setup_context(ctx, inputs, output):
        input, weight, bias = inputs
        ctx.save_for_backward(input, weight, bias)

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class MulConstant(Function):
    """The same page: an argument that is no tensor."""

    @staticmethod
    def forward(tensor, constant):
        return tensor * constant

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, constant = inputs
        ctx.constant = constant

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.constant, None


def test_exp():
    x = leaf(0.5, -1.0)
    y = Exp.apply(x)
    assert y.grad_fn.name() == "ExpBackward"
    y.sum().backward()
    assert_close(x.grad, x.detach().exp())
    assert gradcheck(Exp.apply, leaf(0.5, -1.0))
    assert gradgradcheck(Exp.apply, leaf(0.5, -1.0))


def test_linear_function():
    rng = np.random.default_rng(0)
    x, w, b = (minitorch.tensor(rng.standard_normal(s), requires_grad=True) for s in [(4, 3), (2, 3), (2,)])
    assert gradcheck(LinearFunction.apply, (x, w, b))
    assert gradgradcheck(LinearFunction.apply, (x, w, b))
    assert gradcheck(lambda x, w: LinearFunction.apply(x, w, None), (x, w))


def test_mul_constant():
    x = leaf(2.0)
    (MulConstant.apply(x, 3) * MulConstant.apply(x, constant_five())).sum().backward()
    assert_close(x.grad, tensor(60.0))


def constant_five():
    return 5


# ---- ctx -----------------------------------------------------------------------------------------------------------


def test_forward_records_nothing_and_sees_the_tensors_themselves():
    seen = {}

    class Look(Function):
        @staticmethod
        def forward(ctx, x, text, number, nothing):
            seen.update(x=x, text=text, number=number, nothing=nothing, mode=minitorch.is_grad_enabled())
            return x * 2

        @staticmethod
        def backward(ctx, g):
            seen.update(backward_mode=minitorch.is_grad_enabled(), needs=ctx.needs_input_grad)
            return g * 2, None, None, None

    x = leaf(1.0)
    Look.apply(x, "text", 3, None).backward()
    assert seen == {
        "x": x,
        "text": "text",
        "number": 3,
        "nothing": None,
        "mode": False,
        "backward_mode": False,
        "needs": (True, False, False, False),
    }
    grad(Look.apply(x, "", 0, None), x, create_graph=True)
    assert seen["backward_mode"] is True


def test_needs_input_grad_says_which():
    class Product(Function):
        @staticmethod
        def forward(ctx, x, y):
            assert ctx.needs_input_grad == wanted
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            assert ctx.needs_input_grad == wanted
            x, y = ctx.saved_tensors
            return (g * y if wanted[0] else None), (g * x if wanted[1] else None)

    for wanted in [(True, False), (False, True), (True, True)]:
        x, y = (leaf(2.0) if needed else tensor(2.0) for needed in wanted)
        Product.apply(x, y).backward()
        assert [t.grad is not None for t in (x, y)] == list(wanted)
    wanted = (False, False)
    out = Product.apply(tensor(1.0), tensor(2.0))
    assert not out.requires_grad
    with minitorch.no_grad():
        assert not Product.apply(leaf(1.0), leaf(2.0)).requires_grad


def test_saved_tensors_may_be_none_inputs_outputs_and_others():
    class Saving(Function):
        @staticmethod
        def forward(ctx, x):
            out = x * x
            ctx.save_for_backward(x, None, out, x + 1)
            ctx.factor = 2
            return out

        @staticmethod
        def backward(ctx, g):
            x, nothing, out, other = ctx.saved_tensors
            assert nothing is None
            assert out.tolist() == [9.0]
            assert other.tolist() == [4.0]
            return g * x * ctx.factor

    x = leaf(3.0)
    y = Saving.apply(x)
    assert y.grad_fn.saved_tensors[0] is x
    assert y.grad_fn.saved_tensors[2].grad_fn is y.grad_fn
    y.backward()
    assert_close(x.grad, tensor(6.0))
    with pytest.raises(RuntimeError, match="already been freed"):
        _ = y.grad_fn.saved_tensors


def test_only_tensors_can_be_saved():
    class Saving(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x * 1

    with pytest.raises(TypeError, match="save_for_backward can only save Tensors or None, got int"):
        Saving.apply(leaf(1.0))


def test_mark_non_differentiable():
    class Sort(Function):
        @staticmethod
        def forward(ctx, x):
            order = np.argsort(x.data)
            values, ranks = minitorch.tensor(x.data[order]), minitorch.tensor(order.astype(np.float64))
            ctx.order = order
            ctx.mark_non_differentiable(ranks)
            return values, ranks

        @staticmethod
        def backward(ctx, g, g_ranks):
            assert g_ranks.tolist() == [0.0, 0.0, 0.0]
            out = np.empty(3)
            out[ctx.order] = g.data
            return minitorch.tensor(out)

    x = leaf(3.0, 1.0, 2.0)
    values, ranks = Sort.apply(x)
    assert values.requires_grad
    assert not ranks.requires_grad
    assert ranks.grad_fn is None
    (values * tensor(10.0, 20.0, 30.0) * ranks).sum().backward()
    assert_close(x.grad, tensor(0.0, 10.0, 40.0))


def test_integer_outputs_are_not_differentiable():
    class WithIndex(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, minitorch.tensor([1, 2])

        @staticmethod
        def backward(ctx, g, g_index):
            return g * 2

    _, index = WithIndex.apply(leaf(1.0, 2.0))
    assert not index.requires_grad


def test_once_differentiable():
    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            assert not minitorch.is_grad_enabled()
            (x,) = ctx.saved_tensors
            return minitorch.from_numpy(g.data * 3 * x.data**2)

    x = leaf(2.0)
    Cube.apply(x).backward()
    assert_close(x.grad, tensor(12.0))
    (dx,) = grad(Cube.apply(x), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice a function that was marked with @once_differentiable"):
        dx.backward()
