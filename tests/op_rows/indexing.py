"""Rows of indexing. The references look every element up by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import Array, Case, Mistake, Op, Source, taken
from .shapes import ARRANGING


def _call(lib: Any, x: Any, *indices: Any, index: Any = None) -> Any:
    """``x[index]``, or ``x[indices]`` where these are tensors."""
    return x[index] if not indices else x[indices if len(indices) > 1 else indices[0]]


def _basic(s: Source) -> Case:
    shape = s.shape()
    index: list[Any] = []
    for n in shape[: s.integer(0, len(shape))]:
        start, stop = s.integer(-n, n), s.integer(-n - 1, n + 1)
        kinds = [slice(None), slice(start, stop), slice(start, None, s.integer(1, 3)), slice(None, stop, 2)]
        index.append(s.one_of(*kinds, *([s.integer(-n, n - 1)] if n else [])))
    for _ in range(s.integer(0, 2)):
        index.insert(s.integer(0, len(index)), None)
    # An ellipsis may stand anywhere, for as many dimensions as are left; what comes after it counts from the back.
    if s.flag() and not any(isinstance(i, int) for i in index):
        index.append(...)
    return Case((s.array(shape),), {"index": tuple(index)})


def _looked_up(array: Array, index: tuple[Any, ...]) -> Array:
    """Integers, slices and None, one dimension after the other."""
    shape: list[int] = []
    sources: list[tuple[int, Any]] = []  # dimension of the result (or None) and the positions that it goes through
    dim = 0
    for item in index:
        if item is None:
            shape.append(1)
        elif item is not ...:
            positions = range(array.shape[dim])[item]
            if isinstance(positions, range):
                sources.append((len(shape), positions))
                shape.append(len(positions))
            else:
                sources.append((-1, positions))
            dim += 1
    for n in array.shape[dim:]:
        sources.append((len(shape), range(n)))
        shape.append(n)
    return taken(array, tuple(shape), lambda i: tuple(p if d < 0 else p[i[d]] for d, p in sources))


def _rows(s: Source) -> Case:
    shape = s.shape(min_dims=1, min_side=1)
    return Case((s.array(shape), s.indices(s.shape(max_dims=2), shape[0])))


def _row_by_row(array: Array, indices: Array) -> Array:
    split = indices.ndim
    return taken(array, indices.shape + array.shape[1:], lambda i: (indices[i[:split]], *i[split:]))


def _columns(s: Source) -> Case:
    shape = s.shape(min_dims=2, min_side=1)
    return Case((s.array(shape), s.indices((s.integer(0, 4),), shape[1])))


def _column_by_column(array: Array, indices: Array) -> Array:
    shape = (array.shape[0], len(indices), *array.shape[2:])
    return taken(array, shape, lambda i: (i[0], indices[i[1]], *i[2:]))


def _places(s: Source) -> Case:
    shape = s.shape(min_dims=2, min_side=1)
    first, second = s.broadcastable(2, max_dims=2)
    return Case((s.array(shape), s.indices(first, shape[0]), s.indices(second, shape[1])))


def _place_by_place(array: Array, first: Array, second: Array) -> Array:
    first, second = np.broadcast_arrays(first, second)
    split = first.ndim
    return taken(array, first.shape + array.shape[2:], lambda i: (first[i[:split]], second[i[:split]], *i[split:]))


def _around(s: Source) -> Case:
    shape = s.shape(min_dims=3, min_side=1)
    count = (s.integer(1, 3),)
    return Case((s.array(shape), s.indices(count, shape[0]), s.indices(count, shape[2])))


def _masked(s: Source) -> Case:
    shape = s.shape()
    return Case((s.array(shape), s.mask(shape[: s.integer(0, len(shape))])))


def _kept(array: Array, mask: Array) -> Array:
    rows = [array[index] for index in np.ndindex(*mask.shape) if mask[index]]
    return np.array(rows, array.dtype).reshape(len(rows), *array.shape[mask.ndim :])


ROWS = [
    Op(
        "getitem",
        _call,
        _looked_up,
        _basic,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(3)[3], IndexError, "index 3 is out of bounds for (axis|dimension) 0 with size 3"
            ),
            Mistake(lambda lib: lib.ones(3)[0, 0], IndexError, "too many indices"),
            Mistake(lambda lib: lib.ones(3)[::-1], ValueError, "step must be greater than zero"),
        ),
        **ARRANGING,
    ),
    Op(
        "getitem(indices)",
        _call,
        _row_by_row,
        _rows,
        mistakes=(
            Mistake(lambda lib: lib.ones(3)[lib.tensor([3])], IndexError, "index 3 is out of bounds"),
            Mistake(
                lambda lib: lib.ones(3)[lib.tensor([0.5])],
                IndexError,
                "tensors used as indices must be",
            ),
        ),
        **ARRANGING,
    ),
    Op("getitem(:, indices)", lambda lib, x, i: x[:, i], _column_by_column, _columns, **ARRANGING),
    Op(
        "getitem(indices, indices)",
        _call,
        _place_by_place,
        _places,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(3, 3)[lib.tensor([0, 1]), lib.tensor([0, 1, 2])],
                IndexError,
                "shape mismatch: indexing (arrays|tensors) could not be broadcast together",
            ),
        ),
        **ARRANGING,
    ),
    Op(
        "getitem(indices, :, indices)",
        lambda lib, x, i, j: x[i, :, j],
        lambda x, i, j: _place_by_place(np.moveaxis(x, 2, 1), i, j),
        _around,
        **ARRANGING,
    ),
    Op(
        "getitem(mask)",
        _call,
        _kept,
        _masked,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(3)[lib.tensor([True, False])],
                IndexError,
                "(boolean index|mask) .*did not match",
                as_pytorch=True,
            ),
        ),
        **ARRANGING,
    ),
]
