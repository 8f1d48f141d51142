"""Softmax, log-softmax and cross-entropy over the rows of a matrix.

Subtracting the maximum of the row changes nothing in exact arithmetic, and keeps ``exp`` from overflowing.
"""

from __future__ import annotations

import numpy as np

from .windows import Array, ieee


@ieee
def softmax(input: Array) -> Array:
    """``exp(x - max) / sum(exp(x - max))`` of each row: (R, C) → (R, C)."""
    exponentials = np.exp(np.subtract(input, _row_max(input), order="C"))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@ieee
def log_softmax(input: Array) -> Array:
    """``x - max - log(sum(exp(x - max)))`` of each row: (R, C) → (R, C)."""
    shifted = np.subtract(input, _row_max(input), order="C")
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@ieee
def cross_entropy(input: Array, target: Array, ignore_index: int) -> tuple[Array, Array]:
    """Logits (N, C), classes (N,) → losses (N,) and logsumexp (N,)."""
    maximum = _row_max(input)  # (N, 1)
    log_sum = np.log(np.exp(input - maximum).sum(axis=1))  # (N,)

    losses = np.zeros(len(input), input.dtype)  # stays 0 for an ignored row
    rows = np.flatnonzero(target != ignore_index)
    losses[rows] = log_sum[rows] - (input[rows, target[rows]] - maximum[rows, 0])
    return losses, maximum[:, 0] + log_sum


@ieee
def reduce_losses(losses: Array, target: Array, ignore_index: int, mean: bool) -> tuple[Array, Array]:
    """Losses (N,) → their sum over the divisor (), and the divisor ()."""
    divisor = losses.dtype.type(np.count_nonzero(target != ignore_index) if mean else 1)
    return np.asarray(losses.sum() / divisor), np.asarray(divisor)


@ieee
def cross_entropy_backward(
    grad_output: Array,
    input: Array,
    target: Array,
    logsumexp: Array,
    ignore_index: int,
    divisor: Array | None = None,
) -> Array:
    """``grad_output[n] * (softmax(input[n]) - onehot(target[n]))``: (N,) → (N, C)."""
    if divisor is not None:
        grad_output = np.broadcast_to(grad_output / divisor, target.shape)
    grad_input = np.exp(np.subtract(input, logsumexp[:, None], order="C"))
    counted = target != ignore_index
    grad_input[counted, target[counted]] -= 1
    return np.where(counted[:, None], grad_input * grad_output[:, None], input.dtype.type(0))


def _row_max(input: Array) -> Array:
    """(R, C) → (R, 1); -inf where a row is empty."""
    return input.max(axis=1, keepdims=True, initial=-np.inf)
