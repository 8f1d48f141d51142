"""Rows of the trigonometric and hyperbolic functions."""

from __future__ import annotations

import math

from .row import INTEGERS_AND_BOOL, Op, each, named, unary

ROWS = [
    Op("sin", named("sin"), each(math.sin), unary(), integers=INTEGERS_AND_BOOL),
    Op("cos", named("cos"), each(math.cos), unary(), integers=INTEGERS_AND_BOOL),
]
