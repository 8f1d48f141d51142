"""Rows of what is divided by a norm: local response norm, and vectors of norm 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import Array, Case, Mistake, Op, Source, functional


def _neighbours(s: Source) -> Case:
    kwargs = {"size": s.integer(1, 7), "alpha": s.one_of(1e-4, 2.0), "beta": s.one_of(0.75, 0.5, 2), "k": 1.5}
    return Case((s.array(s.shape(min_dims=3, max_dims=4)),), kwargs)


def _local_response_norm(input: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    out = np.empty(input.shape)
    for n, c, *place in np.ndindex(*input.shape):
        window = range(max(c - size // 2, 0), min(c + (size - 1) // 2 + 1, input.shape[1]))
        squares = math.fsum(float(input[(n, i, *place)]) ** 2 for i in window)
        out[(n, c, *place)] = input[(n, c, *place)] / (k + alpha / size * squares) ** beta
    return out


def _vectors(s: Source) -> Case:
    shape = s.shape(min_dims=1, min_side=1)
    dim = s.one_of(None, s.integer(-len(shape), len(shape) - 1), s.dims(len(shape), at_least=1))
    kwargs = {"p": s.one_of(2.0, 1, 3, 1.5, math.inf), "dim": dim, "eps": s.one_of(1e-12, 4.9)}
    # No two sizes are equal, so that one is the largest, and no norm is close to eps.
    return Case((s.array(shape, "distinct", repeated=False) + 0.03125,), kwargs)


def _normalize(input: Array, p: float, dim: Any, eps: float) -> Array:
    dims = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    together = {d % input.ndim for d in dims}
    norms: dict[Any, float] = {}
    for index in np.ndindex(*input.shape):
        place = tuple(-1 if d in together else i for d, i in enumerate(index))
        size = abs(float(input[index]))
        norms[place] = max(norms.get(place, 0.0), size) if p == math.inf else norms.get(place, 0.0) + size**p
    out = np.empty(input.shape)
    for index in np.ndindex(*input.shape):
        place = tuple(-1 if d in together else i for d, i in enumerate(index))
        out[index] = input[index] / max(norms[place] if p == math.inf else norms[place] ** (1 / p), eps)
    return out


ROWS = [
    Op(
        "local_response_norm",
        functional("local_response_norm"),
        _local_response_norm,
        _neighbours,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.local_response_norm(lib.ones(2, 3), 2),
                ValueError,
                r"Expected 3D or higher dimensionality input \(got 2 dimensions\)",
            ),
            Mistake(
                lambda lib: lib.nn.functional.local_response_norm(lib.ones(2, 3, 4), 0),
                RuntimeError,
                "size should be greater than zero, but got 0",
            ),
        ),
    ),
    Op(
        "normalize",
        functional("normalize"),
        _normalize,
        _vectors,
        mistakes=(
            Mistake(lambda lib: lib.nn.functional.normalize(lib.ones(2, 3), dim=2), IndexError, "got dim=2"),
            Mistake(
                lambda lib: lib.nn.functional.normalize(lib.ones(2, 3, dtype=lib.int64)),
                RuntimeError,
                r"expected a floating-point tensor, got minitorch\.int64",
            ),
            Mistake(
                lambda lib: lib.nn.functional.normalize(lib.ones(2, 0), math.inf),
                RuntimeError,
                "the inf norm of no elements",
            ),
        ),
    ),
]
