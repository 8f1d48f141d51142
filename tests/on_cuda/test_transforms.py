"""Transforms of images on a GPU: the same draws as on the CPU, and but for rounding the same values."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch.data import transforms
from minitorch.testing import assert_close

TRANSFORMS = [
    transforms.ToDtype(minitorch.float32, scale=True),
    transforms.ToDtype(minitorch.uint8, scale=True),
    transforms.Pad((1, 2), [1, 0, 1]),
    transforms.Pad(2, padding_mode="reflect"),
    transforms.CenterCrop((5, 12)),
    transforms.RandomCrop(8, padding=2),
    transforms.RandomHorizontalFlip(),
    transforms.RandomVerticalFlip(p=1),
    transforms.Resize(5, antialias=False),
    transforms.Resize(11, "nearest"),
    transforms.RandomResizedCrop(6, interpolation="bicubic", antialias=False),
    transforms.ColorJitter(0.4, 0.4, 0.4, 0.2),
    transforms.Grayscale(3),
    transforms.PCALighting(),
    transforms.FiveCrop(4),
    transforms.TenCrop((3, 4)),
]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_transforms(transform, dtype):
    array = np.random.default_rng(0).integers(0, 256, (6, 3, 9, 8), dtype=np.uint8)
    images = minitorch.from_numpy(array if dtype == np.uint8 else (array / 255).astype(dtype))
    minitorch.manual_seed(0)
    here = transform(images)
    minitorch.manual_seed(0)
    there = transform(images.to("cuda"))
    assert there.is_cuda
    assert there.dtype is here.dtype
    if here.dtype is minitorch.uint8:  # what lies between two levels may be cut off on either side
        assert_close(there.cpu().to(minitorch.float32), here.to(minitorch.float32), rtol=0, atol=1)
    else:
        assert_close(there.cpu(), here, rtol=1e-5, atol=1e-6)


def test_normalize():
    images = minitorch.rand(2, 3, 4, 5)
    normalize = transforms.Normalize([0.1, 0.2, 0.3], [1, 2, 3])
    assert_close(normalize(images.to("cuda")).cpu(), normalize(images))
    with pytest.raises(NotImplementedError, match=r"Resize: Pillow resizes on the CPU only, the images are on cuda:0"):
        transforms.Resize(2)(images.to("cuda"))


def test_lighting_learns_from_images_on_a_gpu():
    images = minitorch.rand(2, 3, 4, 5)
    here, there = (transforms.PCALighting.fit(list(i)).eigenvalues for i in (images, images.to("cuda")))
    assert here == there


def test_average_over_crops():
    crops = minitorch.rand(2, 10, 3, 1, 1)
    averages = [transforms.average_over_crops(lambda x: x.flatten(1), c) for c in (crops, crops.to("cuda"))]
    assert averages[1].is_cuda
    assert_close(averages[1].cpu(), averages[0])
