"""check_op passes what is right, and says which promise an operation breaks."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

import minitorch
from minitorch.autograd import Function
from minitorch.testing import Case, arrays, binary, check_op, shapes, tensors, unary
from minitorch.testing.suite import CHECKS


@pytest.fixture(autouse=True)
def same_examples():
    """What is broken must be found every time, not most times: the same hundred examples, whatever the profile."""
    settings.register_profile("check_op", settings.get_profile("ci"), max_examples=100)
    before = settings.get_current_profile_name()
    settings.load_profile("check_op")
    yield
    settings.load_profile(before)


class Cube(Function):
    """What a user may write; the classes below each get one thing wrong."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x * x * 3


def variant(forward=None, backward=None):
    """Cube with another forward or backward."""

    class Wrong(Cube):
        pass

    if forward:
        Wrong.forward = staticmethod(forward)
    if backward:
        Wrong.backward = staticmethod(backward)
    return Wrong.apply


def saved(change):
    """A backward that spoils the gradient, which ``change`` gets with the input."""

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return change(g, x, g * x * x * 3)

    return backward


def remembered(ctx, x):
    """A forward that keeps its input beside save_for_backward, so that nobody notices when it changes."""
    ctx.x = x
    return x * x * x


def cyclic(ctx, x):
    ctx.save_for_backward(x)
    ctx.output = x * x * x
    return ctx.output


def changing(ctx, x):
    ctx.save_for_backward(x)
    out = np.asarray(x.data**3)
    if x.data.flags.writeable and x.data.size:
        x.data[...] += 1
    return minitorch.from_numpy(out)


def wrong_where_not_contiguous(ctx, x):
    ctx.save_for_backward(x)
    return x * x * x if x.is_contiguous() else x * x


def fails_on_empty(ctx, x):
    ctx.save_for_backward(x)
    assert x.data.size > 0, "nothing to do"
    return x * x * x


def of_float64(ctx, x):
    ctx.save_for_backward(x)
    return x.double() ** 3


def expanded_counts_once(g, x, gradient):
    return gradient if g.data.size < 2 or any(g.data.strides) else gradient / g.data.size


def nondeterministic(g, x, gradient, calls=[]):  # noqa: B006 (it remembers)
    calls.append(1)
    return gradient * (1 + 1e-3 * len(calls))


def scaled_in_place(g, x, gradient):
    if g.data.flags.writeable:
        g.data[...] *= 2
    return gradient


# What is wrong, the check that must notice, and what it must say.
BROKEN = {
    "the value": (variant(lambda ctx, x: x * x), "forward float64", "worst at"),
    "the dtype": (variant(of_float64), "forward float32", "result 0 is float64 for float32 inputs"),
    "the shape": (
        variant(lambda ctx, x: x.reshape(-1)),
        "forward float64",
        "result 0 has shape (1,)",
    ),
    "no tensor": (variant(lambda ctx, x: 3.0), "forward float64", "no Tensor but a float"),
    "two results": (variant(lambda ctx, x: (x * x * x, x)), "forward float64", "2 results where the reference gives 1"),
    "an integer result": (
        variant(lambda ctx, x: x.long()),
        "forward float64",
        "result 0 is int64",
    ),
    "an input changed": (variant(changing), "forward float64", "input 0 was changed"),
    "another layout": (variant(wrong_where_not_contiguous), "forward float64", "not contiguous"),
    "an error on empty tensors": (variant(fails_on_empty), "(forward float64|empty)", "nothing to do"),
    "a factor": (variant(backward=saved(lambda g, x, d: d / 3)), "gradient", "off by a factor of 3"),
    "no gradient": (variant(backward=lambda ctx, g: None), "gradient", "the gradient of input 0 is missing"),
    "another gradient each time": (variant(backward=saved(nondeterministic)), "gradient", "not reentrant"),
    "a cotangent changed": (variant(backward=saved(scaled_in_place)), "gradient", "changes grad_output 0 in place"),
    "a number for a gradient": (variant(backward=saved(lambda g, x, d: 5)), "gradient", "TypeError"),
    "an expanded cotangent": (
        variant(backward=saved(expanded_counts_once)),
        "gradient of a sum",
        "gradient 0 of a sum",
    ),
    "no second gradient": (
        variant(backward=saved(lambda g, x, d: g * x.detach() ** 2 * 3)),
        "second gradient",
        "the gradient of input 0 is missing",
    ),
    "inputs remembered": (
        variant(remembered, lambda ctx, g: g * ctx.x * ctx.x * 3),
        "changed in place",
        "after the inputs were changed in place: keep tensors in save_for_backward",
    ),
    "a reference cycle": (variant(cyclic), "nothing kept", "still alive"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_named(name):
    function, check, message = BROKEN[name]
    with pytest.raises(AssertionError, match=rf"^Wrong\(float(32|64) .*\) fails the check '{check}'\n") as info:
        check_op(function, inputs=unary(), reference=lambda x: x**3)
    assert message in str(info.value)


def test_float32_gradients_are_checked():
    rough = variant(backward=saved(lambda g, x, d: d if x.data.dtype == np.float64 else d * 1.01))
    with pytest.raises(AssertionError, match="fails the check 'gradient float32'\ngradient 0"):
        check_op(rough, inputs=unary(), reference=lambda x: x**3)


def test_shared_gradients_are_noticed():
    """``backward`` may return one tensor twice, and the engine copies; a gradient kept for later would be shared."""
    kept = []

    def backward(ctx, g):
        kept.append(g)
        return g, g

    class Add(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

    Add.backward = staticmethod(backward)
    check_op(Add.apply, inputs=binary(), reference=np.add, linear=True, smooth=False)


def test_the_adjoint_of_a_linear_operation_is_exact():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * (2 + 1e-9)  # far below what differences can tell

    with pytest.raises(AssertionError, match="fails the check 'adjoint'\n<A u, v> is not"):
        check_op(Double.apply, inputs=unary(), reference=lambda x: 2 * x, linear=True)
    check_op(Double.apply, inputs=unary(), reference=lambda x: 2 * x)


def test_operations_without_gradient():
    check_op(lambda x: x > 0, inputs=unary("nonzero"), reference=lambda x: x > 0, differentiable=False)
    check_op(minitorch.sign, inputs=unary("nonzero"), reference=np.sign, smooth=False)
    with pytest.raises(AssertionError, match=r"fails the check 'no gradient'\nresult 0 requires a gradient"):
        check_op(minitorch.exp, inputs=unary(), reference=np.exp, differentiable=False)


def test_integers_and_special_values():
    integers = (np.int64, np.uint8)
    check_op(minitorch.neg, inputs=unary(), reference=np.negative, integers=integers, special=True)
    with pytest.raises(AssertionError, match=r"<lambda>\(u?int(8|64) .*fails the check 'forward integers'"):
        check_op(
            lambda x: x * 1 if x.is_floating_point() else x + 1, inputs=unary(), reference=np.copy, integers=integers
        )
    with pytest.raises(AssertionError, match=r"finite\(float64 .*fails the check 'forward nan and inf'"):
        check_op(
            lambda x: minitorch.where(x == x, x, 0), inputs=unary(), reference=np.copy, special=True, name="finite"
        )


@pytest.mark.parametrize(
    "inputs",
    [
        binary(),
        st.tuples(arrays((2, 3)), arrays((3,))),
        st.tuples(tensors((2, 1), minitorch.float64), arrays((3,))),
        (np.ones((2, 3)), minitorch.ones(3)),
        st.builds(lambda a, b: Case((a, b)), arrays((2, 2)), arrays((2, 2))),
    ],
    ids=["a function", "arrays drawn", "a tensor drawn", "given", "a case drawn"],
)
def test_inputs_are_given_in_many_ways(inputs):
    check_op(lambda x, y: x * y, inputs=inputs, reference=np.multiply)


def test_a_single_drawn_array_is_an_input():
    check_op(minitorch.sin, inputs=arrays(shapes(max_dims=2, max_side=3), values="normal"), reference=np.sin)


def test_other_arguments_go_by_name():
    def case(s):
        shape = s.shape(min_dims=1, min_side=1)
        return Case((s.array(shape),), {"dim": s.integer(0, len(shape) - 1)})

    def reference(x, dim):
        return np.add.reduce(x, dim)

    check_op(lambda x, dim: x.sum(dim), inputs=case, reference=reference, linear=True)
    with pytest.raises(AssertionError, match=re.escape("my sum(float64 (2,), dim=0) fails")):
        check_op(lambda x, dim: x.amax(dim), inputs=case, reference=reference, name="my sum")


def test_every_check_is_there():
    assert [check.name for check in CHECKS] == [
        "forward float64",
        "forward float32",
        "forward integers",
        "forward nan and inf",
        "no gradient",
        "gradient",
        "empty",
        "adjoint",
        "gradient float32",
        "gradient of a sum",
        "second gradient",
        "changed in place",
        "gradients apart",
        "nothing kept",
    ]
    assert all(check.run.__doc__ for check in CHECKS)
