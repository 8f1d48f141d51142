"""Rows of exponentials and logarithms, of the error function, and of interpolation."""

from __future__ import annotations

import math

from .row import INTEGERS, INTEGERS_AND_BOOL, Case, Mistake, Op, Source, binary, each, named, unary


def _logaddexp(a: float, b: float) -> float:
    larger = max(a, b)
    if a != a or b != b:
        return math.nan
    if math.isinf(larger):
        return larger
    return larger + math.log(math.exp(a - larger) + math.exp(b - larger))


def _lerp(s: Source) -> Case:
    return Case(tuple(s.array(shape) for shape in s.broadcastable(3)))


def _lerp_number(s: Source) -> Case:
    return Case(binary()(s).tensors, {"weight": s.one_of(0, 0.25, 0.5, 0.75, 1, -1.5, 3)})


def _between(a: float, b: float, weight: float) -> float:
    return (1 - weight) * a + weight * b


ROWS = [
    Op("exp", named("exp"), each(math.exp), unary(), integers=INTEGERS_AND_BOOL),
    Op("exp2", named("exp2"), each(lambda x: 2.0**x), unary(), integers=INTEGERS_AND_BOOL, special=True),
    Op("expm1", named("expm1"), each(math.expm1), unary(), integers=INTEGERS_AND_BOOL, special=True),
    Op("log", named("log"), each(math.log), unary("positive"), integers=INTEGERS),
    Op("log1p", named("log1p"), each(math.log1p), unary("inside"), integers=(*INTEGERS_AND_BOOL[2:],)),
    Op("log2", named("log2"), each(math.log2), unary("positive"), integers=INTEGERS),
    Op("log10", named("log10"), each(math.log10), unary("positive"), integers=INTEGERS),
    Op("erf", named("erf"), each(math.erf), unary(), integers=INTEGERS_AND_BOOL, special=True, atol=1e-6),
    Op(
        "logaddexp",
        named("logaddexp"),
        each(_logaddexp),
        binary(),
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.logaddexp(lib.tensor([1]), lib.tensor([2])),
                NotImplementedError,
                r"logaddexp: not implemented for minitorch\.int64 tensors, only for floating-point ones",
            ),
            Mistake(
                lambda lib: lib.logaddexp(lib.ones(1), 1.0),
                TypeError,
                "logaddexp.*other.* to be a Tensor, got float",
            ),
            Mistake(
                lambda lib: lib.logaddexp(lib.ones(2), lib.ones(3)),
                RuntimeError,
                r"logaddexp: shapes \(2,\) and \(3,\) do not broadcast",
            ),
        ),
    ),
    Op(
        "lerp",
        named("lerp"),
        each(_between),
        _lerp,
        mistakes=(
            Mistake(
                lambda lib: lib.lerp(lib.ones(1), lib.ones(1, dtype=lib.float64), 0.5),
                RuntimeError,
                r"lerp: expected dtype minitorch\.float32 for `end` but got dtype minitorch\.float64",
            ),
            Mistake(
                lambda lib: lib.lerp(lib.ones(1), lib.ones(1), lib.tensor([0.5], dtype=lib.float64)),
                RuntimeError,
                "expected dtype .*float32 for `weight` but got dtype .*float64",
            ),
            Mistake(
                lambda lib: lib.lerp(lib.tensor([1]), lib.tensor([2]), 0.5),
                NotImplementedError,
                r"lerp: not implemented for minitorch\.int64 tensors",
            ),
            Mistake(lambda lib: lib.lerp(lib.ones(1), 2.0, 0.5), TypeError, "expected end to be a Tensor, got float"),
            Mistake(
                lambda lib: lib.lerp(lib.ones(2), lib.ones(3), 0.5),
                RuntimeError,
                r"lerp: shapes \(2,\) and \(3,\) and \(\) do not broadcast",
            ),
        ),
    ),
    Op("lerp(number)", named("lerp"), each(_between), _lerp_number, linear=True),
]
