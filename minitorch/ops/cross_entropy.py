"""Cross-entropy and negative log-likelihood: losses over classes.

They see their input as a matrix of rows, one a sample (or pixel), and one column a class. The usual case,
cross-entropy with class indices, has kernels; the others are composed from differentiable operations.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..devices import on_its_device
from ..tensor import Function, Tensor, wrap
from .dispatch import check_floating, in_float32, same_device
from .loss import check_reduction
from .permute import permute
from .selection import where
from .shape import reshape, view_of
from .softmax import log_softmax, softmax


class CrossEntropy(Function):
    """l[n] = log Σ exp(x[n]) - x[n, t[n]], and 0 where the target is ignored; reduced to their sum, or to their mean
    over those that aren't.

    The gradient of x[n] is softmax(x[n]) - onehot(t[n]).
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, target: Tensor, ignore_index: int, reduction: str) -> Tensor:
        backend = input.backend
        losses, logsumexp = backend.cross_entropy(input.data, target.data, ignore_index)
        divisor = None
        if reduction != "none":
            losses, array = backend.reduce_losses(losses, target.data, ignore_index, reduction == "mean")
            divisor = wrap(array, backend)
        ctx.save_for_backward(input, target, wrap(logsumexp, backend), divisor)
        ctx.ignore_index = ignore_index
        return wrap(losses, backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        grad_input = CrossEntropyBackward.apply(grad_output, *ctx.saved_tensors, ctx.ignore_index)
        return grad_input, None, None, None


class CrossEntropyBackward(Function):
    """G[n] = g[n]·(p[n] - onehot(t[n])) with p = softmax(x), and 0 where the target is ignored. If the losses were
    reduced, all g[n] are g over the divisor of their sum.

    Of a gradient V of G: ∂g[n] = Σ V[n]·(p[n] - onehot(t[n])), ∂x[n] = g[n]·p[n]·(V[n] - Σ V[n]·p[n]).
    """

    @staticmethod
    def forward(
        ctx: Any,
        grad_output: Tensor,
        input: Tensor,
        target: Tensor,
        logsumexp: Tensor,
        divisor: Tensor | None,
        ignore_index: int,
    ) -> Tensor:
        ctx.save_for_backward(grad_output, input, target, divisor)
        ctx.ignore_index = ignore_index
        backend = input.backend
        arrays = grad_output.data, input.data, target.data, logsumexp.data
        grad_input = backend.cross_entropy_backward(*arrays, ignore_index, None if divisor is None else divisor.data)
        return wrap(grad_input, backend)

    @staticmethod
    def backward(ctx: Any, grad_grad: Tensor) -> Any:
        grad_output, input, target, divisor = ctx.saved_tensors
        onehot, kept = _onehot(target, input.data.shape[1], ctx.ignore_index)
        kept = reshape(kept, (-1, 1))
        p = softmax(input, 1)
        weighted = grad_grad * p
        grad_grad_output = grad_input = None
        if ctx.needs_input_grad[0]:
            grad_grad_output = where(kept, weighted - where(onehot, grad_grad, 0), 0).sum(1)
            if divisor is not None:
                grad_grad_output = (grad_grad_output / divisor).sum()
        if ctx.needs_input_grad[1]:
            centred = weighted - p * weighted.sum(1, True)
            factor = reshape(grad_output, (-1, 1)) if divisor is None else grad_output / divisor
            grad_input = where(kept, factor * centred, 0)
        return grad_grad_output, grad_input, None, None, None, None


def _rows(input: Tensor) -> Tensor:
    """(C,), (N, C) or (N, C, …) → (R, C)."""
    shape = input.data.shape
    if len(shape) == 2:
        return input
    if len(shape) == 1:
        return reshape(input, (1, *shape))
    classes_last = permute(input, (0, *range(2, len(shape)), 1))
    return reshape(classes_last, (shape[0] * math.prod(shape[2:]), shape[1]))


def _check_input(name: str, input: Tensor, weight: Tensor | None) -> None:
    tensors = (input,) if weight is None else (input, weight)
    check_floating(name, *tensors)
    shape = input.data.shape
    if not shape:
        raise ValueError(f"{name}: expected input of 1 or more dimensions, (C,), (N, C) or (N, C, …), got 0")
    classes = shape[0] if len(shape) == 1 else shape[1]
    if weight is not None and weight.data.shape != (classes,):
        raise RuntimeError(
            f"{name}: weight must have one element for each of the {classes} classes of input {shape}, got shape "
            f"{weight.data.shape}"
        )


def _check_target(name: str, input: Tensor, target: Tensor) -> None:
    """Checks the type and shape of class indices: as the input's without the dimension of classes."""
    if not isinstance(target, Tensor):
        raise TypeError(f"{name}: expected target to be a Tensor, got {type(target).__name__}")
    same_device(name, input, target)
    shape, got = input.data.shape, target.data.shape
    if len(shape) == 1:
        if got not in ((), (1,)):
            raise ValueError(f"{name}: for input {shape}, expected a target of shape () or (1,), got {got}")
    elif got != (shape[0], *shape[2:]):
        if got[:1] != shape[:1]:
            raise ValueError(
                f"{name}: expected the batch of input {shape} to match that of target {got}: {shape[0]} samples"
            )
        raise RuntimeError(f"{name}: expected target of shape {(shape[0], *shape[2:])} for input {shape}, got {got}")
    if target.data.dtype not in (np.int64, np.uint8):
        raise RuntimeError(
            f"{name}: expected class indices as int64 or uint8, got {target.dtype}; convert them with .long(). "
            f"(Class probabilities have the shape of the input, {shape}.)"
        )


@on_its_device
def _labels(name: str, input: Tensor, target: Tensor, classes: int, ignore_index: int) -> Tensor:
    """Class indices as (R,) int64, checked unless a graph is being captured: then a wrong one makes the loss NaN.

    Raises:
        IndexError: a label is neither ``ignore_index`` nor in 0 … classes - 1.
    """
    _check_target(name, input, target)
    labels = target.data.reshape(-1).astype(np.int64, copy=False)
    # As unsigned numbers the negative ones are huge: one pass over the labels finds them all.
    if labels.size == 0 or target.backend.capturing or (ignore_index < 0 and labels.view(np.uint64).max() < classes):
        return view_of(target, labels)
    ignored = labels == ignore_index
    wrong = ((labels < 0) | (labels >= classes)) & ~ignored
    if wrong.any():
        first = int(wrong.argmax())
        raise IndexError(
            f"{name}: target {int(labels[first])} (element {first}) is out of bounds: input {input.data.shape} has "
            f"{classes} classes, so labels are 0 … {classes - 1}, or {ignore_index} to be ignored"
        )
    return view_of(target, labels)


@on_its_device
def _onehot(labels: Tensor, classes: int, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Bools: whether class c is the label of row r and counts, (R, C); whether row r counts, (R,)."""
    xp = labels.backend.xp
    kept = labels.data != ignore_index
    onehot = (xp.arange(classes) == labels.data[:, None]) & kept[:, None]
    return wrap(onehot, labels.backend), wrap(kept, labels.backend)


def _reduced(losses: Tensor, reduction: str, divisor: Any, shape: tuple[int, ...]) -> Tensor:
    """(R,) losses in the target's shape, or their sum, or that over ``divisor``."""
    if reduction == "none":
        return reshape(losses, shape)
    return losses.sum() / divisor if reduction == "mean" else losses.sum()


def _weighted_nll(
    log_probabilities: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    label_smoothing: float,
) -> tuple[Tensor, Any]:
    """The loss of each row, 0 where it is ignored, and the divisor of their mean: the sum of the labels' weights.

    l = -(1 - s)·w[t]·log p[t] - s/C·Σ w[c]·log p[c]
    """
    classes = log_probabilities.data.shape[1]
    onehot, kept = _onehot(labels, classes, ignore_index)
    weighted = log_probabilities if weight is None else log_probabilities * weight
    losses = -where(onehot, weighted, 0).sum(1)
    if label_smoothing > 0:
        spread = where(kept, weighted.sum(1), 0) * (label_smoothing / max(classes, 1))
        losses = losses * (1 - label_smoothing) - spread
    divisor = kept.sum() if weight is None else where(onehot, weight, 0).sum()
    return losses, divisor


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood ``-weight[t]·input[n, t]`` of the class indices ``t = target[n]``.

    Arguments, shapes and errors are those of :func:`cross_entropy`, but ``input`` holds log-probabilities, as
    :func:`log_softmax` gives them.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.nll_loss(minitorch.tensor([[-1., -2.], [-3., -4.]]), minitorch.tensor([0, 1]))
    tensor(2.5000)
    """
    check_reduction("nll_loss", reduction, size_average, reduce)
    _check_input("nll_loss", input, weight)
    if input.data.dtype.itemsize == 2:
        compute = functools.partial(nll_loss, ignore_index=ignore_index, reduction=reduction)
        return in_float32(compute, input, target, weight)
    rows = _rows(input)
    labels = _labels("nll_loss", input, target, rows.data.shape[1], ignore_index)
    losses, divisor = _weighted_nll(rows, labels, weight, ignore_index, 0.0)
    return _reduced(losses, reduction, divisor, _loss_shape(input))


def _loss_shape(input: Tensor) -> tuple[int, ...]:
    """The input's shape without the dimension of classes."""
    shape = input.data.shape
    return () if len(shape) == 1 else (shape[0], *shape[2:])


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The cross-entropy of logits with class indices or class probabilities.

    With p = softmax(input[n]) it is ``-weight[t]·log p[t]`` for a class index t, ``-Σ_c weight[c]·q[c]·log p[c]`` for
    class probabilities q. ``reduction="mean"`` divides the sum by the sum of weight[t] of the samples that count (for
    probabilities, by the number of samples).

    Args:
        input: logits: (N, C), (N, C, d1, …) with one sample at each place, or (C,) for one sample.
        target: class indices, int64 or uint8, in the shape of the input without C; or class probabilities, floating,
            in the shape of the input.
        weight: (C,), of the input's dtype.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        ignore_index: class indices that don't count.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        label_smoothing: s in [0, 1] mixes the targets with the uniform distribution: (1 - s)·q + s/C.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> logits = minitorch.tensor([[2., 0., 0.], [0., 0., 0.]])
    >>> F.cross_entropy(logits, minitorch.tensor([0, 1]), reduction="none")
    tensor([0.2395, 1.0986])

    Raises:
        IndexError: a class index is not in 0 … C - 1.
        ValueError: the batches differ, the reduction is unknown, or the input has no dimensions.
        RuntimeError: shapes, dtypes or devices don't fit, or ``label_smoothing`` is not in [0, 1].

    Label smoothing: Szegedy et al., "Rethinking the Inception architecture for computer vision" (2016), section 7.
    """
    check_reduction("cross_entropy", reduction, size_average, reduce)
    _check_input("cross_entropy", input, weight)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if input.data.dtype.itemsize == 2:
        compute = functools.partial(
            cross_entropy, ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing
        )
        return in_float32(compute, input, target, weight)
    rows = _rows(input)
    if isinstance(target, Tensor) and target.data.shape == input.data.shape:
        losses = _soft_cross_entropy(input, rows, target, weight, ignore_index, label_smoothing)
        return _reduced(losses, reduction, losses.data.size, _loss_shape(input))
    labels = _labels("cross_entropy", input, target, rows.data.shape[1], ignore_index)
    if weight is None and label_smoothing == 0:
        losses = CrossEntropy.apply(rows, labels, ignore_index, reduction)
        return reshape(losses, _loss_shape(input)) if reduction == "none" else losses
    losses, weight_sum = _weighted_nll(log_softmax(rows, 1), labels, weight, ignore_index, label_smoothing)
    return _reduced(losses, reduction, weight_sum, _loss_shape(input))


def _soft_cross_entropy(
    input: Tensor, rows: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, label_smoothing: float
) -> Tensor:
    """The cross-entropy of each row with class probabilities."""
    same_device("cross_entropy", input, target)
    if target.data.dtype.kind != "f":
        raise RuntimeError(
            f"cross_entropy: a target of the input's shape {input.data.shape} holds class probabilities, which are of "
            f"a floating dtype, got {target.dtype}"
        )
    if ignore_index >= 0:
        raise RuntimeError("cross_entropy: ignore_index is not supported for class probabilities")
    q = _rows(target)
    if label_smoothing > 0:
        q = q * (1 - label_smoothing) + label_smoothing / max(q.data.shape[1], 1)
    products = log_softmax(rows, 1) * q
    return -(products if weight is None else products * weight).sum(1)
