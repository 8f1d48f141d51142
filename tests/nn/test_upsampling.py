"""Layers that change the size of images: against the functions."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch import nn
from minitorch.testing import assert_close

LAYERS = [
    (nn.Upsample(7), {"size": 7}),
    (
        nn.Upsample(size=(3, 9), mode="bicubic", align_corners=True),
        {"size": (3, 9), "mode": "bicubic", "corners": True},
    ),
    (nn.Upsample(scale_factor=1.7, mode="bilinear"), {"scale_factor": 1.7, "mode": "bilinear"}),
    (
        nn.Upsample(scale_factor=(1.7, 1), mode="bilinear", recompute_scale_factor=True),
        {"scale_factor": (1.7, 1), "mode": "bilinear", "recompute": True},
    ),
    (nn.UpsamplingNearest2d(scale_factor=3), {"scale_factor": 3}),
    (nn.UpsamplingBilinear2d((3, 9)), {"size": (3, 9), "mode": "bilinear", "corners": True}),
]


@pytest.mark.parametrize(("layer", "options"), LAYERS, ids=lambda v: str(v) if isinstance(v, nn.Module) else "")
def test_upsampling_is_interpolation(layer, options):
    x = minitorch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 4, 5)))
    names = {"corners": "align_corners", "recompute": "recompute_scale_factor"}
    expected = F.interpolate(x, **{names.get(name, name): value for name, value in options.items()})
    assert_close(layer(x), expected, rtol=0, atol=0)
    assert not list(layer.parameters())


def test_attributes():
    layer = nn.Upsample(scale_factor=(2, 3), mode="bilinear")
    assert (layer.size, layer.scale_factor, layer.mode) == (None, (2.0, 3.0), "bilinear")
    assert (layer.align_corners, layer.recompute_scale_factor) == (None, None)
    assert nn.UpsamplingBilinear2d(4).align_corners is True
    with pytest.raises(ValueError, match="either size or scale_factor should be defined"):
        nn.Upsample()(minitorch.zeros(1, 1, 2, 2))


def test_pixels_are_shuffled_and_back():
    x = minitorch.arange(2 * 12 * 2 * 3).reshape(2, 12, 2, 3)
    shuffled = nn.PixelShuffle(2)(x)
    assert shuffled.shape == (2, 3, 4, 6)
    assert shuffled[0, 0, :2, :2].flatten().tolist() == x[0, :4, 0, 0].tolist()
    assert minitorch.equal(nn.PixelUnshuffle(2)(shuffled), x)
