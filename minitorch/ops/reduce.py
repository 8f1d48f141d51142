"""Reductions: over all elements, or over the dimensions in ``dim``.

``dim`` is a dimension, several, or None; None and () mean all. A reduced dimension disappears, or becomes 1 with
``keepdim``. float16 is reduced in float32 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import Any

from ..devices import on_its_device
from ..dtypes import as_dtype, int64
from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .dispatch import cast, floating, ieee, in_float32, is_half
from .exponential import exp
from .selection import where
from .shape import expand, reshape, squeeze
from .summation import total

Dim = int | Sequence[int] | None


def dim_of(dim: int, ndim: int) -> int:
    """The one dimension ``dim``, counted from the front.

    Raises:
        IndexError: it is out of range.
        TypeError: it isn't an int; a bool is more likely a misplaced argument.
    """
    if isinstance(dim, bool):
        raise TypeError(f"dim must be an int, not {dim}")
    return normalize_dim(index(dim), ndim)


def dims_of(dim: Dim, ndim: int) -> tuple[int, ...]:
    """The dimensions to reduce, counted from the front; None and () mean all.

    Raises:
        IndexError: one is out of range.
        RuntimeError: one is named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    named = dim if isinstance(dim, (tuple, list)) else (dim,)
    dims = tuple([dim_of(d, ndim) for d in named])
    if len(dims) > 1 and len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {list(dims)}: one dimension appears multiple times in the list of dims")
    return (dims or tuple(range(ndim))) if ndim else ()


def is_empty(dim: Dim) -> bool:
    """Whether ``dim`` is () or []."""
    return isinstance(dim, (tuple, list)) and not dim


def kept_shape(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` with 1 for each reduced dimension."""
    return tuple([1 if i in dims else n for i, n in enumerate(shape)])


def in_dtype_of_result(input: Tensor, dtype: Any) -> Tensor:
    """What a sum or product is taken of: ``input`` in ``dtype``; without one, integers and bools in int64."""
    if dtype is None:
        return input if input.data.dtype.kind == "f" else cast(input, int64)
    return cast(input, as_dtype(dtype))


class Sum(Function):
    """The gradient of a sum is the same for every summand."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
        ctx.shape, ctx.dims = input.data.shape, dims
        return wrap(ieee.run(total, input.backend, input.data, dims, keepdim), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        kept = reshape(grad_output, kept_shape(ctx.shape, ctx.dims))
        return expand(kept, ctx.shape), None, None


@tensor_method("sum")
def sum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of the elements. Integers and bools are summed as int64, unless ``dtype`` says otherwise.

    >>> import minitorch
    >>> minitorch.tensor([[1., 2.], [3., 4.]]).sum(dim=1)
    tensor([3., 7.])
    """
    input = in_dtype_of_result(input, dtype)
    if is_half(input):
        return in_float32(sum, input, dim, keepdim)
    return Sum.apply(input, dims_of(dim, input.data.ndim), keepdim)


@tensor_method("mean")
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of the elements; NaN where there are none.

    >>> import minitorch
    >>> minitorch.tensor([[1., 2.], [3., 6.]]).mean(dim=0)
    tensor([2., 4.])

    Raises:
        RuntimeError: the elements are integers or bools and no ``dtype`` is given, or ``dtype`` is none of floats.
    """
    given = input.dtype if dtype is None else as_dtype(dtype)
    if not given.is_floating_point:
        which = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {which} dtype must be a floating point dtype. Got: {given}"
        )
    input = cast(input, given)
    if is_half(input):
        return in_float32(mean, input, dim, keepdim)
    count: int = math.prod([input.data.shape[d] for d in dims_of(dim, input.data.ndim)])
    return sum(input, dim, keepdim) / count


# ---- spread ----------------------------------------------------------------------------------------------------------


class Var(Function):
    """σ² = Σ(x - μ)²/d: ∂x = 2(x - μ)/d·∂σ². That μ moves with x makes no difference: Σ(x - μ) = 0."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...], degrees: float, keepdim: bool) -> Tensor:
        ctx.save_for_backward(input)
        ctx.dims, ctx.degrees = dims, degrees
        return wrap(ieee.run(_variance, input.backend, input.data, dims, degrees, keepdim), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        grad_output = reshape(grad_output, kept_shape(input.data.shape, ctx.dims))
        centred = input - mean(input, ctx.dims, True)
        return centred * (2 / ctx.degrees if ctx.degrees else math.inf) * grad_output, None, None, None


def _variance(backend: Any, array: Any, dims: tuple[int, ...], degrees: float, keepdim: bool) -> Any:
    # In two passes: Σx² - (Σx)²/N would cancel where the mean is large.
    centred = array - total(backend, array, dims, True) / math.prod([array.shape[d] for d in dims])
    return total(backend, centred * centred, dims, keepdim) / degrees


def _degrees_of_freedom(
    name: str, input: Tensor, dim: Any, unbiased: bool | None, correction: float | None
) -> tuple[tuple[int, ...], float]:
    """The dimensions that ``var`` or ``std`` reduces, and N - correction, from the arguments of all of its forms."""
    if isinstance(dim, bool) and unbiased is None:  # var(input, unbiased)
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None or not isinstance(unbiased, bool):
            raise TypeError(
                f"{name}(): expected a bool `unbiased` or a number `correction`, got unbiased={unbiased!r} and "
                f"correction={correction!r}"
            )
        correction = int(unbiased)
    if input.data.dtype.kind != "f":
        raise RuntimeError(f"{name}: only floating-point tensors have a variance, got {input.dtype}")
    dims = dims_of(dim, input.data.ndim)
    degrees = math.prod([input.data.shape[d] for d in dims]) - (1 if correction is None else correction)
    return dims, degrees if degrees > 0 else 0


@tensor_method("var")
def var(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    """The variance ``Σ(x - mean)²/(N - correction)``.

    ``var(unbiased)`` and ``var(dim, unbiased)`` are older ways to ask for a ``correction`` of 1 (Bessel's, the
    default) or 0. Where N doesn't exceed the correction, the variance is NaN (0/0) or infinite.

    >>> import minitorch
    >>> x = minitorch.tensor([1., 2., 3., 4.])
    >>> x.var(), x.var(correction=0)
    (tensor(1.6667), tensor(1.2500))

    Raises:
        RuntimeError: the elements are integers or bools.
    """
    arguments = (input, *_degrees_of_freedom("var", input, dim, unbiased, correction), keepdim)
    return in_float32(Var.apply, *arguments) if is_half(input) else Var.apply(*arguments)


@tensor_method("std")
def std(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    """The standard deviation ``√(Σ(x - mean)²/(N - correction))``: the root of :func:`var`, with its arguments.

    Where it is 0, so is its gradient.

    >>> import minitorch
    >>> minitorch.tensor([1., 2., 3., 4.]).std()
    tensor(1.2910)

    Raises:
        RuntimeError: the elements are integers or bools.
    """
    arguments = (input, *_degrees_of_freedom("std", input, dim, unbiased, correction), keepdim)
    return in_float32(_deviation, *arguments) if is_half(input) else _deviation(*arguments)


def _deviation(*arguments: Any) -> Tensor:
    variance = Var.apply(*arguments)
    constant = variance == 0  # where the root has no derivative
    return where(constant, 0, where(constant, 1, variance).sqrt())


# ---- logsumexp -------------------------------------------------------------------------------------------------------


class LogSumExp(Function):
    """y = m + log Σ exp(x - m) for any m; with the largest x nothing overflows. ∂x = exp(x - y)·∂y: the softmax.

    The reduced dimensions are kept.
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...]) -> Tensor:
        xp, array = input.backend.xp, input.data
        largest = array.max(axis=dims, keepdims=True) if array.size else xp.zeros(kept_shape(array.shape, dims))
        largest = xp.where(xp.isinf(largest), 0, largest).astype(array.dtype)  # inf - inf would be NaN
        exponentials = ieee.run(lambda: xp.exp(array - largest))
        output = wrap(ieee.run(lambda: xp.log(total(input.backend, exponentials, dims, True)) + largest), input.backend)
        ctx.save_for_backward(input, output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, output = ctx.saved_tensors
        return grad_output * exp(input - output), None


@tensor_method("logsumexp")
def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """``log(sum(exp(input)))`` without overflow; -inf where there are no elements.

    >>> import minitorch
    >>> minitorch.tensor([1000., 1000.]).logsumexp(0)
    tensor(1000.6932)

    Raises:
        TypeError: ``dim`` is None.
    """
    if dim is None:
        raise TypeError("logsumexp(): argument 'dim' must be an int or a tuple of ints, not None")
    input = floating(input)
    dims = dims_of(dim, input.data.ndim)
    out = in_float32(LogSumExp.apply, input, dims) if is_half(input) else LogSumExp.apply(input, dims)
    return out if keepdim else squeeze(out, dims)


# ---- truth and counts ------------------------------------------------------------------------------------------------


@tensor_method("all")
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether every element is nonzero (NaN is): bool, or uint8 for uint8. Over the dimensions () nothing is reduced.

    >>> import minitorch
    >>> minitorch.tensor([[True, True], [True, False]]).all(dim=1)
    tensor([ True, False])
    """
    return _truth("all", input, dim, keepdim)


@tensor_method("any")
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether some element is nonzero (NaN is): bool, or uint8 for uint8. Over the dimensions () nothing is reduced.

    >>> import minitorch
    >>> minitorch.tensor([[False, True], [False, False]]).any(dim=1)
    tensor([ True, False])
    """
    return _truth("any", input, dim, keepdim)


@on_its_device
def _truth(name: str, input: Tensor, dim: Dim, keepdim: bool) -> Tensor:
    # Unlike the other reductions, and as in PyTorch, these reduce nothing where dim is ().
    dims = () if is_empty(dim) else dims_of(dim, input.data.ndim)
    array = getattr(input.data.astype(bool), name)(axis=dims, keepdims=keepdim)
    return wrap(array.astype(input.data.dtype) if input.data.dtype == "uint8" else array, input.backend)


@tensor_method("count_nonzero")
@on_its_device
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """How many elements aren't zero (NaN isn't), as int64.

    >>> import minitorch
    >>> minitorch.tensor([[0, 1, 2], [0, 0, 3]]).count_nonzero(dim=0)
    tensor([0, 1, 2])
    """
    dims = dims_of(dim, input.data.ndim)
    return wrap((input.data != 0).sum(axis=dims, dtype=int64.numpy), input.backend)
