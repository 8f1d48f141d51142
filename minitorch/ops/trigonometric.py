"""Trigonometric and hyperbolic functions and their inverses, element by element. Angles are in radians.

Integers and bools are taken as the default floating dtype.
"""

from __future__ import annotations

import math
from typing import Any

from ..tensor import Function, Tensor, tensor_method
from .dispatch import check_tensors, floating, pair, ufunc
from .elementwise import sqrt
from .selection import where


class Sin(Function):
    """∂sin x = cos x·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return ufunc("sin", input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * cos(input)


class Cos(Function):
    """∂cos x = -sin x·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return ufunc("cos", input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * -sin(input)


class Tan(Function):
    """∂tan x = (1 + tan² x)·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = ufunc("tan", input)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output * (output * output + 1)


class Asin(Function):
    """∂asin x = ∂x/√(1 - x²)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return ufunc("arcsin", input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output / _cosine_of_sine(input)


class Acos(Function):
    """∂acos x = -∂x/√(1 - x²)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return ufunc("arccos", input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return -grad_output / _cosine_of_sine(input)


def _cosine_of_sine(x: Tensor) -> Tensor:
    """√(1 - x²); as a product, because 1 - x·x has lost digits where x is near ±1."""
    return sqrt((1 - x) * (1 + x))


class Atan(Function):
    """∂atan x = ∂x/(1 + x²)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return ufunc("arctan", input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output / (input * input + 1)


class Atan2(Function):
    """∂atan2(y, x) = (x·∂y - y·∂x)/(x² + y²), and 0 at the origin: where that sum of squares is rounded to 0."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(input, other)
        return ufunc("arctan2", input, other)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        y, x = ctx.saved_tensors
        square = x * x + y * y
        # Dividing by infinity makes this gradient and its own gradients 0 at the origin.
        scaled = grad_output / where(square == 0, math.inf, square)
        grad_input = scaled * x if ctx.needs_input_grad[0] else None
        grad_other = scaled * -y if ctx.needs_input_grad[1] else None
        return grad_input, grad_other


class Sinh(Function):
    """∂sinh x = cosh x·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return ufunc("sinh", input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * cosh(input)


class Cosh(Function):
    """∂cosh x = sinh x·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return ufunc("cosh", input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * sinh(input)


@tensor_method("sin")
def sin(input: Tensor) -> Tensor:
    """The sine, elementwise; NaN for infinities. ∂sin x = cos x·∂x.

    >>> import minitorch
    >>> minitorch.sin(minitorch.tensor([0., 0.5236, 1.5708]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return Sin.apply(floating(input))


@tensor_method("cos")
def cos(input: Tensor) -> Tensor:
    """The cosine, elementwise; NaN for infinities. ∂cos x = -sin x·∂x.

    >>> import minitorch
    >>> minitorch.cos(minitorch.tensor([0., 1.0472, 3.1416]))
    tensor([ 1.0000,  0.5000, -1.0000])
    """
    return Cos.apply(floating(input))


@tensor_method("tan")
def tan(input: Tensor) -> Tensor:
    """The tangent ``sin x/cos x``, elementwise. ∂tan x = (1 + tan² x)·∂x.

    >>> import minitorch
    >>> minitorch.tan(minitorch.tensor([0., 0.7854]))
    tensor([0.0000, 1.0000])
    """
    return Tan.apply(floating(input))


@tensor_method("asin", "arcsin")
def asin(input: Tensor) -> Tensor:
    """The angle in [-π/2, π/2] whose sine is ``input``, elementwise; NaN where there is none.

    The gradient ``1/√(1 - x²)`` is infinite at ±1.

    >>> import minitorch
    >>> minitorch.asin(minitorch.tensor([0., 1., 2.]))
    tensor([0.0000, 1.5708,    nan])
    """
    return Asin.apply(floating(input))


@tensor_method("acos", "arccos")
def acos(input: Tensor) -> Tensor:
    """The angle in [0, π] whose cosine is ``input``, elementwise; NaN where there is none.

    The gradient ``-1/√(1 - x²)`` is infinite at ±1.

    >>> import minitorch
    >>> minitorch.acos(minitorch.tensor([1., 0., -1., 2.]))
    tensor([0.0000, 1.5708, 3.1416,    nan])
    """
    return Acos.apply(floating(input))


@tensor_method("atan", "arctan")
def atan(input: Tensor) -> Tensor:
    """The angle in (-π/2, π/2) whose tangent is ``input``, elementwise; ±π/2 for ±inf. ∂atan x = ∂x/(1 + x²).

    >>> import minitorch
    >>> minitorch.atan(minitorch.tensor([0., 1., float("inf")]))
    tensor([0.0000, 0.7854, 1.5708])
    """
    return Atan.apply(floating(input))


@tensor_method("atan2", "arctan2")
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle in [-π, π] from the positive x axis to the point (x = ``other``, y = ``input``), broadcast.

    The gradient at the origin, where there is no such angle, is 0.

    >>> import minitorch
    >>> minitorch.atan2(minitorch.tensor([1., -1.]), minitorch.tensor([0., -1.]))
    tensor([ 1.5708, -2.3562])

    Raises:
        TypeError: an argument is not a tensor.
    """
    check_tensors("atan2", input=input, other=other)
    y, x = pair("atan2", input, other)
    return Atan2.apply(floating(y), floating(x))


@tensor_method("sinh")
def sinh(input: Tensor) -> Tensor:
    """The hyperbolic sine ``(eˣ - e⁻ˣ)/2``, elementwise; its derivative is :func:`cosh`.

    >>> import minitorch
    >>> minitorch.sinh(minitorch.tensor([0., 1., -1.]))
    tensor([ 0.0000,  1.1752, -1.1752])
    """
    return Sinh.apply(floating(input))


@tensor_method("cosh")
def cosh(input: Tensor) -> Tensor:
    """The hyperbolic cosine ``(eˣ + e⁻ˣ)/2``, elementwise; its derivative is :func:`sinh`.

    >>> import minitorch
    >>> minitorch.cosh(minitorch.tensor([0., 1., -1.]))
    tensor([1.0000, 1.5431, 1.5431])
    """
    return Cosh.apply(floating(input))
