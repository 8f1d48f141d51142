"""Softmax and cross-entropy of the CPU backend against NumPy in higher precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitorch import _C
from minitorch.backends.cpu import CpuBackend
from minitorch.testing.strategies import arrays

backend = CpuBackend()
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
sizes = st.tuples(st.integers(1, 5), st.integers(1, 70))


def log_softmax_oracle(x):
    """In longdouble, row by row, as the protocol defines it: an infinite maximum gives NaN."""
    with np.errstate(all="ignore"):
        shifted = x.astype(np.longdouble) - x.max(1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def labels(rng, n, classes):
    return rng.integers(0, classes, n)


def assert_near(actual, expected, dtype, units=8):
    tolerance = units * np.finfo(dtype).eps
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual.astype(np.longdouble), expected, tolerance, tolerance)


@given(st.data(), sizes, st.sampled_from([np.float32, np.float64]), st.sampled_from([1.0, 30.0]))
def test_softmax(data, shape, dtype, scale):
    x = data.draw(arrays(shape, dtype)) * dtype(scale)
    expected = log_softmax_oracle(x)
    assert_near(backend.softmax(x), np.exp(expected), dtype)
    assert_near(backend.log_softmax(x), expected, dtype)


@both_dtypes
@pytest.mark.parametrize("columns", [1, 3, 10, 16, 17, 100, 1000])
def test_special_values_of_softmax(dtype, columns):
    x = np.zeros((8, columns), dtype)
    x[1] = -np.inf
    x[2, 0] = np.inf
    x[3, columns // 2] = np.nan
    x[4, -1] = -np.inf
    x[5] = 3e38
    x[6] = np.linspace(-80, 0, columns)
    x[7, 0] = 1e4
    expected = log_softmax_oracle(x)
    assert_near(backend.log_softmax(x), expected, dtype)
    assert_near(backend.softmax(x), np.exp(expected), dtype)


@both_dtypes
def test_exponentials_are_accurate(dtype):
    """exp(x) = softmax of (0, x) over its first element; the quotient is within two units."""
    lowest = -86 if dtype is np.float32 else -707  # below are subnormal numbers, for which a backend may give zero
    x = np.linspace(lowest, 0, 200_001).astype(dtype)
    pair = backend.softmax(np.stack([np.zeros_like(x), x], 1))
    expected = np.exp(x.astype(np.longdouble))
    error = np.abs(pair[:, 1].astype(np.longdouble) / pair[:, 0] / expected - 1)
    assert error.max() < 4 * np.finfo(dtype).eps


@both_dtypes
def test_exponentials_underflow_to_zero(dtype):
    x = np.array([[0, -104, -200, -746, -1e4, -1e30, -np.inf]], dtype)
    assert backend.softmax(x)[0, 2 if dtype is np.float32 else 3 :].tolist() == [0] * (5 if dtype is np.float32 else 4)


@given(st.data(), sizes, st.sampled_from([np.float32, np.float64]), st.sampled_from([-100, 0]))
def test_cross_entropy(data, shape, dtype, ignore_index):
    x = data.draw(arrays(shape, dtype)) * dtype(5)
    target = data.draw(arrays((shape[0],), np.int64, values="integers")) % shape[1]
    target[::3] = ignore_index
    grad = data.draw(arrays((shape[0],), dtype))
    losses, logsumexp = backend.cross_entropy(x, target, ignore_index)
    log_probabilities = log_softmax_oracle(x)
    ignored = target == ignore_index
    rows = np.arange(shape[0])
    safe = np.where(ignored, 0, target)
    assert_near(losses, np.where(ignored, 0, -log_probabilities[rows, safe]), dtype)
    assert_near(logsumexp, (x - log_probabilities).mean(1), dtype, 32)

    expected = np.exp(log_probabilities)
    expected[rows, safe] -= 1
    expected = np.where(ignored[:, None], 0, expected) * grad[:, None]
    grad_input = backend.cross_entropy_backward(grad, x, target, logsumexp, ignore_index)
    assert_near(grad_input, expected, dtype, 64 * 5)  # logsumexp of up to some 20 carries units of that size


@both_dtypes
def test_a_small_loss_of_large_logits_keeps_its_digits(dtype):
    x = np.full((1, 10), 1000, dtype)
    x[0, 3] = 1008
    (loss,), _ = backend.cross_entropy(x, np.array([3]), -100)
    assert loss == pytest.approx(np.log1p(9 * np.exp(-8)), rel=1e-4 if dtype is np.float32 else 1e-12)


def test_infinite_logits():
    x = np.array([[0, -np.inf], [-np.inf, -np.inf], [np.inf, 0], [np.nan, 0]], np.float32)
    losses, logsumexp = backend.cross_entropy(x, np.array([1, 0, 1, 1]), -100)
    np.testing.assert_array_equal(losses, [np.inf, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(logsumexp, [0, np.nan, np.nan, np.nan])


def test_ignored_rows_are_zero_whatever_they_hold():
    x = np.array([[np.nan, 1.0], [np.inf, 0.0]])
    target = np.array([-1, -1])
    losses, logsumexp = backend.cross_entropy(x, target, -1)
    assert losses.tolist() == [0, 0]
    assert not backend.cross_entropy_backward(np.array([np.nan, 1.0]), x, target, logsumexp, -1).any()


@both_dtypes
@pytest.mark.parametrize("label", [-1, 10, 2**40, -(2**63)])
def test_labels_outside_of_the_classes_are_refused(dtype, label):
    x, target = np.zeros((3, 10), dtype), np.array([0, label, 1])
    with pytest.raises(IndexError, match="label"):
        backend.cross_entropy(x, target, -100)
    with pytest.raises(IndexError, match="label"):
        backend.cross_entropy_backward(np.ones(3, dtype), x, target, np.ones(3, dtype), -100)


def test_arrays_of_other_sizes_are_refused():
    x, target, n = np.zeros((3, 4)), np.zeros(3, np.int64), np.zeros(3)
    for arguments in [
        (x, target[:2], 0, n, n),
        (x, target, 0, n[:2], n),
        (x, target, 0, n, n[:2]),
        (n, target, 0, n, n),
    ]:
        with pytest.raises(ValueError, match=r"loss|cross_entropy"):
            _C.cross_entropy(*arguments)


@both_dtypes
def test_threads_do_not_change_results(dtype, same_for_any_threads):
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((1301, 333)).astype(dtype), labels(rng, 1301, 333)

    def compute():
        losses, logsumexp = backend.cross_entropy(x, target, -100)
        grad = backend.cross_entropy_backward(losses, x, target, logsumexp, -100)
        return [losses, logsumexp, grad, backend.softmax(x), backend.log_softmax(x)]

    same_for_any_threads(compute)


@both_dtypes
def test_empty_arrays(dtype):
    x, target = np.zeros((0, 5), dtype), np.zeros(0, np.int64)
    losses, logsumexp = backend.cross_entropy(x, target, -100)
    assert losses.shape == logsumexp.shape == (0,)
    assert backend.cross_entropy_backward(losses, x, target, logsumexp, -100).shape == (0, 5)
    assert (
        backend.softmax(np.zeros((4, 0), dtype)).shape == backend.log_softmax(np.zeros((4, 0), dtype)).shape == (4, 0)
    )
