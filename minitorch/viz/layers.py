"""What a convolutional network has learnt: its filters, and what it makes of an image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tensor import Tensor
from .figure import new_figure

_COLUMNS = 8
_MOST_MAPS = 32


def plot_filters(weight: Tensor, title: str = "Filters") -> Any:
    """The kernels of a convolution's weight (O, C, KH, KW) beside each other, on one scale with white for zero.

    Three input channels are taken for red, green and blue: each kernel is a small picture, with grey for zero (as in
    Krizhevsky, Sutskever and Hinton 2012, figure 3). Where there are two, or more than three, each output channel has a
    row and each input channel a column.

    >>> import minitorch
    >>> from minitorch.viz import plot_filters
    >>> figure = plot_filters(minitorch.nn.Conv2d(1, 6, 5).weight, title="First layer")
    >>> figure.axes[0].get_title()
    'First layer'

    Raises:
        ValueError: ``weight`` hasn't four dimensions.
        ImportError: matplotlib isn't installed.
    """
    kernels = weight.numpy(force=True)
    if kernels.ndim != 4:
        raise ValueError(f"plot_filters: expected a weight (O, C, KH, KW), got shape {kernels.shape}")
    O, C, KH, KW = kernels.shape
    if C == 3:
        return _plot_colored_filters(kernels, title)
    columns = C if C > 1 else min(O, _COLUMNS)
    rows = math.ceil(O * C / columns) if O * C else 1
    figure = new_figure(max(4.5, 1.1 * columns + 1.2), 1.1 * rows + 0.9)
    axes = figure.subplots()
    limit = float(np.abs(kernels).max(initial=1e-12))
    image = axes.imshow(_mosaic(kernels.reshape(O * C, KH, KW), columns), cmap="RdBu", vmin=-limit, vmax=limit)
    axes.set_axis_off()
    axes.set_title(title if C == 1 else f"{title}\n(rows: output channels, columns: input channels)")
    figure.colorbar(image, ax=axes, label="weight", shrink=0.9, aspect=max(10, 8 * rows))
    return figure


def _plot_colored_filters(kernels: NDArray[Any], title: str) -> Any:
    columns = 2 * _COLUMNS
    figure = new_figure(9, 0.55 * math.ceil(len(kernels) / columns) + 0.5)
    axes = figure.subplots()
    axes.imshow(_colored_mosaic(0.5 + kernels / (2 * np.abs(kernels).max(initial=1e-12)), columns))
    axes.set_axis_off()
    axes.set_title(title)
    return figure


def plot_feature_maps(image: Tensor, layers: Mapping[str, Tensor], title: str = "Feature maps") -> Any:
    """An image and below it, for each of ``layers``, its channels' answers (C, H, W) to that image.

    The image is (H, W), or (3, H, W) with values from 0 to 1. Every layer has a scale of its own; of more than
    32 channels the first 32 are shown.

    >>> import minitorch
    >>> from minitorch.viz import plot_feature_maps
    >>> image = minitorch.rand(28, 28)
    >>> maps = minitorch.nn.Conv2d(1, 6, 5)(image[None])
    >>> figure = plot_feature_maps(image, {"conv1": maps})
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['input', 'conv1: 6 maps of 24×24']

    Raises:
        ValueError: a tensor hasn't the dimensions that are expected.
        ImportError: matplotlib isn't installed.
    """
    picture = image.numpy(force=True)
    if picture.ndim != 2 and picture.shape[:-2] != (3,):
        raise ValueError(f"plot_feature_maps: expected an image (H, W) or (3, H, W), got shape {picture.shape}")
    blocks = [("input", picture[None], "gray_r")]
    for name, tensor in layers.items():
        if tensor.ndim != 3:
            raise ValueError(f"plot_feature_maps: expected maps (C, H, W) for {name}, got shape {tuple(tensor.shape)}")
        count, height, width = tensor.shape
        some = f", the first {_MOST_MAPS}" if count > _MOST_MAPS else ""
        label = f"{name}: {count} maps of {height}×{width}{some}"
        blocks.append((label, tensor.numpy(force=True)[:_MOST_MAPS], "viridis"))
    heights = [math.ceil(len(maps) / _COLUMNS) + 0.3 for _, maps, _ in blocks]
    figure = new_figure(_COLUMNS + 0.3, sum(heights) + 0.5)
    figure.suptitle(title)
    every_axes = figure.subplots(len(blocks), 1, height_ratios=heights, squeeze=False).flat
    for axes, (name, maps, cmap) in zip(every_axes, blocks, strict=True):
        low, high = float(maps.min(initial=0)), float(maps.max(initial=1e-12))
        mosaic = _mosaic(maps, _COLUMNS) if maps.ndim == 3 else _colored_mosaic(maps, _COLUMNS)
        axes.imshow(mosaic, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(name, fontsize=9, loc="left")
        axes.set_axis_off()
    return figure


def _mosaic(maps: NDArray[Any], columns: int) -> NDArray[Any]:
    """Images (N, H, W) as one, in rows of ``columns`` with gaps of NaN, which is drawn as nothing.

    (One picture of many maps is drawn much faster than as many pictures.)
    """
    N, H, W = maps.shape
    zoom = max(1, math.ceil(40 / max(H, W, 1)))  # so that gaps can be narrower than a pixel
    maps = maps.repeat(zoom, axis=1).repeat(zoom, axis=2)
    H, W, gap = H * zoom, W * zoom, H * zoom // 8
    rows = max(1, math.ceil(N / columns))
    mosaic = np.full((rows * (H + gap) - gap, columns * (W + gap) - gap), np.nan)
    for i, one in enumerate(maps):
        top, left = (i // columns) * (H + gap), (i % columns) * (W + gap)
        mosaic[top : top + H, left : left + W] = one
    return mosaic


def _colored_mosaic(pictures: NDArray[Any], columns: int) -> NDArray[Any]:
    """Coloured pictures (N, 3, H, W), from 0 to 1, as one (…, …, 3), with white gaps."""
    mosaic = np.stack([_mosaic(channel, columns) for channel in pictures.swapaxes(0, 1)], axis=-1)
    colors: NDArray[Any] = np.nan_to_num(mosaic, nan=1.0).clip(0, 1)
    return colors
