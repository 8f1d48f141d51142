"""Rows of indexing. The references look every element up by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .row import INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Source, named, taken
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


def _along_both_ends(array: Array, first: Array, last: Array) -> Array:
    return _place_by_place(np.moveaxis(array, 2, 1), first, last)


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


def _first_and_last(s: Source) -> Case:
    shape = s.shape(min_dims=3, min_side=1)
    count = (s.integer(0, 3),)
    return Case((s.array(shape), s.indices(count, shape[2])), {"first": s.integer(-shape[0], shape[0] - 1)})


def _of_one_slice(array: Array, indices: Array, first: int) -> Array:
    """The integer makes a view, and the indices take their place in that: NumPy would put their dimension first."""
    return _column_by_column(array[first], indices)


def _last(s: Source) -> Case:
    shape = s.shape(min_dims=1, min_side=1)
    return Case((s.array(shape), s.indices((s.integer(0, 4),), shape[-1])))


def _along_the_last(array: Array, indices: Array) -> Array:
    out = taken(array, (*array.shape[:-1], len(indices)), lambda i: (*i[:-1], indices[i[-1]]))
    return out.reshape(1, *out.shape[:-1], 1, out.shape[-1])


def _mask_and_indices(s: Source) -> Case:
    """A mask of one or two dimensions, and indices of the next."""
    shape = s.shape(min_dims=2, min_side=1)
    split = s.integer(1, len(shape) - 1)
    mask = s.mask(shape[:split])
    count = int(mask.sum())
    return Case((s.array(shape), mask, s.indices((s.one_of(1, count),), shape[split])))


def _true_places(array: Array, mask: Array, indices: Array) -> Array:
    rows = _kept(array, mask)
    return _place_by_place(rows, np.arange(len(rows)), indices)


def _masked(s: Source) -> Case:
    shape = s.shape()
    return Case((s.array(shape), s.mask(shape[: s.integer(0, len(shape))])))


def _kept(array: Array, mask: Array) -> Array:
    rows = [array[index] for index in np.ndindex(*mask.shape) if mask[index]]
    return np.array(rows, array.dtype).reshape(len(rows), *array.shape[mask.ndim :])


def _masked_select(s: Source) -> Case:
    shape, mask = s.broadcastable(2)
    return Case((s.array(shape), s.mask(mask)))


def _selected(array: Array, mask: Array) -> Array:
    return _kept(*np.broadcast_arrays(array, mask))


def _sparse(s: Source) -> Case:
    array = s.array(s.shape())
    return Case((np.where(s.rng().random(array.shape) < 0.5, array, np.zeros_like(array)),))


def _rows_of_indices(array: Array) -> Array:
    found = [index for index in np.ndindex(*array.shape) if array[index]]
    return np.array(found, np.int64).reshape(len(found), array.ndim)


def _columns_of_indices(array: Array) -> tuple[Array, ...]:
    return tuple(_rows_of_indices(np.atleast_1d(array)).T)


# ---- x[index] = value: the references number the elements and ask those of x[index] which ones are meant -------------


def _with_value(case_of: Callable[[Source], Case], taken_by: Callable[..., Array]) -> Callable[[Source], Case]:
    """Cases of x, a value that broadcasts to ``x[index]``, and what the index is made of."""

    def case(s: Source) -> Case:
        drawn = case_of(s)
        array, *indices = drawn.tensors
        shape = taken_by(np.zeros(array.shape), *indices, **drawn.kwargs).shape
        value = tuple(1 if s.integer(0, 3) == 0 else n for n in shape)[s.integer(0, len(shape)) :]
        return Case((array, s.array(value), *indices), drawn.kwargs)

    return case


def _assigned(taken_by: Callable[..., Array]) -> Callable[..., Array]:
    def reference(array: Array, value: Array, *indices: Array, **kwargs: Any) -> Array:
        places = taken_by(np.arange(array.size).reshape(array.shape), *indices, **kwargs)
        out = array.ravel().copy()
        for place, element in zip(places.ravel(), np.broadcast_to(value, places.shape).ravel(), strict=True):
            out[place] = element
        return out.reshape(array.shape)

    return reference


def _assign(index_of: Callable[..., Any]) -> Callable[..., Any]:
    def call(lib: Any, x: Any, value: Any, *indices: Any, **kwargs: Any) -> Any:
        out = x.detach().clone()
        out[index_of(*indices, **kwargs)] = value.detach()
        return out

    return call


ASSIGNING = {"differentiable": False, "integers": INTEGERS_AND_BOOL, "special": True}


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
            Mistake(lambda lib: lib.ones(3)[0, 0], IndexError, "too many indices for tensor"),
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
        _along_both_ends,
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
                r"shape of the mask \[2\] at index 0 does not match the shape of the indexed tensor \[3\] at index 0",
            ),
        ),
        **ARRANGING,
    ),
    Op(
        "getitem(int, :, indices)",
        lambda lib, x, indices, first: x[first, :, indices],
        _of_one_slice,
        _first_and_last,
        mistakes=(
            Mistake(
                lambda lib: lib.ones(3, 3)[3, :, None], IndexError, "index 3 is out of bounds for .* 0 with size 3"
            ),
            Mistake(
                lambda lib: lib.ones(3, 3)[lib.tensor(0), 0, [0]], IndexError, "too many indices for tensor of dim"
            ),
        ),
        **ARRANGING,
    ),
    Op("getitem(mask, indices)", _call, _true_places, _mask_and_indices, **ARRANGING),
    Op("getitem(None, ..., indices)", lambda lib, x, i: x[None, ..., None, i], _along_the_last, _last, **ARRANGING),
    Op(
        "getitem(bool)",
        lambda lib, x, chosen: x[chosen],
        lambda x, chosen: np.array([x] * chosen, x.dtype).reshape(int(chosen), *x.shape),
        lambda s: Case((s.array(s.shape()),), {"chosen": s.flag()}),
        mistakes=(
            Mistake(lambda lib: lib.ones(3)[0.5], IndexError, r"only integers, slices .* \(got float\)"),
            Mistake(lambda lib: lib.ones(3)[lib.nn], IndexError, r"only integers, slices .* \(got module\)"),
        ),
        **ARRANGING,
    ),
    Op(
        "masked_select",
        named("masked_select"),
        _selected,
        _masked_select,
        mistakes=(
            Mistake(
                lambda lib: lib.masked_select(lib.ones(3), lib.ones(3)), RuntimeError, "expected BoolTensor for mask"
            ),
            Mistake(lambda lib: lib.masked_select(lib.ones(3), lib.ones(2) > 0), RuntimeError, "2.*3|3.*2"),
        ),
        **ARRANGING,
    ),
    Op(
        "nonzero",
        named("nonzero"),
        _rows_of_indices,
        _sparse,
        differentiable=False,
        special=True,
        integers=INTEGERS_AND_BOOL,
    ),
    Op(
        "nonzero(as_tuple)",
        lambda lib, x: lib.nonzero(x, as_tuple=True),
        _columns_of_indices,
        _sparse,
        differentiable=False,
        special=True,
        integers=INTEGERS_AND_BOOL,
    ),
    Op(
        "setitem",
        _assign(lambda index: index),
        _assigned(_looked_up),
        _with_value(_basic, _looked_up),
        mistakes=(
            Mistake(lambda lib: lib.ones(3).__setitem__(slice(2), lib.ones(3)), RuntimeError, r"3.*2|2.*3"),
            Mistake(lambda lib: lib.ones(3).__setitem__(3, 0), IndexError, "index 3 is out of bounds"),
            Mistake(lambda lib: lib.ones(3).__setitem__(slice(None, None, -1), 0), ValueError, "must be greater than"),
            Mistake(lambda lib: lib.ones(3).__setitem__(0, [1]), TypeError, "can't assign a list"),
            Mistake(lambda lib: lib.ones(3).__setitem__(0, None), TypeError, "can't assign a NoneType"),
            Mistake(lambda lib: lib.zeros(3, dtype=lib.uint8).__setitem__(0, 256), RuntimeError, "without overflow"),
        ),
        **ASSIGNING,
    ),
    Op(
        "setitem(indices)",
        _assign(lambda indices: indices),
        _assigned(_row_by_row),
        _with_value(_rows, _row_by_row),
        mistakes=(
            Mistake(
                lambda lib: lib.ones(3).__setitem__([0, 1], lib.ones(2).double()),
                RuntimeError,
                "source and destination dtypes match",
            ),
            Mistake(
                lambda lib: lib.ones(3).__setitem__([0, 1], lib.ones(3)),
                RuntimeError,
                r"shape mismatch: value (of shape|tensor of shape) \[3\] cannot be broadcast to",
            ),
        ),
        **ASSIGNING,
    ),
    Op(
        "setitem(indices, :, indices)",
        _assign(lambda first, last: (first, slice(None), last)),
        _assigned(_along_both_ends),
        _with_value(_around, _along_both_ends),
        **ASSIGNING,
    ),
    Op(
        "setitem(mask)",
        _assign(lambda mask: mask),
        _assigned(_kept),
        _with_value(_masked, _kept),
        **ASSIGNING,
    ),
]
