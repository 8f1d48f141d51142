"""Rows of the simplest functions of one tensor, and of rounding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import INTEGERS, INTEGERS_AND_BOOL, Case, Mistake, Op, Source, each, named, unary


def _sign(x: float) -> float:
    return type(x)((x > 0) - (x < 0))


def _decimals(s: Source) -> Case:
    """Odd multiples of 1/8 lie between two numbers of so many decimals, or are one; never are they half-way."""
    return Case((s.array(s.shape(), "distinct"),), {"decimals": s.one_of(-2, -1, 0, 1, 3)})


def _rounding(name: str, function: Any) -> Op:
    def reference(x: float) -> float:
        return math.copysign(function(x), x) if isinstance(x, float) and math.isfinite(x) else x

    return Op(
        name,
        named(name),
        each(reference),
        unary("distinct"),
        smooth=False,
        integers=INTEGERS,
        special=True,
        mistakes=(
            Mistake(
                lambda lib: getattr(lib, name)(lib.tensor([True])),
                NotImplementedError,
                rf"{name}: not implemented for minitorch\.bool tensors, only for integer and floating-point ones",
            ),
        ),
    )


ROWS = [
    Op(
        "neg",
        named("neg"),
        each(lambda x: -x),
        unary(),
        linear=True,
        integers=(np.int64, np.int32),
        special=True,
        mistakes=(Mistake(lambda lib: -lib.tensor([True]), RuntimeError, "on a bool tensor is not supported"),),
    ),
    Op("square", named("square"), each(lambda x: x * x), unary(), integers=(np.int64, np.int32), special=True),
    Op(
        "abs",
        named("abs"),
        each(abs),
        unary("distinct"),
        integers=INTEGERS,
        special=True,
        mistakes=(
            Mistake(lambda lib: abs(lib.tensor([True])), NotImplementedError, "abs: not implemented for .*bool"),
        ),
    ),
    Op(
        "positive",
        named("positive"),
        each(lambda x: x),
        unary(),
        linear=True,
        integers=INTEGERS,
        special=True,
        mistakes=(Mistake(lambda lib: +lib.tensor([True]), RuntimeError, "on a bool tensor is not supported"),),
    ),
    Op("sqrt", named("sqrt"), each(math.sqrt), unary("positive"), integers=INTEGERS),
    Op("rsqrt", named("rsqrt"), each(lambda x: 1 / math.sqrt(x)), unary("positive"), integers=INTEGERS),
    Op("reciprocal", named("reciprocal"), each(lambda x: 1 / x), unary("nonzero"), integers=INTEGERS),
    Op("sign", named("sign"), each(_sign), unary("distinct"), smooth=False, integers=INTEGERS_AND_BOOL, special=True),
    _rounding("floor", math.floor),
    _rounding("ceil", math.ceil),
    _rounding("trunc", math.trunc),
    _rounding("round", round),
    Op(
        "round(decimals)",
        named("round"),
        each(lambda x, decimals: round(x, decimals)),
        _decimals,
        smooth=False,
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.round(lib.tensor([15]), decimals=-1),
                NotImplementedError,
                r"round with decimals: not implemented for minitorch\.int64 tensors",
            ),
        ),
    ),
]
