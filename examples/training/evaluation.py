"""What a model says to images that it didn't learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import minitorch
from minitorch import nn
from minitorch.data import DataLoader, transforms
from minitorch.nn import functional as F

from . import ranks


@dataclass
class Answers:
    """The answers to N images."""

    targets: np.ndarray[Any, Any]  # (N,): the right classes
    ranking: np.ndarray[Any, Any]  # (N, 5): the classes that the model finds likeliest, the first of all first
    loss: float  # the mean cross-entropy

    def accuracy(self, best: int = 1) -> float:
        """The share of the images whose class is among the `best` likeliest: top-1, top-5."""
        return float((self.ranking[:, :best] == self.targets[:, None]).any(1).mean())


def evaluate(model: nn.Module, loader: DataLoader, device: str) -> Answers:
    """The model's answers to all images; where each is given as several crops (N, crops, C, H, W), to all of them.

    Every rank asks about its share, and has all answers afterwards.
    """
    ranks.same_buffers(model)
    model.eval()
    targets, rankings, loss = [], [], 0.0
    with minitorch.no_grad():
        for images, labels in loader:
            images = images.to(device)
            logits = model(images) if images.ndim == 4 else transforms.average_over_crops(model, images).log()
            loss += F.cross_entropy(logits, labels.to(device), reduction="sum").item()
            rankings.append(np.argsort(-logits.numpy(force=True), axis=1, kind="stable")[:, :5])
            targets.append(labels.numpy(force=True))
    count = len(loader.dataset)
    (loss,) = ranks.total(loss)
    return Answers(of_all_ranks(targets, count), of_all_ranks(rankings, count), loss / count)


def of_all_ranks(parts: list[np.ndarray[Any, Any]], count: int) -> np.ndarray[Any, Any]:
    """What each rank has of `count` rows, one after the other; the first rank has the rows 0, size, 2·size, …"""
    mine = np.concatenate(parts)
    rows = np.zeros((count, *mine.shape[1:]), np.int64)
    rows[ranks.rank() :: ranks.size()] = mine
    ranks.add_up(rows)
    return rows
