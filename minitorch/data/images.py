"""Labelled images in memory: what MNIST, Fashion-MNIST and Digits have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops.creation import from_numpy
from ..tensor import Tensor, wrap
from .collate import Indices, default_collate
from .dataset import Dataset
from .transforms import Transform


class ImageDataset(Dataset):
    """Images of one size and their classes, in memory.

    Sample i is ``(image, target)``: the image a tensor that went through ``transform``, the target an int that went
    through ``target_transform``. Grey images are handed out as float32 (1, H, W) with values from 0 to 1, coloured ones
    as they are stored, (3, H, W), which is how :class:`ImageFolder` hands out photographs: uint8 from 0 to 255.

    A batch goes through a :class:`minitorch.data.transforms.Transform` as a whole, through any other function image by
    image.

    Attributes:
        data: all images as they are stored: grey (N, H, W), uint8 from 0 to 255 or float32 from 0 to 1; or coloured
            (N, 3, H, W).
        targets: their classes: (N,), int64.
        classes: the name of each class.

    >>> import minitorch
    >>> images = minitorch.tensor([[[0, 255]], [[255, 0]]], dtype=minitorch.uint8)
    >>> dataset = minitorch.data.ImageDataset(images, minitorch.tensor([0, 1]), ("right", "left"))
    >>> dataset[1]
    (tensor([[[1., 0.]]]), 1)
    """

    def __init__(
        self,
        data: Tensor,
        targets: Tensor,
        classes: Sequence[str],
        transform: Callable[[Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        self.data = data
        self.targets = targets
        self.classes = list(classes)
        self.transform = transform
        self.target_transform = target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: i for i, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image: Any = self._images(index)
        target: Any = int(self.targets.data[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def get_batch(self, indices: Indices) -> list[Any]:
        """A batch at once."""
        images: Any = self._images(indices)
        targets: Any = self.targets[indices]
        if isinstance(self.transform, Transform):
            images = self.transform(images)
        elif self.transform is not None:
            images = default_collate([self.transform(image) for image in images])
        if self.target_transform is not None:
            targets = default_collate([self.target_transform(target) for target in targets.tolist()])
        return [images, targets]

    def tensors(self) -> tuple[Tensor, Tensor]:
        """The whole dataset, without transforms: images (N, C, H, W) as samples have them, and targets (N,)."""
        return self._images(slice(None)), self.targets

    def _images(self, index: Any) -> Tensor:
        """A copy of some images, as they are handed out."""
        images = self.data.data[index]
        if self.data.ndim == 4:
            return wrap(images.copy(), self.data.backend)
        scale = np.float32(255 if images.dtype == np.uint8 else 1)
        return wrap(np.divide(images, scale, dtype=np.float32)[..., None, :, :], self.data.backend)

    def __repr__(self) -> str:
        n, height, width = len(self.data), *self.data.shape[-2:]
        return f"{type(self).__name__}({n} images of {height}×{width}, {len(self.classes)} classes)"


def labelled_images(images: Any, labels: Any, num_classes: int, what: str) -> tuple[Tensor, Tensor]:
    """Checks that arrays from files are images and their labels, and makes tensors of them.

    Raises:
        ValueError: they aren't; the message begins with ``what``.
    """
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(f"{what}: expected uint8 images (N, H, W), got {images.dtype} of shape {images.shape}")
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise ValueError(f"{what}: expected uint8 labels (N,), got {labels.dtype} of shape {labels.shape}")
    if len(images) != len(labels):
        raise ValueError(f"{what}: there are {len(images)} images but {len(labels)} labels")
    if labels.size and labels.max() >= num_classes:
        raise ValueError(f"{what}: label {labels.max()} is out of range for {num_classes} classes")
    return from_numpy(images), from_numpy(labels.astype(np.int64))
