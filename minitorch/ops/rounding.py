"""Rounding to integers, element by element. All of it is piecewise constant: the gradient is 0."""

from __future__ import annotations

from typing import Any

from ..tensor import Function, Tensor, tensor_method, wrap


class Constant(Function):
    """A piecewise constant function, given by its name in the array module: its gradient is 0 wherever it has one."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, name: str) -> Tensor:
        return wrap(getattr(input.backend.xp, name)(input.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output.new_zeros(grad_output.data.shape), None


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
