"""What a row of the table of operations is, and how the inputs of its tests are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from minitorch.testing import broadcastable, shapes
from minitorch.testing.strategies import LAYOUTS, with_layout

Array = NDArray[Any]
Shape = tuple[int, ...]
INTEGERS = (np.int64, np.int32, np.uint8)
INTEGERS_AND_BOOL = (*INTEGERS, np.bool_)


@dataclass(frozen=True)
class Case:
    """One call of an operation: arrays that become tensors, and the other arguments, by name.

    Arrays among the latter become tensors without gradient.
    """

    tensors: tuple[Array, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mistake:
    """A wrong call, and what it must raise; the same type in PyTorch, unless ``as_pytorch`` is False."""

    call: Callable[[Any], Any]  # takes the library: minitorch or torch
    error: type[Exception]
    message: str  # a regular expression
    as_pytorch: bool = True


@dataclass(frozen=True)
class Op:
    """A row: an operation, the inputs it is tried with, and what its results are compared with.

    ``call(lib, *tensors, **kwargs)`` runs it in minitorch or in PyTorch, ``reference(*arrays, **kwargs)`` computes the
    same from NumPy arrays in another way. A result is an array or a tuple of arrays.
    """

    name: str
    call: Callable[..., Any]
    reference: Callable[..., Any]
    case: Callable[[Source], Case]
    floats: bool = True  # whether it takes floating-point tensors
    differentiable: bool = True  # whether its results have a gradient, be it zero
    smooth: bool = True  # whether that gradient isn't zero everywhere, so that a second one can be asked for
    linear: bool = False  # in every tensor together; then <A u, v> = <u, Aᵀ v> is checked without any epsilon
    integers: tuple[Any, ...] = ()  # the integer dtypes (and bool) that it takes too
    special: bool = False  # the reference holds for NaN and infinities as well
    fast_mode: bool = False  # gradcheck of projections only, for large inputs
    rtol: float = 1e-5  # of float32 results
    atol: float = 1e-5
    in_torch: Callable[[Case], bool] = lambda case: True  # whether PyTorch takes it, so that ``call`` works there
    mistakes: tuple[Mistake, ...] = ()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # what Hypothesis prints of a failing example
        printer.text(self.name)


def named(name: str) -> Callable[..., Any]:
    """``call`` of an operation that is a function of the library: ``lib.name(*tensors, **kwargs)``."""
    return lambda lib, *tensors, **kwargs: getattr(lib, name)(*tensors, **kwargs)


def method(name: str) -> Callable[..., Any]:
    """``call`` of an operation that is a method of the first tensor."""
    return lambda lib, input, *tensors, **kwargs: getattr(input, name)(*tensors, **kwargs)


def functional(name: str) -> Callable[..., Any]:
    """``call`` of an operation of ``nn.functional``."""
    return lambda lib, *tensors, **kwargs: getattr(lib.nn.functional, name)(*tensors, **kwargs)


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    """The reference of an elementwise operation: a function of Python numbers, applied to every element."""

    def reference(*arrays: Array, **kwargs: Any) -> Array:
        arrays = tuple(np.broadcast_arrays(*arrays))
        results = [function(*numbers, **kwargs) for numbers in zip(*(a.ravel().tolist() for a in arrays), strict=True)]
        dtype = type(results[0]) if results else arrays[0].dtype
        return np.array(results, dtype=dtype).reshape(arrays[0].shape)

    return reference


def taken(array: Array, shape: Shape, source: Callable[[Shape], Shape]) -> Array:
    """The reference of an operation that moves elements: ``out[i] = array[source(i)]``, element by element."""
    out = np.empty(shape, array.dtype)
    for index in np.ndindex(*shape):
        out[index] = array[source(index)]
    return out


# ---- drawing inputs --------------------------------------------------------------------------------------------------


def _normal(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.standard_normal(shape)


def _positive(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(0.5, 2.0, shape)


def _nonzero(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape)


def _distinct(rng: np.random.Generator, shape: Shape) -> Array:
    """Further than 1/16 from each other, from 0 and from every multiple of 1/2."""
    size = int(np.prod(shape))
    return (rng.permutation(size).reshape(shape) - size // 2) / 4 + 0.125


_VALUES = {"normal": _normal, "positive": _positive, "nonzero": _nonzero, "distinct": _distinct}


class Source:
    """Draws what a case is made of, in the dtype and memory layouts that a test asks for."""

    def __init__(self, draw: st.DrawFn, dtype: Any, layouts: tuple[str, ...] = LAYOUTS, max_side: int = 5) -> None:
        self.draw = draw
        self.dtype = np.dtype(dtype)
        self.layouts = layouts
        self.max_side = max_side

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 0) -> Shape:
        return self.draw(shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=self.max_side))

    def broadcastable(self, count: int, max_dims: int = 3, min_side: int = 0) -> tuple[Shape, ...]:
        return self.draw(broadcastable(count, max_dims=max_dims, min_side=min_side, max_side=self.max_side))

    def integer(self, low: int, high: int) -> int:
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
        return np.random.default_rng(self.integer(0, 2**32 - 1))

    def array(self, shape: Shape, values: str = "normal", *, repeated: bool = True) -> Array:
        """Numbers in the dtype under test. Integers lie between -4 and 4, and aren't 0 where ``values`` never are.

        With ``repeated=False`` it is no layout in which elements are equal because they are one.
        """
        rng = self.rng()
        if self.dtype.kind == "f":
            array = _VALUES[values](rng, shape)
        else:
            low = {"positive": 1, "nonzero": 1}.get(values, -4 if self.dtype.kind == "i" else 0)
            array = rng.integers(low, 5, shape)
            if values == "nonzero" and self.dtype.kind == "i":
                array *= rng.choice([-1, 1], shape)
        layouts = [layout for layout in self.layouts if repeated or layout != "broadcast"]
        return with_layout(np.asarray(array).astype(self.dtype), self.one_of(*layouts))

    def mask(self, shape: Shape) -> Array:
        return with_layout(np.asarray(self.rng().random(shape) < 0.5), self.one_of(*self.layouts))

    def indices(self, shape: Shape, size: int) -> Array:
        """Indices into a dimension of ``size``, some of them negative."""
        return np.asarray(self.rng().integers(-size, size, shape) if size else np.zeros(shape, np.int64))


@st.composite
def cases(draw: st.DrawFn, op: Op, dtype: Any, layouts: tuple[str, ...] = LAYOUTS, max_side: int = 5) -> Case:
    """Calls of one operation with tensors of one dtype (indices and masks keep theirs)."""
    return op.case(Source(draw, dtype, layouts, max_side))


def unary(values: str = "normal", min_dims: int = 0) -> Callable[[Source], Case]:
    """Cases of one tensor."""
    return lambda s: Case((s.array(s.shape(min_dims), values),))


def binary(values: str = "normal", other: str | None = None) -> Callable[[Source], Case]:
    """Cases of two tensors that broadcast."""

    def case(s: Source) -> Case:
        a, b = s.broadcastable(2)
        return Case((s.array(a, values), s.array(b, other or values)))

    return case


def apart(s: Source) -> Case:
    """Two tensors that broadcast and are equal nowhere: both are drawn from one permutation."""
    a, b = s.broadcastable(2)
    both = s.array((int(np.prod(a)) + int(np.prod(b)),), "distinct")
    split = int(np.prod(a))
    return Case((both[:split].reshape(a), both[split:].reshape(b)))
