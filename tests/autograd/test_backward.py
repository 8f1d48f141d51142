"""``backward`` and ``grad``: what they give, what they leave alone, and what they refuse."""

from __future__ import annotations

import pytest

import minitorch
from minitorch.autograd import backward, grad
from minitorch.testing import assert_close


def leaf(*values):
    return minitorch.tensor(values, dtype=minitorch.float64, requires_grad=True)


def tensor(*values):
    return minitorch.tensor(values, dtype=minitorch.float64)


# ---- accumulation --------------------------------------------------------------------------------------------------


def test_backward_adds_to_grad():
    x = leaf(1.0, 2.0)
    assert x.grad is None
    (x * 3).sum().backward()
    assert_close(x.grad, tensor(3.0, 3.0))
    (x * x).sum().backward()
    assert_close(x.grad, tensor(5.0, 7.0))
    x.grad = None
    x.sum().backward()
    assert_close(x.grad, tensor(1.0, 1.0))


def test_a_tensor_used_twice_gets_the_sum():
    x = leaf(2.0)
    y = x * x
    (y * y + y + x).sum().backward()
    assert_close(x.grad, tensor(4 * 8 + 2 * 2 + 1))


def test_accumulation_keeps_the_grad_object():
    x = leaf(1.0)
    x.sum().backward()
    held = x.grad
    x.sum().backward()
    assert x.grad is held
    assert_close(held, tensor(2.0))


def test_branches_that_meet_again_are_visited_once():
    calls = []

    class Counted(minitorch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            calls.append(1)
            return g * 2

    x = leaf(1.0)
    shared = Counted.apply(x)
    a, b = shared * 3, shared.exp()
    (a * b + shared).sum().backward()
    assert len(calls) == 1


def test_only_leaves_that_require_grad_get_one():
    x, y = leaf(1.0), tensor(2.0)
    z = x * y
    z.sum().backward()
    assert y.grad is None
    assert z.grad is None
    assert x.is_leaf
    assert y.is_leaf
    assert not z.is_leaf


def test_backward_of_several_tensors():
    x = leaf(1.0, 2.0)
    backward([x * 2, (x * x).sum()], [tensor(1.0, 10.0), None])
    assert_close(x.grad, tensor(4.0, 24.0))


def test_backward_of_one_tensor_given_twice():
    x = leaf(3.0)
    y = x * x
    backward([y, y], [tensor(1.0), tensor(10.0)])
    assert_close(x.grad, tensor(66.0))


def test_backward_of_a_leaf():
    x = leaf(3.0)
    x.backward()
    assert_close(x.grad, tensor(1.0))
    x.backward(tensor(4.0))
    assert_close(x.grad, tensor(5.0))


def test_an_output_inside_the_graph_of_another():
    x = leaf(2.0)
    y = x * x
    z = y * y
    backward([y, z])
    assert_close(x.grad, tensor(4.0 + 32.0))


def test_backward_into_chosen_leaves():
    x, y = leaf(1.0), leaf(2.0)
    (x * y).backward(inputs=[x])
    assert_close(x.grad, tensor(2.0))
    assert y.grad is None
    (x * y).backward(inputs=y)
    assert_close(y.grad, tensor(1.0))
    assert_close(x.grad, tensor(2.0))


def test_backward_into_a_tensor_that_is_no_leaf():
    x = leaf(3.0)
    y = x * x
    (y * 5).backward(inputs=[y])
    assert_close(y.grad, tensor(5.0))
    assert x.grad is None


def test_a_gradient_in_another_dtype_is_converted():
    x = minitorch.ones(2, requires_grad=True)
    y = x.double() * 3
    y.backward(minitorch.ones(2))
    assert x.grad.dtype is minitorch.float32
    assert_close(x.grad, minitorch.full((2,), 3.0))


def test_float16_takes_part():
    x = minitorch.tensor([1.5, 2.5], dtype=minitorch.float16, requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.dtype is minitorch.float16
    assert x.grad.tolist() == [3.0, 5.0]


# ---- the graph's life ----------------------------------------------------------------------------------------------


def test_a_second_backward_through_a_freed_graph_raises():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"backward through the graph a second time.*MulBackward.*retain_graph=True"):
        y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        grad(y, x)


def test_retain_graph_keeps_it():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert_close(x.grad, tensor(6.0, 12.0))
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_a_graph_that_saved_nothing_may_be_walked_again():
    x = leaf(1.0, 2.0)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert_close(x.grad, tensor(2.0, 2.0))


def test_freeing_one_branch_leaves_the_other():
    x = leaf(2.0)
    a, b = x * x, x * x * x
    a.backward()
    b.backward()
    assert_close(x.grad, tensor(4.0 + 12.0))


def test_a_failed_backward_leaves_the_recording_mode_as_it_was():
    class Failing(minitorch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise KeyError("lost")

    x = leaf(1.0)
    for create_graph in (False, True):
        with pytest.raises(KeyError, match="lost"):
            Failing.apply(x).backward(create_graph=create_graph)
        assert minitorch.is_grad_enabled()


# ---- higher derivatives --------------------------------------------------------------------------------------------


def test_create_graph_gives_higher_derivatives():
    x = leaf(2.0)
    derivative, wanted = x**4, [32.0, 48.0, 48.0, 24.0, 0.0]
    for value in wanted:
        (derivative,) = grad(derivative.sum(), x, create_graph=True)
        assert_close(derivative, tensor(value))


def test_backward_with_create_graph_makes_grad_part_of_a_graph():
    x = leaf(3.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    first = x.grad
    x.grad = None
    first.sum().backward()
    assert_close(x.grad, tensor(18.0))


def test_without_create_graph_gradients_are_plain_tensors():
    x = leaf(3.0)
    y = x**3
    (dx,) = grad(y, x)
    assert not dx.requires_grad
    assert dx.grad_fn is None
    (x * x).backward()
    assert not x.grad.requires_grad


def test_create_graph_keeps_the_graph_by_default():
    x = leaf(3.0)
    y = x * x
    grad(y, x, create_graph=True)
    grad(y, x)
    y = x * x
    grad(y, x, create_graph=True, retain_graph=False)
    with pytest.raises(RuntimeError, match="a second time"):
        grad(y, x)


def test_a_gradient_penalty():
    w, x = leaf(1.0, -2.0), leaf(0.5, 3.0)
    (dx,) = grad((w * x * x).sum(), x, create_graph=True)
    (dx * dx).sum().backward()
    assert_close(w.grad, 8 * w.detach() * x.detach() ** 2)


def test_grad_outputs_that_require_grad_are_differentiated():
    x, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (dx,) = grad(x * x, x, v, create_graph=True)
    (dv,) = grad(dx.sum(), v)
    assert_close(dv, tensor(2.0, 4.0))


# ---- autograd.grad ---------------------------------------------------------------------------------------------------


def test_grad_changes_no_grad():
    x, y = leaf(2.0), leaf(3.0)
    dx, dy = grad(x * x * y, [x, y])
    assert_close(dx, tensor(12.0))
    assert_close(dy, tensor(4.0))
    assert x.grad is None
    assert y.grad is None


def test_grad_of_a_tensor_that_is_no_leaf():
    x = leaf(2.0)
    y = x * x
    z = y * 3
    dy, dx = grad(z * y, [y, x])
    assert_close(dy, tensor(24.0))
    assert_close(dx, tensor(96.0))


def test_grad_of_a_tensor_with_respect_to_itself():
    x = leaf(2.0)
    y = x * x
    assert_close(grad(y, y)[0], tensor(1.0))
    assert_close(grad(x, x, tensor(5.0))[0], tensor(5.0))


def test_grad_stops_at_its_inputs():
    """What lies behind the inputs is not visited: their graph stays whole."""
    x = leaf(2.0)
    y = x * x
    grad(y * y, y)
    y.backward()
    assert_close(x.grad, tensor(4.0))


def test_grad_of_inputs_on_one_path():
    x = leaf(2.0)
    y = x * x
    z = y * y
    dz, dy, dx = grad(z * 2, [z, y, x])
    assert [t.item() for t in (dz, dy, dx)] == [2.0, 16.0, 64.0]


def test_one_input_given_twice():
    x = leaf(2.0)
    a, b = grad(x * x, [x, x])
    assert_close(a, tensor(4.0))
    assert_close(b, tensor(4.0))


def test_unused_inputs():
    x, y = leaf(2.0), leaf(3.0)
    with pytest.raises(RuntimeError, match=r"not have been used in the graph.*allow_unused=True"):
        grad(x * x, [x, y])
    assert grad(x * x, [x, y], allow_unused=True)[1] is None
    dx, dy = grad(x * x, [x, y], materialize_grads=True)
    assert_close(dx, tensor(4.0))
    assert_close(dy, tensor(0.0))
    assert not dy.requires_grad
    with pytest.raises(ValueError, match="allow_unused"):
        grad(x * x, [x, y], allow_unused=False, materialize_grads=True)


def test_an_unused_output_of_a_node_counts_as_zero():
    x = leaf(1.0, 5.0, 2.0)
    values, _ = x.max(0)
    a, b = x.split([1, 2])
    (values + a.sum()).backward()
    assert_close(x.grad, tensor(1.0, 1.0, 0.0))
    assert b.shape == (2,)


# ---- what is refused -------------------------------------------------------------------------------------------------


def test_a_non_scalar_needs_a_gradient():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        grad(x * 2, x)
    (x * 2)[:1].backward()
    assert_close(x.grad, tensor(2.0, 0.0))


def test_the_gradient_must_fit():
    x = leaf(1.0, 2.0)
    with pytest.raises(
        RuntimeError, match=r"grad_output\[0\] has a shape of \[3\] and output\[0\] has a shape of \[2\]"
    ):
        (x * 2).backward(minitorch.ones(3))
    with pytest.raises(RuntimeError, match=r"shape"):
        (x * 2).backward(minitorch.ones(1, 2))
    with pytest.raises(TypeError, match="Tensors or None, but got float"):
        (x * 2).sum().backward(1.0)
    with pytest.raises(RuntimeError, match="got 2 tensors and 1 gradients"):
        backward([x.sum(), x.sum()], [None])


def test_tensors_without_a_graph():
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad and does not have a grad_fn"):
        minitorch.ones(1).backward()
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="element 1 of tensors does not require grad"):
        backward([x * 2, minitorch.ones(1)])
    with pytest.raises(RuntimeError, match="One of the differentiated Tensors does not require grad"):
        grad(x * 2, minitorch.ones(1))
    with minitorch.no_grad():
        y = x * 2
    with pytest.raises(RuntimeError, match="does not require grad"):
        y.backward()


def test_inputs_must_not_be_empty():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="inputs must not be empty"):
        (x * 2).backward(inputs=[])
    with pytest.raises(ValueError, match="inputs must not be empty"):
        grad(x * 2, [])


def test_requires_grad_is_for_floating_point_leaves():
    with pytest.raises(RuntimeError, match="only Tensors of floating point dtype can require gradients"):
        minitorch.tensor([1, 2], requires_grad=True)
    x = leaf(1.0)
    y = x * 2
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables"):
        y.requires_grad = False
    y.requires_grad = True
    assert y.detach().requires_grad is False
    assert y.requires_grad_() is y


def test_an_assigned_grad_must_fit():
    x = leaf(1.0, 2.0)
    with pytest.raises(TypeError, match="assigned grad expected to be a Tensor or None"):
        x.grad = 1.0
    with pytest.raises(RuntimeError, match="data of a different size"):
        x.grad = tensor(1.0)
    with pytest.raises(RuntimeError, match="data of a different type"):
        x.grad = minitorch.ones(2)
    x.grad = tensor(1.0, 2.0)
    x.sum().backward()
    assert_close(x.grad, tensor(2.0, 3.0))
