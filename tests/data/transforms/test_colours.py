"""ColorJitter and Grayscale, and their formulas pixel by pixel."""

from __future__ import annotations

import colorsys
import itertools
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import minitorch as mt
from minitorch.data import transforms

DTYPES = [np.uint8, np.float16, np.float32, np.float64]


def noise(*shape, dtype=np.uint8, seed=0):
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    array.flat[: array.size // 4] = array.flat[0]  # some greys, some equal channels
    array = array if dtype == np.uint8 else (array / 255).astype(dtype)
    array.setflags(write=False)
    return array


def exactly(name, factor):
    """The jitter that always uses one factor."""
    return transforms.ColorJitter(**{name: (factor, factor)})


def grey(pixel):
    return 0.2989 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]


def by_loops(name, image, factor, largest):
    """The formula for each pixel in doubles, clipped, not rounded. Greys of uint8 lose their fractions first."""
    cut = (lambda v: math.floor(v + 1e-9)) if largest == 255 else float
    C, H, W = image.shape
    pixels = [[[float(v) for v in image[:, y, x]] for x in range(W)] for y in range(H)]
    greys = [[cut(grey(p)) if C == 3 else p[0] for p in row] for row in pixels]
    mean = sum(map(sum, greys)) / (H * W)
    out = np.empty((C, H, W))
    for y, x in itertools.product(range(H), range(W)):
        pixel = pixels[y][x]
        if name == "brightness":
            new = [factor * v for v in pixel]
        elif name == "contrast":
            new = [mean + factor * (v - mean) for v in pixel]
        elif name == "saturation":
            new = [greys[y][x] + factor * (v - greys[y][x]) for v in pixel]
        elif C == 3:
            h, s, v = colorsys.rgb_to_hsv(*[v / largest for v in pixel])
            new = [v * largest for v in colorsys.hsv_to_rgb((h + factor) % 1.0, s, v)]
        else:
            new = pixel
        out[:, y, x] = [min(max(v, 0), largest) for v in new]
    return out


@given(
    st.sampled_from(["brightness", "contrast", "saturation", "hue"]),
    st.floats(0, 1, width=16),
    st.sampled_from([1, 3]),
    st.sampled_from(DTYPES),
    st.integers(0, 99),
)
def test_formulas(name, share, C, dtype, seed):
    factor = share - 0.5 if name == "hue" else 2 * share
    image = noise(C, 3, 4, dtype=dtype, seed=seed)
    out = exactly(name, factor)(mt.from_numpy(image)).numpy()
    assert out.dtype == dtype
    largest = 255 if dtype == np.uint8 else 1.0
    wanted = by_loops(name, image, factor, largest)
    if dtype == np.uint8:
        # Fractions are cut off. Of hues, k.0 may come out as k + k/256 before that.
        assert (out <= wanted + 1.001).all()
        assert (out > wanted - 1.001).all()
    else:
        np.testing.assert_allclose(out, wanted, rtol=0, atol=30 * np.finfo(dtype).eps)


def test_uint8_loses_fractions_and_is_clipped():
    image = mt.tensor([3, 200, 101], dtype=mt.uint8).reshape(3, 1, 1)
    assert exactly("brightness", 1.5)(image).flatten().tolist() == [4, 255, 151]
    # The grey is ⌊0.2989·3 + 0.587·200 + 0.114·101⌋ = ⌊129.8⌋.
    assert exactly("saturation", 0)(image).flatten().tolist() == [129, 129, 129]
    assert exactly("saturation", 2)(image).flatten().tolist() == [0, 255, 73]
    assert exactly("contrast", 0.5)(image).flatten().tolist() == [66, 164, 115]
    assert exactly("brightness", 1.0)(image).flatten().tolist() == [3, 200, 101]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_whole_turn_of_hues(dtype):
    image = mt.from_numpy(noise(3, 8, 8, dtype=dtype))
    turned = image
    for _ in range(2):
        turned = exactly("hue", 0.5)(turned)
    np.testing.assert_allclose(turned.numpy(), image.numpy(), rtol=0, atol=1 if dtype == np.uint8 else 1e-2)


def test_a_third_of_a_turn():
    red = mt.tensor([0.8, 0, 0]).reshape(3, 1, 1)
    green, blue = exactly("hue", 1 / 3)(red), exactly("hue", -1 / 3)(red)
    np.testing.assert_allclose(green.flatten().numpy(), [0, 0.8, 0], atol=1e-6)
    np.testing.assert_allclose(blue.flatten().numpy(), [0, 0, 0.8], atol=1e-6)


def test_factors_are_uniform_and_each_image_has_its_own():
    images = mt.full((4000, 3, 1, 2), 0.5)
    out = transforms.ColorJitter(brightness=0.4)(images).numpy()
    assert (out == out[:, :1, :, :1]).all()
    factors = out[:, 0, 0, 0] / 0.5
    assert len(np.unique(factors)) > 3900
    assert 0.6 <= factors.min() < 0.605
    assert 1.395 < factors.max() <= 1.4
    np.testing.assert_allclose(np.quantile(factors, [0.25, 0.5, 0.75]), [0.8, 1, 1.2], atol=0.03)


def test_every_order_is_as_likely():
    n = 4800
    pixels = mt.tensor([0.9, 0.3, 0.5, 0.2, 0.6, 0.1]).reshape(3, 1, 2).expand(n, 3, 1, 2)
    jitter = transforms.ColorJitter((1.5, 1.5), (0.5, 0.5), (2, 2), (0.3, 0.3))
    results, counts = np.unique(jitter(pixels).numpy().reshape(n, -1).round(4), axis=0, return_counts=True)
    wanted = set()
    for order in itertools.permutations([("brightness", 1.5), ("contrast", 0.5), ("saturation", 2), ("hue", 0.3)]):
        image = pixels[0].numpy()
        for name, factor in order:
            image = by_loops(name, image, factor, 1.0)
        wanted.add(tuple((image.ravel().round(4) + 0.0).tolist()))
    assert len(results) == len(wanted) >= 12  # brightness and hue commute here, and so on
    for row in results:
        assert min(np.abs(np.array(other) - row).max() for other in wanted) < 2e-4
    assert counts.min() > n / 24 - 5 * math.sqrt(n / 24)


def test_none_and_zero_leave_images_alone():
    images = mt.from_numpy(noise(3, 3, 4, 4))
    for jitter in (transforms.ColorJitter(), transforms.ColorJitter(0, 0, 0, 0)):
        assert mt.equal(jitter(images), images)
        assert repr(jitter) == "ColorJitter(brightness=None, contrast=None, saturation=None, hue=None)"
    assert repr(transforms.ColorJitter(2, hue=0.1)).startswith("ColorJitter(brightness=(0.0, 3.0), ")
    assert transforms.ColorJitter(hue=0.25).hue == (-0.25, 0.25)


def test_color_jitter_rejects():
    with pytest.raises(ValueError, match=r"ColorJitter: expected brightness not to be negative, got -1"):
        transforms.ColorJitter(brightness=-1)
    with pytest.raises(ValueError, match=r"ColorJitter: expected hue between -0.5 and 0.5 and in order, got \(-0.6"):
        transforms.ColorJitter(hue=0.6)
    with pytest.raises(ValueError, match=r"expected contrast between 0.0 and inf and in order, got \(2.0, 1.0\)"):
        transforms.ColorJitter(contrast=(2, 1))
    with pytest.raises(TypeError, match=r"expected saturation to be a number or a pair of numbers, got 'much'"):
        transforms.ColorJitter(saturation="much")
    jitter = transforms.ColorJitter(0.1)
    with pytest.raises(TypeError, match=r"ColorJitter: expected images with 1 or 3 channels, got 2"):
        jitter(mt.zeros(2, 4, 4))
    with pytest.raises(TypeError, match=r"ColorJitter: expected images of uint8 or a floating dtype, got"):
        jitter(mt.zeros(3, 4, 4, dtype=mt.int64))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3])
def test_grayscale(dtype, channels):
    images = noise(2, 3, 3, 4, dtype=dtype)
    out = transforms.Grayscale(channels)(mt.from_numpy(images)).numpy()
    assert out.dtype == dtype
    assert out.shape == (2, channels, 3, 4)
    wanted = grey(images.astype(float).transpose(1, 0, 2, 3))[:, None]
    wanted = np.floor(wanted + 1e-9) if dtype == np.uint8 else wanted
    np.testing.assert_allclose(out, wanted.repeat(channels, 1), rtol=0, atol=4 * np.finfo(np.float16).eps)
    single = mt.from_numpy(images[:, :1])
    assert mt.equal(transforms.Grayscale(channels)(single), single.repeat(1, channels, 1, 1))


def test_grayscale_rejects():
    with pytest.raises(ValueError, match=r"Grayscale: expected num_output_channels to be 1 or 3, got 2"):
        transforms.Grayscale(2)
    with pytest.raises(TypeError, match=r"Grayscale: expected images with 1 or 3 channels, got 4"):
        transforms.Grayscale()(mt.zeros(4, 2, 2))


# ---- the light -------------------------------------------------------------------------------------------------------


def test_lighting_adds_one_colour_with_the_covariance_of_the_paper():
    n = 20000
    lighting = transforms.PCALighting(0.1)
    images = mt.full((n, 3, 1, 2), 0.25, dtype=mt.float64)
    added = (lighting(images) - images).numpy()
    assert np.abs(added[..., 0] - added[..., 1]).max() == 0
    colours = added[:, :, 0, 0]
    vectors = np.array(lighting.eigenvectors)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-3)
    alpha = colours @ vectors / np.array(lighting.eigenvalues)  # the columns are orthogonal directions
    np.testing.assert_allclose(alpha.mean(0), 0, atol=0.004)
    np.testing.assert_allclose(np.cov(alpha.T), 0.01 * np.eye(3), atol=5e-4)


def test_lighting_in_both_units():
    images = mt.full((50, 3, 1, 1), 51, dtype=mt.uint8)
    lighting = transforms.PCALighting(1.0)
    mt.manual_seed(1)
    of_bytes = lighting(images).numpy()
    mt.manual_seed(1)
    of_floats = lighting(images.to(mt.float64) / 255).numpy()
    assert of_bytes.dtype == np.uint8
    assert of_floats.min() < 0  # floats aren't clipped
    assert of_bytes.min() == 0
    np.testing.assert_allclose(of_bytes, (255 * of_floats).clip(0, 255), rtol=0, atol=0.51)
    assert mt.equal(transforms.PCALighting(0)(images), images)


@pytest.mark.parametrize("dtype", DTYPES)
def test_lighting_keeps_the_dtype(dtype):
    images = mt.from_numpy(noise(5, 3, 2, 2, dtype=dtype))
    assert transforms.PCALighting()(images).data.dtype == dtype
    assert transforms.PCALighting()(images[:0]).shape == (0, 3, 2, 2)
    mt.manual_seed(0)
    transforms.PCALighting()(images)
    assert mt.get_rng_state() == (0, 8)


def test_fit_finds_the_directions_of_the_colours():
    rng = np.random.default_rng(0)
    mixing = rng.normal(0, 0.1, (3, 3))
    sizes = [(20, 30), (7, 40), (9, 9)]
    photos = [np.einsum("ij,jhw->ihw", mixing, rng.normal(size=(3, h, w))) + 0.5 for h, w in sizes]
    fitted = transforms.PCALighting.fit([mt.tensor(photo) for photo in photos], std=0.2)
    covariance = np.cov(np.concatenate([photo.reshape(3, -1) for photo in photos], 1), bias=True)
    values, vectors = np.array(fitted.eigenvalues), np.array(fitted.eigenvectors)
    assert fitted.std == 0.2
    assert values[0] >= values[1] >= values[2] > 0
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, covariance, atol=1e-12)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-12)


def test_fit_takes_batches_and_samples_and_bytes():
    images = noise(6, 3, 5, 5)
    fitted = transforms.PCALighting.fit(mt.from_numpy(images))
    covariance = np.cov(images.transpose(1, 0, 2, 3).reshape(3, -1) / 255, bias=True)
    np.testing.assert_allclose(fitted.eigenvalues, np.linalg.eigvalsh(covariance)[::-1], rtol=1e-9)
    samples = mt.data.TensorDataset(mt.from_numpy(images), mt.arange(6))
    for source in (samples, mt.data.DataLoader(samples, batch_size=4)):
        np.testing.assert_allclose(transforms.PCALighting.fit(source).eigenvalues, fitted.eigenvalues, rtol=1e-9)


def test_lighting_rejects():
    with pytest.raises(ValueError, match=r"PCALighting: expected std not to be negative, got -0.1"):
        transforms.PCALighting(-0.1)
    with pytest.raises(ValueError, match=r"expected three eigenvalues and 3×3 .* got the shapes \(2,\) and \(3, 3\)"):
        transforms.PCALighting(0.1, (1, 2))
    with pytest.raises(TypeError, match=r"PCALighting: expected images with 3 channels, got 1"):
        transforms.PCALighting()(mt.zeros(1, 4, 4))
    with pytest.raises(ValueError, match=r"PCALighting.fit: there are no pixels"):
        transforms.PCALighting.fit([])
    with pytest.raises(TypeError, match=r"PCALighting.fit: expected tensors of images .* got one of shape \(4, 4\)"):
        transforms.PCALighting.fit(mt.zeros(3, 4, 4))
    with pytest.raises(TypeError, match=r"PCALighting.fit: expected tensors of images .* got ndarray"):
        transforms.PCALighting.fit([np.zeros((3, 2, 2))])
    with pytest.raises(TypeError, match=r"PCALighting.fit: expected images with 3 channels, got 1"):
        transforms.PCALighting.fit([mt.zeros(1, 2, 2)])


# ---- for all random transforms ---------------------------------------------------------------------------------------

RANDOM = [
    transforms.RandomCrop(5, padding=2),
    transforms.RandomCrop((4, 7), padding=(1, 3), padding_mode="reflect"),
    transforms.RandomResizedCrop(6, interpolation="nearest"),
    transforms.RandomHorizontalFlip(),
    transforms.RandomVerticalFlip(0.3),
    transforms.ColorJitter(0.4, 0.4, 0.4, 0.2),
    transforms.PCALighting(),
]


@pytest.mark.parametrize("transform", RANDOM, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_seed_fixes_the_draws(transform, dtype):
    images = mt.from_numpy(noise(12, 3, 8, 9, dtype=dtype))  # can't be written to
    mt.manual_seed(11)
    first = transform(images)
    state = mt.get_rng_state()
    mt.manual_seed(11)
    assert mt.equal(transform(images), first)
    assert mt.get_rng_state() == state
    assert not mt.equal(transform(images), first)
    mt.manual_seed(11)
    other = transform(mt.from_numpy(noise(12, 3, 8, 9, dtype=dtype, seed=1)))
    assert mt.get_rng_state() == state, "how much is drawn depends on the number of images alone"
    assert other.shape == first.shape
    if not isinstance(transform, transforms.PCALighting):  # normal numbers come in pairs, over the whole batch
        mt.manual_seed(11)
        one_by_one = mt.stack([transform(image) for image in images])
        assert mt.equal(one_by_one, first)
        assert mt.get_rng_state() == state
