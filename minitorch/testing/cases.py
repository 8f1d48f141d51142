"""Cases, the calls that an operation is tried with, and Source, which draws what they are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .strategies import LAYOUTS, VALUES, Array, Shape, broadcastable, shapes, with_layout


@dataclass(frozen=True)
class Case:
    """One call of an operation: arrays that become tensors, and the other arguments, by name.

    Arrays among the latter become tensors without gradient.

    >>> print(Case((np.ones((2, 3)), np.ones((4, 3)).T), {"dim": 1}))
    (float64 (2, 3), float64 (3, 4) not contiguous, dim=1)
    """

    tensors: tuple[Array, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)

    def converted(self, convert: Callable[[Array], Any]) -> Case:
        """The same call with every array converted."""
        return Case(tuple(map(convert, self.tensors)), self.named(convert))

    def named(self, convert: Callable[[Array], Any]) -> dict[str, Any]:
        """The arguments by name, with arrays among them converted."""
        return {name: convert(v) if isinstance(v, np.ndarray) else v for name, v in self.kwargs.items()}

    def __str__(self) -> str:
        tensors = [_shown(array) for array in self.tensors]
        others = [f"{k}={_shown(v) if isinstance(v, np.ndarray) else repr(v)}" for k, v in self.kwargs.items()]
        return f"({', '.join(tensors + others)})"


def _shown(array: Array) -> str:
    flags = [] if array.flags.c_contiguous else ["not contiguous"]
    return " ".join([str(array.dtype), str(array.shape), *flags, *([] if array.flags.writeable else ["read-only"])])


class Source:
    """Draws what a case is made of, in the dtype and memory layouts that a check asks for.

    A function from a ``Source`` to a :class:`Case` says which inputs an operation takes:

    >>> import minitorch, numpy as np
    >>> from minitorch.testing import Case, Source, check_op
    >>> def case(s: Source) -> Case:
    ...     shape = s.shape(min_dims=1)
    ...     return Case((s.array(shape),), {"dim": s.integer(0, len(shape) - 1)})
    >>> check_op(minitorch.cumsum, inputs=case, reference=lambda array, dim: np.cumsum(array, dim))

    Args:
        draw: what Hypothesis gives to the body of a composite strategy.
        dtype: of the arrays; indices and masks keep theirs.
        layouts: how the arrays may lie in memory.
        max_side: the longest dimension of the shapes, to keep Jacobians small.
        empty: whether the shapes have an empty dimension, where they may.
    """

    def __init__(
        self,
        draw: st.DrawFn,
        dtype: Any,
        layouts: tuple[str, ...] = LAYOUTS,
        max_side: int = 5,
        empty: bool = False,
    ) -> None:
        self.draw = draw
        self.dtype = np.dtype(dtype)
        self.layouts = layouts
        self.max_side = max_side
        self.empty = empty

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 0) -> Shape:
        """A shape, as :func:`minitorch.testing.shapes`."""
        bounds = {"min_dims": min_dims, "max_dims": max_dims, "min_side": min_side, "max_side": self.max_side}
        return self.draw(shapes(**bounds, empty=self.empty))

    def broadcastable(self, count: int, max_dims: int = 3, min_side: int = 0) -> tuple[Shape, ...]:
        """``count`` shapes that broadcast together."""
        bounds = {"max_dims": max_dims, "min_side": min_side, "max_side": self.max_side}
        return self.draw(broadcastable(count, **bounds, empty=self.empty))

    def integer(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, both included."""
        return self.draw(st.integers(low, high))

    def flag(self) -> bool:
        return self.draw(st.booleans())

    def one_of(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def dims(self, ndim: int, *, at_least: int = 0) -> tuple[int, ...]:
        """Some of the dimensions, in any order, counted from the front or from the back."""
        chosen = self.draw(st.lists(st.integers(0, max(ndim - 1, 0)), unique=True, min_size=at_least, max_size=ndim))
        return tuple(dim - ndim if self.flag() else dim for dim in chosen)

    def rng(self) -> np.random.Generator:
        """A generator with a drawn seed."""
        return np.random.default_rng(self.integer(0, 2**32 - 1))

    def array(self, shape: Shape, values: str = "normal", *, repeated: bool = True) -> Array:
        """Numbers in the dtype under test, of a kind that :func:`minitorch.testing.arrays` describes.

        Integers lie between -4 and 4, and aren't 0 where ``values`` never are. With ``repeated=False`` it is no layout
        in which elements are equal because they are one.
        """
        rng = self.rng()
        if self.dtype.kind == "f":
            array = VALUES[values](rng, shape)
        else:
            low = {"positive": 1, "nonzero": 1}.get(values, -4 if self.dtype.kind == "i" else 0)
            array = rng.integers(low, 5, shape)
            if values == "nonzero" and self.dtype.kind == "i":
                array *= rng.choice([-1, 1], shape)
        layouts = [layout for layout in self.layouts if repeated or layout != "broadcast"]
        return with_layout(np.asarray(array).astype(self.dtype), self.one_of(*layouts))

    def mask(self, shape: Shape) -> Array:
        """True and False."""
        return with_layout(np.asarray(self.rng().random(shape) < 0.5), self.one_of(*self.layouts))

    def indices(self, shape: Shape, size: int) -> Array:
        """Indices into a dimension of ``size``, some of them negative."""
        return np.asarray(self.rng().integers(-size, size, shape) if size else np.zeros(shape, np.int64))


# ---- frequent cases --------------------------------------------------------------------------------------------------


def unary(values: str = "normal", min_dims: int = 0) -> Callable[[Source], Case]:
    """Cases of one tensor, of numbers that :func:`minitorch.testing.arrays` describes.

    >>> import minitorch, numpy as np
    >>> from minitorch.testing import check_op, unary
    >>> check_op(minitorch.log, inputs=unary("positive"), reference=np.log)
    """
    return lambda s: Case((s.array(s.shape(min_dims), values),))


def binary(values: str = "normal", other: str | None = None) -> Callable[[Source], Case]:
    """Cases of two tensors that broadcast; ``other`` says which numbers the second has, those of ``values`` by default.

    >>> import minitorch, numpy as np
    >>> from minitorch.testing import binary, check_op
    >>> check_op(minitorch.div, inputs=binary(other="nonzero"), reference=np.divide)
    """

    def case(s: Source) -> Case:
        a, b = s.broadcastable(2)
        return Case((s.array(a, values), s.array(b, other or values)))

    return case


def apart(count: int = 2) -> Callable[[Source], Case]:
    """Cases of tensors that broadcast and are equal nowhere: all are drawn from one permutation.

    For operations without a derivative where elements are equal:

    >>> import minitorch, numpy as np
    >>> from minitorch.testing import apart, check_op
    >>> check_op(minitorch.maximum, inputs=apart(), reference=np.maximum)
    """

    def case(s: Source) -> Case:
        shapes = s.broadcastable(count)
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        numbers = np.split(s.array((int(ends[-1]),), "distinct"), ends[:-1])
        return Case(tuple(part.reshape(shape) for part, shape in zip(numbers, shapes, strict=True)))

    return case
