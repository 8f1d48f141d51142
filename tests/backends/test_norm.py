"""Standardization, affine and local response normalisation of the CPU backend against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitorch import _C
from minitorch.backends.cpu import CpuBackend
from minitorch.backends.reference import ReferenceBackend
from minitorch.testing import assert_close
from minitorch.testing.strategies import arrays

cpu, reference = CpuBackend(), ReferenceBackend()
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
dtypes = st.sampled_from([np.float32, np.float64])


def normal(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def check(method, *args, ulps, atol=1.0):
    """Within ``ulps`` units in the last place of the reference in float64, or of ``atol`` where that is larger."""
    before = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    actual = getattr(cpu, method)(*args)
    for arg, copied in zip(args, before, strict=True):
        np.testing.assert_array_equal(arg, copied, err_msg=f"{method} wrote into its input")
    wide = [arg.astype(np.float64) if isinstance(arg, np.ndarray) else arg for arg in args]
    expected = getattr(reference, method)(*wide)
    if not isinstance(actual, tuple):
        actual, expected = (actual,), (expected,)
    for a, b in zip(actual, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert (a.shape, a.dtype, a.flags.c_contiguous) == (b.shape, args[0].dtype, True)
            eps = float(np.finfo(a.dtype).eps)
            assert_close(a, b, rtol=ulps * eps, atol=ulps * eps * atol, equal_nan=True, check_dtype=False)


# ---- standardization ---------------------------------------------------------------------------------------------


def check_standardize(x, centred, eps=1e-5, ulps=64):
    check("standardize", x, eps, centred, ulps=ulps)
    normalized, scale, _, _ = reference.standardize(x, eps, centred)
    largest = float(abs(scale[np.isfinite(scale)]).max(initial=1))
    check("standardize_backward", normal(x.shape, x.dtype, 1), normalized, scale, centred, ulps=ulps, atol=largest)


@given(st.data(), st.tuples(st.integers(1, 6), st.integers(1, 20), st.integers(1, 90)), dtypes, st.booleans())
def test_standardize(data, shape, dtype, centred):
    # An eps in the order of the variance: how well a group of almost equal numbers is conditioned isn't the question.
    check_standardize(data.draw(arrays(shape, dtype, values="normal")), centred, eps=0.1)


@both_dtypes
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize(
    "shape",
    [
        (1, 3, 1),
        (300, 5, 1),
        (700, 3, 4),
        (2, 70, 15),
        (3, 2, 16),
        (2, 2, 4096),
        (1, 2, 5000),
        (3, 2, 8191),
        (1, 1, 70001),
    ],
)
def test_long_and_narrow_channels(shape, centred, dtype):
    check_standardize(normal(shape, dtype), centred)


@pytest.mark.parametrize("shape", [(1, 3, 5000), (500, 3, 1), (9, 3, 100)])
def test_a_large_mean_costs_no_more_digits_than_it_must(shape):
    x = normal(shape, np.float32) + np.float32(1e4)
    variance = cpu.standardize(x, 0.0, True)[3]
    np.testing.assert_allclose(variance, x.astype(np.float64).var((0, 2)), rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 2, 1_000_000), (500_000, 2, 1)])
def test_the_error_of_a_long_sum_stays_small(shape):
    x = np.full(shape, 0.1, np.float32)
    x[::2, :, ::2] += np.float32(0.5)
    x[:, 1] += 1
    check("standardize", x, 1e-5, True, ulps=64)


@both_dtypes
@pytest.mark.parametrize("shape", [(1, 8, 40), (40, 8, 3)])
@pytest.mark.parametrize("centred", [True, False])
def test_special_values_of_standardize(shape, centred, dtype):
    x = normal(shape, dtype)
    x[:, 1] = 0
    x[:, 2] = 1.5
    x[0, 3, 1] = np.nan
    x[0, 4, 2] = np.inf
    x[0, 5, 1], x[0, 5, 2] = np.inf, -np.inf
    check_standardize(x, centred)
    check_standardize(np.ascontiguousarray(x[:, 1:2]), centred, eps=0.0)


# ---- affine ------------------------------------------------------------------------------------------------------


def check_affine(x):
    weight, bias = normal(x.shape[1:2], x.dtype, 2), normal(x.shape[1:2], x.dtype, 3)
    check("affine", x, weight, bias, ulps=4, atol=4.0)
    check("affine", x, weight, None, ulps=4)
    sums = max(x.shape[0] * x.shape[2], 1) ** 0.5
    check("affine_backward", normal(x.shape, x.dtype, 1), x, weight, ulps=16, atol=sums)


@given(st.data(), st.tuples(st.integers(1, 6), st.integers(1, 20), st.integers(1, 90)), dtypes)
def test_affine(data, shape, dtype):
    check_affine(data.draw(arrays(shape, dtype, values="normal")))


@both_dtypes
@pytest.mark.parametrize("shape", [(300, 70, 1), (700, 3, 4), (2, 2, 5000)])
def test_affine_of_long_and_narrow_channels(shape, dtype):
    check_affine(normal(shape, dtype))


# ---- local response ----------------------------------------------------------------------------------------------


def check_local_response(x, size, alpha=0.5, beta=0.75, k=2.0):
    check("local_response_norm", x, size, alpha, beta, k, ulps=16)
    base = reference.local_response_norm(x, size, alpha, beta, k)[1]
    check("local_response_norm_backward", normal(x.shape, x.dtype, 1), x, base, size, alpha, beta, ulps=64)


@given(st.data(), st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 150)), dtypes, st.integers(1, 30))
def test_local_response(data, shape, dtype, size):
    check_local_response(data.draw(arrays(shape, dtype, values="normal")), size)


@both_dtypes
@pytest.mark.parametrize(
    ("alpha", "beta", "k"), [(1e-4, 0.75, 1.0), (3.0, 0.5, 1.0), (1.0, 1.0, 0.1), (1.0, -2.0, 1.0)]
)
def test_parameters_of_local_response(alpha, beta, k, dtype):
    check_local_response(normal((2, 9, 70), dtype), 5, alpha, beta, k)


@both_dtypes
@pytest.mark.parametrize("beta", [0.75, 0.6])
@pytest.mark.parametrize("k", [0.0, 1.0, -1e3])
def test_special_values_of_local_response(k, beta, dtype):
    x = normal((1, 12, 70), dtype)
    x[0, 3, 0] = np.nan
    x[0, 3, 1] = np.inf
    x[0, 3, 2] = -np.inf
    x[0, :, 3] = 0  # with k = 0 nothing is left of the base
    check_local_response(x, 3, 1.0, beta, k)


# ---- both --------------------------------------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0)])
def test_empty_arrays(shape, dtype):
    check_standardize(np.zeros(shape, dtype), True)
    check_standardize(np.zeros(shape, dtype), False)
    check_local_response(np.zeros(shape, dtype), 5)
    check_affine(np.zeros(shape, dtype))


@pytest.mark.parametrize("shape", [(4, 30, 3000), (6000, 40, 1), (300, 50, 7)])
def test_the_number_of_threads_makes_no_difference(shape, same_for_any_threads):
    x, grad = normal(shape, np.float32), normal(shape, np.float32, 1)

    def compute():
        normalized, scale, mean, variance = cpu.standardize(x, 1e-5, True)
        grad_input = cpu.standardize_backward(grad, normalized, scale, True)
        output, base = cpu.local_response_norm(x, 5, 1e-4, 0.75, 1.0)
        damped = cpu.local_response_norm_backward(grad, x, base, 5, 1e-4, 0.75)
        moved = cpu.affine(x, x[0, :, 0], x[1, :, 0])
        gradients = cpu.affine_backward(grad, x, x[0, :, 0])
        return normalized, scale, mean, variance, grad_input, output, base, damped, moved, *gradients

    same_for_any_threads(compute)


def test_wrong_arguments_raise():
    x, c = np.zeros((2, 3, 4)), np.zeros(3)
    for wrong in ((x[0], c, c), (x[:1].copy(), c, c), (x, c[:2].copy(), c), (x, c, c[:1].copy())):
        with pytest.raises(ValueError, match=r"differ in size|for each channel|3 dimensions"):
            _C.standardize(x, 1e-5, wrong[0], wrong[1], None, wrong[2])
    with pytest.raises(ValueError, match="for each channel"):
        _C.standardize_backward(x, x, c[:2].copy(), True, x.copy())
    with pytest.raises(ValueError, match="for each channel"):
        _C.affine(x, c[:2].copy(), c, x.copy())
    with pytest.raises(ValueError, match="differ in size"):
        _C.affine_backward(x, x, c, x.copy(), c.copy(), c[:1].copy())
    with pytest.raises(ValueError, match="wider than there are channels"):
        _C.local_response(x, 4, 0, 1.0, 0.75, 1.0, x.copy(), x.copy())
    with pytest.raises(ValueError, match="differ in size"):
        _C.local_response_backward(x, x, x[:1].copy(), 1, 1, 1.0, 0.75, x.copy())
