"""Sign, magnitude, powers and roots of one operand, element by element. Forward and backward stand together."""

from __future__ import annotations

from typing import Any

from ..devices import on_its_device
from ..dtypes import int64
from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import Constant, cast, check_kind, floating, ieee


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


@tensor_method("neg", "negative", "__neg__")
def neg(input: Tensor) -> Tensor:
    """``-input``, elementwise. Of uint8, modulo 256.

    >>> import minitorch
    >>> -minitorch.tensor([1., -2.])
    tensor([-1.,  2.])

    Raises:
        RuntimeError: the tensor is bool.
    """
    if input.data.dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. Use the `~` operator instead."
        )
    return Neg.apply(input)


@tensor_method("positive", "__pos__")
def positive(input: Tensor) -> Tensor:
    """``+input``: the tensor itself, no copy.

    >>> import minitorch
    >>> x = minitorch.tensor([1., -2.])
    >>> minitorch.positive(x) is x
    True

    Raises:
        RuntimeError: the tensor is bool.
    """
    if input.data.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported; convert it with .to(minitorch.int64)")
    return input


@tensor_method("square")
def square(input: Tensor) -> Tensor:
    """``input²``, elementwise; of bools, as int64.

    >>> import minitorch
    >>> minitorch.tensor([-3, 2]).square()
    tensor([9, 4])
    """
    return Square.apply(cast(input, int64) if input.data.dtype.kind == "b" else input)


@tensor_method("abs", "absolute", "__abs__")
def abs_(input: Tensor) -> Tensor:
    """``|input|``, elementwise. It has no derivative at 0; the gradient there is 0.

    >>> import minitorch
    >>> x = minitorch.tensor([-3., 0., 2.], requires_grad=True)
    >>> x.abs().sum().backward()
    >>> x.grad
    tensor([-1.,  0.,  1.])

    Raises:
        NotImplementedError: the tensor is bool.
    """
    check_kind("abs", input, "if")
    return Abs.apply(input)


@tensor_method("sqrt")
def sqrt(input: Tensor) -> Tensor:
    """``√input``, elementwise; NaN for negative numbers. Integers are taken as floats; the gradient at 0 is infinite.

    >>> import minitorch
    >>> minitorch.tensor([4, 0, -1]).sqrt()
    tensor([2., 0., nan])
    """
    return Sqrt.apply(floating(input))


@tensor_method("rsqrt")
def rsqrt(input: Tensor) -> Tensor:
    """``1/√input``, elementwise; inf for 0, NaN for negative numbers. Integers are taken as floats.

    >>> import minitorch
    >>> minitorch.tensor([4., 0., -1.]).rsqrt()
    tensor([0.5000,    inf,    nan])
    """
    return 1 / sqrt(input)


@tensor_method("reciprocal")
def reciprocal(input: Tensor) -> Tensor:
    """``1/input``, elementwise; infinite for 0. Integers are taken as floats.

    >>> import minitorch
    >>> minitorch.tensor([2, -4, 0]).reciprocal()
    tensor([ 0.5000, -0.2500,     inf])
    """
    return 1 / input


@tensor_method("sign")
@on_its_device
def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1, in the dtype of ``input``; 0 for NaN. Piecewise constant: its gradient is 0.

    >>> import minitorch
    >>> minitorch.tensor([-3., 0., 7., float("nan")]).sign()
    tensor([-1.,  0.,  1.,  0.])
    """
    array = input.data
    if array.dtype.kind == "b":
        return wrap(array.copy(), input.backend)
    # NumPy's sign of NaN would be NaN.
    return Constant.apply((array > 0).astype(array.dtype) - (array < 0).astype(array.dtype), input)
