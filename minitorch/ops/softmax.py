"""Softmax and its logarithm along a dimension."""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import as_dtype
from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .dispatch import check_floating, in_float32
from .exponential import exp
from .permute import transpose
from .shape import reshape


def _rows(array: Any) -> Any:
    """(…, C) → (R, C)."""
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


class Softmax(Function):
    """y = softmax(x) along the last dimension: ∂x = y·(∂y - Σ ∂y·y)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = wrap(input.backend.softmax(_rows(input.data)).reshape(input.data.shape), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        weighted = grad_output * output
        return weighted - output * weighted.sum(-1, True)


class LogSoftmax(Function):
    """y = log softmax(x) along the last dimension: ∂x = ∂y - eʸ·Σ ∂y."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = wrap(input.backend.log_softmax(_rows(input.data)).reshape(input.data.shape), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output - exp(output) * grad_output.sum(-1, True)


def _along(function: type[Function], name: str, input: Tensor, dim: int, dtype: Any) -> Tensor:
    """A function of the last dimension, applied along ``dim``."""
    if dtype is not None:
        input = input.to(as_dtype(dtype))
    check_floating(name, input)
    ndim = input.data.ndim
    dim = normalize_dim(dim, ndim)
    if input.data.dtype.itemsize == 2:
        return in_float32(_along, function, name, input, dim, None)
    if ndim == 0:
        return reshape(function.apply(reshape(input, (1,))), ())
    if dim == ndim - 1:
        return function.apply(input)
    return transpose(function.apply(transpose(input, dim, -1)), dim, -1)


@tensor_method("softmax")
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """``exp(x) / Σ exp(x)`` along ``dim``, without overflow: positive numbers whose sum is 1.

    Args:
        dim: the dimension to sum over.
        dtype: the input is cast to it first.

    >>> import minitorch
    >>> minitorch.softmax(minitorch.tensor([1., 1., 1., 1.]), dim=0)
    tensor([0.2500, 0.2500, 0.2500, 0.2500])

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: the tensor is of integers and no floating ``dtype`` is given.
    """
    return _along(Softmax, "softmax", input, dim, dtype)


@tensor_method("log_softmax")
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """``x - log Σ exp(x)`` along ``dim``: the logarithm of :func:`softmax`, exact where that rounds to 0.

    Args:
        dim: the dimension to sum over.
        dtype: the input is cast to it first.

    >>> import minitorch
    >>> minitorch.log_softmax(minitorch.tensor([0., 1000.]), dim=0)
    tensor([-1000.,     0.])

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: the tensor is of integers and no floating ``dtype`` is given.
    """
    return _along(LogSoftmax, "log_softmax", input, dim, dtype)
