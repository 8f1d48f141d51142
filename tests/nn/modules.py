"""Modules that several tests use."""

from __future__ import annotations

import minitorch
from minitorch import nn


class Affine(nn.Module):
    """A parameter, a persistent buffer and one that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(minitorch.ones(2))
        self.register_buffer("shift", minitorch.zeros(2))
        self.register_buffer("scratch", minitorch.zeros(3), persistent=False)

    def forward(self, x, factor=1):
        return (x * self.scale + self.shift) * factor


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.affine = Affine()
        self.features = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 4)))

    def forward(self, x):
        return self.features(self.affine(x))


def names(pairs):
    return [name for name, _ in pairs]
