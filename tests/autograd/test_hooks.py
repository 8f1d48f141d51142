"""Hooks on tensors, and ``retain_grad``."""

from __future__ import annotations

import copy
import weakref

import pytest

import minitorch
from minitorch.autograd import Function, grad, queue_callback
from minitorch.testing import assert_close


def leaf(*values):
    return minitorch.tensor(values, dtype=minitorch.float64, requires_grad=True)


def tensor(*values):
    return minitorch.tensor(values, dtype=minitorch.float64)


def test_a_hook_sees_the_gradient_once_it_is_summed():
    seen = []
    x = leaf(2.0)
    x.register_hook(lambda g: seen.append(g.tolist()))
    y = x * 3
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * y + y).backward()
    assert seen == [[13.0], [39.0]]
    assert_close(x.grad, tensor(39.0))


def test_what_a_hook_returns_replaces_the_gradient():
    x = leaf(1.0, 1.0)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert_close(x.grad, tensor(31.0, 31.0))


def test_hooks_run_in_the_order_of_registration():
    x = leaf(1.0)
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 10)
    x.backward()
    assert_close(x.grad, tensor(20.0))


def test_a_removed_hook_is_not_called():
    x = leaf(1.0)
    first = x.register_hook(lambda g: g + 1)
    second = x.register_hook(lambda g: g * 10)
    first.remove()
    first.remove()
    x.backward()
    assert_close(x.grad, tensor(10.0))
    third = x.register_hook(lambda g: g + 5)
    second.remove()
    x.grad = None
    x.backward()
    assert_close(x.grad, tensor(6.0))
    with x.register_hook(lambda g: g * 0):
        pass
    third.remove()
    x.grad = None
    x.backward()
    assert_close(x.grad, tensor(1.0))


def test_a_hook_may_remove_itself():
    x, calls = leaf(1.0), []

    def once(g):
        calls.append(1)
        handle.remove()

    handle = x.register_hook(once)
    x.register_hook(lambda g: g * 2)
    x.backward()
    x.backward()
    assert calls == [1]
    assert_close(x.grad, tensor(4.0))


def test_hooks_run_under_grad_too():
    x = leaf(1.0)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    dy, dx = grad(y * 2, [y, x])
    assert_close(dy, tensor(20.0))
    assert_close(dx, tensor(61.0))


def test_hooks_of_one_output_do_not_see_another():
    x = leaf(1.0, 2.0, 3.0)
    a, b = x.split([1, 2])
    a.register_hook(lambda g: g * 10)
    (a.sum() + b.sum()).backward()
    assert_close(x.grad, tensor(10.0, 1.0, 1.0))


def test_a_hook_is_differentiated_with_create_graph():
    x = leaf(3.0)
    y = x * x
    y.register_hook(lambda g: g * g)
    (dx,) = grad(y * x, x, create_graph=True)  # x·y: dy = x, the hook makes it x²: 2x·x² + y = 2x³ + x²
    assert_close(dx, tensor(63.0))
    (ddx,) = grad(dx, x)
    assert_close(ddx, tensor(6 * 9.0 + 6.0))


def test_no_hook_on_a_tensor_without_gradient():
    with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
        minitorch.ones(1).register_hook(print)


# ---- hooks after the gradient was added ------------------------------------------------------------------------------


def test_a_hook_sees_the_sum_of_this_backward_and_those_before():
    x, seen = leaf(1.0), []
    x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.item())))
    (x * x + 3 * x).backward()
    (x * 2).backward()
    assert seen == [(True, 5.0), (True, 7.0)]


def test_it_comes_after_the_hooks_that_replace_the_gradient_and_may_change_grad():
    x = leaf(1.0, 2.0)

    def halve(t):
        t.grad = t.grad / 2

    x.register_post_accumulate_grad_hook(halve)
    x.register_hook(lambda g: g * 10)
    x.sum().backward()
    assert_close(x.grad, tensor(5.0, 5.0))


def test_an_optimizer_may_step_in_it():
    x = leaf(1.0)

    def step(t):
        with minitorch.no_grad():
            t -= 0.5 * t.grad
        t.grad = None

    x.register_post_accumulate_grad_hook(step)
    (3 * x).backward()
    assert x.grad is None
    assert_close(x.detach(), tensor(-0.5))


def test_it_can_be_removed_and_runs_once_a_leaf():
    x, y, calls = leaf(1.0), leaf(2.0), []
    first = x.register_post_accumulate_grad_hook(lambda t: calls.append("x1"))
    x.register_post_accumulate_grad_hook(lambda t: calls.append("x2"))
    y.register_post_accumulate_grad_hook(lambda t: calls.append("y"))
    (x * y * x).backward()
    assert sorted(calls) == ["x1", "x2", "y"]
    assert calls.index("x1") < calls.index("x2")
    first.remove()
    calls.clear()
    x.backward()
    assert calls == ["x2"]


def test_grad_calls_no_hook_that_is_for_accumulated_gradients():
    x, z, calls = leaf(1.0), leaf(1.0), []
    for t in (x, z):
        t.register_post_accumulate_grad_hook(lambda t: calls.append(t is x))
    assert_close(*grad(3 * x + z, x), tensor(3.0))
    assert calls == []
    (3 * x + z).backward(inputs=[x])
    assert calls == [True]


def test_what_such_hooks_may_not_do():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="post accumulate grad hooks cannot be registered on non-leaf tensors"):
        (x * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
        minitorch.ones(1).register_post_accumulate_grad_hook(print)
    x.register_post_accumulate_grad_hook(lambda t: t.grad)
    with pytest.raises(RuntimeError, match="Tensor post accumulate grad hooks should return None"):
        x.backward()


def test_hooks_are_not_copied_and_keep_nothing_alive():
    x = leaf(1.0)
    x.register_post_accumulate_grad_hook(lambda t: None)
    copied = copy.deepcopy(x)
    assert copied._hooks is None
    alive = weakref.ref(x)
    del x
    assert alive() is None


# ---- the end of a pass -----------------------------------------------------------------------------------------------


def test_a_callback_comes_when_all_leaves_have_their_gradients():
    x, y, seen = leaf(1.0), leaf(2.0), []

    def finish():
        seen.append((x.grad.item(), y.grad.item()))
        if len(seen) == 1:
            queue_callback(finish)  # one that is queued by another comes too

    for t in (x, y):
        t.register_hook(lambda g: queue_callback(finish) if not seen else None)
    (x * y).backward()
    assert seen == [(2.0, 1.0)] * 3


def test_a_callback_belongs_to_the_innermost_pass():
    x, order = leaf(1.0), []

    class Inner(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            with minitorch.enable_grad():
                z = leaf(1.0)
                z.register_hook(lambda g: queue_callback(lambda: order.append("inner")))
                (z * 3).backward()
            order.append("node")
            return g * 2

    y = Inner.apply(x)
    y.register_hook(lambda g: queue_callback(lambda: order.append("outer")))
    y.backward()
    assert order == ["inner", "node", "outer"]


def test_a_pass_that_fails_calls_no_callback_and_neither_does_the_next():
    x, calls = leaf(1.0), []

    def fail(g):
        queue_callback(lambda: calls.append(1))
        raise ValueError("in a hook")

    handle = x.register_hook(fail)
    with pytest.raises(ValueError, match="in a hook"):
        x.backward()
    handle.remove()
    x.backward()
    assert calls == []


def test_outside_of_a_pass_there_is_nothing_to_wait_for():
    with pytest.raises(RuntimeError, match=r"only be queued while backward\(\) or grad\(\) is running"):
        queue_callback(print)


# ---- retain_grad -----------------------------------------------------------------------------------------------------


def test_retain_grad():
    x = leaf(2.0)
    y = x * 3
    assert not y.retains_grad
    y.retain_grad()
    assert y.retains_grad
    assert not x.retains_grad
    (y * y).backward(retain_graph=True)
    assert_close(y.grad, tensor(12.0))
    assert_close(x.grad, tensor(36.0))


def test_a_retained_grad_accumulates():
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    y.retain_grad()
    (y + 0).backward(retain_graph=True)
    (y + 0).backward(tensor(5.0))
    assert_close(y.grad, tensor(6.0))


def test_a_retained_grad_is_what_the_hooks_made_of_it():
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.backward()
    assert_close(y.grad, tensor(10.0))
    assert_close(x.grad, tensor(30.0))


def test_a_retained_grad_shares_nothing():
    x = leaf(1.0, 2.0)
    y = x + 0
    y.retain_grad()
    (y + 0).sum().backward()
    with minitorch.no_grad():
        y.grad.zero_()
    assert_close(x.grad, tensor(1.0, 1.0))


def test_retain_grad_of_a_leaf_does_nothing():
    x = leaf(2.0)
    x.retain_grad()
    x.backward()
    assert_close(x.grad, tensor(1.0))
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
        minitorch.ones(1).retain_grad()


def test_retain_grad_does_not_keep_the_tensor_alive():
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    z = y * y
    del y
    z.backward()
    assert_close(x.grad, tensor(36.0))
