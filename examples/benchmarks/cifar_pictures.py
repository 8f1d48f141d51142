"""The files that cifar_parity.py gives to its processes: initial weights, and pictures in batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import minitorch
from minitorch.data import DataLoader, ImageDataset, ImageFolder
from minitorch.data.transforms import Compose, RandomCrop, RandomHorizontalFlip
from minitorch.models import alexnet_small


class Pictures:
    """The data set, and the files that the processes read."""

    def __init__(self, data: str, folder: Path, batch_size: int) -> None:
        self.folder, self.batch_size = folder, batch_size
        parts = {}
        for part in ("train", "test"):
            files = ImageFolder(Path(data, part))
            images = np.stack([image.numpy() for image, _ in files])
            parts[part] = images, np.array(files.targets)
        scaled = parts["train"][0] / np.float32(255)
        self.scale = {"mean": scaled.mean((0, 2, 3))[:, None, None], "std": scaled.std((0, 2, 3))[:, None, None]}
        self.classes = files.classes
        self.write("test", *parts["test"])
        augment = Compose([RandomCrop(32, padding=4), RandomHorizontalFlip()])
        images, targets = map(minitorch.from_numpy, parts["train"])
        self.dataset = ImageDataset(images, targets, self.classes, transform=augment)

    def write(self, part: str, images: np.ndarray, labels: np.ndarray) -> None:
        np.savez(self.folder / f"{part}.npz", images=images, labels=labels, **self.scale)

    def seed(self, seed: int) -> None:
        """Draws the initial weights; from now on the batches are those of this seed."""
        minitorch.manual_seed(seed)
        weights = alexnet_small(len(self.classes)).state_dict()
        np.savez(self.folder / "weights.npz", **{name: tensor.numpy() for name, tensor in weights.items()})
        self.loader = DataLoader(self.dataset, self.batch_size, shuffle=True)

    def next_epoch(self) -> None:
        """Writes the training pictures in a new order, cropped and flipped anew."""
        batches = [(images.numpy(), labels.numpy()) for images, labels in self.loader]
        self.write("train", *(np.concatenate(arrays) for arrays in zip(*batches, strict=True)))
