"""Optimiser steps. Every statement ``array[...] = ``, ``+=``, ``*=`` changes a parameter or its state in place."""

from __future__ import annotations

import numpy as np

from .windows import Array, ieee


@ieee
def sgd_step(
    params: list[Array],
    grads: list[Array],
    momentum_buffers: list[Array] | None,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first_step: bool,
) -> None:
    """Stochastic gradient descent, with the momentum of Sutskever et al. (ICML 2013) as PyTorch writes it."""
    for param, grad, buffer in zip(params, grads, momentum_buffers or [None] * len(params), strict=True):
        g = (-grad if maximize else grad) + weight_decay * param
        if buffer is not None:
            buffer[...] = g if first_step else momentum * buffer + (1 - dampening) * g
            g = g + momentum * buffer if nesterov else buffer
        param -= lr * g


@ieee
def adam_step(
    params: list[Array],
    grads: list[Array],
    exp_avgs: list[Array],
    exp_avg_sqs: list[Array],
    max_exp_avg_sqs: list[Array] | None,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None:
    """Adam (Kingma and Ba, ICLR 2015); AdamW (Loshchilov and Hutter, ICLR 2019) where ``decoupled``."""
    step_size = lr / (1 - beta1**step)
    correction = float(np.sqrt(1 - beta2**step))
    states = zip(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs or [None] * len(params), strict=True)
    for param, grad, mean, square, max_square in states:
        g = -grad if maximize else grad
        if decoupled:
            param *= 1 - lr * weight_decay
        else:
            g = g + weight_decay * param
        mean[...] = beta1 * mean + (1 - beta1) * g
        square[...] = beta2 * square + (1 - beta2) * g * g
        if max_square is not None:  # AMSGrad (Reddi et al., ICLR 2018)
            np.maximum(max_square, square, out=max_square)
            square = max_square
        param -= step_size * mean / (np.sqrt(square) / correction + eps)


@ieee
def rmsprop_step(
    params: list[Array],
    grads: list[Array],
    square_avgs: list[Array],
    grad_avgs: list[Array] | None,
    momentum_buffers: list[Array] | None,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
) -> None:
    """RMSprop (Hinton's lecture 6e, 2012); centered where ``grad_avgs`` are given (Graves 2013, section 4)."""
    states = zip(
        params,
        grads,
        square_avgs,
        grad_avgs or [None] * len(params),
        momentum_buffers or [None] * len(params),
        strict=True,
    )
    for param, grad, square, mean, buffer in states:
        g = (-grad if maximize else grad) + weight_decay * param
        square[...] = alpha * square + (1 - alpha) * g * g
        variance = square
        if mean is not None:
            mean[...] = alpha * mean + (1 - alpha) * g
            variance = square - mean * mean
        update = g / (np.sqrt(variance) + eps)
        if buffer is not None:
            update = buffer[...] = momentum * buffer + update
        param -= lr * update
