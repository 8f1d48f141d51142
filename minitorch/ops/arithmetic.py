"""Arithmetic of two operands, which broadcast. Forward and backward stand together.

A backward returns the gradient in the shape of the result; the engine sums it to the shape of an operand that was
broadcast.
"""

from __future__ import annotations

from typing import Any

from ..devices import on_its_device
from ..dtypes import as_dtype, bool_
from ..tensor import Function, Tensor, tensor_method, wrap
from .compare import bitwise_or
from .dispatch import Constant, check_kind, floating, ieee, pair, scalar
from .elementwise import square
from .exponential import log
from .selection import where


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
        grad_input = grad_output / other if ctx.needs_input_grad[0] else None
        # Not a/b²: b² may be 0 or infinite where b is neither.
        grad_other = -grad_output * (input / other / other) if ctx.needs_input_grad[1] else None
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

    Raises:
        TypeError: an operand is neither a tensor nor a number.
        RuntimeError: ``alpha`` is a float and the result has integers, or the shapes don't broadcast.
    """
    a, b = pair("add", input, other)
    return Add.apply(a, b if alpha == 1 else _scaled("add", b, alpha))


def _scaled(name: str, other: Tensor, alpha: float) -> Tensor:
    """``alpha * other`` in the dtype of ``other``."""
    if other.data.dtype.kind != "f" and isinstance(alpha, float):
        raise RuntimeError(f"{name}: alpha must not be a floating-point number for {other.dtype} tensors, got {alpha}")
    return Mul.apply(other, scalar(alpha, other.dtype, other))


@tensor_method("sub", "subtract", "__sub__")
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input - alpha * other``, broadcast; dtypes by type promotion.

    >>> import minitorch
    >>> minitorch.tensor([[1.], [2.]]) - minitorch.tensor([1, 2])
    tensor([[ 0., -1.],
            [ 1.,  0.]])

    Raises:
        TypeError: an operand is neither a tensor nor a number.
        RuntimeError: an operand is bool (use logical operations), ``alpha`` is a float and the result has integers, or
            the shapes don't broadcast.
    """
    a, b = pair("sub", input, other)
    promoted = a is not input or b is not other
    if a.data.dtype.kind == "b" or (promoted and (_is_bool(input) or _is_bool(other))):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    return Sub.apply(a, b if alpha == 1 else _scaled("sub", b, alpha))


def _is_bool(operand: Any) -> bool:
    return isinstance(operand, bool) or (hasattr(operand, "dtype") and as_dtype(operand.dtype) is bool_)


@tensor_method("__rsub__")
def rsub(input: Any, other: Any) -> Tensor:
    """``other - input``."""
    return sub(other, input)


@tensor_method("mul", "multiply", "__mul__", "__rmul__")
def mul(input: Any, other: Any) -> Tensor:
    """``input * other``, elementwise and broadcast; dtypes by type promotion. Matrices multiply with :func:`matmul`.

    >>> import minitorch
    >>> minitorch.tensor([[1, 2], [3, 4]]) * minitorch.tensor([10, 100])
    tensor([[ 10, 200],
            [ 30, 400]])

    Raises:
        TypeError: an operand is neither a tensor nor a number.
        RuntimeError: the shapes don't broadcast.
    """
    return Mul.apply(*pair("mul", input, other))


@tensor_method("div", "divide", "true_divide", "__truediv__")
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``input / other``, broadcast. Integers are divided as floats, unless ``rounding_mode`` is given.

    Args:
        rounding_mode: None; ``"trunc"`` rounds towards zero, ``"floor"`` down; the gradient is then 0.

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
        return Div.apply(floating(a), floating(b))
    check_divisor("div", b)
    return Constant.apply(_truncated(a, b), a, b)


@on_its_device
def _truncated(input: Tensor, other: Tensor) -> Any:
    """The array of input/other rounded towards zero, of two tensors of one dtype."""
    return ieee.run(_truncated_arrays, input.data, other.data, input.backend.xp)


def _truncated_arrays(a: Any, b: Any, xp: Any) -> Any:
    if a.dtype.kind == "f":
        return xp.trunc(a / b)
    quotient = xp.floor_divide(a, b)
    # Floor and truncation differ by one where the signs differ and something remains.
    return quotient + ((xp.remainder(a, b) != 0) & ((a < 0) != (b < 0))).astype(quotient.dtype)


@tensor_method("__rtruediv__")
def rdiv(input: Any, other: Any) -> Tensor:
    """``other / input``."""
    return div(other, input)


@on_its_device
def check_divisor(name: str, divisor: Tensor) -> None:
    """Raises RuntimeError where an integer division by zero would give garbage, NotImplementedError for bools."""
    check_kind(name, divisor, "if")
    if divisor.data.dtype.kind != "f" and not divisor.data.all():
        raise RuntimeError(f"ZeroDivisionError: {name}: an integer tensor is divided by zero")


@tensor_method("floor_divide", "__floordiv__")
@on_its_device
def floor_divide(input: Any, other: Any) -> Tensor:
    """``⌊input / other⌋``, broadcast. Its gradient is 0 (PyTorch has one for ``div(rounding_mode="floor")`` only).

    >>> import minitorch
    >>> minitorch.tensor([7, -7]) // 2
    tensor([ 3, -4])

    Raises:
        RuntimeError: integers are divided by zero.
        NotImplementedError: both operands are bool.
    """
    a, b = pair("floor_divide", input, other)
    check_divisor("floor_divide", b)
    return Constant.apply(ieee.run(a.backend.xp.floor_divide, a.data, b.data), a, b)


@tensor_method("__rfloordiv__")
def rfloor_divide(input: Any, other: Any) -> Tensor:
    """``⌊other / input⌋``."""
    return floor_divide(other, input)


@tensor_method("remainder", "__mod__")
def remainder(input: Any, other: Any) -> Tensor:
    """``input - other * ⌊input / other⌋``: the remainder with the sign of ``other``, as Python's ``%``.

    The gradients are ``1`` for ``input`` and ``-⌊input / other⌋`` for ``other``, at the jumps too.

    >>> import minitorch
    >>> minitorch.tensor([7., -7.]) % 3, minitorch.tensor([7., -7.]) % -3
    (tensor([1., 2.]), tensor([-2., -1.]))

    Raises:
        RuntimeError: integers are divided by zero.
        NotImplementedError: both operands are bool.
    """
    a, b = pair("remainder", input, other)
    check_divisor("remainder", b)
    return Remainder.apply(a, b)


@tensor_method("__rmod__")
def rremainder(input: Any, other: Any) -> Tensor:
    """``other % input``."""
    return remainder(other, input)


@on_its_device
def _has_negative(input: Tensor) -> bool:
    return bool((input.data < 0).any())


@tensor_method("pow", "__pow__")
def pow(input: Any, exponent: Any) -> Tensor:
    """``input ** exponent``, broadcast; dtypes by type promotion. NaN for a negative number to a fractional power.

    ``0 ** 0`` is 1. The gradient of ``input`` is 0 where the exponent is 0; that of ``exponent`` is 0 where the base is
    0 and the exponent isn't negative.

    >>> import minitorch
    >>> minitorch.tensor([1., 2., 3.]) ** 2, 2 ** minitorch.tensor([1, 2, 3])
    (tensor([1., 4., 9.]), tensor([2, 4, 8]))

    Raises:
        RuntimeError: integers to a negative integer power.
        NotImplementedError: both operands are bool tensors.
    """
    if isinstance(exponent, (int, float)) and isinstance(input, Tensor):
        if input.data.dtype.kind == "b" and isinstance(exponent, bool):
            return bitwise_or(input, not exponent)  # 0⁰ = 1, as for numbers
        if exponent == 2 and (input.data.dtype.kind == "f" or (type(exponent) is int and input.data.dtype.kind != "b")):
            return square(input)
    a, b = pair("pow", input, exponent)
    if a.data.dtype.kind in "iu" and _has_negative(b):
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    if a.data.dtype.kind == "b":
        raise NotImplementedError("pow: not implemented for bool tensors; convert them with .to(minitorch.int64)")
    return Pow.apply(a, b)


@tensor_method("__rpow__")
def rpow(input: Any, other: Any) -> Tensor:
    """``other ** input``."""
    return pow(other, input)
