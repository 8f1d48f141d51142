"""Rows of the activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .row import INTEGERS, Array, Case, Mistake, Op, Source, each, functional, unary


def _relu(x: float) -> float:
    return x if x > 0 or x != x else type(x)(0)


def _clamp(x: float, low: float, high: float) -> float:
    return low if x < low else high if x > high else x


def _sigmoid(x: float) -> float:
    return 0.0 if x < -700 else 1 / (1 + math.exp(-x))


def _mish(x: float) -> float:
    return x * math.tanh(math.log1p(math.exp(x)))


def _gelu(x: float, approximate: str) -> float:
    if approximate == "none":
        return x * math.erfc(-x / math.sqrt(2)) / 2
    return x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def _softplus(x: float, beta: float, threshold: float) -> float:
    return x if beta * x > threshold else math.log1p(math.exp(beta * x)) / beta


def _selu(x: float) -> float:
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    return scale * x if x > 0 else scale * alpha * math.expm1(x)


def _with(values: str, **options: tuple[Any, ...]) -> Callable[[Source], Case]:
    """Cases of one tensor, and of each argument one of the values given."""
    return lambda s: Case(
        (s.array(s.shape(), values),), {name: s.one_of(*choices) for name, choices in options.items()}
    )


def _bounds(s: Source) -> Case:
    low, high = s.one_of((-1.0, 1.0), (0.0, 0.0), (-2.5, 0.5), (-1, 2))
    return Case((s.array(s.shape(), "distinct"),), {"min_val": low, "max_val": high})


def _prelu_case(s: Source) -> Case:
    shape = s.shape()
    channels = shape[1] if len(shape) > 1 else 1
    weight = s.one_of((), (1,), (channels,))
    return Case((s.array(shape, "distinct"), s.array(weight)))


def _prelu(input: Array, weight: Array) -> Array:
    out = input.copy()
    for index in np.ndindex(*input.shape):
        slope = weight.ravel()[index[1] if weight.size > 1 else 0] if weight.size else 0.0
        out[index] = input[index] if input[index] > 0 else slope * input[index]
    return out


def _halves(s: Source) -> Case:
    shape = list(s.shape(min_dims=1))
    dim = s.integer(-len(shape), len(shape) - 1)
    shape[dim] *= 2
    return Case((s.array(tuple(shape)),), {"dim": dim})


def _glu(array: Array, dim: int) -> Array:
    rows = np.moveaxis(array, dim, 0)
    half = len(rows) // 2
    out = np.empty((half, *rows.shape[1:]))
    for i, *place in np.ndindex(*out.shape):
        out[(i, *place)] = rows[(i, *place)] * _sigmoid(rows[(i + half, *place)])
    return np.moveaxis(out, 0, dim)


def _one_dim(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    return Case((s.array(shape),), {"dim": s.integer(-len(shape), len(shape) - 1)})


def _along(function: Callable[[list[float]], list[float]]) -> Callable[..., Array]:
    """The reference of an operation on every slice along ``dim``."""

    def reference(array: Array, dim: int) -> Array:
        moved = np.moveaxis(array, dim, -1)
        out = np.empty(moved.shape)
        for index in np.ndindex(*moved.shape[:-1]):
            out[index] = function(moved[index].tolist())
        return np.moveaxis(out, -1, dim)

    return reference


def _softmax(row: list[float]) -> list[float]:
    total = math.fsum(math.exp(x) for x in row)
    return [math.exp(x) / total for x in row]


def log_softmax(row: list[float]) -> list[float]:
    total = math.log(math.fsum(math.exp(x) for x in row)) if row else 0.0
    return [x - total for x in row]


def _out_of_range(name: str, message: str = "Dimension out of range") -> Mistake:
    return Mistake(lambda lib: getattr(lib.nn.functional, name)(lib.ones(2), 1), IndexError, message)


def _refused(name: str, dtype: str, *args: Any) -> Mistake:
    """A dtype that an activation doesn't take."""

    def call(lib: Any) -> Any:
        return getattr(lib.nn.functional, name)(lib.ones(2, dtype=getattr(lib, dtype)), *args)

    return Mistake(call, RuntimeError, rf"{name}: expected floating-point tensors, got minitorch\.{dtype}")


def _call_hardsigmoid(lib: Any, input: Any) -> Any:
    # PyTorch has no second derivative of its own.
    return lib.nn.functional.relu6(input + 3) / 6 if lib.__name__ == "torch" else lib.nn.functional.hardsigmoid(input)


RECTIFIERS = [
    Op(
        "relu",
        functional("relu"),
        each(_relu),
        unary("distinct"),
        integers=INTEGERS,
        special=True,
        mistakes=(_refused("relu", "bool"),),
    ),
    Op(
        "relu6",
        functional("relu6"),
        each(lambda x: _clamp(x, type(x)(0), type(x)(6))),
        unary("distinct"),
        integers=INTEGERS,
        special=True,
        mistakes=(_refused("relu6", "bool"),),
    ),
    Op(
        "leaky_relu",
        functional("leaky_relu"),
        each(lambda x, negative_slope: x if x > 0 else x * negative_slope),
        _with("distinct", negative_slope=(0.01, 0.5, -1.0)),
        special=True,
        mistakes=(_refused("leaky_relu", "int64"),),
    ),
    Op(
        "prelu",
        functional("prelu"),
        _prelu,
        _prelu_case,
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.prelu(lib.ones(()), lib.ones(2)), RuntimeError, "Not allow zero-dim input.*2 elements"
            ),
            Mistake(
                lambda lib: lib.prelu(lib.ones(2, 8, 3), lib.ones(9)),
                RuntimeError,
                r"parameter numbers = 9 and channel size = 8; the input's shape is \(2, 8, 3\)",
            ),
            Mistake(
                lambda lib: lib.prelu(lib.ones(2, 8, 3), lib.ones(2, 4)),
                RuntimeError,
                r"to be a scalar or 1D tensor, but got: ndim = 2, shape \(2, 4\)",
            ),
            Mistake(
                lambda lib: lib.prelu(lib.ones(2), lib.ones(1, dtype=lib.float64)),
                RuntimeError,
                r"prelu: expected tensors of one dtype, got minitorch\.float32 and minitorch\.float64",
            ),
        ),
    ),
    Op(
        "threshold",
        functional("threshold"),
        each(lambda x, threshold, value: type(x)(value) if x <= threshold else x),
        _with("distinct", threshold=(0, 1, -1), value=(0, 20, -7)),
        integers=(np.int64, np.int32),
        special=True,
        mistakes=(_refused("threshold", "bool", 0, 1),),
    ),
    Op(
        "hardtanh",
        functional("hardtanh"),
        each(lambda x, min_val, max_val: _clamp(x, type(x)(min_val), type(x)(max_val))),
        _bounds,
        integers=(np.int64, np.int32),
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.hardtanh(lib.ones(1), 0.5, -0.5),
                ValueError,
                "min_val cannot be greater than max_val, got min_val=0.5 and max_val=-0.5",
            ),
            Mistake(
                lambda lib: lib.nn.functional.hardtanh(lib.ones(1, dtype=lib.uint8)),
                RuntimeError,
                "on an unsigned type with negative limits, got min_val=-1",
            ),
            _refused("hardtanh", "bool"),
        ),
    ),
    Op(
        "hardsigmoid",
        _call_hardsigmoid,
        each(lambda x: _clamp(x + 3, 0.0, 6.0) / 6),
        unary("distinct"),
        special=True,
        mistakes=(_refused("hardsigmoid", "int64"),),
    ),
    Op(
        "hardswish",
        functional("hardswish"),
        each(lambda x: x * _clamp(x + 3, 0.0, 6.0) / 6),
        unary("distinct"),
        special=True,
        mistakes=(_refused("hardswish", "int64"),),
    ),
]

SMOOTH = [
    Op("tanh", lambda lib, x: lib.tanh(x), each(math.tanh), unary(), special=True),
    Op("sigmoid", lambda lib, x: lib.sigmoid(x), each(_sigmoid), unary(), special=True),
    Op(
        "elu",
        functional("elu"),
        each(lambda x, alpha: x if x > 0 else alpha * math.expm1(x)),
        _with("distinct", alpha=(1.0, 0.5, -2.0)),
        special=True,
        mistakes=(_refused("elu", "int64"),),
    ),
    Op(
        "selu",
        functional("selu"),
        each(_selu),
        unary("distinct"),
        special=True,
        mistakes=(_refused("selu", "int64"),),
    ),
    Op(
        "gelu",
        functional("gelu"),
        each(_gelu),
        _with("normal", approximate=("none", "tanh")),
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.gelu(lib.ones(()), approximate="asdf"),
                RuntimeError,
                "approximate argument must be either none or tanh, got 'asdf'",
            ),
            _refused("gelu", "int64"),
        ),
    ),
    Op(
        "silu",
        functional("silu"),
        each(lambda x: x / (1 + math.exp(-x))),
        unary(),
        special=True,
        mistakes=(_refused("silu", "int64"),),
    ),
    Op("mish", functional("mish"), each(_mish), unary(), special=True, mistakes=(_refused("mish", "int64"),)),
    Op(
        "softplus",
        functional("softplus"),
        each(_softplus),
        _with("distinct", beta=(1, 2.0, -0.5), threshold=(20, 1.0)),
        special=True,
        mistakes=(_refused("softplus", "int64"),),
    ),
    Op(
        "logsigmoid",
        functional("logsigmoid"),
        each(lambda x: -math.log1p(math.exp(-x))),
        unary(),
        special=True,
        mistakes=(_refused("logsigmoid", "int64"),),
    ),
    Op(
        "softsign",
        functional("softsign"),
        each(lambda x: x / (1 + abs(x))),
        unary("distinct"),
        integers=INTEGERS,
        special=True,
        mistakes=(_refused("softsign", "bool"),),
    ),
    Op(
        "glu",
        functional("glu"),
        _glu,
        _halves,
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.nn.functional.glu(lib.ones(())), RuntimeError, "does not support scalars"),
            Mistake(
                lambda lib: lib.nn.functional.glu(lib.ones(4, 5)),
                RuntimeError,
                r"must be even, but dimension 1 is size 5 of \(4, 5\)",
            ),
            _out_of_range("glu"),
            _refused("glu", "int64"),
        ),
    ),
]

OF_ROWS = [
    Op(
        "softmax",
        functional("softmax"),
        _along(_softmax),
        _one_dim,
        mistakes=(_out_of_range("softmax"), _refused("softmax", "int64", 0)),
    ),
    Op(
        "softmin",
        functional("softmin"),
        _along(lambda row: _softmax([-x for x in row])),
        _one_dim,
        mistakes=(
            _out_of_range("softmin"),
            Mistake(
                lambda lib: lib.nn.functional.softmin(lib.ones(2, dtype=lib.int64), 0),
                RuntimeError,
                "expected floating-point tensors",
            ),
        ),
    ),
    Op(
        "log_softmax",
        functional("log_softmax"),
        _along(log_softmax),
        _one_dim,
        mistakes=(_out_of_range("log_softmax"), _refused("log_softmax", "int64", 0)),
    ),
]

ROWS = [*RECTIFIERS, *SMOOTH, *OF_ROWS]
