"""Activation functions, softmax and dropout."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..autograd import no_grad
from ..dtypes import as_dtype
from ..random import default_generator
from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .dispatch import check_floating, floating, ieee, in_float32
from .exponential import exp
from .inplace import check_in_place, store
from .selection import where
from .shape import reshape, transpose


class ReLU(Function):
    """max(x, 0): the gradient passes where the output is positive (or NaN)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = wrap(input.backend.relu(input.data), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return ReLUBackward.apply(grad_output, *ctx.saved_tensors)


class ReLUBackward(Function):
    """0 where ``output <= 0``, else ``grad_output``: linear in the gradient, piecewise constant in the output."""

    @staticmethod
    def forward(ctx: Any, grad_output: Tensor, output: Tensor) -> Tensor:
        ctx.save_for_backward(output)
        return wrap(grad_output.backend.relu_backward(grad_output.data, output.data), grad_output.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        grad = ReLUBackward.apply(grad_output, output.detach()) if ctx.needs_input_grad[0] else None
        # A derivative of 0, not of None: second derivatives of a network with ReLUs exist, as in PyTorch.
        zero = output.new_zeros(()).expand(output.data.shape) if ctx.needs_input_grad[1] else None
        return grad, zero


class LeakyReLU(Function):
    """x where x > 0, else s·x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, negative_slope: float) -> Tensor:
        positive = input.data > 0
        ctx.save_for_backward(wrap(positive, input.backend))
        ctx.negative_slope = negative_slope
        scaled = ieee.run(input.backend.xp.multiply, input.data, negative_slope)
        return wrap(input.backend.xp.where(positive, input.data, scaled), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (positive,) = ctx.saved_tensors
        return where(positive, grad_output, grad_output * ctx.negative_slope), None


class Tanh(Function):
    """∂tanh x = (1 - tanh² x)·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = wrap(input.backend.xp.tanh(input.data), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output * (1 - output * output)


class Sigmoid(Function):
    """∂σ(x) = σ(x)·(1 - σ(x))·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        xp = input.backend.xp
        # exp(-x) may overflow: 1/(1 + inf) is the right 0.
        output = wrap(ieee.run(xp.reciprocal, 1 + ieee.run(xp.exp, -input.data)), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output * output * (1 - output)


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


class Dropout(Function):
    """x·m with a mask m of 0 and 1/(1 - p) that (seed, offset) fix: nothing is kept for the gradient ∂y·m."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, p: float, seed: int, offset: int) -> Tensor:
        ctx.mask = p, seed, offset
        return wrap(input.backend.dropout(input.data, p, seed, offset), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Dropout.apply(grad_output, *ctx.mask), None, None, None


def _rows(array: Any) -> Any:
    """(…, C) → (R, C)."""
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


def _replace(name: str, input: Tensor, function: Callable[..., Tensor], *args: Any) -> Tensor:
    """Writes ``function(input, *args)`` into ``input``."""
    check_in_place(name, input)
    with no_grad():
        return store(input, function(input, *args).data)


@tensor_method("relu")
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(input, 0)``, elementwise; NaN stays NaN. The gradient passes where the input is positive.

    ``inplace=True`` changes ``input`` itself, where no graph is being recorded.

    >>> import minitorch
    >>> minitorch.relu(minitorch.tensor([-1., 0., 2.]))
    tensor([0., 0., 2.])

    Raises:
        RuntimeError: the tensor is bool; or ``inplace``, and it is part of a graph that is being recorded.

    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).
    """
    if inplace:
        return _replace("relu", input, relu)
    if isinstance(input, Tensor) and input.data.dtype.kind in "iu":
        return wrap(input.backend.xp.maximum(input.data, 0), input.backend)
    check_floating("relu", input)
    if input.data.dtype.itemsize == 2:
        return in_float32(relu, input)
    return ReLU.apply(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``input`` where it is positive, else ``negative_slope * input``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.leaky_relu(minitorch.tensor([-100., 2.]))
    tensor([-1.,  2.])

    Raises:
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).
    """
    check_floating("leaky_relu", input)
    if inplace:
        return _replace("leaky_relu", input, leaky_relu, negative_slope)
    return LeakyReLU.apply(input, float(negative_slope))


@tensor_method("tanh")
def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, elementwise. Integers are taken as floats.

    >>> import minitorch
    >>> minitorch.tanh(minitorch.tensor([0., 1.]))
    tensor([0.0000, 0.7616])
    """
    return Tanh.apply(floating(input))


@tensor_method("sigmoid")
def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-input))``, elementwise. Integers are taken as floats.

    >>> import minitorch
    >>> minitorch.sigmoid(minitorch.tensor([0., 1.]))
    tensor([0.5000, 0.7311])
    """
    input = floating(input)
    if input.data.dtype.itemsize == 2:
        return in_float32(sigmoid, input)
    return Sigmoid.apply(input)


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


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Sets each element to 0 with probability ``p`` and scales the others by ``1/(1 - p)``, so that means stay.

    The random numbers come from the default generator (:func:`minitorch.manual_seed`), element by element in C order:
    the same seed gives the same mask on every device. Without ``training`` it is the identity.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> _ = minitorch.manual_seed(0)
    >>> sorted(set(F.dropout(minitorch.ones(100), 0.75).tolist()))
    [0.0, 4.0]

    Raises:
        ValueError: ``p`` is not between 0 and 1.
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014).
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    check_floating("dropout", input)
    if inplace:
        return _replace("dropout", input, dropout, p)
    if input.data.dtype.itemsize == 2:
        return in_float32(dropout, input, p)
    seed, offset = default_generator.reserve(input.data.size)
    return Dropout.apply(input, float(p), seed, offset)
