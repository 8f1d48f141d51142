"""The colour augmentation of the 2012 AlexNet: another light."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...backends import get_backend
from ...random import normal
from ...tensor import Tensor, wrap
from .color_jitter import check_colours
from .to_dtype import ToDtype
from .transform import Transform

# Of ImageNet, as fb.resnet.torch computed them and others took over: of values from 0 to 1, a column an eigenvector.
EIGENVALUES = (0.2175, 0.0188, 0.0045)
EIGENVECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


class PCALighting(Transform):
    """Adds a random colour to all pixels of an image, as a change of the light does.

    The colour is ``[p₁ p₂ p₃] · [α₁λ₁ α₂λ₂ α₃λ₃]ᵀ``, where pᵢ and λᵢ are the eigenvectors and eigenvalues of the
    covariance of the pixels' red, green and blue, and αᵢ is drawn from N(0, ``std``²) for each image: colours change
    most in the direction in which those of photographs differ most.

    Args:
        std: of α; 0 changes nothing.
        eigenvalues: three numbers, of pixel values from 0 to 1 (the covariance of values from 0 to 255 is 255² times
            as large). By default ImageNet's; :meth:`fit` computes those of other images.
        eigenvectors: 3×3, a column for each eigenvalue.

    What is added is in units of values from 0 to 1, as floating images must have (so before :class:`Normalize`); uint8
    images get 255 times as much, rounded and clipped to 0…255. Floating values aren't clipped.

    N images take ⌈3·N/2⌉ blocks of the generator's stream, in which all of them share.

    >>> import minitorch
    >>> from minitorch.data import transforms
    >>> lighting = transforms.PCALighting(std=0.1)
    >>> lighting(minitorch.rand(8, 3, 32, 32)).shape
    minitorch.Size([8, 3, 32, 32])

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks" (2012),
    section 4.1.

    Raises:
        ValueError: ``std`` is negative, or there are not three eigenvalues and 3×3 numbers in eigenvectors.
        TypeError: the images are neither uint8 nor floating, or don't have three channels.
    """

    def __init__(
        self,
        std: float = 0.1,
        eigenvalues: Sequence[float] = EIGENVALUES,
        eigenvectors: Sequence[Sequence[float]] = EIGENVECTORS,
    ) -> None:
        values, vectors = np.asarray(eigenvalues, np.float64), np.asarray(eigenvectors, np.float64)
        if values.shape != (3,) or vectors.shape != (3, 3):
            raise ValueError(
                f"PCALighting: expected three eigenvalues and 3×3 numbers in eigenvectors, got the shapes "
                f"{values.shape} and {vectors.shape}"
            )
        if not std >= 0:
            raise ValueError(f"PCALighting: expected std not to be negative, got {std}")
        self.std = std
        self.eigenvalues = tuple(values.tolist())
        self.eigenvectors = tuple(tuple(row) for row in vectors.tolist())

    @classmethod
    def fit(cls, images: Iterable[Any], std: float = 0.1) -> PCALighting:
        """The transform with the eigenvalues and eigenvectors of ``images``.

        Args:
            images: tensors (…, 3, H, W), also of different sizes, uint8 or floating from 0 to 1; or tuples that begin
                with one, such as the samples of a dataset or the batches of a loader.

        >>> import minitorch
        >>> from minitorch.data import transforms
        >>> greys = minitorch.tensor([0.0, 1.0]).expand(1, 3, 1, 2)  # they differ in one direction, that of white
        >>> [round(value, 3) for value in transforms.PCALighting.fit(greys).eigenvalues]
        [0.75, 0.0, 0.0]

        Raises:
            ValueError: there are no pixels.
            TypeError: something else than images of three channels, uint8 or floating.
        """
        count, total, products = 0, np.zeros(3), np.zeros((3, 3))
        scale = ToDtype(np.float64, scale=True)
        for sample in images:
            image = sample[0] if isinstance(sample, (tuple, list)) else sample
            if not isinstance(image, Tensor) or image.ndim < 3:
                got = f"one of shape {tuple(image.shape)}" if isinstance(image, Tensor) else type(image).__name__
                raise TypeError(f"PCALighting.fit: expected tensors of images (..., 3, H, W), got {got}")
            check_colours("PCALighting.fit", image, (3,))
            pixels = np.moveaxis(scale(image).cpu().data, -3, 0).reshape(3, -1)
            count += pixels.shape[1]
            total += pixels.sum(1)
            products += pixels @ pixels.T
        if not count:
            raise ValueError("PCALighting.fit: there are no pixels to learn from")
        mean = total / count
        values, vectors = np.linalg.eigh(products / count - np.outer(mean, mean))
        # eigh has the smallest first; rounding may make it negative where colours lie on a line.
        return cls(std, np.maximum(values[::-1], 0).tolist(), vectors[:, ::-1].tolist())

    def transform(self, images: Tensor) -> Tensor:
        check_colours("PCALighting", images, (3,))
        N = len(images.data)
        alpha = self.std * normal(get_backend("cpu"), 3 * N, np.float64, None).reshape(N, 3)
        colours = (alpha * self.eigenvalues) @ np.array(self.eigenvectors).T
        xp, old = images.backend.xp, images.data.dtype
        if old != np.uint8:
            return wrap(images.data + xp.asarray(colours.astype(old)[..., None, None]), images.backend)
        added = xp.asarray((255 * colours).astype(np.float32)[..., None, None])
        return wrap(xp.clip(xp.rint(images.data + added), 0, 255).astype(old), images.backend)
