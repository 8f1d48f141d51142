"""What the table of operations can't say of embeddings: gradients that are not those of the result, and max_norm."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import gradcheck
from minitorch.testing import assert_close

WORDS = [[2, 0, 2], [1, 2, 3]]


def gradient(**options):
    weight = minitorch.zeros(5, 2, requires_grad=True)
    rows = F.embedding(minitorch.tensor(WORDS), weight, **options)
    grad_output = minitorch.tensor(np.arange(12.0).reshape(2, 3, 2), dtype=minitorch.float32)
    (found,) = minitorch.autograd.grad(rows, weight, grad_output)
    return found.tolist()


def test_gradients_of_a_row_that_was_used_often_are_summed():
    assert gradient() == [[2, 3], [6, 7], [0 + 4 + 8, 1 + 5 + 9], [10, 11], [0, 0]]


def test_the_padding_row_gets_no_gradient():
    assert gradient(padding_idx=2) == gradient(padding_idx=-3) == [[2, 3], [6, 7], [0, 0], [10, 11], [0, 0]]
    weight = minitorch.ones(2, 1, requires_grad=True)
    F.embedding(minitorch.tensor([0, 1]), weight, padding_idx=0).backward(minitorch.tensor([[np.nan], [1.0]]))
    assert weight.grad.tolist() == [[0], [1]]  # not NaN times 0


def test_gradients_scaled_by_frequency():
    assert gradient(scale_grad_by_freq=True) == [[2, 3], [6, 7], [4, 5], [10, 11], [0, 0]]


# Not with scale_grad_by_freq: PyTorch forgets it in the gradient of the gradient.
@pytest.mark.parametrize("options", [{}, {"padding_idx": 2}, {"padding_idx": -5}])
def test_pytorch(assert_like_torch, torch, options):
    assert_like_torch(
        lambda w: F.embedding(minitorch.tensor(WORDS), w, **options),
        lambda w: torch.nn.functional.embedding(torch.tensor(WORDS), w, **options),
        np.random.default_rng(0).standard_normal((5, 3)),
    )


@pytest.mark.parametrize("options", [{"padding_idx": 2}, {"scale_grad_by_freq": True}])
def test_the_gradient_has_a_gradient(options):
    """It isn't the gradient of the result, but is linear in what it is given, and can be differentiated."""
    weight = minitorch.zeros(5, 2, dtype=minitorch.float64, requires_grad=True)

    def backward(grad_output):
        rows = F.embedding(minitorch.tensor(WORDS), weight, **options)
        return minitorch.autograd.grad(rows, weight, grad_output, create_graph=True)[0]

    assert gradcheck(backward, minitorch.randn(2, 3, 2, dtype=minitorch.float64, requires_grad=True))


# The norms of PyTorch 2.13, for the row (3, 4) and a norm of at most 2.
@pytest.mark.parametrize(
    ("norm_type", "row"), [(1, [6 / 7, 8 / 7]), (2, [1.2, 1.6]), (float("inf"), [1.5, 2.0]), (0, [3.0, 4.0])]
)
def test_max_norm_scales_the_rows_that_are_used(norm_type, row):
    weight = minitorch.tensor([[3.0, 4.0], [0.5, 0.0], [6.0, 8.0]], requires_grad=True)
    version = weight._version
    out = F.embedding(minitorch.tensor([0, 0, 1]), weight, max_norm=2, norm_type=norm_type)
    assert_close(out, np.array([row, row, [0.5, 0.0]], np.float32), rtol=1e-6, atol=1e-6)
    assert_close(weight, np.array([row, [0.5, 0.0], [6.0, 8.0]], np.float32), rtol=1e-6, atol=1e-6)
    assert weight._version > version
    out.sum().backward()
    assert weight.grad.tolist() == [[2, 2], [1, 1], [0, 0]]


def test_max_norm_is_noticed_by_graphs_that_saved_the_weight():
    weight = minitorch.ones(2, 2, requires_grad=True)
    square = weight * weight
    F.embedding(minitorch.tensor([0]), weight, max_norm=0.5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        square.sum().backward()
