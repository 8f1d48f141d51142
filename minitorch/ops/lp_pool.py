"""Pools between the mean and the maximum: the p-norm of each window."""

from __future__ import annotations

import math
from typing import Any

from ..tensor import Tensor
from .avg_pool import avg_pool1d, avg_pool2d
from .dispatch import check_floating
from .geometry import Pair, sizes_of
from .max_pool import max_pool1d, max_pool2d
from .selection import where


def _lp_pool(
    name: str, dims: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool
) -> Tensor:
    check_floating(name, input)
    if norm_type == 0:
        raise ZeroDivisionError(f"{name}: norm_type must not be 0")
    max_pool, avg_pool = (max_pool1d, avg_pool1d) if dims == 1 else (max_pool2d, avg_pool2d)
    if math.isinf(norm_type):
        sign = math.copysign(1, norm_type)  # the p-norm tends to the largest absolute value, or to the smallest
        return max_pool(input.abs() * sign, kernel_size, stride, ceil_mode=ceil_mode) * sign  # type: ignore[no-any-return]
    means = avg_pool(input.pow(norm_type), kernel_size, stride, ceil_mode=ceil_mode)
    # At 0 a root has an infinite slope, and the zeros of a window no direction: no gradient passes.
    sums = where(means == 0, 0, means) * math.prod(sizes_of(name, "kernel_size", kernel_size, dims))
    return sums.pow(1 / norm_type)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: int | Pair,
    stride: int | Pair | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """``y = (Σ xᵖ)^(1/p)`` of each window, with p = ``norm_type``: the sum for 1, the largest |x| for ∞.

    The absolute value isn't taken, except for ±∞: for odd p, a negative sum gives NaN. No gradient passes where the sum
    is 0. A window that overhangs the edge counts as ``KH·KW`` elements of its mean power.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        norm_type: p, not 0.
        kernel_size, stride, ceil_mode: as :func:`minitorch.nn.functional.avg_pool2d`.

    Returns:
        (N, C, OH, OW) or (C, OH, OW) with ``OH = (H - KH) // stride + 1``, rounded up with ``ceil_mode``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.lp_pool2d(minitorch.tensor([[[3., 0.], [0., 4.]]]), 2, 2)
    tensor([[[5.]]])

    Raises:
        RuntimeError: as ``avg_pool2d``.
        ZeroDivisionError: ``norm_type`` is 0.

    Sermanet, Chintala and LeCun, "Convolutional neural networks applied to house numbers digit classification" (2012),
    section 2.2.
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int,
    stride: int | tuple[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """:func:`lp_pool2d` of signals: (N, C, L) → (N, C, OL), or (C, L) → (C, OL).

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.lp_pool1d(minitorch.tensor([[3., 4., 5., 12.]]), 2, 2)
    tensor([[ 5., 13.]])

    Raises:
        RuntimeError, ZeroDivisionError: as :func:`lp_pool2d`.
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)
