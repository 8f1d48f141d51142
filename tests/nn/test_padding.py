"""Layers that pad, fold and unfold, and unflatten: against the functions."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch import nn
from minitorch.testing import assert_close

# Each layer, its padding as a tuple, and what it is of the function.
PADS = [
    (nn.ConstantPad1d(2, 3.5), (2, 2), "constant", 3.5),
    (nn.ConstantPad1d((-1, 2), 3.5), (-1, 2), "constant", 3.5),
    (nn.ConstantPad2d(1, 3.5), (1, 1, 1, 1), "constant", 3.5),
    (nn.ConstantPad2d((1, 0, 2, -1), 3.5), (1, 0, 2, -1), "constant", 3.5),
    (nn.ZeroPad1d((2, 0)), (2, 0), "constant", 0),
    (nn.ZeroPad2d(1), (1, 1, 1, 1), "constant", 0),
    (nn.ReflectionPad1d(2), (2, 2), "reflect", None),
    (nn.ReflectionPad2d((2, 1, 0, 3)), (2, 1, 0, 3), "reflect", None),
    (nn.ReplicationPad1d((1, 6)), (1, 6), "replicate", None),
    (nn.ReplicationPad2d(6), (6, 6, 6, 6), "replicate", None),
    (nn.CircularPad1d(4), (4, 4), "circular", None),
    (nn.CircularPad2d((2, 1, 0, 3)), (2, 1, 0, 3), "circular", None),
]


@pytest.mark.parametrize(("layer", "padding", "mode", "value"), PADS, ids=[repr(pad[0]) for pad in PADS])
def test_padding(layer, padding, mode, value):
    assert layer.padding == padding
    assert (getattr(layer, "value", None)) == value
    assert not layer.state_dict()
    images = minitorch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 4, 5)))
    inputs = [images[0], images[0, 0]] if len(padding) == 2 else [images, images[0]]
    for x in inputs:
        out = layer(x)
        assert_close(out, F.pad(x, padding, mode, value), rtol=0, atol=0)
        assert out.shape[-1] == x.shape[-1] + padding[0] + padding[1]


def test_circular_padding_checks_the_rank():
    with pytest.raises(ValueError, match=r"expected 2D or 3D input \(got 4D input\)"):
        nn.CircularPad1d(1)(minitorch.zeros(1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"expected 3D or 4D input \(got 2D input\)"):
        nn.CircularPad2d(1)(minitorch.zeros(1, 1))


def test_unfold_and_fold():
    x = minitorch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 7, 6)))
    unfold = nn.Unfold((3, 2), dilation=2, padding=(1, 0), stride=(2, 1))
    columns = unfold(x)
    assert_close(columns, F.unfold(x, (3, 2), 2, (1, 0), (2, 1)), rtol=0, atol=0)
    fold = nn.Fold((7, 6), (3, 2), dilation=2, padding=(1, 0), stride=(2, 1))
    assert_close(fold(columns), F.fold(columns, (7, 6), (3, 2), 2, (1, 0), (2, 1)), rtol=0, atol=0)
    assert not (*unfold.state_dict(), *fold.state_dict())


def test_a_convolution_is_a_product_with_the_columns():
    rng = np.random.default_rng(0)
    x, weight = minitorch.from_numpy(rng.standard_normal((2, 3, 7, 6))), minitorch.from_numpy(rng.random((4, 3, 3, 2)))
    geometry = {"stride": (2, 1), "padding": (1, 0), "dilation": 2}
    product = weight.reshape(4, -1) @ F.unfold(x, (3, 2), **geometry)
    expected = F.conv2d(x, weight, **geometry)
    assert_close(product.reshape(expected.shape), expected, rtol=1e-12, atol=1e-12)


def test_unflatten():
    x = minitorch.arange(24.0).reshape(2, 12)
    assert nn.Unflatten(1, (3, -1))(x).shape == (2, 3, 4)
    assert minitorch.equal(nn.Flatten()(nn.Unflatten(1, (3, 4))(x)), x)
    with pytest.raises(TypeError, match="must be a tuple of ints, but found type int"):
        nn.Unflatten(1, 12)
    with pytest.raises(TypeError, match="element of type float"):
        nn.Unflatten(1, (3, 4.0))
    with pytest.raises(RuntimeError, match="don't multiply up to the size of dim 1"):
        nn.Unflatten(1, (5, 2))(x)
