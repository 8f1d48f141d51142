"""``assert_close``, with PyTorch's tolerances and a message that says where and by how much."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# (rtol, atol) by dtype, as torch.testing.assert_close; every other dtype is compared exactly.
TOLERANCES = {
    np.dtype(np.float16): (1e-3, 1e-5),
    np.dtype(np.float32): (1.3e-6, 1e-5),
    np.dtype(np.float64): (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_dtype: bool = True,
    msg: str | None = None,
) -> None:
    """Raises ``AssertionError`` unless ``|actual - expected| <= atol + rtol * |expected|`` in every element.

    Args:
        actual: a Tensor, an array, or a number.
        expected: the same; shapes must be equal, nothing is broadcast.
        rtol: relative tolerance; give both or neither. The defaults are PyTorch's: 1.3e-6 for float32, 1e-7 for
            float64, 1e-3 for float16, 0 for integers and bool; where the dtypes differ, the larger.
        atol: absolute tolerance: 1e-5 for float32 and float16, 1e-7 for float64, 0 for integers and bool.
        equal_nan: whether NaN equals NaN. Infinities of one sign are always equal.
        check_dtype: whether the dtypes must be equal. A Python number has none.
        msg: replaces the first line of the message.

    >>> assert_close(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-9]))
    >>> assert_close(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    Traceback (most recent call last):
        ...
    AssertionError: the arrays are not close
    mismatched: 1 of 2 elements (50%), rtol=1e-07, atol=1e-07
    worst at (1,): actual 2.0, expected 2.5, difference 0.5 (0.2 relative)
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"assert_close: give both rtol and atol or neither, got rtol={rtol} and atol={atol}")
    a, b = _as_array(actual), _as_array(expected)
    if a.shape != b.shape:
        raise AssertionError(f"{msg or 'the shapes differ'}: actual {a.shape}, expected {b.shape}")
    numbers = (bool, int, float)
    if check_dtype and a.dtype != b.dtype and not isinstance(actual, numbers) and not isinstance(expected, numbers):
        raise AssertionError(f"{msg or 'the dtypes differ'}: actual {a.dtype}, expected {b.dtype}")
    if rtol is None or atol is None:
        # A Python number stands for any dtype: the other side decides.
        sides = [x.dtype for x, given in ((a, actual), (b, expected)) if not isinstance(given, numbers)]
        tolerances = [TOLERANCES.get(dtype, (0.0, 0.0)) for dtype in sides or [a.dtype, b.dtype]]
        rtol, atol = max(pair[0] for pair in tolerances), max(pair[1] for pair in tolerances)

    far = ~_close(a, b, rtol, atol, equal_nan)
    if far.any():
        raise AssertionError(f"{msg or 'the arrays are not close'}\n{_describe(a, b, far, rtol, atol)}")


def _as_array(value: Any) -> Array:
    """A NumPy array of a Tensor (on any device), an array or a number."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


@np.errstate(all="ignore")
def _close(a: Array, b: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    close = a == b
    if rtol or atol:
        # In float64, where the difference of two uint8 doesn't wrap around and that of two float16 doesn't overflow.
        a, b = a.astype(np.float64), b.astype(np.float64)
        # Only an equal number is close to an infinite one: rtol * inf would allow any.
        close = close | (np.isfinite(b) & (abs(a - b) <= atol + rtol * abs(b)))
    if equal_nan:
        close = close | ((a != a) & (b != b))
    return np.asarray(close)


@np.errstate(all="ignore")
def _describe(a: Array, b: Array, far: Array, rtol: float, atol: float) -> str:
    difference = abs(a.astype(np.float64) - b.astype(np.float64))
    difference = np.where(np.isnan(difference), np.inf, difference)  # NaN is as far from a number as can be
    worst = tuple(int(i) for i in np.unravel_index(np.where(far, difference, -1).argmax(), far.shape))
    gap, size = float(difference[worst]), abs(float(b[worst]))
    relative = f" ({gap / size:.3g} relative)" if size > 0 else ""
    return (
        f"mismatched: {far.sum()} of {far.size} elements ({100 * far.mean():.3g}%), rtol={rtol:g}, atol={atol:g}\n"
        f"worst at {worst}: actual {a[worst]}, expected {b[worst]}, difference {gap:.6g}{relative}"
    )
