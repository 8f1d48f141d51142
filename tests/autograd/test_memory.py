"""Memory is freed by reference counting alone: no operation, graph or gradient makes a reference cycle."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import weakref
from pathlib import Path

import pytest

import minitorch
from minitorch import _C as kernels
from minitorch import nn, optim
from minitorch.autograd import Function, grad
from minitorch.testing import assert_close


@pytest.fixture(autouse=True)
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf(*values):
    return minitorch.tensor(values, dtype=minitorch.float64, requires_grad=True)


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        out = x * x
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx, g):
        x, _ = ctx.saved_tensors
        return g * x * 2


class Pair(Function):
    @staticmethod
    def forward(ctx, x):
        a, b = x * 2, x.floor()
        ctx.save_for_backward(a, b)
        ctx.mark_non_differentiable(b)
        return a, b

    @staticmethod
    def backward(ctx, g, _):
        a, _ = ctx.saved_tensors
        return g * a / a * 2


# Operations that save their results, views, several outputs, and chains of each.
GRAPHS = {
    "mul": lambda x: x * x,
    "exp": lambda x: x.exp(),
    "sqrt": lambda x: x.sqrt(),
    "pow": lambda x: x**3.5,
    "views": lambda x: x[:1].reshape(1, 1).T.expand(3, 1).contiguous(),
    "indices": lambda x: x[minitorch.tensor([0, 0])],
    "max": lambda x: x.max(0)[0] + x.amax(),
    "split": lambda x: x.split(1)[0] * x.unbind()[1],
    "matmul": lambda x: x.reshape(2, 1) @ x.reshape(1, 2),
    "chain": lambda x: ((x.exp() + x).log() * x.sin()).sum(),
    "a function that saves its output": Square.apply,
    "a function with an output that has no gradient": lambda x: Pair.apply(x)[0],
}


@pytest.mark.parametrize("function", GRAPHS.values(), ids=GRAPHS)
def test_a_graph_dies_with_its_output(function):
    x = leaf(1.0, 2.0)
    y = function(x)
    output, node = weakref.ref(y), weakref.ref(y.grad_fn)
    del y
    assert output() is None
    assert node() is None


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("function", GRAPHS.values(), ids=GRAPHS)
def test_a_graph_that_was_walked_dies_with_its_output(function, create_graph):
    x = leaf(1.0, 2.0)
    y = function(x)
    (dx,) = grad(y.sum(), x, create_graph=create_graph)
    references = [weakref.ref(t) for t in (y, y.grad_fn, dx, dx.grad_fn) if t is not None]
    del y, dx
    assert [r() for r in references] == [None] * len(references)


def test_saved_tensors_are_freed_by_backward():
    x = leaf(1.0, 2.0)
    hidden = x.exp()
    y = (hidden * hidden).sum()
    reference = weakref.ref(hidden)
    del hidden
    assert reference() is not None
    y.backward()
    assert reference() is None
    assert y.grad_fn is not None


def test_retain_graph_keeps_saved_tensors():
    x = leaf(1.0, 2.0)
    hidden = x.exp()
    y = (hidden * hidden).sum()
    reference = weakref.ref(hidden)
    del hidden
    y.backward(retain_graph=True)
    assert reference() is not None


def test_gradients_of_the_middle_are_not_kept():
    seen = []
    x = leaf(1.0, 2.0)
    y = x * 2
    y.register_hook(lambda g: seen.append(weakref.ref(g)))
    (y * y).sum().backward()
    assert len(seen) == 1
    assert seen[0]() is None


def test_hooks_and_retained_gradients_make_no_cycle():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    handle = y.register_hook(lambda g: g * 2)
    y.sum().backward()
    references = [weakref.ref(y), weakref.ref(y.grad), weakref.ref(y.grad_fn)]
    del y, handle
    assert [r() for r in references] == [None] * 3


def test_double_backward_leaves_nothing():
    x = leaf(1.0, 2.0)
    (dx,) = grad((x**3).sum(), x, create_graph=True)
    (ddx,) = grad(dx.sum(), x, create_graph=True)
    references = [weakref.ref(t) for t in (dx, ddx, dx.grad_fn, ddx.grad_fn)]
    del dx, ddx
    assert [r() for r in references] == [None] * 4


def test_an_error_in_backward_leaves_nothing_once_it_is_forgotten():
    class Failing(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise KeyError("lost")

    x = leaf(1.0)
    y = Failing.apply(x * 2)
    reference = weakref.ref(y.grad_fn)
    with contextlib.suppress(KeyError):
        y.backward()
    del y
    assert reference() is None


def test_no_operation_leaves_garbage():
    """What a whole training step makes is gone after it, without a collection."""

    def step():
        x = minitorch.ones(4, 3, requires_grad=True)
        w = minitorch.ones(3, 2, requires_grad=True)
        hidden = (x @ w).exp() / 3
        values, _ = hidden.max(1)
        loss = (minitorch.cat([values, hidden[:, 0]]).log().mean() - hidden.var()).abs()
        (dw,) = grad(loss, w, create_graph=True)
        (loss + (dw * dw).sum()).backward()

    step()
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        step()
        gc.collect()
        assert gc.garbage == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


OPTIMIZERS = {
    name: value
    for name, value in vars(optim).items()
    if isinstance(value, type) and issubclass(value, optim.Optimizer) and value is not optim.Optimizer
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_loop_does_not_grow(name):
    """A thousand steps leave nothing behind: no object, no block of the kernels' memory, no page."""
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 10),
    )  # fmt: skip
    input, target = minitorch.randn(4, 1, 8, 8), minitorch.randint(0, 10, (4,))
    optimizer = OPTIMIZERS[name](model.parameters(), lr=1e-3)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 10)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(input), target)
        loss.backward()
        return loss

    def train(steps):
        for _ in range(steps):
            optimizer.step(closure)
            scheduler.step()

    def in_use():
        return sys.getallocatedblocks(), kernels.memory_allocated(), resident()

    train(30)
    before = in_use()
    train(100 if name == "LBFGS" else 1000)
    objects, memory, pages = (now - then for now, then in zip(in_use(), before, strict=True))
    assert objects < 80  # Python's own tables may grow now and then
    assert memory == 0
    assert pages < 4_000_000


def resident():
    """Bytes of this process that are in memory, where the system tells (Linux)."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def test_a_deep_graph_is_freed_without_recursion():
    x = leaf(1.0)
    y = x
    for _ in range(200_000):
        y = y * 1.0
    node = weakref.ref(y.grad_fn)
    del y
    assert node() is None
    assert_close(x.detach(), minitorch.tensor([1.0], dtype=minitorch.float64))
