"""Winograd's convolution against the direct engine in float64: errors, edges, what is left to the direct engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitorch
from minitorch import _C, precision
from minitorch.backends.cpu import CpuBackend

backend = CpuBackend()
KERNELS = ("output", "grad_input", "grad_weight")


def normal(x_shape, w_shape, padding, seed=0):
    """Input, weight, bias and the output's gradient."""
    rng = np.random.default_rng(seed)
    out = [x_shape[i] + 2 * padding[i - 2] - w_shape[i] + 1 for i in (2, 3)]
    shapes = x_shape, w_shape, w_shape[:1], (x_shape[0], w_shape[0], *out)
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


def compute(x, w, bias, grad, padding, groups=1):
    geometry = (1, 1), padding, (1, 1), groups
    return (
        backend.conv2d(x, w, bias, *geometry),
        backend.conv2d_backward_input(grad, w, x.shape, *geometry),
        backend.conv2d_backward_weight(x, grad, w.shape, *geometry),
    )


def direct(*args):
    with precision.winograd.flags(enabled=False):
        return compute(*args)


def exact(*args):
    return compute(*(arg.astype(np.float64) if isinstance(arg, np.ndarray) else arg for arg in args))


def are_other_bits(results, others):
    return [a.tobytes() != b.tobytes() for a, b in zip(results, others, strict=True)]


def check(x_shape, w_shape, padding, groups=1):
    arrays = normal(x_shape, w_shape, padding)
    results, exactly = compute(*arrays, padding, groups), exact(*arrays, padding, groups)
    assert all(are_other_bits(results, direct(*arrays, padding, groups)))
    for name, result, expected in zip(KERNELS, results, exactly, strict=True):
        scale = np.sqrt(np.mean(expected**2))
        error = (result - expected) / scale
        assert np.sqrt(np.mean(error**2)) < 8e-6, name
        assert np.abs(error).max() < 2e-4, name


# input, weight, padding, groups
CASES = [
    ((4, 64, 27, 27), (192, 64, 5, 5), (2, 2)),  # AlexNet's second layer: whole tiles
    ((8, 96, 13, 13), (160, 96, 3, 3), (1, 1)),  # AlexNet's third: 13 pixels in 3 tiles of 5
    ((1, 96, 61, 97), (100, 96, 3, 3), (1, 1)),
    ((2, 81, 45, 46), (93, 81, 5, 5), (2, 2)),  # neither channels nor pixels fill their last vector or tile
    ((2, 82, 40, 48), (79, 82, 3, 3), (0, 2)),  # padding 0 … K - 1, not alike
    ((2, 82, 35, 39), (79, 82, 5, 5), (4, 1)),
    ((2, 192, 40, 37), (192, 96, 3, 3), (1, 1), 2),
    ((3, 288, 30, 30), (270, 96, 5, 5), (3, 0), 3),
    ((1, 80, 5, 1200), (82, 80, 3, 3), (1, 1)),  # rows of more tiles than a block: several strips
    ((200, 96, 5, 5), (96, 96, 5, 5), (1, 1)),  # images smaller than a tile
    ((40, 96, 5, 13), (96, 96, 3, 3), (1, 2)),
    ((2, 97, 40, 30), (93, 97, 3, 3), (5, 6)),  # more padding than the kernel's size: tiles outside the input
    ((2, 200, 30, 30), (210, 200, 3, 3), (1, 1)),  # the taps are too many for a cache
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_errors_are_small(case):
    check(*case)


@st.composite
def cases(draw):
    K, groups = draw(st.sampled_from((3, 5))), draw(st.integers(1, 2))
    padding = draw(st.tuples(st.integers(0, K - 1), st.integers(0, K - 1)))
    C, O = draw(st.integers(80, 100)), draw(st.integers(80, 100))
    height, width = draw(st.integers(5, 30)), draw(st.integers(5, 60))
    images = 3_000 // (height * width) + draw(st.integers(1, 3))
    return (images, groups * C, height, width), (groups * O, C, K, K), padding, groups, draw(st.integers(0, 99))


@given(cases())
def test_any_geometry(case):
    x_shape, w_shape, padding, groups, seed = case
    arrays = normal(x_shape, w_shape, padding, seed)
    for result, expected in zip(compute(*arrays, padding, groups), direct(*arrays, padding, groups), strict=True):
        assert np.abs(result - expected).max() < 2e-4 * np.sqrt(np.mean(expected**2))


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "stride", "dilation"),
    [
        ((4, 64, 40, 40), (64, 64, 3, 3), (1, 1), (1, 1)),
        ((4, 64, 40, 40), (64, 64, 3, 3), (2, 1), (1, 1)),
        ((4, 64, 40, 40), (64, 64, 3, 3), (1, 1), (1, 2)),
        ((4, 64, 40, 40), (64, 64, 3, 5), (1, 1), (1, 1)),
        ((4, 64, 40, 40), (64, 64, 7, 7), (1, 1), (1, 1)),
        ((4, 64, 40, 40), (8, 64, 3, 3), (1, 1), (1, 1)),  # too few output channels
        ((4, 8, 40, 40), (64, 8, 3, 3), (1, 1), (1, 1)),
        ((1, 256, 13, 13), (256, 256, 3, 3), (1, 1), (1, 1)),  # too few pixels for the taps
    ],
)
def test_where_it_is_used(x_shape, w_shape, stride, dilation):
    """Only where the first of these is changed in nothing; elsewhere small integers give exact sums."""
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-4, 5, shape).astype(np.float32) for shape in (x_shape, w_shape))
    arguments = x, w, None, stride, (1, 1), dilation, 1
    result = backend.conv2d(*arguments)
    expected = backend.conv2d(x.astype(np.float64), w.astype(np.float64), *arguments[2:])
    plain = (w_shape, stride, dilation, x_shape[0]) == ((64, 64, 3, 3), (1, 1), (1, 1), 4)
    assert np.array_equal(result, expected) == (not plain)
    with precision.winograd.flags(enabled=False):
        np.testing.assert_array_equal(backend.conv2d(*arguments), expected)


def test_float64_is_not_concerned():
    arrays = [array.astype(np.float64) for array in normal(*CASES[0][:3])]
    assert are_other_bits(compute(*arrays, (2, 2)), direct(*arrays, (2, 2))) == [False] * 3


@pytest.mark.parametrize("case", [CASES[3], CASES[7], CASES[8], CASES[12]], ids=str)
def test_bits_do_not_depend_on_the_number_of_threads(case, same_for_any_threads):
    arrays = normal(*case[:3])
    same_for_any_threads(lambda: compute(*arrays, *case[2:]))


SMALL = (4, 82, 30, 34), (85, 82, 3, 3), (1, 1)
PLACES = [(0, 0, 0, 0), (3, 81, 29, 33), (2, 11, 5, 6), (3, 20, 6, 12), (1, 1, 28, 4)]
VALUES = [np.nan, np.inf, -np.inf, np.nan, np.inf]


def assert_as_direct(arrays, padding):
    """The same infinities and NaN as the direct engine's, which are returned, and nearly the same numbers."""
    expectations = direct(*arrays, padding)
    for name, result, expected in zip(KERNELS, compute(*arrays, padding), expectations, strict=True):
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(result[~finite], expected[~finite], name)
        largest = np.abs(expected[finite]).max(initial=0)
        np.testing.assert_array_less(np.abs(result[finite] - expected[finite]), 1e-4 * largest + 1e-37, name)
    return expectations


@pytest.mark.parametrize(("place", "value"), list(zip(PLACES, VALUES, strict=True)))
@pytest.mark.parametrize("K", [3, 5])
def test_nonfinite_numbers_reach_what_they_meet_and_no_other(K, place, value):
    padding = (K // 2, K // 2)
    clean = normal(SMALL[0], (*SMALL[1][:2], K, K), padding)
    assert all(are_other_bits(compute(*clean, padding), direct(*clean, padding)))
    n, c, i, j = place
    for array, at, which in [
        (0, place, ("output", "grad_weight")),
        (1, (c, c, i % K, j % K), ("output", "grad_input")),
        (3, (n, c, i, j), ("grad_input", "grad_weight")),
    ]:
        arrays = [a.copy() for a in clean]
        arrays[array][at] = value
        touched = [np.isfinite(result).all() for result in assert_as_direct(arrays, padding)]
        assert touched == [name not in which for name in KERNELS]


@pytest.mark.parametrize("padding", [(0, 0), (1, 2)])
def test_what_only_the_zeros_around_meet_is_no_infinity(padding):
    """Tiles reach beyond the outputs, over input that meets no gradient, and gradients that meet no input."""
    x, w, bias, grad = normal((4, 82, 31, 33), SMALL[1], padding)
    for image in x:
        image[:, -1, -1] = np.inf
    grad[:, :, -1, -1] = 1
    w[...] = np.abs(w)
    assert_as_direct([x, w, bias, grad], padding)


def test_an_infinite_bias():
    x, w, bias, grad = normal(*SMALL)
    bias[7] = np.inf
    output = compute(x, w, bias, grad, (1, 1))[0]
    assert np.isposinf(output[:, 7]).all()
    assert np.isfinite(np.delete(output, 7, 1)).all()


@pytest.mark.parametrize("factors", [(1e36, 1e-3), (1e-3, 1e36), (1e37, 1e-36), (1e20, 1e17), (1e-36, 1e36)])
def test_large_numbers_overflow_only_where_the_sum_does(factors):
    x, w, _, grad = normal(*SMALL)
    x, w, grad = x * np.float32(factors[0]), w * np.float32(factors[1]), grad * np.float32(factors[1])
    assert_as_direct([x, w, None, grad], (1, 1))


@pytest.mark.parametrize(("a", "b", "used"), [(1e-22, 1e-22, False), (1e-30, 1, False), (1e-12, 1e-10, True)])
def test_tiny_numbers_are_left_to_the_direct_sum(a, b, used):
    """Denormals count as zero: what is lost in a transform could be more than a sum loses."""
    x, w, _, grad = normal(*SMALL)
    arrays = x * np.float32(a), w * np.float32(b), None, grad * np.float32(b)
    assert are_other_bits(compute(*arrays, (1, 1)), direct(*arrays, (1, 1)))[0] == used


def test_zeros_give_zeros():
    x, w, bias, grad = normal(*SMALL)
    output, grad_x, grad_w = compute(x * 0, w, bias, grad * 0, (1, 1))
    assert (output == bias[:, None, None]).all()
    assert not grad_x.any()
    assert not grad_w.any()


def test_other_arrays_are_not_written():
    """Outputs lie between guards; inputs stay."""
    x, w, bias, grad = normal(*CASES[3][:3])
    kept = [array.copy() for array in (x, w, bias, grad)]

    def guarded(shape):
        memory = np.full(np.prod(shape) + 64, np.float32(7))
        return memory, memory[32:-32].reshape(shape)

    geometry = (1, 1), (2, 2), (1, 1), 1, True
    results = [guarded(array.shape) for array in (grad, x, w)]
    _C.conv2d(x, w, bias, results[0][1], *geometry)
    _C.conv2d_backward_input(grad, w, results[1][1], *geometry)
    _C.conv2d_backward_weight(x, grad, results[2][1], *geometry)
    for memory, _ in results:
        assert (memory[:32] == 7).all()
        assert (memory[-32:] == 7).all()
    for array, copy in zip((x, w, bias, grad), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_the_switch_counts_for_tensors_and_their_gradients():
    x, w, _, _ = normal(*SMALL)

    def run():
        input, weight = (minitorch.tensor(array, requires_grad=True) for array in (x, w))
        output = minitorch.nn.functional.conv2d(input, weight, padding=1)
        output.backward(output.detach())
        return [tensor.data.tobytes() for tensor in (output, input.grad, weight.grad)]

    on = run()
    with minitorch.backends.winograd.flags(enabled=False):
        off = run()
    assert [a == b for a, b in zip(on, off, strict=True)] == [False] * 3
    assert run() == on
