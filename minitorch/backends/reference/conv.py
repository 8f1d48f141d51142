"""Convolution (cross-correlation, as everywhere in deep learning) and its two adjoints.

y[n, o, oh, ow] = Σ_{c, kh, kw} windows[n, c, oh, ow, kh, kw] * weight[o, c, kh, kw] + bias[o]

The sum is linear in the windows and in the weight; each gradient is the same sum with another factor left out. With
``groups`` > 1, input and output channels are cut into that many groups, which do not see each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .windows import Array, Pair, add_windows, ieee, sliding_windows


@ieee
def conv2d(
    input: Array, weight: Array, bias: Array | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Array:
    """input (N, C, H, W), weight (O, C/groups, KH, KW), bias (O,) → (N, O, OH, OW)."""
    N, C, H, W = input.shape
    O, _, KH, KW = weight.shape
    OH = (H + 2 * padding[0] - dilation[0] * (KH - 1) - 1) // stride[0] + 1
    OW = (W + 2 * padding[1] - dilation[1] * (KW - 1) - 1) // stride[1] + 1

    windows = sliding_windows(input, (KH, KW), stride, padding, dilation, (OH, OW))  # (N, C, OH, OW, KH, KW)
    output = np.empty((N, O, OH, OW), input.dtype)
    for c, o in channel_groups(C, O, groups):
        output[:, o] = np.einsum("nchwij,ocij->nohw", windows[:, c], weight[o], optimize=True)
    if bias is not None:
        output += bias[:, None, None]
    return output


@ieee
def conv2d_backward_input(
    grad_output: Array,
    weight: Array,
    input_shape: Sequence[int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """grad_output (N, O, OH, OW), weight (O, C/groups, KH, KW) → (N, C, H, W) = ``input_shape``."""
    N, O, OH, OW = grad_output.shape
    C, (KH, KW) = input_shape[1], weight.shape[2:]
    grad_windows = np.empty((N, C, OH, OW, KH, KW), grad_output.dtype)
    for c, o in channel_groups(C, O, groups):
        grad_windows[:, c] = np.einsum("nohw,ocij->nchwij", grad_output[:, o], weight[o], optimize=True)
    return add_windows(grad_windows, input_shape, stride, padding, dilation)


@ieee
def conv2d_backward_weight(
    input: Array,
    grad_output: Array,
    weight_shape: Sequence[int],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    """input (N, C, H, W), grad_output (N, O, OH, OW) → (O, C/groups, KH, KW) = ``weight_shape``."""
    O, _, KH, KW = weight_shape
    OH, OW = grad_output.shape[2:]
    windows = sliding_windows(input, (KH, KW), stride, padding, dilation, (OH, OW))
    grad_weight = np.empty(weight_shape, input.dtype)
    for c, o in channel_groups(input.shape[1], O, groups):
        grad_weight[o] = np.einsum("nchwij,nohw->ocij", windows[:, c], grad_output[:, o], optimize=True)
    return grad_weight


def channel_groups(in_channels: int, out_channels: int, groups: int) -> Iterator[tuple[slice, slice]]:
    """For each group, its slice of the input channels and its slice of the output channels."""
    c, o = in_channels // groups, out_channels // groups
    for g in range(groups):
        yield slice(g * c, (g + 1) * c), slice(g * o, (g + 1) * o)
