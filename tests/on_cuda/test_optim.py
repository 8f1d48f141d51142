"""Optimiser steps on CUDA against the reference."""

from __future__ import annotations

import cupy
import numpy as np
import pytest
from against_reference import cuda, on_device, reference

pytestmark = pytest.mark.usefixtures("thread_order")

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
flag = [False, True]
# Some without elements, some with more than a block has, and more than a launch takes.
SHAPES = [(3, 5), (), (0, 4), (2, 3, 5, 50), (1024,), (1025,), (0,)] + [(k,) for k in range(1, 68)]


def numbers(shapes, dtype, seed, square=False):
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes]
    return [np.asarray(array * array + 2) if square else array for array in arrays]


def check(method, lists, *options, ulps=0.0):
    """Both backends change the lists alike, save the gradients: those stay."""
    on_gpu = [arrays and [on_device(array) for array in arrays] for arrays in lists]
    before = [array.copy() for array in lists[1]]
    getattr(cuda, method)(*on_gpu, *options)
    getattr(reference, method)(*lists, *options)
    for ours, theirs in zip(on_gpu, lists, strict=True):
        for a, b in zip(ours or [], theirs or [], strict=True):
            tolerance = ulps * float(np.finfo(b.dtype).eps)
            np.testing.assert_allclose(a.get(), b, tolerance, tolerance)
    for a, b in zip(on_gpu[1], before, strict=True):
        np.testing.assert_array_equal(a.get(), b)


@dtypes
@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize(("nesterov", "maximize", "first_step"), [(0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1)])
def test_sgd(momentum, nesterov, maximize, first_step, dtype):
    lists = [numbers(SHAPES, dtype, seed) for seed in range(3)]
    if not momentum:
        lists[2] = None
    options = 0.25, momentum, 0.25, 0.125, bool(nesterov), bool(maximize), bool(first_step)
    check("sgd_step", lists, *options, ulps=8)


@dtypes
@pytest.mark.parametrize("amsgrad", flag)
@pytest.mark.parametrize(("decoupled", "weight_decay", "maximize"), [(False, 0.1, True), (True, 0.1, False)])
def test_adam(amsgrad, decoupled, weight_decay, maximize, dtype):
    lists = [numbers(SHAPES, dtype, seed, square=seed > 2) for seed in range(5)]
    if not amsgrad:
        lists[4] = None
    check("adam_step", lists, 3, 0.01, 0.9, 0.99, 1e-8, weight_decay, decoupled, maximize, ulps=16)


@dtypes
@pytest.mark.parametrize("centered", flag)
@pytest.mark.parametrize("momentum", flag)
def test_rmsprop(centered, momentum, dtype):
    lists = [numbers(SHAPES, dtype, seed) for seed in range(5)]
    # Far enough above the square of the mean for their difference to be precise.
    lists[2] = [np.asarray(2 * mean * mean + 0.5, dtype) for mean in lists[3]]
    if not centered:
        lists[3] = None
    if not momentum:
        lists[4] = None
    check("rmsprop_step", lists, 0.01, 0.9, 1e-8, 0.1, 0.9, centered, ulps=64)


def test_sgd_of_integers_is_exact():
    rng = np.random.default_rng(0)
    lists = [[rng.integers(-4, 5, shape).astype(np.float32) for shape in [(3, 5), (1030,)]] for _ in range(3)]
    check("sgd_step", lists, 0.25, 0.5, 0.5, 0.125, False, False, False)


def test_nothing_beside_the_arrays_changes():
    """Each array has neighbours in a larger one, which no guard page protects."""
    memory = [cupy.asarray(np.full(2100, value)) for value in (7.0, 5.0, 7.0, 7.0, 7.0)]
    pieces = [(1, 5), (6, 7), (8, 1032), (1033, 2099)]
    lists = [[whole[first:last] for first, last in pieces] for whole in memory]
    cuda.adam_step(*lists, 1, 0.1, 0.9, 0.99, 1e-8, 0.0, False, False)
    for whole in (memory[0], *memory[2:4]):
        assert np.flatnonzero(whole.get() == 7).tolist() == [0, 5, 7, 1032, 2099]


def test_parameters_of_both_dtypes_in_one_step():
    params = [cupy.ones(5, np.float32), cupy.ones(3), cupy.ones(2, np.float32)]
    cuda.sgd_step(params, [p.copy() for p in params], None, 0.5, 0.0, 0.0, 0.0, False, False, True)
    assert [p.get().tolist() for p in params] == [[0.5] * 5, [0.5] * 3, [0.5] * 2]


def test_no_parameters():
    cuda.sgd_step([], [], [], 0.1, 0.9, 0.0, 0.0, False, False, True)
    cuda.adam_step([], [], [], [], None, 1, 0.1, 0.9, 0.999, 1e-8, 0.0, False, False)
    cuda.rmsprop_step([], [], [], None, None, 0.1, 0.9, 1e-8, 0.0, 0.0, False)


def test_weight_decay_of_zero_leaves_infinite_parameters_alone():
    params = [cupy.asarray(np.array([np.inf, 1.0]))]
    cuda.sgd_step(params, [cupy.ones(2)], None, 0.5, 0.0, 0.0, 0.0, False, False, True)
    assert params[0].get().tolist() == [np.inf, 0.5]


def test_nan_stays_in_its_element_and_in_the_largest_square():
    lists = [[np.ones(20)] for _ in range(5)]
    lists[1][0][7] = np.nan
    lists[4][0][3] = np.nan
    check("adam_step", lists, 1, 0.1, 0.9, 0.999, 1e-8, 0.0, False, False, ulps=16)
    assert np.flatnonzero(np.isnan(lists[0][0])).tolist() == [3, 7]


@pytest.mark.skipif(cupy.cuda.runtime.getDeviceCount() < 2, reason="needs two GPUs")
def test_parameters_on_another_device_than_the_current_one():
    with cupy.cuda.Device(1):
        params, grads = [cupy.ones(3)], [cupy.ones(3)]
    cuda.sgd_step(params, grads, None, 0.5, 0.0, 0.0, 0.0, False, False, True)
    with cupy.cuda.Device(1):
        assert params[0].get().tolist() == [0.5] * 3
        wrong = [cupy.ones(3), cupy.ones(4)]
    ones = [cupy.ones(3), cupy.ones(4)]
    with pytest.raises(ValueError, match="but its gradient or a state"):
        cuda.sgd_step(ones, wrong, None, 0.5, 0.0, 0.0, 0.0, False, False, True)
    assert ones[0].get().tolist() == [1] * 3


def test_wrong_lists_are_refused():
    ones = [cupy.ones(3), cupy.ones(4)]
    rest = 0.1, 0.9, 0.0, 0.0, False, False, True
    for params, grads, buffers in [
        (ones, ones[:1], None),
        (ones, ones[::-1], None),
        (ones, ones, ones[::-1]),
        (ones, [cupy.ones(3, np.float32), cupy.ones(4, np.float32)], None),
        ([cupy.ones((4, 2)).T], [cupy.ones((4, 2)).T], None),
    ]:
        with pytest.raises(ValueError, match=r"sgd|zip"):
            cuda.sgd_step(params, grads, buffers, *rest)
    assert ones[0].get().tolist() == [1] * 3
