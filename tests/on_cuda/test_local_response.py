"""Local response normalisation on CUDA against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from against_reference import LAYOUTS, check_close, reference

pytestmark = pytest.mark.usefixtures("thread_order")

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def check(x, size, alpha=0.5, beta=0.75, k=2.0, layout="contiguous"):
    check_close("local_response_norm", x, size, alpha, beta, k, ulps=16, layout=layout)
    base = reference.local_response_norm(x, size, alpha, beta, k)[1]
    grad = np.random.default_rng(1).standard_normal(x.shape).astype(x.dtype)
    check_close("local_response_norm_backward", grad, x, base, size, alpha, beta, ulps=64, layout=layout)


def normal(shape, dtype):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@dtypes
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 5, 9), (3, 17, 40), (1, 100, 30), (2, 40, 300)])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_shapes(shape, size, dtype):
    check(normal(shape, dtype), size)


@dtypes
@pytest.mark.parametrize(("channels", "size"), [(7, 6), (7, 13), (7, 14), (7, 100), (40, 33), (300, 200), (300, 601)])
def test_wide_windows(channels, size, dtype):
    check(normal((2, channels, 3), dtype), size)


@dtypes
@pytest.mark.parametrize(
    ("alpha", "beta", "k"), [(1e-4, 0.75, 1.0), (3.0, 0.5, 1.0), (1.0, 1.0, 0.1), (1.0, -2.0, 1.0)]
)
def test_parameters(alpha, beta, k, dtype):
    check(normal((2, 9, 8), dtype), 5, alpha, beta, k)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    check(normal((2, 9, 8), np.float32), 4, layout=layout)


@dtypes
@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_special_values(beta, dtype):
    x = normal((1, 12, 6), dtype)
    x[0, 3, 0] = np.nan
    x[0, 3, 1] = np.inf
    x[0, 3, 2] = -np.inf
    x[0, :, 3] = 0  # with k = 0 nothing is left of the base
    for k in (0.0, 1.0, -1e3):
        check(x, 3, 1.0, beta, k)


@dtypes
@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0)])
def test_empty_arrays(shape, dtype):
    check(np.zeros(shape, dtype), 5)
