"""Resize and RandomResizedCrop against filters in loops."""

from __future__ import annotations

import math
import sys

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import minitorch as mt
from minitorch.data import transforms
from minitorch.data.transforms.transform import draw

sides = st.integers(1, 12)


@pytest.fixture(autouse=True)
def pillow(request):
    if "without_pillow" not in request.node.name:
        pytest.importorskip("PIL", reason="Pillow is not installed")


def weights(n, m, antialias):
    """How much of each of n pixels is in each of m: triangles around the middle of the new one, in doubles."""
    scale = n / m
    support = max(scale, 1) if antialias else 1
    rows = np.zeros((m, n))
    for i in range(m):
        middle = (i + 0.5) * scale
        if not antialias:  # outside the image lies its outermost pixel
            middle = min(max(middle, 0.5), n - 0.5)
        for j in range(n):
            rows[i, j] = max(0, 1 - abs(j + 0.5 - middle) / support)
        rows[i] /= rows[i].sum()
    return rows


def noise(*shape, dtype=np.uint8):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    array = array if dtype == np.uint8 else (array / 255).astype(dtype)
    array.setflags(write=False)
    return array


@given(sides, sides, sides, sides, st.booleans(), st.sampled_from([np.uint8, np.float16, np.float32, np.float64]))
def test_bilinear(H, W, height, width, antialias, dtype):
    images = noise(2, 3, H, W, dtype=dtype)
    out = transforms.Resize((height, width), antialias=antialias)(mt.from_numpy(images)).numpy()
    assert out.dtype == dtype
    assert out.shape == (2, 3, height, width)
    wanted = weights(H, height, antialias) @ images.astype(float) @ weights(W, width, antialias).T
    # Of uint8, Pillow rounds after each of the two directions.
    atol = {np.uint8: 1.01 if antialias else 0.51, np.float16: 1e-3}.get(dtype, 1e-6)
    np.testing.assert_allclose(out.astype(float), wanted, rtol=0, atol=atol)


@given(sides, sides, sides, sides)
def test_nearest(H, W, height, width):
    images = noise(2, H, W)
    for mode, offset in (("nearest", 0), ("nearest-exact", 0.5)):
        out = transforms.Resize((height, width), mode)(mt.from_numpy(images)).numpy()
        for y, x in np.ndindex(height, width):
            from_y, from_x = int((y + offset) * H / height + 1e-9), int((x + offset) * W / width + 1e-9)
            assert np.array_equal(out[:, y, x], images[:, from_y, from_x])


@pytest.mark.parametrize("mode", ["bicubic", "lanczos", "box", "hamming"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_all_filters_keep_the_mean_of_what_they_shrink(mode, dtype):
    image = noise(1, 64, 64, dtype=dtype)
    out = transforms.Resize(8, mode)(mt.from_numpy(image)).numpy()
    box = image.reshape(1, 8, 8, 8, 8).mean((2, 4))
    if mode == "box":
        np.testing.assert_allclose(out, box, rtol=0, atol=1.01 if dtype == np.uint8 else 1e-6)
    assert np.corrcoef(out.ravel(), box.ravel())[0, 1] > 0.8
    flat = np.full((1, 64, 64), 100, dtype)
    assert np.array_equal(transforms.Resize(8, mode)(mt.from_numpy(flat)).numpy(), np.full((1, 8, 8), 100, dtype))


def test_bicubic_by_points_is_rounded_and_clipped():
    edge = np.repeat(np.array([0, 255], np.uint8), 4)[None, None].repeat(2, 1)
    out = transforms.Resize((2, 29), "bicubic", antialias=False)(mt.from_numpy(edge)).numpy()
    assert (out.min(), out.max()) == (0, 255)
    by_floats = mt.nn.functional.interpolate(mt.from_numpy(edge[None].astype(np.float64)), (2, 29), mode="bicubic")
    assert by_floats.amin().item() < -1  # without clipping it would wrap around
    np.testing.assert_allclose(out, by_floats.numpy()[0].clip(0, 255), rtol=0, atol=0.51)


@pytest.mark.parametrize(
    ("image", "size", "max_size", "wanted"),
    [
        ((375, 500), 256, None, (256, 341)),
        ((500, 375), 256, None, (341, 256)),
        ((375, 500), (256,), None, (256, 341)),
        ((375, 500), (100, 50), None, (100, 50)),
        ((100, 400), 50, 150, (37, 150)),
        ((400, 100), 50, 150, (150, 37)),
        ((100, 120), 50, 150, (50, 60)),
        ((100, 400), None, 200, (50, 200)),
        ((30, 30), 30, None, (30, 30)),
    ],
)
def test_sizes(image, size, max_size, wanted):
    resize = transforms.Resize(size, "nearest", max_size)
    assert resize(mt.zeros(1, *image)).shape == (1, *wanted)


def test_one_size_for_a_batch_and_for_none():
    images = mt.from_numpy(noise(2, 2, 3, 9, 7))
    resized = transforms.Resize(4)(images)
    assert resized.shape == (2, 2, 3, 5, 4)
    assert mt.equal(resized[1, 0], transforms.Resize(4)(images[1, 0]))
    assert transforms.Resize(4)(mt.zeros(0, 3, 9, 7)).shape == (0, 3, 5, 4)
    assert mt.equal(transforms.Resize((9, 7))(images), images)


def test_an_image_that_is_not_contiguous():
    image = noise(8, 6, 3)  # as it is decoded, (H, W, C)
    turned = mt.from_numpy(image).permute(2, 0, 1)
    assert mt.equal(transforms.Resize(3)(turned), transforms.Resize(3)(turned.contiguous()))


def test_resize_rejects():
    with pytest.raises(ValueError, match=r"Resize: expected interpolation to be one of bilinear,.* got 'cubic'"):
        transforms.Resize(3, "cubic")
    with pytest.raises(ValueError, match=r"Resize: 'lanczos' is always antialiased"):
        transforms.Resize(3, "lanczos", antialias=False)
    with pytest.raises(ValueError, match=r"without a size, max_size must be an int"):
        transforms.Resize(None)
    with pytest.raises(ValueError, match=r"max_size is for a size that is one int .* got size=\(3, 4\)"):
        transforms.Resize((3, 4), max_size=5)
    with pytest.raises(ValueError, match=r"max_size=3 must be greater than the shorter edge, size=3"):
        transforms.Resize(3, max_size=3)
    with pytest.raises(TypeError, match=r"Resize: expected images of uint8 or a floating dtype, got minitorch.int64"):
        transforms.Resize(3)(mt.ones(1, 4, 4, dtype=mt.int64))
    with pytest.raises(ValueError, match=r"can't make an image of size \(3, 3\) of one of size \(0, 5\)"):
        transforms.Resize((3, 3))(mt.ones(1, 0, 5))
    with pytest.raises(ValueError, match=r"can't make an image of size \(0, 5\) of one of size \(2, 100\)"):
        transforms.Resize(None, max_size=5)(mt.ones(1, 2, 100))
    with pytest.raises(ValueError, match=r"of one of size"):
        transforms.Resize(3)(mt.ones(1, 0, 5))


def test_without_pillow_all_else_works(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"Resize: images are resized by Pillow: pip install pillow"):
        transforms.Resize(3)(mt.ones(1, 4, 4))
    assert transforms.Resize(3, antialias=False)(mt.ones(1, 4, 4)).shape == (1, 3, 3)
    rest = [
        transforms.RandomCrop(4, padding=1),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(0.1, 0.1, 0.1, 0.1),
        transforms.PCALighting(),
        transforms.RandomResizedCrop(4, interpolation="nearest"),
    ]
    assert transforms.Compose(rest)(mt.rand(2, 3, 4, 4)).shape == (2, 3, 4, 4)


# ---- RandomResizedCrop -----------------------------------------------------------------------------------------------


def boxes(n, H, W, **options):
    """The parts that are taken of n images, as (top, left, height, width): the pixels hold their coordinates."""
    coordinates = np.stack(np.meshgrid(np.arange(H), np.arange(W), indexing="ij")).astype(np.float32)
    crop = transforms.RandomResizedCrop((H, W), interpolation="nearest", **options)
    parts = crop(mt.from_numpy(coordinates).expand(n, 2, H, W)).numpy()
    first, last = parts.min((2, 3)), parts.max((2, 3))  # enlarged, no pixel of a part is lost
    return np.concatenate([first, last - first + 1], 1)


def test_random_resized_crops_have_the_areas_and_ratios_asked_for():
    top, left, height, width = boxes(2000, 60, 80, scale=(0.1, 0.4), ratio=(0.5, 1)).T
    share, ratio = height * width / (60 * 80), width / height
    assert top.min() == 0
    assert (top + height).max() == 60
    assert left.min() == 0
    assert (left + width).max() == 80
    assert 0.095 < share.min() < 0.105
    assert 0.395 < share.max() < 0.41
    assert 0.47 < ratio.min() < 0.52
    assert 0.97 < ratio.max() < 1.06
    # Nearly all fit (0.4·4800·2 is little more than 60²): shares are uniform, ratios are so in the logarithm.
    quartiles = np.quantile(share, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quartiles, [0.175, 0.25, 0.325], atol=0.02)
    np.testing.assert_allclose(np.quantile(np.log2(ratio), [0.25, 0.5, 0.75]), [-0.75, -0.5, -0.25], atol=0.05)
    for place in (top / np.maximum(60 - height, 1), left / np.maximum(80 - width, 1)):
        np.testing.assert_allclose(np.quantile(place, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.05)


def test_the_first_that_fits_is_taken():
    H, W, ratio = 20, 35, (0.25, 4.0)
    taken = boxes(50, H, W, scale=(0.3, 1.0), ratio=ratio).tolist()
    mt.manual_seed(0)
    attempts = set()
    for box, numbers in zip(taken, draw(50, 22).tolist(), strict=True):
        for k in range(10):
            area = H * W * (0.3 + 0.7 * numbers[k])
            wide = math.exp(math.log(ratio[0]) + math.log(ratio[1] / ratio[0]) * numbers[10 + k])
            width, height = round(math.sqrt(area * wide)), round(math.sqrt(area / wide))
            if width <= W and height <= H:
                attempts.add(k)
                assert box == [int(numbers[20] * (H - height + 1)), int(numbers[21] * (W - width + 1)), height, width]
                break
    assert attempts >= {0, 1, 2}


@pytest.mark.parametrize(
    ("H", "W", "options", "wanted"),
    [
        (10, 100, {}, (0, 43, 10, 13)),  # 4/3 as wide as high
        (100, 10, {}, (43, 0, 13, 10)),  # 3/4
        (9, 11, {"scale": (4.0, 4.0)}, (0, 0, 9, 11)),  # the whole image has an allowed ratio
        (9, 1, {"ratio": (3.0, 4.0)}, (4, 0, 1, 1)),  # a third of a row would do
        (1, 9, {"ratio": (0.25, 0.3)}, (0, 4, 1, 1)),
    ],
)
def test_the_middle_where_nothing_fits(H, W, options, wanted):
    options = {"scale": (1.0, 1.0), **options}
    assert boxes(3, H, W, **options).tolist() == [list(wanted)] * 3


def test_random_resized_crop_is_crop_and_resize():
    images = mt.from_numpy(noise(3, 3, 20, 30))
    mt.manual_seed(5)
    crop = transforms.RandomResizedCrop(8, scale=(0.2, 0.6))
    out = crop(images)
    mt.manual_seed(5)
    assert mt.equal(out, mt.stack([crop(image) for image in images]))
    mt.manual_seed(5)
    taken = crop._boxes(3, 20, 30).tolist()
    for image, part, (top, left, height, width) in zip(images, out, taken, strict=True):
        box = image[:, top : top + height, left : left + width]
        assert mt.equal(part, transforms.Resize((8, 8))(box))
    assert crop(mt.zeros(0, 3, 20, 30)).shape == (0, 3, 8, 8)


def test_random_resized_crop_rejects():
    for options in ({"scale": 0.5}, {"scale": (0.5, 0.1)}, {"ratio": (0, 1)}, {"ratio": (1, 2, 3)}):
        with pytest.raises(ValueError, match=r"RandomResizedCrop: expected (scale|ratio) to be two positive numbers"):
            transforms.RandomResizedCrop(8, **options)
    for H, W in ((0, 5), (5, 0), (0, 0)):
        with pytest.raises(ValueError, match=rf"RandomResizedCrop: can't make an image .* one of size \({H}, {W}\)"):
            transforms.RandomResizedCrop(8)(mt.zeros(3, H, W))
    with pytest.raises(ValueError, match=r"RandomResizedCrop: expected interpolation"):
        transforms.RandomResizedCrop(8, interpolation="best")
