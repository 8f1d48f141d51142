"""Pooling layers: each is its function with the options it was made with."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch import nn

SIGNAL = minitorch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 12)))
IMAGE = minitorch.from_numpy(np.random.default_rng(1).standard_normal((2, 3, 12, 9)))

# A layer, its call as a function, its input, and what it shows.
LAYERS = {
    "nn.MaxPool1d(2)": (
        lambda x: F.max_pool1d(x, 2),
        SIGNAL,
        "MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
    ),
    "nn.MaxPool1d((3,), 2, 1, 2, True, True)": (
        lambda x: F.max_pool1d(x, 3, 2, 1, 2, ceil_mode=True, return_indices=True),
        SIGNAL,
        "MaxPool1d(kernel_size=(3,), stride=2, padding=1, dilation=2, ceil_mode=True)",
    ),
    "nn.MaxPool2d((3, 2), 1, 1)": (
        lambda x: F.max_pool2d(x, (3, 2), 1, 1),
        IMAGE,
        "MaxPool2d(kernel_size=(3, 2), stride=1, padding=1, dilation=1, ceil_mode=False)",
    ),
    "nn.MaxPool2d(3, 2, 1, (1, 2), True, True)": (
        lambda x: F.max_pool2d(x, 3, 2, 1, (1, 2), ceil_mode=True, return_indices=True),
        IMAGE,
        "MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=(1, 2), ceil_mode=True)",
    ),
    "nn.AvgPool1d(2)": (
        lambda x: F.avg_pool1d(x, 2),
        SIGNAL,
        "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))",
    ),
    "nn.AvgPool1d((3,), 2, 1, True, False)": (
        lambda x: F.avg_pool1d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        SIGNAL,
        "AvgPool1d(kernel_size=(3,), stride=(2,), padding=(1,))",
    ),
    "nn.AvgPool2d((3, 2), 2, 1, True, False)": (
        lambda x: F.avg_pool2d(x, (3, 2), 2, 1, ceil_mode=True, count_include_pad=False),
        IMAGE,
        "AvgPool2d(kernel_size=(3, 2), stride=2, padding=1)",
    ),
    "nn.AvgPool2d(2, divisor_override=3)": (
        lambda x: F.avg_pool2d(x, 2, divisor_override=3),
        IMAGE,
        "AvgPool2d(kernel_size=2, stride=2, padding=0)",
    ),
    "nn.LPPool1d(2, 3)": (
        lambda x: F.lp_pool1d(x, 2, 3),
        SIGNAL,
        "LPPool1d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)",
    ),
    "nn.LPPool2d(2.0, (3, 2), 2, True)": (
        lambda x: F.lp_pool2d(x, 2, (3, 2), 2, ceil_mode=True),
        IMAGE,
        "LPPool2d(norm_type=2.0, kernel_size=(3, 2), stride=2, ceil_mode=True)",
    ),
    "nn.AdaptiveAvgPool1d(5)": (
        lambda x: F.adaptive_avg_pool1d(x, 5),
        SIGNAL,
        "AdaptiveAvgPool1d(output_size=5)",
    ),
    "nn.AdaptiveAvgPool2d((None, 7))": (
        lambda x: F.adaptive_avg_pool2d(x, (12, 7)),
        IMAGE,
        "AdaptiveAvgPool2d(output_size=(None, 7))",
    ),
    "nn.AdaptiveMaxPool1d(5)": (
        lambda x: F.adaptive_max_pool1d(x, 5),
        SIGNAL,
        "AdaptiveMaxPool1d(output_size=5)",
    ),
    "nn.AdaptiveMaxPool2d((1, 2), True)": (
        lambda x: F.adaptive_max_pool2d(x, (1, 2), return_indices=True),
        IMAGE,
        "AdaptiveMaxPool2d(output_size=(1, 2))",
    ),
    "nn.MaxUnpool1d(2)": (None, None, "MaxUnpool1d(kernel_size=(2,), stride=(2,), padding=(0,))"),
    "nn.MaxUnpool2d((3, 2), 1, 1)": (None, None, "MaxUnpool2d(kernel_size=(3, 2), stride=(1, 1), padding=(1, 1))"),
}


def results(value):
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("source", [name for name, (_, input, _) in LAYERS.items() if input is not None])
def test_a_layer_is_its_function(source):
    function, input, _ = LAYERS[source]
    layer = eval(source)
    for x in (input, input[0]):
        given, wanted = results(layer(x)), results(function(x))
        assert len(given) == len(wanted)
        for a, e in zip(given, wanted, strict=True):
            assert minitorch.equal(a, e)
    assert not layer.state_dict()


@pytest.mark.parametrize("source", LAYERS)
def test_repr(source):
    assert repr(eval(source)) == LAYERS[source][2]


def test_unpooling():
    for pool, unpool, x in (
        (nn.MaxPool1d(3, 2, 1, return_indices=True), nn.MaxUnpool1d(3, 2, 1), SIGNAL),
        (nn.MaxPool2d((3, 2), return_indices=True), nn.MaxUnpool2d((3, 2)), IMAGE),
    ):
        pooled, indices = pool(x)
        unpooled = unpool(pooled, indices, output_size=x.shape)
        function = F.max_unpool1d if x is SIGNAL else F.max_unpool2d
        options = (unpool.kernel_size, unpool.stride, unpool.padding)
        assert minitorch.equal(unpooled, function(pooled, indices, *options, output_size=x.shape))
        assert unpooled.shape == x.shape


def test_a_mistake_names_the_layer():
    with pytest.raises(RuntimeError, match="MaxUnpool2d: kernel_size must be an int or a tuple of two ints"):
        nn.MaxUnpool2d((1, 2, 3))
    model = nn.Sequential(nn.ReLU(), nn.MaxPool2d(9))
    with pytest.raises(RuntimeError, match=r"^1 \(MaxPool2d\): max_pool2d: kernel_size \(9, 9\) .* is larger"):
        model(minitorch.zeros(1, 1, 8, 8))


def test_pytorch():
    """The same reprs, attributes and results as PyTorch's layers."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for source, (_, input, shown) in LAYERS.items():
        ours, theirs = eval(source), eval(source, {"nn": torch.nn})
        assert repr(theirs) == shown
        wanted = {name: value for name, value in vars(theirs).items() if name[0] != "_"}
        assert {name: vars(ours)[name] for name in wanted} == wanted
        if input is not None:
            for a, e in zip(results(ours(input)), results(theirs(torch.from_numpy(input.numpy()))), strict=True):
                np.testing.assert_allclose(a.numpy(), e.numpy(), rtol=1e-12)
