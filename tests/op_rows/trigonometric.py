"""Rows of the trigonometric and hyperbolic functions."""

from __future__ import annotations

import math

import numpy as np

from .row import INTEGERS, INTEGERS_AND_BOOL, Mistake, Op, binary, each, named, unary

ROWS = [
    Op("sin", named("sin"), each(math.sin), unary(), integers=INTEGERS_AND_BOOL),
    Op("cos", named("cos"), each(math.cos), unary(), integers=INTEGERS_AND_BOOL),
    Op("tan", named("tan"), each(math.tan), unary("inside"), integers=INTEGERS_AND_BOOL),
    Op("asin", named("asin"), each(math.asin), unary("inside"), integers=(np.bool_,)),
    Op("acos", named("acos"), each(math.acos), unary("inside"), integers=(np.bool_,)),
    Op("atan", named("atan"), each(math.atan), unary(), integers=INTEGERS_AND_BOOL, special=True),
    Op(
        "atan2",
        named("atan2"),
        each(math.atan2),
        binary("nonzero"),
        integers=INTEGERS,
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.atan2(lib.ones(1), 1.0), TypeError, "atan2: expected other to be a Tensor, got flo"
            ),
            Mistake(
                lambda lib: lib.atan2(lib.ones(2), lib.ones(3)),
                RuntimeError,
                r"atan2: shapes \(2,\) and \(3,\) do not broadcast",
            ),
        ),
    ),
    Op("sinh", named("sinh"), each(math.sinh), unary(), integers=INTEGERS_AND_BOOL, special=True),
    Op("cosh", named("cosh"), each(math.cosh), unary(), integers=INTEGERS_AND_BOOL, special=True),
]
