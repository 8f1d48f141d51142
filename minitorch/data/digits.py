"""Scikit-learn's handwritten digits: real ones that come with a package, for where there is no network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ops.creation import from_numpy
from ..random import Generator
from ..tensor import Tensor
from .dataset import stratified_split
from .images import ImageDataset


class Digits(ImageDataset):
    """1,797 handwritten digits of 8×8 pixels (Alpaydin and Kaynak, 1998), enlarged to ``size`` × ``size``.

    A quarter of every class is the test set, always the same one. Needs scikit-learn, which holds the images.

    Args:
        train: the training set (1,347 digits), or else the test set (450).
        size: pixels a side; 32 is what LeNet-5 takes.
        transform, target_transform: applied to each image and each class.

    >>> import minitorch
    >>> digits = minitorch.data.Digits(train=False, size=8)
    >>> image, target = digits[0]
    >>> digits, image.shape, target
    (Digits(450 images of 8×8, 10 classes), minitorch.Size([1, 8, 8]), 1)

    Raises:
        ImportError: scikit-learn isn't installed.
    """

    def __init__(
        self,
        train: bool = True,
        size: int = 32,
        transform: Callable[[Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise ImportError("Digits: the images come with scikit-learn: pip install scikit-learn") from error
        digits = load_digits()
        classes = digits.target.astype(np.int64)
        parts = stratified_split(digits.images, [0.75, 0.25], targets=classes, generator=Generator().manual_seed(0))
        chosen = parts[0 if train else 1].indices
        images = enlarge(digits.images[chosen].astype(np.float32) / 16, size)  # pixels count from 0 to 16
        super().__init__(
            from_numpy(images), from_numpy(classes[chosen]), tuple("0123456789"), transform, target_transform
        )
        self.train = train


def enlarge(images: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Square images (N, H, H) as (N, size, size), by bilinear interpolation between the centres of the pixels.

    Interpolation is linear and the same for rows and columns: a matrix W (size, H) from either side, W·X·Wᵀ.
    """
    n = images.shape[-1]
    centres = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    left = np.minimum(centres.astype(np.int64), max(n - 2, 0))
    right = np.minimum(left + 1, n - 1)
    share = (centres - left).astype(np.float32)
    W = np.zeros((size, n), np.float32)
    W[np.arange(size), left] = 1 - share
    W[np.arange(size), right] += share
    enlarged: NDArray[np.float32] = W @ images @ W.T
    return enlarged
