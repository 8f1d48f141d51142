"""Convolutions of the CUDA sources, and their gradients, against the reference: every kernel that is listed.

Images and weights are small integers wherever bits are compared: then every sum is exact, in whatever order.
"""

from __future__ import annotations

import cupy
import numpy as np
import pytest

from minitorch.backends.cuda import conv, conv2d, source, tiles
from minitorch.backends.cuda.conv2d import Conv2d
from minitorch.backends.reference import ReferenceBackend

RNG = np.random.default_rng(5)
INSTANCES = source.instances("conv2d")

# (N, C, H, W), (O, KH, KW), stride, padding, dilation, groups
CASES = {
    "plain": ((2, 3, 8, 9), (4, 3, 2), (1, 1), (0, 0), (1, 1), 1),
    "lenet": ((3, 1, 28, 28), (6, 5, 5), (1, 1), (2, 2), (1, 1), 1),
    "alexnet, first layer": ((1, 3, 35, 31), (8, 11, 11), (4, 4), (2, 2), (1, 1), 1),
    "1 x 1": ((2, 8, 6, 6), (20, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    "kernel as large as the input": ((2, 2, 5, 6), (3, 5, 6), (1, 1), (0, 0), (1, 1), 1),
    "kernel larger than the input": ((2, 2, 3, 3), (3, 5, 5), (1, 1), (2, 2), (1, 1), 1),
    "stride": ((2, 3, 9, 10), (4, 3, 3), (2, 3), (1, 1), (1, 1), 1),
    "stride larger than the kernel": ((2, 3, 9, 10), (4, 2, 1), (5, 4), (0, 1), (1, 1), 1),
    "stride larger than the input": ((2, 2, 4, 3), (3, 2, 2), (7, 9), (1, 1), (1, 1), 1),
    "dilation": ((2, 3, 11, 12), (4, 3, 3), (1, 1), (2, 3), (2, 3), 1),
    "stride and dilation with a common divisor": ((2, 2, 14, 15), (3, 3, 4), (4, 6), (3, 2), (2, 4), 1),
    "stride and dilation without": ((2, 2, 14, 15), (3, 3, 4), (2, 3), (1, 5), (3, 2), 1),
    "stride equals dilation": ((2, 2, 14, 13), (3, 3, 3), (3, 2), (1, 1), (3, 2), 1),
    "more padding than kernel": ((2, 2, 4, 5), (3, 2, 2), (2, 3), (6, 5), (1, 1), 1),
    "groups": ((2, 6, 7, 7), (8, 3, 3), (2, 1), (1, 1), (1, 1), 2),
    "depthwise": ((2, 5, 7, 6), (10, 3, 3), (1, 2), (1, 1), (1, 1), 5),
    "rows left over": ((2, 2, 9, 9), (3, 2, 2), (3, 4), (0, 0), (1, 1), 1),
    "more than a tile": ((3, 18, 9, 8), (140, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no images": ((0, 2, 5, 5), (3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no channels": ((2, 0, 5, 5), (3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no filters": ((2, 2, 5, 5), (0, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no outputs": ((2, 2, 2, 5), (3, 3, 3), (1, 1), (0, 0), (1, 1), 1),
}
# For every tile: several blocks in both directions, sums of several slices, ends that aren't full.
TILED = {
    "conv2d": ((3, 5, 9, 9), (132, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "conv2d, vectors": ((3, 4, 9, 9), (132, 3, 3), (2, 1), (1, 1), (1, 1), 1),
    "conv2d_backward_input": ((3, 131, 9, 10), (12, 3, 3), (2, 1), (1, 1), (1, 2), 1),
    "conv2d_backward_weight": ((5, 16, 9, 9), (130, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "conv2d_backward_weight, vectors": ((5, 15, 8, 8), (130, 3, 3), (1, 1), (1, 1), (1, 1), 1),
}


def integers(*shape, dtype=np.float32):
    return RNG.integers(-4, 5, shape).astype(dtype)


def on_device(function, *args):
    arrays = [cupy.asarray(arg) if isinstance(arg, np.ndarray) else arg for arg in args]
    return function(*arrays).get()


def agree(case, dtype, *kernels):
    """Compares the named kernels, or all three, on a case; also without a bias."""
    (N, C, H, W), (O, KH, KW), *options = case
    groups = options[-1]
    x, w, b = (integers(*shape, dtype=dtype) for shape in ((N, C, H, W), (O, C // groups, KH, KW), (O,)))
    y = ReferenceBackend.conv2d(x, w, b, *options)
    g = integers(*y.shape, dtype=dtype)
    every = {
        "conv2d": [(x, w, b), (x, w, None)],
        "conv2d_backward_input": [(g, w, x.shape)],
        "conv2d_backward_weight": [(x, g, w.shape)],
    }
    for kernel in kernels or every:
        for args in every[kernel]:
            expected = getattr(ReferenceBackend, kernel)(*args, *options)
            got = on_device(getattr(Conv2d, kernel), *args, *options)
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected, err_msg=kernel)


@pytest.fixture
def launches(monkeypatch):
    """The names of the kernels that are launched."""
    names = []
    launch = conv2d.launch

    def noting(family, name, **kwargs):
        names.append(name)
        launch(family, name, **kwargs)

    monkeypatch.setattr(conv2d, "launch", noting)
    return names


@pytest.fixture
def choose(monkeypatch):
    """Makes one tile the choice for all shapes."""

    def use(name):
        monkeypatch.setattr(tiles, "candidates", lambda *_: (tiles.tile(name),))
        conv2d._plan.cache_clear()

    yield use
    conv2d._plan.cache_clear()


@pytest.mark.parametrize("name", INSTANCES)
def test_every_tile(name, choose, launches, thread_order):
    kernel, _, rest = name.removesuffix(">").partition("<")
    kind, tile, *vector = rest.split(",")
    choose(tile)
    case = TILED[f"{kernel}, vectors" if vector == ["4"] else kernel]
    agree(case, {"float": np.float32, "double": np.float64}[kind], kernel)
    assert set(launches) == {name}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("precision", ["ieee", "tf32"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_geometries(case, precision, dtype, monkeypatch):
    monkeypatch.setattr(conv, "fp32_precision", precision)
    agree(case, dtype)


@pytest.mark.parametrize("case", ["stride and dilation without", "lenet", "groups"])
def test_orders_of_threads(case, thread_order):
    agree(CASES[case], np.float32)


def test_views():
    x, w = integers(2, 9, 8, 3), integers(3, 3, 3, 4)
    bias, g = integers(8), integers(4)
    options = ((1, 1), (1, 1), (1, 1), 1)

    def results(backend, xp):
        images, weight = xp.asarray(x).transpose(0, 3, 1, 2), xp.asarray(w).transpose(3, 2, 0, 1)
        grad_output = xp.broadcast_to(xp.asarray(g)[:, None, None], (2, 4, 9, 8))
        yield backend.conv2d(images, weight, xp.asarray(bias)[::2], *options)
        yield backend.conv2d_backward_input(grad_output, weight, images.shape, *options)
        yield backend.conv2d_backward_weight(images, grad_output, weight.shape, *options)

    for got, expected in zip(results(Conv2d, cupy), results(ReferenceBackend, np), strict=True):
        np.testing.assert_array_equal(got.get(), expected)


def test_unaligned_arrays_are_not_read_in_vectors(launches):
    """Four elements are read at once of the weights, and of grad_output, where their addresses are multiples of 16."""
    options = ((1, 1), (1, 1), (1, 1), 1)
    x, w, g = integers(2, 4, 8, 8), integers(40, 4, 3, 3), integers(2, 40, 8, 8)

    def shifted(array):
        view = cupy.empty(array.size + 1, array.dtype)[1:].reshape(array.shape)
        view[...] = cupy.asarray(array)
        return view

    for place, step in ((shifted, "1"), (cupy.asarray, "4")):
        got = Conv2d.conv2d(cupy.asarray(x), place(w), None, *options)
        np.testing.assert_array_equal(got.get(), ReferenceBackend.conv2d(x, w, None, *options))
        got = Conv2d.conv2d_backward_weight(cupy.asarray(x), place(g), w.shape, *options)
        np.testing.assert_array_equal(got.get(), ReferenceBackend.conv2d_backward_weight(x, g, w.shape, *options))
        assert [name[-2] for name in launches] == [step, step]
        launches.clear()


@pytest.mark.parametrize("precision", ["ieee", "tf32"])
def test_nan_and_infinities(precision, monkeypatch):
    monkeypatch.setattr(conv, "fp32_precision", precision)
    options = ((1, 1), (1, 1), (1, 1), 1)
    x, w = integers(2, 3, 8, 8), integers(4, 3, 3, 3)
    x[0, 0, 0, 0], x[1, 2, 7, 7], w[2, 1, 0, 0] = np.nan, np.inf, np.nan
    expected = ReferenceBackend.conv2d(x, w, None, *options)
    np.testing.assert_array_equal(on_device(Conv2d.conv2d, x, w, None, *options), expected)
    g = integers(*expected.shape)
    g[0, 0, 0, 0], g[1, 3, 4, 4] = np.nan, np.inf
    w[2, 1, 0, 0] = 1
    expected = ReferenceBackend.conv2d_backward_input(g, w, x.shape, *options)
    np.testing.assert_array_equal(on_device(Conv2d.conv2d_backward_input, g, w, x.shape, *options), expected)
    expected = ReferenceBackend.conv2d_backward_weight(x, g, w.shape, *options)
    np.testing.assert_array_equal(on_device(Conv2d.conv2d_backward_weight, x, g, w.shape, *options), expected)


@pytest.mark.parametrize("precision", ["ieee", "tf32"])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
@pytest.mark.parametrize("channels", [2, 40])
def test_infinite_weights_meet_no_padding_in_the_inputs_gradient(precision, stride, channels, monkeypatch):
    monkeypatch.setattr(conv, "fp32_precision", precision)
    options = (stride, (1, 1), (1, 1), 1)
    w, shape = integers(3, channels, 3, 3), (2, channels, 6, 7)
    w[1, 0, 0, 0], w[0, 1, 2, 2] = np.inf, -np.inf
    g = integers(*ReferenceBackend.conv2d(np.zeros(shape, np.float32), w, None, *options).shape)
    g[g == 0] = 1
    expected = ReferenceBackend.conv2d_backward_input(g, w, shape, *options)
    assert np.isinf(expected).any()
    assert not np.isnan(expected).any()
    np.testing.assert_array_equal(on_device(Conv2d.conv2d_backward_input, g, w, shape, *options), expected)


def test_the_sum_of_the_weights_gradient_is_split_and_added_in_order(launches, thread_order, monkeypatch):
    x, g = RNG.standard_normal((9, 3, 16, 16)), RNG.standard_normal((9, 4, 14, 14))
    args = x, g, (4, 3, 3, 3), (1, 1), (0, 0), (1, 1), 1
    first = on_device(Conv2d.conv2d_backward_weight, *args)
    np.testing.assert_allclose(first, ReferenceBackend.conv2d_backward_weight(*args), rtol=1e-12, atol=1e-12)
    geometry = conv2d.Geometry(x.shape, (4, 3, 3, 3), (14, 14), *args[3:])
    assert conv2d._plan("conv2d_backward_weight", geometry, "d", True, "tf32", 0).splits > 1
    if hasattr(cupy, "_state"):  # the stand-in's
        monkeypatch.setattr(cupy._state, "thread_order", 0)
    np.testing.assert_array_equal(on_device(Conv2d.conv2d_backward_weight, *args), first)


def test_precision(monkeypatch):
    x, w = RNG.standard_normal((2, 40, 9, 9)), RNG.standard_normal((30, 40, 3, 3))
    options = ((1, 1), (1, 1), (1, 1), 1)
    exact = ReferenceBackend.conv2d(x, w, None, *options)

    def error(dtype):
        difference = on_device(Conv2d.conv2d, x.astype(dtype), w.astype(dtype), None, *options) - exact
        return np.linalg.norm(difference) / np.linalg.norm(exact)

    assert conv.fp32_precision == "tf32"
    assert 1e-5 < error(np.float32) < 1e-3
    assert error(np.float64) < 1e-14
    monkeypatch.setattr(conv, "fp32_precision", "ieee")
    assert error(np.float32) < 1e-6


def test_what_is_too_large_for_ints_says_so():
    geometry = conv2d.Geometry((70_000, 3, 224, 224), (4, 3, 3, 3), (222, 222), (1, 1), (0, 0), (1, 1), 1)
    with pytest.raises(ValueError, match=r"conv2d: on cuda, input \(70000, 3, 224, 224\) .*: split the batch"):
        conv2d._plan("conv2d", geometry, "f", True, "ieee", 0)
