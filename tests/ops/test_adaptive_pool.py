"""Adaptive pools at special points, and where an ordinary pool does their work."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import grad, gradcheck, gradgradcheck
from minitorch.ops import adaptive_pool
from minitorch.testing import assert_close


def image(*shape: int) -> minitorch.Tensor:
    size = math.prod(shape)
    return minitorch.tensor(np.random.default_rng(size).permutation(size).reshape(shape) / 8, requires_grad=True)


@pytest.mark.parametrize("sizes", [(6, 3), (6, 6), (5, 1), (3, 2), (5, 4), (1, 1)])
def test_equal_bins_are_the_windows_of_an_ordinary_pool(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int]
) -> None:
    size, count = sizes
    x = image(2, 2, size, 6)
    used = F.adaptive_avg_pool2d(x, (count, 3)), *F.adaptive_max_pool2d(x, (count, 3), return_indices=True)
    assert adaptive_pool._window(adaptive_pool._bins(size, count)) is not None
    monkeypatch.setattr(adaptive_pool, "_window", lambda bins: None)
    plain = F.adaptive_avg_pool2d(x, (count, 3)), *F.adaptive_max_pool2d(x, (count, 3), return_indices=True)
    for a, e in zip(used, plain, strict=True):
        assert_close(a, e)
    for a, e in zip(used[:2], plain[:2], strict=True):
        v = minitorch.rand_like(a)
        assert_close(grad(a, x, v)[0], grad(e, x, v)[0])


@pytest.mark.parametrize("sizes", [(5, 3), (1, 2), (4, 7), (7, 4)])
def test_bins_that_differ_are_no_windows(sizes: tuple[int, int]) -> None:
    assert adaptive_pool._window(adaptive_pool._bins(*sizes)) is None


@pytest.mark.parametrize("pool", [F.adaptive_avg_pool2d, F.adaptive_max_pool2d])
def test_gradients_of_bins_that_overlap_and_repeat(pool) -> None:
    x = image(1, 2, 5, 4)
    for output_size in ((3, 7), (4, 3), (2, 2)):
        assert gradcheck(lambda t, size=output_size: pool(t, size), x)
        assert gradgradcheck(lambda t, size=output_size: pool(t, size), x)


def test_an_infinity_stays_in_its_bins() -> None:
    """A product with a matrix of averages would spread 0·inf = NaN over the row; in the gradient as well."""
    x = minitorch.tensor([[math.inf, 1.0, 2.0, 3.0, math.nan]], requires_grad=True)
    y = F.adaptive_avg_pool1d(x, 3)  # bins 0-1, 1-3, 3-4
    assert_close(y, [[math.inf, 2.0, math.nan]], equal_nan=True, check_dtype=False)
    (dx,) = grad(y, x, minitorch.tensor([[math.nan, 3.0, math.inf]]))
    assert_close(dx, [[math.nan, math.nan, 1.0, math.inf, math.inf]], equal_nan=True, check_dtype=False)


@pytest.mark.parametrize("output_size", [1, 3])  # an ordinary pool, and bins that differ
def test_the_first_of_equal_maxima_and_the_first_nan(output_size: int) -> None:
    equal = minitorch.zeros(1, 4, requires_grad=True)
    y, indices = F.adaptive_max_pool1d(equal, output_size, return_indices=True)
    starts = [o * 4 // output_size for o in range(output_size)]
    assert indices.tolist() == [starts]
    y.sum().backward()
    assert equal.grad.tolist() == [[float(starts.count(i)) for i in range(4)]]
    y, indices = F.adaptive_max_pool1d(minitorch.full((1, 4), math.nan), output_size, return_indices=True)
    assert indices.tolist() == [starts]
    assert np.isnan(y.numpy()).all()
    y, indices = F.adaptive_max_pool1d(minitorch.full((1, 4), -math.inf), output_size, return_indices=True)
    assert indices.tolist() == [starts]
    assert (y.numpy() == -math.inf).all()


def test_minitorch_adaptive_max_pool1d_gives_both_results() -> None:
    x = minitorch.tensor([[1.0, 5.0, 2.0]])
    y, indices = minitorch.adaptive_max_pool1d(x, 2)
    assert (y.tolist(), indices.tolist()) == ([[5.0, 5.0]], [[1, 1]])
    assert F.adaptive_max_pool1d(x, 2).tolist() == [[5.0, 5.0]]


@pytest.mark.parametrize("output_size", [2, 3])
def test_half_precision(output_size: int) -> None:
    x = image(1, 2, 4, 4).detach().half()
    for pool in (F.adaptive_avg_pool2d, F.adaptive_max_pool2d):
        y = pool(x, output_size)
        assert_close(y, pool(x.float(), output_size).half(), rtol=0, atol=0)
        assert y.dtype is minitorch.float16
