"""Sums on CUDA against the reference."""

from __future__ import annotations

import itertools

import cupy
import numpy as np
import pytest
from against_reference import LAYOUTS, check_close, check_exact, cuda, on_device

pytestmark = pytest.mark.usefixtures("thread_order")

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def integers(shape, dtype):
    """Numbers whose sums are exact in float32: any that is added twice or not at all shows."""
    return np.random.default_rng(0).integers(-8, 9, shape).astype(dtype)


def subsets(ndim):
    return list(itertools.chain.from_iterable(itertools.combinations(range(ndim), n) for n in range(ndim + 1)))


@dtypes
@pytest.mark.parametrize("dims", subsets(5))
@pytest.mark.parametrize("shape", [(3, 2, 5, 1, 8), (2, 3, 4, 5, 7)])
def test_all_dimensions(shape, dims, dtype):
    check_exact("sum", integers(shape, dtype), dims, False)
    check_exact("sum", integers(shape, dtype), dims, True)


@dtypes
@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((3, 1), (1,)),
        ((700, 3), (1,)),  # a thread a row
        ((50, 20), (1,)),
        ((9, 1023), (1,)),  # a warp a row
        ((2, 4100), (1,)),  # a block a row
        ((2, 9001), (1,)),  # blocks a row
        ((3, 40000), (1,)),
        ((150001,), (0,)),
        ((2, 3, 7, 7), (0, 2, 3)),  # the gradient of a bias
        ((5, 6, 55, 55), (0, 2, 3)),
        ((40, 2, 12, 12), (0, 2, 3)),
        ((7, 3, 2, 2), (0, 2, 3)),
        ((300, 2, 64), (0, 2)),
        ((1, 3), (0,)),
        ((5000, 3), (0,)),
        ((129, 130), (0,)),
        ((2600, 64), (0,)),
        ((33, 700, 5), (1,)),
        ((500, 3, 36), (1,)),
        ((3, 6000, 4), (1,)),
        ((17000, 3), (0,)),  # so many outputs that each has a thread
        ((3, 70000), (0,)),
        ((33, 70000), (0,)),
    ],
)
def test_how_a_sum_is_shared(shape, dims, dtype):
    check_exact("sum", integers(shape, dtype), dims)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1), (0, 2), ()])
def test_layouts(dims, layout):
    check_exact("sum", integers((6, 40, 36), np.float32), dims, layout=layout)


def test_where_an_array_begins_makes_no_difference():
    x = np.random.default_rng(0).standard_normal((3, 5000)).astype(np.float32)
    sums = [cuda.sum(on_device(x, layout), (1,)).get() for layout in ("contiguous", "shifted")]
    np.testing.assert_array_equal(*sums)


@dtypes
@pytest.mark.parametrize(("shape", "dims"), [((0,), (0,)), ((0, 3), (0,)), ((3, 0), (0,)), ((2, 0, 3), (1,)), ((), ())])
def test_empty_arrays(shape, dims, dtype):
    check_exact("sum", np.zeros(shape, dtype), dims, False)
    check_exact("sum", np.zeros(shape, dtype), dims, True)


@dtypes
@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1)])
def test_special_values(dims, dtype):
    x = np.ones((70, 600), dtype)
    x[3, 5] = np.nan
    x[4, 6] = np.inf
    x[5, 7] = -np.inf
    x[6, 8] = x[6, 9] = x[7, 8] = np.inf
    x[8, 10], x[9, 10], x[8, 11] = np.inf, -np.inf, -np.inf
    check_exact("sum", x, dims)


@pytest.mark.parametrize(("shape", "dims"), [((1, 400_001), (1,)), ((400_001, 1, 1), (0,)), ((100_000, 4), (0,))])
def test_the_error_of_a_long_sum_stays_small(shape, dims):
    x = np.full(shape, 0.1, np.float32)  # added one after the other, a thousandth would be lost
    check_close("sum", x, dims, ulps=8)


def test_the_same_bits_each_time():
    x = on_device(np.random.default_rng(0).standard_normal((4, 3, 61, 61)).astype(np.float32))
    first, second = (cuda.sum(cupy.copy(x), (0, 2, 3)).get() for _ in range(2))
    np.testing.assert_array_equal(first, second)
