"""The reference optimiser steps against the published formulas, one number at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minitorch.backends.reference import ReferenceBackend

backend = ReferenceBackend()

START = [0.5, -1.5]
GRADS = [[1.0, -2.0], [-0.5, 0.25], [3.0, 0.125]]  # of three steps


def state(*values):
    return [np.array([value]) for value in values]


def assert_params(params, expected):
    np.testing.assert_allclose([param[0] for param in params], expected, rtol=1e-14)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_step(momentum, nesterov, maximize):
    params, buffers = state(*START), state(math.nan, math.nan) if momentum else None
    expected, velocity = list(START), [0.0, 0.0]
    dampening = 0.0 if nesterov else 0.1
    for step, grads in enumerate(GRADS):
        first_step = step == 0
        backend.sgd_step(params, state(*grads), buffers, 0.1, momentum, dampening, 0.01, nesterov, maximize, first_step)
        for i in (0, 1):
            g = (-1 if maximize else 1) * grads[i] + 0.01 * expected[i]
            if momentum:
                velocity[i] = g if first_step else momentum * velocity[i] + (1 - dampening) * g
                g = g + momentum * velocity[i] if nesterov else velocity[i]
            expected[i] -= 0.1 * g
    assert_params(params, expected)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("decoupled", [False, True])
def test_adam_step(decoupled, amsgrad, maximize):
    params, means, squares = state(*START), state(0.0, 0.0), state(0.0, 0.0)
    largest = state(0.0, 0.0) if amsgrad else None
    expected, m, v, top = list(START), [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
    for step, grads in enumerate(GRADS, 1):
        backend.adam_step(
            params, state(*grads), means, squares, largest, step, 0.1, 0.9, 0.8, 1e-3, 0.01, decoupled, maximize
        )
        for i in (0, 1):
            g = (-1 if maximize else 1) * grads[i]
            if decoupled:
                expected[i] -= 0.1 * 0.01 * expected[i]
            else:
                g += 0.01 * expected[i]
            m[i] += (g - m[i]) * 0.1
            v[i] += (g**2 - v[i]) * 0.2
            top[i] = max(top[i], v[i])
            corrected = (top[i] if amsgrad else v[i]) / (1 - 0.8**step)
            expected[i] -= 0.1 * (m[i] / (1 - 0.9**step)) / (math.sqrt(corrected) + 1e-3)
    assert_params(params, expected)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop_step(centered, momentum, maximize):
    params, squares = state(*START), state(0.0, 0.0)
    means = state(0.0, 0.0) if centered else None
    buffers = state(0.0, 0.0) if momentum else None
    expected, v, a, b = list(START), [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
    for grads in GRADS:
        backend.rmsprop_step(params, state(*grads), squares, means, buffers, 0.1, 0.8, 1e-3, 0.01, momentum, maximize)
        for i in (0, 1):
            g = (-1 if maximize else 1) * grads[i] + 0.01 * expected[i]
            v[i] += (g**2 - v[i]) * 0.2
            a[i] += (g - a[i]) * 0.2
            b[i] = momentum * b[i] + g / (math.sqrt(v[i] - (a[i] ** 2 if centered else 0)) + 1e-3)
            expected[i] -= 0.1 * b[i]
    assert_params(params, expected)
