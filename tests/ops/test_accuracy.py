"""How exact the functions are that lose digits when they are written down naively, in every part of their range."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

import minitorch

RANGES = [(0, 0.1), (0.1, 0.5), (0.4999, 0.5001), (0.5, 1), (1, 4), (3.9, 4.1), (4, 6), (5.9, 6.1), (6, 100)]


def ulps(found, wanted):
    """The largest distance of ``found`` from the float64 numbers ``wanted``, in steps of found's dtype."""
    step = np.spacing(np.abs(wanted).astype(found.dtype)).astype(np.float64)
    return (np.abs(found.astype(np.float64) - wanted) / step).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bounds", RANGES)
def test_erf_is_within_four_ulps(bounds, dtype):
    x = np.random.default_rng(0).uniform(*bounds, 20_000).astype(dtype)
    x[::2] *= -1
    assert ulps(minitorch.erf(minitorch.from_numpy(x)).numpy(), np.array([*map(math.erf, x.tolist())])) <= 4


@pytest.mark.parametrize(("dtype", "smallest"), [(np.float32, -126), (np.float64, -1021)])
def test_erf_of_tiny_and_huge_numbers(dtype, smallest):
    x = (2.0 ** np.random.default_rng(0).uniform(smallest, -3, 20_000)).astype(dtype)
    assert ulps(minitorch.erf(minitorch.from_numpy(x)).numpy(), np.array([*map(math.erf, x.tolist())])) <= 4
    largest = float(np.finfo(dtype).max)
    x = minitorch.tensor([0.0, -0.0, math.inf, -math.inf, largest, -largest, math.nan], dtype=dtype)
    found = minitorch.erf(x).tolist()
    assert found[:6] == [0, 0, 1, -1, 1, -1]
    assert [math.copysign(1, v) for v in found[:2]] == [1, -1]
    assert math.isnan(found[6])
    denormal = np.array([np.finfo(dtype).smallest_subnormal * 1000], dtype)
    assert ulps(minitorch.erf(minitorch.from_numpy(denormal)).numpy(), np.array([math.erf(float(denormal[0]))])) <= 1


def test_erf_of_half_precision_is_rounded_once():
    x = minitorch.linspace(-4, 4, 1001, dtype=minitorch.float16)
    wanted = np.array([math.erf(v) for v in x.tolist()], np.float16)
    np.testing.assert_array_equal(minitorch.erf(x).numpy(), wanted)


def test_the_gradient_of_erf_where_it_is_flat():
    x = minitorch.tensor([0.0, 1e200, -math.inf, math.nan], dtype=minitorch.float64, requires_grad=True)
    minitorch.erf(x).sum().backward()
    assert x.grad.tolist()[:3] == [2 / math.sqrt(math.pi), 0, 0]
    assert math.isnan(x.grad[3].item())


def numbers(low, high, count, dtype):
    """Of either sign, with logarithms evenly spread between those of two powers of two."""
    rng = np.random.default_rng(0)
    return (2.0 ** rng.uniform(low, high, count) * rng.choice([-1, 1], count)).astype(dtype)


def exactly(function, *arrays):
    """A function of Decimals, computed with 60 digits and rounded to float64."""
    with localcontext() as context:
        context.prec = 60
        return np.array(
            [float(function(*map(Decimal, row))) for row in zip(*(a.tolist() for a in arrays), strict=True)]
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_expm1_and_log1p_are_exact_near_0_too(dtype):
    x = numbers(-60, 6, 500, dtype)
    assert ulps(minitorch.expm1(minitorch.from_numpy(x)).numpy(), exactly(lambda v: v.exp() - 1, x)) <= 4
    x = x[x > -1]
    assert ulps(minitorch.log1p(minitorch.from_numpy(x)).numpy(), exactly(lambda v: (1 + v).ln(), x)) <= 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logaddexp_is_exact(dtype):
    a, b = numbers(-20, 9, 500, dtype), np.roll(numbers(-20, 9, 500, dtype), 1)
    found = minitorch.logaddexp(minitorch.from_numpy(a), minitorch.from_numpy(b)).numpy().astype(np.float64)
    wanted = exactly(lambda x, y: (x.exp() + y.exp()).ln(), a, b)
    # Where the sum of the exponentials is near 1, its logarithm can only be as exact as what was added.
    scale = np.maximum(np.abs(wanted), np.minimum(np.maximum(np.abs(a), np.abs(b)), 1))
    assert (np.abs(found - wanted) / np.spacing(scale.astype(dtype))).max() <= 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_atan2_is_exact_in_every_quadrant(dtype):
    y, x = numbers(-30, 30, 5000, dtype), np.roll(numbers(-30, 30, 5000, dtype), 1)
    wanted = np.array([*map(math.atan2, y.tolist(), x.tolist())])
    assert ulps(minitorch.atan2(minitorch.from_numpy(y), minitorch.from_numpy(x)).numpy(), wanted) <= 4


@pytest.mark.parametrize("dtype", [minitorch.float32, minitorch.float64])
def test_lerp_ends_exactly_and_stays_between(dtype):
    a = minitorch.randn(1000, dtype=dtype, generator=minitorch.Generator().manual_seed(0))
    b = minitorch.randn(1000, dtype=dtype, generator=minitorch.Generator().manual_seed(1)) * 1000
    assert minitorch.lerp(a, b, 0).equal(a)
    assert minitorch.lerp(a, b, 1).equal(b)
    weight = minitorch.rand(1000, dtype=dtype, generator=minitorch.Generator().manual_seed(2))
    between = minitorch.lerp(a, b, weight)
    assert bool(((between >= minitorch.minimum(a, b)) & (between <= minitorch.maximum(a, b))).all())
    assert minitorch.lerp(a, a, weight).equal(a)


def test_the_gradient_of_asin_is_exact_near_1():
    """Where 1 - x² would be wrong: near 1, but not so near that x² has few enough digits to be exact."""
    x = minitorch.tensor([1 - 1e-9, 1e-10 - 1], dtype=minitorch.float64, requires_grad=True)
    minitorch.asin(x).sum().backward()
    wanted = exactly(lambda v: 1 / (1 - v * v).sqrt(), x.detach().numpy())
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-15)


@pytest.mark.parametrize("dtype", [minitorch.float32, minitorch.float64])
def test_the_variance_of_numbers_far_from_zero(dtype):
    """The mean of squares less the square of the mean would lose every digit."""
    x = 2.0**22 + minitorch.tensor([-1.0, 0.0, 1.0, 4.0], dtype=dtype)
    assert abs(x.var().item() - 14 / 3) < 1e-6
    assert abs(x.std(correction=0).item() - math.sqrt(3.5)) < 1e-6
