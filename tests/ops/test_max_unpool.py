"""Max-unpool: an inverse of max-pool on what it kept; indices that come twice."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import grad
from minitorch.testing import assert_close


@pytest.mark.parametrize("size", [(6, 8), (7, 9)])
def test_pooling_again_gives_the_same(size: tuple[int, int]) -> None:
    x = minitorch.from_numpy(np.random.default_rng(0).uniform(1, 2, (2, 3, *size)))
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    unpooled = F.max_unpool2d(pooled, indices, 2, output_size=x.shape)
    assert unpooled.shape == x.shape
    kept = unpooled.numpy() != 0
    assert kept.sum() == pooled.numel()
    np.testing.assert_array_equal(unpooled.numpy()[kept], x.numpy()[kept])
    again, same = F.max_pool2d(unpooled, 2, return_indices=True)
    assert minitorch.equal(again, pooled)
    assert minitorch.equal(same, indices)


def test_one_signal_and_a_batch() -> None:
    x = minitorch.tensor([[[1.0, 5.0, 2.0, 8.0, 3.0]]])
    pooled, indices = F.max_pool1d(x, 3, 2, return_indices=True)
    assert F.max_unpool1d(pooled, indices, 3, 2).tolist() == [[[0.0, 5.0, 0.0, 8.0, 0.0]]]
    assert F.max_unpool1d(pooled[0], indices[0], 3, 2).tolist() == [[0.0, 5.0, 0.0, 8.0, 0.0]]


def test_an_index_that_comes_twice() -> None:
    """The last element stays, and the gradient of both is that of the place: PyTorch's rule."""
    x = minitorch.tensor([[1.0, 2.0]], requires_grad=True)
    y = F.max_unpool1d(x, minitorch.tensor([[1, 1]]), 2)
    assert y.tolist() == [[0.0, 2.0, 0.0, 0.0]]
    v = minitorch.tensor([[3.0, 5.0, 7.0, 9.0]], requires_grad=True)
    (dx,) = grad(y, x, v, create_graph=True)
    assert dx.tolist() == [[5.0, 5.0]]
    (dv,) = grad(dx, v, minitorch.tensor([[10.0, 100.0]]))
    assert dv.tolist() == [[0.0, 110.0, 0.0, 0.0]]


def test_half_precision_and_an_empty_batch() -> None:
    x = minitorch.tensor([[1.0, 2.0]]).half().requires_grad_()
    y = F.max_unpool1d(x, minitorch.tensor([[0, 3]]), 2)
    assert y.dtype is minitorch.float16
    assert_close(y, [[1.0, 0.0, 0.0, 2.0]], check_dtype=False)
    y.sum().backward()
    assert x.grad.dtype is minitorch.float16
    empty = F.max_unpool2d(minitorch.zeros(0, 2, 3, 3), minitorch.zeros(0, 2, 3, 3).long(), 2)
    assert empty.shape == (0, 2, 6, 6)


def test_other_errors() -> None:
    x = minitorch.zeros(1, 4)
    with pytest.raises(TypeError, match="max_unpool1d: expected indices to be a Tensor, got list"):
        F.max_unpool1d(x, [0, 1, 2, 3], 2)
    with pytest.raises(RuntimeError, match=r"max_unpool1d: kernel_size must be positive, got \(0,\)"):
        F.max_unpool1d(x, x.long(), 0)
    with pytest.raises(TypeError, match=r"max_unpool1d: output_size must be an int, got 8\.0"):
        F.max_unpool1d(x, x.long(), 2, output_size=(8.0,))
