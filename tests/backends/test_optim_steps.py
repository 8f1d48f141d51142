"""Optimiser steps of the CPU backend against the formulas, in float64 and one parameter after another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minitorch.backends.cpu import CpuBackend

backend = CpuBackend()
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = [(3, 5), (), (17,), (0, 4), (2, 3, 5, 5), (1,), (33,)]


def normal(seed, dtype=np.float64, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes]


def zeros(dtype, shapes=SHAPES):
    return [np.zeros(shape, dtype) for shape in shapes]


def assert_lists_near(actual, expected, dtype):
    tolerance = 64 * np.finfo(dtype).eps
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, tolerance, tolerance)


def descent(g, p, weight_decay, maximize):
    return (-g if maximize else g) + weight_decay * p


@both_dtypes
@pytest.mark.parametrize(
    ("momentum", "dampening", "nesterov"), [(0, 0, False), (0.9, 0, False), (0.9, 0, True), (0.8, 0.3, False)]
)
@pytest.mark.parametrize(("weight_decay", "maximize"), [(0, False), (0.1, True)])
def test_sgd(dtype, momentum, dampening, nesterov, weight_decay, maximize):
    params, expected = normal(0, dtype), normal(0, dtype)
    buffers, expected_buffers = (normal(9, dtype) if momentum else None), zeros(np.float64)
    for step in range(3):
        grads = normal(step + 1, dtype)
        backend.sgd_step(
            params, grads, buffers, 0.1, momentum, dampening, weight_decay, nesterov, maximize, first_step=step == 0
        )
        for k, g in enumerate(grads):
            g = descent(g.astype(np.float64), expected[k], weight_decay, maximize)
            if momentum:
                b = g if step == 0 else momentum * expected_buffers[k] + (1 - dampening) * g
                expected_buffers[k] = b
                g = g + momentum * b if nesterov else b
            expected[k] = expected[k] - 0.1 * g
    assert_lists_near(params, expected, dtype)
    if momentum:
        assert_lists_near(buffers, expected_buffers, dtype)


@both_dtypes
@pytest.mark.parametrize(("weight_decay", "decoupled"), [(0, False), (0.1, False), (0.1, True)])
@pytest.mark.parametrize(("amsgrad", "maximize"), [(False, False), (True, True)])
def test_adam(dtype, weight_decay, decoupled, amsgrad, maximize):
    lr, beta1, beta2, eps = 0.01, 0.9, 0.99, 1e-8
    params, expected = normal(0, dtype), normal(0, dtype)
    state, expected_state = [zeros(dtype) for _ in range(3)], [zeros(np.float64) for _ in range(3)]
    for step in (1, 2, 3):
        grads = normal(step, dtype)
        arguments = lr, beta1, beta2, eps, weight_decay, decoupled, maximize
        backend.adam_step(params, grads, state[0], state[1], state[2] if amsgrad else None, step, *arguments)
        for k, g in enumerate(grads):
            p, (m, v, largest) = expected[k], (array[k] for array in expected_state)
            g = descent(g.astype(np.float64), p, 0 if decoupled else weight_decay, maximize)
            p = p * (1 - lr * weight_decay) if decoupled else p
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
            largest = np.maximum(largest, v)
            root = np.sqrt((largest if amsgrad else v) / (1 - beta2**step))
            expected[k] = p - lr / (1 - beta1**step) * m / (root + eps)
            for array, new in zip(expected_state, (m, v, largest), strict=True):
                array[k] = new
    assert_lists_near(params, expected, dtype)
    for array, want in list(zip(state, expected_state, strict=True))[: 3 if amsgrad else 2]:
        assert_lists_near(array, want, dtype)


@both_dtypes
@pytest.mark.parametrize(("centered", "momentum"), list(itertools.product([False, True], [0, 0.9])))
@pytest.mark.parametrize(("weight_decay", "maximize"), [(0, False), (0.1, True)])
def test_rmsprop(dtype, centered, momentum, weight_decay, maximize):
    lr, alpha, eps = 0.01, 0.9, 1e-6
    params, expected = normal(0, dtype), normal(0, dtype)
    state, expected_state = [zeros(dtype) for _ in range(3)], [zeros(np.float64) for _ in range(3)]
    used = [True, centered, bool(momentum)]
    for step in (1, 2, 3):
        grads = normal(step, dtype)
        lists = [array if use else None for array, use in zip(state, used, strict=True)]
        backend.rmsprop_step(params, grads, *lists, lr, alpha, eps, weight_decay, momentum, maximize)
        for k, g in enumerate(grads):
            v, a, b = (array[k] for array in expected_state)
            g = descent(g.astype(np.float64), expected[k], weight_decay, maximize)
            v, a = alpha * v + (1 - alpha) * g * g, alpha * a + (1 - alpha) * g
            b = momentum * b + g / (np.sqrt(v - a * a if centered else v) + eps)
            expected[k] = expected[k] - lr * b
            for array, new in zip(expected_state, (v, a, b), strict=True):
                array[k] = new
    assert_lists_near(params, expected, dtype)
    for array, want, use in zip(state, expected_state, used, strict=True):
        if use:
            assert_lists_near(array, want, dtype)
        else:
            assert not any(a.any() for a in array)


def test_parameters_of_both_dtypes_in_one_step():
    params = [np.ones(5, np.float32), np.ones(3), np.ones(2, np.float32)]
    backend.sgd_step(params, [p.copy() for p in params], None, 0.5, 0, 0, 0, False, False, True)
    assert [p.tolist() for p in params] == [[0.5] * 5, [0.5] * 3, [0.5] * 2]


def test_no_parameters():
    backend.sgd_step([], [], [], 0.1, 0.9, 0, 0, False, False, True)
    backend.adam_step([], [], [], [], None, 1, 0.1, 0.9, 0.999, 1e-8, 0, False, False)


def test_weight_decay_of_zero_leaves_infinite_parameters_alone():
    params = [np.array([np.inf, 1.0])]
    backend.sgd_step(params, [np.ones(2)], None, 0.5, 0, 0, 0, False, False, True)
    assert params[0].tolist() == [np.inf, 0.5]


def test_nan_stays_in_its_element():
    params, state = [np.ones(20)], [[np.zeros(20)] for _ in range(3)]
    grads = [np.ones(20)]
    grads[0][7] = np.nan
    backend.adam_step(params, grads, *state, 1, 0.1, 0.9, 0.999, 1e-8, 0, False, False)
    for array in (params, *state):
        assert np.flatnonzero(np.isnan(array[0])).tolist() == [7]


def test_wrong_lists_are_refused():
    ones = [np.ones(3), np.ones(4)]
    read_only = [np.ones(3), np.ones(4)]
    read_only[1].flags.writeable = False
    rest = 0.1, 0.9, 0, 0, False, False, True
    with pytest.raises(ValueError, match="length"):
        backend.sgd_step(ones, ones[:1], None, *rest)
    with pytest.raises(ValueError, match="size"):
        backend.sgd_step(ones, ones[::-1], None, *rest)
    with pytest.raises(ValueError, match="size"):
        backend.sgd_step(ones, ones, [np.ones(3), np.ones(3)], *rest)
    for params, grads in [(read_only, ones), (ones, [np.ones(3, np.float32)] * 2), ([np.ones((4, 2)).T], [np.ones(8)])]:
        with pytest.raises(TypeError):
            backend.sgd_step(params, grads, None, *rest)


@both_dtypes
def test_threads_do_not_change_results(dtype, same_for_any_threads):
    shapes = [(101,), (300, 333), (7,), (200_003,)]

    def compute():
        params, state = normal(0, dtype, shapes), [zeros(dtype, shapes) for _ in range(3)]
        for step in (1, 2):
            grads = normal(step, dtype, shapes)
            backend.adam_step(params, grads, *state, step, 0.1, 0.9, 0.99, 1e-8, 0.1, False, False)
            backend.sgd_step(params, grads, state[2], 0.1, 0.9, 0, 0.1, True, False, False)
            backend.rmsprop_step(params, grads, state[1], None, state[2], 0.1, 0.9, 1e-8, 0, 0.9, False)
        return [array for arrays in (params, *state) for array in arrays]

    same_for_any_threads(compute)
