"""Running sums and products, the recurrence that differentiates them, and the product of all elements.

Dividing the product by each factor would give the product of the others, which the gradient needs, but for zeros.
Here nothing is divided: with zeros too, one or many, gradients of any order are right.
"""

from __future__ import annotations

from typing import Any

from ..devices import on_its_device
from ..dtypes import float32, float64
from ..tensor import Function, Tensor, tensor_method, wrap
from .convert import clone
from .dispatch import check_kind, ieee, in_float32, is_half
from .join import cat, narrow
from .reduce import dim_of, in_dtype_of_result
from .shape import reshape


@on_its_device
def _accumulated(name: str, input: Tensor, dim: int, reverse: bool) -> Any:
    """``cumsum`` or ``cumprod`` from the first element or from the last; float32 is accumulated in float64."""
    xp, array = input.backend.xp, input.data
    wide = float64.numpy if array.dtype == float32.numpy else array.dtype
    array = xp.flip(array, dim) if reverse else array
    out = ieee.run(lambda: getattr(xp, name)(array, axis=dim, dtype=wide).astype(input.data.dtype, copy=False))
    return xp.flip(out, dim) if reverse else out


def _previous(input: Tensor, dim: int, first: float, reverse: bool) -> Tensor:
    """Each element's predecessor along ``dim``, ``first`` for the first; seen from the other end with ``reverse``."""
    n = input.data.shape[dim]
    if n == 0:
        return input
    shape = list(input.data.shape)
    shape[dim] = 1
    edge = input.new_full(shape, first)
    return cat([narrow(input, dim, 1, n - 1), edge] if reverse else [edge, narrow(input, dim, 0, n - 1)], dim)


class CumSum(Function):
    """y_i = x_0 + … + x_i, or from the other end. x_i is part of y_i, y_{i+1}, …: ∂x is summed the other way."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, reverse: bool) -> Tensor:
        ctx.dim, ctx.reverse = dim, reverse
        return wrap(_accumulated("cumsum", input, dim, reverse), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return CumSum.apply(grad_output, ctx.dim, not ctx.reverse), None, None


class Recurrence(Function):
    """y_i = b_i + a_i·y_{i-1} with y_{-1} = 0, or from the other end.

    Every step composes maps y ↦ b + a·y of neighbours, so that after k steps each covers 2ᵏ of them: log₂ n steps on
    whole arrays instead of n on slices (Hillis and Steele, Data parallel algorithms, 1986).

    The gradient comes back by the same recurrence from the other end: ∂b_i = ∂y_i + a_{i+1}·∂b_{i+1}, and
    ∂a_i = ∂b_i·y_{i-1}.
    """

    @staticmethod
    def forward(ctx: Any, b: Tensor, a: Tensor, dim: int, reverse: bool) -> Tensor:
        output = wrap(ieee.run(Recurrence._solved, b.backend.xp, b.data, a.data, dim, reverse), b.backend)
        ctx.dim, ctx.reverse = dim, reverse
        ctx.save_for_backward(a, output)
        return output

    @staticmethod
    def _solved(xp: Any, b: Any, a: Any, dim: int, reverse: bool) -> Any:
        out = b.copy()
        y, factor = xp.moveaxis(out, dim, 0), xp.moveaxis(a.copy(), dim, 0)
        if reverse:
            y, factor = y[::-1], factor[::-1]
        step = 1
        while step < len(y):
            y[step:] += factor[step:] * y[:-step]
            factor[step:] = factor[step:] * factor[:-step]
            step *= 2
        return out

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        a, output = ctx.saved_tensors
        following = _previous(a, ctx.dim, 0, not ctx.reverse)
        grad_b = Recurrence.apply(grad_output, following, ctx.dim, not ctx.reverse)
        grad_a = grad_b * _previous(output, ctx.dim, 0, ctx.reverse) if ctx.needs_input_grad[1] else None
        return grad_b, grad_a, None, None


class CumProd(Function):
    """y_i = x_0·…·x_i, or from the other end. ∂x_i = y_{i-1}·(∂y_i + x_{i+1}·(∂y_{i+1} + x_{i+2}·(…)))."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, reverse: bool) -> Tensor:
        output = wrap(_accumulated("cumprod", input, dim, reverse), input.backend)
        ctx.dim, ctx.reverse = dim, reverse
        ctx.save_for_backward(input, output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, output = ctx.saved_tensors
        following = _previous(input, ctx.dim, 0, not ctx.reverse)
        inner = Recurrence.apply(grad_output, following, ctx.dim, not ctx.reverse)
        return _previous(output, ctx.dim, 1, ctx.reverse) * inner, None, None


class Prod(Function):
    """y = x_0·x_1·…; ∂x_i = (product of those before)·(product of those after)·∂y. The dimension is kept."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int) -> Tensor:
        ctx.save_for_backward(input)
        ctx.dim = dim
        return wrap(ieee.run(input.data.prod, axis=dim, dtype=input.data.dtype, keepdims=True), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        before = _previous(CumProd.apply(input, ctx.dim, False), ctx.dim, 1, False)
        after = _previous(CumProd.apply(input, ctx.dim, True), ctx.dim, 1, True)
        return grad_output * before * after, None


# ---- public functions ------------------------------------------------------------------------------------------------


def _scan(name: str, function: Any, input: Tensor, dim: int, dtype: Any) -> Tensor:
    input = in_dtype_of_result(input, dtype)
    check_kind(name, input, "if")
    dim = dim_of(dim, input.data.ndim)
    if not input.data.ndim:
        return clone(input)
    return in_float32(function.apply, input, dim, False) if is_half(input) else function.apply(input, dim, False)


@tensor_method("cumsum")
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sums of the elements up to each one along ``dim``. Integers and bools are summed as int64.

    >>> import minitorch
    >>> minitorch.tensor([1, 2, 3]).cumsum(0)
    tensor([1, 3, 6])
    """
    return _scan("cumsum", CumSum, input, dim, dtype)


@tensor_method("cumprod")
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The products of the elements up to each one along ``dim``. Integers and bools are multiplied as int64.

    >>> import minitorch
    >>> minitorch.tensor([1, 2, 3, 4]).cumprod(0)
    tensor([ 1,  2,  6, 24])
    """
    return _scan("cumprod", CumProd, input, dim, dtype)


@tensor_method("prod")
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product of all elements, or of those along one dimension; 1 where there are none.

    Integers and bools are multiplied as int64, unless ``dtype`` says otherwise.

    >>> import minitorch
    >>> x = minitorch.tensor([0., 2., 3.], requires_grad=True)
    >>> x.prod().backward()
    >>> x.grad
    tensor([6., 0., 0.])
    """
    input = in_dtype_of_result(input, dtype)
    if is_half(input):
        return in_float32(prod, input, dim, keepdim)
    shape = input.data.shape
    if dim is None:
        kept: tuple[int, ...] = (1,) * len(shape) if keepdim else ()
        return reshape(Prod.apply(reshape(input, (input.data.size,)), 0), kept)
    dim = dim_of(dim, len(shape))
    if not shape:
        return clone(input)
    out = Prod.apply(input, dim)
    return out if keepdim else reshape(out, (*shape[:dim], *shape[dim + 1 :]))
