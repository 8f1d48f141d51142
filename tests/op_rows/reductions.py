"""Rows of the reductions. The references reduce one slice after the other, with Python's own functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitorch.testing.strategies import with_layout

from .row import INTEGERS, INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Source, named

Dim = int | Sequence[int] | None


def reduced(function: Callable[[list[Any]], Any], dtype: Any = None) -> Callable[..., Array]:
    """The reference of a reduction: ``function`` of the list of elements that are reduced to one."""

    def reference(array: Array, dim: Dim = None, keepdim: bool = False, **kwargs: Any) -> Array:
        dims = [dim] if isinstance(dim, int) else list(dim or range(array.ndim))
        dims = sorted(d % array.ndim for d in dims) if array.ndim else []
        kept = [d for d in range(array.ndim) if d not in dims]
        rows = array.transpose(kept + dims).reshape([array.shape[d] for d in kept] + [-1 if array.size else 0])
        if not array.size:
            rows = np.zeros((*rows.shape[:-1], math.prod(array.shape[d] for d in dims)), array.dtype)
        out = np.empty(rows.shape[:-1], dtype or array.dtype)
        for index in np.ndindex(*out.shape):
            out[index] = function(rows[index].tolist(), **kwargs)
        return out.reshape([1 if d in dims else n for d, n in enumerate(array.shape)]) if keepdim else out

    return reference


def over_dims(values: str = "normal", min_side: int = 0) -> Callable[[Source], Case]:
    """Cases of one tensor and the arguments ``dim`` (none, one or several) and ``keepdim``."""

    def case(s: Source) -> Case:
        shape = s.shape(min_side=min_side)
        dims = s.dims(len(shape))
        dim = s.one_of(None, dims, dims[0] if dims else None)
        kwargs = {} if dim is None else {"dim": dim, "keepdim": s.flag()}
        return Case((s.array(shape, values),), kwargs)

    return case


def over_dim(values: str = "normal", min_side: int = 1) -> Callable[[Source], Case]:
    """Cases of one tensor and one dimension of it."""

    def case(s: Source) -> Case:
        shape = s.shape(min_dims=1, min_side=min_side)
        (dim,) = s.dims(len(shape), at_least=1)[:1]
        return Case((s.array(shape, values),), {"dim": dim, "keepdim": s.flag()})

    return case


def whole(values: str = "normal") -> Callable[[Source], Case]:
    return lambda s: Case((s.array(s.shape(min_side=1), values),))


def _corrected(s: Source) -> Case:
    """What is reduced has two elements at least, that differ: the deviation has no derivative where it is 0."""
    shape = s.shape(min_dims=1, min_side=2)
    dim = s.one_of(None, s.dims(len(shape), at_least=1), s.integer(-len(shape), len(shape) - 1))
    kwargs: dict[str, Any] = s.one_of({"correction": s.one_of(0, 1, 0.5)}, {"correction": None}, {"unbiased": s.flag()})
    if "correction" in kwargs or dim is not None:
        kwargs |= {"dim": dim, "keepdim": s.flag() and dim is not None}
    return Case((s.array(shape, repeated=False),), kwargs)


def _p_norm(s: Source) -> Case:
    """Sizes that differ, and none near 0: there some norms have no derivative. The last norm takes two dimensions."""
    shape = s.shape(min_side=1)
    array = with_layout(np.asarray(s.array(shape, "distinct") + 1 / 16, s.dtype), s.one_of(*s.layouts))
    p = s.one_of(-math.inf, -1, 0.5, 1, 1.5, 2, 3, math.inf, None, "fro")
    dims = s.dims(len(shape))[:2]
    kwargs = {} if not dims else {"dim": s.one_of(dims, dims[0]), "keepdim": s.flag()}
    return Case((array,), {"p": p, **kwargs})


def _mean(row: list[float]) -> float:
    return math.fsum(row) / len(row) if row else math.nan


def _variance(row: list[float], correction: float | None = None, unbiased: bool = True) -> float:
    correction = int(unbiased) if correction is None else correction
    mean = _mean(row)
    return math.fsum((x - mean) ** 2 for x in row) / (len(row) - correction)


def _norm(row: list[float], p: float | str | None) -> float:
    p = 2 if p in (None, "fro") else p
    if abs(p) == math.inf:
        return max(map(abs, row)) if p > 0 else min(map(abs, row))
    return math.fsum(abs(x) ** p for x in row) ** (1 / p)


def _largest(row: list[Any]) -> Any:
    return next((x for x in row if x != x), None) or max(row)


def _smallest(row: list[Any]) -> Any:
    return next((x for x in row if x != x), None) or min(row)


def _first(row: list[Any], best: Any) -> int:
    return next(i for i, x in enumerate(row) if x == best or (x != x and best != best))


def _first_largest(row: list[Any]) -> int:
    return _first(row, _largest(row))


def _first_smallest(row: list[Any]) -> int:
    return _first(row, _smallest(row))


def _logsumexp(row: list[float]) -> float:
    top = max(row)
    return top + math.log(math.fsum(math.exp(x - top) for x in row))


def _truth(function: Callable[[list[Any]], bool]) -> Callable[..., Array]:
    """``all`` or ``any``, whose dtype is uint8 for uint8, and which reduce nothing where ``dim`` is ()."""

    def reference(array: Array, dim: Dim = None, keepdim: bool = False) -> Array:
        dtype = np.uint8 if array.dtype == np.uint8 else np.bool_
        if dim == ():
            return np.array([bool(x) for x in array.ravel().tolist()], dtype).reshape(array.shape)
        return reduced(function, dtype)(array, dim, keepdim)

    return reference


def _sum_to_size(s: Source) -> Case:
    small, other = s.broadcastable(2)
    return Case((s.array(np.broadcast_shapes(small, other)),), {"size": small})


def _summed_to(array: Array, size: tuple[int, ...]) -> Array:
    out = np.zeros(size, array.dtype if array.dtype.kind == "f" or size == array.shape else np.int64)
    for index in np.ndindex(*array.shape):
        inner = index[len(index) - len(size) :]
        out[tuple(0 if n == 1 else i for i, n in zip(inner, size, strict=True))] += array[index]
    return out


OUT_OF_RANGE = Mistake(
    lambda lib: lib.ones(2, 3).sum(2),
    IndexError,
    r"Dimension out of range \(expected to be in range of \[-2, 1\], but got",
)
A_BOOL = Mistake(lambda lib: lib.ones(2, 3).sum(True), TypeError, "dim must be an int, not True")
TWICE = Mistake(lambda lib: lib.ones(2, 3).sum((1, -1)), RuntimeError, "dim .* appears")


def _extreme(name: str, function: Any, first: Any) -> list[Op]:
    """``max`` and ``amax`` with their index, or ``min`` and its own."""
    empty = Mistake(
        lambda lib: getattr(lib, name)(lib.ones(0)), RuntimeError, "to be specified for input.numel\\(\\) == 0"
    )
    along = Mistake(
        lambda lib: getattr(lib, name)(lib.ones(2, 0), 1), IndexError, "Expected reduction dim 1 to have non-z"
    )
    arg = Mistake(
        lambda lib: getattr(lib, f"arg{name}")(lib.ones(0)), IndexError, "to be specified for input.numel\\(\\) == 0"
    )
    of_bools = Mistake(
        lambda lib: getattr(lib, f"arg{name}")(lib.ones(2).bool()),
        RuntimeError,
        f"arg{name}: not implemented for .*bool",
    )
    several = Mistake(lambda lib: getattr(lib, name)(lib.ones(2, 2), (0, 1)), TypeError, "interpreted as an integer")
    types = {"integers": INTEGERS_AND_BOOL, "special": True}
    return [
        Op(name, named(name), reduced(function), whole("distinct"), mistakes=(empty,), **types),
        Op(
            f"{name}(dim)",
            lambda lib, x, **kwargs: tuple(getattr(lib, name)(x, **kwargs)),
            lambda x, **kwargs: (reduced(function)(x, **kwargs), reduced(first, np.int64)(x, **kwargs)),
            over_dim("distinct"),
            mistakes=(along, several),
            **types,
        ),
        Op(
            f"a{name}",
            named(f"a{name}"),
            reduced(function),
            over_dims("distinct", min_side=1),
            mistakes=(
                Mistake(lambda lib: getattr(lib, f"a{name}")(lib.ones(2, 0, 3)), RuntimeError, "to be specified"),
                Mistake(lambda lib: getattr(lib, f"a{name}")(lib.ones(2, 0), 1), IndexError, "dim 1 to have non-zero"),
                Mistake(lambda lib: getattr(lib, f"a{name}")(lib.ones(2, 2), (0, -2)), RuntimeError, "multiple times"),
            ),
            **types,
        ),
        Op(
            f"arg{name}",
            named(f"arg{name}"),
            reduced(first, np.int64),
            over_dim("distinct"),
            differentiable=False,
            mistakes=(arg, of_bools),
            integers=INTEGERS,
            special=True,
        ),
    ]


ROWS = [
    Op(
        "sum",
        named("sum"),
        reduced(sum),
        over_dims(),
        linear=True,
        integers=(np.int64, np.int32),
        special=True,
        mistakes=(OUT_OF_RANGE, TWICE, A_BOOL),
    ),
    Op("sum(bool)", named("sum"), reduced(sum, np.int64), over_dims(), floats=False, integers=(np.bool_, np.uint8)),
    Op(
        "mean",
        named("mean"),
        reduced(_mean),
        over_dims(min_side=1),
        linear=True,
        mistakes=(
            Mistake(lambda lib: lib.tensor([1, 2]).mean(), RuntimeError, r"Input dtype must be a floating .*\.int64"),
            Mistake(
                lambda lib: lib.ones(2).mean(dtype=lib.int64),
                RuntimeError,
                r"Optional dtype must be a floating .*\.int64",
            ),
        ),
    ),
    Op(
        "var",
        named("var"),
        reduced(_variance),
        _corrected,
        mistakes=(
            Mistake(lambda lib: lib.tensor([1, 2]).var(), RuntimeError, r"var: only floating-point .*\.int64"),
            Mistake(lambda lib: lib.ones(3).var(False, True), TypeError, "dim must be an int, not False"),
            Mistake(lambda lib: lib.ones(3).var(0, 1), TypeError, r"expected a bool `unbiased` .* unbiased=1"),
            Mistake(lambda lib: lib.ones(3).var(0, unbiased=True, correction=1), TypeError, "correction=1"),
        ),
    ),
    Op("std", named("std"), reduced(lambda row, **kwargs: math.sqrt(_variance(row, **kwargs))), _corrected),
    *_extreme("max", _largest, _first_largest),
    *_extreme("min", _smallest, _first_smallest),
    Op("all", named("all"), _truth(all), over_dims(), differentiable=False, integers=INTEGERS_AND_BOOL),
    Op("any", named("any"), _truth(any), over_dims(), differentiable=False, integers=INTEGERS_AND_BOOL),
    Op(
        "count_nonzero",
        named("count_nonzero"),
        lambda x, dim=None: reduced(lambda row: sum(v != 0 for v in row), np.int64)(x, dim),
        lambda s: Case((s.array(shape := s.shape()),), s.one_of({}, {"dim": s.dims(len(shape))})),
        differentiable=False,
        integers=INTEGERS_AND_BOOL,
        special=True,
    ),
    Op(
        "logsumexp",
        named("logsumexp"),
        lambda x, **kwargs: reduced(_logsumexp)(x.astype(np.float64), **kwargs),
        over_dim(),
        integers=INTEGERS_AND_BOOL,
        mistakes=(Mistake(lambda lib: lib.ones(2).logsumexp(None), TypeError, "not None"),),
    ),
    Op(
        "norm",
        named("norm"),
        reduced(_norm),
        _p_norm,
        mistakes=(
            Mistake(lambda lib: lib.norm(lib.tensor([1, 2])), RuntimeError, "norm: expected a floating-point .*int64"),
            Mistake(lambda lib: lib.norm(lib.ones(2), dtype=lib.int64), RuntimeError, "hold .*float32, got .*int64"),
            Mistake(
                lambda lib: lib.norm(lib.ones(2, dtype=lib.float64), dim=0, dtype=lib.float32),
                RuntimeError,
                "hold .*float64, got .*float32",
            ),
            Mistake(lambda lib: lib.norm(lib.ones(2), "max"), RuntimeError, "a number or 'fro', got 'max'"),
            Mistake(lambda lib: lib.norm(lib.ones(0), math.inf), RuntimeError, r"inf norm of no elements"),
            Mistake(lambda lib: lib.norm(lib.ones(2, 0), -1, 1), RuntimeError, r"dimension 1 is empty"),
            Mistake(lambda lib: lib.norm(lib.ones(2, 2, 2), "fro", (0, 1, 2)), RuntimeError, r"got \[0, 1, 2\]"),
            Mistake(lambda lib: lib.norm(lib.ones(2), "nuc"), RuntimeError, "nuclear"),
        ),
    ),
    Op(
        "norm(0)",
        lambda lib, x, **kwargs: lib.norm(x, 0, **kwargs),
        lambda x, **kwargs: reduced(lambda row: sum(v != 0 for v in row))(x, **kwargs),
        over_dims("nonzero"),
        smooth=False,
    ),
    Op(
        "sum_to_size",
        lambda lib, x, size: x.sum_to_size(size),
        _summed_to,
        _sum_to_size,
        linear=True,
        integers=INTEGERS_AND_BOOL,
        # Where nothing is summed the dtype stays; PyTorch makes an exception of integers without dimensions.
        in_torch=lambda case: case.tensors[0].ndim > 0 or case.tensors[0].dtype.kind == "f",
        mistakes=(
            Mistake(
                lambda lib: lib.ones(2, 3).sum_to_size(2, 2), RuntimeError, r"size \[2, 2\] is not expandable to size"
            ),
        ),
    ),
]
