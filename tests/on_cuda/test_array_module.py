"""What ``backend.xp`` has in place of CuPy's functions: to the bit what NumPy's give, for every kind of number."""

from __future__ import annotations

import cupy
import numpy as np
import pytest

import minitorch
from minitorch.backends.cuda import array_module as xp
from minitorch.nn import functional
from minitorch.ops.conv import conv2d
from minitorch.testing import assert_close

FLOATS = [np.float16, np.float32, np.float64]
INTEGERS = [np.int64, np.int32, np.uint8]
NEGATIVE_NAN = np.copysign(np.nan, -1.0)


def with_nan(rng, shape, dtype, share=0.3):
    """Few different numbers, so that several are the largest, zeros and NaN of either sign among them."""
    array = rng.integers(-2, 3, shape).astype(dtype)
    special = rng.choice([np.nan, NEGATIVE_NAN, np.inf, -np.inf, 0.0, -0.0], shape).astype(dtype)
    return np.where(rng.random(shape) < share, special, array)


def test_all_else_is_cupys():
    assert xp.add is cupy.add
    assert xp.ndarray is cupy.ndarray
    with pytest.raises(AttributeError):
        xp.no_such_function  # noqa: B018


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, np.bool_])
@pytest.mark.parametrize(("shape", "axis"), [((7,), 0), ((700,), 0), ((5, 600), 1), ((600, 5), 0), ((3, 4, 5), 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_the_first_extreme_wins(name, dtype, shape, axis, keepdims):
    rng = np.random.default_rng(0)
    for share in (0, 0.01, 0.3):
        floating = np.dtype(dtype).kind == "f"
        a = with_nan(rng, shape, dtype, share) if floating else rng.integers(0, 2, shape).astype(dtype)
        for array in (a, np.asfortranarray(a)):
            found = getattr(xp, name)(cupy.asarray(array), axis=axis, keepdims=keepdims)
            wanted = getattr(np, name)(array, axis=axis, keepdims=keepdims)
            assert found.dtype == np.int64
            np.testing.assert_array_equal(found.get(), wanted)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, np.bool_])
@pytest.mark.parametrize(("shape", "axis"), [((0,), 0), ((900,), 0), ((30, 50), 1), ((50, 30), 0), ((2, 3, 4), -1)])
def test_sorting_is_stable_and_puts_nan_last(dtype, shape, axis):
    rng = np.random.default_rng(1)
    floating = np.dtype(dtype).kind == "f"
    a = with_nan(rng, shape, dtype) if floating else rng.integers(0, 2, shape).astype(dtype)
    np.testing.assert_array_equal(xp.argsort(cupy.asarray(a), axis).get(), np.argsort(a, axis, kind="stable"))
    np.testing.assert_array_equal(xp.partition(cupy.asarray(a), 0, axis).get(), np.sort(a, axis))


@pytest.mark.parametrize("name", ["remainder", "floor_divide"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_division_of_floating_point_numbers(name, dtype):
    rng = np.random.default_rng(2)
    values = [0.0, -0.0, 1.0, -1.0, 0.1, -0.1, 5.0, 7.5, -7.5, 3e4, 1e-4, np.inf, -np.inf, np.nan]
    values = np.array([*values, *rng.standard_normal(40) * 10], dtype)
    a, b = values[:, None], values[None]
    with np.errstate(all="ignore"):
        wanted = getattr(np, name)(a, b)
    found = getattr(xp, name)(cupy.asarray(a), cupy.asarray(b)).get()
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.signbit(found)[found == 0], np.signbit(wanted)[found == 0])


@pytest.mark.parametrize("name", ["remainder", "floor_divide"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_division_of_integers(name, dtype):
    values = np.arange(-9, 10).astype(dtype)
    a, b = values[:, None], values[values != 0][None]
    found = getattr(xp, name)(cupy.asarray(a), cupy.asarray(b)).get()
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, getattr(np, name)(a, b))


CALLS = {
    "max": lambda x: x.max(1),
    "min": lambda x: x.min(0),
    "amax": lambda x: (x.amax((0, 1)), x.amax()),
    "sort": lambda x: x.sort(1, descending=True),
    "topk": lambda x: x.topk(3, 0),
    "median": lambda x: (x.median(), *x.median(1)),
    "unique": lambda x: x.unique(return_inverse=True, return_counts=True),
    "unique rows": lambda x: x.unique(dim=0, return_inverse=True, return_counts=True),
    "count_nonzero": lambda x: (x.count_nonzero(), x.any(1), x.all(0), x.bool()),
    "nonzero": lambda x: x.nonzero(),
    "clamp": lambda x: (x.clamp(-1, 1), x.clamp(min=float("nan"))),
    "maximum": lambda x: (minitorch.maximum(x, x.flip(0)), minitorch.minimum(x, x.flip(1))),
    "nan_to_num": lambda x: (x.nan_to_num(), x.nan_to_num(1.0, 2.0, 3.0)),
    "logaddexp": lambda x: minitorch.logaddexp(x, x.flip(0)),
    "sign": lambda x: (x.sign(), x.isnan(), x.isinf(), x.isfinite(), x.abs()),
    "round": lambda x: (x.round(), x.floor(), x.ceil(), x.trunc()),
    "div": lambda x: (x / x.flip(0), minitorch.div(x, 2.5, rounding_mode="trunc"), x // 0.1, x % 0.3),
    "relu": lambda x: (functional.relu(x), functional.hardtanh(x), functional.leaky_relu(x)),
    "cumsum": lambda x: (x.cumsum(1), x.cumprod(0)),
    "isclose": lambda x: (minitorch.isclose(x, x.flip(0), equal_nan=True), x == x, x != x, x < x.flip(0)),
    "max_pool": lambda x: functional.max_pool2d(x[None, None], 2, return_indices=True),
    "adaptive_max_pool": lambda x: functional.adaptive_max_pool2d(x[None, None], 4, return_indices=True),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_operations_on_nan_and_infinities_are_those_of_the_cpu(name, dtype):
    array = with_nan(np.random.default_rng(3), (9, 8), dtype)
    here, there = minitorch.from_numpy(array), minitorch.from_numpy(array).cuda()
    results = [CALLS[name](x) for x in (there, here)]
    found, wanted = ([r] if isinstance(r, minitorch.Tensor) else r for r in results)
    for a, b in zip(found, wanted, strict=True):
        assert a.is_cuda
        # On the GPU, functions such as log1p may differ from the CPU's in the last digit.
        assert_close(a, b, rtol=1e-3 if dtype == np.float16 else 1e-6, atol=0, equal_nan=True)


@pytest.mark.parametrize("algorithm", ["direct", "im2col", "fft"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("groups", [1, 2])
def test_algorithms_of_convolution(algorithm, dtype, groups):
    rng = np.random.default_rng(4)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in ((2, 4, 7, 6), (6, 4 // groups, 3, 2), (6,))]
    outcomes = []
    for device in ("cuda", "cpu"):
        leaves = [minitorch.from_numpy(a).to(device).requires_grad_() for a in arrays]
        out = conv2d(*leaves, stride=(2, 1), padding=1, groups=groups, algorithm=algorithm)
        (out * out).sum().backward()
        outcomes.append([out.detach(), *[leaf.grad for leaf in leaves]])
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    for a, b in zip(*outcomes, strict=True):
        assert a.is_cuda
        assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_products_of_integers(dtype):
    rng = np.random.default_rng(5)
    a, b = (rng.integers(0, 50, shape).astype(dtype) for shape in ((2, 3, 4), (4, 5)))
    assert (minitorch.from_numpy(a).cuda() @ minitorch.from_numpy(b).cuda()).tolist() == (a @ b).tolist()
    x, w = (minitorch.from_numpy(rng.integers(0, 9, s).astype(dtype)) for s in ((1, 2, 5, 5), (3, 2, 2, 2)))
    assert functional.conv2d(x.cuda(), w.cuda()).tolist() == functional.conv2d(x, w).tolist()
