"""What a convolutional network has learnt: its filters, and what it makes of an image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..tensor import Tensor
from .figure import new_figure

_MOST_COLUMNS = 8


def plot_filters(weight: Tensor, title: str = "Filters") -> Any:
    """The kernels of a convolution's weight (O, C, KH, KW), one picture each, on one scale with white for zero.

    There is a row for every output channel where there are several input channels, else a grid.

    Raises:
        ValueError: ``weight`` hasn't four dimensions.
    """
    kernels = weight.numpy(force=True)
    if kernels.ndim != 4:
        raise ValueError(f"plot_filters: expected a weight (O, C, KH, KW), got shape {kernels.shape}")
    O, C = kernels.shape[:2]
    columns = C if C > 1 else min(O, _MOST_COLUMNS)
    rows = math.ceil(O * C / columns)
    figure = new_figure(max(3.5, 1.1 * columns + 1), 1.15 * rows + 0.8)
    figure.suptitle(title)
    grid = figure.subplots(rows, columns, squeeze=False)
    limit = float(np.abs(kernels).max(initial=1e-12))
    image = None
    for i, axes in enumerate(grid.flat):
        axes.set_axis_off()
        if i < O * C:
            o, c = divmod(i, C)
            image = axes.imshow(kernels[o, c], cmap="RdBu", vmin=-limit, vmax=limit)
            axes.set_title(f"{o}" if C == 1 else f"{c} → {o}", fontsize=8, pad=3)
    if image is not None:
        figure.colorbar(image, ax=grid, label="weight")
    return figure


def plot_feature_maps(image: Tensor, layers: Mapping[str, Tensor], title: str = "Feature maps") -> Any:
    """An image (H, W) and, below, a row for each of ``layers``: its channels' answers (C, H, W) to that image.

    Every row has a scale of its own; a layer of more than 16 channels shows its first 16.

    Raises:
        ValueError: a tensor hasn't the dimensions that are expected.
    """
    picture = image.numpy(force=True)
    if picture.ndim != 2:
        raise ValueError(f"plot_feature_maps: expected an image (H, W), got shape {picture.shape}")
    maps = {name: tensor.numpy(force=True)[:16] for name, tensor in layers.items()}
    for name, channels in maps.items():
        if channels.ndim != 3:
            raise ValueError(f"plot_feature_maps: expected maps (C, H, W) for {name}, got shape {channels.shape}")
    columns = max((len(channels) for channels in maps.values()), default=1)
    figure = new_figure(max(4.0, 0.75 * columns + 0.8), 1.6 + 1.0 * len(maps))
    figure.suptitle(title)
    top, *rows = figure.subfigures(1 + len(maps), 1, height_ratios=[1.4] + [1.0] * len(maps), squeeze=False).flat
    axes = top.subplots()
    axes.imshow(picture, cmap="gray_r")
    axes.set_axis_off()
    for row, (name, channels) in zip(rows, maps.items(), strict=True):
        shape = "×".join(map(str, channels.shape[1:]))
        row.suptitle(f"{name}: {len(layers[name])} maps of {shape}", fontsize=9)
        grid = row.subplots(1, columns, squeeze=False)
        low, high = float(channels.min(initial=0)), float(channels.max(initial=1e-12))
        for i, axes in enumerate(grid.flat):
            axes.set_axis_off()
            if i < len(channels):
                axes.imshow(channels[i], cmap="viridis", vmin=low, vmax=high)
    return figure
