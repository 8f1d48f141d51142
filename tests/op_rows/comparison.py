"""Rows of comparisons, tests of elements, and logical and bitwise operators."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import INTEGERS, INTEGERS_AND_BOOL, Case, Mistake, Op, Source, binary, each, named, unary


def _few_values(s: Source) -> Case:
    """Numbers that are often equal."""
    case = binary()(s)
    return Case(tuple(np.asarray(np.round(t)) if t.dtype.kind == "f" else t for t in case.tensors))


def _comparison(name: str, function: Any) -> Op:
    return Op(
        name, named(name), each(function), _few_values, differentiable=False, integers=INTEGERS_AND_BOOL, special=True
    )


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
                RuntimeError,
                f"{name}: expected integer or bool tensors, got minitorch.float32",
            ),
        ),
    )


ROWS = [
    _comparison("eq", lambda a, b: a == b),
    _comparison("ne", lambda a, b: a != b),
    _comparison("lt", lambda a, b: a < b),
    _comparison("le", lambda a, b: a <= b),
    _comparison("gt", lambda a, b: a > b),
    _comparison("ge", lambda a, b: a >= b),
    _comparison("logical_and", lambda a, b: bool(a) and bool(b)),
    _comparison("logical_or", lambda a, b: bool(a) or bool(b)),
    _comparison("logical_xor", lambda a, b: bool(a) != bool(b)),
    _test("logical_not", lambda x: not x, INTEGERS_AND_BOOL),
    _test("isnan", lambda x: x != x),
    _test("isinf", math.isinf),
    _test("isfinite", math.isfinite),
    Op("isclose", named("isclose"), each(_close), _nearly_equal, differentiable=False, special=True),
    _bitwise("bitwise_and", lambda a, b: a & b),
    _bitwise("bitwise_or", lambda a, b: a | b),
    _bitwise("bitwise_xor", lambda a, b: a ^ b),
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
        mistakes=(Mistake(lambda lib: ~lib.ones(1), TypeError, "bitwise_not: expected an integer or bool tensor"),),
    ),
]
