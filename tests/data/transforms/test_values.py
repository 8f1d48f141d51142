"""ToDtype and Normalize."""

from __future__ import annotations

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import minitorch as mt
from minitorch.data import transforms

FLOATS = [mt.float16, mt.float32, mt.float64]
shapes = arrays.array_shapes(min_dims=3, max_dims=5, max_side=4)


@pytest.mark.parametrize("dtype", FLOATS)
def test_uint8_becomes_a_fraction(dtype):
    image = mt.arange(256).to(mt.uint8).reshape(1, 16, 16)
    scaled = transforms.ToDtype(dtype, scale=True)(image)
    assert scaled.dtype is dtype
    exact = np.arange(256).reshape(1, 16, 16) / 255
    np.testing.assert_allclose(scaled.numpy(), exact, rtol=2 * np.finfo(dtype.numpy).eps, atol=0)
    assert scaled[0, 15, 15] == 1


@pytest.mark.parametrize("dtype", FLOATS)
def test_scaling_there_and_back(dtype):
    image = mt.arange(256).to(mt.uint8).reshape(1, 16, 16)
    there, back = transforms.ToDtype(dtype, scale=True), transforms.ToDtype(mt.uint8, scale=True)
    assert mt.equal(back(there(image)), image)


def test_fractions_become_256_equal_parts():
    fractions = [0.0, 0.9 / 256, 1.1 / 256, 0.5, 255 / 256 + 1e-4, 1.0, 1.5, -0.5, float("inf")]
    out = transforms.ToDtype(mt.uint8, scale=True)(mt.tensor(fractions).reshape(1, 1, -1))
    assert out.flatten().tolist() == [0, 0, 1, 127, 255, 255, 255, 0, 255]


@given(arrays.arrays(np.uint8, shapes), st.sampled_from([*FLOATS, mt.int64, mt.uint8]))
def test_without_scale_values_stay(values, dtype):
    values.setflags(write=False)
    out = transforms.ToDtype(dtype)(mt.from_numpy(values))
    assert out.dtype is dtype
    assert np.array_equal(out.numpy(), values)


def test_no_scale_between_floating_dtypes():
    image = mt.full((1, 1, 1), 0.25)
    assert transforms.ToDtype(mt.float64, scale=True)(image).item() == 0.25
    bytes_ = mt.full((1, 1, 1), 7, dtype=mt.uint8)
    assert transforms.ToDtype(mt.uint8, scale=True)(bytes_).item() == 7


def test_scale_means_uint8_and_floats():
    with pytest.raises(TypeError, match=r"ToDtype: scale=True .* got minitorch.int64 to become minitorch.float32"):
        transforms.ToDtype(mt.float32, scale=True)(mt.ones(1, 1, 1, dtype=mt.int64))
    with pytest.raises(TypeError, match=r"uint8 to become minitorch\.int32"):
        transforms.ToDtype(mt.int32, scale=True)(mt.ones(1, 1, 1, dtype=mt.uint8))
    with pytest.raises(TypeError, match=r"dtype 'colour' is not supported"):
        transforms.ToDtype("colour")


@given(shapes, st.sampled_from([np.float16, np.float32, np.float64]), st.data())
def test_normalize(shape, dtype, data):
    C = shape[-3]
    mean = data.draw(st.lists(st.floats(-2, 2, width=16), min_size=C, max_size=C))
    std = data.draw(st.lists(st.floats(0.25, 2, width=16), min_size=C, max_size=C))
    values = np.random.default_rng(0).random(shape).astype(dtype)
    values.setflags(write=False)
    out = transforms.Normalize(mean, std)(mt.from_numpy(values)).numpy()
    assert out.dtype == dtype
    for index in np.ndindex(shape):
        c = index[-3]
        wanted = (float(values[index]) - mean[c]) / std[c]
        assert abs(out[index] - wanted) <= 4 * np.finfo(dtype).eps * (1 + abs(mean[c])) / std[c]


def test_normalize_by_one_number_for_all_channels():
    images = mt.rand(2, 3, 4, 4)
    assert mt.equal(transforms.Normalize(0.5, 0.25)(images), transforms.Normalize([0.5] * 3, [0.25] * 3)(images))
    assert mt.equal(transforms.Normalize(mt.tensor([0.5]), (0.25,))(images), (images - 0.5) / 0.25)


def test_normalize_rejects():
    with pytest.raises(TypeError, match=r"Normalize: expected floating images, got minitorch.uint8; .*ToDtype"):
        transforms.Normalize(0.5, 0.5)(mt.zeros(1, 1, 1, dtype=mt.uint8))
    with pytest.raises(ValueError, match=r"std has a zero"):
        transforms.Normalize([0.0, 0.0], [1.0, 0.0])
    with pytest.raises(ValueError, match=r"Normalize: mean has 3 numbers, but the images have 1 channels"):
        transforms.Normalize([0.1, 0.2, 0.3], 1.0)(mt.zeros(1, 2, 2))
    with pytest.raises(ValueError, match=r"Normalize: std has 2 numbers, but the images have 3 channels"):
        transforms.Normalize(0.0, [1.0, 2.0])(mt.zeros(3, 2, 2))
    for wrong in ([], [[0.5]]):
        with pytest.raises(ValueError, match=r"expected mean to be a number, or one for each channel"):
            transforms.Normalize(wrong, 1.0)
