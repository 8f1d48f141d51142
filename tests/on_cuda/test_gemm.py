"""Matrix products of the CUDA sources against the reference: every kernel that is listed, in every order of threads.

Factors are small integers wherever bits are compared: then every sum is exact, in whatever order, also in TF32.
"""

from __future__ import annotations

import itertools

import cupy
import numpy as np
import pytest

from minitorch.backends.cuda import gemm, matmul, source, tiles
from minitorch.backends.cuda.gemm import MatMul
from minitorch.backends.reference import ReferenceBackend

RNG = np.random.default_rng(4)
INSTANCES = source.instances("gemm")


def integers(*shape, dtype=np.float32):
    return RNG.integers(-4, 5, shape).astype(dtype)


def same(array):
    return array


def transposed(array):
    return array.swapaxes(-1, -2)


def product(a, b, bias=None, activation=None, view_a=same, view_b=same):
    a, b, bias = [None if array is None else cupy.asarray(array) for array in (a, b, bias)]
    return MatMul.matmul(view_a(a), view_b(b), bias, activation).get()


def agree(a, b, bias=None, activation=None, view_a=same, view_b=same):
    """Compares ``view_a(a) @ view_b(b)``; the views are taken on the device, so that the kernels get their strides."""
    expected = ReferenceBackend.matmul(view_a(a), view_b(b), bias, activation)
    got = product(a, b, bias, activation, view_a, view_b)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.fixture
def launches(monkeypatch):
    """The names of the kernels that are launched."""
    names = []
    launch = gemm.launch

    def noting(family, name, **kwargs):
        names.append(name)
        launch(family, name, **kwargs)

    monkeypatch.setattr(gemm, "launch", noting)
    return names


@pytest.fixture
def choose(monkeypatch):
    """Makes one tile the choice for all shapes."""

    def use(name):
        monkeypatch.setattr(matmul, "fp32_precision", "tf32" if name.startswith("Tensor") else "ieee")
        monkeypatch.setattr(tiles, "candidates", lambda *_: (tiles.tile(name),))
        gemm._plan_matrix.cache_clear()

    yield use
    gemm._plan_matrix.cache_clear()


@pytest.mark.parametrize("name", [name for name in INSTANCES if name.startswith("matmul<")])
def test_every_tile(name, choose, launches, thread_order):
    kind, tile, a_along, b_along, vector = name[len("matmul<") : -1].split(",")
    dtype = np.dtype(kind.replace("float", "float32").replace("double", "float64"))
    choose(tile)
    step = int(vector)
    # Less than a tile, exactly a tile, a little more; sums of less than a slice, up to more slices than stages.
    for M, N, K in ((8, 12, 4), (128, 64, 32), (132, 136, 148)):
        M, N, K = M + (step == 1), N + (step == 1), K + (step == 1)
        a, view_a = ((M, K), same) if a_along == "true" else ((K, M), transposed)
        b, view_b = ((N, K), transposed) if b_along == "true" else ((K, N), same)
        bias = integers(N, dtype=dtype)
        agree(integers(*a, dtype=dtype), integers(*b, dtype=dtype), bias, "relu", view_a, view_b)
    assert set(launches) == {name}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("along", [True, False])
@pytest.mark.parametrize("K", [0, 1, 31, 300, 3000])
def test_matrix_times_vector(dtype, along, K, launches, thread_order):
    a, x = integers(*((37, K) if along else (K, 37)), dtype=dtype), integers(K, 1, dtype=dtype)
    view, opposite = (same, transposed) if along else (transposed, same)
    agree(a, x, integers(1, dtype=dtype), view_a=view)
    agree(x, a, integers(37, dtype=dtype), "relu", transposed, opposite)
    agree(x, x, view_a=transposed)
    assert {name.split("<")[0] for name in launches} <= {"vector_product", "add_splits"}


@pytest.mark.parametrize("precision", ["ieee", "tf32"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_sums_are_split_and_added_in_order(precision, dtype, monkeypatch, launches, thread_order):
    monkeypatch.setattr(matmul, "fp32_precision", precision)
    a, b, bias = integers(5, 2000, dtype=dtype), integers(2000, 7, dtype=dtype), integers(7, dtype=dtype)
    agree(a, b, bias, "relu")
    assert launches[-1].startswith("add_splits<")
    uneven = RNG.standard_normal((5, 2000)).astype(dtype)
    first = product(uneven, b)
    if hasattr(cupy, "_state"):  # the stand-in's
        monkeypatch.setattr(cupy._state, "thread_order", 0)
    np.testing.assert_array_equal(product(uneven, b), first)


@pytest.mark.parametrize(("M", "K", "N"), list(itertools.product((0, 1, 3, 65), (0, 1, 17), (0, 1, 5, 70))))
def test_shapes(M, K, N):
    agree(integers(M, K), integers(K, N), integers(N))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 5, 7), (3, 7, 4)),
        ((3, 5, 7), (7, 4)),
        ((5, 7), (3, 7, 4)),
        ((2, 1, 5, 7), (3, 7, 4)),
        ((2, 3, 1, 7), (1, 3, 7, 4)),
        ((2, 1, 2, 1, 2, 3, 4), (2, 1, 3, 1, 4, 2)),
        ((2, 1, 2, 1, 2, 1, 3, 4), (1, 2, 1, 2, 1, 2, 4, 2)),  # six dimensions, none of which can be merged
        ((0, 5, 7), (7, 4)),
        ((4, 0, 7), (4, 7, 3)),
        ((300, 2, 3), (300, 3, 1)),
    ],
)
def test_batches(a, b):
    agree(integers(*a), integers(*b), integers(b[-1]))


def test_views_are_read_where_they_lie():
    wide = integers(4, 40, 60)
    views = [
        (lambda x: x[:, ::2, 3:23], lambda x: x[:, ::-2, 5:].transpose(0, 2, 1)[:, :20]),
        (lambda x: x[::-1, 1:20, ::3], lambda x: x[:, :20, 1:9]),
        (lambda x: x[0, :1].T, lambda x: x[1, :1]),
        (lambda x: x.transpose(1, 0, 2), lambda x: x.transpose(1, 2, 0)),
        (lambda x: x[:, None, 2:7, :11], lambda x: x[None, :, :11, 3:9]),
    ]
    for view_a, view_b in views:
        agree(wide, wide, None, None, view_a, view_b)


def test_broadcast_operands_are_read_where_they_lie():
    def rows(x):
        return (cupy if isinstance(x, cupy.ndarray) else np).broadcast_to(x, (6, 9))

    def matrices(x):
        return (cupy if isinstance(x, cupy.ndarray) else np).broadcast_to(x, (3, *x.shape))

    agree(integers(9), integers(9, 5), view_a=rows)
    agree(integers(9), integers(9), view_a=rows, view_b=lambda x: rows(x).T)
    agree(integers(5, 6), integers(3, 6, 8), view_a=matrices)


def test_unaligned_matrices_are_not_read_in_vectors(choose, launches):
    choose("Medium")
    flat, square = integers(1 + 16 * 16), integers(16, 16)
    agree(flat, square, view_a=lambda x: x[1:].reshape(16, 16))
    agree(integers(8, 18), square, view_a=lambda x: x[:, 2:])
    agree(integers(2, 8, 17), square, view_a=lambda x: x[:, :, :16])
    agree(integers(8, 20), integers(17, 16), view_a=lambda x: x[:, :17])
    assert all(name.endswith(",1>") for name in launches)
    agree(flat, square, view_a=lambda x: x[:-1].reshape(16, 16))
    assert launches[-1].endswith(",4>")


@pytest.mark.parametrize("precision", ["ieee", "tf32"])
def test_nan_and_infinities(precision, monkeypatch):
    monkeypatch.setattr(matmul, "fp32_precision", precision)
    a, b, bias = integers(70, 70), integers(70, 70), integers(70)
    a[3, 4], a[5, 6], a[69, 69], b[7, 8], bias[9] = np.nan, np.inf, -np.inf, np.nan, np.nan
    agree(a, b)
    agree(a, b, bias, "relu")
    agree(a[:, :1], b[:1])
    agree(a, b[:, 8:9])


def test_precision(monkeypatch):
    a, b = RNG.standard_normal((90, 400)), RNG.standard_normal((400, 80))

    def error(dtype):
        difference = product(a.astype(dtype), b.astype(dtype)) - a @ b
        return np.linalg.norm(difference) / np.linalg.norm(a @ b)

    assert matmul.fp32_precision == "ieee"
    assert error(np.float32) < 1e-6
    monkeypatch.setattr(matmul, "fp32_precision", "tf32")
    assert 1e-5 < error(np.float32) < 1e-3
    assert error(np.float64) < 1e-14


def test_factors_are_rounded_to_tensor_floats_not_cut_off(monkeypatch):
    """Ten bits of mantissa are kept; of what is cut off here, more than half remains, in both factors."""
    monkeypatch.setattr(matmul, "fp32_precision", "tf32")
    a, b = np.full((64, 8), 1 + 0.75 * 2**-10, np.float32), np.full((8, 64), -1 - 0.75 * 2**-10, np.float32)
    np.testing.assert_array_equal(product(a, b), -8 * (1 + 2**-10) ** 2)


@pytest.mark.parametrize(
    ("capability", "memory", "tensor"),
    [
        (75, 64, []),
        (80, 163, ["TensorHuge", "TensorCompact", "TensorMedium"]),
        (86, 99, ["TensorCompact", "TensorMedium"]),
        (90, 227, ["TensorHuge", "TensorLarge", "TensorWide", "TensorMedium"]),
    ],
)
def test_tiles_fit_the_device(capability, memory, tensor, monkeypatch):
    monkeypatch.setattr(tiles, "_capability", lambda _: capability)
    monkeypatch.setattr(tiles, "_shared_memory", lambda _: memory * 1024)
    names = [tile.name for tile in tiles.candidates("tf32", "f", 0)]
    assert [name for name in names if name.startswith("Tensor")] == tensor
    assert {"Small", "Narrow"} <= set(names)
    assert all(tiles.tile(name).shared <= memory * 1024 for name in names)
    assert not [tile.name for tile in tiles.candidates("ieee", "f", 0) if tile.name.startswith("Tensor")]


def test_splits_cover_the_sum():
    for blocks, depth in itertools.product((0, 1, 7, 100, 500), (0, 1, 255, 256, 511, 512, 10_000, 1_000_003)):
        splits, chunk = tiles.split(blocks, depth)
        assert chunk > 0
        assert chunk % 32 == 0
        assert (splits - 1) * chunk < max(depth, 1) <= splits * chunk
