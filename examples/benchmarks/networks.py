"""What the benchmarks share: LeNet-5, AlexNet and one training step, written once for both frameworks.

`fw` is the module `torch` or `minitorch`: they have the same names. Nothing here imports either, so that the Python of
the PyTorch installation can run it too.
"""

from __future__ import annotations

import importlib
from collections import OrderedDict
from typing import Any


def load(framework: str, threads: int) -> Any:
    """The framework as a module, on so many threads."""
    fw = importlib.import_module(framework)
    importlib.import_module(f"{framework}.nn")
    importlib.import_module(f"{framework}.optim")
    fw.set_num_threads(threads)
    return fw


def lenet5(fw: Any) -> Any:
    """LeNet-5 as it is trained today: ReLU, max-pooling, 32×32 images, ten classes."""
    nn = fw.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def alexnet(fw: Any, width: int = 4096) -> Any:
    """AlexNet as in torchvision (``minitorch.models.AlexNet``): 224×224 images, a thousand classes."""
    nn = fw.nn
    # torchvision's rectifies in place, which saves PyTorch memory; Minitorch never overwrites what is recorded.
    relu = nn.ReLU(inplace=fw.__name__ == "torch")
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        relu,
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        relu,
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        relu,
        nn.Conv2d(384, 256, 3, padding=1),
        relu,
        nn.Conv2d(256, 256, 3, padding=1),
        relu,
        nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d((6, 6)),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(256 * 6 * 6, width),
        relu,
        nn.Dropout(0.5),
        nn.Linear(width, width),
        relu,
        nn.Linear(width, 1000),
    )


def alexnet_small(fw: Any, classes: int = 10) -> Any:
    """``minitorch.models.AlexNetSmall``, with the same names: 32×32 images."""
    nn = fw.nn
    features = nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(32, 96, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 192, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(192, 128, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(128, 128, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
    )
    classifier = nn.Sequential(
        nn.Dropout(0.5),
        nn.Linear(128 * 3 * 3, 512),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, classes),
    )
    return nn.Sequential(OrderedDict(features=features, flatten=nn.Flatten(), classifier=classifier))


def step(model: Any, loss_fn: Any, optimizer: Any, images: Any, labels: Any) -> Any:
    """One training step; returns the loss."""
    optimizer.zero_grad()
    loss = loss_fn(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss
