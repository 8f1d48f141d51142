"""Gradients that are computed in one go unless they are recorded: both ways give the same, and its slope is right."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F

CASES = {
    "batch_norm": lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
    "instance_norm": lambda x, w, b: F.instance_norm(x, weight=w, bias=b),
    "group_norm": lambda x, w, b: F.group_norm(x, 2, w, b),
    "layer_norm": lambda x, w, b: F.layer_norm(x.mT, (4,), w, b),
    "rms_norm": lambda x, w, b: F.rms_norm(x.mT, (4,), w) + b,
    "local_response_norm, odd": lambda x, w, b: F.local_response_norm(x * w[:, None] + b[:, None], 3, 0.5, 0.6, 1.5),
    "local_response_norm, even": lambda x, w, b: F.local_response_norm(x * w[:, None] + b[:, None], 4, 0.5, 0.75, 1.5),
}


def inputs():
    rng = np.random.default_rng(0)
    shapes = (3, 4, 5), (4,), (4,)
    return [minitorch.from_numpy(rng.standard_normal(shape)).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("name", CASES)
def test_recorded_or_not_a_gradient_is_the_same(name):
    tensors = inputs()
    output = CASES[name](*tensors)
    grad_output = minitorch.from_numpy(np.random.default_rng(1).standard_normal(output.shape))
    plain = minitorch.autograd.grad(output, tensors, grad_output, retain_graph=True)
    recorded = minitorch.autograd.grad(output, tensors, grad_output, create_graph=True)
    for a, b in zip(plain, recorded, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_second_derivatives(name):
    minitorch.autograd.gradgradcheck(CASES[name], inputs())
