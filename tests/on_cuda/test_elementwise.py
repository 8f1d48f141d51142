"""ReLU, the Philox stream and dropout on CUDA against the reference."""

from __future__ import annotations

import cupy
import numpy as np
import pytest
from against_reference import LAYOUTS, check_exact, cuda, reference

from minitorch.backends.cpu import CpuBackend

pytestmark = pytest.mark.usefixtures("thread_order")

both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
all_layouts = pytest.mark.parametrize("layout", LAYOUTS)
# Around the four elements of a thread and the 1024 of a block, and of more than one dimension.
shapes = pytest.mark.parametrize("shape", [(), (1,), (3,), (4,), (5,), (1023,), (2, 512), (3, 7, 101), (4, 0)])


def special(shape, dtype, seed=0):
    """Numbers with NaN, infinities and both zeros among them."""
    rng = np.random.default_rng(seed)
    array = rng.standard_normal(shape).astype(dtype) if shape else np.asarray(rng.standard_normal(), dtype)
    chosen = rng.integers(0, 8, shape)
    for k, value in enumerate((np.nan, np.inf, -np.inf, 0.0, -0.0)):
        array[chosen == k] = value
    return array


@both_dtypes
@all_layouts
@shapes
def test_relu(shape, layout, dtype):
    x = special(shape, dtype)
    check_exact("relu", x, layout=layout)
    check_exact("relu_backward", special(shape, dtype, 1), x, layout=layout)


def test_philox_known_answers():
    """The vector of the authors' library Random123 (kat_vectors) that has a counter of 64 bits."""
    assert [f"{word:08x}" for word in cuda.philox(0, 0, 4).get()] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


@pytest.mark.parametrize("seed", [0, 7, 2**32, 2**63 + 12345, 2**64 - 1])
@pytest.mark.parametrize("offset", [0, 2**32 - 2, 2**64 - 2])
@pytest.mark.parametrize("n", [0, 1, 6, 2050])
def test_philox_is_the_stream_of_the_cpu(seed, offset, n):
    words = cuda.philox(seed, offset, n).get()
    assert words.dtype == np.uint32
    np.testing.assert_array_equal(words, reference.philox(seed, offset, n))
    np.testing.assert_array_equal(words, CpuBackend().philox(seed, offset, n))


@both_dtypes
@all_layouts
@shapes
def test_dropout(shape, layout, dtype):
    check_exact("dropout", special(shape, dtype), 0.3, 2**64 - 3, 2**32 - 2, layout=layout)


@both_dtypes
@pytest.mark.parametrize("kept", [False, True])
def test_dropout_draws_the_line_where_the_reference_does(dtype, kept):
    first = int(reference.philox(3, 0, 1)[0] >> 8) * 2.0**-24  # the largest p that keeps the first element
    p = first if kept else np.nextafter(first, 1)
    x = np.ones(9, dtype)
    check_exact("dropout", x, float(p), 3, 0)
    assert bool(reference.dropout(x, float(p), 3, 0)[0]) == kept


@both_dtypes
@pytest.mark.parametrize("p", [0.0, 1e-9, 1 - 2**-24, 1.0])
def test_dropout_of_nothing_and_of_all(dtype, p):
    check_exact("dropout", special((40,), dtype), p, 5, 0)


@both_dtypes
def test_elements_that_are_not_aligned(dtype):
    """A view of bytes may begin anywhere; a GPU reads a number only from a multiple of its size."""
    numbers = np.arange(-5, 6).astype(dtype)
    view = cupy.empty(numbers.nbytes + 1, np.uint8)[1:].view(dtype)
    view.set(numbers)
    np.testing.assert_array_equal(cuda.relu(view).get(), np.maximum(numbers, 0))
