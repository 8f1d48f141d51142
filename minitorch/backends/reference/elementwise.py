"""ReLU, the counter-based random stream, dropout."""

from __future__ import annotations

import numpy as np

from .windows import Array, ieee

# Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011), Philox4x32-10.
PHILOX_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
PHILOX_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
WORD = 0xFFFFFFFF


def relu(input: Array) -> Array:
    """``max(input, 0)``; NaN stays NaN, because it is not <= 0."""
    return np.asarray(np.where(input <= 0, input.dtype.type(0), input), order="C")


def relu_backward(grad_output: Array, output: Array) -> Array:
    """The gradient passes where the output is positive, or NaN."""
    return np.asarray(np.where(output <= 0, grad_output.dtype.type(0), grad_output), order="C")


def philox(seed: int, offset: int, n: int) -> Array:
    """``n`` random words, uint32. Word i depends on (seed, offset, i) alone, so any part can be computed anywhere."""
    # Words are kept in uint64, which also holds the product of two of them.
    counter = np.arange((n + 3) // 4, dtype=np.uint64) + np.uint64(offset)  # (blocks,), modulo 2**64
    x0, x1 = counter & WORD, counter >> 32
    x2 = x3 = np.zeros_like(counter)
    k0, k1 = seed & WORD, seed >> 32
    for _ in range(10):
        product0, product1 = x0 * PHILOX_MULTIPLIERS[0], x2 * PHILOX_MULTIPLIERS[1]
        x0, x1, x2, x3 = (
            (product1 >> 32) ^ x1 ^ k0,
            product1 & WORD,
            (product0 >> 32) ^ x3 ^ k1,
            product0 & WORD,
        )
        k0, k1 = (k0 + PHILOX_KEY_STEPS[0]) & WORD, (k1 + PHILOX_KEY_STEPS[1]) & WORD
    return np.stack([x0, x1, x2, x3], axis=1).astype(np.uint32).ravel()[:n].copy()


@ieee
def dropout(input: Array, p: float, seed: int, offset: int) -> Array:
    """Keeps each element with probability 1 - p and scales it by 1/(1 - p); the others become 0."""
    uniform = (philox(seed, offset, input.size) >> 8) * 2.0**-24  # in [0, 1), exact
    keep = (uniform >= p).reshape(input.shape)
    scale = np.divide(1.0, 1.0 - p, dtype=np.float64).astype(input.dtype)  # p = 1 keeps nothing
    return np.asarray(np.where(keep, input * scale, input.dtype.type(0)), order="C")
