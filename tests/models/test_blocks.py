"""Blocks: against convolutions written in NumPy, the papers' numbers of parameters, gradients, and that they learn."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch import nn, optim
from minitorch.autograd import gradcheck
from minitorch.models import BasicBlock, Bottleneck, DepthwiseSeparableConv2d, Inception, projection

# What makes a block, the stride that it has, and the channels that go in and come out.
SMALL = {
    "inception": (lambda: Inception(5, 2, 3, 4, 1, 2, 3), 1, 5, 11),
    "depthwise": (lambda: DepthwiseSeparableConv2d(4, 6), 1, 4, 6),
    "depthwise, 5×5 / 2": (lambda: DepthwiseSeparableConv2d(3, 2, 5, 2), 2, 3, 2),
    "basic": (lambda: BasicBlock(4, 4), 1, 4, 4),
    "basic, wider": (lambda: BasicBlock(3, 4, 1, projection(3, 4)), 1, 3, 4),
    "basic, smaller": (lambda: BasicBlock(3, 4, 2, projection(3, 4, 2)), 2, 3, 4),
    "bottleneck": (lambda: Bottleneck(8, 2), 1, 8, 8),
    "bottleneck, smaller": (lambda: Bottleneck(3, 2, 2, projection(3, 8, 2)), 2, 3, 8),
}


def count(module):
    return sum(p.numel() for p in module.parameters())


def make(name):
    """A block in float64 whose normalisations have something to do, and its images."""
    minitorch.manual_seed(0)
    build, _, channels, _ = SMALL[name]
    block = build().double()
    rng = np.random.default_rng(0)
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                drawn = rng.uniform(0.5, 1.5, module.num_features)
                with minitorch.no_grad():
                    tensor.copy_(minitorch.from_numpy(drawn))
    return block, minitorch.from_numpy(rng.standard_normal((3, channels, 7, 5)))


# ---- the same in NumPy -----------------------------------------------------------------------------------------------


def windows(x, size, stride, padding, value=0.0):
    """(N, C, OH, OW, size, size)"""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=value)
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))[:, :, ::stride, ::stride]


def relu(x):
    return np.maximum(x, 0)


class InNumPy:
    """The layers of a block as functions of arrays, with its parameters; `training` says how batches are normalised."""

    def __init__(self, block, training):
        self.arrays = {name: tensor.detach().numpy().copy() for name, tensor in block.state_dict().items()}
        self.training = training

    def conv(self, name, x, stride=1):
        weight = self.arrays[f"{name}.weight"]
        patches = windows(x, weight.shape[-1], stride, weight.shape[-1] // 2)
        y = np.einsum("nchwij,ocij->nohw", patches, weight)
        return y + self.arrays.get(f"{name}.bias", np.zeros(len(weight)))[:, None, None]

    def depthwise(self, name, x, stride):
        weight = self.arrays[f"{name}.weight"]
        return np.einsum("nchwij,cij->nchw", windows(x, weight.shape[-1], stride, weight.shape[-1] // 2), weight[:, 0])

    def norm(self, name, x):
        weight, bias, mean, var = (
            self.arrays[f"{name}.{kind}"][:, None, None] for kind in ("weight", "bias", "running_mean", "running_var")
        )
        if self.training:
            mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
        return (x - mean) / np.sqrt(var + 1e-5) * weight + bias

    def shortcut(self, x, stride):
        if "downsample.0.weight" not in self.arrays:
            return x
        return self.norm("downsample.1", self.conv("downsample.0", x, stride))


def inception(np_, x, stride):
    pooled = windows(x, 3, 1, 1, -np.inf).max((-2, -1))
    branches = [
        np_.conv("branch1.0", x),
        np_.conv("branch2.2", relu(np_.conv("branch2.0", x))),
        np_.conv("branch3.2", relu(np_.conv("branch3.0", x))),
        np_.conv("branch4.1", pooled),
    ]
    return relu(np.concatenate(branches, 1))


def separable(np_, x, stride):
    x = relu(np_.norm("bn1", np_.depthwise("depthwise", x, stride)))
    return relu(np_.norm("bn2", np_.conv("pointwise", x)))


def basic(np_, x, stride):
    y = relu(np_.norm("bn1", np_.conv("conv1", x, stride)))
    y = np_.norm("bn2", np_.conv("conv2", y))
    return relu(y + np_.shortcut(x, stride))


def bottleneck(np_, x, stride):
    y = relu(np_.norm("bn1", np_.conv("conv1", x)))
    y = relu(np_.norm("bn2", np_.conv("conv2", y, stride)))
    y = np_.norm("bn3", np_.conv("conv3", y))
    return relu(y + np_.shortcut(x, stride))


FORMULAS = {"inception": inception, "depthwise": separable, "basic": basic, "bottleneck": bottleneck}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", SMALL)
def test_outputs(name, training):
    block, x = make(name)
    in_numpy = InNumPy(block, training)
    _, stride, _, out_channels = SMALL[name]
    y = block.train(training)(x)
    expected = FORMULAS[name.split(",")[0]](in_numpy, x.numpy(), stride)
    assert y.shape == (3, out_channels, -(-7 // stride), -(-5 // stride))
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-9, atol=1e-12)
    assert 0.1 < (expected > 0).mean() < 1  # the last ReLU lets some pass and some not, or all numbers were equal


@pytest.mark.parametrize("name", SMALL)
def test_gradients(name):
    block, x = make(name)
    x.requires_grad_()
    assert gradcheck(lambda *_: block(x), (x, *block.parameters()))


@pytest.mark.parametrize("name", SMALL)
def test_they_learn(name):
    block, x = make(name)
    target = minitorch.from_numpy(np.random.default_rng(1).random((3, SMALL[name][-1]))) * 2
    optimizer = optim.Adam(block.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.MSELoss()(block(x).mean((2, 3)), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("name", SMALL)
def test_other_channels(name):
    block, x = make(name)
    with pytest.raises(RuntimeError, match=rf"conv2d: input has {x.shape[1] + 1} channels"):
        block(minitorch.zeros(1, x.shape[1] + 1, 7, 5, dtype=minitorch.float64))


# ---- the papers' numbers ---------------------------------------------------------------------------------------------


def test_googlenets_first_block_has_the_papers_parameters():
    # Table 1, inception (3a): 159K, in thousands of 1024.
    block = Inception(192, 64, 96, 128, 16, 32, 32)
    assert count(block) == 163_696
    assert count(block) // 1024 == 159
    assert block(minitorch.zeros(1, 192, 28, 28)).shape == (1, 256, 28, 28)


@pytest.mark.parametrize(("C", "O", "k"), [(32, 64, 3), (4, 6, 5), (1, 1, 1)])
def test_depthwise_separable_has_fewer_weights(C, O, k):
    block = DepthwiseSeparableConv2d(C, O, k)
    assert block.depthwise.weight.numel() + block.pointwise.weight.numel() == k * k * C + C * O
    assert count(block) == k * k * C + C * O + 2 * C + 2 * O


def test_mobilenet_has_the_papers_parameters():
    # The layers of table 1; table 4 says 4.2 million.
    maps = [(32, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), *[(512, 512)] * 5, (512, 1024)]
    blocks = [DepthwiseSeparableConv2d(C, O) for C, O in [*maps, (1024, 1024)]]
    first = nn.Sequential(nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32))
    assert round((count(first) + sum(map(count, blocks)) + count(nn.Linear(1024, 1000))) / 1e6, 1) == 4.2


def resnet_parameters(block, depths):
    """Those of a ResNet for ImageNet (table 1), all counted."""
    inplanes, total = 64, count(nn.Conv2d(3, 64, 7, bias=False)) + count(nn.BatchNorm2d(64))
    for stage, depth in enumerate(depths):
        planes = 64 * 2**stage
        outplanes = planes * block.expansion
        for number in range(depth):
            stride = 2 if stage and number == 0 else 1
            downsample = projection(inplanes, outplanes, stride) if stride != 1 or inplanes != outplanes else None
            total += count(block(inplanes, planes, stride, downsample))
            inplanes = outplanes
    return total + count(nn.Linear(inplanes, 1000))


def test_resnets_have_torchvisions_parameters():
    assert resnet_parameters(BasicBlock, (2, 2, 2, 2)) == 11_689_512
    assert resnet_parameters(BasicBlock, (3, 4, 6, 3)) == 21_797_672
    assert resnet_parameters(Bottleneck, (3, 4, 6, 3)) == 25_557_032


def test_torchvisions_names():
    assert [name for name, _ in Inception(3, 1, 1, 1, 1, 1, 1).named_parameters() if name.endswith("weight")] == [
        f"{branch}.weight" for branch in ("branch1.0", "branch2.0", "branch2.2", "branch3.0", "branch3.2", "branch4.1")
    ]
    names = ["conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias"]
    shortcut = ["downsample.0.weight", "downsample.1.weight", "downsample.1.bias"]
    assert [name for name, _ in BasicBlock(2, 3, 2, projection(2, 3, 2)).named_parameters()] == names + shortcut
    names += ["conv3.weight", "bn3.weight", "bn3.bias"]
    assert [name for name, _ in Bottleneck(2, 1, 1, projection(2, 4)).named_parameters()] == names + shortcut


# ---- their arguments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "arguments", "message"),
    [
        (BasicBlock, (4, 8), r"BasicBlock: 4 maps become 8 with stride 1, .*: give downsample=projection\(4, 8, 1\)"),
        (BasicBlock, (4, 4, 2), r"BasicBlock: 4 maps become 4 with stride 2, .*downsample=projection\(4, 4, 2\)"),
        (Bottleneck, (4, 4), r"Bottleneck: 4 maps become 16 with stride 1, .*downsample=projection\(4, 16, 1\)"),
        (DepthwiseSeparableConv2d, (4, 4, 2), "DepthwiseSeparableConv2d: expected an odd kernel_size, got 2"),
    ],
)
def test_arguments_that_do_not_fit(block, arguments, message):
    with pytest.raises(ValueError, match=message):
        block(*arguments)


@pytest.mark.parametrize("make_block", [lambda: BasicBlock(4, 4), lambda: Bottleneck(4, 1)])
def test_residual_blocks_without_weights_are_the_identity(make_block):
    block = make_block()
    with minitorch.no_grad():
        list(block.modules())[-1].weight.zero_()
    x = minitorch.rand(2, 4, 5, 3)
    assert (block(x) == x).all()
