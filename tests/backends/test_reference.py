"""The reference backend against literal loops over single numbers, which share nothing with it but the formulas."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from minitorch.backends.reference import ReferenceBackend

backend = ReferenceBackend()


def integers(*shape, dtype=np.float64, seed=0):
    """Small integers: their sums and products are exact, so that any order of summation gives the same bits."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(dtype)


# ---- convolution ---------------------------------------------------------------------------------------------------

# input, weight, stride, padding, dilation, groups
CONVOLUTIONS = [
    ((2, 3, 5, 6), (4, 3, 3, 2), (1, 1), (0, 0), (1, 1), 1),
    ((2, 2, 7, 5), (3, 2, 2, 3), (2, 3), (1, 2), (1, 1), 1),  # strides that don't divide
    ((1, 4, 6, 6), (6, 2, 3, 3), (1, 2), (2, 0), (2, 1), 2),
    ((3, 3, 4, 4), (6, 1, 2, 2), (1, 1), (1, 1), (1, 3), 3),  # depthwise with a multiplier of 2
    ((2, 2, 3, 4), (2, 2, 3, 4), (1, 1), (0, 0), (1, 1), 1),  # kernel = input
    ((2, 2, 3, 3), (2, 2, 2, 2), (2, 2), (3, 4), (1, 1), 1),  # padding larger than the kernel
    ((2, 1, 5, 5), (1, 1, 1, 1), (3, 3), (0, 0), (1, 1), 1),  # stride larger than the kernel
    ((1, 1, 1, 1), (1, 1, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    ((0, 2, 4, 4), (3, 2, 2, 2), (1, 1), (0, 0), (1, 1), 1),
    ((2, 0, 4, 4), (3, 0, 2, 2), (1, 1), (0, 0), (1, 1), 1),
    ((2, 2, 4, 4), (0, 2, 2, 2), (1, 1), (0, 0), (1, 1), 1),
    ((1, 2, 0, 3), (2, 2, 2, 2), (1, 1), (1, 0), (1, 1), 1),
]


def products(input_shape, weight_shape, stride, padding, dilation, groups):
    """The three index tuples (output, input, weight) of each product in a convolution."""
    N, C, H, W = input_shape
    O, C_group, KH, KW = weight_shape
    OH, OW = conv_output_size(input_shape, weight_shape, stride, padding, dilation)
    for n, o, oh, ow, c, kh, kw in itertools.product(*map(range, (N, O, OH, OW, C_group, KH, KW))):
        h = oh * stride[0] - padding[0] + kh * dilation[0]
        w = ow * stride[1] - padding[1] + kw * dilation[1]
        if 0 <= h < H and 0 <= w < W:
            group = o // (O // groups)
            yield (n, o, oh, ow), (n, group * (C // groups) + c, h, w), (o, c, kh, kw)


def conv_output_size(input_shape, weight_shape, stride, padding, dilation):
    """Counts the places of the kernel."""
    sizes = []
    for i in (0, 1):
        last = padding[i] + input_shape[2 + i] + padding[i] - 1
        extent = (weight_shape[2 + i] - 1) * dilation[i]
        sizes.append(sum(start + extent <= last for start in range(0, last + 1, stride[i])))
    return tuple(sizes)


@pytest.mark.parametrize(("input_shape", "weight_shape", *"spdg"), CONVOLUTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_conv2d_and_its_adjoints(input_shape, weight_shape, s, p, d, g, dtype):
    geometry = s, p, d, g
    x, weight = integers(*input_shape, dtype=dtype), integers(*weight_shape, dtype=dtype, seed=1)
    bias = integers(weight_shape[0], dtype=dtype, seed=2)
    output_shape = input_shape[0], weight_shape[0], *conv_output_size(input_shape, weight_shape, s, p, d)
    grad_output = integers(*output_shape, dtype=dtype, seed=3)

    output, grad_input, grad_weight = np.zeros(output_shape), np.zeros(input_shape), np.zeros(weight_shape)
    for i_output, i_input, i_weight in products(input_shape, weight_shape, *geometry):
        output[i_output] += x[i_input] * weight[i_weight]
        grad_input[i_input] += grad_output[i_output] * weight[i_weight]
        grad_weight[i_weight] += x[i_input] * grad_output[i_output]

    check(backend.conv2d(x, weight, None, *geometry), output, dtype)
    check(backend.conv2d(x, weight, bias, *geometry), output + bias[:, None, None], dtype)
    check(backend.conv2d_backward_input(grad_output, weight, input_shape, *geometry), grad_input, dtype)
    check(backend.conv2d_backward_weight(x, grad_output, weight_shape, *geometry), grad_weight, dtype)


def check(actual, expected, dtype):
    """Equal values, the dtype of the inputs, and C order."""
    assert actual.dtype == dtype
    assert actual.flags.c_contiguous
    np.testing.assert_array_equal(actual, expected)


# ---- pooling -------------------------------------------------------------------------------------------------------

# input, kernel, stride, padding, dilation, output
POOLS = [
    ((2, 3, 4, 6), (2, 2), (2, 2), (0, 0), (1, 1), (2, 3)),
    ((1, 2, 5, 7), (3, 2), (2, 3), (1, 1), (1, 1), (3, 3)),
    ((2, 1, 5, 5), (2, 2), (2, 2), (0, 0), (1, 1), (3, 3)),  # ceil_mode: the last windows overhang by one
    ((1, 1, 7, 7), (3, 3), (3, 3), (1, 1), (1, 1), (3, 3)),
    ((1, 1, 6, 6), (3, 3), (3, 3), (1, 1), (1, 1), (3, 3)),  # ceil_mode: they overhang the padding too
    ((1, 2, 6, 7), (2, 3), (1, 1), (0, 1), (2, 2), (4, 5)),
    ((2, 2, 3, 3), (3, 3), (1, 1), (0, 0), (1, 1), (1, 1)),
    ((1, 1, 5, 5), (1, 1), (3, 3), (0, 0), (1, 1), (2, 2)),
    ((1, 1, 1, 5), (2, 2), (1, 1), (1, 1), (2, 1), (1, 6)),  # dilation steps over the one row there is
    ((1, 1, 40, 20), (17, 16), (9, 5), (0, 0), (1, 1), (3, 1)),  # 272 offsets: int32 indices
    ((1, 1, 20, 20), (16, 16), (3, 3), (8, 8), (1, 1), (7, 7)),  # 256 offsets: uint8
    ((0, 2, 4, 4), (2, 2), (2, 2), (0, 0), (1, 1), (2, 2)),
    ((2, 0, 4, 4), (2, 2), (2, 2), (0, 0), (1, 1), (2, 2)),
    ((1, 1, 0, 4), (2, 2), (1, 1), (1, 0), (1, 1), (1, 3)),
]


def window(input_shape, kernel_size, stride, padding, dilation, oh, ow):
    """(offset, h, w) of each element of the input in one window."""
    for kh, kw in itertools.product(*map(range, kernel_size)):
        h = oh * stride[0] - padding[0] + kh * dilation[0]
        w = ow * stride[1] - padding[1] + kw * dilation[1]
        if 0 <= h < input_shape[2] and 0 <= w < input_shape[3]:
            yield kh * kernel_size[1] + kw, h, w


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "dilation", "output_size"), POOLS)
@pytest.mark.parametrize("special", [[], [-np.inf], [np.nan, np.inf, -np.inf]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_max_pool2d_scatter_and_gather(shape, kernel, stride, padding, dilation, output_size, special, dtype):
    x, other = integers(*shape, dtype=dtype), integers(*shape, dtype=dtype, seed=1)
    if special:  # a third of the elements, many windows of nothing else
        rng = np.random.default_rng(2)
        x = np.where(rng.random(shape) < 0.34, rng.choice(special, shape), x).astype(dtype)
    output_shape = (*shape[:2], *output_size)
    grad_output = integers(*output_shape, dtype=dtype, seed=3)

    output, indices = np.zeros(output_shape), np.zeros(output_shape, int)
    gathered, scattered = np.zeros(output_shape), np.zeros(shape)
    for n, c, oh, ow in np.ndindex(*output_shape):
        best, best_offset, place = -math.inf, 0, None
        for offset, h, w in window(shape, kernel, stride, padding, dilation, oh, ow):
            value = float(x[n, c, h, w])
            if place is None or value > best or (math.isnan(value) and not math.isnan(best)):
                best, best_offset, place = value, offset, (n, c, h, w)
        output[n, c, oh, ow], indices[n, c, oh, ow] = best, best_offset
        if place is not None:
            gathered[n, c, oh, ow] = other[place]
            scattered[place] += grad_output[n, c, oh, ow]

    geometry = kernel, stride, padding, dilation
    actual_output, actual_indices = backend.max_pool2d(x, *geometry, output_size)
    check(actual_output, output, dtype)
    check(actual_indices, indices, np.uint8 if kernel[0] * kernel[1] <= 256 else np.int32)
    check(backend.max_pool2d_gather(other, actual_indices, *geometry), gathered, dtype)
    check(backend.max_pool2d_backward(grad_output, actual_indices, shape, *geometry), scattered, dtype)


@pytest.mark.parametrize(("shape", "kernel", "stride", "padding", "dilation", "output_size"), POOLS)
@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("divisor_override", [None, 3])
def test_avg_pool2d_and_its_adjoint(
    shape, kernel, stride, padding, dilation, output_size, count_include_pad, divisor_override
):
    if dilation != (1, 1):
        output_size = tuple((shape[2 + i] + 2 * padding[i] - kernel[i]) // stride[i] + 1 for i in (0, 1))
    x = integers(*shape)
    output_shape = (*shape[:2], *output_size)
    grad_output = integers(*output_shape, seed=1)

    output, grad_input = np.zeros(output_shape), np.zeros(shape)
    for n, c, oh, ow in np.ndindex(*output_shape):
        elements = list(window(shape, kernel, stride, padding, (1, 1), oh, ow))
        # The padded image ends at H + padding; what overhangs it is never counted.
        rows = [oh * stride[0] - padding[0] + kh < shape[2] + padding[0] for kh in range(kernel[0])]
        columns = [ow * stride[1] - padding[1] + kw < shape[3] + padding[1] for kw in range(kernel[1])]
        divisor = divisor_override or (sum(rows) * sum(columns) if count_include_pad else len(elements))
        for _, h, w in elements:
            output[n, c, oh, ow] += x[n, c, h, w]
            grad_input[n, c, h, w] += grad_output[n, c, oh, ow] / divisor
        output[n, c, oh, ow] /= divisor or 1

    rule = count_include_pad, divisor_override
    actual = backend.avg_pool2d(x, kernel, stride, padding, output_size, *rule)
    check(actual, output, np.float64)
    actual = backend.avg_pool2d_backward(grad_output, shape, kernel, stride, padding, *rule)
    assert actual.flags.c_contiguous
    np.testing.assert_allclose(actual, grad_input, rtol=1e-14, atol=1e-15)


# ---- matrix product ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [
        ((2, 3), (3, 4)),
        ((2, 5, 2, 3), (5, 3, 4)),
        ((2, 1, 2, 3), (1, 3, 3, 1)),
        ((2, 0), (0, 4)),
        ((0, 3), (3, 2)),
        ((0, 2, 3), (3, 0)),
    ],
)
@pytest.mark.parametrize("activation", [None, "relu"])
def test_matmul(a_shape, b_shape, activation):
    a, b, bias = integers(*a_shape), integers(*b_shape, seed=1), integers(b_shape[-1], seed=2)
    batch = np.broadcast_shapes(a_shape[:-2], b_shape[:-2])
    all_a, all_b = np.broadcast_to(a, batch + a_shape[-2:]), np.broadcast_to(b, batch + b_shape[-2:])
    product = np.zeros((*batch, a_shape[-2], b_shape[-1]))
    for *i, m, n in np.ndindex(*product.shape):
        product[(*i, m, n)] = sum(all_a[(*i, m, k)] * all_b[(*i, k, n)] for k in range(a_shape[-1]))

    activate = (lambda y: (abs(y) + y) / 2) if activation else (lambda y: y)
    check(backend.matmul(a, b, None, activation), activate(product), np.float64)
    check(backend.matmul(a, b, bias, activation), activate(product + bias), np.float64)
    check(backend.matmul(a.mT.copy().mT, b.mT.copy().mT), product, np.float64)


# ---- elementwise ---------------------------------------------------------------------------------------------------


def test_relu():
    x = np.array([[-math.inf, -2.0, -0.0], [0.0, 0.5, math.nan]])
    check(backend.relu(x), [[0, 0, 0], [0, 0.5, math.nan]], np.float64)
    check(backend.relu(x.T), [[0, 0], [0, 0.5], [0, math.nan]], np.float64)
    grad_output = np.array([[1.0, 2, 3], [4, 5, 6]])
    check(backend.relu_backward(grad_output, backend.relu(x)), [[0, 0, 0], [0, 5, 6]], np.float64)


def philox4x32(counter, key):
    """Ten rounds on Python integers, for a counter of four words and a key of two."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


@pytest.mark.parametrize(
    ("counter", "key", "words"),  # kat_vectors of the Random123 library
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_the_oracle_for_philox(counter, key, words):
    counter, key, words = ([int(word, 16) for word in text.split()] for text in (counter, key, words))
    assert philox4x32(counter, key) == words


@pytest.mark.parametrize("seed", [0, 1, 0x123456789ABCDEF0, 2**64 - 1])
@pytest.mark.parametrize("offset", [0, 5, 2**32 - 2, 2**64 - 2])
def test_philox(seed, offset):
    expected = []
    for block in range(5):
        counter = (offset + block) % 2**64
        expected += philox4x32((counter % 2**32, counter >> 32, 0, 0), (seed % 2**32, seed >> 32))
    for n in (0, 1, 4, 18, 20):
        check(backend.philox(seed, offset, n), expected[:n], np.uint32)


def test_philox_starts_with_the_published_words():
    assert [f"{word:08x}" for word in backend.philox(0, 0, 4)] == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout(p, dtype):
    x = integers(4, 5, dtype=dtype).T  # element i counts in C order of the transposed view
    words = backend.philox(7, 3, x.size)
    expected = [
        x.flat[i] * (dtype(1 / (1 - p)) if p < 1 else 0) if (int(words[i]) >> 8) / 2**24 >= p else 0
        for i in range(x.size)
    ]
    check(backend.dropout(x, p, 7, 3), np.reshape(expected, x.shape), dtype)
    check(backend.dropout(dtype(np.nan) * x, 1.0, 7, 3), np.zeros(x.shape), dtype)
    threshold = (int(words[0]) >> 8) / 2**24  # the largest p that keeps the first element
    assert backend.dropout(np.ones(1, dtype), threshold, 7, 3) > 0
    assert backend.dropout(np.ones(1, dtype), math.nextafter(threshold, 1), 7, 3) == 0
    assert backend.dropout(np.ones((), dtype), 0.0, 7, 3).shape == ()


# ---- sums and normalisations ---------------------------------------------------------------------------------------


def test_sum():
    x = integers(2, 3, 4)
    for keepdims in (False, True):
        total = backend.sum(x, (0, 2), keepdims)
        expected = [sum(x[p, c, q] for p in range(2) for q in range(4)) for c in range(3)]
        np.testing.assert_array_equal(total, np.reshape(expected, (1, 3, 1) if keepdims else 3))
    np.testing.assert_array_equal(backend.sum(x, ()), x)
    assert backend.sum(np.full(10**6, 0.1, np.float32), (0,)) == np.float32(np.float64(np.float32(0.1)) * 10**6)


@pytest.mark.parametrize("centred", [True, False])
def test_standardize_and_its_gradient(centred):
    P, C, Q = 2, 3, 4
    x, g = integers(P, C, Q), integers(P, C, Q, seed=1)
    expected, grad_input = np.zeros((P, C, Q)), np.zeros((P, C, Q))
    scales, means, variances = [], [], []
    places = list(itertools.product(range(P), range(Q)))

    def mean(numbers):
        return math.fsum(numbers) / len(places)

    for c in range(C):
        m = mean(x[p, c, q] for p, q in places) if centred else 0.0
        variance = mean((x[p, c, q] - m) ** 2 for p, q in places)
        scale = 1 / math.sqrt(variance + 0.5)
        for p, q in places:
            expected[p, c, q] = (x[p, c, q] - m) * scale
        mean_grad = mean(g[p, c, q] for p, q in places) if centred else 0.0
        mean_product = mean(g[p, c, q] * expected[p, c, q] for p, q in places)
        for p, q in places:
            grad_input[p, c, q] = scale * (g[p, c, q] - mean_grad - expected[p, c, q] * mean_product)
        scales.append(scale)
        means.append(m)
        variances.append(variance)
    normalized, *statistics = backend.standardize(x, 0.5, centred)
    close = {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(normalized, expected, **close)
    for found, wanted in zip(statistics, (scales, means if centred else None, variances), strict=True):
        assert (found is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_allclose(found, wanted, **close)
    found = backend.standardize_backward(g, normalized, statistics[0], centred)
    np.testing.assert_allclose(found, grad_input, **close)


def test_affine_and_its_gradient():
    P, C, Q = 2, 3, 4
    x, g, weight, bias = integers(P, C, Q), integers(P, C, Q, seed=1), integers(C, seed=2), integers(C, seed=3)
    output, grad_input, grad_weight, grad_bias = np.zeros((P, C, Q)), np.zeros((P, C, Q)), np.zeros(C), np.zeros(C)
    for p, c, q in itertools.product(range(P), range(C), range(Q)):
        output[p, c, q] = x[p, c, q] * weight[c] + bias[c]
        grad_input[p, c, q] = g[p, c, q] * weight[c]
        grad_weight[c] += g[p, c, q] * x[p, c, q]
        grad_bias[c] += g[p, c, q]
    np.testing.assert_array_equal(backend.affine(x, weight, bias), output)
    np.testing.assert_array_equal(backend.affine(x, weight, None), output - bias[:, None])
    for found, wanted in zip(backend.affine_backward(g, x, weight), (grad_input, grad_weight, grad_bias), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9, 20])
def test_local_response_norm_and_its_gradient(size):
    N, C, Q = 2, 5, 3
    alpha, beta, k = 0.5, 0.7, 1.5
    x, g = integers(N, C, Q), integers(N, C, Q, seed=1)
    base, grad_input = np.zeros((N, C, Q)), np.zeros((N, C, Q))
    window = [range(max(c - size // 2, 0), min(c + (size - 1) // 2, C - 1) + 1) for c in range(C)]
    for n, c, q in itertools.product(range(N), range(C), range(Q)):
        base[n, c, q] = k + alpha / size * sum(x[n, i, q] ** 2 for i in window[c])
    for n, c, q in itertools.product(range(N), range(C), range(Q)):
        # y[c] = x[c]·base[c]^(-beta) depends on x[i] for each i in its window.
        grad_input[n, c, q] += g[n, c, q] * base[n, c, q] ** -beta
        for i in window[c]:
            slope = -beta * base[n, c, q] ** (-beta - 1) * 2 * alpha / size * x[n, i, q]
            grad_input[n, i, q] += g[n, c, q] * x[n, c, q] * slope
    output, found = backend.local_response_norm(x, size, alpha, beta, k)
    np.testing.assert_allclose(found, base, rtol=1e-12)
    np.testing.assert_allclose(output, x * base**-beta, rtol=1e-12)
    found = backend.local_response_norm_backward(g, x, base, size, alpha, beta)
    np.testing.assert_allclose(found, grad_input, rtol=1e-12, atol=1e-13)


# ---- rows ----------------------------------------------------------------------------------------------------------


def test_softmax_log_softmax_cross_entropy():
    logits = integers(6, 5) * 1.5
    target = np.array([0, 4, 2, -100, 1, 1])
    grad_output = integers(6, seed=1)
    softmax, losses, logsumexp = np.zeros((6, 5)), np.zeros(6), np.zeros(6)
    grad_input = np.zeros((6, 5))
    for n, row in enumerate(logits):
        exponentials = [math.exp(value) for value in row]
        total = math.fsum(exponentials)
        softmax[n] = [e / total for e in exponentials]
        logsumexp[n] = math.log(total)
        if target[n] != -100:
            losses[n] = -math.log(softmax[n, target[n]])
            for c in range(5):
                grad_input[n, c] = grad_output[n] * (softmax[n, c] - (c == target[n]))

    close = {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(backend.softmax(logits), softmax, **close)
    np.testing.assert_allclose(backend.log_softmax(logits), np.log(softmax), **close)
    actual = backend.cross_entropy(logits, target, -100)
    np.testing.assert_allclose(actual, (losses, logsumexp), **close)
    actual = backend.cross_entropy_backward(grad_output, logits, target, actual[1], -100)
    np.testing.assert_allclose(actual, grad_input, **close)


def test_rows_with_large_and_infinite_logits():
    large = np.array([[1e4, -1e4, 1e4]], np.float32)
    check(backend.softmax(large), [[0.5, 0, 0.5]], np.float32)
    np.testing.assert_allclose(backend.cross_entropy(large, np.array([0]), -100)[0], [math.log(2)], rtol=1e-6)

    masked = np.array([[-math.inf, 0.0]])
    check(backend.softmax(masked), [[0, 1]], np.float64)
    check(backend.log_softmax(masked), [[-math.inf, 0]], np.float64)
    check(backend.cross_entropy(masked, np.array([0]), -100)[0], [math.inf], np.float64)
    for row in ([-math.inf, -math.inf], [math.inf, 0.0], [math.nan, 0.0]):
        assert np.isnan(backend.softmax(np.array([row]))).any()
        assert np.isnan(backend.cross_entropy(np.array([row]), np.array([1]), -100)[0]).all()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_empty_rows(shape):
    x = np.zeros(shape)
    assert backend.softmax(x).shape == backend.log_softmax(x).shape == shape
    target = np.full(shape[0], -100)
    losses, logsumexp = backend.cross_entropy(x, target, -100)
    check(losses, np.zeros(shape[0]), np.float64)
    assert backend.cross_entropy_backward(losses, x, target, logsumexp, -100).shape == shape


def test_ignored_rows_take_no_part_in_the_gradient():
    nan = np.full((1, 2), math.nan)
    check(backend.cross_entropy(nan, np.array([9]), 9)[0], [0], np.float64)
    check(backend.cross_entropy_backward(nan[:, 0], nan, np.array([9]), nan[:, 0], 9), [[0, 0]], np.float64)
