"""AlexNet's normalisation across neighbouring channels."""

from __future__ import annotations

from typing import Any

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
    squares = ChannelSums.apply(input * input, size // 2, (size - 1) // 2)
    return input / (squares * (alpha / size) + k) ** beta
