"""Rows of the operations that cut tensors up and join them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import Array, Case, Mistake, Op, Source, named, taken
from .shapes import ARRANGING


def _cat(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    dim = s.integer(0, len(shape) - 1)
    pieces = [(*shape[:dim], s.integer(0, 3), *shape[dim + 1 :]) for _ in range(s.integer(1, 3))]
    if s.integer(0, 4) == 0:
        pieces.insert(s.integer(0, len(pieces)), (0,))  # is left out, whatever its rank
    return Case(tuple(s.array(piece) for piece in pieces), {"dim": dim - len(shape) * s.flag()})


def _joined(*arrays: Array, dim: int) -> Array:
    arrays = tuple(array for array in arrays if array.shape != (0,)) or arrays[:1]
    first = np.moveaxis(arrays[0], dim, 0)
    rows = [row for array in arrays for row in np.moveaxis(array, dim, 0)]
    return np.moveaxis(np.array(rows, first.dtype).reshape(len(rows), *first.shape[1:]), 0, dim)


def _stack(s: Source) -> Case:
    shape = s.shape()
    dim = s.integer(-len(shape) - 1, len(shape))
    return Case(tuple(s.array(shape) for _ in range(s.integer(1, 3))), {"dim": dim})


def _stacked(*arrays: Array, dim: int) -> Array:
    dim %= arrays[0].ndim + 1
    shape = arrays[0].shape
    out = np.empty((*shape[:dim], len(arrays), *shape[dim:]), arrays[0].dtype)
    for index in np.ndindex(*out.shape):
        out[index] = arrays[index[dim]][index[:dim] + index[dim + 1 :]]
    return out


def _narrow(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    dim = s.integer(0, len(shape) - 1)
    start = s.integer(0, shape[dim])
    kwargs = {"dim": dim, "start": start, "length": s.integer(0, shape[dim] - start)}
    return Case((s.array(shape),), kwargs)


def _narrowed(array: Array, dim: int, start: int, length: int) -> Array:
    shape = (*array.shape[:dim], length, *array.shape[dim + 1 :])
    return taken(array, shape, lambda i: (*i[:dim], i[dim] + start, *i[dim + 1 :]))


def _select(s: Source) -> Case:
    shape = s.shape(min_dims=1, min_side=1)
    dim = s.integer(-len(shape), len(shape) - 1)
    return Case((s.array(shape),), {"dim": dim, "index": s.integer(-shape[dim], shape[dim] - 1)})


def _selected(array: Array, dim: int, index: int) -> Array:
    return _unbound(array, dim)[index]


def _pieces(array: Array, dim: int, lengths: list[int]) -> tuple[Array, ...]:
    dim %= array.ndim
    return tuple(_narrowed(array, dim, sum(lengths[:k]), n) for k, n in enumerate(lengths))


def _split(s: Source) -> Case:
    shape = s.shape(min_dims=1, min_side=1)
    dim = s.integer(0, len(shape) - 1)
    cut = s.integer(0, shape[dim])
    sections = s.one_of(s.integer(1, 4), [cut, shape[dim] - cut])
    return Case((s.array(shape),), {"split_size_or_sections": sections, "dim": dim - len(shape) * s.flag()})


def _splitted(array: Array, split_size_or_sections: Any, dim: int) -> tuple[Array, ...]:
    size = array.shape[dim]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        split_size_or_sections = [step] * (size // step) + ([size % step] if size % step else [])
    return _pieces(array, dim, split_size_or_sections)


def _chunk(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    return Case((s.array(shape),), {"chunks": s.integer(1, 4), "dim": s.integer(-len(shape), len(shape) - 1)})


def _chunked(array: Array, chunks: int, dim: int) -> tuple[Array, ...]:
    size = array.shape[dim]
    return _splitted(array, math.ceil(size / chunks) if size else [0] * chunks, dim)


def _unbind(s: Source) -> Case:
    shape = s.shape(min_dims=1, min_side=1)
    return Case((s.array(shape),), {"dim": s.integer(-len(shape), len(shape) - 1)})


def _unbound(array: Array, dim: int) -> tuple[Array, ...]:
    dim %= array.ndim
    rest = array.shape[:dim] + array.shape[dim + 1 :]
    return tuple(taken(array, rest, lambda i, k=k: (*i[:dim], k, *i[dim:])) for k in range(array.shape[dim]))


ROWS = [
    Op(
        "cat",
        lambda lib, *xs, dim: lib.cat(xs, dim),
        _joined,
        _cat,
        mistakes=(
            Mistake(lambda lib: lib.cat([]), ValueError, "non-empty list of Tensors"),
            Mistake(
                lambda lib: lib.cat([lib.ones(2, 3), lib.ones(2, 4)]),
                RuntimeError,
                r"Sizes of tensors must match except in dimension 0. Expected .*3.* but got .*4",
            ),
            Mistake(
                lambda lib: lib.cat([lib.ones(2, 3), lib.ones(2, 3, 1)]),
                RuntimeError,
                "must have same number of dimensions: got 2 and 3",
            ),
            Mistake(lambda lib: lib.cat(lib.ones(2)), TypeError, "must be tuple of Tensors, not Tensor"),
            Mistake(lambda lib: lib.cat([1]), TypeError, "expected Tensor as element 0 .*got int"),
            Mistake(lambda lib: lib.cat([lib.ones(2)], 1), IndexError, "Dimension out of range"),
            Mistake(
                lambda lib: lib.cat([lib.ones(())]), RuntimeError, "zero-dimensional tensor .* cannot be concatenated"
            ),
        ),
        **ARRANGING,
    ),
    Op("concat", lambda lib, *xs, dim: lib.concat(xs, dim), _joined, _cat, **ARRANGING),
    Op("concatenate", lambda lib, *xs, dim: lib.concatenate(xs, dim), _joined, _cat, **ARRANGING),
    Op(
        "stack",
        lambda lib, *xs, dim: lib.stack(xs, dim),
        _stacked,
        _stack,
        mistakes=(
            Mistake(lambda lib: lib.stack([]), RuntimeError, "stack expects a non-empty"),
            Mistake(
                lambda lib: lib.stack([lib.ones(2), lib.ones(3)]), RuntimeError, "stack expects each tensor to be equal"
            ),
        ),
        **ARRANGING,
    ),
    Op(
        "narrow",
        named("narrow"),
        _narrowed,
        _narrow,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(3).narrow(0, 2, 2), RuntimeError, r"start \(2\) \+ length \(2\) exceeds dimension"
            ),
            Mistake(lambda lib: lib.ones(3).narrow(0, 4, 0), IndexError, r"start out of range .*\[-3, 3\], but got 4"),
            Mistake(lambda lib: lib.ones(3).narrow(0, 0, -1), RuntimeError, "length must be non-negative"),
            Mistake(lambda lib: lib.ones(()).narrow(0, 0, 1), RuntimeError, "cannot be applied to a 0-dim tensor"),
            Mistake(
                lambda lib: lib.ones(3).narrow(0, lib.tensor([0]), 1), RuntimeError, "start must be an 0-dim integral"
            ),
        ),
        **ARRANGING,
    ),
    Op(
        "select",
        named("select"),
        _selected,
        _select,
        mistakes=(
            Mistake(lambda lib: lib.ones(2, 3).select(1, 3), IndexError, r"index 3 out of range .*\[2, 3\]"),
            Mistake(lambda lib: lib.ones(2, 3).select(1, -4), IndexError, "index -4 out of range"),
            Mistake(lambda lib: lib.ones(()).select(0, 0), IndexError, "cannot be applied to a 0-dim tensor"),
        ),
        **ARRANGING,
    ),
    Op(
        "split",
        lambda lib, x, **kwargs: tuple(lib.split(x, **kwargs)),
        _splitted,
        _split,
        mistakes=(
            Mistake(lambda lib: lib.ones(3).split([1, 1]), RuntimeError, "split_sizes to .*sum exactly to 3"),
            Mistake(lambda lib: lib.ones(3).split(-1), RuntimeError, "split expects split_size"),
            Mistake(lambda lib: lib.ones(3).split(0), RuntimeError, "split expects|can only be 0"),
            Mistake(lambda lib: lib.ones(3).split([4, -1]), RuntimeError, "non-negative"),
            Mistake(lambda lib: lib.ones(()).split(1), RuntimeError, "at least a 1-dimensional tensor"),
        ),
        **ARRANGING,
    ),
    Op(
        "chunk",
        lambda lib, x, **kwargs: tuple(lib.chunk(x, **kwargs)),
        _chunked,
        _chunk,
        mistakes=(
            Mistake(lambda lib: lib.ones(3).chunk(0), RuntimeError, "chunks.* to be greater than 0, got: 0"),
            Mistake(lambda lib: lib.ones(()).chunk(1), RuntimeError, "at least a 1-dimensional tensor"),
        ),
        **ARRANGING,
    ),
    Op(
        "unbind",
        lambda lib, x, dim: tuple(lib.unbind(x, dim)),
        _unbound,
        _unbind,
        mistakes=(Mistake(lambda lib: lib.ones(()).unbind(), IndexError, "tensor has no dimensions"),),
        **ARRANGING,
    ),
]
