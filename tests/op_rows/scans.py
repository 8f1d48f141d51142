"""Rows of running sums and products, and of the product of all elements: one element after the other."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minitorch.testing.strategies import with_layout

from .reductions import reduced
from .row import INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Shape, Source, named


def with_zeros(s: Source, shape: Shape) -> Array:
    """None, one, some or only zeros among the numbers: none of them may trouble the gradient of a product."""
    array = np.where(s.rng().random(shape) < s.one_of(0, 0.2, 0.5, 1), 0, s.array(shape))
    return with_layout(array.astype(s.dtype), s.one_of(*s.layouts))


def accumulated(function: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    def reference(array: Array, dim: int) -> Array:
        out = np.array(array, dtype=array.dtype if array.dtype.kind == "f" else np.int64)
        for index in np.ndindex(*(n for d, n in enumerate(array.shape) if d != dim % array.ndim)):
            row = out[(*index[: dim % array.ndim], slice(None), *index[dim % array.ndim :])]
            row[:] = list(itertools.accumulate(row.tolist(), function))
        return out

    return reference


def _along(values: Callable[[Source, Shape], Array]) -> Callable[[Source], Case]:
    def case(s: Source) -> Case:
        shape = s.shape(min_dims=1)
        return Case((values(s, shape),), {"dim": s.integer(-len(shape), len(shape) - 1)})

    return case


def _prod(s: Source) -> Case:
    shape = s.shape()
    dim = s.integer(-len(shape), len(shape) - 1) if shape and s.flag() else None
    return Case((with_zeros(s, shape),), {} if dim is None else {"dim": dim, "keepdim": s.flag()})


def _product(array: Array, **kwargs: Any) -> Array:
    return reduced(math.prod)(array if array.dtype.kind == "f" else array.astype(np.int64), **kwargs)


ROWS = [
    Op(
        "cumsum",
        named("cumsum"),
        accumulated(operator.add),
        _along(lambda s, shape: s.array(shape)),
        linear=True,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.ones(2, 3).cumsum(2), IndexError, r"range of \[-2, 1\], but got dim=2"),
            Mistake(lambda lib: lib.ones(2, 3).cumsum((0,)), TypeError, "interpreted as an integer"),
            Mistake(
                lambda lib: lib.ones(2).cumsum(0, dtype=lib.bool), RuntimeError, "cumsum: not implemented for .*bool"
            ),
        ),
    ),
    Op(
        "cumprod",
        named("cumprod"),
        accumulated(operator.mul),
        _along(with_zeros),
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(Mistake(lambda lib: lib.ones(2, 3).cumprod(-3), IndexError, "but got dim=-3"),),
    ),
    Op(
        "prod",
        named("prod"),
        _product,
        _prod,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.ones(2, 3).prod(2), IndexError, "but got dim=2"),
            Mistake(lambda lib: lib.ones(2, 3).prod((0, 1)), TypeError, "interpreted as an integer"),
        ),
    ),
]
