"""Rows of the operations that take elements by their indices along a dimension, and put them there."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Shape, Source, named, taken
from .shapes import ARRANGING


def _dim_of(s: Source, shape: Shape) -> int:
    return s.integer(-len(shape), len(shape) - 1) if shape else s.integer(-1, 0)


def _places(s: Source, shape: Shape, dim: int, count: int | None = None) -> Array:
    """Indices into dimension ``dim``, no more of them than elements in the other dimensions."""
    sizes = [s.integer(0 if s.integer(0, 7) == 0 else min(n, 1), n) for n in shape]
    if shape:
        sizes[dim] = (s.integer(1, 4) if count is None else min(count, shape[dim])) if shape[dim] else 0
    high = shape[dim] if shape else 1
    places = np.asarray(s.rng().integers(0, max(high, 1), sizes))
    return places.astype(s.one_of(np.int64, np.int64, np.int32))


def _at(index: Shape, dim: int, place: int) -> Shape:
    dim %= max(len(index), 1)
    return (*index[:dim], place, *index[dim + 1 :]) if index else ()


# ---- taking ----------------------------------------------------------------------------------------------------------


def _index_select(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    dim = _dim_of(s, shape)
    count = s.integer(0, 4) if shape[dim] else 0
    index = s.rng().integers(0, max(shape[dim], 1), count).astype(s.one_of(np.int64, np.int32))
    return Case((s.array(shape), index), {"dim": dim})


def _slices(array: Array, index: Array, dim: int) -> Array:
    dim %= array.ndim
    shape = (*array.shape[:dim], len(index), *array.shape[dim + 1 :])
    return taken(array, shape, lambda i: _at(i, dim, index[i[dim]]))


def _gather(s: Source) -> Case:
    shape = s.shape()
    dim = _dim_of(s, shape)
    return Case((s.array(shape), _places(s, shape, dim)), {"dim": dim})


def _gathered(array: Array, index: Array, dim: int) -> Array:
    return taken(array, index.shape, lambda i: _at(i, dim, index[i]))


def _along(s: Source) -> Case:
    if s.integer(0, 4) == 0:
        shape = s.shape(min_side=1)
        size = int(np.prod(shape))
        return Case((s.array(shape), s.rng().integers(0, size, s.shape(max_dims=2))))
    ours, theirs = (list(shape) for shape in s.broadcastable(2))
    rank = max(len(ours), len(theirs), 1)
    ours, theirs = [1] * (rank - len(ours)) + ours, [1] * (rank - len(theirs)) + theirs
    dim = s.integer(-rank, rank - 1)
    ours[dim], theirs[dim] = s.integer(1, 4), s.integer(0, 4)
    return Case((s.array(tuple(ours)), s.indices(tuple(theirs), ours[dim])), {"dim": dim})


def _taken_along(array: Array, indices: Array, dim: int | None = None) -> Array:
    if dim is None:
        flat, places = array.ravel(), indices.ravel()
        return taken(flat, places.shape, lambda i: (places[i],))
    dim %= array.ndim
    without = np.broadcast_shapes(*((*a.shape[:dim], 1, *a.shape[dim + 1 :]) for a in (array, indices)))
    shape = (*without[:dim], indices.shape[dim], *without[dim + 1 :])

    def source(index: Shape) -> Shape:
        place = indices[tuple(0 if n == 1 else i for i, n in zip(index, indices.shape, strict=True))]
        return tuple(
            place if d == dim else 0 if n == 1 else i for d, (i, n) in enumerate(zip(index, array.shape, strict=True))
        )

    return taken(array, shape, source)


# ---- putting ---------------------------------------------------------------------------------------------------------


def _scatter(s: Source) -> Case:
    shape = s.shape()
    dim = _dim_of(s, shape)
    index = _places(s, shape, dim)
    source = tuple(n + s.integer(0, 1) for n in index.shape) if s.flag() else index.shape
    return Case((s.array(shape), index, s.array(source)), {"dim": dim})


def _of_one_size(case: Case) -> bool:
    """PyTorch has no gradient of a ``src`` that is larger than ``index``."""
    return case.tensors[1].shape == case.tensors[2].shape


def _each_once(s: Source) -> Case:
    """In PyTorch, gradients of ``scatter`` hold only where no element is written twice."""
    case = _scatter(s)
    array, index, source = case.tensors
    if index.ndim:
        order = np.moveaxis(s.rng().random(array.shape).argsort(case.kwargs["dim"]), case.kwargs["dim"], 0)
        count = min(index.shape[case.kwargs["dim"]], len(order))
        order = np.moveaxis(order[:count], 0, case.kwargs["dim"])
        index = order[tuple(slice(n) for n in index.shape)].astype(index.dtype)
    return Case((array, index, source), case.kwargs)


def _scattered(array: Array, index: Array, source: Array, dim: int) -> Array:
    out = array.copy()
    for i in np.ndindex(*index.shape):
        out[_at(i, dim, index[i])] = source[i]
    return out


def _numbers(s: Source) -> Case:
    case = _scatter(s)
    return Case(case.tensors[:2], {**case.kwargs, "value": s.one_of(3, 1)})


def _scattered_number(array: Array, index: Array, dim: int, value: float) -> Array:
    return _scattered(array, index, np.full(index.shape, value), dim)


def _added(array: Array, index: Array, source: Array, dim: int) -> Array:
    out = array.copy()
    for i in np.ndindex(*index.shape):
        out[_at(i, dim, index[i])] += source[i]
    return out


def _putting(name: str) -> Any:
    return lambda lib, x, index, src, dim: getattr(lib, name)(x, dim, index, src)


def _i(lib: Any, *numbers: Any) -> Any:
    return lib.tensor(list(numbers))


ROWS = [
    Op(
        "index_select",
        lambda lib, x, index, dim: lib.index_select(x, dim, index),
        _slices,
        _index_select,
        mistakes=(
            Mistake(lambda lib: lib.ones(3).index_select(0, _i(lib, 3)), IndexError, "out of bounds.*size 3|range"),
            Mistake(lambda lib: lib.ones(3).index_select(0, _i(lib, -1)), IndexError, "index -1|out of range"),
            Mistake(lambda lib: lib.ones(3).index_select(0, _i(lib, [1])), IndexError, "supposed to be a vector"),
            Mistake(lambda lib: lib.ones(3).index_select(0, _i(lib, 1.0)), RuntimeError, "Expected dtype int32"),
            Mistake(lambda lib: lib.ones(3).index_select(1, _i(lib, 1)), IndexError, "Dimension out of range"),
            Mistake(lambda lib: lib.ones(()).index_select(0, _i(lib, 0, 0)), RuntimeError, "only 1 value, got 2"),
        ),
        **ARRANGING,
    ),
    Op(
        "gather",
        lambda lib, x, index, dim: lib.gather(x, dim, index),
        _gathered,
        _gather,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(2, 3).gather(1, _i(lib, 1)), RuntimeError, "same number of dimensions as inpu"
            ),
            Mistake(
                lambda lib: lib.ones(2, 3).gather(1, _i(lib, [0], [1], [2])),
                RuntimeError,
                r"index \[3, 1\] to be no larger than self \[2, 3\] apart from dimension 1",
            ),
            Mistake(
                lambda lib: lib.ones(2, 3).gather(1, _i(lib, [3])),
                RuntimeError,
                "index 3 is out of bounds for dimension 1 with size 3",
            ),
            Mistake(lambda lib: lib.ones(2, 3).gather(1, _i(lib, [-1])), RuntimeError, "index -1 is out of bounds"),
            Mistake(lambda lib: lib.ones(2, 3).gather(1, _i(lib, [0.5])), RuntimeError, "Expected dtype int"),
        ),
        **ARRANGING,
    ),
    Op(
        "scatter",
        _putting("scatter"),
        _scattered,
        _each_once,
        in_torch=_of_one_size,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(2, 3).scatter(0, _i(lib, [0, 1]), lib.ones(1, 1)),
                RuntimeError,
                r"index \[1, 2\] to be no larger .*src \[1, 1\]",
            ),
            Mistake(
                lambda lib: lib.ones(2, 3).scatter(0, _i(lib, [0, 1]), lib.ones(())),
                RuntimeError,
                "same number of dimensions as src",
            ),
            Mistake(
                lambda lib: lib.ones(2, 3).scatter(0, _i(lib, [0]), lib.ones(1, 1).double()),
                RuntimeError,
                "Expected self.dtype to be equal to src.dtype",
            ),
            Mistake(lambda lib: lib.ones(2, 3).scatter(0, _i(lib, [0])), TypeError, "scatter"),
        ),
        **ARRANGING,
    ),
    Op(
        "scatter(number)",
        lambda lib, x, index, dim, value: lib.scatter(x, dim, index, value),
        _scattered_number,
        _numbers,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.ones(2).scatter(0, _i(lib, 2), 1), RuntimeError, "index 2 is out of bounds"),
            Mistake(lambda lib: lib.ones(2).scatter(0, _i(lib, [0]), 1), RuntimeError, "same number of dimensions"),
            Mistake(lambda lib: lib.ones(2).scatter(0, _i(lib, 0), "1"), TypeError, "scatter"),
            Mistake(lambda lib: lib.ones(2).scatter(0, _i(lib, 0), value=lib.ones(1)), TypeError, "must be Num|scat"),
        ),
    ),
    Op(
        "scatter_add",
        _putting("scatter_add"),
        _added,
        _scatter,
        in_torch=_of_one_size,
        linear=True,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(2).scatter_add(0, _i(lib, 0), 1), TypeError, "'src'.* must be Tensor, not int"
            ),
            Mistake(
                lambda lib: lib.ones(2).scatter_add(0, _i(lib, 0), _i(lib, 1)), RuntimeError, "Expected self.dtype to"
            ),
            Mistake(
                lambda lib: lib.ones(2).scatter_add(0, _i(lib, 2), lib.ones(1)), RuntimeError, "index 2 is out of bou"
            ),
        ),
    ),
    Op(
        "take_along_dim",
        named("take_along_dim"),
        _taken_along,
        _along,
        in_torch=lambda case: bool((case.tensors[1] >= 0).all()) or "dim" in case.kwargs,
        mistakes=(
            Mistake(
                lambda lib: lib.take_along_dim(lib.ones(2, 3), _i(lib, 0), 0),
                RuntimeError,
                "input and indices should have the same number of dimensions",
            ),
            Mistake(
                lambda lib: lib.take_along_dim(lib.ones(2, 3), _i(lib, [0], [1], [0]), 1), RuntimeError, "2.*3|3.*2"
            ),
            Mistake(
                lambda lib: lib.take_along_dim(lib.ones(2, 3), _i(lib, [0.5]), 0), RuntimeError, "dtype of indices"
            ),
            Mistake(
                lambda lib: lib.take_along_dim(lib.ones(2, 3), _i(lib, 6)), RuntimeError, "index 6 is out of bound"
            ),
            Mistake(lambda lib: lib.take_along_dim(lib.ones(()), lib.tensor(0), 0), IndexError, "no dimensions"),
        ),
        **ARRANGING,
    ),
]
