"""The formulas of optimisers, a number at a time, independent of the backends; and with which options to try them."""

from __future__ import annotations

import math

from minitorch import optim

STEPS = 60


def gradient(p, t):
    """Of a valley that is steep one way and flat the other, with a slope that changes sign from step to step."""
    return [4 * (p[0] - 1) + math.sin(t), 0.1 * (p[1] + 2) + 0.3 * math.cos(2 * t)]


def sgd(lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False):
    buffer = None

    def step(p, g, t):
        nonlocal buffer
        g = (-g if maximize else g) + weight_decay * p
        if momentum:
            buffer = g if buffer is None else momentum * buffer + (1 - dampening) * g
            g = g + momentum * buffer if nesterov else buffer
        return p - lr * g

    return step


def adam(
    lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False, decoupled_weight_decay=False
):
    m = v = largest = 0.0

    def step(p, g, t):
        nonlocal m, v, largest
        g = -g if maximize else g
        if decoupled_weight_decay:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        largest = max(largest, v)
        m_hat = m / (1 - betas[0] ** t)
        v_hat = (largest if amsgrad else v) / (1 - betas[1] ** t)
        return p - lr * m_hat / (math.sqrt(v_hat) + eps)

    return step


def rmsprop(lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, maximize=False):
    v = mean = buffer = 0.0

    def step(p, g, t):
        nonlocal v, mean, buffer
        g = (-g if maximize else g) + weight_decay * p
        v = alpha * v + (1 - alpha) * g * g
        mean = alpha * mean + (1 - alpha) * g
        d = g / (math.sqrt(v - mean * mean if centered else v) + eps)
        buffer = momentum * buffer + d
        return p - lr * (buffer if momentum else d)

    return step


def adamw(**options):
    return adam(**{"weight_decay": 1e-2, **options}, decoupled_weight_decay=True)


def adagrad(lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, maximize=False):
    squares = [initial_accumulator_value]

    def step(p, g, t):
        g = (-g if maximize else g) + weight_decay * p
        squares.append(g * g)
        return p - lr / (1 + (t - 1) * lr_decay) * g / (math.sqrt(sum(squares)) + eps)

    return step


def adadelta(lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, maximize=False):
    v = u = 0.0

    def step(p, g, t):
        nonlocal v, u
        g = (-g if maximize else g) + weight_decay * p
        v = rho * v + (1 - rho) * g * g
        d = g * math.sqrt((u + eps) / (v + eps))
        u = rho * u + (1 - rho) * d * d
        return p - lr * d

    return step


def nadam(
    lr=2e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
    maximize=False,
):
    m = v = 0.0

    def mu(t):
        return betas[0] * (1 - 0.96 ** (t * momentum_decay) / 2)

    def step(p, g, t):
        nonlocal m, v
        g = -g if maximize else g
        if decoupled_weight_decay:
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        product = math.prod(mu(i) for i in range(1, t + 1))
        ahead = mu(t + 1) * m / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product)
        return p - lr * ahead / (math.sqrt(v / (1 - betas[1] ** t)) + eps)

    return step


CASES = [
    (optim.SGD, sgd, {"lr": 0.1}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05}),
    (optim.SGD, sgd, {"lr": 0.05, "momentum": 0.8, "nesterov": True}),
    (optim.SGD, sgd, {"lr": 0.001, "weight_decay": 0.1, "maximize": True}),
    (optim.Adam, adam, {}),
    (optim.Adam, adam, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1}),
    (optim.Adam, adam, {"lr": 0.1, "betas": (0.5, 0.7), "amsgrad": True, "eps": 1e-3}),
    (optim.Adam, adam, {"lr": 0.01, "weight_decay": 0.1, "maximize": True}),
    (optim.Adam, adam, {"lr": 0.1, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    (optim.AdamW, adamw, {}),
    (optim.AdamW, adamw, {"lr": 0.1, "weight_decay": 0.5, "amsgrad": True}),
    (optim.RMSprop, rmsprop, {}),
    (optim.RMSprop, rmsprop, {"lr": 0.02, "alpha": 0.8, "momentum": 0.7, "weight_decay": 0.1}),
    (optim.RMSprop, rmsprop, {"lr": 0.02, "alpha": 0.9, "centered": True, "eps": 1e-3}),
    (optim.RMSprop, rmsprop, {"lr": 0.01, "alpha": 0.9, "centered": True, "momentum": 0.5, "maximize": True}),
    (optim.Adagrad, adagrad, {}),
    (
        optim.Adagrad,
        adagrad,
        {"lr": 0.5, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3},
    ),
    (optim.Adagrad, adagrad, {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    (optim.Adadelta, adadelta, {}),
    (optim.Adadelta, adadelta, {"lr": 0.5, "rho": 0.6, "eps": 1e-2, "weight_decay": 0.1}),
    (optim.Adadelta, adadelta, {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    (optim.NAdam, nadam, {}),
    (optim.NAdam, nadam, {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1, "momentum_decay": 0.1, "eps": 1e-3}),
    (optim.NAdam, nadam, {"lr": 0.05, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    (optim.NAdam, nadam, {"lr": 0.01, "weight_decay": 0.1, "maximize": True}),
]
IDS = [f"{make.__name__}-{'-'.join(map(str, options))}" for make, _, options in CASES]
