"""Elementwise arithmetic and mathematical functions. Forward and backward stand together.

A backward returns the gradient in the shape of the result; the engine sums it to the shape of an operand that was
broadcast.
"""

from __future__ import annotations

import math
from typing import Any

from ..autograd import Function
from ..dtypes import of_scalar
from ..tensor import Tensor, tensor_method, wrap
from .dispatch import broadcast_shape, floating, ieee, operands, pair, same_device, scalar

# ---- arithmetic ------------------------------------------------------------------------------------------------------


class Add(Function):
    """∂(a + b) = ∂a + ∂b."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Tensor:
        return wrap(ieee.run(input.backend.xp.add, input.data, other.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output, grad_output


class Sub(Function):
    """∂(a - b) = ∂a - ∂b."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Tensor:
        return wrap(ieee.run(input.backend.xp.subtract, input.data, other.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output, -grad_output if ctx.needs_input_grad[1] else None


class Mul(Function):
    """∂(a·b) = b·∂a + a·∂b."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(input, other)
        return wrap(ieee.run(input.backend.xp.multiply, input.data, other.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, other = ctx.saved_tensors
        grad_input = grad_output * other if ctx.needs_input_grad[0] else None
        grad_other = grad_output * input if ctx.needs_input_grad[1] else None
        return grad_input, grad_other


class Div(Function):
    """∂(a/b) = ∂a/b - a/b²·∂b."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(input, other)
        return wrap(ieee.run(input.backend.xp.divide, input.data, other.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, other = ctx.saved_tensors
        grad_input = grad_output / other
        grad_other = -grad_input * (input / other) if ctx.needs_input_grad[1] else None
        return grad_input, grad_other


class Remainder(Function):
    """a - b·⌊a/b⌋, the remainder with the sign of b; ∂ = ∂a - ⌊a/b⌋·∂b."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(input, other)
        return wrap(ieee.run(input.backend.xp.remainder, input.data, other.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, other = ctx.saved_tensors
        grad_other = -grad_output * floor_divide(input, other) if ctx.needs_input_grad[1] else None
        return grad_output, grad_other


class Pow(Function):
    """∂(aᵇ) = b·aᵇ⁻¹·∂a + aᵇ·ln a·∂b; the first is 0 where b = 0, the second where a = 0 and b >= 0."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, exponent: Tensor) -> Tensor:
        output = wrap(ieee.run(input.backend.xp.power, input.data, exponent.data), input.backend)
        ctx.save_for_backward(input, exponent, output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, exponent, output = ctx.saved_tensors
        grad_input = grad_exponent = None
        if ctx.needs_input_grad[0]:
            grad_input = where(exponent == 0, 0.0, grad_output * exponent * input ** (exponent - 1))
        if ctx.needs_input_grad[1]:
            vanishes = (input == 0) & (exponent >= 0)
            grad_exponent = where(vanishes, 0.0, grad_output * output * log(where(vanishes, 1.0, input)))
        return grad_input, grad_exponent


@tensor_method("add", "__add__", "__radd__")
def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input + alpha * other``, broadcast; dtypes by type promotion.

    >>> import minitorch
    >>> minitorch.tensor([1, 2]) + 0.5
    tensor([1.5000, 2.5000])
    """
    if alpha != 1:
        other = other * alpha
    return Add.apply(*pair("add", input, other))  # type: ignore[no-any-return]


@tensor_method("sub", "subtract", "__sub__")
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input - alpha * other``, broadcast.

    Raises:
        RuntimeError: an operand is bool (use logical operations), or the shapes don't broadcast.
    """
    if alpha != 1:
        other = other * alpha
    a, b = pair("sub", input, other)
    if a.data.dtype.kind == "b":
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    return Sub.apply(a, b)  # type: ignore[no-any-return]


@tensor_method("__rsub__")
def rsub(input: Any, other: Any) -> Tensor:
    """``other - input``."""
    return sub(other, input)


@tensor_method("mul", "multiply", "__mul__", "__rmul__")
def mul(input: Any, other: Any) -> Tensor:
    """``input * other``, elementwise and broadcast."""
    return Mul.apply(*pair("mul", input, other))  # type: ignore[no-any-return]


@tensor_method("div", "divide", "true_divide", "__truediv__")
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``input / other``, broadcast. Integers are divided as floats, unless ``rounding_mode`` is given.

    Args:
        rounding_mode: None; ``"trunc"`` rounds towards zero, ``"floor"`` down (both without a gradient).

    >>> import minitorch
    >>> minitorch.div(minitorch.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode not in (None, "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}"
        )
    a, b = pair("div", input, other)
    if rounding_mode is None:
        return Div.apply(floating(a), floating(b))  # type: ignore[no-any-return]
    if a.data.dtype.kind == "f":
        return trunc(Div.apply(a, b))
    check_divisor("div", b)
    xp, quotient = a.backend.xp, floor_divide(a, b).data
    # Floor and truncation differ by one where the signs differ and something remains.
    off = (xp.remainder(a.data, b.data) != 0) & ((a.data < 0) != (b.data < 0))
    return wrap(quotient + off.astype(quotient.dtype), a.backend)


@tensor_method("__rtruediv__")
def rdiv(input: Any, other: Any) -> Tensor:
    """``other / input``."""
    return div(other, input)


def check_divisor(name: str, divisor: Tensor) -> None:
    """Raises RuntimeError where an integer division by zero would give garbage."""
    if divisor.data.dtype.kind != "f" and not divisor.data.all():
        raise RuntimeError(f"ZeroDivisionError: {name}: an integer tensor is divided by zero")


@tensor_method("floor_divide", "__floordiv__")
def floor_divide(input: Any, other: Any) -> Tensor:
    """``⌊input / other⌋``, broadcast. It has no gradient."""
    a, b = pair("floor_divide", input, other)
    check_divisor("floor_divide", b)
    return wrap(ieee.run(a.backend.xp.floor_divide, a.data, b.data), a.backend)


@tensor_method("__rfloordiv__")
def rfloor_divide(input: Any, other: Any) -> Tensor:
    """``⌊other / input⌋``."""
    return floor_divide(other, input)


@tensor_method("remainder", "__mod__")
def remainder(input: Any, other: Any) -> Tensor:
    """``input - other * ⌊input / other⌋``: the remainder with the sign of ``other``, as Python's ``%``."""
    a, b = pair("remainder", input, other)
    check_divisor("remainder", b)
    return Remainder.apply(a, b)  # type: ignore[no-any-return]


@tensor_method("__rmod__")
def rremainder(input: Any, other: Any) -> Tensor:
    """``other % input``."""
    return remainder(other, input)


@tensor_method("pow", "__pow__")
def pow(input: Any, exponent: Any) -> Tensor:
    """``input ** exponent``, broadcast.

    Raises:
        RuntimeError: integers to a negative integer power.
    """
    if isinstance(exponent, (int, float)) and isinstance(input, Tensor) and exponent == 2:
        return square(input)
    a, b = pair("pow", input, exponent)
    if a.data.dtype.kind in "iu" and (b.data < 0).any():
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    if a.data.dtype.kind == "b":
        raise RuntimeError("pow: bool tensors have no power; convert them with .to(minitorch.int64)")
    return Pow.apply(a, b)  # type: ignore[no-any-return]


@tensor_method("__rpow__")
def rpow(input: Any, other: Any) -> Tensor:
    """``other ** input``."""
    return pow(other, input)


# ---- functions of one operand -----------------------------------------------------------------------------------------


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
    return Neg.apply(input)  # type: ignore[no-any-return]


@tensor_method("__pos__")
def positive(input: Tensor) -> Tensor:
    """``+input``: the tensor itself."""
    return input


@tensor_method("square")
def square(input: Tensor) -> Tensor:
    """``input²``, elementwise."""
    return Square.apply(input)  # type: ignore[no-any-return]


@tensor_method("abs", "absolute", "__abs__")
def abs_(input: Tensor) -> Tensor:
    """``|input|``, elementwise; the gradient at 0 is 0."""
    return Abs.apply(input)  # type: ignore[no-any-return]


@tensor_method("exp")
def exp(input: Tensor) -> Tensor:
    """``eˣ``, elementwise."""
    return Exp.apply(floating(input))  # type: ignore[no-any-return]


@tensor_method("log")
def log(input: Tensor) -> Tensor:
    """The natural logarithm, elementwise; NaN for negative numbers, -inf for 0."""
    return Log.apply(floating(input))  # type: ignore[no-any-return]


@tensor_method("sqrt")
def sqrt(input: Tensor) -> Tensor:
    """``√input``, elementwise; NaN for negative numbers."""
    return Sqrt.apply(floating(input))  # type: ignore[no-any-return]


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
    return Sin.apply(floating(input))  # type: ignore[no-any-return]


@tensor_method("cos")
def cos(input: Tensor) -> Tensor:
    """The cosine of radians, elementwise."""
    return Cos.apply(floating(input))  # type: ignore[no-any-return]


@tensor_method("floor")
def floor(input: Tensor) -> Tensor:
    """The largest integer not above each element. Piecewise constant: its gradient is 0."""
    return Constant.apply(input, "floor") if input.data.dtype.kind == "f" else input  # type: ignore[no-any-return]


@tensor_method("ceil")
def ceil(input: Tensor) -> Tensor:
    """The smallest integer not below each element. Piecewise constant: its gradient is 0."""
    return Constant.apply(input, "ceil") if input.data.dtype.kind == "f" else input  # type: ignore[no-any-return]


@tensor_method("trunc")
def trunc(input: Tensor) -> Tensor:
    """Each element without its fractional part. Piecewise constant: its gradient is 0."""
    return Constant.apply(input, "trunc") if input.data.dtype.kind == "f" else input  # type: ignore[no-any-return]


@tensor_method("round")
def round_(input: Tensor) -> Tensor:
    """The nearest integer to each element; halves go to the even one. Piecewise constant: its gradient is 0."""
    return Constant.apply(input, "rint") if input.data.dtype.kind == "f" else input  # type: ignore[no-any-return]


@tensor_method("sign")
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1. Piecewise constant: its gradient is 0."""
    return Constant.apply(input, "sign")  # type: ignore[no-any-return]


# ---- choosing ----------------------------------------------------------------------------------------------------------


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
    return Where.apply(condition, a, b)  # type: ignore[no-any-return]


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
    return Extremum.apply(*pair("maximum", input, other), "maximum")  # type: ignore[no-any-return]


@tensor_method("minimum")
def minimum(input: Any, other: Any) -> Tensor:
    """The smaller of two elements, broadcast; NaN where one is NaN. Equal elements share the gradient."""
    return Extremum.apply(*pair("minimum", input, other), "minimum")  # type: ignore[no-any-return]


class Clamp(Function):
    """The gradient passes where min <= x <= max."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, min: float, max: float) -> Tensor:
        ctx.save_for_backward(input)
        ctx.min, ctx.max = min, max
        return wrap(input.backend.xp.clip(input.data, min, max), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return where((input >= ctx.min) & (input <= ctx.max), grad_output, 0), None, None


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
    return Clamp.apply(input, -math.inf if min is None else min, math.inf if max is None else max)  # type: ignore[no-any-return]
