"""Random programs of operations, their derivatives of first and second order: as on the CPU, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from autograd import test_random_graphs as graphs
from hypothesis import given, settings

import minitorch
from minitorch.autograd import grad, gradcheck, gradgradcheck
from minitorch.autograd.functional import hessian, jacobian
from minitorch.testing import assert_close


def derivatives(program, seed, device):
    """Results, gradients, and the gradients of these, as far as there are any."""
    inputs = [x.detach().to(device).requires_grad_() for x in graphs.inputs_of(seed)]
    results = graphs.run(program, *inputs)
    found = list(results)
    ends = [end.sum() for end in results if end.requires_grad]
    for _ in range(2):
        if not ends:
            break
        first = grad(ends, inputs, create_graph=True, materialize_grads=True)
        found += first
        ends = [(g * g).sum() for g in first if g.requires_grad]
    return [tensor.detach() for tensor in found]


@given(graphs.programs(8), graphs.seeds)
def test_derivatives_are_those_on_the_cpu(program, seed):
    for a, b in zip(derivatives(program, seed, "cuda"), derivatives(program, seed, "cpu"), strict=True):
        assert a.is_cuda
        assert_close(a, b, rtol=1e-9, atol=1e-9)


@given(graphs.programs(6), graphs.seeds)
@settings(max_examples=10)
def test_the_bits_are_the_same_every_time(program, seed):
    for a, b in zip(derivatives(program, seed, "cuda"), derivatives(program, seed, "cuda"), strict=True):
        assert a.cpu().numpy().tobytes() == b.cpu().numpy().tobytes()


@given(graphs.programs(5).filter(lambda p: not graphs.uses_constants(p)), graphs.seeds)
@settings(max_examples=5)
def test_gradcheck_on_the_device(program, seed):
    inputs = [x.detach().cuda().requires_grad_() for x in graphs.inputs_of(seed)]
    assert gradcheck(lambda *tensors: graphs.run(program, *tensors), inputs)


def test_second_gradients_on_the_device():
    x = minitorch.tensor([[0.5, -1.0], [2.0, 0.3]], dtype=minitorch.float64, device="cuda", requires_grad=True)
    assert gradgradcheck(lambda x: (x @ x.t()).tanh().logsumexp(0), [x])


def test_versions_are_counted_through_views():
    x = minitorch.ones(3, 4, device="cuda", requires_grad=True)
    y = x * 2
    out = (y * y).sum()
    with minitorch.no_grad():
        y.reshape(-1)[:2].zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_gradients_accumulate_hooks_run_and_nothing_is_shared():
    x = minitorch.ones(3, device="cuda", requires_grad=True)
    seen = []
    x.register_hook(lambda g: seen.append(g.is_cuda))
    for _ in range(2):
        (x.expand(2, 3) * x).sum().backward()
    assert x.grad.tolist() == [8, 8, 8]
    assert seen == [True, True]


def test_functional_derivatives():
    here = minitorch.tensor([0.3, -0.7], dtype=minitorch.float64)
    for derivative, function in ((jacobian, lambda x: x.sin() * x.sum()), (hessian, lambda x: x.sin().prod())):
        found = derivative(function, here.cuda())
        assert found.is_cuda
        assert_close(found, derivative(function, here))


@pytest.mark.parametrize("source", ["cpu", "cuda"])
def test_graphs_across_devices(source):
    """Backward goes back over every move."""
    x = minitorch.tensor([1.0, 2.0], device=source, requires_grad=True)
    y = (x.cuda().exp().cpu() * x.cpu()).cuda().sum()
    y.backward()
    assert x.grad.device == x.device
    values = x.detach().cpu().numpy()
    assert_close(x.grad, np.exp(values) * (values + 1), rtol=1e-6, atol=1e-6)
