"""What a custom Function may return from forward and from backward."""

from __future__ import annotations

import pytest

import minitorch
from minitorch.autograd import Function, grad
from minitorch.testing import assert_close


def leaf(*values):
    return minitorch.tensor(values, dtype=minitorch.float64, requires_grad=True)


def tensor(*values):
    return minitorch.tensor(values, dtype=minitorch.float64)


# ---- outputs ---------------------------------------------------------------------------------------------------------


class Split(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2, x * 3, "not a tensor"

    @staticmethod
    def backward(ctx, a, b, nothing):
        assert nothing is None
        return a * 2 + b * 3


def test_several_outputs():
    x = leaf(1.0, 2.0)
    a, b, text = Split.apply(x)
    assert text == "not a tensor"
    assert (a.output_nr, b.output_nr) == (0, 1)
    assert a.grad_fn is b.grad_fn
    (a * b).sum().backward()
    assert_close(x.grad, tensor(12.0, 24.0))
    for position, factor in [(0, 2.0), (1, 3.0)]:
        assert_close(grad(Split.apply(x)[position].sum(), x)[0], tensor(factor, factor))


def test_set_materialize_grads():
    class Optional(Split):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append((a is None, b is None))
            return (a if a is not None else b) * 2

    seen = []
    x = leaf(1.0)
    Optional.apply(x)[0].backward()
    Optional.apply(x)[1].backward()
    assert seen == [(False, True), (True, False)]


def test_forward_may_return_its_input():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 10

    x = leaf(2.0)
    y = Same.apply(x)
    assert y is not x
    assert y.grad_fn.name() == "SameBackward"
    assert x.is_leaf
    (y * x).backward()
    assert_close(x.grad, tensor(22.0))
    z = x * 1
    w = Same.apply(z)
    assert w is not z
    assert z.grad_fn.name() == "MulBackward"
    assert grad(w, z)[0].item() == 10.0
    assert Same.apply(tensor(1.0)).item() == 1.0


def test_forward_may_return_a_view():
    class First(Function):
        @staticmethod
        def forward(ctx, x):
            return x[:1]

        @staticmethod
        def backward(ctx, g):
            return minitorch.cat([g, g * 0])

    x = leaf(2.0, 3.0)
    First.apply(x).backward()
    assert_close(x.grad, tensor(1.0, 0.0))


def test_forward_may_return_one_tensor_twice():
    class Twice(Function):
        @staticmethod
        def forward(ctx, x):
            out = x * 2
            return out, out

        @staticmethod
        def backward(ctx, a, b):
            return a * 2 + b * 20

    x = leaf(1.0)
    a, b = Twice.apply(x)
    assert grad(a, x, retain_graph=True)[0].item() == 2.0
    assert grad(b, x)[0].item() == 20.0


class Triple(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 3

    @staticmethod
    def backward(ctx, g):
        return g * 3


def test_functions_may_call_functions():
    class Outer(Function):
        @staticmethod
        def forward(ctx, x):
            inner = Triple.apply(x)
            assert not inner.requires_grad
            ctx.save_for_backward(inner)
            return inner * inner

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0] * 6

    x = leaf(2.0)
    Outer.apply(x).backward()  # 9x²
    assert_close(x.grad, tensor(36.0))


def test_backward_may_differentiate_inside():
    """As checkpointing does: compute again, with recording on."""

    class Checkpointed(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.exp() * x

        @staticmethod
        def backward(ctx, g):
            with minitorch.enable_grad():
                x = ctx.saved_tensors[0].detach().requires_grad_()
                y = x.exp() * x
            y.backward(g)
            return x.grad

    x = leaf(0.5)
    Checkpointed.apply(x).backward()
    assert_close(x.grad, x.detach().exp() * 1.5)


# ---- what backward may return ----------------------------------------------------------------------------------------


def returning(*gradients):
    class Returning(Function):
        @staticmethod
        def forward(ctx, *args):
            return args[0] * 1

        @staticmethod
        def backward(ctx, g):
            return gradients if len(gradients) != 1 else gradients[0]

    return Returning.apply


def test_the_number_of_gradients_must_be_right():
    x, y = leaf(1.0), leaf(2.0)
    message = r"function ReturningBackward returned an incorrect number of gradients \(expected 2, got {}\)"
    with pytest.raises(RuntimeError, match=message.format(1)):
        returning(tensor(1.0))(x, y).backward()
    with pytest.raises(RuntimeError, match=message.format(3)):
        returning(tensor(1.0), tensor(1.0), tensor(1.0))(x, y).backward()
    returning(tensor(3.0), tensor(4.0), None)(x, y).backward()
    assert (x.grad.item(), y.grad.item()) == (3.0, 4.0)


def test_gradients_must_be_tensors_of_a_fitting_shape():
    with pytest.raises(TypeError, match="ReturningBackward: expected Tensor or None as gradient 0, got float"):
        returning(1.0)(leaf(1.0)).backward()
    with pytest.raises(
        RuntimeError,
        match=r"ReturningBackward returned an invalid gradient at index 0 - got \[3\] but expected shape",
    ):
        returning(tensor(1.0, 2.0, 3.0))(leaf(1.0, 2.0)).sum().backward()


def test_gradients_of_a_broadcast_shape_are_summed_and_of_another_dtype_converted():
    x = leaf(1.0, 2.0)
    returning(minitorch.ones(3, 2))(x).sum().backward()
    assert_close(x.grad, tensor(3.0, 3.0))


def test_gradients_for_what_needs_none_are_ignored():
    x = leaf(1.0)
    returning(tensor(1.0), "nonsense")(x, tensor(2.0)).backward()
    assert_close(x.grad, tensor(1.0))


def test_a_gradient_of_none_counts_as_zero():
    x, y = leaf(1.0), leaf(2.0)
    (returning(None, None)(x, y) + x).backward()
    assert_close(x.grad, tensor(1.0))
    assert y.grad is None


# ---- the class -------------------------------------------------------------------------------------------------------


def test_missing_methods_say_so():
    class Empty(Function):
        pass

    class NoBackward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

    with pytest.raises(NotImplementedError, match="You must implement the forward function"):
        Empty.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="You must implement the backward"):
        NoBackward.apply(leaf(1.0)).backward()
    assert minitorch.is_grad_enabled()


def test_the_graph_can_be_walked_by_its_users():
    x = leaf(2.0)
    y = Triple.apply(x * 3)
    node = y.grad_fn
    assert "TripleBackward object at 0x" in repr(node)
    ((multiplied, output_nr),) = node.next_functions
    assert multiplied.name() == "MulBackward"
    assert output_nr == 0
    assert multiplied.next_functions[1] == (None, 0)


def test_a_forward_that_fails_leaves_the_mode_as_it_was():
    class Failing(Function):
        @staticmethod
        def forward(ctx, x):
            raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        Failing.apply(leaf(1.0))
    assert minitorch.is_grad_enabled()
