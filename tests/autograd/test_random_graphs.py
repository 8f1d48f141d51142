"""Programs of operations drawn at random, their first and second derivatives compared with finite differences."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch
from minitorch.autograd import grad, gradcheck, gradgradcheck
from minitorch.testing import assert_close

SHAPE = (2, 3)

# Everything keeps SHAPE and bounded, so that any operation may follow any other and nothing overflows.
UNARY = {
    "sin": lambda x: x.sin(),
    "square": lambda x: (x * x) / 4,
    "exp": lambda x: (-x * x).exp(),
    "reshape": lambda x: x.reshape(3, 2).T.reshape(SHAPE),
    "flip rows": lambda x: x[minitorch.tensor([1, 0])],
    "repeat a column": lambda x: x[:, minitorch.tensor([0, 0, 2])],
    "slices": lambda x: minitorch.cat([x[:, 1:], x[:, :1]], 1),
    "split": lambda x: minitorch.stack([row * (i + 1) for i, row in enumerate(x.unbind(0))]) / 2,
    "mean": lambda x: x - x.mean(1, keepdim=True),
    "sum": lambda x: x.sum(0).expand(*SHAPE) / 3,
    "logsumexp": lambda x: x + x.logsumexp(1, keepdim=True) / 4,
    "detach": lambda x: x * x.detach().cos(),
    "no_grad": lambda x: x + _constant(x),
    "constant": lambda x: x * minitorch.tensor([[0.5], [-1.0]], dtype=minitorch.float64),
    "zero": lambda x: x * 0.5 + 0 * x.floor(),
}
BINARY = {
    "add": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b / 2,
    "div": lambda a, b: a / (2 + b * b),
    "matmul": lambda a, b: (a @ b.T @ a) / 8,
    "where": lambda a, b: minitorch.where(minitorch.tensor([[True, False, True]]), a, b),
    "outer": lambda a, b: a[:, :1] * b[:1] / 2,
}


def _constant(x):
    with minitorch.no_grad():
        return x.cos()


@st.composite
def programs(draw, length):
    """A list of (name, operands): each operand is an input or the result of an earlier step, some used again."""
    steps = []
    for i in range(draw(st.integers(1, length))):
        operand = st.integers(0, i + 1)
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(sorted(BINARY))), (draw(operand), draw(operand))))
        else:
            steps.append((draw(st.sampled_from(sorted(UNARY))), (draw(operand),)))
    return steps


def run(program, *inputs):
    """The last result, and one from the middle as a second output."""
    values = list(inputs)
    for name, operands in program:
        function = UNARY.get(name) or BINARY[name]
        values.append(function(*(values[i] for i in operands)))
    return values[-1], values[len(values) // 2].sum()


def uses_constants(program):
    """Whether finite differences see what backward was told not to: a detached factor also moves with its input."""
    return any(name in ("detach", "no_grad") for name, _ in program)


def inputs_of(seed):
    rng = np.random.default_rng(seed)
    return [minitorch.tensor(rng.uniform(0.2, 1.0, SHAPE), requires_grad=True) for _ in range(2)]


seeds = st.integers(0, 2**32 - 1)


@given(programs(8).filter(lambda p: not uses_constants(p)), seeds)
@settings(max_examples=max(5, settings.default.max_examples // 2))
def test_first_derivatives(program, seed):
    assert gradcheck(lambda *inputs: run(program, *inputs), inputs_of(seed), fast_mode=True)


@given(programs(5).filter(lambda p: not uses_constants(p)), seeds)
@settings(max_examples=max(5, settings.default.max_examples // 5))
def test_second_derivatives(program, seed):
    assert gradgradcheck(lambda *inputs: run(program, *inputs), inputs_of(seed), fast_mode=True, atol=1e-4)


@given(programs(8), seeds)
def test_the_order_and_company_of_outputs_does_not_matter(program, seed):
    """grad of both outputs at once is the sum of the grads of each, and backward adds up the same."""
    inputs = inputs_of(seed)
    a, b = run(program, *inputs)
    ends = [end for end in (a.sum(), b) if end.requires_grad]
    if not ends:
        return
    together = grad(ends, inputs, retain_graph=True, materialize_grads=True)
    reverse = grad(ends[::-1], inputs, retain_graph=True, materialize_grads=True)
    each = [grad(end, inputs, retain_graph=True, materialize_grads=True) for end in ends]
    for end in ends:
        end.backward(retain_graph=True)
    for i, x in enumerate(inputs):
        wanted = sum((g[i] for g in each[1:]), each[0][i])
        accumulated = minitorch.zeros_like(x) if x.grad is None else x.grad
        for found in (together[i], reverse[i], accumulated):
            assert_close(found, wanted, rtol=1e-10, atol=1e-10)


@given(programs(8), seeds)
def test_recording_does_not_change_the_numbers(program, seed):
    inputs = inputs_of(seed)
    before = [x.detach().clone() for x in inputs]
    recorded = run(program, *inputs)
    with minitorch.no_grad():
        plain = run(program, *inputs)
    for a, b in zip(recorded, plain, strict=True):
        assert_close(a, b, rtol=0, atol=0)
        assert not b.requires_grad
    for x, copy in zip(inputs, before, strict=True):
        assert_close(x, copy, rtol=0, atol=0)


@given(programs(6), seeds)
@settings(max_examples=max(5, settings.default.max_examples // 2))
def test_intermediate_gradients_chain(program, seed):
    """The gradient through a retained middle equals that computed in two halves."""
    inputs = inputs_of(seed)
    middle = inputs[0] * inputs[1]
    middle.retain_grad()
    out, _ = run(program, middle, inputs[1])
    if not out.requires_grad:
        return
    out.sum().backward()
    if middle.grad is None:
        return
    cut = middle.detach().requires_grad_()
    again, _ = run(program, cut, inputs[1].detach())
    (wanted,) = grad(again.sum(), cut, materialize_grads=True) if again.requires_grad else (minitorch.zeros_like(cut),)
    assert_close(middle.grad, wanted, rtol=1e-10, atol=1e-10)
