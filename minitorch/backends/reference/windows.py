"""The windows that convolutions and pools slide over an image, as arrays.

Every window operation is two steps, each one function here:

  * ``sliding_windows`` shows all windows of an image as one view: (N, C, H, W) → (N, C, OH, OW, KH, KW);
  * ``add_windows`` is its adjoint: it adds windows back to the places that they were taken from.

A convolution is then one ``einsum`` over the windows, and a pool a reduction over their last two axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any  # a numpy.ndarray
Pair = tuple[int, int]

# A decorator: NaN, infinity and overflow are results like others, as IEEE 754 defines them, and nothing to warn about.
ieee = np.errstate(all="ignore")


def sliding_windows(
    input: Array,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    output_size: Pair,
    fill: float = 0,
) -> Array:
    """Every window of the padded input: (N, C, H, W) → (N, C, OH, OW, KH, KW), a read-only view of a padded copy.

    ``result[n, c, oh, ow, kh, kw] = padded[n, c, oh*stride[0] + kh*dilation[0], ow*stride[1] + kw*dilation[1]]``
    """
    N, C, H, W = input.shape
    padded = np.full(
        (N, C, *_padded_size((H, W), kernel_size, stride, padding, dilation, output_size)), fill, input.dtype
    )
    padded[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W] = input

    OH, OW = output_size
    windows = np.lib.stride_tricks.sliding_window_view(padded, _extent(kernel_size, dilation), axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]][:, :, :OH, :OW]


def add_windows(windows: Array, input_shape: Sequence[int], stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """The adjoint of ``sliding_windows``: (N, C, OH, OW, KH, KW) → (N, C, H, W) = ``input_shape``.

    Where windows overlap, their elements add up; what falls onto the padding is dropped.
    """
    N, C, H, W = input_shape
    OH, OW, KH, KW = windows.shape[2:]
    padded = np.zeros((N, C, *_padded_size((H, W), (KH, KW), stride, padding, dilation, (OH, OW))), windows.dtype)
    for kh in range(KH):
        for kw in range(KW):
            # Element (kh, kw) of all windows at once: no two of them fall onto the same place.
            rows = slice(kh * dilation[0], kh * dilation[0] + OH * stride[0], stride[0])
            columns = slice(kw * dilation[1], kw * dilation[1] + OW * stride[1], stride[1])
            padded[:, :, rows, columns] += windows[:, :, :, :, kh, kw]
    return padded[:, :, padding[0] : padding[0] + H, padding[1] : padding[1] + W].copy()


def _extent(kernel_size: Pair, dilation: Pair) -> Pair:
    """How many rows and columns a dilated kernel spans."""
    return dilation[0] * (kernel_size[0] - 1) + 1, dilation[1] * (kernel_size[1] - 1) + 1


def _padded_size(
    input_size: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
) -> Pair:
    """The smallest image that holds the padding at the top left, the input and every window.

    Where ``ceil_mode`` lets the last window overhang, this is more than ``padding`` at the bottom right.
    """
    extent = _extent(kernel_size, dilation)
    last = [stride[i] * max(output_size[i] - 1, 0) for i in (0, 1)]  # where the last window starts
    return max(padding[0] + input_size[0], last[0] + extent[0]), max(padding[1] + input_size[1], last[1] + extent[1])
