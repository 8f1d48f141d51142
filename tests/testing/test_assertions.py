"""What assert_close accepts, and what its message says."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch.testing import assert_close


class FakeTensor:
    """As much of a Tensor as assert_close knows."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.array


@pytest.mark.parametrize(
    ("dtype", "rtol", "atol"), [(np.float16, 1e-3, 1e-5), (np.float32, 1.3e-6, 1e-5), (np.float64, 1e-7, 1e-7)]
)
def test_default_tolerances_are_pytorchs(dtype, rtol, atol):
    expected = np.array([0.0, 64.0], dtype)
    allowed = atol + rtol * np.abs(expected)
    assert_close((expected + 0.9 * allowed).astype(dtype), expected)
    if dtype != np.float16:  # whose numbers near 64 are further apart than the tolerance
        for i in (0, 1):
            far = expected.copy()
            far[i] += 1.2 * allowed[i] + np.spacing(expected[i])
            with pytest.raises(AssertionError):
                assert_close(far, expected)


def test_integers_are_compared_exactly_unless_told_otherwise():
    large = np.array([2**60])
    assert_close(large, large)
    with pytest.raises(AssertionError, match="mismatched: 1 of 1"):
        assert_close(large, large + 1)
    assert_close(np.array([1], np.uint8), np.array([2], np.uint8), rtol=0, atol=1)


def test_the_message_names_the_worst_element():
    actual, expected = np.ones((2, 3)), np.ones((2, 3))
    actual[0, 1], actual[1, 2] = 1.5, -3.0
    with pytest.raises(AssertionError) as info:
        assert_close(actual, expected)
    assert str(info.value) == (
        "the arrays are not close\n"
        "mismatched: 2 of 6 elements (33.3%), rtol=1e-07, atol=1e-07\n"
        "worst at (1, 2): actual -3.0, expected 1.0, difference 4 (4 relative)"
    )
    with pytest.raises(AssertionError, match=r"^weight\nmismatched"):
        assert_close(actual, expected, msg="weight")


def test_nan_and_infinity():
    assert_close(np.array([np.inf, -np.inf]), np.array([np.inf, -np.inf]))
    for wrong in (-np.inf, np.nan, 1.0):
        with pytest.raises(AssertionError, match=r"worst at \(1,\)"):
            assert_close(np.array([1.1, wrong]), np.array([1.0, np.inf]))
        with pytest.raises(AssertionError):
            assert_close(np.array([np.inf]), np.array([wrong]))
    nan = np.array([np.nan, 1])
    with pytest.raises(AssertionError, match=r"worst at \(0,\): actual nan, expected nan"):
        assert_close(nan, nan)
    assert_close(nan, nan, equal_nan=True)


def test_shapes_and_dtypes_must_agree():
    with pytest.raises(AssertionError, match=r"the shapes differ: actual \(2,\), expected \(1, 2\)"):
        assert_close(np.ones(2), np.ones((1, 2)))
    with pytest.raises(AssertionError, match="the dtypes differ: actual float32, expected float64"):
        assert_close(np.ones(2, np.float32), np.ones(2))
    assert_close(np.ones(2, np.float32) + np.float32(1e-6), np.ones(2), check_dtype=False)
    assert_close(np.ones((0, 2)), np.ones((0, 2)))


def test_tensors_and_numbers():
    assert_close(FakeTensor([1.0, 2.0]), np.array([1.0, 2.0]))
    assert_close(FakeTensor(np.float32(0.1)), 0.1)
    assert_close(1, 1.0)
    with pytest.raises(AssertionError, match=r"worst at \(\): actual 0.5, expected 0.25"):
        assert_close(0.5, FakeTensor(0.25))


def test_one_tolerance_alone_is_refused():
    with pytest.raises(ValueError, match=r"give both rtol and atol or neither, got rtol=0\.1 and atol=None"):
        assert_close(1.0, 1.0, rtol=0.1)
