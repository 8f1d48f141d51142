"""Rows of comparisons, tests of elements, and logical and bitwise operators."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import INTEGERS, INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Source, binary, each, named, unary


def _few_values(s: Source) -> Case:
    """Numbers that are often equal."""
    case = binary()(s)
    return Case(tuple(np.asarray(np.round(t)) if t.dtype.kind == "f" else t for t in case.tensors))


def _comparison(name: str, function: Any, mistakes: tuple[Mistake, ...] = ()) -> Op:
    return Op(
        name,
        named(name),
        each(function),
        _few_values,
        differentiable=False,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=mistakes,
    )


def _logical(name: str, function: Any) -> Op:
    message = f"{name}: expected other to be a Tensor, got int"
    mistake = Mistake(lambda lib: getattr(lib, name)(lib.ones(1), 2), TypeError, message)
    return _comparison(name, lambda a, b: function(bool(a), bool(b)), (mistake,))


def _test(name: str, function: Any, integers: tuple[Any, ...] = INTEGERS) -> Op:
    return Op(name, named(name), each(function), unary(), differentiable=False, integers=integers, special=True)


def _close(a: float, b: float, rtol: float, atol: float, equal_nan: bool) -> bool:
    if a != a and b != b:
        return equal_nan
    return a == b or (math.isfinite(b) and math.isfinite(a) and abs(a - b) <= atol + rtol * abs(b))


def _nearly_equal(s: Source) -> Case:
    a, b = _few_values(s).tensors
    noise = s.one_of(0.0, 1e-6, 1e-2)
    kwargs = {"rtol": s.one_of(1e-5, 1e-3), "atol": s.one_of(1e-8, 0.1), "equal_nan": s.flag()}
    return Case((a, np.asarray(b + noise, b.dtype)), kwargs)


def _bitwise(name: str, function: Any) -> Op:
    return Op(
        name,
        named(name),
        each(function),
        binary(),
        floats=False,
        integers=INTEGERS_AND_BOOL,
        mistakes=(
            Mistake(
                lambda lib: getattr(lib, name)(lib.ones(1), lib.ones(1)),
                NotImplementedError,
                rf"{name}: not implemented for minitorch\.float32 tensors, only for bool and integer ones",
            ),
        ),
    )


def _distances(s: Source) -> Case:
    """Bits to shift by: usual distances, and those that leave nothing, negative ones among them."""
    shape, other = s.broadcastable(2)
    return Case((s.array(shape), s.rng().choice([0, 1, 2, 5, 7, 8, 31, 32, 63, 64, 100, -1], other).astype(s.dtype)))


def _shifted(shift: Any) -> Any:
    """The reference of a shift: of Python's unbounded integers, the lowest bits of which are kept."""

    def reference(a: Array, b: Array) -> Array:
        bits = 8 * a.dtype.itemsize
        a, b = np.broadcast_arrays(a, b)
        out = np.empty(a.shape, a.dtype)
        for index in np.ndindex(*a.shape):
            distance = int(b[index])
            kept = shift(int(a[index]), distance if 0 <= distance < bits else bits) % 2**bits
            out[index] = kept - 2**bits if a.dtype.kind == "i" and kept >= 2 ** (bits - 1) else kept
        return out

    return reference


def _shift(name: str, shift: Any) -> Op:
    return Op(
        name,
        named(name),
        _shifted(shift),
        _distances,
        floats=False,
        integers=INTEGERS,
        mistakes=tuple(
            Mistake(
                call, NotImplementedError, rf"not implemented for minitorch\.{dtype} tensors, only for integer ones"
            )
            for dtype, call in {
                "float32": lambda lib: getattr(lib, name)(lib.ones(1), 2),
                "bool": lambda lib: getattr(lib, name)(lib.tensor([True]), lib.tensor([True])),
            }.items()
        ),
    )


ROWS = [
    _comparison("eq", lambda a, b: a == b),
    _comparison("ne", lambda a, b: a != b),
    _comparison("lt", lambda a, b: a < b),
    _comparison("le", lambda a, b: a <= b),
    _comparison("gt", lambda a, b: a > b),
    _comparison("ge", lambda a, b: a >= b),
    _logical("logical_and", lambda a, b: a and b),
    _logical("logical_or", lambda a, b: a or b),
    _logical("logical_xor", lambda a, b: a != b),
    _test("logical_not", lambda x: not x, INTEGERS_AND_BOOL),
    _test("isnan", lambda x: x != x),
    _test("isinf", math.isinf),
    _test("isfinite", math.isfinite),
    Op(
        "isclose",
        named("isclose"),
        each(_close),
        _nearly_equal,
        differentiable=False,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.isclose(lib.ones(1), lib.ones(1), rtol=-0.4),
                RuntimeError,
                "rtol must be greater than or equal to zero, but got -0.4",
            ),
            Mistake(
                lambda lib: lib.allclose(lib.ones(1), lib.ones(1), atol=-0.4),
                RuntimeError,
                "atol must be greater than or equal to zero, but got -0.4",
            ),
            Mistake(
                lambda lib: lib.isclose(lib.ones(1), lib.ones(1, dtype=lib.float64)),
                RuntimeError,
                r"isclose: expected tensors of one dtype, got minitorch\.float32 and minitorch\.float64",
            ),
            Mistake(lambda lib: lib.isclose(lib.ones(1), 1.0), TypeError, "expected other to be a Tensor, got float"),
            Mistake(lambda lib: lib.equal(lib.ones(1), 1.0), TypeError, "expected other to be a Tensor, got float"),
        ),
    ),
    _bitwise("bitwise_and", lambda a, b: a & b),
    _bitwise("bitwise_or", lambda a, b: a | b),
    _bitwise("bitwise_xor", lambda a, b: a ^ b),
    _shift("bitwise_left_shift", lambda a, b: a << b),
    _shift("bitwise_right_shift", lambda a, b: a >> b),
    Op(
        "bitwise_not",
        named("bitwise_not"),
        lambda x: (
            np.array([not v if isinstance(v, bool) else -1 - v for v in x.ravel().tolist()], dtype=np.int64)
            .astype(x.dtype)
            .reshape(x.shape)
        ),
        unary(),
        floats=False,
        integers=INTEGERS_AND_BOOL,
        mistakes=(
            Mistake(lambda lib: ~lib.ones(1), TypeError, "only implemented on integer and bool tensors, got .*float32"),
            Mistake(
                lambda lib: lib.bitwise_not(lib.ones(1)),
                NotImplementedError,
                r"bitwise_not: not implemented for minitorch\.float32 tensors",
            ),
        ),
    ),
]
