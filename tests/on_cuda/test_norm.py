"""Standardization, and a factor and a summand for each channel, on CUDA against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from against_reference import LAYOUTS, check_close, cuda, on_device, reference

pytestmark = pytest.mark.usefixtures("thread_order")

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# Either side of what a thread, a warp and a block hold, in packs and one by one, of rows and of channels.
shapes = pytest.mark.parametrize(
    "shape",
    [
        (1, 5, 1),
        (1, 300, 3),
        (1, 20, 8),
        (1, 9, 33),
        (1, 9, 256),
        (1, 9, 257),
        (1, 9, 1024),
        (1, 3, 1025),
        (1, 2, 2048),
        (1, 2, 2050),
        (1, 2, 8192),
        (1, 2, 8193),
        (6, 5, 1),
        (70, 3, 1),
        (4, 3, 49),
        (6, 10, 64),
        (13, 2, 121),
        (10, 2, 225),
        (3, 1, 3025),
        (90, 1, 100),
    ],
)


def normal(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def check(x, centred, eps=1e-5, layout="contiguous", ulps=64):
    check_close("standardize", x, eps, centred, ulps=ulps, layout=layout)
    normalized, scale, _, _ = reference.standardize(x, eps, centred)
    grad = normal(x.shape, x.dtype, seed=1)
    largest = float(abs(scale[np.isfinite(scale)]).max(initial=1))
    check_close("standardize_backward", grad, normalized, scale, centred, ulps=ulps, atol=largest, layout=layout)


@dtypes
@shapes
def test_shapes(shape, dtype):
    check(normal(shape, dtype), centred=True)


@pytest.mark.parametrize("shape", [(1, 9, 33), (4, 3, 49), (1, 2, 9000)])
def test_without_the_mean(shape):
    check(normal(shape, np.float32), centred=False)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 5, 36), (3, 4, 40), (3, 1, 3000)])
def test_layouts(shape, layout):
    check(normal(shape, np.float32), True, layout=layout)


@pytest.mark.parametrize("shape", [(1, 3, 1000), (2, 3, 50), (3, 2, 4000)])
def test_a_large_mean_costs_no_more_digits_than_it_must(shape):
    x = normal(shape, np.float32) + np.float32(1e4)
    variance = cuda.standardize(on_device(x), 0.0, True)[3].get()
    np.testing.assert_allclose(variance, x.astype(np.float64).var((0, 2)), rtol=1e-5)
    normalized = cuda.standardize(on_device(x), 0.0, True)[0].get()
    # A float32 near 10⁴ is a multiple of 2⁻¹⁰: so far off the mean may be, and all distances from it.
    expected = reference.standardize(x.astype(np.float64), 0.0, True)[0]
    np.testing.assert_allclose(normalized, expected, atol=2**-10)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((1, 8, 40), np.float32), ((1, 8, 40), np.float64), ((2, 8, 4100), np.float32)]
)
@pytest.mark.parametrize("centred", [True, False])
def test_special_values(shape, centred, dtype):
    x = normal(shape, dtype)
    x[:, 1] = 0  # no variance
    x[:, 2] = 1.5
    x[0, 3, 3] = np.nan
    x[0, 4, 4] = np.inf
    x[0, 5, 5], x[0, 5, 6] = np.inf, -np.inf
    check(x, centred)
    check(x[:, 1:2], centred, eps=0.0)


@dtypes
@pytest.mark.parametrize("shape", [(0, 3, 4), (1, 0, 4), (2, 3, 0), (0, 0, 0)])
@pytest.mark.parametrize("centred", [True, False])
def test_empty_arrays(shape, centred, dtype):
    check(np.zeros(shape, dtype), centred)


@pytest.mark.parametrize("shape", [(2, 3, 1000), (2, 1, 10000)])
def test_the_same_bits_each_time_and_wherever_an_array_begins(shape):
    x = normal(shape, np.float32)
    results = [
        [array.get().tobytes() for array in cuda.standardize(on_device(x, layout), 1e-5, True)]
        for layout in ("contiguous", "contiguous", "shifted")
    ]
    assert results[0] == results[1] == results[2]


def check_affine(x, layout="contiguous"):
    weight, bias = normal(x.shape[1:2], x.dtype, seed=2), normal(x.shape[1:2], x.dtype, seed=3)
    check_close("affine", x, weight, bias, ulps=4, atol=4.0, layout=layout)
    check_close("affine", x, weight, None, ulps=4, layout=layout)
    sums = max(x.shape[0] * x.shape[2], 1) ** 0.5
    check_close("affine_backward", normal(x.shape, x.dtype, seed=1), x, weight, ulps=16, atol=sums, layout=layout)


@dtypes
@pytest.mark.parametrize(
    "shape",
    [
        (5, 3, 1),
        (9, 40, 1),
        (1, 7, 1),
        (7, 5, 4),
        (3, 4, 49),
        (2, 3, 64),
        (2, 2, 4100),
        (0, 3, 40),
        (2, 0, 3),
        (2, 3, 0),
    ],
)
def test_affine(shape, dtype):
    check_affine(normal(shape, dtype))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(9, 40, 1), (3, 5, 40)])
def test_layouts_of_affine(shape, layout):
    check_affine(normal(shape, np.float32), layout)
