"""Choosing between elements: ``where``, ``masked_fill``, ``maximum``, ``minimum``, ``clamp``, ``nan_to_num``."""

from __future__ import annotations

from typing import Any, overload

from ..devices import on_its_device
from ..dtypes import dtype, of_scalar, result_dtype
from ..tensor import Function, Tensor, tensor_method, wrap
from .compare import isfinite
from .dispatch import (
    broadcast_shape,
    cast,
    check_tensors,
    fitting,
    ieee,
    operands,
    pair,
    promotion_of,
    scalar,
    ufunc,
    with_scalars_moved,
)


class Where(Function):
    """Each gradient goes to the operand that the element came from."""

    @staticmethod
    def forward(ctx: Any, condition: Tensor, input: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(condition)
        return wrap(input.backend.xp.where(condition.data, input.data, other.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (condition,) = ctx.saved_tensors
        grad_input = where(condition, grad_output, 0) if ctx.needs_input_grad[1] else None
        grad_other = where(condition, 0, grad_output) if ctx.needs_input_grad[2] else None
        return None, grad_input, grad_other


@on_its_device
def _places(condition: Tensor) -> tuple[Tensor, ...]:
    """The indices of the elements that aren't zero, a tensor a dimension."""
    xp = condition.backend.xp
    return tuple([wrap(index, condition.backend) for index in xp.nonzero(xp.atleast_1d(condition.data))])


@overload
def where(condition: Tensor) -> tuple[Tensor, ...]: ...


@overload
def where(condition: Tensor, input: Any, other: Any) -> Tensor: ...


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """``input`` where ``condition`` holds, else ``other``; all broadcast, ``condition`` bool.

    ``where(condition)`` alone gives the indices of the elements that aren't zero: a tuple with a tensor a dimension.

    >>> import minitorch
    >>> x = minitorch.tensor([-1., 2.])
    >>> minitorch.where(x > 0, x, 0)
    tensor([0., 2.])
    >>> minitorch.where(x > 0)
    (tensor([1]),)

    Raises:
        TypeError: ``condition`` is not a tensor, or one of the others is missing or neither a tensor nor a number.
        RuntimeError: ``condition`` isn't bool, or the shapes don't broadcast.
    """
    check_tensors("where", condition=condition)
    if input is None and other is None:
        return _places(condition)
    if condition.data.dtype.kind != "b":
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}"
        )
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = scalar(input, of_scalar(input), condition)
    condition, input, other = with_scalars_moved("where", (condition, input, other))
    a, b = operands("where", input, other)
    broadcast_shape("where", condition.data.shape, a.data.shape, b.data.shape)
    return Where.apply(condition, a, b)


@tensor_method("where")
def where_method(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """``self`` where ``condition`` holds, else ``other``."""
    return where(condition, self, other)


@tensor_method("masked_fill")
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """``value`` where ``mask`` holds, else ``input``, whose dtype the result has; input and mask broadcast.

    Args:
        value: a number, or a tensor without dimensions, which gets the sum of the gradients there.

    >>> import minitorch
    >>> x = minitorch.tensor([1., 2., 3.])
    >>> minitorch.masked_fill(x, x > 2, -1)
    tensor([ 1.,  2., -1.])

    Raises:
        TypeError: ``input`` or ``mask`` is not a tensor, or ``value`` is neither a tensor nor a number.
        RuntimeError: ``mask`` isn't bool, ``value`` has dimensions or doesn't fit into the dtype, or the shapes don't
            broadcast.
    """
    check_tensors("masked_fill", input=input, mask=mask)
    if mask.data.dtype.kind != "b":
        raise RuntimeError(f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype}")
    if not isinstance(value, Tensor):
        value = fitting(value, input.dtype, input)
    elif value.data.ndim:
        raise RuntimeError(
            f"masked_fill only supports a 0-dimensional value tensor, but got one of shape {tuple(value.data.shape)}"
        )
    input, mask, value = with_scalars_moved("masked_fill", (input, mask, value))
    broadcast_shape("masked_fill", input.data.shape, mask.data.shape)
    return Where.apply(mask, cast(value, input.dtype), input)


class Extremum(Function):
    """max(a, b) or min(a, b): no gradient goes to the operand that lost, half to each where they are equal.

    Where one is NaN neither lost, and both get all of it.
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor, name: str) -> Tensor:
        ctx.save_for_backward(input, other)
        ctx.name_ = name
        return ufunc(name, input, other)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, other = ctx.saved_tensors
        share = where(input == other, grad_output / 2, grad_output)
        input_lost, other_lost = input < other, input > other
        if ctx.name_ == "minimum":
            input_lost, other_lost = other_lost, input_lost
        grad_input = where(input_lost, 0, share) if ctx.needs_input_grad[0] else None
        grad_other = where(other_lost, 0, share) if ctx.needs_input_grad[1] else None
        return grad_input, grad_other, None


@tensor_method("maximum")
def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of two elements, broadcast; NaN where one is NaN. Equal elements share the gradient.

    >>> import minitorch
    >>> x = minitorch.tensor([1., 2., 3.], requires_grad=True)
    >>> minitorch.maximum(x, minitorch.tensor(2.)).sum().backward()
    >>> x.grad
    tensor([0.0000, 0.5000, 1.0000])

    Raises:
        TypeError: an operand is no tensor.
        RuntimeError: the shapes don't broadcast.
    """
    check_tensors("maximum", input=input, other=other)
    return Extremum.apply(*pair("maximum", input, other), "maximum")


@tensor_method("minimum")
def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of two elements, broadcast; NaN where one is NaN. Equal elements share the gradient.

    >>> import minitorch
    >>> minitorch.minimum(minitorch.tensor([1., 5., float("nan")]), minitorch.tensor(2.))
    tensor([1., 2., nan])

    Raises:
        TypeError: an operand is no tensor.
        RuntimeError: the shapes don't broadcast.
    """
    check_tensors("minimum", input=input, other=other)
    return Extremum.apply(*pair("minimum", input, other), "minimum")


class Clamp(Function):
    """min(max(x, low), high): the gradient goes to x inside the bounds (these included), outside to the bound.

    Where low > high the result is high, and so the gradient is its alone.
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, low: Tensor | None, high: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, low, high)
        xp, array = input.backend.xp, input.data
        if low is not None:
            array = xp.maximum(array, low.data)
        if high is not None:
            array = xp.minimum(array, high.data)
        return wrap(array, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, low, high = ctx.saved_tensors
        if low is None:
            inside, below, above = input <= high, None, input > high
        elif high is None:
            inside, below, above = input >= low, input < low, None
        else:
            inside = (input >= low) & (input <= high)
            below, above = (input < low) & (low < high), (input > high) | (high < low)
        masks = zip((inside, below, above), ctx.needs_input_grad, strict=True)
        return tuple([where(mask, grad_output, 0) if needed else None for mask, needed in masks])


@tensor_method("clamp", "clip")
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Each element moved into [min, max]; the bounds are numbers, or tensors that are broadcast, or None.

    NaN stays NaN, a NaN as a bound gives NaN, and where ``min > max`` the result is ``max``. The gradient goes to the
    element where it is inside, the bounds included, else to the bound that replaced it.

    >>> import minitorch
    >>> minitorch.tensor([-2., 0.5, 3.]).clamp(min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])

    Raises:
        RuntimeError: neither bound is given, one doesn't fit into the dtype, or the shapes don't broadcast.
        TypeError: a bound is neither a tensor nor a number.
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of 'min' or 'max' must not be None")
    check_tensors("clamp", input=input)
    input, min, max = with_scalars_moved("clamp", (input, min, max))
    given = [v for v in (input, min, max) if v is not None]
    d = result_dtype(*[promotion_of(v) for v in given])
    tensors = [v for v in given if isinstance(v, Tensor)]
    broadcast_shape("clamp", *[t.data.shape for t in tensors])
    return Clamp.apply(cast(input, d), *[_bound(b, d, input) for b in (min, max)])


def _bound(value: Any, d: dtype, like: Tensor) -> Tensor | None:
    if value is None or isinstance(value, Tensor):
        return None if value is None else cast(value, d)
    return fitting(value, d, like)


@tensor_method("clamp_min")
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """``clamp(input, min=min)``: each element, or ``min`` where it is smaller.

    Values are those of :func:`maximum`; but where both are equal, ``input`` gets all of the gradient.

    >>> import minitorch
    >>> minitorch.tensor([-1, 0, 2]).clamp_min(0)
    tensor([0, 0, 2])
    """
    return clamp(input, min, None)


@tensor_method("clamp_max")
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """``clamp(input, max=max)``: each element, or ``max`` where it is larger; gradients as those of :func:`clamp_min`.

    >>> import minitorch
    >>> minitorch.tensor([-1, 0, 2]).clamp_max(0)
    tensor([-1,  0,  0])
    """
    return clamp(input, None, max)


class NanToNum(Function):
    """The gradient is 0 where the element was NaN or infinite."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, nan: float, posinf: float | None, neginf: float | None) -> Tensor:
        ctx.save_for_backward(input)
        replaced = ieee.run(input.backend.xp.nan_to_num, input.data, nan=nan, posinf=posinf, neginf=neginf)
        return wrap(replaced, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return where(isfinite(input), grad_output, 0), None, None, None


@tensor_method("nan_to_num")
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """NaN replaced by ``nan`` (0 by default), infinities by ``posinf`` and ``neginf`` (the dtype's extremes).

    The gradient is 0 where an element was replaced.

    >>> import minitorch
    >>> minitorch.nan_to_num(minitorch.tensor([float("nan"), float("inf"), 1.]), posinf=9.)
    tensor([0., 9., 1.])
    """
    check_tensors("nan_to_num", input=input)
    return NanToNum.apply(input, 0.0 if nan is None else nan, posinf, neginf)
