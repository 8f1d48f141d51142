"""What the algorithms share: images with zeros around them, and what each element of a kernel sees of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, TypeVar

from ..dispatch import ieee
from ..geometry import Pair

F = TypeVar("F", bound=Callable[..., Any])


def padded(xp: Any, input: Any, padding: Pair) -> Any:
    """A copy of images (N, C, H, W) with zeros around them: (N, C, H + 2·ph, W + 2·pw)."""
    N, C, H, W = input.shape
    image = xp.zeros((N, C, H + 2 * padding[0], W + 2 * padding[1]), dtype=input.dtype)
    unpadded(image, padding)[...] = input
    return image


def unpadded(image: Any, padding: Pair) -> Any:
    """A view of the inside of what :func:`padded` returns."""
    return image[:, :, padding[0] : image.shape[2] - padding[0], padding[1] : image.shape[3] - padding[1]]


def taps(
    image: Any, kernel_size: Sequence[int], output_size: Sequence[int], stride: Pair, dilation: Pair
) -> Iterator[tuple[int, int, Any]]:
    """(kh, kw, seen) for each element of a kernel: while the kernel slides, the element meets the pixels ``seen``.

    ``seen`` is a view of the image, with the shape (N, C, OH, OW) of the output.
    """
    height, width = stride[0] * (output_size[0] - 1) + 1, stride[1] * (output_size[1] - 1) + 1
    for kh in range(kernel_size[0]):
        for kw in range(kernel_size[1]):
            top, left = kh * dilation[0], kw * dilation[1]
            yield kh, kw, image[:, :, top : top + height : stride[0], left : left + width : stride[1]]


def quiet(function: F) -> F:
    """A decorator: infinities and NaN are results like others, not worth NumPy's warnings."""

    @wraps(function)
    def run(*args: Any) -> Any:
        return ieee.run(function, *args)

    return run  # type: ignore[return-value]
