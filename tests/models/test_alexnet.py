"""AlexNet: sizes, torchvision's names, and the same numbers as the same network in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch import nn
from minitorch.models import AlexNet, alexnet

SHAPES = {
    "features.0": (64, 3, 11, 11),
    "features.3": (192, 64, 5, 5),
    "features.6": (384, 192, 3, 3),
    "features.8": (256, 384, 3, 3),
    "features.10": (256, 256, 3, 3),
    "classifier.1": (4096, 9216),
    "classifier.4": (4096, 4096),
    "classifier.6": (1000, 4096),
}


@pytest.fixture(scope="module")
def model():
    """One for all tests: 61 million random numbers take a second."""
    minitorch.manual_seed(0)
    return alexnet().eval()


def test_torchvisions_names_order_and_number_of_parameters(model):
    names = [(f"{name}.{kind}", shape if kind == "weight" else shape[:1])
             for name, shape in SHAPES.items() for kind in ("weight", "bias")]  # fmt: skip
    assert [(name, tuple(p.shape)) for name, p in model.named_parameters()] == names
    assert list(model.state_dict()) == [name for name, _ in names]
    assert sum(p.numel() for p in model.parameters()) == 61_100_840


def test_sizes_of_maps(model, output_shapes):
    shapes = output_shapes(model, minitorch.zeros(1, 3, 224, 224), (nn.Conv2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d))
    assert shapes == {
        "features.0": (64, 55, 55),
        "features.2": (64, 27, 27),
        "features.3": (192, 27, 27),
        "features.5": (192, 13, 13),
        "features.6": (384, 13, 13),
        "features.8": (256, 13, 13),
        "features.10": (256, 13, 13),
        "features.12": (256, 6, 6),
        "avgpool": (256, 6, 6),
    }


def test_other_sizes(model):
    assert model(minitorch.zeros(0, 3, 224, 224)).shape == (0, 1000)
    assert model(minitorch.zeros(1, 3, 63, 100)).shape == (1, 1000)
    with pytest.raises(RuntimeError, match=r"^features.12 \(MaxPool2d\): max_pool2d: kernel_size \(3, 3\)"):
        model(minitorch.zeros(1, 3, 62, 100))
    with pytest.raises(RuntimeError, match=r"^features.0 \(Conv2d\): conv2d: input has 1 channels"):
        model(minitorch.zeros(1, 1, 224, 224))


def test_dropout_only_in_training():
    minitorch.manual_seed(0)
    model = AlexNet(num_classes=7, dropout=0.25)
    assert [module.p for module in model.modules() if isinstance(module, nn.Dropout)] == [0.25, 0.25]
    x = minitorch.randn(2, 3, 64, 64)
    with minitorch.no_grad():
        a, b = model(x), model(x)
        assert a.shape == (2, 7)
        assert (a != b).any()
        model.eval()
        assert (model(x) == model(x)).all()


def same_in_pytorch(torch):
    layers = torch.nn

    class Same(layers.Module):
        def __init__(self):
            super().__init__()
            features = []
            for number, (C, O, kernel_size, stride, padding) in enumerate(
                [(3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1), (384, 256, 3, 1, 1), (256, 256, 3, 1, 1)]
            ):
                features += [layers.Conv2d(C, O, kernel_size, stride, padding), layers.ReLU(inplace=True)]
                if number in (0, 1, 4):
                    features.append(layers.MaxPool2d(3, 2))
            self.features = layers.Sequential(*features)
            self.avgpool = layers.AdaptiveAvgPool2d((6, 6))
            self.classifier = layers.Sequential(
                layers.Dropout(0.5),
                layers.Linear(9216, 4096),
                layers.ReLU(inplace=True),
                layers.Dropout(0.5),
                layers.Linear(4096, 4096),
                layers.ReLU(inplace=True),
                layers.Linear(4096, 1000),
            )

        def forward(self, x):
            return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))

    return Same().eval()


@pytest.mark.parametrize("size", [(224, 224), (63, 150)])
def test_outputs_as_in_pytorch(model, size):
    torch = pytest.importorskip("torch")
    theirs = same_in_pytorch(torch)
    theirs.load_state_dict({name: torch.from_numpy(array.numpy()) for name, array in model.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((2, 3, *size)).astype(np.float32)
    with minitorch.no_grad(), torch.no_grad():
        ours, expected = model(minitorch.from_numpy(x)), theirs(torch.from_numpy(x))
    np.testing.assert_allclose(ours.numpy(), expected.numpy(), rtol=1e-4, atol=1e-6)


def test_torchvisions_weights_load(model, tmp_path):
    torch = pytest.importorskip("torch")
    save_file = pytest.importorskip("safetensors.torch").save_file
    torch.manual_seed(1)
    theirs = same_in_pytorch(torch)
    save_file(theirs.state_dict(), tmp_path / "alexnet.safetensors")
    loaded = alexnet().eval()
    loaded.load_state_dict(minitorch.load(tmp_path / "alexnet.safetensors"))
    x = np.random.default_rng(0).standard_normal((2, 3, 224, 224)).astype(np.float32)
    with minitorch.no_grad(), torch.no_grad():
        ours, expected = loaded(minitorch.from_numpy(x)).numpy(), theirs(torch.from_numpy(x)).numpy()
        before = model(minitorch.from_numpy(x)).numpy()
    assert np.abs(ours - expected).max() < 1e-4 * np.abs(expected).max()
    assert np.abs(before - expected).max() > np.abs(expected).max()  # which other weights don't give
