"""Reductions: over all elements, or over the dimensions in ``dim``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..dtypes import as_dtype, int64
from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .compare import isinf
from .dispatch import cast, floating, ieee
from .exponential import exp
from .gather import take_along_dim
from .selection import maximum, minimum, where
from .shape import expand, reshape, squeeze

Dim = int | Sequence[int] | None


def dims_of(dim: Dim, ndim: int) -> tuple[int, ...]:
    """The dimensions to reduce, counted from the front; None and () mean all.

    Raises:
        RuntimeError: one is named twice.
    """
    if dim is None:
        return tuple(range(ndim))
    if isinstance(dim, int):
        return (normalize_dim(dim, ndim),) if ndim else (normalize_dim(dim, ndim),)[:0]
    dims = tuple([normalize_dim(d, ndim) for d in dim]) if ndim else ()
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {list(dim)}: one dimension appears more than once")
    return dims or tuple(range(ndim))


def kept_shape(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` with 1 for each reduced dimension."""
    return tuple([1 if i in dims else n for i, n in enumerate(shape)])


class Sum(Function):
    """The gradient of a sum is the same for every summand."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
        ctx.shape, ctx.dims = input.data.shape, dims
        return wrap(ieee.run(input.data.sum, axis=dims, keepdims=keepdim), input.backend)

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
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    elif input.data.dtype.kind != "f":
        input = cast(input, int64)
    return Sum.apply(input, dims_of(dim, input.data.ndim), keepdim)


@tensor_method("mean")
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of the elements; NaN where there are none.

    Raises:
        RuntimeError: the elements are integers or bools and no floating ``dtype`` is given.
    """
    if dtype is not None:
        input = cast(input, as_dtype(dtype))
    if input.data.dtype.kind != "f":
        raise RuntimeError(
            f"mean(): could not infer output dtype. Input dtype must be a floating point dtype. Got: {input.dtype}"
        )
    count: int = math.prod([input.data.shape[d] for d in dims_of(dim, input.data.ndim)])
    return sum(input, dim, keepdim) / count


@tensor_method("var")
def var(input: Tensor, dim: Dim = None, *, correction: float = 1, keepdim: bool = False) -> Tensor:
    """The variance: the sum of squared distances from the mean over (count - correction)."""
    dims = dims_of(dim, input.data.ndim)
    count = math.prod([input.data.shape[d] for d in dims])
    centred = input - mean(input, dims, True)
    return sum(centred * centred, dims, keepdim) / _at_least_zero(count - correction)


@tensor_method("std")
def std(input: Tensor, dim: Dim = None, *, correction: float = 1, keepdim: bool = False) -> Tensor:
    """The standard deviation: the square root of :func:`var`. Where it is 0, so is its gradient."""
    variance = var(input, dim, correction=correction, keepdim=keepdim)
    constant = variance == 0  # where the root has no derivative
    return where(constant, 0, where(constant, 1, variance).sqrt())


def _at_least_zero(x: float) -> float:
    return x if x > 0 else 0


# ---- extrema ---------------------------------------------------------------------------------------------------------


class MaxMin(NamedTuple):
    """The results of ``max`` and ``min`` along a dimension."""

    values: Tensor
    indices: Tensor


def _check_not_empty(name: str, input: Tensor, dims: tuple[int, ...]) -> None:
    for d in dims:
        if input.data.ndim and input.data.shape[d] == 0:
            raise IndexError(
                f"{name}(): Expected reduction dim {d} to have non-zero size; the shape is {tuple(input.data.shape)}"
            )


def _arg(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    function = getattr(input.backend.xp, name)
    if dim is None:
        if input.data.size == 0:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        array = function(input.data)
        shape = (1,) * input.data.ndim if keepdim else ()
        return wrap(input.backend.xp.asarray(array).reshape(shape), input.backend)
    dims = dims_of(dim, input.data.ndim)
    _check_not_empty(name, input, dims)
    if not dims:
        return wrap(input.backend.xp.zeros((), dtype="int64"), input.backend)
    return wrap(function(input.data, axis=dims[0], keepdims=keepdim), input.backend)


@tensor_method("argmax")
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the largest element (the first of equal ones): of all elements in C order, or along ``dim``."""
    return _arg("argmax", input, dim, keepdim)


@tensor_method("argmin")
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the smallest element (the first of equal ones): of all elements in C order, or along ``dim``."""
    return _arg("argmin", input, dim, keepdim)


class Extreme(Function):
    """max or min over dimensions: elements equal to the extremum share its gradient evenly."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, name: str, dims: tuple[int, ...], keepdim: bool) -> Tensor:
        kept = getattr(input.data, name)(axis=dims, keepdims=True)
        chosen = (input.data == kept) | ((input.data != input.data) & (kept != kept))
        ctx.save_for_backward(wrap(chosen, input.backend))
        ctx.kept_shape = kept.shape
        shape = kept.shape if keepdim else tuple([n for i, n in enumerate(input.data.shape) if i not in dims])
        ctx.dims = dims
        return wrap(kept.reshape(shape), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (chosen,) = ctx.saved_tensors
        share = reshape(grad_output, ctx.kept_shape) / chosen.sum(ctx.dims, True).to(grad_output.dtype)
        return share * chosen.to(grad_output.dtype), None, None, None


def _extreme(name: str, input: Tensor, dim: Dim, keepdim: bool) -> Tensor:
    dims = dims_of(dim, input.data.ndim)
    if dim is None and input.data.size == 0:
        raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
    _check_not_empty(name, input, dims)
    return Extreme.apply(input, name[-3:], dims, keepdim)


@tensor_method("amax")
def amax(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The largest element over ``dim``. Equal largest elements share the gradient evenly."""
    return _extreme("amax", input, dim, keepdim)


@tensor_method("amin")
def amin(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The smallest element over ``dim``. Equal smallest elements share the gradient evenly."""
    return _extreme("amin", input, dim, keepdim)


@tensor_method("max")
def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """Without ``dim`` the largest element; with ``dim`` the named tuple (values, indices); with a tensor ``maximum``.

    Along ``dim`` the gradient goes to the element that the index names: the first of equal ones.

    >>> import minitorch
    >>> values, indices = minitorch.tensor([[1., 5.], [7., 2.]]).max(dim=1)
    >>> values, indices
    (tensor([5., 7.]), tensor([1, 0]))
    """
    return _max_or_min("max", input, dim, keepdim)


@tensor_method("min")
def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """Without ``dim`` the smallest element; with ``dim`` the named tuple (values, indices); with a tensor ``minimum``.

    Along ``dim`` the gradient goes to the element that the index names: the first of equal ones.
    """
    return _max_or_min("min", input, dim, keepdim)


def _max_or_min(name: str, input: Tensor, dim: int | Tensor | None, keepdim: bool) -> Any:
    if isinstance(dim, Tensor):
        return (maximum if name == "max" else minimum)(input, dim)
    if dim is None:
        return _extreme(name, input, None, False)
    indices = _arg("arg" + name, input, dim, True)
    values = take_along_dim(input, indices, dim) if input.data.ndim else input
    if not keepdim and input.data.ndim:
        values, indices = squeeze(values, dim), squeeze(indices, dim)
    return MaxMin(values, indices)


# ---- of truth values -------------------------------------------------------------------------------------------------


@tensor_method("all")
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether every element is nonzero: bool, or uint8 for uint8."""
    return _truth("all", input, dim, keepdim)


@tensor_method("any")
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Whether some element is nonzero: bool, or uint8 for uint8."""
    return _truth("any", input, dim, keepdim)


def _truth(name: str, input: Tensor, dim: Dim, keepdim: bool) -> Tensor:
    # Unlike the other reductions, and as in PyTorch, these reduce nothing where dim is ().
    dims = () if dim == () else dims_of(dim, input.data.ndim)
    array = getattr(input.data.astype(bool), name)(axis=dims, keepdims=keepdim)
    return wrap(array.astype(input.data.dtype) if input.data.dtype == "uint8" else array, input.backend)


@tensor_method("logsumexp")
def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """``log(sum(exp(input)))`` without overflow."""
    dims = dims_of(dim, input.data.ndim)
    input = floating(input)
    highest = amax(input.detach(), dims, True)
    highest = where(isinf(highest), 0, highest)
    out = exp(input - highest).sum(dims, True).log() + highest
    return out if keepdim else squeeze(out, dims)
