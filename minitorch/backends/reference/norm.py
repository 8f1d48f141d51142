"""Numbers of mean 0 and variance 1, what layers make of them with a factor and a summand, and the gradients.

Of an array (P, C, Q), each c is standardized by itself.
"""

from __future__ import annotations

import numpy as np

from .reduce import sum
from .windows import Array, ieee


@ieee
def standardize(input: Array, eps: float, centred: bool) -> tuple[Array, Array, Array | None, Array]:
    """(P, C, Q) → x̂ = (x - μ)·r (P, C, Q); r = (σ² + eps)^(-1/2), μ and σ² (C)."""
    mean = _mean(input)
    distances = input - mean if centred else input
    variance = _mean(distances * distances)
    scale = 1 / np.sqrt(variance + input.dtype.type(eps))
    normalized = np.multiply(distances, scale, order="C")
    return normalized, scale[0, :, 0], mean[0, :, 0] if centred else None, variance[0, :, 0]


@ieee
def standardize_backward(grad_normalized: Array, normalized: Array, scale: Array, centred: bool) -> Array:
    """r·(g - ⟨g⟩ - x̂·⟨g·x̂⟩): (P, C, Q), (P, C, Q), (C) → (P, C, Q)."""
    grad_input = grad_normalized - normalized * _mean(grad_normalized * normalized)
    if centred:
        grad_input -= _mean(grad_normalized)
    return np.multiply(grad_input, scale[None, :, None], order="C")


@ieee
def affine(input: Array, weight: Array, bias: Array | None) -> Array:
    """x·weight + bias: (P, C, Q), (C), (C) → (P, C, Q)."""
    output = np.multiply(input, weight[:, None], order="C")
    return output if bias is None else output + bias[:, None]


@ieee
def affine_backward(grad_output: Array, input: Array, weight: Array) -> tuple[Array, Array, Array]:
    """g·weight (P, C, Q), Σ g·x and Σ g (C)."""
    return affine(grad_output, weight, None), sum(grad_output * input, (0, 2)), sum(grad_output, (0, 2))


def _mean(array: Array) -> Array:
    """(P, C, Q) → (1, C, 1)."""
    return sum(array, (0, 2), keepdims=True) / array.dtype.type(array.shape[0] * array.shape[2])
