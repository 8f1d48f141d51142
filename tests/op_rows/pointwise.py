"""Rows of the operations that work element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import INTEGERS, INTEGERS_AND_BOOL, Case, Mistake, Op, Source, apart, binary, each, named, unary

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


def _sign(x: float) -> float:
    return type(x)((x > 0) - (x < 0))


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
        linear=False,
    )


ARITHMETIC = [
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
        differentiable=False,
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
        differentiable=False,
        integers=INTEGERS,
        mistakes=(
            Mistake(lambda lib: lib.tensor([1]) // lib.tensor([0]), RuntimeError, "ZeroDivisionError"),
            Mistake(lambda lib: lib.tensor([1]) // 0, RuntimeError, "ZeroDivisionError"),
        ),
    ),
    Op(
        "remainder",
        named("remainder"),
        each(lambda a, b: a % b),
        _quotients,
        integers=INTEGERS,
        mistakes=(Mistake(lambda lib: lib.tensor([1]) % lib.tensor([0]), RuntimeError, "ZeroDivisionError"),),
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

FUNCTIONS = [
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
    Op("abs", named("abs"), each(abs), unary("distinct"), integers=INTEGERS, special=True),
    Op("exp", named("exp"), each(math.exp), unary(), integers=INTEGERS_AND_BOOL),
    Op("log", named("log"), each(math.log), unary("positive"), integers=INTEGERS),
    Op("sqrt", named("sqrt"), each(math.sqrt), unary("positive"), integers=INTEGERS),
    Op("rsqrt", named("rsqrt"), each(lambda x: 1 / math.sqrt(x)), unary("positive"), integers=INTEGERS),
    Op("reciprocal", named("reciprocal"), each(lambda x: 1 / x), unary("nonzero"), integers=INTEGERS),
    Op("sin", named("sin"), each(math.sin), unary(), integers=INTEGERS_AND_BOOL),
    Op("cos", named("cos"), each(math.cos), unary(), integers=INTEGERS_AND_BOOL),
    _rounding("floor", math.floor),
    _rounding("ceil", math.ceil),
    _rounding("trunc", math.trunc),
    _rounding("round", round),
    Op("sign", named("sign"), each(_sign), unary("distinct"), smooth=False, integers=INTEGERS_AND_BOOL, special=True),
]

SELECTION = [
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
    Op("maximum", named("maximum"), each(_larger), apart, integers=INTEGERS_AND_BOOL, special=True),
    Op("minimum", named("minimum"), each(_smaller), apart, integers=INTEGERS_AND_BOOL, special=True),
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


COMPARISON = [
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

ROWS = ARITHMETIC + FUNCTIONS + SELECTION + COMPARISON
