"""Rows of diagonals and triangles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from .row import Array, Case, Mistake, Op, Source, named, taken
from .shapes import ARRANGING


def _diagonal(s: Source) -> Case:
    shape = s.shape(min_dims=2)
    dim1, dim2, *_ = s.draw(st.permutations(range(-len(shape), 0)))
    return Case((s.array(shape),), {"offset": s.integer(-3, 3), "dim1": dim1, "dim2": dim2 + len(shape) * s.flag()})


def _on_diagonal(array: Array, offset: int, dim1: int, dim2: int) -> Array:
    first, second = dim1 % array.ndim, dim2 % array.ndim
    places = [(i, i + offset) for i in range(array.shape[first]) if 0 <= i + offset < array.shape[second]]
    rest = [n for d, n in enumerate(array.shape) if d not in (first, second)]

    def source(index: tuple[int, ...]) -> tuple[int, ...]:
        others, at = iter(index[:-1]), places[index[-1]]
        return tuple(at[(first, second).index(d)] if d in (first, second) else next(others) for d in range(array.ndim))

    return taken(array, (*rest, len(places)), source)


def _diag(s: Source) -> Case:
    return Case((s.array(s.shape(1, 2)),), {"diagonal": s.integer(-3, 3)})


def _diagonal_matrix(array: Array, diagonal: int) -> Array:
    if array.ndim == 2:
        return _on_diagonal(array, diagonal, 0, 1)
    side = len(array) + abs(diagonal)
    out = np.zeros((side, side), array.dtype)
    for i, value in enumerate(array):
        out[i + max(-diagonal, 0), i + max(diagonal, 0)] = value
    return out


def _matrices(s: Source) -> Case:
    return Case((s.array(s.shape(2, 4)),), {"diagonal": s.integer(-4, 4)})


def _kept(array: Array, condition: Callable[[int], bool]) -> Array:
    out = np.zeros_like(array)
    for index in np.ndindex(*array.shape):
        if condition(index[-1] - index[-2]):
            out[index] = array[index]
    return out


ROWS = [
    Op(
        "diagonal",
        named("diagonal"),
        _on_diagonal,
        _diagonal,
        mistakes=(
            Mistake(lambda lib: lib.ones(3).diagonal(), IndexError, "Dimension out of range.*1"),
            Mistake(lambda lib: lib.ones(3, 3).diagonal(0, 0, -2), RuntimeError, "dimensions cannot be identical"),
            Mistake(lambda lib: lib.ones(3, 3).diagonal(0.5), TypeError, "offset"),
        ),
        **ARRANGING,
    ),
    Op(
        "diag",
        named("diag"),
        _diagonal_matrix,
        _diag,
        mistakes=(
            Mistake(lambda lib: lib.ones(()).diag(), RuntimeError, "1D or 2D tensors. Got 0D"),
            Mistake(lambda lib: lib.ones(1, 1, 1).diag(), RuntimeError, "1D or 2D tensors. Got 3D"),
        ),
        **ARRANGING,
    ),
    Op(
        "tril",
        named("tril"),
        lambda x, diagonal: _kept(x, lambda k: k <= diagonal),
        _matrices,
        mistakes=(Mistake(lambda lib: lib.ones(2).tril(), RuntimeError, "must have at least 2 dimensions"),),
        **ARRANGING,
    ),
    Op(
        "triu",
        named("triu"),
        lambda x, diagonal: _kept(x, lambda k: k >= diagonal),
        _matrices,
        mistakes=(Mistake(lambda lib: lib.ones(()).triu(), RuntimeError, "must have at least 2 dimensions"),),
        **ARRANGING,
    ),
]
