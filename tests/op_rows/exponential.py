"""Rows of exponentials and logarithms, and of the error function."""

from __future__ import annotations

import math

from .row import INTEGERS, INTEGERS_AND_BOOL, Op, each, named, unary

ROWS = [
    Op("exp", named("exp"), each(math.exp), unary(), integers=INTEGERS_AND_BOOL),
    Op("log", named("log"), each(math.log), unary("positive"), integers=INTEGERS),
    Op("erf", named("erf"), each(math.erf), unary(), integers=INTEGERS_AND_BOOL, special=True, atol=1e-6),
]
