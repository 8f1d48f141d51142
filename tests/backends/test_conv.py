"""Convolution kernels of the CPU backend against loops over the taps, and against each other as adjoints.

Small integers make every sum exact, so that results are compared bit for bit whatever the order of the additions.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitorch import _C
from minitorch.backends.cpu import CpuBackend

backend = CpuBackend()


def integers(shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


def out_size(input, kernel, stride, padding, dilation):
    return tuple((input[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1))


def taps(input_size, kernel, out, stride, padding, dilation):
    """For each kernel element, the output pixels whose window it meets inside the input, and where it meets it."""
    for k in itertools.product(range(kernel[0]), range(kernel[1])):
        at = [np.arange(out[i]) * stride[i] + k[i] * dilation[i] - padding[i] for i in (0, 1)]
        inside = [(a >= 0) & (a < size) for a, size in zip(at, input_size, strict=True)]
        yield k, np.ix_(*(np.flatnonzero(i) for i in inside)), np.ix_(*(a[i] for a, i in zip(at, inside, strict=True)))


def oracle(x, w, grad, stride, padding, dilation, groups):
    """Output (without bias), input gradient and weight gradient, in float64."""
    x, w, grad = (array.astype(np.float64) for array in (x, w, grad))
    c, o = x.shape[1] // groups, w.shape[0] // groups
    output, grad_x, grad_w = np.zeros(grad.shape), np.zeros(x.shape), np.zeros(w.shape)
    for (kh, kw), place, source in taps(x.shape[2:], w.shape[2:], grad.shape[2:], stride, padding, dilation):
        for g in range(groups):
            O = slice(g * o, (g + 1) * o)
            here = (slice(None), slice(g * c, (g + 1) * c), *source)
            there = (slice(None), O, *place)
            output[there] += np.einsum("nchw,oc->nohw", x[here], w[O, :, kh, kw])
            grad_x[here] += np.einsum("nohw,oc->nchw", grad[there], w[O, :, kh, kw])
            grad_w[O, :, kh, kw] += np.einsum("nchw,nohw->oc", x[here], grad[there])
    return output, grad_x, grad_w


def compute(x, w, bias, grad, *geometry):
    return (
        backend.conv2d(x, w, bias, *geometry),
        backend.conv2d_backward_input(grad, w, x.shape, *geometry),
        backend.conv2d_backward_weight(x, grad, w.shape, *geometry),
    )


def check(x_shape, w_shape, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, dtype=np.float32):
    geometry = stride, padding, dilation, groups
    out = out_size(x_shape[2:], w_shape[2:], *geometry[:3])
    x, w = integers(x_shape, dtype), integers(w_shape, dtype, 1)
    grad, bias = integers((x_shape[0], w_shape[0], *out), dtype, 2), integers(w_shape[0], dtype, 3)
    expected = oracle(x, w, grad, *geometry)
    results = compute(x, w, None, grad, *geometry)
    for result, array in zip(results, expected, strict=True):
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, array)
    np.testing.assert_array_equal(backend.conv2d(x, w, bias, *geometry), expected[0] + bias[:, None, None])


# input, weight, then stride, padding, dilation, groups where they aren't 1, 0, 1, 1
CASES = [
    ((3, 1, 28, 28), (6, 1, 5, 5), (1, 1), (2, 2)),  # LeNet-5
    ((3, 6, 14, 14), (16, 6, 5, 5)),
    ((37, 16, 5, 5), (12, 16, 5, 5)),  # kernel = input: images side by side, the last block partly filled
    ((2, 3, 67, 67), (64, 3, 11, 11), (4, 4), (2, 2)),  # AlexNet, smaller
    ((2, 70, 13, 13), (150, 70, 3, 3), (1, 1), (1, 1)),
    ((1, 201, 9, 9), (3, 201, 5, 5), (1, 1), (2, 2)),  # two blocks of channels, not of one size
    ((1, 2, 70, 65), (3, 2, 3, 3), (1, 1), (1, 1)),  # several bands of rows
    ((1, 2, 140, 130), (3, 2, 4, 3), (2, 2), (1, 1)),
    ((2, 6, 8, 7), (12, 1, 3, 3), (1, 1), (1, 1), (1, 1), 6),  # depthwise with a multiplier of 2
    ((2, 6, 9, 7), (4, 3, 3, 2), (1, 2), (2, 0), (2, 1), 2),
    ((3, 3, 4, 4), (2, 3, 2, 2), (2, 2), (3, 4)),  # padding larger than the kernel
    ((2, 1, 7, 7), (1, 1, 2, 2), (3, 4)),  # stride larger than the kernel: some pixels are never read
    ((1, 1, 1, 1), (1, 1, 1, 1)),
    ((1, 5, 4, 6), (7, 5, 1, 1)),
    ((2, 2, 9, 9), (3, 2, 3, 3), (2, 3), (4, 3), (3, 2)),  # stride and dilation with and without a common divisor
    ((2, 2, 12, 9), (3, 2, 3, 3), (4, 2), (4, 3), (2, 4)),
    ((0, 2, 4, 4), (3, 2, 2, 2)),
    ((2, 0, 4, 4), (3, 0, 2, 2)),
    ((2, 2, 4, 4), (0, 2, 2, 2)),
    ((1, 2, 0, 3), (2, 2, 2, 2), (1, 1), (1, 0)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_exact(case, dtype):
    check(*case, dtype=dtype)


sizes = st.integers(1, 3)


@st.composite
def cases(draw):
    groups = draw(sizes)
    kernel = draw(st.tuples(sizes, st.integers(1, 5)))
    stride, dilation = draw(st.tuples(st.integers(1, 5), sizes)), draw(st.tuples(sizes, sizes))
    padding = draw(st.tuples(st.integers(0, 6), st.integers(0, 6)))
    extra = draw(st.tuples(st.integers(0, 12), st.integers(0, 40)))
    least = [max(0, dilation[i] * (kernel[i] - 1) + 1 - 2 * padding[i]) for i in (0, 1)]
    c, o = draw(st.integers(1, 6)), draw(st.integers(1, 19))
    x_shape = draw(st.integers(1, 5)), groups * c, least[0] + extra[0], least[1] + extra[1]
    return x_shape, (groups * o, c, *kernel), stride, padding, dilation, groups, draw(st.sampled_from("fd"))


@given(cases())
def test_any_geometry(case):
    check(*case)


def normal_case(dtype=np.float64):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((9, 12, 20, 17)), rng.standard_normal((20, 6, 3, 4))
    geometry = (1, 2), (1, 1), (2, 1), 2
    out = out_size(x.shape[2:], w.shape[2:], *geometry[:3])
    arrays = x, w, rng.standard_normal(20), rng.standard_normal((9, 20, *out))
    return [array.astype(dtype) for array in arrays], geometry


def test_adjoint():
    """<conv(x, w), g> = <x, backward_input(g, w)> = <w, backward_weight(x, g)>"""
    (x, w, _, grad), geometry = normal_case()
    output, grad_x, grad_w = compute(x, w, None, grad, *geometry)
    np.testing.assert_allclose(np.vdot(x, grad_x), np.vdot(output, grad), rtol=1e-12)
    np.testing.assert_allclose(np.vdot(w, grad_w), np.vdot(output, grad), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_the_number_of_threads(dtype):
    arrays, geometry = normal_case(dtype)
    before = _C.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            _C.set_num_threads(threads)
            results.append([array.tobytes() for array in compute(*arrays, *geometry)])
    finally:
        _C.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_any_strides_are_accepted_and_inputs_kept():
    arrays, geometry = normal_case()
    strided = [np.asfortranarray(np.repeat(array, 2, -1))[..., ::2] for array in arrays]
    kept = [array.copy() for array in strided]
    for result, expected in zip(compute(*strided, *geometry), compute(*arrays, *geometry), strict=True):
        assert result.flags.c_contiguous
        np.testing.assert_array_equal(result, expected)
    for array, copy in zip(strided, kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nonfinite_values_stay_in_their_window(value):
    """What lies beside an image in the workspace, or was left there by another image, is never computed with."""
    for x_shape, w_shape, stride in [((9, 2, 5, 5), (3, 2, 3, 3), 1), ((37, 2, 4, 4), (3, 2, 4, 4), 2)]:
        geometry = (stride, stride), (0, 0), (1, 1), 1
        x, w = integers(x_shape), integers(w_shape, seed=1) + 0.5  # no zero weights, which would make NaN of infinity
        grad = integers((x_shape[0], 3, *out_size(x_shape[2:], w_shape[2:], *geometry[:3])), seed=2) + 0.5
        expected = compute(x, w, None, grad, *geometry)
        x[4, :, -1, -1] = value
        grad[4, :, 0, 0] = value
        output, grad_x, _ = compute(x, w, None, grad, *geometry)
        touched = np.zeros(output.shape, bool)
        touched[4, :, -1, -1] = True
        np.testing.assert_array_equal(np.isfinite(output), ~touched)
        np.testing.assert_array_equal(output[~touched], expected[0][~touched])
        touched = np.zeros(grad_x.shape, bool)
        touched[4, :, : w_shape[2], : w_shape[3]] = True
        np.testing.assert_array_equal(np.isfinite(grad_x), ~touched)
        np.testing.assert_array_equal(grad_x[~touched], expected[1][~touched])


def test_the_last_block_of_images_does_not_see_the_one_before():
    """101 images are cut into blocks, the last partly filled: what a full block left there must not be used again.

    All that meets an infinity is positive, so that it stays one. Used again with a gradient of 0 it would become NaN.
    """
    x, grad = integers((101, 2, 4, 4)), np.abs(integers((101, 3, 1, 1), seed=2)) + 1
    x[:96, :, 0, 0] = np.inf
    before = _C.get_num_threads()
    _C.set_num_threads(1)  # else the last block may have a workspace to itself
    grad_w = backend.conv2d_backward_weight(x, grad, (3, 2, 4, 4), (1, 1), (0, 0), (1, 1), 1)
    _C.set_num_threads(before)
    expected = np.zeros((3, 2, 4, 4))
    for n in range(101):
        expected += grad[n].reshape(3, 1, 1, 1) * x[n]
    np.testing.assert_array_equal(grad_w, expected)
    assert np.isposinf(grad_w[:, :, 0, 0]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_nonfinite_weight_reaches_the_pixels_it_meets_and_no_other(value):
    x_shape, w_shape, geometry = (2, 4, 9, 8), (6, 2, 3, 3), ((2, 1), (0, 1), (1, 2), 2)
    grad = integers((2, 6, *out_size(x_shape[2:], w_shape[2:], *geometry[:3]))) + 0.5
    w = integers(w_shape, seed=1)
    w[4, 1, 1, 0] = 0
    expected = backend.conv2d_backward_input(grad, w, x_shape, *geometry)
    touched = np.zeros(w_shape)
    touched[4, 1, 1, 0] = 1
    touched = backend.conv2d_backward_input(grad, touched, x_shape, *geometry) != 0
    w[4, 1, 1, 0] = value
    result = backend.conv2d_backward_input(grad, w, x_shape, *geometry)
    assert 0 < touched.sum() < touched.size
    np.testing.assert_array_equal(np.isfinite(result), ~touched)
    np.testing.assert_array_equal(result[~touched], expected[~touched])


def test_wrong_sizes_are_refused():
    x, w, y = np.zeros((1, 2, 5, 5)), np.zeros((3, 2, 3, 3)), np.zeros((1, 3, 3, 3))
    geometry = (1, 1), (0, 0), (1, 1), 1
    _C.conv2d(x, w, None, y, *geometry)
    wrong = [
        (x[0], w, None, y, *geometry),
        (x, w[:, :1].copy(), None, y, *geometry),
        (x, w, np.zeros(2), y, *geometry),
        (x, w, None, np.zeros((1, 3, 4, 3)), *geometry),
        (x, w, None, np.zeros((2, 3, 3, 3)), *geometry),
        (x, w, None, y, (0, 1), *geometry[1:]),
        (x, w, None, y, *geometry[:3], 2),
    ]
    for arguments in wrong:
        with pytest.raises(ValueError, match="conv2d"):
            _C.conv2d(*arguments)
