"""Rows of sorting and counting. Python's ``sorted``, which is stable, orders the references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitorch.testing.strategies import with_layout

from .reductions import over_dim, reduced, whole
from .row import INTEGERS, INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Source, method, named


def _rank(x: Any) -> tuple[bool, Any]:
    """What to sort by: NaN after all numbers."""
    return (True, 0) if x != x else (False, x)


def _order(row: list[Any], descending: bool = False) -> list[int]:
    return sorted(range(len(row)), key=lambda i: _rank(row[i]), reverse=descending)


def along(function: Callable[..., list[int]]) -> Callable[..., tuple[Array, Array]]:
    """The elements, and the indices, that ``function`` chooses from each slice."""

    def reference(array: Array, dim: int = -1, **kwargs: Any) -> tuple[Array, Array]:
        kwargs.pop("stable", None)
        slices = np.moveaxis(array, dim, -1)
        chosen = len(function([0] * slices.shape[-1], **kwargs))
        values = np.empty((*slices.shape[:-1], chosen), array.dtype)
        indices = np.empty(values.shape, np.int64)
        for index in np.ndindex(*slices.shape[:-1]):
            indices[index] = function(slices[index].tolist(), **kwargs)
            values[index] = slices[index][indices[index]]
        return np.moveaxis(values, -1, dim), np.moveaxis(indices, -1, dim)

    return reference


def _sort(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    kwargs = {"dim": s.integer(-len(shape), len(shape) - 1), "descending": s.flag(), "stable": True}
    return Case((s.array(shape, "distinct"),), kwargs)


def _topk(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    dim = s.integer(-len(shape), len(shape) - 1)
    # Without equal elements: PyTorch says nothing of which it takes.
    array = s.array(shape, "distinct", repeated=False)
    return Case((array,), {"k": s.integer(0, shape[dim]), "dim": dim, "largest": s.flag()})


def _median_index(row: list[Any]) -> int:
    order = _order(row)
    return next((i for i in range(len(row)) if row[i] != row[i]), order[(len(row) - 1) // 2])


def _median(row: list[Any]) -> Any:
    return row[_median_index(row)]


def _few(s: Source, shape: tuple[int, ...]) -> Array:
    """Numbers of which some are equal."""
    array = s.array(shape)
    return with_layout(np.asarray(np.round(array)), s.one_of(*s.layouts)) if s.dtype.kind == "f" else array


def _unique(s: Source) -> Case:
    return Case((_few(s, s.shape()),), {"return_inverse": True, "return_counts": True})


def _unique_reference(array: Array, return_inverse: bool, return_counts: bool) -> tuple[Array, ...]:
    elements = array.ravel().tolist()
    distinct = sorted(set(elements))
    inverse = np.array([distinct.index(x) for x in elements], np.int64).reshape(array.shape)
    counts = np.array([elements.count(x) for x in distinct], np.int64)
    return np.array(distinct, array.dtype), inverse, counts


def _unique_slices(s: Source) -> Case:
    shape = s.shape(min_dims=1, min_side=1)
    dim = s.integer(-len(shape), len(shape) - 1)
    return Case(
        (_few(s, shape) % 2 if s.dtype.kind != "b" else s.array(shape),),
        {"dim": dim, "return_inverse": True, "return_counts": True},
    )


def _unique_slices_reference(array: Array, dim: int, **kwargs: Any) -> tuple[Array, ...]:
    slices = np.moveaxis(array, dim, 0)
    rows = [tuple(part.ravel().tolist()) for part in slices]
    distinct = sorted(set(rows))
    out = np.array(distinct, array.dtype).reshape(-1, *slices.shape[1:])
    inverse = np.array([distinct.index(row) for row in rows], np.int64)
    return np.moveaxis(out, 0, dim), inverse, np.array([rows.count(row) for row in distinct], np.int64)


def _bincount(s: Source) -> Case:
    array = abs(s.array((s.integer(0, 9),)))
    weights = s.rng().standard_normal(array.shape).astype(np.float32)
    return Case((array,), {"minlength": s.integer(0, 7), **s.one_of({}, {"weights": weights} if array.size else {})})


def _bincount_reference(array: Array, minlength: int, weights: Array | None = None) -> Array:
    numbers = array.tolist()
    sums = np.zeros(max(minlength, *(x + 1 for x in numbers), 0), np.int64 if weights is None else np.float64)
    for x, weight in zip(numbers, np.ones(len(array), np.int64) if weights is None else weights, strict=True):
        sums[x] += weight
    return sums


OUT_OF_RANGE = r"range of \[-2, 1\], but got dim=2"

ROWS = [
    Op(
        "sort",
        named("sort"),
        along(_order),
        _sort,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(Mistake(lambda lib: lib.sort(lib.ones(2, 3), 2), IndexError, OUT_OF_RANGE),),
    ),
    Op(
        "argsort",
        named("argsort"),
        lambda x, **kwargs: along(_order)(x, **kwargs)[1],
        _sort,
        differentiable=False,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(Mistake(lambda lib: lib.argsort(lib.ones(2, 3), 2), IndexError, OUT_OF_RANGE),),
    ),
    Op(
        "topk",
        named("topk"),
        along(lambda row, k, largest: _order(row, largest)[:k]),
        _topk,
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.topk(lib.ones(2, 3), 4), RuntimeError, "k=4, but dimension 1 has 3 elements"),
            Mistake(lambda lib: lib.topk(lib.ones(2, 3), -1), RuntimeError, "k=-1, but dimension 1 has 3 elements"),
            Mistake(lambda lib: lib.topk(lib.ones(2, 3), 1.5), TypeError, "'float' object cannot"),
            Mistake(lambda lib: lib.topk(lib.ones(2, 3), 1, 2), IndexError, OUT_OF_RANGE),
            Mistake(lambda lib: lib.topk(lib.ones(2).bool(), 1), RuntimeError, r"topk: not implemented for .*bool"),
        ),
    ),
    Op(
        "median",
        named("median"),
        reduced(_median),
        whole("distinct"),
        integers=INTEGERS,
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.ones(2).bool().median(), RuntimeError, r"median: not implemented for .*bool"),
        ),
    ),
    Op(
        "median(dim)",
        named("median"),
        lambda x, **kwargs: (reduced(_median)(x, **kwargs), reduced(_median_index, np.int64)(x, **kwargs)),
        over_dim("distinct"),
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.ones(2, 0).median(1), IndexError, "dim 1 to have non-zero size; the shape"),
            Mistake(lambda lib: lib.ones(2, 3).median(2), IndexError, OUT_OF_RANGE),
            Mistake(lambda lib: lib.ones(2, 3).median((0,)), TypeError, "'tuple' object cannot"),
        ),
    ),
    Op("unique", named("unique"), _unique_reference, _unique, differentiable=False, integers=INTEGERS_AND_BOOL),
    Op(
        "unique(dim)",
        method("unique"),
        _unique_slices_reference,
        _unique_slices,
        differentiable=False,
        integers=INTEGERS_AND_BOOL,
        mistakes=(
            Mistake(lambda lib: lib.unique(lib.ones(2, 3), dim=2), IndexError, OUT_OF_RANGE),
            Mistake(lambda lib: lib.unique(lib.tensor(1.0), dim=0), IndexError, "tensor has no dimensions"),
            Mistake(lambda lib: lib.unique(lib.ones(3, 0), dim=0), RuntimeError, r"besides dim=0.*\(3, 0\)"),
        ),
    ),
    Op(
        "bincount",
        named("bincount"),
        _bincount_reference,
        _bincount,
        floats=False,
        integers=INTEGERS,
        mistakes=(
            Mistake(lambda lib: lib.bincount(lib.ones(2)), RuntimeError, "not implemented for .*float32"),
            Mistake(lambda lib: lib.bincount(lib.tensor([2, -1])), RuntimeError, "non-negative .* smallest is -1"),
            Mistake(lambda lib: lib.bincount(lib.tensor([[1]])), RuntimeError, r"1-d .* shape is \(1, 1\)"),
            Mistake(lambda lib: lib.bincount(lib.tensor([1]), minlength=-1), RuntimeError, ">= 0, got -1"),
            Mistake(lambda lib: lib.bincount(lib.tensor([1]), [1.0]), TypeError, "weights to be a Tensor, got list"),
            Mistake(
                lambda lib: lib.bincount(lib.tensor([1]), lib.ones(2)), RuntimeError, r"input, 1; their shape is \(2,\)"
            ),
        ),
    ),
]
