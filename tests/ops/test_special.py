"""How exact the error function is, in every part of its range."""

from __future__ import annotations

import math

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
