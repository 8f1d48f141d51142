"""Local response normalisation of arrays (N, C, Q), across neighbouring channels."""

from __future__ import annotations

import numpy as np

from .windows import Array, ieee


@ieee
def local_response_norm(input: Array, size: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    """(N, C, Q) → x·b^(-beta) with b = k + alpha/size·Σ x² over the window of each channel, and b."""
    base = k + alpha / size * _window_sums(input * input, size // 2, (size - 1) // 2)
    return input * base**-beta, base


@ieee
def local_response_norm_backward(
    grad_output: Array, input: Array, base: Array, size: int, alpha: float, beta: float
) -> Array:
    """g·b^(-beta) - 2·alpha/size·beta·x·Σ g·x·b^(-beta - 1): all (N, C, Q)."""
    direct = grad_output * base**-beta
    # Channel c is in the windows of those that see it: the same window, the other way round.
    others = _window_sums(direct * input / base, (size - 1) // 2, size // 2)
    return direct - 2 * alpha / size * beta * input * others


def _window_sums(array: Array, before: int, after: int) -> Array:
    """Σ array[n, i] over c - before <= i <= c + after: (N, C, Q) → (N, C, Q)."""
    channels = array.shape[1]
    sums = np.zeros(array.shape, array.dtype)
    for c in range(channels):
        sums[:, c] = array[:, max(c - before, 0) : min(c + after + 1, channels)].sum(axis=1)
    return sums
