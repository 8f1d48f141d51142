"""The layers: what they compute, how they begin, how they show themselves, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch
from minitorch import nn


def test_linear_computes_x_times_the_transposed_weight():
    layer = nn.Linear(3, 2)
    x = minitorch.randn(4, 5, 3)
    expected = x.numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)
    bare = nn.Linear(3, 2, bias=False, dtype=minitorch.float64)
    assert bare.bias is None
    assert list(bare.state_dict()) == ["weight"]
    expected = x.numpy().astype(float) @ bare.weight.detach().numpy().T
    np.testing.assert_allclose(bare(x.double()).detach().numpy(), expected, rtol=1e-12)


def test_conv2d_is_a_sum_over_windows():
    layer = nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2, dtype=minitorch.float64)
    x = np.random.default_rng(0).standard_normal((2, 4, 7, 8))
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)))
    output = layer(minitorch.from_numpy(x)).detach().numpy()
    assert output.shape == (2, 6, 4, 6)
    for n, o, i, j in np.ndindex(output.shape):
        group = o // 3
        window = padded[n, 2 * group : 2 * group + 2, 2 * i : 2 * i + 3, j : j + 3 : 2]
        np.testing.assert_allclose(output[n, o, i, j], (window * weight[o]).sum() + bias[o], rtol=1e-12)


def test_conv2d_same_padding_keeps_the_size():
    x = minitorch.randn(1, 1, 6, 7)
    assert nn.Conv2d(1, 2, (3, 4), padding="same", dilation=2)(x).shape == (1, 2, 6, 7)
    assert nn.Conv2d(1, 2, 3, padding="valid")(x).shape == (1, 2, 4, 5)


def test_pools():
    x = minitorch.arange(16.0).view(1, 1, 4, 4)
    assert nn.MaxPool2d(2)(x).tolist() == [[[[5, 7], [13, 15]]]]
    assert nn.MaxPool2d(2, stride=1)(x).shape == (1, 1, 3, 3)
    maxima, positions = nn.MaxPool2d(2, return_indices=True)(x)
    assert positions.flatten().tolist() == maxima.flatten().tolist()
    assert nn.MaxPool2d(3, padding=1, ceil_mode=True)(x).tolist() == [[[[5, 7], [13, 15]]]]
    assert nn.AvgPool2d(2)(x).tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]
    assert nn.AvgPool2d(2, divisor_override=1)(x).tolist() == [[[[10, 18], [42, 50]]]]
    corner = nn.AvgPool2d(2, padding=1, count_include_pad=False)(x + 1)
    assert corner[0, 0, 0, 0].item() == 1


def test_activations_and_shapes():
    x = minitorch.tensor([[-1.0, 0.0, 2.0]])
    assert nn.ReLU()(x).tolist() == [[0, 0, 2]]
    np.testing.assert_allclose(nn.Tanh()(x).numpy(), np.tanh(x.numpy()), rtol=1e-6)
    np.testing.assert_allclose(nn.Sigmoid()(x).numpy(), 1 / (1 + np.exp(-x.numpy())), rtol=1e-6)
    assert nn.Identity(3, key="ignored")(x) is x
    assert nn.Flatten()(minitorch.zeros(2, 3, 4, 5)).shape == (2, 60)
    assert nn.Flatten(0, 1)(minitorch.zeros(2, 3, 4, 5)).shape == (6, 4, 5)
    y = x.clone()
    assert nn.ReLU(inplace=True)(y) is y
    assert y.tolist() == [[0, 0, 2]]


def test_dropout_follows_the_mode_and_the_seed():
    layer = nn.Dropout(0.25)
    x = minitorch.ones(10000)
    minitorch.manual_seed(3)
    dropped = layer(x)
    assert set(dropped.tolist()) == {0.0, np.float32(1 / 0.75)}
    assert abs(dropped.mean().item() - 1) < 0.03
    minitorch.manual_seed(3)
    assert minitorch.equal(layer(x), dropped)
    assert layer.eval()(x).tolist() == x.tolist()
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            nn.Dropout(p)


def test_losses():
    logits = minitorch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    target = minitorch.tensor([1, 0])
    exponentials = np.exp(logits.numpy())
    each = -np.log(exponentials[[0, 1], [1, 0]] / exponentials.sum(1))
    np.testing.assert_allclose(nn.CrossEntropyLoss()(logits, target).item(), each.mean(), rtol=1e-6)
    np.testing.assert_allclose(nn.CrossEntropyLoss(reduction="none")(logits, target).numpy(), each, rtol=1e-6)
    np.testing.assert_allclose(nn.CrossEntropyLoss(ignore_index=0)(logits, target).item(), each[0], rtol=1e-6)
    weight = minitorch.tensor([1.0, 3.0, 1.0])
    weighted = nn.CrossEntropyLoss(weight)
    assert list(weighted.state_dict()) == ["weight"]
    np.testing.assert_allclose(weighted(logits, target).item(), (3 * each[0] + each[1]) / 4, rtol=1e-6)
    assert weighted.double().weight.dtype is minitorch.float64
    smooth = nn.CrossEntropyLoss(label_smoothing=0.3)(logits, target).item()
    log_p = np.log(exponentials / exponentials.sum(1, keepdims=True))
    np.testing.assert_allclose(smooth, (0.7 * each - 0.1 * log_p.sum(1)).mean(), rtol=1e-6)
    a, b = minitorch.tensor([1.0, 2.0]), minitorch.tensor([3.0, 2.0])
    assert nn.MSELoss()(a, b).item() == 2
    assert nn.MSELoss(reduction="sum")(a, b).item() == 4
    assert nn.MSELoss(reduction="none")(a, b).tolist() == [4, 0]


@pytest.mark.parametrize(
    ("make", "fan_in"),
    [
        (lambda: nn.Linear(400, 300), 400),
        (lambda: nn.Conv2d(8, 100, 5, groups=2), 100),
        (lambda: nn.Conv1d(40, 300, 10), 400),
        (lambda: nn.ConvTranspose2d(50, 200, 5, groups=50), 100),
    ],
)
def test_weights_begin_uniform_in_one_over_root_fan_in(make, fan_in):
    minitorch.manual_seed(0)
    layer = make()
    bound = 1 / math.sqrt(fan_in)
    for parameter in layer.parameters():
        values = parameter.detach().numpy()
        assert (np.abs(values) <= bound).all()
        assert np.abs(values).max() > 0.97 * bound
        assert abs(values.mean()) < 4 * bound / math.sqrt(3 * values.size)
    assert abs(layer.weight.detach().numpy().std() - bound / math.sqrt(3)) < 0.02 * bound


def test_a_seed_makes_the_same_model():
    def make(seed):
        minitorch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(1, 3, 3), nn.Linear(4, 5)).state_dict()

    first, second, other = make(1), make(1), make(2)
    for name, tensor in first.items():
        assert minitorch.equal(tensor, second[name])
        assert not minitorch.equal(tensor, other[name])


def test_layers_without_elements():
    assert nn.Linear(0, 3)(minitorch.zeros(2, 0)).shape == (2, 3)
    assert nn.Linear(3, 0)(minitorch.zeros(2, 3)).shape == (2, 0)
    assert nn.Linear(3, 2)(minitorch.zeros(0, 3)).shape == (0, 2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Linear(-1, 2), ValueError, "in_features=-1"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "in_channels must be divisible by groups, got 3 and 2"),
        (lambda: nn.Conv2d(2, 3, 3, groups=2), ValueError, "out_channels must be divisible by groups, got 3 and 2"),
        (lambda: nn.Conv2d(1, 1, 3, groups=0), ValueError, "groups must be a positive integer"),
        (lambda: nn.Conv2d(1, 1, 0), RuntimeError, "kernel_size must be positive"),
        (lambda: nn.Conv2d(1, 1, 3, stride=0), RuntimeError, "stride must be positive"),
        (lambda: nn.Conv2d(1, 1, 3, dilation=-1), RuntimeError, "dilation must be positive"),
        (lambda: nn.Conv2d(1, 1, 3, padding=-1), RuntimeError, "padding must be non-negative"),
        (lambda: nn.Conv2d(1, 1, 3, padding="full"), ValueError, "padding must be 'same', 'valid' or numbers"),
        (
            lambda: nn.Conv2d(1, 1, 3, padding="same", stride=2),
            ValueError,
            r"not supported for strided convolutions, got stride=\(2, 2\)",
        ),
        (lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"), ValueError, "padding_mode must be one of .*got 'mirror'"),
        (lambda: nn.Conv1d(1, 1, (3, 3)), RuntimeError, "Conv1d: kernel_size must be an int or a tuple of one"),
        (lambda: nn.ConvTranspose2d(1, 1, 3, padding_mode="reflect"), ValueError, "padding_mode must be 'zeros'"),
        (lambda: nn.ConvTranspose2d(1, 1, 3, padding="same"), TypeError, "padding must be an int or a tuple of two"),
        (lambda: nn.ConvTranspose1d(3, 4, 3, groups=2), ValueError, "ConvTranspose1d: in_channels must be divisible"),
        (lambda: nn.Conv2d(1, 1, "3"), TypeError, "kernel_size must be an int or a tuple"),
    ],
)
def test_arguments_that_make_no_layer(make, error, message):
    with pytest.raises(error, match=message):
        make()


# Each is shown as PyTorch shows it; tests/nn/test_torch.py compares them where PyTorch is installed.
REPRS = {
    "nn.Identity()": "Identity()",
    "nn.Linear(2, 3)": "Linear(in_features=2, out_features=3, bias=True)",
    "nn.Linear(2, 3, bias=False)": "Linear(in_features=2, out_features=3, bias=False)",
    "nn.Conv2d(1, 6, 5)": "Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))",
    "nn.Conv2d(4, 6, (3, 2), 2, 1, 3, 2, bias=False)": (
        "Conv2d(4, 6, kernel_size=(3, 2), stride=(2, 2), padding=(1, 1), dilation=(3, 3), groups=2, bias=False)"
    ),
    "nn.Conv2d(1, 1, 3, padding='same')": "Conv2d(1, 1, kernel_size=(3, 3), stride=(1, 1), padding=same)",
    "nn.Conv2d(1, 2, 3, padding=1, bias=False, padding_mode='circular')": (
        "Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False, padding_mode=circular)"
    ),
    "nn.Conv1d(4, 6, 3, stride=2, groups=2)": "Conv1d(4, 6, kernel_size=(3,), stride=(2,), groups=2)",
    "nn.ConvTranspose1d(4, 6, 3, padding=1)": "ConvTranspose1d(4, 6, kernel_size=(3,), stride=(1,), padding=(1,))",
    "nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, 2)": (
        "ConvTranspose2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1), groups=2)"
    ),
    "nn.Upsample((3, 4))": "Upsample(size=(3, 4), mode='nearest')",
    "nn.Upsample(scale_factor=(2, 3), mode='bilinear')": "Upsample(scale_factor=(2.0, 3.0), mode='bilinear')",
    "nn.UpsamplingNearest2d(scale_factor=2)": "UpsamplingNearest2d(scale_factor=2.0, mode='nearest')",
    "nn.UpsamplingBilinear2d(3)": "UpsamplingBilinear2d(size=3, mode='bilinear')",
    "nn.PixelShuffle(2)": "PixelShuffle(upscale_factor=2)",
    "nn.PixelUnshuffle(3)": "PixelUnshuffle(downscale_factor=3)",
    "nn.MaxPool2d(2)": "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
    "nn.MaxPool2d((3, 2), 1, 1)": "MaxPool2d(kernel_size=(3, 2), stride=1, padding=1, dilation=1, ceil_mode=False)",
    "nn.AvgPool2d(2)": "AvgPool2d(kernel_size=2, stride=2, padding=0)",
    "nn.ReLU()": "ReLU()",
    "nn.ReLU(inplace=True)": "ReLU(inplace=True)",
    "nn.Tanh()": "Tanh()",
    "nn.Sigmoid()": "Sigmoid()",
    "nn.Dropout(0.3)": "Dropout(p=0.3, inplace=False)",
    "nn.Flatten()": "Flatten(start_dim=1, end_dim=-1)",
    "nn.Unflatten(1, (2, 5))": "Unflatten(dim=1, unflattened_size=(2, 5))",
    "nn.ConstantPad1d(2, 3.5)": "ConstantPad1d(padding=(2, 2), value=3.5)",
    "nn.ConstantPad2d((1, 2, 0, 3), 7)": "ConstantPad2d(padding=(1, 2, 0, 3), value=7)",
    "nn.ZeroPad1d(1)": "ZeroPad1d((1, 1))",
    "nn.ZeroPad2d((1, 2, 0, 3))": "ZeroPad2d((1, 2, 0, 3))",
    "nn.ReflectionPad1d((1, 2))": "ReflectionPad1d((1, 2))",
    "nn.ReflectionPad2d(1)": "ReflectionPad2d((1, 1, 1, 1))",
    "nn.ReplicationPad1d(1)": "ReplicationPad1d((1, 1))",
    "nn.ReplicationPad2d(1)": "ReplicationPad2d((1, 1, 1, 1))",
    "nn.CircularPad1d(1)": "CircularPad1d((1, 1))",
    "nn.CircularPad2d(1)": "CircularPad2d((1, 1, 1, 1))",
    "nn.Unfold((3, 2), padding=1)": "Unfold(kernel_size=(3, 2), dilation=1, padding=1, stride=1)",
    "nn.Fold((7, 6), 3, stride=2)": "Fold(output_size=(7, 6), kernel_size=3, dilation=1, padding=0, stride=2)",
    "nn.Embedding(5, 3)": "Embedding(5, 3)",
    "nn.Embedding(5, 3, -1, 2.0, 1.0, True)": (
        "Embedding(5, 3, padding_idx=4, max_norm=2.0, norm_type=1.0, scale_grad_by_freq=True)"
    ),
    "nn.Sequential()": "Sequential()",
    "nn.ModuleList()": "ModuleList()",
    "nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh()))": (
        "Sequential(\n  (0): ReLU()\n  (1): Sequential(\n    (0): Tanh()\n  )\n)"
    ),
    "nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Sequential(nn.Tanh()), nn.Sequential(nn.Tanh()), nn.Tanh()])": (
        "ModuleList(\n  (0-1): 2 x ReLU()\n  (2-3): 2 x Sequential(\n    (0): Tanh()\n  )\n  (4): Tanh()\n)"
    ),
}


@pytest.mark.parametrize("source", REPRS)
def test_repr(source):
    assert repr(eval(source)) == REPRS[source]
