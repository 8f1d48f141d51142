"""AlexNet's normalisation across neighbouring channels."""

from __future__ import annotations

from typing import Any

from ..autograd import is_grad_enabled
from ..tensor import Function, Tensor, wrap
from .dispatch import check_floating, ieee, in_float32


class ChannelSums(Function):
    """y[n, c] = Σ x[n, c + i] over -before <= i <= after, without what lies outside.

    Its adjoint is the same with ``before`` and ``after`` exchanged.
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, before: int, after: int) -> Tensor:
        ctx.window = before, after
        x, C = input.data, input.data.shape[1]
        output = x.copy()
        # One shifted copy of all channels after the other: running sums would be fewer additions, but cancel digits.
        for i in range(1, min(before, C - 1) + 1):
            ieee.run(input.backend.xp.add, output[:, i:], x[:, :-i], output[:, i:])
        for i in range(1, min(after, C - 1) + 1):
            ieee.run(input.backend.xp.add, output[:, :-i], x[:, i:], output[:, :-i])
        return wrap(output, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        before, after = ctx.window
        return ChannelSums.apply(grad_output, after, before), None, None


class LocalResponseNorm(Function):
    """y = x·b^(-β) with b[c] = k + α/n·Σ x² over the n channels around c.

    ∂x = ∂y·b^(-β) - 2αβ/n·x·Σ ∂y·x·b^(-β - 1), with the sum over the channels in whose windows c is.
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
        x, backend = input.data, input.backend
        output, base = ieee.run(backend.local_response_norm, x.reshape(*x.shape[:2], -1), size, alpha, beta, k)
        ctx.save_for_backward(input, wrap(base.reshape(x.shape), backend))
        ctx.parameters = size, alpha, beta, k
        return wrap(output.reshape(x.shape), backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, base = ctx.saved_tensors
        gradient = _recorded_gradient if is_grad_enabled() else _gradient
        return gradient(grad_output, input, base, *ctx.parameters), None, None, None, None


def _gradient(
    grad_output: Tensor, input: Tensor, base: Tensor, size: int, alpha: float, beta: float, k: float
) -> Tensor:
    """The gradient in one go."""
    shape = (*input.data.shape[:2], -1)
    g, x, b = grad_output.data.reshape(shape), input.data.reshape(shape), base.data.reshape(shape)
    array = ieee.run(input.backend.local_response_norm_backward, g, x, b, size, alpha, beta)
    return wrap(array.reshape(input.data.shape), input.backend)


def _recorded_gradient(
    grad_output: Tensor, input: Tensor, base: Tensor, size: int, alpha: float, beta: float, k: float
) -> Tensor:
    """The same of operations that can be differentiated again; so must be ``base``, which is computed anew."""
    before, after = size // 2, (size - 1) // 2
    base = ChannelSums.apply(input * input, before, after) * (alpha / size) + k
    direct = grad_output * base**-beta
    others = ChannelSums.apply(direct * input / base, after, before)
    return direct - input * others * (2 * alpha / size * beta)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha/size·Σ x²)^beta``, with the sum over ``size`` channels around each: strong ones damp others.

    The window of channel c begins at c - ⌊size/2⌋; channels that don't exist count as zeros.

    Args:
        input: (N, C, L) or (N, C, …).
        size: the number of channels in the window.
        alpha: how strongly the neighbours damp. Krizhevsky's α isn't divided by ``size``: his 10⁻⁴ is 5·10⁻⁴ here.
        beta: the exponent.
        k: keeps the divisor from 0.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.local_response_norm(minitorch.tensor([[[3.], [4.], [0.]]]), size=3, alpha=3, beta=0.5, k=0)
    tensor([[[0.6000],
             [0.8000],
             [0.0000]]])

    Raises:
        ValueError: the input has fewer than three dimensions.
        RuntimeError: ``size`` isn't positive, or the dtype is no floating one.

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks" (2012), section
    3.3.
    """
    check_floating("local_response_norm", input)
    if input.data.ndim < 3:
        raise ValueError(
            f"local_response_norm: Expected 3D or higher dimensionality input (got {input.data.ndim} dimensions)"
        )
    if input.data.size == 0:
        return input
    if size <= 0:
        raise RuntimeError(f"local_response_norm: size should be greater than zero, but got {size}")
    if input.data.dtype.itemsize == 2:
        return in_float32(local_response_norm, input, size, alpha, beta, k)
    return LocalResponseNorm.apply(input, size, alpha, beta, k)
