"""Max-pool with its scatter and gather, and average pool with its adjoint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .windows import Array, Pair, add_windows, ieee, sliding_windows


def max_pool2d(
    input: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, output_size: Pair
) -> tuple[Array, Array]:
    """(N, C, H, W) → the maximum of each window and its offset ``kh*KW + kw`` in it, both (N, C, OH, OW)."""
    geometry = kernel_size, stride, padding, dilation, output_size
    values = _flat(sliding_windows(input, *geometry, fill=-np.inf))  # (N, C, OH, OW, KH*KW)
    indices = values.argmax(axis=-1)  # the first maximum, or the first NaN
    output = np.take_along_axis(values, indices[..., None], axis=-1)[..., 0]

    # A maximum of -inf may be padding before an element that is -inf too: then take the first element. All are equal.
    inside = _flat(sliding_windows(np.ones((1, 1, *input.shape[2:]), bool), *geometry))  # (1, 1, OH, OW, KH*KW)
    indices = np.where(output == -np.inf, inside.argmax(axis=-1), indices)

    return output, indices.astype(np.uint8 if kernel_size[0] * kernel_size[1] <= 256 else np.int32)


@ieee
def max_pool2d_backward(
    grad_output: Array,
    indices: Array,
    input_shape: Sequence[int],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> Array:
    """Adds each element of grad_output (N, C, OH, OW) to the place its index names → (N, C, H, W)."""
    KH, KW = kernel_size
    grad_windows = np.zeros((*grad_output.shape, KH * KW), grad_output.dtype)
    np.put_along_axis(grad_windows, indices[..., None], grad_output[..., None], axis=-1)
    return add_windows(grad_windows.reshape(*grad_output.shape, KH, KW), input_shape, stride, padding, dilation)


def max_pool2d_gather(
    input: Array, indices: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Array:
    """Takes from input (N, C, H, W) the element that each index names → (N, C, OH, OW)."""
    OH, OW = indices.shape[2:]
    values = _flat(sliding_windows(input, kernel_size, stride, padding, dilation, (OH, OW)))
    return np.take_along_axis(values, indices[..., None], axis=-1)[..., 0]


@ieee
def avg_pool2d(
    input: Array,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    output_size: Pair,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """Mean of each window: (N, C, H, W) → (N, C, OH, OW)."""
    windows = sliding_windows(input, kernel_size, stride, padding, (1, 1), output_size)
    H, W = input.shape[2:]
    return windows.sum(axis=(-2, -1)) / _divisor(
        (H, W), kernel_size, stride, padding, output_size, count_include_pad, divisor_override
    ).astype(input.dtype)


@ieee
def avg_pool2d_backward(
    grad_output: Array,
    input_shape: Sequence[int],
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """Gives each element of a window its share of grad_output (N, C, OH, OW) → (N, C, H, W)."""
    H, W = input_shape[2:]
    OH, OW = grad_output.shape[2:]
    share = grad_output / _divisor(
        (H, W), kernel_size, stride, padding, (OH, OW), count_include_pad, divisor_override
    ).astype(grad_output.dtype)
    grad_windows = np.broadcast_to(share[..., None, None], (*share.shape, *kernel_size))
    return add_windows(grad_windows, input_shape, stride, padding, (1, 1))


def _flat(windows: Array) -> Array:
    """(..., KH, KW) → (..., KH*KW)."""
    *outer, KH, KW = windows.shape
    return windows.reshape(*outer, KH * KW)


def _divisor(
    input_size: Pair,
    kernel_size: Pair,
    stride: Pair,
    padding: Pair,
    output_size: Pair,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Array:
    """What the sum of each window is divided by: (OH, OW)."""
    if divisor_override is not None:
        return np.full(output_size, divisor_override)
    lengths = []
    for i in (0, 1):  # height, then width
        start = np.arange(output_size[i]) * stride[i] - padding[i]
        end = np.minimum(start + kernel_size[i], input_size[i] + padding[i])
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, input_size[i])
        lengths.append(np.maximum(end - start, 0))
    # The sum of a window without elements is 0, and stays so when it is divided by 1 instead of 0.
    return np.maximum(np.outer(*lengths), 1)
