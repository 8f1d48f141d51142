"""Rows of arithmetic with two operands."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import INTEGERS, Case, Mistake, Op, Source, binary, each, named, unary

NOT_BROADCASTABLE = Mistake(
    lambda lib: lib.ones(2, 3) + lib.ones(2, 4),
    RuntimeError,
    r"add: shapes \(2, 3\) and \(2, 4\) do not broadcast: the sizes 3 and 4 at dimension 1",
)


def _with_alpha(s: Source) -> Case:
    return Case(binary()(s).tensors, {"alpha": s.one_of(1, -2, 3) if s.dtype.kind != "f" else s.one_of(1, 0.5, -3)})


def _quotients(s: Source) -> Case:
    """a and b with a/b well between two integers, where rounding it has a gradient (of zero)."""
    shape, divisor = s.broadcastable(2)
    b = s.array(divisor, "nonzero")
    if s.dtype.kind != "f":
        return Case((s.array(shape), b))
    shape = np.broadcast_shapes(shape, divisor)
    quotient = s.rng().integers(-3, 3, shape) + s.rng().uniform(0.1, 0.9, shape)
    return Case((np.asarray(quotient * b, b.dtype), b))


def _rounded(mode: str | None) -> Any:
    def call(lib: Any, a: Any, b: Any) -> Any:
        return lib.div(a, b, rounding_mode=mode)

    return call


def _divide(a: float, b: float) -> float:
    return a / b


def _scalar_exponent(s: Source) -> Case:
    exponent = s.one_of(0, 1, 2, 3) if s.dtype.kind != "f" else s.one_of(0, 1, 2, 3, -1, -2, 0.5, -1.5, 2.0)
    values = "nonzero" if exponent == int(exponent) else "positive"
    return Case((s.array(s.shape(), values),), {"exponent": exponent})


ROWS = [
    Op(
        "add",
        named("add"),
        each(lambda a, b, alpha: a + alpha * b),
        _with_alpha,
        linear=True,
        integers=(np.int64, np.int32),
        special=True,
        mistakes=(
            NOT_BROADCASTABLE,
            Mistake(lambda lib: lib.ones(2) + "a", TypeError, "add: expected a tensor or a num"),
            Mistake(
                lambda lib: lib.add(lib.tensor([1]), lib.tensor([1]), alpha=1.5),
                RuntimeError,
                r"add: alpha must not be a floating-point number for minitorch\.int64 tensors, got 1\.5",
            ),
        ),
    ),
    Op(
        "sub",
        named("sub"),
        each(lambda a, b, alpha: a - alpha * b),
        _with_alpha,
        linear=True,
        integers=(np.int64, np.int32),
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.tensor([True]) - lib.tensor([True]), RuntimeError, "with a bool tensor is not supp"
            ),
            Mistake(lambda lib: 1 - lib.tensor([True]), RuntimeError, "with a bool tensor is not supp"),
            Mistake(
                lambda lib: lib.sub(lib.tensor([1]), lib.tensor([1]), alpha=0.5),
                RuntimeError,
                "sub: alpha must not be a floating-point number",
            ),
        ),
    ),
    Op(
        "mul",
        named("mul"),
        each(lambda a, b: a * b),
        binary(),
        integers=(np.int64, np.int32),
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.ones(2) * None, TypeError, "mul: expected a tensor or a number, got NoneType"),
        ),
    ),
    Op("div", _rounded(None), each(_divide), binary(other="nonzero"), integers=INTEGERS, rtol=1e-5),
    Op(
        "div(trunc)",
        _rounded("trunc"),
        each(lambda a, b: type(a)(math.trunc(a / b))),
        _quotients,
        smooth=False,
        integers=INTEGERS,
    ),
    Op(
        "div(floor)",
        _rounded("floor"),
        each(lambda a, b: a // b),
        _quotients,
        smooth=False,
        integers=INTEGERS,
        mistakes=(
            Mistake(
                lambda lib: lib.div(lib.ones(1), lib.ones(1), rounding_mode="up"),
                RuntimeError,
                "one of None, 'trunc', or 'floor' but found 'up'",
            ),
        ),
    ),
    Op(
        "floor_divide",
        named("floor_divide"),
        each(lambda a, b: a // b),
        _quotients,
        smooth=False,
        integers=INTEGERS,
        in_torch=lambda case: case.tensors[0].dtype.kind != "f",  # PyTorch's floor_divide has no derivative
        mistakes=(
            Mistake(lambda lib: lib.tensor([1]) // lib.tensor([0]), RuntimeError, "ZeroDivisionError"),
            Mistake(lambda lib: lib.tensor([1]) // 0, RuntimeError, "ZeroDivisionError"),
            Mistake(
                lambda lib: lib.tensor([True]) // lib.tensor([True]),
                NotImplementedError,
                r"floor_divide: not implemented for minitorch\.bool tensors",
            ),
        ),
    ),
    Op(
        "remainder",
        named("remainder"),
        each(lambda a, b: a % b),
        _quotients,
        integers=INTEGERS,
        mistakes=(
            Mistake(lambda lib: lib.tensor([1]) % lib.tensor([0]), RuntimeError, "ZeroDivisionError"),
            Mistake(lambda lib: 5 % lib.tensor([2, 0]), RuntimeError, "ZeroDivisionError"),
        ),
    ),
    Op(
        "pow",
        named("pow"),
        each(lambda a, b: a**b),
        binary("positive", "normal"),
        mistakes=(
            Mistake(lambda lib: lib.tensor([2]) ** -1, RuntimeError, "Integers to negative integer powers are not all"),
            Mistake(
                lambda lib: lib.tensor([2]) ** lib.tensor([-1]), RuntimeError, "negative integer", as_pytorch=False
            ),
        ),
    ),
    Op("pow(number)", named("pow"), each(lambda a, exponent: a**exponent), _scalar_exponent, integers=INTEGERS),
    Op(
        "number ** tensor",
        lambda lib, x: 1.7**x,
        each(lambda x: 1.7**x),
        unary(),
    ),
]
