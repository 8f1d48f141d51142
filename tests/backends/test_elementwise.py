"""ReLU, the Philox generator and dropout on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitorch.backends.cpu import CpuBackend
from minitorch.testing.strategies import arrays, shapes

backend = CpuBackend()
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@given(st.data(), st.sampled_from([np.float32, np.float64]), st.sampled_from(["normal", "special"]))
def test_relu(data, dtype, values):
    x = data.draw(arrays(shapes(max_side=40, max_dims=3), dtype, values=values))
    grad = data.draw(arrays(x.shape, dtype, values=values))
    output = backend.relu(x)
    np.testing.assert_array_equal(output, np.where(np.isnan(x) | (x > 0), x, 0))
    np.testing.assert_array_equal(backend.relu_backward(grad, output), np.where(output <= 0, 0, grad))
    assert output.dtype == dtype


def philox_oracle(seed, offset, blocks):
    """Philox4x32-10 with Python's integers, one block after another."""
    words = []
    for block in range(blocks):
        counter = (offset + block) % 2**64
        x = [counter % 2**32, counter >> 32, 0, 0]
        key = [seed % 2**32, seed >> 32]
        for _ in range(10):
            product0, product1 = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
            x = [
                (product1 >> 32) ^ x[1] ^ key[0],
                product1 % 2**32,
                (product0 >> 32) ^ x[3] ^ key[1],
                product0 % 2**32,
            ]
            key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
        words += x
    return np.array(words, np.uint32)


def test_philox_known_answers():
    """The vectors of the authors' library Random123 (kat_vectors) that have a counter of 64 bits."""
    assert [f"{word:08x}" for word in backend.philox(0, 0, 4)] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 200))
def test_philox(seed, offset, n):
    expected = philox_oracle(seed, offset, (n + 3) // 4)[:n]
    np.testing.assert_array_equal(backend.philox(seed, offset, n), expected)


def test_philox_counts_over_the_words():
    for offset in (2**32 - 2, 2**64 - 2):
        np.testing.assert_array_equal(backend.philox(7, offset, 160), philox_oracle(7, offset, 40))


def test_philox_is_one_stream():
    whole = backend.philox(5, 0, 4000)
    np.testing.assert_array_equal(backend.philox(5, 100, 400), whole[400:800])


@both_dtypes
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1 / 3, 1 - 2**-24, 1.0])
def test_dropout(dtype, p):
    x = np.random.default_rng(0).standard_normal((5, 333)).astype(dtype)
    output = backend.dropout(x, p, 3, 2**33)
    fraction = (philox_oracle(3, 2**33, (x.size + 3) // 4)[: x.size] >> 8) * 2.0**-24
    scale = dtype(1 / (1 - p)) if p < 1 else dtype(0)
    np.testing.assert_array_equal(output, np.where(fraction.reshape(x.shape) >= p, x * scale, 0))
    assert output.dtype == dtype


def test_dropout_drops_nan_and_keeps_the_rest():
    x = np.full(4096, np.nan, np.float32)
    dropped = (backend.philox(1, 0, x.size) >> 8) * 2.0**-24 < 0.25
    np.testing.assert_array_equal(np.isnan(backend.dropout(x, 0.25, 1, 0)), ~dropped)


def test_dropout_of_a_transposed_array_counts_in_c_order():
    x = np.random.default_rng(0).standard_normal((30, 50))
    np.testing.assert_array_equal(backend.dropout(x.T, 0.5, 1, 0), backend.dropout(x.T.copy(), 0.5, 1, 0))


@both_dtypes
def test_threads_do_not_change_results(dtype, same_for_any_threads):
    x = np.random.default_rng(0).standard_normal(300_007).astype(dtype)
    same_for_any_threads(
        lambda: [
            backend.relu(x),
            backend.relu_backward(x, x),
            backend.dropout(x, 0.3, 9, 0),
            backend.philox(9, 0, 99_999),
        ]
    )


@both_dtypes
def test_empty_arrays(dtype):
    x = np.zeros((3, 0), dtype)
    assert backend.relu(x).shape == backend.relu_backward(x, x).shape == backend.dropout(x, 0.5, 0, 0).shape == (3, 0)
    assert backend.philox(0, 0, 0).shape == (0,)
