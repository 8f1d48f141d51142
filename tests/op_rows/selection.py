"""Rows of the operations that choose between elements."""

from __future__ import annotations

import math
import sys

import numpy as np

from .row import INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Source, apart, each, named


def _clamp(s: Source) -> Case:
    bounds = s.one_of({"min": -1}, {"max": 1}, {"min": -1, "max": 1}, {"min": 1, "max": -1})
    if s.dtype.kind == "f":
        bounds = {name: value / 2 for name, value in bounds.items()}
    return Case((s.array(s.shape(), "distinct"),), bounds)


def _clamped(x: float, min: float = -math.inf, max: float = math.inf) -> float:
    if min != min:
        x = min
    if x != x:
        return x
    if x < min:
        x = min
    return max if x > max or max != max else x


def _tensor_bounds(s: Source) -> Case:
    x, low, high = apart(3)(s).tensors
    return s.one_of(Case((x, low)), Case((x, low, high)))


def _filled(s: Source) -> Case:
    shape, mask = s.broadcastable(2)
    return Case((s.array(shape), s.mask(mask), s.array(())))


def _filled_with_number(s: Source) -> Case:
    tensors = _filled(s).tensors[:2]
    return Case(tensors, {"value": s.one_of(0, 3, True) if s.dtype.kind != "f" else s.one_of(0, -2.5, 1e3)})


def _replacements(s: Source) -> Case:
    kwargs = s.one_of({}, {"nan": 2.0}, {"posinf": 3.0}, {"neginf": -4.5}, {"nan": 1.0, "posinf": 0.5, "neginf": 0.0})
    return Case((s.array(s.shape()),), kwargs)


def _finite(
    x: float, nan: float = 0.0, posinf: float = sys.float_info.max, neginf: float = -sys.float_info.max
) -> float:
    if x != x:
        return nan
    return posinf if x == math.inf else neginf if x == -math.inf else x


def _sometimes_zero(s: Source) -> Case:
    shape = s.shape()
    return Case((np.asarray(s.array(shape) * s.mask(shape), s.dtype),))


def _nonzero(array: Array) -> tuple[Array, ...]:
    array = np.atleast_1d(array)
    found = [index for index in np.ndindex(*array.shape) if array[index] != 0]
    return tuple(np.array([index[dim] for index in found], np.int64) for dim in range(array.ndim))


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
            Mistake(lambda lib: lib.where([True], 1, 2), TypeError, "expected condition to be a Tensor, got list"),
            Mistake(lambda lib: lib.where(lib.tensor([True]), 1), TypeError, "expected a tensor or a number, got None"),
        ),
    ),
    Op(
        "where(condition)",
        named("where"),
        _nonzero,
        _sometimes_zero,
        differentiable=False,
        integers=INTEGERS_AND_BOOL,
        special=True,
    ),
    Op(
        "masked_fill",
        named("masked_fill"),
        each(lambda x, masked, value: value if masked else x),
        _filled,
        linear=True,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(2).masked_fill(lib.tensor([1, 0]), 1.5),
                RuntimeError,
                "masked_fill only supports boolean masks, but got mask with dtype minitorch.int64",
            ),
            Mistake(
                lambda lib: lib.ones(2).masked_fill(lib.tensor([True]), lib.ones(1)),
                RuntimeError,
                r"only supports a 0-dimensional value tensor, but got one of shape \(1,\)",
            ),
            Mistake(
                lambda lib: lib.tensor([1], dtype=lib.uint8).masked_fill(lib.tensor([True]), 300),
                RuntimeError,
                "value 300 cannot be converted to type minitorch.uint8 without overflow",
            ),
            Mistake(
                lambda lib: lib.tensor([1], dtype=lib.int32).masked_fill(lib.tensor([True]), math.inf),
                RuntimeError,
                "value inf cannot be converted to type minitorch.int32 without overflow",
            ),
            Mistake(
                lambda lib: lib.ones(1, dtype=lib.float16).masked_fill(lib.tensor([True]), 1e6),
                RuntimeError,
                "value 1000000.0 cannot be converted to type minitorch.float16 without overflow",
            ),
            Mistake(
                lambda lib: lib.ones(2).masked_fill([True, False], 1.0),
                TypeError,
                "masked_fill: expected mask to be a Tensor, got list",
            ),
            Mistake(
                lambda lib: lib.ones(2).masked_fill(lib.ones(3) > 0, 1.0),
                RuntimeError,
                r"masked_fill: shapes \(2,\) and \(3,\) do not broadcast",
            ),
        ),
    ),
    Op(
        "masked_fill(number)",
        named("masked_fill"),
        each(lambda x, masked, value: type(x)(value) if masked else x),
        _filled_with_number,
        integers=INTEGERS_AND_BOOL,
        special=True,
    ),
    Op("nan_to_num", named("nan_to_num"), each(_finite), _replacements, integers=INTEGERS_AND_BOOL, special=True),
    Op(
        "maximum",
        named("maximum"),
        each(_larger),
        apart(),
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.maximum(lib.ones(1), 2), TypeError, "maximum: expected other to be a Tensor"),
        ),
    ),
    Op(
        "minimum",
        named("minimum"),
        each(_smaller),
        apart(),
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.minimum(lib.ones(1), 2), TypeError, "minimum: expected other to be a Tensor"),
        ),
    ),
    Op(
        "clamp",
        named("clamp"),
        each(_clamped),
        _clamp,
        integers=(np.int64, np.int32),
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.ones(2).clamp(), RuntimeError, "at least one of 'min' or 'max' must not be None"),
            Mistake(
                lambda lib: lib.ones(2).clamp(lib.ones(3)),
                RuntimeError,
                r"clamp: shapes \(2,\) and \(3,\) do not broadcast",
            ),
            Mistake(lambda lib: lib.ones(2).clamp([1, 2]), TypeError, "expected a tensor or a number, got list"),
            Mistake(
                lambda lib: lib.ones(2, dtype=lib.int32).clamp(max=10**12),
                RuntimeError,
                "value 1000000000000 cannot be converted to type minitorch.int32",
            ),
        ),
    ),
    Op(
        "clamp(tensors)",
        named("clamp"),
        each(_clamped),
        _tensor_bounds,
        integers=(np.int64, np.int32, np.uint8),
        special=True,
        # PyTorch 2.13 has no second derivative where the bounds broadcast the input.
        in_torch=lambda case: case.tensors[0].shape == np.broadcast_shapes(*[t.shape for t in case.tensors]),
    ),
    Op("clamp_min", named("clamp_min"), each(_clamped), apart(), integers=INTEGERS_AND_BOOL, special=True),
    Op(
        "clamp_max",
        named("clamp_max"),
        each(lambda x, high: _clamped(x, max=high)),
        apart(),
        integers=INTEGERS_AND_BOOL,
        special=True,
    ),
]
