"""Programs of operations drawn at random, their first and second derivatives compared with finite differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import Function, grad, gradcheck, gradgradcheck
from minitorch.testing import assert_close

SHAPE = (2, 3)


def constant(values):
    return minitorch.tensor(values, dtype=minitorch.float64)


# Far enough from each other and from 0 that no step of a program moves them past it: where OFFSETS were added, ReLU,
# maxima and sorting have no kinks, and which elements they choose is known.
OFFSETS = constant([[60.0, -20.0, 40.0], [-40.0, 20.0, -60.0]])
KERNEL = constant([[[[0.5, -1.0], [0.25, 1.0]]]])


def beside(x, values):
    """A tensor of a step's own, on the device of what it is used with."""
    return minitorch.tensor(values, device=x.device)


def matrix(x):
    return x.expand(*SHAPE)


def image(x):
    return matrix(x).reshape(1, 1, *SHAPE)


def pieces(function):
    """A step that applies a piecewise linear function, moved so that zero stays zero."""
    return lambda x: function(matrix(x) + OFFSETS.to(x.device)) - function(OFFSETS.to(x.device))


def moved_apart(a, b):
    offsets = OFFSETS.to(a.device)
    return minitorch.maximum(a + offsets, b - offsets) - offsets.abs()


class Two(Function):
    """A function of a user, with two results of which one is saved."""

    @staticmethod
    def forward(ctx, x):
        first, second = x.sin(), x * 2
        ctx.save_for_backward(x, first)
        return first, second

    @staticmethod
    def backward(ctx, a, b):
        x, _ = ctx.saved_tensors
        return a * x.cos() + b * 2


# Every value has a shape that broadcasts to SHAPE and stays bounded, so that any step may follow any other.
ELEMENTWISE = {
    "sin": lambda x: x.sin(),
    "square": lambda x: (x * x) / 4,
    "exp": lambda x: (-x * x).exp(),
    "pow": lambda x: (2 + x * x) ** -1.5,
    "sigmoid": lambda x: x.sigmoid() * 2,
    "tanh": lambda x: x.tanh() - 0.5,
    "gelu": lambda x: F.gelu(x) / 2 + F.silu(x) / 4,
    "softplus": lambda x: F.softplus(x) / 2 - x.sin().expm1() / 4,
    "atan": lambda x: x.atan() + (x * x).log1p() / 4,
    "erf": lambda x: minitorch.erf(x) + minitorch.lerp(x, x.cos(), 0.25) / 2,
    "view": lambda x: x.unsqueeze(0).transpose(0, -1).transpose(-1, 0).squeeze(0),
    "two": lambda x: Two.apply(x)[0] / 2 + Two.apply(x)[1] / 4,
    "detach": lambda x: x * x.detach().cos(),
    "no_grad": lambda x: x + without_gradient(x),
    "integers": lambda x: x * 0.5 + 0 * x.long(),
    "zero": lambda x: x * 0.5 + 0 * x.floor(),
}
MATRIX = {
    "reshape": lambda x: x.reshape(3, 2).T.reshape(SHAPE),
    "flip rows": lambda x: x[beside(x, [1.0, 0.0]).long()],
    "repeat a column": lambda x: x[:, beside(x, [0, 0, 2])],
    "mask": lambda x: x.masked_fill(beside(x, [[True], [False]]), 0.5),
    "masked select": lambda x: x.masked_select(beside(x, [[True, False, True]])).reshape(2, 2).repeat(1, 2)[:, :3],
    "slices": lambda x: minitorch.cat([x[:, 1:], x[:, :1]], 1),
    "roll": lambda x: minitorch.roll(x, 1, 1) - minitorch.flip(x, [0]) / 2,
    "gather": lambda x: x.gather(1, beside(x, [[2, 0, 0], [1, 1, 0]])),
    "scatter": lambda x: x.scatter_add(1, beside(x, [[0, 0], [2, 1]]), x[:, 1:]) / 2,
    "triangle": lambda x: x.tril() - x.diagonal().sum() / 3,
    "split": lambda x: minitorch.stack([row * (i + 1) for i, row in enumerate(x.unbind(0))]) / 2,
    "constant": lambda x: x * beside(x, [[0.5], [-1.0]]),
    "softmax": lambda x: x.softmax(1) + x.log_softmax(0) / 4,
    "cumulate": lambda x: x.cumsum(1) / 3 - (1 + x / 4).cumprod(0) / 2,
    "center": lambda x: x - x.mean(1, keepdim=True),
    "layer norm": lambda x: F.layer_norm(x, (3,), eps=1.0) - F.rms_norm(x, (3,), eps=1.0) / 2,
    "normalize": lambda x: (x - x.mean()) / (1 + x.var()).sqrt(),
    "convolve": lambda x: F.conv2d(image(x), KERNEL.to(x.device), padding=1)[0, 0, 1:, :3] / 2,
    "transposed convolution": lambda x: F.conv_transpose2d(image(x), KERNEL.to(x.device), stride=2)[0, 0, 1:3, 2:5],
    "pad": lambda x: F.pad(image(x), (1, 0, 1, 0), mode="reflect")[0, 0, :2, 1:],
    "unfold": lambda x: F.unfold(image(x), 2)[0, :2].sum(1, keepdim=True) / 4 + x / 2,
    "interpolate": lambda x: F.interpolate(image(x), (4, 2), mode="bilinear")[0, 0].reshape(8)[1:7].reshape(SHAPE),
    "average": lambda x: F.avg_pool2d(image(x), 2, 1, padding=1)[0, 0, :2, 1:],
    "relu": pieces(lambda x: x.relu()),
    "absolute": pieces(lambda x: x.abs()),
    "clamp": pieces(lambda x: x.clamp(-30, 30)),
    "sort": pieces(lambda x: x.sort(1)[0]),
    "top": pieces(lambda x: x.topk(2, 1)[0].sum(1, keepdim=True).expand(*SHAPE) / 2),
    "pool": pieces(lambda x: F.max_pool2d(x.reshape(1, 1, *SHAPE), 2, 1, padding=1)[0, 0, :2, 1:]),
}
REDUCING = {
    "sum": lambda x: x.sum(0) / 3,
    "mean": lambda x: x.mean(),
    "norm": lambda x: (1 + x * x).sum(1, keepdim=True).sqrt(),
    "logsumexp": lambda x: x.logsumexp(1, keepdim=True) / 2,
    "product": lambda x: x.prod(0, keepdim=True),
    "loss": lambda x: F.cross_entropy(x, beside(x, [2, 0])),
    "maximum": pieces(lambda x: x.amax(0)),
    "median": pieces(lambda x: x.median(1, keepdim=True)[0]),
}
BROADCASTING = {
    "add": lambda a, b: (a + b) / 2,
    "sub": lambda a, b: (a - b) / 2,
    "mul": lambda a, b: a * b / 2,
    "div": lambda a, b: a / (2 + b * b),
    "where": lambda a, b: minitorch.where(beside(a, [[True, False, True]]), a, b),
}
OF_TWO_MATRICES = {
    "matmul": lambda a, b: (a @ b.T @ a) / 8,
    "outer": lambda a, b: a[:, :1] * b[:1] / 2,
    "einsum": lambda a, b: minitorch.einsum("ij,kj->ik", a, b) @ a / 8,
    "addmm": lambda a, b: minitorch.addmm(a, b[:, :2], a[:, :2] @ b, alpha=0.125) / 2,
    "stack": lambda a, b: minitorch.stack([a, b], 2).sum(2) / 2,
    "filter": lambda a, b: F.conv2d(image(a), image(b)[..., :2], padding=(1, 1))[0, 0, :2, 1:] / 4,
    "loss of two": lambda a, b: F.mse_loss(a, b) / 4,
    "maximum of two": moved_apart,
}


def on_matrices(function):
    return lambda *operands: function(*map(matrix, operands))


UNARY = ELEMENTWISE | {name: on_matrices(step) for name, step in (MATRIX | REDUCING).items()}
BINARY = BROADCASTING | {name: on_matrices(step) for name, step in OF_TWO_MATRICES.items()}


def without_gradient(x):
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


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_every_step_keeps_the_promise_of_the_programs(name):
    """Shapes that broadcast to SHAPE, numbers that stay small: of every step alone, from operands of every shape."""
    rng = np.random.default_rng(0)
    shapes = [SHAPE, (3,), (2, 1), (1, 3), ()]
    for shape, other in itertools.product(shapes, shapes):
        operands = [constant(rng.uniform(-3, 3, shape)) for shape in (shape, other)]
        result = UNARY[name](operands[0]) if name in UNARY else BINARY[name](*operands)
        assert np.broadcast_shapes(result.shape, SHAPE) == SHAPE
        assert result.dtype is minitorch.float64
        assert result.abs().max() < 15


def inputs_of(seed):
    rng = np.random.default_rng(seed)
    return [minitorch.tensor(rng.uniform(0.2, 1.0, SHAPE), requires_grad=True) for _ in range(2)]


seeds = st.integers(0, 2**32 - 1)


@given(programs(8).filter(lambda p: not uses_constants(p)), seeds)
@settings(max_examples=max(5, settings.default.max_examples // 2))
def test_first_derivatives(program, seed):
    assert gradcheck(lambda *inputs: run(program, *inputs), inputs_of(seed))


@given(programs(5).filter(lambda p: not uses_constants(p)), seeds)
@settings(max_examples=max(5, settings.default.max_examples // 5))
def test_second_derivatives(program, seed):
    assert gradgradcheck(lambda *inputs: run(program, *inputs), inputs_of(seed), atol=1e-4)


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
