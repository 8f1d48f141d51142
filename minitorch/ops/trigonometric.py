"""Trigonometric functions, element by element."""

from __future__ import annotations

from typing import Any

from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import floating, ieee


class Sin(Function):
    """∂sin x = cos x·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return wrap(ieee.run(input.backend.xp.sin, input.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * cos(input)


class Cos(Function):
    """∂cos x = -sin x·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return wrap(ieee.run(input.backend.xp.cos, input.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * -sin(input)


@tensor_method("sin")
def sin(input: Tensor) -> Tensor:
    """The sine of radians, elementwise."""
    return Sin.apply(floating(input))


@tensor_method("cos")
def cos(input: Tensor) -> Tensor:
    """The cosine of radians, elementwise."""
    return Cos.apply(floating(input))
