"""CuPy as operations see it: its functions, but for those that don't mean what NumPy's do.

``backend.xp`` is this module. An operation is written once, with NumPy's functions in mind; where CuPy's function of
the same name gives something else, it is replaced here, so that an operation needn't know. Everything else is CuPy's.

One difference can't be mended here: an index that is out of range raises nothing in CuPy, it wraps around. So indices
are checked before (``minitorch.ops.gather.check_range``).
"""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

Array = Any  # a cupy.ndarray


def __getattr__(name: str) -> Any:
    value = getattr(cupy, name)
    globals()[name] = value  # found at once the next time
    return value


# ---- NaN -------------------------------------------------------------------------------------------------------------


def argmax(a: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The index of the first maximum, or of the first NaN; of several NaN CuPy's gives any."""
    return _first(a, a.max(axis=axis, keepdims=True), axis, keepdims)


def argmin(a: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The index of the first minimum, or of the first NaN."""
    return _first(a, a.min(axis=axis, keepdims=True), axis, keepdims)


def _first(a: Array, extreme: Array, axis: int | None, keepdims: bool) -> Array:
    found = a == extreme
    if a.dtype.kind == "f":
        found |= a != a  # where there is a NaN, it is the extreme too, and equal to nothing
    # Not of bools: CUB's argmax has been wrong for those whose memory is in Fortran's order.
    return cupy.argmax(found.view(np.uint8), axis=axis, keepdims=keepdims)


def argsort(a: Array, axis: int = -1, *, kind: str | None = None) -> Array:
    """The indices that sort stably, whatever ``kind``, with NaN last."""
    return cupy.argsort(_of_one_nan(a), axis=axis)


def partition(a: Array, kth: Any, axis: int = -1) -> Array:
    """Sorted as a whole. CuPy's takes ``<`` for its word, for which a NaN is equal to all numbers."""
    return cupy.sort(_of_one_nan(a), axis=axis)


def _of_one_nan(a: Array) -> Array:
    """``a`` with every NaN a positive one: Thrust sorts vectors by their bits, and puts those with a sign first."""
    return cupy.where(a != a, a.dtype.type(np.nan), a) if a.dtype.kind == "f" else a


# ---- division --------------------------------------------------------------------------------------------------------


def remainder(x1: Array, x2: Array) -> Array:
    """The remainder with the sign of ``x2``, exact. CuPy's is ``x1 - floor(x1/x2)*x2``, rounded, and inf - inf."""
    if x1.dtype.kind != "f":
        return cupy.remainder(x1, x2)
    rest = cupy.fmod(x1, x2)
    return cupy.copysign(cupy.where(_other_signs(rest, x2), rest + x2, rest), x2)


def floor_divide(x1: Array, x2: Array) -> Array:
    """The largest integer not above x1/x2. CuPy's rounds x1/x2 first: up to the next integer, at times."""
    if x1.dtype.kind != "f":
        return cupy.floor_divide(x1, x2)
    if x1.dtype.itemsize == 2:  # the quotient may need more digits than half precision has: rounded once, as NumPy's
        return floor_divide(x1.astype(np.float32), x2.astype(np.float32)).astype(np.float16)
    rest = cupy.fmod(x1, x2)
    # An integer but for rounding: the nearest one.
    quotient = cupy.rint((x1 - rest) / x2) - _other_signs(rest, x2)
    return cupy.where(x2 == 0, x1 / x2, cupy.where(quotient == 0, cupy.copysign(quotient, x1 / x2), quotient))


def _other_signs(rest: Array, divisor: Array) -> Array:
    return (rest != 0) & ((rest < 0) != (divisor < 0))
