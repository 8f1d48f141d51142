"""Mathematical functions of one operand, element by element. Forward and backward stand together."""

from __future__ import annotations

from typing import Any

from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import floating, ieee


class Neg(Function):
    """∂(-x) = -∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        return wrap(-input.data, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return -grad_output


class Square(Function):
    """∂x² = 2x·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return wrap(ieee.run(input.backend.xp.square, input.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * (input * 2)


class Abs(Function):
    """∂|x| = sign(x)·∂x, 0 at 0."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return wrap(abs(input.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * sign(input)


class Sqrt(Function):
    """∂√x = ∂x/(2√x)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = wrap(ieee.run(input.backend.xp.sqrt, input.data), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output / (output * 2)


class Sign(Function):
    """-1, 0 or 1, and 0 for NaN, where NumPy's sign is NaN: its gradient is 0 wherever it has one."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        positive, negative = input.data > 0, input.data < 0
        return wrap(positive.astype(input.data.dtype) - negative.astype(input.data.dtype), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output.new_zeros(grad_output.data.shape)


@tensor_method("neg", "negative", "__neg__")
def neg(input: Tensor) -> Tensor:
    """``-input``.

    Raises:
        RuntimeError: the tensor is bool.
    """
    if input.data.dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. Use the `~` operator instead."
        )
    return Neg.apply(input)


@tensor_method("__pos__")
def positive(input: Tensor) -> Tensor:
    """``+input``: the tensor itself."""
    return input


@tensor_method("square")
def square(input: Tensor) -> Tensor:
    """``input²``, elementwise."""
    return Square.apply(input)


@tensor_method("abs", "absolute", "__abs__")
def abs_(input: Tensor) -> Tensor:
    """``|input|``, elementwise; the gradient at 0 is 0."""
    return Abs.apply(input)


@tensor_method("sqrt")
def sqrt(input: Tensor) -> Tensor:
    """``√input``, elementwise; NaN for negative numbers."""
    return Sqrt.apply(floating(input))


@tensor_method("rsqrt")
def rsqrt(input: Tensor) -> Tensor:
    """``1/√input``, elementwise."""
    return 1 / sqrt(input)


@tensor_method("reciprocal")
def reciprocal(input: Tensor) -> Tensor:
    """``1/input``, elementwise."""
    return 1 / input


@tensor_method("sign")
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1; 0 for NaN. Piecewise constant: its gradient is 0."""
    return input if input.data.dtype.kind == "b" else Sign.apply(input)
