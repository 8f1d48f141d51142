"""Every kernel on arrays large enough for several threads: the same bits for 1, 2 and 3 of them, and the right ones."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from minitorch import _C, precision
from minitorch.backends.cpu import CpuBackend
from minitorch.backends.reference import ReferenceBackend
from minitorch.testing import Conv2dCase, assert_close

cpu, reference = CpuBackend(), ReferenceBackend()


@pytest.fixture(autouse=True)
def threads_as_before():
    before = _C.get_num_threads()
    yield
    _C.set_num_threads(before)


def array(*shape):
    """Stands for an array of that shape until a test fills it in."""
    return np.empty(shape, np.bool_)


ONE, ZERO, TWO = (1, 1), (0, 0), (2, 2)
TARGET = np.arange(2000) % 301
INDICES = (np.arange(64 * 6 * 14 * 14) % 4).astype(np.uint8).reshape(64, 6, 14, 14)

CONVOLUTIONS = [
    Conv2dCase((64, 1, 32, 32), (6, 1, 5, 5), ONE, ZERO, ONE, 1),  # LeNet
    Conv2dCase((64, 6, 14, 14), (16, 6, 5, 5), ONE, ZERO, ONE, 1),
    Conv2dCase((2, 3, 79, 83), (64, 3, 11, 11), (4, 4), TWO, ONE, 1),  # AlexNet
    Conv2dCase((3, 48, 27, 27), (70, 48, 5, 5), ONE, TWO, ONE, 1),
    Conv2dCase((1, 130, 13, 13), (140, 130, 3, 3), ONE, ONE, ONE, 1),
    Conv2dCase((3, 64, 30, 31), (64, 1, 3, 3), TWO, ONE, ONE, 64),  # depthwise
    Conv2dCase((5, 24, 29, 23), (36, 8, 3, 3), ONE, ZERO, TWO, 3),
    Conv2dCase((2, 128, 25, 25), (128, 128, 1, 1), ONE, ZERO, ONE, 1),
    Conv2dCase((1, 1, 300, 310), (1, 1, 3, 3), ONE, ZERO, ONE, 1),
    Conv2dCase((200, 16, 5, 5), (120, 16, 5, 5), ONE, ZERO, ONE, 1),  # kernel = input
]

CALLS = [
    ("matmul", array(311, 207), array(207, 293)),
    ("matmul", array(9, 64, 97), array(97, 81)),
    ("matmul", array(3, 5, 60, 70), array(5, 70, 50)),
    ("matmul", array(1, 2003), array(2003, 501)),
    ("matmul", array(501, 2003), array(2003, 1)),
    ("matmul", array(5003, 17), array(17, 9)),
    ("matmul", array(7, 30011), array(30011, 11)),  # split over K
    ("matmul", array(200, 400), array(400, 120), array(120), "relu"),
    *(("conv2d", array(*c.input_shape), array(*c.weight_shape), None, *c.geometry) for c in CONVOLUTIONS),
    *(
        ("conv2d_backward_input", array(*c.output_shape), array(*c.weight_shape), c.input_shape, *c.geometry)
        for c in CONVOLUTIONS
    ),
    *(
        ("conv2d_backward_weight", array(*c.input_shape), array(*c.output_shape), c.weight_shape, *c.geometry)
        for c in CONVOLUTIONS
    ),
    ("max_pool2d", array(64, 6, 28, 28), TWO, TWO, ZERO, ONE, (14, 14)),
    ("max_pool2d", array(3, 40, 55, 53), (3, 3), TWO, ONE, ONE, (28, 27)),
    ("max_pool2d_gather", array(64, 6, 28, 28), INDICES, TWO, TWO, ZERO, ONE),
    ("max_pool2d_backward", array(64, 6, 14, 14), INDICES, (64, 6, 28, 28), TWO, TWO, ZERO, ONE),
    ("avg_pool2d", array(3, 40, 55, 53), (3, 3), TWO, ONE, (28, 27), False, None),
    ("avg_pool2d_backward", array(3, 40, 28, 27), (3, 40, 55, 53), (3, 3), TWO, ONE, True, None),
    ("relu", array(3, 100, 1001)),
    ("relu_backward", array(3, 100, 1001), array(3, 100, 1001)),
    ("philox", 1, 2, 1_000_003),
    ("dropout", array(3, 100, 1001), 0.3, 1, 2),
    ("softmax", array(2000, 301)),
    ("log_softmax", array(2000, 301)),
    ("softmax", array(3, 200_001)),
    ("cross_entropy", array(2000, 301), TARGET, -100),
    ("cross_entropy_backward", array(2000), array(2000, 301), TARGET, array(2000), -100),
]

PARAMS = [array(400, 301), array(3), array(500_009)]
STEPS = [
    ("sgd_step", [PARAMS] * 3, 0.1, 0.9, 0.0, 0.01, True, False, False),
    ("adam_step", [PARAMS] * 4, None, 3, 0.1, 0.9, 0.999, 1e-8, 0.01, True, False),
    ("rmsprop_step", [PARAMS] * 3, None, None, 0.1, 0.9, 1e-8, 0.01, 0.0, False),
]


def fill(value, rng, draw):
    """Puts numbers into the arrays among the arguments."""
    if isinstance(value, list):
        return [fill(element, rng, draw) for element in value]
    return draw(rng, value.shape).astype(np.float32) if getattr(value, "dtype", None) == np.bool_ else value


def integers(rng, shape):
    return rng.integers(-4, 5, shape)


def normal(rng, shape):
    return rng.standard_normal(shape)


def name(call):
    return " ".join([call[0], *(str(arg.shape) for arg in call[1:] if isinstance(arg, np.ndarray))])


@pytest.mark.parametrize("call", CALLS, ids=name)
def test_threads_do_not_change_a_bit(call):
    method, *arguments = call
    for draw in (integers, normal):
        args = fill(arguments, np.random.default_rng(0), draw)
        results = []
        for threads in (1, 2, 3):
            _C.set_num_threads(threads)
            with precision.winograd.flags(enabled=draw is normal):  # without it, sums of integers are exact
                result = getattr(cpu, method)(*args)
            results.append(result if isinstance(result, tuple) else (result,))
        for others in results[1:]:
            for first, other in zip(results[0], others, strict=True):
                assert first.tobytes() == other.tobytes()
        if draw is integers:
            expected = getattr(reference, method)(*args)
            for a, b in zip(results[0], expected if isinstance(expected, tuple) else (expected,), strict=True):
                assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("call", STEPS, ids=name)
def test_threads_do_not_change_a_step(call):
    method, lists, *options = call
    lists = fill(lists, np.random.default_rng(0), lambda rng, shape: abs(normal(rng, shape)) + 0.01)
    results = []
    for threads in (1, 2, 3):
        _C.set_num_threads(threads)
        results.append(copy.deepcopy(lists))
        getattr(cpu, method)(*results[-1], *options)
    getattr(reference, method)(*lists, *options)
    for ours, one, *others in zip(lists, *results, strict=True):
        for i, expected in enumerate(ours):
            assert_close(one[i], expected, rtol=1e-5, atol=1e-5)
            assert all(other[i].tobytes() == one[i].tobytes() for other in others)
