"""Elements that lie further from each other than 32 bits can count. Only a few pages of the array are ever touched."""

from __future__ import annotations

import cupy
import numpy as np
import pytest

from minitorch.backends.cuda.gemm import MatMul
from minitorch.backends.reference import ReferenceBackend

STEP = 2**30  # elements between rows: the third begins behind 2^31


@pytest.fixture
def spread():
    """Puts a matrix of three rows into a much larger array, and gives a view of it."""
    try:
        large = cupy.empty((3, STEP), np.float32)
    except cupy.cuda.memory.OutOfMemoryError:
        pytest.skip("needs 12 GB of memory")

    def put(matrix):
        view = large[:, : matrix.shape[1]]
        view[...] = cupy.asarray(matrix)
        return view

    return put


@pytest.mark.parametrize("columns", [1, 40])
def test_rows_of_a_product(spread, columns):
    rng = np.random.default_rng(0)
    a, b = rng.integers(-4, 5, (3, 70)).astype(np.float32), rng.integers(-4, 5, (70, columns)).astype(np.float32)
    there = spread(a)
    np.testing.assert_array_equal(MatMul.matmul(there, cupy.asarray(b)).get(), ReferenceBackend.matmul(a, b))
    expected = ReferenceBackend.matmul(b[:3].T, a)
    np.testing.assert_array_equal(MatMul.matmul(cupy.asarray(b[:3].T.copy()), there).get(), expected)
