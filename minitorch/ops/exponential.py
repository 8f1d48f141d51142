"""Exponentials and logarithms, element by element."""

from __future__ import annotations

from typing import Any

from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import floating, ieee


class Exp(Function):
    """∂eˣ = eˣ·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = wrap(ieee.run(input.backend.xp.exp, input.data), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output * output


class Log(Function):
    """∂ln x = ∂x/x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return wrap(ieee.run(input.backend.xp.log, input.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output / input


@tensor_method("exp")
def exp(input: Tensor) -> Tensor:
    """``eˣ``, elementwise."""
    return Exp.apply(floating(input))


@tensor_method("log")
def log(input: Tensor) -> Tensor:
    """The natural logarithm, elementwise; NaN for negative numbers, -inf for 0."""
    return Log.apply(floating(input))
