"""Choosing between elements: ``where``, ``maximum``, ``minimum``, ``clamp``."""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import of_scalar
from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import broadcast_shape, floating, operands, pair, same_device, scalar


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


def where(condition: Tensor, input: Any, other: Any) -> Tensor:
    """``input`` where ``condition`` holds, else ``other``; all broadcast, ``condition`` bool.

    >>> import minitorch
    >>> x = minitorch.tensor([-1., 2.])
    >>> minitorch.where(x > 0, x, 0)
    tensor([0., 2.])

    Raises:
        RuntimeError: ``condition`` isn't bool, or the shapes don't broadcast.
    """
    if condition.data.dtype.kind != "b":
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}"
        )
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        input = scalar(input, of_scalar(input), condition)
    a, b = operands("where", input, other)
    same_device("where", condition, a)
    broadcast_shape("where", condition.data.shape, a.data.shape, b.data.shape)
    return Where.apply(condition, a, b)


@tensor_method("where")
def where_method(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """``self`` where ``condition`` holds, else ``other``."""
    return where(condition, self, other)


class Extremum(Function):
    """max(a, b) or min(a, b): the gradient goes to the chosen operand, half to each where they are equal."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor, name: str) -> Tensor:
        ctx.save_for_backward(input, other)
        ctx.name_ = name
        return wrap(getattr(input.backend.xp, name)(input.data, other.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, other = ctx.saved_tensors
        first = input > other if ctx.name_ == "maximum" else input < other
        half = where(input == other, grad_output / 2, 0)
        grad_input = where(first, grad_output, half) if ctx.needs_input_grad[0] else None
        grad_other = where(first | (input == other), half, grad_output) if ctx.needs_input_grad[1] else None
        return grad_input, grad_other, None


@tensor_method("maximum")
def maximum(input: Any, other: Any) -> Tensor:
    """The larger of two elements, broadcast; NaN where one is NaN. Equal elements share the gradient."""
    return Extremum.apply(*pair("maximum", input, other), "maximum")


@tensor_method("minimum")
def minimum(input: Any, other: Any) -> Tensor:
    """The smaller of two elements, broadcast; NaN where one is NaN. Equal elements share the gradient."""
    return Extremum.apply(*pair("minimum", input, other), "minimum")


class Clamp(Function):
    """The gradient passes where min <= x <= max."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, min: float | None, max: float | None) -> Tensor:
        ctx.save_for_backward(input)
        ctx.min, ctx.max = min, max
        return wrap(input.backend.xp.clip(input.data, min, max), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        low = -math.inf if ctx.min is None else ctx.min
        high = math.inf if ctx.max is None else ctx.max
        return where((input >= low) & (input <= high), grad_output, 0), None, None


@tensor_method("clamp", "clip")
def clamp(input: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """Each element moved into [min, max]. The gradient passes where it was inside, the bounds included.

    >>> import minitorch
    >>> minitorch.tensor([-2., 0.5, 3.]).clamp(min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])

    Raises:
        RuntimeError: neither bound is given.
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of 'min' or 'max' must not be None")
    for bound in (min, max):
        if isinstance(bound, float) and input.data.dtype.kind != "f":
            input = floating(input)
    return Clamp.apply(input, min, max)
