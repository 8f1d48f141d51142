"""Pooling on CUDA against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from against_reference import LAYOUTS, check_close, check_exact, reference

from minitorch.backends.cuda import pool
from minitorch.testing.strategies import Pool2dCase

pytestmark = pytest.mark.usefixtures("thread_order")

CASES = [
    Pool2dCase((2, 3, 8, 12), (2, 2), (2, 2), (0, 0), (1, 1), False),
    Pool2dCase((2, 2, 9, 75), (2, 2), (2, 2), (0, 0), (1, 1), True),
    Pool2dCase((1, 3, 15, 13), (3, 3), (2, 2), (0, 0), (1, 1), False),
    Pool2dCase((1, 2, 11, 16), (3, 3), (2, 2), (1, 1), (1, 1), True),
    Pool2dCase((1, 2, 9, 10), (3, 2), (1, 2), (1, 0), (1, 1), False),
    Pool2dCase((1, 1, 11, 20), (2, 2), (7, 9), (0, 0), (1, 1), True),
    Pool2dCase((2, 1, 8, 7), (5, 4), (1, 1), (2, 2), (1, 1), False),
    Pool2dCase((1, 2, 7, 9), (7, 9), (1, 1), (0, 0), (1, 1), False),
    Pool2dCase((1, 2, 12, 17), (3, 3), (2, 2), (1, 1), (3, 2), False),
    Pool2dCase((1, 2, 10, 11), (2, 3), (3, 1), (1, 1), (4, 3), True),
    Pool2dCase((1, 2, 1, 5), (2, 3), (1, 1), (1, 1), (2, 2), False),  # windows that step over the input
    Pool2dCase((1, 2, 7, 9), (3, 2), (2**31 + 5, 2**31 - 1), (1, 1), (1, 1), False),
    Pool2dCase((0, 3, 8, 8), (2, 2), (2, 2), (0, 0), (1, 1), False),
    Pool2dCase((2, 0, 8, 8), (2, 2), (2, 2), (0, 0), (1, 1), False),
]
LARGE = [  # 256 offsets are the most that fit into uint8
    Pool2dCase((1, 1, 20, 17), (16, 16), (3, 2), (8, 8), (1, 1), False),
    Pool2dCase((1, 1, 258, 2), (257, 1), (1, 1), (0, 0), (1, 1), False),
    Pool2dCase((1, 2, 19, 17), (17, 16), (2, 3), (8, 8), (1, 1), True),
]
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def numbers(kind, shape, dtype, seed=0):
    """Integers have ties, where the first must win; special values windows of -inf and of NaN."""
    rng = np.random.default_rng(seed)
    array = rng.integers(-4, 5, shape).astype(dtype)
    if kind == "special":
        chosen = rng.integers(0, 4, shape)
        array[chosen < 2] = -np.inf
        array[chosen == 2] = rng.choice([np.nan, np.inf])
    return array


def check_max_pool(case, x, layout="contiguous"):
    geometry = case.kernel_size, case.stride, case.padding, case.dilation
    check_exact("max_pool2d", x, *geometry, case.output_size, layout=layout)
    _, indices = reference.max_pool2d(x, *geometry, case.output_size)
    check_exact("max_pool2d_gather", numbers("special", x.shape, x.dtype, 1), indices, *geometry, layout=layout)
    grad_output = numbers("integers", case.output_shape, x.dtype, 2)
    check_exact("max_pool2d_backward", grad_output, indices, case.input_shape, *geometry, layout=layout)


def check_avg_pool(case, dtype, rule, layout="contiguous"):
    """The sums of integers are exact, so the division makes the only rounding error of the forward."""
    window = case.kernel_size, case.stride, case.padding
    x = numbers("integers", case.input_shape, dtype)
    if x.size:
        x.flat[[0, -1]] = np.inf, np.nan
    check_close("avg_pool2d", x, *window, case.output_size, *rule, ulps=2, layout=layout)
    grad_output = numbers("integers", case.output_shape, dtype, 1)
    check_close("avg_pool2d_backward", grad_output, case.input_shape, *window, *rule, ulps=2, atol=100, layout=layout)


@dtypes
@pytest.mark.parametrize("kind", ["integers", "special"])
@pytest.mark.parametrize("case", CASES + LARGE, ids=str)
def test_max_pool(case, kind, dtype):
    check_max_pool(case, numbers(kind, case.input_shape, dtype))


@dtypes
@pytest.mark.parametrize("rule", [(True, None), (False, None), (True, 3)])
@pytest.mark.parametrize("case", [case for case in CASES + LARGE if case.dilation == (1, 1)], ids=str)
def test_avg_pool(case, rule, dtype):
    check_avg_pool(case, dtype, rule)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    case = CASES[3]
    check_max_pool(case, numbers("integers", case.input_shape, np.float32), layout)
    check_avg_pool(case, np.float32, (False, None), layout)


@dtypes
@pytest.mark.parametrize("case", [CASES[3], LARGE[2]], ids=str)
def test_elements_counted_in_64_bits(case, dtype, monkeypatch):
    monkeypatch.setattr(pool, "_MOST_U32", 0)
    check_max_pool(case, numbers("integers", case.input_shape, dtype))
    check_avg_pool(case, dtype, (False, None))


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf, 0.0])
def test_windows_of_equal_values(value):
    case = Pool2dCase((1, 2, 7, 8), (3, 3), (2, 2), (1, 1), (1, 1), True)
    check_max_pool(case, np.full(case.input_shape, value, np.float32))


def test_infinite_and_nan_gradients_go_to_one_element():
    case = Pool2dCase((1, 1, 4, 8), (2, 2), (2, 2), (0, 0), (1, 1), False)
    grad = np.full(case.output_shape, np.inf)
    grad[0, 0, 0] = np.nan
    indices = np.full(case.output_shape, 3, np.uint8)
    check_exact("max_pool2d_backward", grad, indices, case.input_shape, (2, 2), (2, 2), (0, 0), (1, 1))


@pytest.mark.parametrize("divisor", [1, 2, 3, 5, 7, 27, 55, 641, 2**16 - 1, 2**16 + 1, 2**30, 2**30 + 1, 2**31 - 1])
def test_multipliers_divide(divisor):
    multiplier, shift = pool._divisor(divisor)
    assert 0 < multiplier < 2**32
    largest = (2**31 - 1) // divisor * divisor
    for n in (0, 1, divisor - 1, divisor, divisor + 1, largest - 1, largest, 2**31 - 1):
        assert ((multiplier * n >> 32) + n) >> shift == n // divisor
