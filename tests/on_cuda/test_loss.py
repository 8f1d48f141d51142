"""Softmax, log-softmax and cross-entropy on CUDA against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from against_reference import LAYOUTS, check_close, cuda, on_device, reference

pytestmark = pytest.mark.usefixtures("thread_order")

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# Either side of what one, eight and 32 elements a lane hold; more than one turn of a block; more rows than a block has.
shapes = pytest.mark.parametrize(
    "shape", [(9, 1), (20, 10), (3, 32), (3, 33), (9, 100), (2, 256), (2, 257), (2, 1024), (2, 1025), (2, 2300)]
)


def logits(shape, dtype, spread=5):
    return (np.random.default_rng(0).standard_normal(shape) * spread).astype(dtype)


def special_logits(columns, dtype):
    x = np.zeros((8, columns), dtype)
    x[1] = -np.inf
    x[2, 0] = np.inf
    x[3, columns // 2] = np.nan
    x[4, -1] = -np.inf
    x[5] = 3e38
    x[6] = np.linspace(-80, 0, columns)
    x[7, 0] = 1e4
    return x


def labels(rows, columns, ignore_index=-100):
    target = np.random.default_rng(1).integers(0, columns, rows)
    target[::3] = ignore_index
    return target


def check_rows(x, layout="contiguous"):
    check_close("softmax", x, ulps=64, atol=1e-30, layout=layout)  # x - max is rounded, and exp multiplies that
    largest = float(abs(x[np.isfinite(x)]).max(initial=1))
    check_close("log_softmax", x, ulps=4, atol=largest, layout=layout)


def check_cross_entropy(x, target, ignore_index=-100, layout="contiguous"):
    largest = float(abs(x[np.isfinite(x)]).max(initial=1))
    check_close("cross_entropy", x, target, ignore_index, ulps=8, atol=largest, layout=layout)
    logsumexp = reference.cross_entropy(x, target, ignore_index)[1]
    grad_output = np.random.default_rng(2).standard_normal(len(x)).astype(x.dtype)
    grad_output[:1] = np.nan
    args = grad_output, x, target, logsumexp, ignore_index
    check_close("cross_entropy_backward", *args, ulps=8 + 2 * largest, atol=4, layout=layout)


@dtypes
@shapes
def test_rows(shape, dtype):
    check_rows(logits(shape, dtype))


@dtypes
@shapes
def test_cross_entropy(shape, dtype):
    check_cross_entropy(logits(shape, dtype), labels(*shape))


@dtypes
@pytest.mark.parametrize("columns", [2, 33, 300, 1100])
def test_special_values(columns, dtype):
    x = special_logits(columns, dtype)
    check_rows(x)
    target = np.full(8, columns - 1)
    args = x, target, -100
    check_close("cross_entropy", *args, ulps=8, atol=1e4)
    target[:] = -100  # an ignored row has a loss and gradients of 0, whatever it holds
    check_cross_entropy(x, target)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("columns", [10, 1030])
def test_layouts(columns, layout):
    check_rows(logits((5, columns), np.float32), layout)
    check_cross_entropy(logits((5, columns), np.float32), labels(5, columns), layout=layout)


@dtypes
@pytest.mark.parametrize("shape", [(0, 5), (0, 2000), (4, 0), (0, 0)])
def test_empty_arrays(shape, dtype):
    check_rows(np.zeros(shape, dtype))
    check_cross_entropy(np.zeros(shape, dtype), np.full(shape[0], -1), ignore_index=-1)


@dtypes
def test_a_small_loss_of_large_logits_keeps_its_digits(dtype):
    x = np.full((1, 10), 1000, dtype)
    x[0, 3] = 1008
    losses, _ = cuda.cross_entropy(on_device(x), on_device(np.array([3])), -100)
    assert losses.get()[0] == pytest.approx(np.log1p(9 * np.exp(-8)), rel=1e-4 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("label", [-1, 10, 2**40, -(2**63)])
def test_a_label_that_is_no_class_reads_nothing_else(label):
    losses, logsumexp = cuda.cross_entropy(on_device(np.zeros((3, 10))), on_device(np.array([0, label, 1])), -100)
    np.testing.assert_array_equal(np.isnan(losses.get()), [False, True, False])
    assert np.isfinite(logsumexp.get()).all()
