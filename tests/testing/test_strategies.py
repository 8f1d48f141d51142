"""The strategies draw what they promise, and reach the corners that they promise to reach."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minitorch
from minitorch import testing
from minitorch.testing import arrays, broadcastable, conv2d_cases, pool2d_cases, shapes, tensors
from minitorch.testing.strategies import LAYOUTS, with_layout


@given(shapes(min_dims=1, max_dims=3, min_side=0, max_side=5))
def test_shapes_are_within_their_bounds(shape):
    assert 1 <= len(shape) <= 3
    assert all(0 <= side <= 5 for side in shape)


@given(broadcastable(3, min_dims=1))
def test_broadcastable_shapes_broadcast(operands):
    assert len(operands) == 3
    assert min(map(len, operands)) >= 1
    np.broadcast_shapes(*operands)


@given(arrays(shapes(), np.float64, values="distinct", layouts=tuple(set(LAYOUTS) - {"broadcast"})))
def test_distinct_values_are_apart_from_each_other_and_from_zero(array):
    ordered = np.sort(array, axis=None)
    assert (np.diff(ordered) >= 0.125).all()
    assert (np.abs(ordered) >= 0.0625).all()


@given(arrays((3, 2), np.float32, values="integers"))
def test_integers_are_small_whole_numbers(array):
    assert array.dtype == np.float32
    assert (array == np.round(array)).all()
    assert np.abs(array).max() <= 4


@given(st.data(), st.sampled_from(["positive", "nonzero"]))
def test_values_away_from_zero(data, values):
    array = data.draw(arrays(shapes(), np.float64, values=values))
    assert (np.abs(array) >= 0.5).all()
    assert values == "nonzero" or (array > 0).all()


@given(shapes(max_dims=3, empty=True), broadcastable(2, empty=True), shapes(min_side=1, empty=True))
def test_shapes_are_empty_on_request(shape, operands, full):
    assert 0 in shape
    assert 0 in np.broadcast_shapes(*operands)
    assert 0 not in full


@given(st.data(), st.booleans())
def test_tensors_are_leaves_on_request(data, requires_grad):
    x = data.draw(tensors(shapes(), minitorch.float64, requires_grad=requires_grad))
    assert x.dtype is minitorch.float64
    assert x.is_leaf
    assert x.requires_grad is requires_grad
    if requires_grad and x.numel() > 1:
        assert all(stride for stride, side in zip(x.data.strides, x.shape, strict=True) if side > 1)


@given(tensors((2,)))
def test_tensors_have_the_default_dtype(x):
    assert x.dtype is minitorch.get_default_dtype()
    assert x.shape == (2,)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0, 3), (1, 1)])
def test_layouts_keep_the_elements(layout, shape):
    array = np.random.default_rng(0).standard_normal(shape)
    laid_out = with_layout(array, layout)
    assert laid_out.shape == shape
    if layout == "broadcast":
        assert all(side <= 1 for side in shape) or 0 in laid_out.strides
    else:
        np.testing.assert_array_equal(laid_out, array)


@given(conv2d_cases())
def test_conv2d_cases_are_valid(case):
    (_, C, H, W), (O, C_group, KH, KW) = case.input_shape, case.weight_shape
    assert C_group * case.groups == C
    assert O % case.groups == 0
    for i, (size, kernel) in enumerate([(H, KH), (W, KW)]):
        assert case.dilation[i] * (kernel - 1) + 1 <= size + 2 * case.padding[i]
        assert case.output_shape[2 + i] >= 1


@given(pool2d_cases())
def test_pool2d_cases_are_valid(case):
    for i in (0, 1):
        size, kernel, padding = case.input_shape[2 + i], case.kernel_size[i], case.padding[i]
        assert padding <= kernel // 2
        last = (case.output_size[i] - 1) * case.stride[i]  # where the last window starts
        assert case.output_size[i] >= 1
        assert last < size + padding
        overhang = last + case.dilation[i] * (kernel - 1) + 1 - (size + 2 * padding)
        assert overhang < case.stride[i] if case.ceil_mode else overhang <= 0


# What the cases must contain now and then, for the tests that use them to mean something.
CONVOLUTIONS = {
    "the stride does not divide": lambda c: (
        (c.input_shape[2] + 2 * c.padding[0] - c.dilation[0] * (c.weight_shape[2] - 1) - 1) % c.stride[0] > 0
    ),
    "the stride is larger than the kernel": lambda c: c.stride[0] > c.weight_shape[2],
    "the padding is larger than the kernel": lambda c: c.padding[1] > c.weight_shape[3],
    "dilation": lambda c: c.dilation[0] > 1 and c.weight_shape[2] > 1,
    "depthwise": lambda c: c.groups > 1 and c.weight_shape[1] == 1,
    "several channels a group": lambda c: c.groups > 1 and c.weight_shape[1] > 1 and c.weight_shape[0] > c.groups,
    "the kernel covers the input": lambda c: c.weight_shape[2:] == c.input_shape[2:] and c.weight_shape[2] > 1,
    "as many images as channels": lambda c: c.input_shape[0] == c.input_shape[1] > 1,
    "an empty batch": lambda c: c.input_shape[0] == 0,
    "no input channels": lambda c: c.input_shape[1] == 0,
    "no output channels": lambda c: c.weight_shape[0] == 0,
    "a wide output": lambda c: c.output_shape[3] > 16,
    "many channels": lambda c: c.weight_shape[0] > 8,
}
POOLS = {
    "the last window overhangs": lambda c: (
        (c.output_size[0] - 1) * c.stride[0] + c.dilation[0] * (c.kernel_size[0] - 1)
        >= c.input_shape[2] + 2 * c.padding[0]
    ),
    "padding": lambda c: c.padding[0] > 0,
    "overlapping windows": lambda c: c.stride[0] < c.kernel_size[0],
    "gaps between windows": lambda c: c.stride[0] > c.kernel_size[0],
    "dilation": lambda c: c.dilation[0] > 1 and c.kernel_size[0] > 1,
    "the kernel covers the input": lambda c: c.kernel_size == c.input_shape[2:],
    "an empty batch": lambda c: c.input_shape[0] == 0,
}


@pytest.mark.parametrize(
    ("cases", "corners"), [(conv2d_cases(), CONVOLUTIONS), (pool2d_cases(), POOLS)], ids=["conv2d", "pool2d"]
)
def test_cases_reach_the_corners(cases, corners):
    seen = set()

    @settings(max_examples=1000, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(cases)
    def draw(case):
        seen.update(name for name, contains in corners.items() if contains(case))

    draw()
    assert set(corners) - seen == set()


@given(st.data())
def test_arrays_take_a_strategy_for_shapes(data):
    array = data.draw(arrays(shapes(min_dims=2, max_dims=2), np.int64, values="integers"))
    assert array.ndim == 2
    assert array.dtype == np.int64


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'conv3d_cases'"):
        _ = testing.conv3d_cases
