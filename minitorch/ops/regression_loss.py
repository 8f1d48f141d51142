"""Losses of real numbers: how far ``input`` is from ``target``."""

from __future__ import annotations

from typing import Any

from ..dtypes import dtype
from ..tensor import Function, Tensor, wrap
from .dispatch import check_floating, check_tensors, ieee
from .elementwise import abs_, sign, square
from .loss import check_reduction, loss_operands, reduced, warn_of_broadcast
from .reduce import sum
from .selection import where


class Huber(Function):
    """l(x) = x²/2u where |x| < δ, (δ/u)·(|x| - δ/2) beyond; ∂l = c/u·∂x with c = x clamped to [-δ, δ].

    Second derivatives are 1/u inside and 0 from |x| = δ on.
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, delta: float, unit: float) -> Tensor:
        ctx.save_for_backward(input)
        ctx.delta, ctx.unit = delta, unit
        clamped = input.backend.xp.clip(input.data, -delta, delta)
        # Both cases at once: c·(x - c/2). Divided first, so that a small unit = δ doesn't underflow.
        return wrap(ieee.run(_huber, input.data, clamped, unit), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        clamped = where(abs_(input) >= ctx.delta, sign(input) * ctx.delta, input)
        return grad_output * (clamped / ctx.unit), None, None


def _huber(x: Any, clamped: Any, unit: float) -> Any:
    return (clamped / unit) * (x - clamped / 2)


def _check_weight(name: str, input: Tensor, weight: Tensor) -> None:
    check_tensors(name, weight=weight)
    if weight.data.shape != input.data.shape:
        raise ValueError(
            f"{name}: weight has shape {weight.data.shape}, expected that of the input, {input.data.shape}"
        )


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The squared error ``weight·(input - target)²``.

    Args:
        input, target: of one shape. Others are broadcast, with a warning.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        reduction: ``"none"``, ``"mean"`` (the sum over the sum of the weights) or ``"sum"``.
        weight: of the shape of the input.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.mse_loss(minitorch.tensor([1., 2.]), minitorch.tensor([1., 4.]))
    tensor(2.)

    Raises:
        ValueError: the reduction is unknown, or the weight is of another shape.
        RuntimeError: all tensors are of integers, the shapes don't broadcast, or the devices differ.
    """
    check_reduction("mse_loss", reduction, size_average, reduce)
    if weight is not None:
        _check_weight("mse_loss", input, weight)
    tensors, d = loss_operands("mse_loss", input, target, *([] if weight is None else [weight]))
    warn_of_broadcast(input, target)
    check_floating("mse_loss", tensors[0])
    return _weighted_mean(square(tensors[0] - tensors[1]), tensors[2:], reduction, d)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The absolute error ``weight·|input - target|``; its gradient is 0 where both are equal.

    Arguments and errors are those of :func:`mse_loss`; integers are taken too, by every reduction but the mean.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.l1_loss(minitorch.tensor([1., 2.]), minitorch.tensor([1., 4.]))
    tensor(1.)
    """
    check_reduction("l1_loss", reduction, size_average, reduce)
    if weight is not None:
        _check_weight("l1_loss", input, weight)
    tensors, d = loss_operands("l1_loss", input, target, *([] if weight is None else [weight]))
    warn_of_broadcast(input, target)
    return _weighted_mean(abs_(tensors[0] - tensors[1]), tensors[2:], reduction, d)


def _weighted_mean(losses: Tensor, weights: list[Tensor], reduction: str, d: dtype) -> Tensor:
    """The reduction of the losses, times the weight if there is one; the mean divides by the sum of the weights."""
    if not weights:
        return reduced(losses, reduction, d)
    losses = losses * weights[0]
    if reduction == "mean":
        return reduced(sum(losses) / sum(weights[0]), "none", d)
    return reduced(losses, reduction, d)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """``x²/(2·beta)`` where ``|x| < beta``, else ``|x| - beta/2``, with ``x = input - target``.

    The absolute error, rounded off around 0: :func:`huber_loss` over ``beta``. The second derivative at ``|x| = beta``
    is 0.

    Args:
        input, target: of one shape. Others are broadcast, with a warning.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        beta: where the parabola ends; with 0 the loss is :func:`l1_loss`.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.smooth_l1_loss(minitorch.tensor([0.5, 4.]), minitorch.zeros(2), reduction="none")
    tensor([0.1250, 3.5000])

    Raises:
        ValueError: the reduction is unknown.
        RuntimeError: ``beta`` is negative, both tensors are of integers, the shapes don't broadcast, or the devices
            differ.

    Girshick, "Fast R-CNN" (2015), section 2.3.
    """
    check_reduction("smooth_l1_loss", reduction, size_average, reduce)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    (a, b), d = loss_operands("smooth_l1_loss", input, target)
    warn_of_broadcast(input, target)
    if beta == 0:
        return reduced(abs_(a - b), reduction, d)
    check_floating("smooth_l1_loss", a)
    return reduced(Huber.apply(a - b, float(beta), float(beta)), reduction, d)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """``weight·x²/2`` where ``|x| <= delta``, else ``weight·delta·(|x| - delta/2)``, with ``x = input - target``.

    The second derivative at ``|x| = delta`` is 0.

    Args:
        input, target: of one shape. Others are broadcast, with a warning.
        reduction: ``"none"``, ``"mean"`` (over the elements, whatever their weights) or ``"sum"``.
        delta: where the parabola ends and the straight line begins.
        weight: of the shape of the input.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.huber_loss(minitorch.tensor([1., 4.]), minitorch.zeros(2), reduction="none", delta=2.)
    tensor([0.5000, 6.0000])

    Raises:
        ValueError: the reduction is unknown, or the weight is of another shape.
        RuntimeError: ``delta`` is not positive, all tensors are of integers, the shapes don't broadcast, or the
            devices differ.

    Huber, "Robust estimation of a location parameter" (1964).
    """
    check_reduction("huber_loss", reduction)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    if weight is not None:
        _check_weight("huber_loss", input, weight)
    tensors, d = loss_operands("huber_loss", input, target, *([] if weight is None else [weight]))
    warn_of_broadcast(input, target)
    check_floating("huber_loss", tensors[0])
    losses = Huber.apply(tensors[0] - tensors[1], float(delta), 1.0)
    return reduced(losses if weight is None else losses * tensors[2], reduction, d)
