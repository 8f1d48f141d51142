"""Exponentials and logarithms, element by element. Integers and bools are taken as the default floating dtype."""

from __future__ import annotations

import math
from typing import Any

from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import floating, ieee, ufunc


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


class Exp2(Function):
    """∂2ˣ = ln 2·2ˣ·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = ufunc("exp2", input)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output * (output * math.log(2))


class Expm1(Function):
    """y = eˣ - 1: ∂y = (y + 1)·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = ufunc("expm1", input)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output * (output + 1)


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


class Log1p(Function):
    """∂ln(1 + x) = ∂x/(1 + x)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return ufunc("log1p", input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output / (input + 1)


class LogBase(Function):
    """The logarithm to base b, 2 or 10: ∂log x = ∂x/(x·ln b)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, base: int) -> Tensor:
        ctx.save_for_backward(input)
        ctx.base = base
        return ufunc(f"log{base}", input)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output / (input * math.log(ctx.base)), None


@tensor_method("exp")
def exp(input: Tensor) -> Tensor:
    """``eˣ``, elementwise. Integers are taken as floats. In float32 it overflows to inf above x = 88.72.

    >>> import minitorch
    >>> minitorch.exp(minitorch.tensor([-104., 0., 1., 89.]))
    tensor([0.0000, 1.0000, 2.7183,    inf])
    """
    return Exp.apply(floating(input))


@tensor_method("exp2")
def exp2(input: Tensor) -> Tensor:
    """``2ˣ``, elementwise.

    >>> import minitorch
    >>> minitorch.exp2(minitorch.tensor([-1., 0., 3.]))
    tensor([0.5000, 1.0000, 8.0000])
    """
    return Exp2.apply(floating(input))


@tensor_method("expm1")
def expm1(input: Tensor) -> Tensor:
    """``eˣ - 1``, elementwise: exact for small x too, where subtracting 1 from eˣ would leave few digits.

    >>> import minitorch
    >>> x = minitorch.tensor(1e-10)
    >>> minitorch.expm1(x).item() == x.item(), (x.exp() - 1).item()
    (True, 0.0)
    """
    return Expm1.apply(floating(input))


@tensor_method("log")
def log(input: Tensor) -> Tensor:
    """The natural logarithm, elementwise; NaN for negative numbers, -inf for 0. Integers are taken as floats.

    >>> import minitorch
    >>> minitorch.log(minitorch.tensor([1., 2.718282, 0., -1.]))
    tensor([0.0000, 1.0000,   -inf,    nan])
    """
    return Log.apply(floating(input))


@tensor_method("log1p")
def log1p(input: Tensor) -> Tensor:
    """``ln(1 + x)``, elementwise: exact for small x too, where adding 1 would lose it.

    >>> import minitorch
    >>> x = minitorch.tensor(1e-10)
    >>> minitorch.log1p(x).item() == x.item(), minitorch.log(1 + x).item()
    (True, 0.0)
    """
    return Log1p.apply(floating(input))


@tensor_method("log2")
def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2, elementwise; NaN for negative numbers, -inf for 0. ∂log₂ x = ∂x/(x·ln 2).

    >>> import minitorch
    >>> minitorch.log2(minitorch.tensor([1, 1024, 0]))
    tensor([ 0., 10., -inf])
    """
    return LogBase.apply(floating(input), 2)


@tensor_method("log10")
def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10, elementwise; NaN for negative numbers, -inf for 0. ∂log₁₀ x = ∂x/(x·ln 10).

    >>> import minitorch
    >>> minitorch.log10(minitorch.tensor([1., 1000., 0.01]))
    tensor([ 0.0000,  3.0000, -2.0000])
    """
    return LogBase.apply(floating(input), 10)
