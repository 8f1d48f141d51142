"""The small AlexNet: its sizes, its initialisation, and that it learns."""

from __future__ import annotations

import pytest

import minitorch
from minitorch import nn, optim
from minitorch.models import AlexNetSmall, alexnet, alexnet_small


def test_it_is_alexnet_with_half_the_maps(output_shapes):
    small, large = alexnet_small(), alexnet(num_classes=10)
    assert list(small.state_dict()) == list(large.state_dict())
    assert [type(layer) for layer in (*small.features, *small.classifier)] == [
        type(layer) for layer in (*large.features, *large.classifier)
    ]
    kinds = (nn.Conv2d, nn.MaxPool2d, nn.Linear)
    half = output_shapes(small, minitorch.zeros(1, 3, 32, 32), kinds)
    whole = output_shapes(large.eval(), minitorch.zeros(1, 3, 224, 224), kinds)
    for name, shape in half.items():
        if name.startswith("features"):
            assert 2 * shape[0] == whole[name][0]
    assert half == {
        "features.0": (32, 32, 32),
        "features.2": (32, 15, 15),
        "features.3": (96, 15, 15),
        "features.5": (96, 7, 7),
        "features.6": (192, 7, 7),
        "features.8": (128, 7, 7),
        "features.10": (128, 7, 7),
        "features.12": (128, 3, 3),
        "classifier.1": (512,),
        "classifier.4": (512,),
        "classifier.6": (10,),
    }
    assert sum(p.numel() for p in small.parameters()) == 1_472_426


def test_arguments():
    model = AlexNetSmall(num_classes=4, dropout=0.25)
    assert [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)] == [0.25, 0.25]
    assert model(minitorch.zeros(0, 3, 32, 32)).shape == (0, 4)
    assert [layer.p for layer in alexnet_small().modules() if isinstance(layer, nn.Dropout)] == [0.5, 0.5]


@pytest.mark.parametrize("shape", [(1, 3, 224, 224), (1, 1, 32, 32), (3, 32, 32)])
def test_other_images(shape):
    with pytest.raises(RuntimeError, match=r"AlexNetSmall: expected images \(N, 3, 32, 32\), got "):
        alexnet_small()(minitorch.zeros(shape))


def test_it_learns():
    minitorch.manual_seed(0)
    x = minitorch.randn(20, 3, 32, 32)
    target = minitorch.arange(20) % 10
    model = alexnet_small(dropout=0)
    optimizer = optim.Adam(model.parameters(), lr=3e-4)
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), target)
        loss.backward()
        optimizer.step()
    assert (model.eval()(x).argmax(1) == target).all()
