"""Losses of probabilities and of the parameters of distributions: negative log-likelihoods and divergences."""

from __future__ import annotations

import math
import warnings
from typing import Any

from ..devices import on_its_device
from ..tensor import Function, Tensor, wrap
from .dispatch import broadcast_shape, cast, check_floating, check_tensors, floating, ieee, same_device
from .elementwise import square
from .exponential import exp, log, log1p
from .like import full_like
from .loss import REDUCTIONS, at_least, check_reduction, loss_operands, reduced
from .reduce import sum
from .selection import clamp, where
from .shape import unsqueeze
from .smooth_activation import logsigmoid

# ---- yes or no -------------------------------------------------------------------------------------------------------


class BinaryCrossEntropy(Function):
    """l = -t·ln x - (1 - t)·ln(1 - x), no logarithm below -100: ∂x = (x - t)/(x·(1 - x)), ∂t = ln(1 - x) - ln x.

    The divisor is at least 10⁻¹²: at x = 0 and x = 1 a sure and right answer has the gradient 0, a wrong one ±10¹².
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(input, target)
        return wrap(ieee.run(_binary_cross_entropy, input.backend.xp, input.data, target.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, target = ctx.saved_tensors
        grad_input = grad_target = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output * (input - target) / clamp(input * (1 - input), min=1e-12)
        if ctx.needs_input_grad[1]:
            grad_target = grad_output * (log1p(-input) - log(input))
        return grad_input, grad_target


def _binary_cross_entropy(xp: Any, x: Any, t: Any) -> Any:
    return (t - 1) * xp.maximum(xp.log1p(-x), -100) - t * xp.maximum(xp.log(x), -100)


def _check_same_shape(name: str, input: Tensor, target: Tensor) -> None:
    check_tensors(name, input=input, target=target)
    if target.data.shape != input.data.shape:
        raise ValueError(
            f"{name}: target has shape {target.data.shape}, expected that of the input, {input.data.shape}"
        )


def _fitting(name: str, what: str, weight: Tensor, input: Tensor) -> Tensor:
    """A weight in the dtype of the input.

    Raises:
        RuntimeError: it isn't on the input's device, or doesn't broadcast to the input's shape.
    """
    same_device(name, input, weight)
    if broadcast_shape(name, weight.data.shape, input.data.shape) != input.data.shape:
        raise RuntimeError(
            f"{name}: {what} has shape {weight.data.shape}, which doesn't broadcast to that of the input, "
            f"{input.data.shape}"
        )
    return cast(weight, input.dtype)


@on_its_device
def _check_unit_interval(name: str, what: str, tensor: Tensor) -> None:
    if tensor.backend.capturing:  # then the logarithm of a negative number makes the loss NaN
        return
    inside = (tensor.data >= 0) & (tensor.data <= 1)  # NaN is outside
    if not inside.all():
        position = int(inside.argmin())
        element = tensor.data.reshape(-1)[position].item()
        raise RuntimeError(
            f"{name}: all elements of {what} should be between 0 and 1, got {element:g} (element {position})"
        )


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-weight·(t·ln x + (1 - t)·ln(1 - x))`` of probabilities x and t.

    No logarithm counts less than -100, so that a sure and wrong answer costs 100 instead of infinity. After a sigmoid
    use :func:`binary_cross_entropy_with_logits` instead, which knows how wrong the answer is.

    Args:
        input: probabilities, of any shape.
        target: probabilities, usually 0 and 1, of the input's shape and dtype.
        weight: broadcasts to the shape of the input.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    The gradient of the input is ``(x - t)/max(x·(1 - x), 10⁻¹²)``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.binary_cross_entropy(minitorch.tensor([0.5, 0.]), minitorch.tensor([1., 1.]), reduction="none")
    tensor([  0.6931, 100.0000])

    Raises:
        ValueError: the shapes of input and target differ, or the reduction is unknown.
        RuntimeError: an element isn't between 0 and 1, the dtypes differ or aren't floating, the weight doesn't
            broadcast to the input, or the devices differ.
    """
    check_reduction("binary_cross_entropy", reduction, size_average, reduce)
    _check_same_shape("binary_cross_entropy", input, target)
    check_floating("binary_cross_entropy", input, target)
    _check_unit_interval("binary_cross_entropy", "input", input)
    _check_unit_interval("binary_cross_entropy", "target", target)
    (x, t), d = loss_operands("binary_cross_entropy", input, target)
    losses = BinaryCrossEntropy.apply(x, t)
    if weight is not None:
        losses = losses * _fitting("binary_cross_entropy", "weight", weight, x)
    return reduced(losses, reduction, d)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """``-weight·(pos_weight·t·ln σ(x) + (1 - t)·ln(1 - σ(x)))``: :func:`binary_cross_entropy` of ``sigmoid(input)``.

    It is computed as ``(1 - t)·x - (1 + (pos_weight - 1)·t)·ln σ(x)``, which neither overflows nor rounds to nothing.

    Args:
        input: logits, of any shape.
        target: probabilities, usually 0 and 1, of the shape of the input.
        weight: broadcasts to the shape of the input.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        pos_weight: broadcasts to the shape of the input: how much more a missed yes costs than a missed no.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> logits, target = minitorch.tensor([0., 1000.]), minitorch.tensor([1., 0.])
    >>> F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    tensor([6.9315e-01, 1.0000e+03])

    Raises:
        ValueError: the shapes of input and target differ, or the reduction is unknown.
        RuntimeError: the input isn't of a floating dtype, a weight doesn't broadcast to it, or the devices differ.
    """
    name = "binary_cross_entropy_with_logits"
    check_reduction(name, reduction, size_average, reduce)
    _check_same_shape(name, input, target)
    check_floating(name, input)
    (x, t), d = loss_operands(name, input, target)
    log_likelihood = logsigmoid(x)
    if pos_weight is not None:
        log_likelihood = log_likelihood * (1 + (_fitting(name, "pos_weight", pos_weight, x) - 1) * t)
    losses = (1 - t) * x - log_likelihood
    if weight is not None:
        losses = losses * _fitting(name, "weight", weight, x)
    return reduced(losses, reduction, d)


# ---- distributions ---------------------------------------------------------------------------------------------------


class XLogX(Function):
    """x·ln x, 0 at 0: ∂ = (ln x + 1)·∂x, which is -inf at 0."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        xp, x = input.backend.xp, input.data
        return wrap(xp.where(x == 0, 0, ieee.run(xp.multiply, x, ieee.run(xp.log, x))), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * (log(input) + 1)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """The summands ``t·(ln t - x)`` of the Kullback-Leibler divergence of log-probabilities x from probabilities t.

    ``reduction="batchmean"``, the sum over the size of the first dimension, is the divergence itself, mean over the
    batch; ``"mean"`` divides by the number of elements, and warns.

    Args:
        input: log-probabilities, as :func:`log_softmax` gives them.
        target: probabilities, or with ``log_target`` their logarithms. It broadcasts with the input.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        reduction: ``"none"``, ``"mean"``, ``"sum"`` or ``"batchmean"``.
        log_target: whether the target holds logarithms.

    Where a probability of the target is 0, so is its summand. Its gradient there is -inf.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.kl_div(minitorch.tensor([[0.5, 0.5]]).log(), minitorch.tensor([[1., 0.]]), reduction="batchmean")
    tensor(0.6931)

    Raises:
        ValueError: the reduction is unknown.
        RuntimeError: a tensor is of integers, the shapes don't broadcast, or the devices differ.

    Kullback and Leibler, "On information and sufficiency" (1951).
    """
    check_reduction("kl_div", reduction, size_average, reduce, (*REDUCTIONS, "batchmean"))
    (x, t), d = loss_operands("kl_div", input, target)
    for tensor in (input, target):
        check_floating("kl_div", tensor)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition.",
            stacklevel=2,
        )
    losses = exp(t) * (t - x) if log_target else XLogX.apply(t) - t * x
    if reduction == "batchmean":
        batch = input.data.shape[0] if input.data.ndim else 1
        return reduced(sum(losses) / batch, "none", d)
    return reduced(losses, reduction, d)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of counts t that are Poisson distributed: ``λ - t·ln λ``.

    Args:
        input: ln λ, or with ``log_input=False`` λ itself. It broadcasts with the target.
        target: the counts.
        log_input: what the input is: the loss is ``exp(input) - t·input``, or ``input - t·ln(input + eps)``.
        full: whether to add ln t! where t > 1, by Stirling's approximation ``t·ln t - t + ln(2πt)/2``.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        eps: keeps the logarithm from 0.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.poisson_nll_loss(minitorch.tensor([0., 1.]), minitorch.tensor([2., 3.]), reduction="none")
    tensor([ 1.0000, -0.2817])

    Raises:
        ValueError: the reduction is unknown.
        RuntimeError: both tensors are bool, the shapes don't broadcast, or the devices differ.
    """
    check_reduction("poisson_nll_loss", reduction, size_average, reduce)
    (x, t), d = loss_operands("poisson_nll_loss", input, target)
    losses = exp(x) - t * x if log_input else x - t * log(x + eps)
    if full:
        small = t <= 1
        n = where(small, 1, t)  # where the approximation isn't taken, its gradient must not be 0·inf
        losses = losses + where(small, 0, n * log(n) - n + 0.5 * log(n * (2 * math.pi)))
    return reduced(losses, reduction, d)


@on_its_device
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of ``target``, normally distributed: ``(ln v + (input - target)²/v)/2``.

    Args:
        input: the means. They broadcast with the target.
        target: what was observed.
        var: the variances v: of the input's shape, with 1 for one of its dimensions, without its last one, or a number.
        full: whether to add the constant ``ln(2π)/2``.
        eps: a smaller variance counts as this; its gradient is as if it hadn't been changed.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> mean, var = minitorch.tensor([0., 0.]), minitorch.tensor([1., 4.])
    >>> F.gaussian_nll_loss(mean, minitorch.tensor([1., 1.]), var, reduction="none")
    tensor([0.5000, 0.8181])

    Raises:
        ValueError: a variance is negative, ``var`` is of another shape, or the reduction is unknown.
        RuntimeError: input and target don't broadcast, or the devices differ.

    Nix and Weigend, "Estimating the mean and variance of the target probability distribution" (1994).
    """
    check_reduction("gaussian_nll_loss", reduction)
    if isinstance(var, (int, float)):
        var = full_like(floating(input), var)
    if (var.data < 0).any():
        raise ValueError(f"gaussian_nll_loss: var has negative entry/entries, the smallest is {var.data.min()}")
    shape, got = input.data.shape, var.data.shape
    if got != shape:
        if got == shape[:-1]:
            var = unsqueeze(var, -1)
        elif len(got) != len(shape) or [n for n, m in zip(got, shape, strict=True) if n != m] != [1]:
            raise ValueError(
                f"gaussian_nll_loss: var is of incorrect size: {got}, expected that of the input, {shape}, with 1 for "
                f"one dimension or without the last one"
            )
    (x, t, v), d = loss_operands("gaussian_nll_loss", input, target, var)
    v = at_least(v, eps)
    losses = 0.5 * (log(v) + square(x - t) / v)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction, d)
