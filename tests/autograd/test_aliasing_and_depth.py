"""Gradients share no memory with each other or the user; detached parts, threads, deep and broad graphs."""

from __future__ import annotations

import inspect
import sys
import threading

import numpy as np
import pytest

import minitorch
from minitorch.testing import assert_close


def leaf(*values):
    return minitorch.tensor(values, dtype=minitorch.float64, requires_grad=True)


def tensor(*values):
    return minitorch.tensor(values, dtype=minitorch.float64)


# ---- detach, threads, depth ------------------------------------------------------------------------------------------


def test_detach_cuts_the_graph_and_shares_the_memory():
    x = leaf(2.0)
    y = (x * 3).detach()
    assert y.grad_fn is None
    z = x * y
    z.backward()
    assert_close(x.grad, tensor(6.0))
    d = x.detach()
    with minitorch.no_grad():
        d.fill_(7.0)
    assert x.item() == 7.0


def test_graphs_recorded_in_one_thread_are_walked_in_another():
    x = leaf(2.0)
    y = x * x
    thread = threading.Thread(target=y.backward)
    thread.start()
    thread.join()
    assert_close(x.grad, tensor(4.0))


def test_threads_with_graphs_of_their_own_do_not_disturb_each_other():
    gradients = {}

    def work(k):
        x = leaf(float(k))
        for _ in range(50):
            x.grad = None
            (x * x * x).sum().backward()
        gradients[k] = x.grad.item()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gradients == {k: 3.0 * k * k for k in range(4)}


def work_of_backward(length):
    """The calls that ``backward`` makes through a chain of operations, of Python functions and of built-in ones."""
    x = leaf(1.0)
    y = x
    for _ in range(length):
        y = y + 1.0
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    depth = len(inspect.stack(0))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 40)
    sys.setprofile(count)
    try:
        y.backward()
    finally:
        sys.setprofile(None)
        sys.setrecursionlimit(limit)
    assert_close(x.grad, tensor(1.0))
    assert y.item() == length + 1
    return calls


def test_long_chains_of_operations_take_neither_recursion_nor_more_work_per_operation():
    short, long = work_of_backward(10_000), work_of_backward(100_000)
    assert short > 10_000  # something was counted
    assert long / 100_000 == pytest.approx(short / 10_000, rel=0.01)


def test_a_ladder_of_diamonds_is_not_walked_path_by_path():
    """2⁶⁰ paths lead from the end to the beginning."""
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y * 0.5 + y * 0.5
    y.backward()
    assert_close(x.grad, tensor(1.0))


# ---- aliasing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x + y,
        lambda x, y: (x + y).reshape(2, 1),
        lambda x, y: (x + y)[:],
        lambda x, y: minitorch.cat([x, y]),
    ],
    ids=["add", "reshape", "slice", "cat"],
)
def test_two_leaves_never_share_a_grad(function, create_graph):
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    out = function(x, y)
    v = minitorch.ones_like(out)
    out.backward(v, create_graph=create_graph)
    memory = [np.shares_memory(a.data, b.data) for a, b in ((x.grad, y.grad), (x.grad, v), (y.grad, v))]
    assert memory == [False, False, False]
    with minitorch.no_grad():
        x.grad.zero_()
    assert_close(y.grad, tensor(1.0, 1.0))
    assert v.sum().item() == v.numel()


def test_a_gradient_that_somebody_holds_is_not_changed():
    seen = []
    x = leaf(1.0, 2.0)
    x.register_hook(seen.append)
    v = tensor(1.0, 1.0)
    (x * 1).backward(v)
    (x * 1).backward(v)
    assert_close(x.grad, tensor(2.0, 2.0))
    assert_close(v, tensor(1.0, 1.0))
    for gradient in seen:
        assert_close(gradient, tensor(1.0, 1.0))


def test_the_users_arrays_are_never_changed():
    array = np.ones(2)
    x, y = leaf(1.0, 2.0), leaf(1.0, 2.0)
    v = minitorch.from_numpy(array)
    for _ in range(3):
        (x + y).backward(v)
        (x * 1 + x).backward(v)
    assert array.tolist() == [1.0, 1.0]


def test_an_expanded_gradient_can_be_accumulated_into():
    x = leaf(1.0, 2.0)
    x.sum().backward()
    x.sum().backward()
    assert_close(x.grad, tensor(2.0, 2.0))
    assert x.grad.data.flags.writeable
