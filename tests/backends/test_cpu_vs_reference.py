"""The C++ kernels against the NumPy reference, method by method, on shapes, layouts and values drawn by Hypothesis.

Small integers make every sum exact, so float32 and float64 results must agree to the bit (the sign of a zero aside),
NaN and infinities included. Normally distributed values are compared with the reference in float64, within the
rounding error that they may have.

MINITORCH_ISA runs this under another instruction set than the machine's best; test_isas.py does so.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitorch.backends.cpu import CpuBackend
from minitorch.backends.reference import ReferenceBackend
from minitorch.testing import arrays, assert_close, broadcastable, conv2d_cases, pool2d_cases, shapes

cpu, reference = CpuBackend(), ReferenceBackend()

dtypes = st.sampled_from([np.float32, np.float64])
exact_values = st.sampled_from(["integers", "integers", "special"])
any_values = st.sampled_from(["normal", "integers", "special"])
drawn = st.data()


def run(method, *args):
    """What both backends return, as tuples, after the checks that hold for every method."""
    before = copy.deepcopy(args)
    with np.errstate(all="ignore"):  # as operations call them
        actual, expected = as_tuple(getattr(cpu, method)(*args)), as_tuple(getattr(reference, method)(*args))
    for argument, copied in zip(args, before, strict=True):
        if isinstance(argument, np.ndarray):
            np.testing.assert_array_equal(argument, copied, err_msg=f"{method} wrote into its input")
    for a, b in zip(actual, expected, strict=True):
        assert (a.shape, a.dtype, a.flags.c_contiguous) == (b.shape, b.dtype, True)
    return actual, expected


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def check_exact(method, *args):
    """The same numbers to the bit."""
    for actual, expected in zip(*run(method, *args), strict=True):
        assert_close(actual, expected, rtol=0, atol=0, equal_nan=True)


def check_close(method, *args, ulps, atol=0.0):
    """Within ``ulps`` units in the last place of the reference in float64, or of ``atol`` where that is larger."""
    actual, _ = run(method, *args)
    expected = as_tuple(getattr(reference, method)(*map(in_float64, args)))
    for a, b in zip(actual, expected, strict=True):
        eps = float(np.finfo(a.dtype).eps)
        assert_close(a, b, rtol=ulps * eps, atol=ulps * eps * atol, equal_nan=True, check_dtype=False)


def check_sum_of_products(method, a, b, *rest, terms):
    """Within terms * eps * Σ|a||b|, the bound for any order of summation (Higham 2002, section 3.1)."""
    actual, _ = run(method, a, b, *rest)
    a, b, eps = in_float64(a), in_float64(b), float(np.finfo(a.dtype).eps)
    expected = getattr(reference, method)(a, b, *rest)
    bound = (terms + 1) * eps * getattr(reference, method)(abs(a), abs(b), *rest)
    assert (abs(actual[0] - expected) <= bound).all(), f"worst: {(abs(actual[0] - expected) - bound).max()}"


def in_float64(value):
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype == np.float32 else value


# ---- matrix product -----------------------------------------------------------------------------------------------


@st.composite
def matmul_shapes(draw):
    """Shapes of a and b: M, K and N up to 20, one of them longer or empty now and then, batches that broadcast."""
    sizes = [draw(st.integers(1, 20)) for _ in range(3)]
    change = draw(st.sampled_from(["none", "none", "long", "long", "empty"]))
    if change != "none":
        sizes[draw(st.integers(0, 2))] = draw(st.integers(20, 300)) if change == "long" else 0
    M, K, N = sizes
    a_batch, b_batch = draw(broadcastable(max_dims=3, max_side=3))
    return (*a_batch, M, K), (*b_batch, K, N)


@st.composite
def matrices(draw, shape, dtype, values):
    """A matrix or a stack of them, in any layout, each transposed now and then."""
    if draw(st.booleans()):
        return draw(arrays((*shape[:-2], shape[-1], shape[-2]), dtype, values=values)).mT
    return draw(arrays(shape, dtype, values=values))


@given(matmul_shapes(), dtypes, exact_values, st.booleans(), st.sampled_from([None, "relu"]), drawn)
def test_matmul(shapes, dtype, values, with_bias, activation, data):
    a, b = (data.draw(matrices(shape, dtype, values)) for shape in shapes)
    bias = data.draw(arrays(shapes[1][-1:], dtype, values=values)) if with_bias else None
    check_exact("matmul", a, b, bias, activation)


@given(matmul_shapes(), dtypes, drawn)
def test_matmul_rounds_little(shapes, dtype, data):
    a, b = (data.draw(matrices(shape, dtype, "normal")) for shape in shapes)
    check_sum_of_products("matmul", a, b, terms=a.shape[-1])


# ---- convolution --------------------------------------------------------------------------------------------------

convolutions = conv2d_cases(max_channels=40, max_size=70)


@given(convolutions, dtypes, exact_values, st.booleans(), drawn)
def test_conv2d(case, dtype, values, with_bias, data):
    x = data.draw(arrays(case.input_shape, dtype, values=values))
    weight = data.draw(arrays(case.weight_shape, dtype, values="integers"))
    bias = data.draw(arrays(case.weight_shape[:1], dtype, values=values)) if with_bias else None
    check_exact("conv2d", x, weight, bias, *case.geometry)


@given(convolutions, dtypes, exact_values, drawn)
def test_conv2d_backward_input(case, dtype, values, data):
    grad_output = data.draw(arrays(case.output_shape, dtype, values=values))
    weight = data.draw(arrays(case.weight_shape, dtype, values="integers"))
    check_exact("conv2d_backward_input", grad_output, weight, case.input_shape, *case.geometry)


@given(convolutions, dtypes, exact_values, drawn)
def test_conv2d_backward_weight(case, dtype, values, data):
    x = data.draw(arrays(case.input_shape, dtype, values=values))
    grad_output = data.draw(arrays(case.output_shape, dtype, values="integers"))
    check_exact("conv2d_backward_weight", x, grad_output, case.weight_shape, *case.geometry)


@given(convolutions, dtypes, drawn)
def test_convolutions_round_little(case, dtype, data):
    x, weight, grad_output = (
        data.draw(arrays(shape, dtype)) for shape in (case.input_shape, case.weight_shape, case.output_shape)
    )
    (O, C_group, KH, KW), (N, _, OH, OW) = case.weight_shape, case.output_shape
    check_sum_of_products("conv2d", x, weight, None, *case.geometry, terms=C_group * KH * KW)
    shape, terms = case.input_shape, O // case.groups * KH * KW
    check_sum_of_products("conv2d_backward_input", grad_output, weight, shape, *case.geometry, terms=terms)
    shape, terms = case.weight_shape, N * OH * OW
    check_sum_of_products("conv2d_backward_weight", x, grad_output, shape, *case.geometry, terms=terms)


# ---- pooling ------------------------------------------------------------------------------------------------------


@given(pool2d_cases(max_size=70), dtypes, any_values, drawn)
def test_max_pool2d(case, dtype, values, data):
    """Integers have ties, where the first must win; special values have windows of -inf and of NaN."""
    geometry = case.kernel_size, case.stride, case.padding, case.dilation
    x, other = (data.draw(arrays(case.input_shape, dtype, values=kind)) for kind in (values, "special"))
    check_exact("max_pool2d", x, *geometry, case.output_size)

    _, indices = reference.max_pool2d(x, *geometry, case.output_size)
    check_exact("max_pool2d_gather", other, indices, *geometry)
    grad_output = data.draw(arrays(case.output_shape, dtype, values="integers"))
    check_exact("max_pool2d_backward", grad_output, indices, case.input_shape, *geometry)


@pytest.mark.parametrize("kernel", [(16, 16), (257, 1), (19, 17)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_max_pool2d_with_large_windows(kernel, dtype):
    """256 offsets are the most that fit into uint8."""
    x = np.random.default_rng(0).integers(-99, 99, (2, 2, 280, 20)).astype(dtype)
    geometry = kernel, (3, 2), (kernel[0] // 2, kernel[1] // 2), (1, 1)
    output_size = tuple((x.shape[2 + i] + 2 * geometry[2][i] - kernel[i]) // geometry[1][i] + 1 for i in (0, 1))
    check_exact("max_pool2d", x, *geometry, output_size)
    _, indices = reference.max_pool2d(x, *geometry, output_size)
    check_exact("max_pool2d_gather", x, indices, *geometry)
    check_exact("max_pool2d_backward", indices.astype(dtype), indices, x.shape, *geometry)


def test_max_pool2d_prefers_minus_infinity_of_the_input_to_padding():
    x = np.full((2, 3, 5, 37), -np.inf, np.float32)
    check_exact("max_pool2d", x, (3, 3), (1, 2), (1, 1), (1, 1), (5, 19))


def test_max_pool2d_of_a_window_that_steps_over_the_input():
    x = np.ones((1, 2, 1, 5), np.float32)
    geometry = (2, 2), (1, 1), (1, 1), (2, 1)
    check_exact("max_pool2d", x, *geometry, (1, 6))
    indices = np.zeros((1, 2, 1, 6), np.uint8)
    check_exact("max_pool2d_gather", x, indices, *geometry)
    check_exact("max_pool2d_backward", np.ones((1, 2, 1, 6), np.float32), indices, x.shape, *geometry)


@given(pool2d_cases(max_size=70, max_dilation=1), dtypes, exact_values, drawn)
def test_avg_pool2d(case, dtype, values, data):
    rule = data.draw(st.booleans()), data.draw(st.sampled_from([None, None, 1, 3]))
    window = case.kernel_size, case.stride, case.padding
    # The sums are exact, so the division makes the only rounding error.
    x = data.draw(arrays(case.input_shape, dtype, values=values))
    check_close("avg_pool2d", x, *window, case.output_size, *rule, ulps=2)
    grad_output = data.draw(arrays(case.output_shape, dtype, values=values))
    check_close("avg_pool2d_backward", grad_output, case.input_shape, *window, *rule, ulps=2, atol=100)


# ---- elementwise --------------------------------------------------------------------------------------------------


@given(drawn, shapes(max_side=40), dtypes, any_values)
def test_relu(data, shape, dtype, values):
    x, grad_output = (data.draw(arrays(shape, dtype, values=values)) for _ in range(2))
    check_exact("relu", x)
    check_exact("relu_backward", grad_output, x)


words = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 2**32 - 3, 2**32, 2**64 - 2]))


@given(words, words, st.integers(0, 300))
def test_philox(seed, offset, n):
    check_exact("philox", seed, offset, n)


@given(drawn, shapes(max_side=12), dtypes, exact_values, words, words)
def test_dropout(data, shape, dtype, values, seed, offset):
    first = int(reference.philox(seed, offset, 1)[0] >> 8) * 2.0**-24  # the largest p that keeps the first element
    p = data.draw(st.one_of(st.sampled_from([0.0, 0.5, 1.0, first]), st.floats(0, 1)))
    check_exact("dropout", data.draw(arrays(shape, dtype, values=values)), p, seed, offset)


# ---- sums ---------------------------------------------------------------------------------------------------------


@given(drawn, shapes(max_dims=4, max_side=7), dtypes, exact_values, st.booleans())
def test_sum(data, shape, dtype, values, keepdims):
    dims = tuple(data.draw(st.sets(st.integers(0, len(shape) - 1)))) if shape else ()
    check_exact("sum", data.draw(arrays(shape, dtype, values=values)), dims, keepdims)


@pytest.mark.parametrize("shape", [(1, 400_001), (400_001, 1), (100_000, 4)])
@pytest.mark.parametrize("dims", [(0,), (1,), (0, 1)])
def test_the_error_of_a_long_sum_stays_small(shape, dims):
    check_close("sum", np.full(shape, 0.1, np.float32), dims, ulps=8)


# ---- rows ---------------------------------------------------------------------------------------------------------

matrix_shapes = st.tuples(st.integers(0, 6), st.integers(0, 70))


@given(drawn, matrix_shapes, dtypes, any_values, st.sampled_from([1, 20, 1000]))
def test_softmax_and_log_softmax(data, shape, dtype, values, spread):
    x = data.draw(arrays(shape, dtype, values=values)) * dtype(spread)
    check_close("softmax", x, ulps=8 if spread == 1 else 64, atol=1e-30)  # x - max is rounded, then exp multiplies that
    check_close("log_softmax", x, ulps=4, atol=max(1, largest(x)))


@given(drawn, st.tuples(st.integers(0, 6), st.integers(1, 70)), dtypes, any_values, st.sampled_from([-100, 0]))
def test_cross_entropy(data, shape, dtype, values, ignore_index):
    x = data.draw(arrays(shape, dtype, values=values))
    target = data.draw(arrays(shape[:1], np.int64, values="integers", layouts=("contiguous", "strided", "read-only")))
    target = np.where(target == 4, ignore_index, target % shape[1])
    check_close("cross_entropy", x, target, ignore_index, ulps=8, atol=max(1, largest(x)))

    logsumexp = reference.cross_entropy(x, target, ignore_index)[1]
    grad_output = data.draw(arrays(shape[:1], dtype, values=values))
    atol = max(1, largest(grad_output))
    check_close(
        "cross_entropy_backward", grad_output, x, target, logsumexp, ignore_index, ulps=8 + 2 * largest(x), atol=atol
    )


def largest(x):
    """The largest magnitude of a finite element."""
    return float(abs(x[np.isfinite(x)]).max(initial=0))


# ---- optimisers ---------------------------------------------------------------------------------------------------


@st.composite
def parameter_lists(draw, values, count=5):
    """``count`` lists of arrays of the same shapes: parameters, gradients, states."""
    dtype, all_shapes = draw(dtypes), draw(st.lists(shapes(max_dims=3, max_side=9), min_size=1, max_size=3))
    contiguous = {"values": values, "layouts": ("contiguous", "unaligned")}
    return [[draw(arrays(shape, dtype, **contiguous)) for shape in all_shapes] for _ in range(count)]


def check_step(method, lists, *options, ulps, atol=0.0):
    """Both backends update the lists alike; the gradients (the second list) stay."""
    grads, expected = copy.deepcopy(lists[1]), copy.deepcopy(lists)
    getattr(cpu, method)(*lists, *options)
    getattr(reference, method)(*expected, *options)
    for ours, theirs in zip(lists, expected, strict=True):
        for a, b in zip(ours or [], theirs or [], strict=True):
            eps = float(np.finfo(a.dtype).eps)
            assert_close(a, b, rtol=ulps * eps, atol=ulps * eps * atol)
    for a, b in zip(lists[1], grads, strict=True):
        np.testing.assert_array_equal(a, b)


flags = st.booleans()


@given(parameter_lists("integers", 3), st.sampled_from([0.0, 0.5, 0.5]), flags, flags, flags)
def test_sgd_step(lists, momentum, nesterov, maximize, first_step):
    """Powers of 2 and integers: without rounding errors, and so exactly equal."""
    if not momentum:
        lists[2] = None
    options = (0.25, momentum, 0.0 if nesterov else 0.5, 0.125, nesterov, maximize, first_step)
    check_step("sgd_step", lists, *options, ulps=0)


def test_steps_of_no_parameters():
    cpu.sgd_step([], [], None, 0.1, 0.0, 0.0, 0.0, False, False, True)
    cpu.adam_step([], [], [], [], None, 1, 0.1, 0.9, 0.999, 1e-8, 0.0, False, False)
    cpu.rmsprop_step([], [], [], None, None, 0.1, 0.9, 1e-8, 0.0, 0.0, False)


@given(parameter_lists("normal"), st.integers(1, 20), st.sampled_from([0.0, 0.01]), flags, flags, flags)
def test_adam_step(lists, step, weight_decay, decoupled, amsgrad, maximize):
    lists[3:] = [[np.abs(m, out=m) for m in means] for means in lists[3:]]  # of squares, so not negative
    if not amsgrad:
        lists[4] = None
    options = (step, 0.01, 0.9, 0.999, 1e-8, weight_decay, decoupled, maximize)
    check_step("adam_step", lists, *options, ulps=16, atol=1)


@given(parameter_lists("normal"), st.sampled_from([0.0, 0.01]), flags, flags, flags)
def test_rmsprop_step(lists, weight_decay, centered, momentum, maximize):
    # Far enough above the square of the mean for their difference to be precise.
    for square, mean in zip(lists[2], lists[3], strict=True):
        square[...] = 2 * mean * mean + 0.01
    if not centered:
        lists[3] = None
    if not momentum:
        lists[4] = None
    options = (0.01, 0.99, 1e-8, weight_decay, 0.9 * momentum, maximize)
    check_step("rmsprop_step", lists, *options, ulps=32, atol=4)
