"""Rows of the operations that arrange elements: views, pieces, joins, indexing, copies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .row import INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Source, method, named, taken, unary

# Everything here is linear, exact in every dtype, and indifferent to what the elements are.
ARRANGING = {"linear": True, "integers": INTEGERS_AND_BOOL, "special": True}


def _of_elements(array: Array, shape: tuple[int, ...]) -> Array:
    """The elements in C order, in another shape."""
    out = np.empty(shape, array.dtype)
    for index, value in zip(np.ndindex(*shape), (array[i] for i in np.ndindex(*array.shape)), strict=True):
        out[index] = value
    return out


def _reshape(s: Source) -> Case:
    shape = s.shape(min_side=1)
    factors = [p for n in shape for p in _primes(n)]
    new: list[int] = []
    for p in factors:
        if new and s.flag():
            new[s.integer(0, len(new) - 1)] *= p
        else:
            new.insert(s.integer(0, len(new)), p)
    if new and s.flag():
        new[s.integer(0, len(new) - 1)] = -1
    return Case((s.array(shape),), {"shape": tuple(new)})


def _primes(n: int) -> list[int]:
    for p in range(2, n + 1):
        if n % p == 0:
            return [p, *_primes(n // p)]
    return []


def _reshaped(array: Array, shape: tuple[int, ...]) -> Array:
    known = math.prod(n for n in shape if n != -1)
    return _of_elements(array, tuple(array.size // known if n == -1 else n for n in shape))


def _viewed(s: Source) -> Case:
    case = _reshape(s)
    return Case((np.ascontiguousarray(case.tensors[0]).reshape(case.tensors[0].shape),), case.kwargs)


def _flatten(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    start, end = sorted((s.integer(0, len(shape) - 1), s.integer(0, len(shape) - 1)))
    return Case((s.array(shape),), {"start_dim": start, "end_dim": end - len(shape)})


def _flattened(array: Array, start_dim: int, end_dim: int) -> Array:
    end = end_dim % array.ndim
    middle = math.prod(array.shape[start_dim : end + 1])
    return _of_elements(array, (*array.shape[:start_dim], middle, *array.shape[end + 1 :]))


def _unflatten(s: Source) -> Case:
    shape = list(s.shape(min_dims=1))
    dim = s.integer(0, len(shape) - 1)
    sizes = (s.integer(1, 3), s.integer(1, 3))
    shape[dim] = sizes[0] * sizes[1]
    hidden = s.one_of(sizes, (-1, sizes[1])) if all(shape) else sizes
    return Case((s.array(tuple(shape)),), {"dim": dim - len(shape) * s.flag(), "sizes": hidden})


def _unflattened(array: Array, dim: int, sizes: tuple[int, ...]) -> Array:
    dim %= array.ndim
    sizes = tuple(array.shape[dim] // sizes[1] if n == -1 else n for n in sizes)
    return _of_elements(array, (*array.shape[:dim], *sizes, *array.shape[dim + 1 :]))


def _squeeze(s: Source) -> Case:
    shape = tuple(1 if s.flag() else n for n in s.shape())
    dims = s.dims(len(shape))
    kwargs = s.one_of({}, {"dim": dims}, {"dim": dims[0]} if dims else {})
    return Case((s.array(shape),), kwargs)


def _squeezed(array: Array, dim: Any = None) -> Array:
    dims = range(array.ndim) if dim is None else [d % array.ndim for d in ([dim] if isinstance(dim, int) else dim)]
    return _of_elements(array, tuple(n for d, n in enumerate(array.shape) if not (d in dims and n == 1)))


def _unsqueeze(s: Source) -> Case:
    shape = s.shape()
    return Case((s.array(shape),), {"dim": s.integer(-len(shape) - 1, len(shape))})


def _unsqueezed(array: Array, dim: int) -> Array:
    dim %= array.ndim + 1
    return _of_elements(array, (*array.shape[:dim], 1, *array.shape[dim:]))


def _permute(s: Source) -> Case:
    dims = s.one_of(0, 1, 2, 3, 3, 3, 4, 4)  # a permutation of two is its own inverse
    shape = s.shape(dims, dims)
    order = s.draw(st.permutations(range(len(shape))))
    return Case((s.array(shape),), {"dims": tuple(d - len(shape) if s.flag() else d for d in order)})


def _permuted(array: Array, dims: tuple[int, ...]) -> Array:
    order = [d % array.ndim for d in dims]
    where = [order.index(d) for d in range(array.ndim)]
    return taken(array, tuple(array.shape[d] for d in order), lambda i: tuple(i[w] for w in where))


def _transpose(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    n = len(shape)
    return Case((s.array(shape),), {"dim0": s.integer(-n, n - 1), "dim1": s.integer(-n, n - 1)})


def _transposed(array: Array, dim0: int, dim1: int) -> Array:
    order = list(range(array.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return _permuted(array, tuple(order))


def _movedim(s: Source) -> Case:
    shape = s.shape()
    source = s.dims(len(shape)) if shape else ()
    places = s.draw(st.permutations(range(-len(shape), 0)))[: len(source)]
    if len(source) == 1 and s.flag():
        return Case((s.array(shape),), {"source": source[0], "destination": places[0]})
    return Case((s.array(shape),), {"source": source, "destination": tuple(places)})


def _moved(array: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Array:
    sources, destinations = ([d] if isinstance(d, int) else list(d) for d in (source, destination))
    order: list[int | None] = [None] * array.ndim
    for a, b in zip(sources, destinations, strict=True):
        order[b] = a % array.ndim
    for d in range(array.ndim):
        if d not in order:
            order[order.index(None)] = d
    return _permuted(array, tuple(d for d in order if d is not None))


def _expand(s: Source) -> Case:
    small, other = s.broadcastable(2)
    size = np.broadcast_shapes(small, other)
    extra = len(size) - len(small)
    kept = tuple(-1 if d >= extra and n == small[d - extra] and s.flag() else n for d, n in enumerate(size))
    return Case((s.array(small),), {"size": kept})


def _expanded(array: Array, size: tuple[int, ...]) -> Array:
    extra = len(size) - array.ndim
    shape = tuple(array.shape[d - extra] if n == -1 else n for d, n in enumerate(size))
    return taken(array, shape, lambda i: tuple(0 if n == 1 else k for k, n in zip(i[extra:], array.shape, strict=True)))


def _broadcast(s: Source) -> Case:
    case = _expand(s)
    return Case(case.tensors, {"size": _expanded(case.tensors[0], case.kwargs["size"]).shape})


def _matrix(s: Source) -> Case:
    return Case((s.array(s.shape(min_dims=2)),))


def _two_dimensions(s: Source) -> Case:
    return Case((s.array(s.shape(min_dims=2, max_dims=2)),))


def _up_to_a_matrix(s: Source) -> Case:
    return Case((s.array(s.shape(max_dims=2)),))


def _swapped(array: Array) -> Array:
    return array if array.ndim < 2 else _transposed(array, -1, -2)


ROWS = [
    Op(
        "reshape",
        lambda lib, x, shape: lib.reshape(x, shape),
        _reshaped,
        _reshape,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(6).reshape(4, -1),
                RuntimeError,
                r"shape '\[4, -1\]' is invalid for input of size 6",
            ),
            Mistake(lambda lib: lib.ones(6).reshape(5), RuntimeError, r"shape '\[5\]' is invalid for input of size 6"),
            Mistake(lambda lib: lib.ones(6).reshape(-1, -1), RuntimeError, "only one dimension can be inferred"),
            Mistake(lambda lib: lib.ones(0, 2).reshape(0, -1), RuntimeError, "can be any value and is ambiguous"),
            Mistake(lambda lib: lib.ones(6).reshape(-2, -3), RuntimeError, "invalid shape dimension"),
        ),
        **ARRANGING,
    ),
    Op(
        "view",
        lambda lib, x, shape: x.view(shape),
        _reshaped,
        _viewed,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(2, 3).T.view(6), RuntimeError, "view size is not compatible with input tensor's"
            ),
        ),
        **ARRANGING,
    ),
    Op(
        "flatten",
        named("flatten"),
        _flattened,
        _flatten,
        mistakes=(
            Mistake(lambda lib: lib.ones(2, 3).flatten(1, 0), RuntimeError, "start_dim cannot come after end_dim"),
        ),
        **ARRANGING,
    ),
    Op(
        "unflatten",
        method("unflatten"),
        _unflattened,
        _unflatten,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(6).unflatten(0, (4, 2)), RuntimeError, "don't multiply up to the size of dim 0"
            ),
            Mistake(lambda lib: lib.ones(6).unflatten(0, (6, -1, -1)), RuntimeError, "unflatten"),
            Mistake(lambda lib: lib.ones(0).unflatten(0, (0, -1)), RuntimeError, "unflatten"),
            Mistake(lambda lib: lib.ones(6).unflatten(0, ()), RuntimeError, "sizes must be non-empty"),
            Mistake(lambda lib: lib.ones(()).unflatten(0, (1,)), RuntimeError, "tensor has no dimensions"),
        ),
        **ARRANGING,
    ),
    Op(
        "squeeze",
        named("squeeze"),
        _squeezed,
        _squeeze,
        mistakes=(
            Mistake(lambda lib: lib.ones(1, 1).squeeze((0, -2)), RuntimeError, "appears multiple times"),
            Mistake(lambda lib: lib.ones(1).squeeze(1), IndexError, "Dimension out of range"),
        ),
        **ARRANGING,
    ),
    Op("unsqueeze", named("unsqueeze"), _unsqueezed, _unsqueeze, **ARRANGING),
    Op(
        "permute",
        lambda lib, x, dims: lib.permute(x, dims),
        _permuted,
        _permute,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(2, 3).permute(0, 0), RuntimeError, r"permute: dims \[0, 0\]|permute\(\): duplicate"
            ),
            Mistake(lambda lib: lib.ones(2, 3).permute(0), RuntimeError, "permute"),
        ),
        **ARRANGING,
    ),
    Op(
        "transpose",
        named("transpose"),
        _transposed,
        _transpose,
        mistakes=(Mistake(lambda lib: lib.ones(2).transpose(0, 1), IndexError, "Dimension out of range"),),
        **ARRANGING,
    ),
    Op("swapdims", named("swapdims"), _transposed, _transpose, **ARRANGING),
    Op("swapaxes", lambda lib, x, dim0, dim1: lib.swapaxes(x, dim0, dim1), _transposed, _transpose, **ARRANGING),
    Op(
        "movedim",
        named("movedim"),
        _moved,
        _movedim,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(2, 2).movedim((0, 1), (0,)), RuntimeError, "should contain the same number of"
            ),
            Mistake(lambda lib: lib.ones(2, 2).movedim((0, 0), (0, 1)), RuntimeError, "repeated dim in `source`"),
            Mistake(lambda lib: lib.ones(2, 2).movedim((0, 1), (1, 1)), RuntimeError, "repeated dim in `destination`"),
            Mistake(lambda lib: lib.ones(2, 2).movedim(0, 2), IndexError, "Dimension out of range"),
        ),
        **ARRANGING,
    ),
    Op("moveaxis", named("moveaxis"), _moved, _movedim, **ARRANGING),
    Op(
        "t",
        named("t"),
        _swapped,
        _up_to_a_matrix,
        mistakes=(Mistake(lambda lib: lib.ones(1, 1, 1).t(), RuntimeError, "expects a tensor with <= 2 dimensions"),),
        **ARRANGING,
    ),
    Op("T", lambda lib, x: x.T, _swapped, _two_dimensions, **ARRANGING),
    Op(
        "mT",
        lambda lib, x: x.mT,
        _swapped,
        _matrix,
        mistakes=(Mistake(lambda lib: lib.ones(2).mT, RuntimeError, "only supported on matrices or batches of matr"),),
        **ARRANGING,
    ),
    Op(
        "expand",
        lambda lib, x, size: x.expand(size),
        _expanded,
        _expand,
        mistakes=(Mistake(lambda lib: lib.ones(2, 3).expand(2, 4), RuntimeError, "expand"),),
        **ARRANGING,
    ),
    Op("broadcast_to", named("broadcast_to"), _expanded, _broadcast, **ARRANGING),
    Op("clone", named("clone"), lambda x: _of_elements(x, x.shape), unary(), **ARRANGING),
    Op("contiguous", method("contiguous"), lambda x: _of_elements(x, x.shape), unary(), **ARRANGING),
]
