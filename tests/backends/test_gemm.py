"""The matrix product of the CPU backend, against NumPy in float64 and with integers, whose sums are exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitorch import _C
from minitorch.backends.cpu import CpuBackend

BACKEND = CpuBackend()
DTYPES = [np.float32, np.float64]


def transposed(x):
    return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)


def spaced(x):
    """Every second row and third column of an array that is NaN elsewhere: reading beside an element shows."""
    spaced = np.full((*x.shape[:-2], 2 * x.shape[-2] + 1, 3 * x.shape[-1] + 2), np.nan, x.dtype)
    view = spaced[..., 1::2, 2::3]
    view[...] = x
    return view


def inside(x):
    """Rows within longer rows, columns next to each other."""
    larger = np.full((*x.shape[:-2], x.shape[-2] + 2, x.shape[-1] + 3), np.nan, x.dtype)
    view = larger[..., 1:-1, 2:-1]
    view[...] = x
    return view


def reversed_(x):
    return x[..., ::-1, ::-1].copy()[..., ::-1, ::-1]


LAYOUTS = [np.ascontiguousarray, transposed, spaced, inside, lambda x: transposed(inside(x)), reversed_]


def integers(rng, *shape, dtype):
    return rng.integers(-8, 8, shape).astype(dtype)


@pytest.fixture
def restored_threads():
    before = _C.get_num_threads()
    yield
    _C.set_num_threads(before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m", [1, 2, 5, 8, 13, 40])
def test_exact_for_integers(m, dtype):
    rng = np.random.default_rng(m)
    for k, n in itertools.product([1, 3, 17, 70, 600], [1, 2, 7, 16, 33, 70]):
        a, b, bias = integers(rng, m, k, dtype=dtype), integers(rng, k, n, dtype=dtype), integers(rng, n, dtype=dtype)
        product = a.astype(np.int64) @ b.astype(np.int64)
        for layout_a, layout_b in itertools.product(LAYOUTS, LAYOUTS):
            left, right = layout_a(a), layout_b(b)
            np.testing.assert_array_equal(BACKEND.matmul(left, right), product)
            biased = BACKEND.matmul(left, right, bias, "relu")
            np.testing.assert_array_equal(biased, np.maximum(product + bias.astype(np.int64), 0))


# Shapes that take every path: several blocks of rows, columns and k, k in parts, dot products, one column.
LARGE = [
    (130, 700, 300),
    (300, 1100, 700),
    (6, 50000, 25),
    (20, 5121, 90),
    (1, 70000, 1),
    (2, 3000, 900),
    (900, 3000, 1),
    (1, 1500, 3000),
    (64, 400, 120),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "k", "n"), LARGE)
def test_large(m, k, n, dtype, restored_threads):
    rng = np.random.default_rng(0)
    a, b, bias = (rng.standard_normal(shape).astype(dtype) for shape in [(m, k), (k, n), (n,)])
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    # Any order of summation stays within k roundings of the sum of the magnitudes.
    bound = (k + 2) * np.finfo(dtype).eps * (np.abs(a64) @ np.abs(b64) + np.abs(bias))
    expected = a64 @ b64 + bias
    for left, right in [(a, b), (transposed(a), b), (a, transposed(b)), (transposed(a), transposed(b))]:
        results = []
        for threads in [1, 2, 3]:
            _C.set_num_threads(threads)
            results.append(BACKEND.matmul(left, right, bias))
        assert results[0].dtype == dtype
        assert (np.abs(results[0] - expected) <= bound).all()
        np.testing.assert_array_equal(results[1], results[0])
        np.testing.assert_array_equal(results[2], results[0])


BATCHES = [
    ((3,), (3,)),
    ((40,), (40,)),
    ((3,), ()),
    ((), (3,)),
    ((2, 1), (1, 3)),
    ((2, 3), (3,)),
    ((4, 1, 2), (3, 1)),
    ((1,), (1, 1)),
    ((0,), ()),
    ((0, 2), (2,)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("batch_a", "batch_b"), BATCHES)
@pytest.mark.parametrize(("m", "k", "n"), [(4, 5, 6), (1, 9, 20), (20, 9, 1), (13, 40, 35)])
def test_batches_broadcast(batch_a, batch_b, m, k, n, dtype, restored_threads):
    rng = np.random.default_rng(0)
    a, b = integers(rng, *batch_a, m, k, dtype=dtype), integers(rng, *batch_b, k, n, dtype=dtype)
    bias = integers(rng, n, dtype=dtype)
    for left, right in [(a, b), (transposed(a), transposed(b)), (inside(a), spaced(b))]:
        for threads in [1, 3]:
            _C.set_num_threads(threads)
            np.testing.assert_array_equal(BACKEND.matmul(left, right, bias), a @ b + bias)


def test_long_k_in_a_batch():
    rng = np.random.default_rng(0)
    a, b = integers(rng, 2, 3, 20000, dtype=np.float32), integers(rng, 2, 20000, 4, dtype=np.float32)
    np.testing.assert_array_equal(BACKEND.matmul(a, b), a.astype(np.int64) @ b.astype(np.int64))


@pytest.mark.parametrize("dtype", DTYPES)
def test_broadcast_views(dtype):
    row, column = np.arange(6, dtype=dtype), np.arange(4, dtype=dtype)[:, None]
    a, b = np.broadcast_to(column, (4, 30)), np.broadcast_to(row, (30, 6))
    np.testing.assert_array_equal(BACKEND.matmul(a, b), 30 * column * row)
    same = np.broadcast_to(a, (3, 4, 30))
    np.testing.assert_array_equal(BACKEND.matmul(same, b), np.broadcast_to(30 * column * row, (3, 4, 6)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "k", "n"), [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0), (3, 0, 1), (1, 0, 5)])
def test_empty(m, k, n, dtype):
    a, b, bias = np.ones((m, k), dtype), np.ones((k, n), dtype), np.arange(n, dtype=dtype) - 1
    np.testing.assert_array_equal(BACKEND.matmul(a, b), np.full((m, n), k))
    biased = BACKEND.matmul(a, b, bias, "relu")
    np.testing.assert_array_equal(biased, np.maximum(np.broadcast_to(k + bias, (m, n)), 0))


@pytest.mark.parametrize(("m", "k", "n"), [(3, 21, 5), (30, 70, 40), (20, 600, 1)])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, transposed])
def test_infinities_and_nan_stay_in_their_row_and_column(m, k, n, layout):
    rng = np.random.default_rng(0)
    for value in [np.nan, np.inf]:
        a, b = rng.uniform(1, 2, (m, k)).astype(np.float32), rng.uniform(1, 2, (k, n)).astype(np.float32)
        a[1, 2], b[4, 0] = value, value
        with np.errstate(invalid="ignore"):  # NumPy's vectors may multiply infinity by their padding
            expected = a.astype(np.float64) @ b.astype(np.float64)
        for activation in [None, "relu"]:
            result = BACKEND.matmul(layout(a), layout(b), np.zeros(n, np.float32), activation)
            np.testing.assert_allclose(result, expected, rtol=1e-5)
    zero_by_infinity = BACKEND.matmul(np.zeros((m, k), np.float32), np.full((k, n), np.inf, np.float32))
    assert np.isnan(zero_by_infinity).all()


@given(data=st.data())
def test_any_shape_and_layout(data):
    m, k, n = (data.draw(st.integers(0, 50)) for _ in range(3))
    dtype = data.draw(st.sampled_from(DTYPES))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    batch = data.draw(st.sampled_from([(), (1,), (2,), (2, 3)]))
    a = data.draw(st.sampled_from(LAYOUTS))(integers(rng, *batch, m, k, dtype=dtype))
    b = data.draw(st.sampled_from(LAYOUTS))(integers(rng, *batch[-1:], k, n, dtype=dtype))
    np.testing.assert_array_equal(BACKEND.matmul(a, b), a @ b)


def test_misaligned_operands():
    a = np.zeros(4 * 5 * 8 + 1, np.uint8)[1:].view(np.float64).reshape(4, 5)
    a[...] = np.arange(20).reshape(4, 5)
    np.testing.assert_array_equal(BACKEND.matmul(a, a.T, a[:, 1]), a.copy() @ a.T.copy() + a[:, 1])
    np.testing.assert_array_equal(BACKEND.relu(a), a)


def test_read_only_operands():
    a = np.ones((3, 3))
    a.flags.writeable = False
    np.testing.assert_array_equal(BACKEND.matmul(a, a, a[0]), np.full((3, 3), 4))


def test_wrong_sizes_are_refused():
    a, b, c = np.zeros((2, 3, 4)), np.zeros((4, 5)), np.zeros((2, 3, 5))
    _C.matmul(a, b, None, False, c)
    wrong = [
        (a, b, None, False, c[0]),
        (a, b.T, None, False, c),
        (a[0, 0], b, None, False, c),
        (a, b, np.zeros(4), False, c),
        (a, b, None, False, np.zeros((2, 5, 3))),
        (np.zeros((3, 3, 4)), b, None, False, c),
        (a[:0], b, None, False, c),
    ]
    for arguments in wrong:
        with pytest.raises(ValueError, match="matmul"):
            _C.matmul(*arguments)
    with pytest.raises(TypeError):
        _C.matmul(a, b.astype(np.float32), None, False, c)
    with pytest.raises(TypeError):
        _C.matmul(a, b, None, False, transposed(c))
