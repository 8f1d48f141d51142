"""Rows of the activations."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .row import Array, Case, Mistake, Op, Source, each, functional, unary


def _relu(x: float) -> float:
    return x if x > 0 or x != x else 0.0


def _leaky_relu(x: float, negative_slope: float) -> float:
    return x if x > 0 else x * negative_slope


def _slope(s: Source) -> Case:
    return Case((s.array(s.shape(), "distinct"),), {"negative_slope": s.one_of(0.01, 0.5, -1.0)})


def _sigmoid(x: float) -> float:
    return 0.0 if x < -700 else 1 / (1 + math.exp(-x))


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


ROWS = [
    Op("relu", functional("relu"), each(_relu), unary("distinct"), special=True),
    Op("leaky_relu", functional("leaky_relu"), each(_leaky_relu), _slope, special=True),
    Op("tanh", lambda lib, x: lib.tanh(x), each(math.tanh), unary(), special=True),
    Op("sigmoid", lambda lib, x: lib.sigmoid(x), each(_sigmoid), unary(), special=True),
    Op(
        "softmax",
        functional("softmax"),
        _along(_softmax),
        _one_dim,
        mistakes=(
            Mistake(lambda lib: lib.nn.functional.softmax(lib.ones(2), 1), IndexError, "Dimension out of range"),
        ),
    ),
    Op("log_softmax", functional("log_softmax"), _along(log_softmax), _one_dim),
]
