"""Rows of the operations that put the same elements in another order, or more than once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .row import Array, Case, Mistake, Op, Source, method, named, taken
from .shapes import ARRANGING


def _flip(s: Source) -> Case:
    shape = s.shape()
    return Case((s.array(shape),), {"dims": s.dims(len(shape))})


def _flipped(array: Array, dims: tuple[int, ...]) -> Array:
    chosen = {d % array.ndim for d in dims if array.ndim}
    return taken(
        array,
        array.shape,
        lambda i: tuple(n - 1 - k if d in chosen else k for d, (k, n) in enumerate(zip(i, array.shape, strict=True))),
    )


def _roll(s: Source) -> Case:
    shape = s.shape()
    dims = s.dims(len(shape)) if shape else ()
    if not dims:
        return Case((s.array(shape),), {"shifts": s.integer(-7, 7)})
    shifts = tuple(s.integer(-7, 7) for _ in dims)
    one = len(dims) == 1 and s.flag()
    return Case((s.array(shape),), {"shifts": shifts[0] if one else shifts, "dims": dims[0] if one else dims})


def _rolled(array: Array, shifts: int | tuple[int, ...], dims: int | tuple[int, ...] | None = None) -> Array:
    if dims is None:
        elements = array.ravel().tolist()
        moved = [elements[(i - shifts) % len(elements)] for i in range(len(elements))]  # type: ignore[operator]
        return np.array(moved, array.dtype).reshape(array.shape)
    along = [dims] if isinstance(dims, int) else dims
    moves = dict(zip((d % array.ndim for d in along), np.atleast_1d(shifts).tolist(), strict=True))
    return taken(
        array,
        array.shape,
        lambda i: tuple((k - moves.get(d, 0)) % n for d, (k, n) in enumerate(zip(i, array.shape, strict=True))),
    )


def _repeat(s: Source) -> Case:
    shape = s.shape()
    return Case((s.array(shape),), {"repeats": tuple(s.integer(0, 3) for _ in range(len(shape) + s.integer(0, 1)))})


def _repeated(array: Array, repeats: Sequence[int]) -> Array:
    extra = len(repeats) - array.ndim
    shape = tuple(count * n for count, n in zip(repeats, (1,) * extra + array.shape, strict=True))
    return taken(array, shape, lambda i: tuple(k % n for k, n in zip(i[extra:], array.shape, strict=True)))


def _tile(s: Source) -> Case:
    shape = s.shape()
    return Case((s.array(shape),), {"dims": tuple(s.integer(0, 3) for _ in range(s.integer(0, len(shape) + 1)))})


def _tiled(array: Array, dims: tuple[int, ...]) -> Array:
    return _repeated(array, (1,) * (array.ndim - len(dims)) + dims)


def _meshgrid(s: Source) -> Case:
    vectors = [s.array(s.shape(max_dims=1)) for _ in range(s.integer(1, 3))]
    return Case(tuple(vectors), {"indexing": s.one_of("ij", "xy")})


def _grid(*arrays: Array, indexing: str) -> tuple[Array, ...]:
    vectors = [np.atleast_1d(array) for array in arrays]
    order = list(range(len(vectors)))  # the vector that each dimension of the grid belongs to
    if indexing == "xy" and len(vectors) > 1:
        order[:2] = 1, 0
    shape = tuple(len(vectors[k]) for k in order)
    return tuple(taken(vector, shape, lambda i, k=k: (i[order.index(k)],)) for k, vector in enumerate(vectors))


def _grids(lib: Any, *vectors: Any, indexing: str) -> Any:
    return tuple(lib.meshgrid(*vectors, indexing=indexing))


ROWS = [
    Op(
        "flip",
        named("flip"),
        _flipped,
        _flip,
        mistakes=(
            Mistake(lambda lib: lib.ones(2, 2).flip(0, -2), RuntimeError, "dim 0 appears multiple times"),
            Mistake(lambda lib: lib.ones(2).flip(1), IndexError, "Dimension out of range"),
            Mistake(lambda lib: lib.ones(2).flip(0.5), TypeError, "float|int"),
        ),
        **ARRANGING,
    ),
    Op(
        "roll",
        named("roll"),
        _rolled,
        _roll,
        mistakes=(
            Mistake(lambda lib: lib.ones(2).roll((1, 2), 0), RuntimeError, "must align. shifts: 2, dims: ?1"),
            Mistake(lambda lib: lib.ones(2).roll((1, 2)), RuntimeError, "must align. shifts: 2, dims: ?0"),
            Mistake(lambda lib: lib.ones(2).roll(()), RuntimeError, "`shifts` required"),
            Mistake(lambda lib: lib.ones(2).roll(1, 1), IndexError, "Dimension out of range"),
            Mistake(lambda lib: lib.ones(()).roll(1, 0), IndexError, "Dimension specified as 0 but tensor has no dim"),
        ),
        **ARRANGING,
    ),
    Op(
        "repeat",
        method("repeat"),
        _repeated,
        _repeat,
        mistakes=(
            Mistake(lambda lib: lib.ones(2, 2).repeat(3), RuntimeError, "can not be smaller than number of dimensions"),
            Mistake(lambda lib: lib.ones(2).repeat(-1), RuntimeError, "negative dimension"),
        ),
        **ARRANGING,
    ),
    Op(
        "tile",
        named("tile"),
        _tiled,
        _tile,
        mistakes=(Mistake(lambda lib: lib.ones(2).tile(-1), RuntimeError, "negative dimension"),),
        **ARRANGING,
    ),
    Op(
        "meshgrid",
        _grids,
        _grid,
        _meshgrid,
        mistakes=(
            Mistake(lambda lib: lib.meshgrid(), RuntimeError, "expects a non-empty TensorList"),
            Mistake(lambda lib: lib.meshgrid(lib.ones(1, 1), indexing="ij"), RuntimeError, "0D or 1D tensor"),
            Mistake(
                lambda lib: lib.meshgrid(lib.ones(1), lib.tensor([1]), indexing="ij"),
                RuntimeError,
                "expects all tensors to have the same dtype",
            ),
            Mistake(
                lambda lib: lib.meshgrid(lib.ones(1), indexing="yx"),
                RuntimeError,
                "indexing must be one of .* but received: yx",
            ),
        ),
        **ARRANGING,
    ),
]
