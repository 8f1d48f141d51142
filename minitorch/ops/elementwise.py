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


class Constant(Function):
    """A piecewise constant function, given by its name in the array module: its gradient is 0 wherever it has one."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, name: str) -> Tensor:
        return wrap(getattr(input.backend.xp, name)(input.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output.new_zeros(grad_output.data.shape), None


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


@tensor_method("exp")
def exp(input: Tensor) -> Tensor:
    """``eˣ``, elementwise."""
    return Exp.apply(floating(input))


@tensor_method("log")
def log(input: Tensor) -> Tensor:
    """The natural logarithm, elementwise; NaN for negative numbers, -inf for 0."""
    return Log.apply(floating(input))


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


@tensor_method("sin")
def sin(input: Tensor) -> Tensor:
    """The sine of radians, elementwise."""
    return Sin.apply(floating(input))


@tensor_method("cos")
def cos(input: Tensor) -> Tensor:
    """The cosine of radians, elementwise."""
    return Cos.apply(floating(input))


@tensor_method("floor")
def floor(input: Tensor) -> Tensor:
    """The largest integer not above each element. Piecewise constant: its gradient is 0."""
    return Constant.apply(input, "floor") if input.data.dtype.kind == "f" else input


@tensor_method("ceil")
def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below each element. Piecewise constant: its gradient is 0."""
    return Constant.apply(input, "ceil") if input.data.dtype.kind == "f" else input


@tensor_method("trunc")
def trunc(input: Tensor) -> Tensor:
    """Each element without its fractional part. Piecewise constant: its gradient is 0."""
    return Constant.apply(input, "trunc") if input.data.dtype.kind == "f" else input


@tensor_method("round")
def round_(input: Tensor) -> Tensor:
    """The nearest integer to each element; halves go to the even one. Piecewise constant: its gradient is 0."""
    return Constant.apply(input, "rint") if input.data.dtype.kind == "f" else input


@tensor_method("sign")
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1; 0 for NaN. Piecewise constant: its gradient is 0."""
    return input if input.data.dtype.kind == "b" else Sign.apply(input)
