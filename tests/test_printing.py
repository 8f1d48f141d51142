"""``repr`` of a tensor is PyTorch's, to the character."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitorch
from minitorch.testing import arrays, shapes

# Elements, dtype, options for set_printoptions, and what PyTorch 2.13 prints (with torch for minitorch).
CASES = [
    ([1.0, 2.5, -3.0], "float32", {}, "tensor([ 1.0000,  2.5000, -3.0000])"),
    ([1.0, 2.0, -3.0], "float32", {}, "tensor([ 1.,  2., -3.])"),
    ([0.0, -0.0], "float32", {}, "tensor([0., -0.])"),
    ([np.nan, np.inf, -np.inf], "float32", {}, "tensor([nan, inf, -inf])"),
    ([1.0, np.nan, np.inf, -0.0], "float32", {}, "tensor([1., nan, inf, -0.])"),
    ([1.5, np.nan, -np.inf, 0.0], "float32", {}, "tensor([1.5000,    nan,   -inf, 0.0000])"),
    ([1e-05, 1.0], "float32", {}, "tensor([1.0000e-05, 1.0000e+00])"),
    ([0.0001, 0.1], "float32", {}, "tensor([1.0000e-04, 1.0000e-01])"),
    ([0.001, 1.5], "float32", {}, "tensor([1.0000e-03, 1.5000e+00])"),
    ([1.0, 1001.0], "float32", {}, "tensor([1.0000e+00, 1.0010e+03])"),
    ([1.0, 1000.0], "float32", {}, "tensor([   1., 1000.])"),
    ([100000000.0], "float32", {}, "tensor([100000000.])"),
    ([123456792.0], "float32", {}, "tensor([1.2346e+08])"),
    ([1234.5, 12.25], "float32", {}, "tensor([1234.5000,   12.2500])"),
    ([1e-40], "float32", {}, "tensor([9.9999e-41])"),
    ([1.5, np.nan, 1e10], "float64", {}, "tensor([1.5000e+00,        nan, 1.0000e+10], dtype=minitorch.float64)"),
    (3.14159265, "float32", {}, "tensor(3.1416)"),
    (7.0, "float64", {}, "tensor(7., dtype=minitorch.float64)"),
    ([0.1, 65504.0], "float16", {}, "tensor([9.9976e-02, 6.5504e+04], dtype=minitorch.float16)"),
    (3, "int64", {}, "tensor(3)"),
    ([1, -200, 3], "int64", {}, "tensor([   1, -200,    3])"),
    ([1, -200, 3], "int32", {}, "tensor([   1, -200,    3], dtype=minitorch.int32)"),
    ([1, 200], "uint8", {}, "tensor([  1, 200], dtype=minitorch.uint8)"),
    ([True, False], "bool", {}, "tensor([ True, False])"),
    (True, "bool", {}, "tensor(True)"),
    ([], "float32", {}, "tensor([])"),
    ([], "int64", {}, "tensor([], dtype=minitorch.int64)"),
    ([], "bool", {}, "tensor([], dtype=minitorch.bool)"),
    (np.zeros((2, 0, 3)), "float32", {}, "tensor([], size=(2, 0, 3))"),
    (np.zeros((0, 2)), "float64", {}, "tensor([], size=(0, 2), dtype=minitorch.float64)"),
    ([[1, 2, 3], [40, 5, 6]], "int64", {}, "tensor([[ 1,  2,  3],\n        [40,  5,  6]])"),
    (
        np.arange(12).reshape(2, 1, 2, 3),
        "int64",
        {},
        "tensor([[[[ 0,  1,  2],\n          [ 3,  4,  5]]],\n\n\n        [[[ 6,  7,  8],\n          [ 9, 10, 11]]]])",
    ),
    (
        np.arange(12).reshape(3, 2, 2) / 4,
        "float32",
        {},
        "tensor([[[0.0000, 0.2500],\n"
        "         [0.5000, 0.7500]],\n"
        "\n"
        "        [[1.0000, 1.2500],\n"
        "         [1.5000, 1.7500]],\n"
        "\n"
        "        [[2.0000, 2.2500],\n"
        "         [2.5000, 2.7500]]])",
    ),
    (
        np.arange(30),
        "int64",
        {},
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])",
    ),
    (
        np.arange(30) / 7,
        "float64",
        {},
        "tensor([0.0000, 0.1429, 0.2857, 0.4286, 0.5714, 0.7143, 0.8571, 1.0000, 1.1429,\n"
        "        1.2857, 1.4286, 1.5714, 1.7143, 1.8571, 2.0000, 2.1429, 2.2857, 2.4286,\n"
        "        2.5714, 2.7143, 2.8571, 3.0000, 3.1429, 3.2857, 3.4286, 3.5714, 3.7143,\n"
        "        3.8571, 4.0000, 4.1429], dtype=minitorch.float64)",
    ),
    (np.arange(1001), "int64", {}, "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    (
        np.arange(1000.0).reshape(50, 20)[:12],
        "float32",
        {"threshold": 100},
        "tensor([[  0.,   1.,   2.,  ...,  17.,  18.,  19.],\n"
        "        [ 20.,  21.,  22.,  ...,  37.,  38.,  39.],\n"
        "        [ 40.,  41.,  42.,  ...,  57.,  58.,  59.],\n"
        "        ...,\n"
        "        [180., 181., 182.,  ..., 197., 198., 199.],\n"
        "        [200., 201., 202.,  ..., 217., 218., 219.],\n"
        "        [220., 221., 222.,  ..., 237., 238., 239.]])",
    ),
    (
        np.arange(2000.0).reshape(2, 1000),
        "float32",
        {},
        "tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.9700e+02, 9.9800e+02,\n"
        "         9.9900e+02],\n"
        "        [1.0000e+03, 1.0010e+03, 1.0020e+03,  ..., 1.9970e+03, 1.9980e+03,\n"
        "         1.9990e+03]])",
    ),
    (
        np.arange(24).reshape(2, 3, 4),
        "int32",
        {"threshold": 10, "edgeitems": 1},
        "tensor([[[ 0,  ...,  3],\n"
        "         ...,\n"
        "         [ 8,  ..., 11]],\n"
        "\n"
        "        [[12,  ..., 15],\n"
        "         ...,\n"
        "         [20,  ..., 23]]], dtype=minitorch.int32)",
    ),
    (np.arange(10), "int64", {"threshold": 5}, "tensor([0, 1, 2,  ..., 7, 8, 9])"),
    (np.arange(10), "int64", {"threshold": 5, "edgeitems": 1}, "tensor([0,  ..., 9])"),
    (np.arange(10), "int64", {"threshold": 5, "edgeitems": 0}, "tensor([...], size=(10,))"),
    (np.arange(12).reshape(3, 4), "int64", {"threshold": 5, "edgeitems": 0}, "tensor([...], size=(3, 4))"),
    ([1.123456789, 10.0], "float64", {"precision": 7}, "tensor([ 1.1234568, 10.0000000], dtype=minitorch.float64)"),
    ([1.123456789, 10.0], "float64", {"precision": 0}, "tensor([ 1, 10], dtype=minitorch.float64)"),
    ([1.123456789, 10.0], "float32", {"profile": "short"}, "tensor([ 1.12, 10.00])"),
    ([1.0, 10.0], "float32", {"sci_mode": True}, "tensor([1.0000e+00, 1.0000e+01])"),
    (
        [1e-09, 1e9],
        "float64",
        {"sci_mode": False},
        "tensor([         0.0000, 1000000000.0000], dtype=minitorch.float64)",
    ),
    (
        np.arange(6.0).reshape(2, 3),
        "float32",
        {"linewidth": 10},
        "tensor([[0.,\n         1.,\n         2.],\n        [3.,\n         4.,\n         5.]])",
    ),
]


@pytest.fixture(autouse=True)
def default_options():
    minitorch.set_printoptions(profile="default")
    yield
    minitorch.set_printoptions(profile="default")


@pytest.mark.parametrize(("elements", "dtype", "options", "expected"), CASES)
def test_repr(elements, dtype, options, expected):
    minitorch.set_printoptions(**options)
    t = minitorch.tensor(np.array(elements).astype(dtype))
    assert repr(t) == expected
    assert str(t) == expected


def test_what_the_graph_says():
    x = minitorch.ones(2, requires_grad=True)
    assert repr(x) == "tensor([1., 1.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2., 2.], grad_fn=<MulBackward>)"
    assert repr((x * 2).detach()) == "tensor([2., 2.])"
    x.grad = minitorch.ones(2)
    assert repr(x) == "tensor([1., 1.], requires_grad=True)"


def test_suffixes_move_to_a_new_line_where_they_would_not_fit():
    x = minitorch.arange(14, dtype=minitorch.float32).requires_grad_()
    row = "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.]"
    assert repr(x) == row + ",\n       requires_grad=True)"
    assert repr(x.detach()) == row + ")"
    minitorch.set_printoptions(linewidth=200)
    assert repr(x) == row + ", requires_grad=True)"


def test_the_default_dtype_is_not_said():
    minitorch.set_default_dtype(minitorch.float64)
    try:
        assert repr(minitorch.tensor([1.5])) == "tensor([1.5000])"
        assert repr(minitorch.ones(1, dtype=minitorch.float32)) == "tensor([1.], dtype=minitorch.float32)"
        assert repr(minitorch.tensor([1])) == "tensor([1])"
    finally:
        minitorch.set_default_dtype(minitorch.float32)


def test_views_and_read_only_tensors_are_shown():
    x = minitorch.arange(6).reshape(2, 3)
    assert repr(x.T) == "tensor([[0, 3],\n        [1, 4],\n        [2, 5]])"
    assert repr(minitorch.ones(1).expand(2)) == "tensor([1., 1.])"


def test_an_option_stays_until_it_is_set_again_but_sci_mode_does_not():
    minitorch.set_printoptions(precision=2, sci_mode=True)
    assert repr(minitorch.tensor([1.5])) == "tensor([1.50e+00])"
    minitorch.set_printoptions(edgeitems=2)
    assert repr(minitorch.tensor([1.5])) == "tensor([1.50])"


def test_an_unknown_profile_raises():
    with pytest.raises(ValueError, match="profile must be one of default, short, full, got 'long'"):
        minitorch.set_printoptions(profile="long")


@given(
    st.sampled_from(["normal", "integers", "special"]).flatmap(
        lambda values: st.sampled_from(["float32", "float64", "float16"]).flatmap(
            lambda dtype: arrays(shapes(max_dims=4, max_side=9), dtype, values=values)
        )
    ),
    st.floats(-8, 8),
    st.sampled_from([{}, {"precision": 2}, {"threshold": 20, "edgeitems": 2}, {"linewidth": 30}, {"sci_mode": True}]),
)
def test_repr_is_pytorchs(array, exponent, options):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    with np.errstate(all="ignore"):
        array = (array * 10.0**exponent).astype(array.dtype)
    minitorch.set_printoptions(profile="default")
    minitorch.set_printoptions(**options)
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**options)
    # The name before the dtype is longer, so lines may break before it: compared with it taken away.
    ours, theirs = repr(minitorch.tensor(array)), repr(torch.tensor(array))
    assert ours.partition("dtype")[0].rstrip() == theirs.partition("dtype")[0].rstrip()
