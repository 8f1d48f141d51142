"""Pooling kernels of the CPU backend against loops over single windows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitorch import _C
from minitorch.backends.cpu import CpuBackend
from minitorch.testing.strategies import Pool2dCase, arrays, pool2d_cases

backend = CpuBackend()
dtypes = st.sampled_from([np.float32, np.float64])

# What the random cases seldom reach: many vectors in a row, several strips of rows, strides of more than two vectors,
# windows of more than 256 elements, and windows that lie in the padding altogether.
CASES = [
    Pool2dCase((2, 3, 28, 28), (2, 2), (2, 2), (0, 0), (1, 1), False),
    Pool2dCase((2, 2, 9, 75), (2, 2), (2, 2), (0, 0), (1, 1), False),
    Pool2dCase((2, 2, 9, 75), (2, 2), (2, 2), (0, 0), (1, 1), True),
    Pool2dCase((2, 3, 55, 55), (3, 3), (2, 2), (0, 0), (1, 1), False),
    Pool2dCase((1, 2, 33, 131), (3, 3), (2, 2), (1, 1), (1, 1), True),
    Pool2dCase((1, 1, 150, 301), (3, 2), (1, 2), (1, 0), (1, 1), False),
    Pool2dCase((1, 2, 190, 77), (2, 3), (3, 1), (0, 1), (1, 1), True),
    Pool2dCase((1, 1, 41, 90), (2, 2), (37, 40), (0, 0), (1, 1), True),
    Pool2dCase((2, 1, 30, 29), (13, 13), (1, 1), (6, 6), (1, 1), False),
    Pool2dCase((1, 2, 40, 33), (17, 16), (2, 3), (8, 8), (1, 1), True),
    Pool2dCase((1, 1, 21, 23), (21, 23), (1, 1), (0, 0), (1, 1), False),
    Pool2dCase((1, 2, 21, 64), (3, 3), (2, 2), (1, 1), (3, 2), False),
    Pool2dCase((1, 2, 1, 5), (2, 3), (1, 1), (1, 1), (2, 2), False),
]
all_cases = pytest.mark.parametrize("case", CASES, ids=str)


def windows(case, image):
    """For each window of an image: its place, and (offset in the window, position) of the elements it has."""
    (KH, KW), (H, W) = case.kernel_size, image
    for place in itertools.product(*(range(size) for size in case.output_size)):
        start = [place[i] * case.stride[i] - case.padding[i] for i in (0, 1)]
        elements = []
        for kh, kw in itertools.product(range(KH), range(KW)):
            h, w = start[0] + kh * case.dilation[0], start[1] + kw * case.dilation[1]
            if 0 <= h < H and 0 <= w < W:
                elements.append((kh * KW + kw, (h, w)))
        yield place, elements


def max_pool_oracle(case, x):
    output, indices = np.full(case.output_shape, -np.inf, x.dtype), np.zeros(case.output_shape, np.int64)
    for place, elements in windows(case, x.shape[2:]):
        for image in np.ndindex(x.shape[:2]):
            best = None
            for offset, position in elements:
                value = x[(*image, *position)]
                if best is None or value > best or (np.isnan(value) and not np.isnan(best)):
                    best = output[(*image, *place)] = value
                    indices[(*image, *place)] = offset
    return output, indices


def max_pool(case, x):
    return backend.max_pool2d(x, case.kernel_size, case.stride, case.padding, case.dilation, case.output_size)


def scatter(case, grad, indices):
    geometry = case.kernel_size, case.stride, case.padding, case.dilation
    return backend.max_pool2d_backward(grad, indices, case.input_shape, *geometry)


def gather(case, x, indices):
    return backend.max_pool2d_gather(x, indices, case.kernel_size, case.stride, case.padding, case.dilation)


def check_max_pool(case, x, grad):
    output, indices = max_pool(case, x)
    expected_output, expected_indices = max_pool_oracle(case, x)
    np.testing.assert_array_equal(output, expected_output)
    np.testing.assert_array_equal(indices, expected_indices)
    assert output.dtype == x.dtype
    assert indices.dtype == (np.uint8 if np.prod(case.kernel_size) <= 256 else np.int32)

    expected_grad, expected_gathered = np.zeros(case.input_shape), np.zeros(case.output_shape)
    for place, elements in windows(case, x.shape[2:]):
        position = dict(elements)
        for image in np.ndindex(x.shape[:2]):
            element = position.get(int(expected_indices[(*image, *place)]))
            if element is not None:
                expected_grad[(*image, *element)] += grad[(*image, *place)]
                expected_gathered[(*image, *place)] = x[(*image, *element)]
    np.testing.assert_array_equal(scatter(case, grad, indices), expected_grad)
    np.testing.assert_array_equal(gather(case, x, indices), expected_gathered)


@given(st.data(), pool2d_cases(max_dilation=3), dtypes, st.sampled_from(["normal", "integers", "special"]))
def test_max_pool(data, case, dtype, values):
    x = data.draw(arrays(case.input_shape, dtype, values=values))
    check_max_pool(case, x, data.draw(arrays(case.output_shape, dtype, values="integers")))


@all_cases
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_max_pool_of_larger_arrays(case, dtype):
    rng = np.random.default_rng(0)
    grad = rng.integers(-4, 5, case.output_shape).astype(dtype)
    check_max_pool(case, rng.integers(-4, 5, case.input_shape).astype(dtype), grad)  # many ties
    check_max_pool(case, rng.standard_normal(case.input_shape).astype(dtype), grad)


@pytest.mark.parametrize("kernel", [2, 3, 5, 17])
@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf, 0.0])
def test_windows_of_equal_values(kernel, value):
    case = Pool2dCase((1, 2, 34, 35), (kernel, kernel), (2, 2), (kernel // 2, kernel // 2), (1, 1), True)
    check_max_pool(case, np.full(case.input_shape, value, np.float32), np.ones(case.output_shape, np.float32))


def test_padded_windows_of_images_that_lie_end_to_end():
    case = Pool2dCase((2, 2, 6, 7), (2, 3), (2, 2), (0, 1), (1, 1), False)
    check_max_pool(case, np.full(case.input_shape, -np.inf), np.ones(case.output_shape))


def test_infinite_and_nan_gradients_go_to_one_element():
    case = Pool2dCase((1, 1, 4, 8), (2, 2), (2, 2), (0, 0), (1, 1), False)
    x = np.arange(32.0).reshape(case.input_shape)
    grad = np.full(case.output_shape, np.inf)
    grad[0, 0, 0] = np.nan
    expected = np.zeros(case.input_shape)
    expected[..., 1::2, 1::2] = grad
    np.testing.assert_array_equal(scatter(case, grad, max_pool(case, x)[1]), expected)


@pytest.mark.parametrize("kernel", [(2, 2), (5, 5)])
def test_an_index_outside_of_the_window_stays_inside_of_its_image(kernel):
    case = Pool2dCase((3, 1, 6, 6), kernel, (2, 2), (0, 0), (1, 1), False)
    indices = np.full(case.output_shape, 255, np.uint8)
    grad = np.zeros(case.output_shape)
    grad[1] = 1
    assert not scatter(case, grad, indices)[[0, 2]].any()
    x = np.zeros(case.input_shape)
    x[[0, 2]] = 1
    assert not gather(case, x, indices)[1].any()


def avg_pool_divisor(case, place, elements, count_include_pad, divisor_override):
    if divisor_override is not None:
        return divisor_override
    if not count_include_pad:
        return max(len(elements), 1)
    start = [place[i] * case.stride[i] - case.padding[i] for i in (0, 1)]
    end = [min(start[i] + case.kernel_size[i], case.input_shape[2 + i] + case.padding[i]) for i in (0, 1)]
    return (end[0] - start[0]) * (end[1] - start[1])


def check_avg_pool(case, x, grad, count_include_pad, divisor_override):
    output, grad_input = avg_pool(case, x, grad, count_include_pad, divisor_override)
    expected_output = np.zeros(case.output_shape)
    expected_grad = np.zeros(case.input_shape)
    for place, elements in windows(case, x.shape[2:]):
        divisor = avg_pool_divisor(case, place, elements, count_include_pad, divisor_override)
        for _, position in elements:
            expected_output[(..., *place)] += x[(..., *position)].astype(np.float64)
            expected_grad[(..., *position)] += grad[(..., *place)].astype(np.float64) / divisor
        expected_output[(..., *place)] /= divisor
    tolerance = 1e-5 if x.dtype == np.float32 else 1e-13
    np.testing.assert_allclose(output, expected_output, tolerance, tolerance)
    np.testing.assert_allclose(grad_input, expected_grad, tolerance, tolerance)
    assert output.dtype == grad_input.dtype == x.dtype


def avg_pool(case, x, grad, *divisor):
    geometry = case.kernel_size, case.stride, case.padding
    output = backend.avg_pool2d(x, *geometry, case.output_size, *divisor)
    return output, backend.avg_pool2d_backward(grad, case.input_shape, *geometry, *divisor)


@given(st.data(), pool2d_cases(max_dilation=1), dtypes, st.booleans(), st.sampled_from([None, None, 1, 7]))
def test_avg_pool(data, case, dtype, count_include_pad, divisor_override):
    x = data.draw(arrays(case.input_shape, dtype, values="integers"))
    grad = data.draw(arrays(case.output_shape, dtype, values="integers"))
    check_avg_pool(case, x, grad, count_include_pad, divisor_override)


@pytest.mark.parametrize("case", [case for case in CASES if case.dilation == (1, 1)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_avg_pool_of_larger_arrays(case, dtype):
    rng = np.random.default_rng(0)
    x, grad = (rng.integers(-4, 5, shape).astype(dtype) for shape in (case.input_shape, case.output_shape))
    check_avg_pool(case, x, grad, False, None)


def test_avg_pool_keeps_infinities_to_their_windows():
    x = np.zeros((1, 1, 4, 6))
    x[0, 0, 0, 0], x[0, 0, 3, 5] = np.inf, np.nan
    output = backend.avg_pool2d(x, (2, 2), (2, 2), (0, 0), (2, 3), True, None)
    np.testing.assert_array_equal(output[0, 0], [[np.inf, 0, 0], [0, 0, np.nan]])


@pytest.mark.parametrize("kernel", [(2, 2), (3, 3), (5, 4), (17, 16)])
def test_threads_do_not_change_results(kernel, same_for_any_threads):
    padding = (kernel[0] // 2, kernel[1] // 2)
    case = Pool2dCase((3, 7, 61, 67), kernel, (2, 2), padding, (1, 1), True)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(case.input_shape, np.float32)
    grad = rng.standard_normal(case.output_shape, np.float32)

    def compute():
        output, indices = max_pool(case, x)
        both = scatter(case, grad, indices), gather(case, x, indices)
        return [output, indices, *both, *avg_pool(case, x, grad, False, None)]

    same_for_any_threads(compute)


def test_empty_arrays():
    for shape in [(0, 3, 8, 8), (2, 0, 8, 8)]:
        case = Pool2dCase(shape, (2, 2), (2, 2), (0, 0), (1, 1), False)
        x, grad = np.zeros(shape, np.float32), np.zeros(case.output_shape, np.float32)
        output, indices = max_pool(case, x)
        assert output.shape == indices.shape == case.output_shape
        assert scatter(case, grad, indices).shape == shape
        assert [array.shape for array in avg_pool(case, x, grad, True, None)] == [case.output_shape, shape]


def test_wrong_calls_are_refused():
    x, output, indices = np.zeros((1, 1, 4, 4)), np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 2, 2), np.uint8)
    two, zero, one = (2, 2), (0, 0), (1, 1)
    for arguments in [
        (x, output, indices[..., :1].copy(), two, two, zero, one),
        (x, np.zeros((1, 2, 2, 2)), np.zeros((1, 2, 2, 2), np.uint8), two, two, zero, one),
        (x[0], output, indices, two, two, zero, one),
        (x, output, indices, two, zero, zero, one),
        (x, output, indices, two, two, (-1, 0), one),
        (x, output, indices, two, two, zero, (1, 0)),
        (x, output, indices, (0, 2), two, zero, one),
        (x, output, indices, (17, 16), two, zero, one),
        (x, output, indices, (2**40, 2), two, zero, one),
    ]:
        with pytest.raises(ValueError, match="pool"):
            _C.max_pool2d(*arguments)
