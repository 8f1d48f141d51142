"""Interpolation, and the logarithm of a sum of exponentials: functions of several operands, which broadcast."""

from __future__ import annotations

from typing import Any

from ..dtypes import float16
from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import (
    broadcast_shape,
    cast,
    check_kind,
    check_tensors,
    ieee,
    in_float32,
    pair,
    scalar,
    ufunc,
    with_scalars_moved,
)
from .smooth_activation import sigmoid


def _lerp(a: Any, b: Any, w: Any, xp: Any) -> Any:
    difference = b - a
    # From the nearer end: w = 1 gives exactly b, and a rounded result doesn't leave the interval.
    return xp.where(abs(w) < 0.5, a + w * difference, b - difference * (1 - w))


class Lerp(Function):
    """(1 - w)·a + w·b: ∂ = (1 - w)·∂a + w·∂b + (b - a)·∂w."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, end: Tensor, weight: Tensor) -> Tensor:
        ends = (input, end) if ctx.needs_input_grad[2] else (None, None)
        ctx.save_for_backward(weight, *ends)
        return wrap(ieee.run(_lerp, input.data, end.data, weight.data, input.backend.xp), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        weight, input, end = ctx.saved_tensors
        grad_input = grad_output * (1 - weight) if ctx.needs_input_grad[0] else None
        grad_end = grad_output * weight if ctx.needs_input_grad[1] else None
        grad_weight = grad_output * (end - input) if ctx.needs_input_grad[2] else None
        return grad_input, grad_end, grad_weight


@tensor_method("lerp")
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """``input + weight * (end - input)``: linear interpolation, broadcast; ``weight`` is a number or a tensor.

    >>> import minitorch
    >>> minitorch.lerp(minitorch.tensor([0., 10.]), minitorch.tensor([4., 20.]), 0.25)
    tensor([ 1.0000, 12.5000])

    Raises:
        TypeError: ``input`` or ``end`` is not a tensor.
        RuntimeError: the dtypes differ (but for a weight without dimensions), or the shapes don't broadcast.
        NotImplementedError: the tensors are of integers or bools.
    """
    check_tensors("lerp", input=input, end=end)
    check_kind("lerp", input, "f")
    input, end, weight = with_scalars_moved("lerp", (input, end, weight))
    if not isinstance(weight, Tensor):
        weight = scalar(weight, input.dtype, input)
    elif weight.data.ndim == 0:
        weight = cast(weight, input.dtype)
    for name, tensor in (("end", end), ("weight", weight)):
        if tensor.data.dtype != input.data.dtype:
            raise RuntimeError(f"lerp: expected dtype {input.dtype} for `{name}` but got dtype {tensor.dtype}")
    broadcast_shape("lerp", input.data.shape, end.data.shape, weight.data.shape)
    if input.data.dtype == float16.numpy:
        return in_float32(lerp, input, end, weight)
    return Lerp.apply(input, end, weight)


class LogAddExp(Function):
    """∂ln(eᵃ + eᵇ) = σ(a - b)·∂a + σ(b - a)·∂b with the logistic function σ."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(input, other)
        return ufunc("logaddexp", input, other)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, other = ctx.saved_tensors
        grad_input = grad_output * sigmoid(input - other) if ctx.needs_input_grad[0] else None
        grad_other = grad_output * sigmoid(other - input) if ctx.needs_input_grad[1] else None
        return grad_input, grad_other


@tensor_method("logaddexp")
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """``ln(eᵃ + eᵇ)``, broadcast, as ``max(a, b) + log1p(exp(-|a - b|))``: without overflow.

    >>> import minitorch
    >>> minitorch.logaddexp(minitorch.tensor([0., 1000.]), minitorch.tensor([0., 1000.]))
    tensor([6.9315e-01, 1.0007e+03])

    Raises:
        TypeError: an argument is not a tensor.
        NotImplementedError: the tensors are of integers or bools.
    """
    check_tensors("logaddexp", input=input, other=other)
    a, b = pair("logaddexp", input, other)
    check_kind("logaddexp", a, "f")
    return LogAddExp.apply(a, b)
