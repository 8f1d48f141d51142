"""Rows of the operations that choose between elements."""

from __future__ import annotations

import math

import numpy as np

from .row import INTEGERS_AND_BOOL, Case, Mistake, Op, Source, apart, each, named


def _clamp(s: Source) -> Case:
    bounds = s.one_of({"min": -1}, {"max": 1}, {"min": -1, "max": 1}, {"min": 1, "max": -1})
    if s.dtype.kind == "f":
        bounds = {name: value / 2 for name, value in bounds.items()}
    return Case((s.array(s.shape(), "distinct"),), bounds)


def _clamped(x: float, min: float = -math.inf, max: float = math.inf) -> float:
    if x != x:
        return x
    if x < min:
        x = min
    return max if x > max else x


def _where(s: Source) -> Case:
    condition, a, b = s.broadcastable(3)
    return Case((s.mask(condition), s.array(a), s.array(b)))


def _larger(a: float, b: float) -> float:
    return a if a != a or a > b else b


def _smaller(a: float, b: float) -> float:
    return a if a != a or a < b else b


ROWS = [
    Op(
        "where",
        named("where"),
        each(lambda condition, a, b: a if condition else b),
        _where,
        linear=True,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.where(lib.ones(2), lib.ones(2), lib.ones(2)),
                RuntimeError,
                "condition to be a boolean tensor, but got a tensor with dtype minitorch.float32",
            ),
            Mistake(
                lambda lib: lib.where(lib.ones(2) > 0, lib.ones(3), lib.ones(3)),
                RuntimeError,
                r"where: shapes \(2,\) and \(3,\) and \(3,\) do not broadcast",
            ),
        ),
    ),
    Op("maximum", named("maximum"), each(_larger), apart(), integers=INTEGERS_AND_BOOL, special=True),
    Op("minimum", named("minimum"), each(_smaller), apart(), integers=INTEGERS_AND_BOOL, special=True),
    Op(
        "clamp",
        named("clamp"),
        each(_clamped),
        _clamp,
        integers=(np.int64, np.int32),
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.ones(2).clamp(), RuntimeError, "at least one of 'min' or 'max' must not be None"),
        ),
    ),
]
