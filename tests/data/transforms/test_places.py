"""Pad, crops and flips: which pixels go where."""

from __future__ import annotations

import math
from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import minitorch as mt
from minitorch.data import transforms

DTYPES = [np.uint8, np.float16, np.float32, np.float64, np.int64]
sides = st.integers(1, 6)


def numbered(*shape, dtype=np.int64):
    """Images that can't be written to, each pixel another number as far as the dtype goes."""
    array = np.arange(1, math.prod(shape) + 1).reshape(shape).astype(dtype)
    array.setflags(write=False)
    return mt.from_numpy(array)


def source(i, n, mode):
    """From where a padded row of n pixels takes the one at i, by walking; None is the fill."""
    if mode == "constant":
        return i if 0 <= i < n else None
    if mode == "edge":
        return min(max(i, 0), n - 1)
    repeated = mode == "symmetric"
    while not 0 <= i < n:  # reflected at the first pixel or the last one, or at their outer edges
        i = -i - repeated if i < 0 else 2 * (n - 1) + repeated - i
    return i


def padded(array, left, top, right, bottom, fill, mode):
    C, H, W = array.shape
    out = np.empty((C, top + H + bottom, left + W + right), array.dtype)
    for c, y, x in np.ndindex(out.shape):
        v, u = source(y - top, H, mode), source(x - left, W, mode)
        out[c, y, x] = fill[c] if u is None or v is None else array[c, v, u]
    return out


@given(st.data(), sides, sides, st.sampled_from(DTYPES), st.sampled_from(["constant", "edge", "reflect", "symmetric"]))
def test_pad(data, H, W, dtype, mode):
    lower, upper = (2, 6) if mode == "reflect" else (1, 6)
    H, W = max(H, lower), max(W, lower)
    borders = tuple(data.draw(st.lists(st.integers(0, upper), min_size=4, max_size=4)))
    image = numbered(3, H, W, dtype=dtype)
    out = transforms.Pad(borders, [7, 8, 9], mode)(image)
    assert out.data.dtype == dtype
    assert np.array_equal(out.numpy(), padded(image.numpy(), *borders, [7, 8, 9], mode))


def test_pad_one_and_two_numbers():
    image = numbered(2, 3, 1, 2)
    assert mt.equal(transforms.Pad(2, 5)(image), transforms.Pad((2, 2, 2, 2), [5])(image))
    assert mt.equal(transforms.Pad([3])(image), transforms.Pad((3, 3, 3, 3))(image))
    assert mt.equal(transforms.Pad((1, 0))(image), transforms.Pad((1, 0, 1, 0))(image))
    assert transforms.Pad((1, 0))(image).shape == (2, 3, 1, 4)


def test_pad_rejects():
    with pytest.raises(ValueError, match=r"Pad: expected padding .* got \(1, 2, 3\)"):
        transforms.Pad((1, 2, 3))
    with pytest.raises(ValueError, match=r"Pad: expected padding .* aren't negative, got -1"):
        transforms.Pad(-1)
    with pytest.raises(TypeError, match=r"Pad: padding must be an int, got 1\.5"):
        transforms.Pad(1.5)
    with pytest.raises(ValueError, match=r"Pad: expected padding_mode to be one of constant, edge.* got 'circular'"):
        transforms.Pad(1, padding_mode="circular")
    with pytest.raises(ValueError, match=r"Pad: fill has 2 numbers, but the images have 3 channels"):
        transforms.Pad(1, (1, 2))(numbered(3, 2, 2))
    with pytest.raises(RuntimeError, match=r"value 256 cannot be converted to type minitorch.uint8 without overflow"):
        transforms.Pad(1, 256)(numbered(3, 2, 2, dtype=np.uint8))


@given(sides, sides, sides, sides)
def test_center_crop(H, W, height, width):
    image = numbered(2, H, W)
    out = transforms.CenterCrop((height, width))(image).numpy()
    # The even one of two middles; a border of zeros is wider after the image than before.
    top = round((H - height) / 2) if height <= H else -((height - H) // 2)
    left = round((W - width) / 2) if width <= W else -((width - W) // 2)
    assert out.shape == (2, height, width)
    for c, y, x in np.ndindex(out.shape):
        inside = 0 <= y + top < H and 0 <= x + left < W
        assert out[c, y, x] == (image.numpy()[c, y + top, x + left] if inside else 0)


def test_the_middle_between_two_pixels():
    row = mt.tensor([[[1, 2, 3, 4, 5]]])
    assert transforms.CenterCrop((1, 2))(row).tolist() == [[[3, 4]]]  # 1.5 is rounded to the even 2
    assert transforms.CenterCrop((1, 4))(row).tolist() == [[[1, 2, 3, 4]]]  # 0.5 to 0
    assert transforms.CenterCrop((1, 8))(row).tolist() == [[[0, 1, 2, 3, 4, 5, 0, 0]]]


@given(sides, sides, st.data(), st.sampled_from(DTYPES))
def test_random_crop_is_a_part_of_the_padded_image(H, W, data, dtype):
    borders = tuple(data.draw(st.lists(st.integers(0, 3), min_size=4, max_size=4)))
    height = data.draw(st.integers(1, H + borders[1] + borders[3]))
    width = data.draw(st.integers(1, W + borders[0] + borders[2]))
    images = numbered(4, 1, H, W, dtype=dtype)
    crops = transforms.RandomCrop((height, width), borders, fill=0)(images)
    assert crops.shape == (4, 1, height, width)
    assert crops.data.dtype == dtype
    for image, crop in zip(images.numpy(), crops.numpy(), strict=True):
        whole = padded(image, *borders, [0], "constant")[0]
        parts = [
            whole[y : y + height, x : x + width]
            for y in range(whole.shape[0] - height + 1)
            for x in range(whole.shape[1] - width + 1)
        ]
        assert any(np.array_equal(crop[0], part) for part in parts)


def evenly(counts, outcomes, n):
    """Whether n draws fell evenly into so many outcomes: within five deviations."""
    share = 1 / outcomes
    return len(counts) == outcomes and all(
        abs(count - n * share) < 5 * math.sqrt(n * share * (1 - share)) for count in counts.values()
    )


def test_random_crops_lie_anywhere():
    n = 3000
    images = mt.arange(12).reshape(1, 1, 3, 4).expand(n, 1, 3, 4)
    corners = transforms.RandomCrop((2, 2))(images).numpy()[:, 0, 0, 0]
    assert evenly(Counter(corners.tolist()), 6, n)
    assert set(corners) == {0, 1, 2, 4, 5, 6}


def test_random_crop_pads_if_needed():
    image = numbered(1, 2, 3)
    crop = transforms.RandomCrop((4, 3), pad_if_needed=True)
    rows = {tuple(map(tuple, crop(image)[0].tolist())) for _ in range(60)}
    blank, first, second = (0, 0, 0), (1, 2, 3), (4, 5, 6)
    column = [blank, blank, first, second, blank, blank]  # two are missing, so it gets two on both sides
    assert rows == {tuple(column[top : top + 4]) for top in range(3)}
    assert mt.equal(transforms.RandomCrop((2, 3), pad_if_needed=True)(image), image)


def test_random_crop_rejects():
    with pytest.raises(ValueError, match=r"RandomCrop: the crop of size \(5, 5\) is .* \(4, 6\).*pad_if_needed"):
        transforms.RandomCrop(5, padding=1)(numbered(1, 2, 4))
    with pytest.raises(ValueError, match=r"RandomCrop: expected size to be .* got \(1, 2, 3\)"):
        transforms.RandomCrop((1, 2, 3))
    with pytest.raises(ValueError, match=r"RandomCrop: expected size .* got 0"):
        transforms.RandomCrop(0)
    with pytest.raises(TypeError, match=r"CenterCrop: size must be an int, got 'all'"):
        transforms.CenterCrop("all")
    with pytest.raises(ValueError, match=r"RandomCrop: expected padding_mode"):
        transforms.RandomCrop(3, padding_mode="wrap")


FLIPS = [(transforms.RandomHorizontalFlip, -1), (transforms.RandomVerticalFlip, -2)]


@pytest.mark.parametrize(("flip", "dim"), FLIPS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_flips(flip, dim, dtype):
    images = numbered(40, 2, 3, 4, dtype=dtype)
    flipped = flip()(images)
    assert flipped.data.dtype == dtype
    mirrored = images.numpy()[..., ::-1] if dim == -1 else images.numpy()[..., ::-1, :]
    same = [np.array_equal(a, b) for a, b in zip(flipped.numpy(), images.numpy(), strict=True)]
    other = [np.array_equal(a, b) for a, b in zip(flipped.numpy(), mirrored, strict=True)]
    assert all(a != b for a, b in zip(same, other, strict=True))
    assert any(same)
    assert any(other)
    assert mt.equal(flip(p=0)(images), images)
    assert mt.equal(flip(p=1)(images), images.flip(dim))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_flips_happen_as_often_as_asked(p):
    images = mt.tensor([0, 1]).expand(3000, 1, 1, 2)
    flipped = transforms.RandomHorizontalFlip(p)(images)[:, 0, 0, 0].sum().item()
    assert abs(flipped - 3000 * p) < 5 * math.sqrt(3000 * p * (1 - p))


def test_flips_reject():
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=f"RandomVerticalFlip: expected p to be a probability .* got {p}"):
            transforms.RandomVerticalFlip(p)


@given(st.integers(2, 7), st.integers(2, 7), st.data(), st.booleans())
def test_five_and_ten_crops(H, W, data, vertical):
    height, width = data.draw(st.integers(1, H)), data.draw(st.integers(1, W))
    images = numbered(2, 3, H, W)
    ten = transforms.TenCrop((height, width), vertical_flip=vertical)(images).numpy()
    five = transforms.FiveCrop((height, width))(images).numpy()
    assert ten.shape == (2, 10, 3, height, width)
    assert np.array_equal(ten[:, :5], five)
    mirrored = images.numpy()[..., ::-1, :] if vertical else images.numpy()[..., ::-1]
    y, x = H - height, W - width
    middle = round(y / 2), round(x / 2)
    for k, (top, left) in enumerate([(0, 0), (0, x), (y, 0), (y, x), middle]):
        for whole, crops in ((images.numpy(), ten[:, :5]), (mirrored, ten[:, 5:])):
            assert np.array_equal(crops[:, k], whole[:, :, top : top + height, left : left + width])


def test_crops_of_one_image_and_of_too_small_ones():
    assert transforms.TenCrop(2)(numbered(3, 4, 4)).shape == (10, 3, 2, 2)
    for crop in (transforms.TenCrop, transforms.FiveCrop):
        with pytest.raises(ValueError, match=rf"{crop.__name__}: the crops of size \(3, 3\) .* of size \(2, 5\)"):
            crop(3)(numbered(1, 2, 5))


def test_average_over_crops():
    crops = mt.rand(2, 10, 1, 1, 3)
    sizes = []

    def model(images):
        sizes.append(tuple(images.shape))
        return 5 * images.flatten(1)

    probabilities = transforms.average_over_crops(model, crops)
    assert sizes == [(20, 1, 1, 3)]
    for n in range(2):
        total = np.zeros(3)
        for k in range(10):
            powers = np.array([math.exp(5 * score) for score in crops[n, k].flatten().tolist()])
            total += powers / powers.sum() / 10
        np.testing.assert_allclose(probabilities[n].numpy(), total, rtol=1e-5)
    assert transforms.average_over_crops(model, crops[0]).shape == (3,)
    with pytest.raises(ValueError, match=r"average_over_crops: expected crops .* got a tensor of shape \(1, 1, 3\)"):
        transforms.average_over_crops(model, crops[0, 0])
