"""AlexNet of 2012: the paper's numbers of parameters and units, its layers, its initialisation, and its two GPUs."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch
from minitorch import nn
from minitorch.models import alexnet_2012

PARAMETERS = {
    "features.0": 96 * (3 * 11 * 11 + 1),
    "features.4": 256 * (48 * 5 * 5 + 1),
    "features.8": 384 * (256 * 3 * 3 + 1),
    "features.10": 384 * (192 * 3 * 3 + 1),
    "features.12": 256 * (192 * 3 * 3 + 1),
    "classifier.0": 4096 * (6 * 6 * 256 + 1),
    "classifier.3": 4096 * (4096 + 1),
    "classifier.6": 1000 * (4096 + 1),
}


@pytest.fixture(scope="module")
def model():
    """One for all tests: 61 million random numbers take a second."""
    minitorch.manual_seed(0)
    return alexnet_2012().eval()


def test_number_of_parameters(model):
    counts = dict.fromkeys(PARAMETERS, 0)
    for name, parameter in model.named_parameters():
        counts[name.rpartition(".")[0]] += parameter.numel()
    assert counts == PARAMETERS
    assert sum(counts.values()) == 60_965_224


def test_number_of_units(model, output_shapes):
    shapes = output_shapes(model, minitorch.zeros(1, 3, 227, 227), (nn.Conv2d, nn.Linear))
    assert [math.prod(shape) for shape in shapes.values()] == [
        290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000,
    ]  # fmt: skip
    assert sum(math.prod(shape) for shape in shapes.values()) == 659_272
    assert sum(math.prod(shape) for shape in shapes.values()) // 10_000 * 10_000 == 650_000  # as in the abstract
    pools = output_shapes(model, minitorch.zeros(1, 3, 227, 227), (nn.MaxPool2d,))
    assert list(pools.values()) == [(96, 27, 27), (256, 13, 13), (256, 6, 6)]


def test_initialisation(model):
    with_ones = {"features.4", "features.10", "features.12", "classifier.0", "classifier.3"}
    for name in PARAMETERS:
        layer = model.get_submodule(name)
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        n = weight.size
        assert abs(weight.mean()) < 5 * 0.01 / math.sqrt(n), name
        assert abs(weight.std() / 0.01 - 1) < 5 / math.sqrt(2 * n), name
        assert (bias == (name in with_ones)).all(), name


def test_dropout_follows_the_hidden_layers():
    model = alexnet_2012(num_classes=2, dropout=0.25)
    assert [type(layer).__name__ for layer in model.classifier] == [
        "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear",
    ]  # fmt: skip
    assert [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)] == [0.25, 0.25]
    assert [layer.p for layer in alexnet_2012(2).modules() if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize("shape", [(1, 3, 224, 224), (1, 1, 227, 227), (3, 227, 227)])
def test_other_images(model, shape):
    with pytest.raises(RuntimeError, match=r"AlexNet2012: expected images \(N, 3, 227, 227\), got .*; crop"):
        model(minitorch.zeros(shape))
    assert model(minitorch.zeros(0, 3, 227, 227)).shape == (0, 1000)


def response_norm(a):
    """Section 3.3 word for word: b_i = a_i / (k + α Σ_{j = max(0, i - n/2)}^{min(N - 1, i + n/2)} a_j²)^β."""
    k, n, alpha, beta = 2, 5, 1e-4, 0.75
    N = a.shape[1]
    b = np.empty_like(a)
    for i in range(N):
        neighbours = a[:, max(0, i - n // 2) : min(N - 1, i + n // 2) + 1]
        b[:, i] = a[:, i] / (k + alpha * (neighbours**2).sum(1)) ** beta
    return b


@pytest.mark.parametrize("number", [2, 6])
def test_response_norm_is_the_papers(model, number):
    # Large enough for α to matter: the sum of five squares is about 10,000 here.
    a = np.random.default_rng(0).normal(scale=50, size=(2, 96, 3, 2))
    b = model.features[number](minitorch.from_numpy(a)).numpy()
    np.testing.assert_allclose(b, response_norm(a), rtol=1e-12)


def test_outputs_as_on_two_gpus_in_pytorch(model):
    """Figure 2: each GPU computes half of every layer; the third convolution and the classifier see both halves."""
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    parameters = {name: torch.from_numpy(p.detach().numpy()) for name, p in model.named_parameters()}

    def conv(name, x, half, **options):
        """The half of the layer's maps that is on one GPU."""
        weight, bias = (parameters[f"features.{name}.{kind}"].chunk(2)[half] for kind in ("weight", "bias"))
        return F.relu(F.conv2d(x, weight, bias, **options))

    def pooled(halves):
        """The norm's sum runs over all maps."""
        normed = F.local_response_norm(torch.cat(halves, 1), 5, alpha=5e-4, beta=0.75, k=2.0)
        return F.max_pool2d(normed, 3, 2).chunk(2, 1)

    def linear(name, x):
        return F.linear(x, parameters[f"classifier.{name}.weight"], parameters[f"classifier.{name}.bias"])

    images = np.random.default_rng(0).standard_normal((2, 3, 227, 227)).astype(np.float32) * 50
    x = torch.from_numpy(images)
    gpus = pooled([conv(0, x, half, stride=4) for half in (0, 1)])
    gpus = pooled([conv(4, gpus[half], half, padding=2) for half in (0, 1)])
    gpus = [conv(8, torch.cat(gpus, 1), half, padding=1) for half in (0, 1)]
    gpus = [conv(10, gpus[half], half, padding=1) for half in (0, 1)]
    gpus = [conv(12, gpus[half], half, padding=1) for half in (0, 1)]
    x = F.max_pool2d(torch.cat(gpus, 1), 3, 2).flatten(1)
    expected = linear(6, F.relu(linear(3, F.relu(linear(0, x)))))
    with minitorch.no_grad():
        logits = model(minitorch.from_numpy(images))
    np.testing.assert_allclose(logits.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5 * expected.abs().max().item())
