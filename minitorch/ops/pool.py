"""What the pools have in common: where their windows lie, and the batch of images that the kernels take.

A pool over one dimension is one over two: a signal (N, C, L) is an image (N, C, 1, L), whose windows are 1 high.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .dispatch import ieee
from .geometry import Pair, PoolGeometry, check_at_least, sizes_of

Shape = tuple[int, ...]

LAYOUTS = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)"}


def pool_geometry(
    name: str,
    dims: int,
    input: Shape,
    kernel_size: Any,
    stride: Any,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> tuple[PoolGeometry, Pair]:
    """The checked geometry of a pool over ``dims`` dimensions, as one over two; and its output size."""
    kernel = sizes_of(name, "kernel_size", kernel_size, dims)
    return _geometry(
        name,
        input,
        kernel,
        kernel if stride is None or stride == () else sizes_of(name, "stride", stride, dims),
        sizes_of(name, "padding", padding, dims),
        sizes_of(name, "dilation", dilation, dims),
        bool(ceil_mode),
    )


@lru_cache(maxsize=512)
def _geometry(
    name: str, input: Shape, kernel_size: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil_mode: bool
) -> tuple[PoolGeometry, Pair]:
    dims = len(kernel_size)
    check_input(name, dims, input)
    if len(input) == dims + 1 and input[0] == 0:
        raise RuntimeError(f"{name}: expected input of shape {LAYOUTS[dims]} with channels, got {input}")
    check_at_least(name, 1, kernel_size=kernel_size, stride=stride, dilation=dilation)
    check_at_least(name, 0, padding=padding)
    if any(p > k // 2 for p, k in zip(padding, kernel_size, strict=True)):
        raise RuntimeError(
            f"{name}: padding {padding} is over half of kernel_size {kernel_size}; windows could lie in padding alone"
        )
    above = (1,) * (2 - dims)  # what makes images of signals
    kernel, step, spread = (above + sizes for sizes in (kernel_size, stride, dilation))
    geometry = PoolGeometry(_pair(kernel), _pair(step), _pair((0,) * (2 - dims) + padding), _pair(spread))
    output_size = geometry.output_size(above + input[-dims:], ceil_mode)
    if min(output_size) < 1:
        padded = tuple(n + 2 * p for n, p in zip(input[-dims:], padding, strict=True))
        raise RuntimeError(
            f"{name}: kernel_size {kernel_size} with dilation {dilation} is larger than the padded input {padded} "
            f"(input {input}, padding={padding}, ceil_mode={ceil_mode})"
        )
    return geometry, output_size


def _pair(sizes: Shape) -> Pair:
    height, width = sizes
    return height, width


def check_input(name: str, dims: int, input: Shape) -> None:
    """Raises RuntimeError where an input of this shape has another rank, or no element in a dimension to pool."""
    if len(input) not in (dims + 1, dims + 2):
        raise RuntimeError(f"{name}: expected input of shape {LAYOUTS[dims]}, got {input}")
    if min(input[-dims:]) < 1:
        raise RuntimeError(f"{name}: expected at least one element to pool, got input {input}")


@lru_cache(maxsize=1024)
def table(backend: Any, numbers: tuple[Any, ...], dtype: Any) -> Any:
    """An array of numbers that depend on shapes only, to be read.

    It is copied to a GPU once: while a CUDA graph is captured, nothing can be.
    """
    return backend.move(np.asarray(numbers, dtype))


def interval_sums(backend: Any, array: Any, axis: int, intervals: Sequence[tuple[int, int]]) -> Any:
    """The sums of ``array[start:end]`` along an axis, one for each (start, end) of ``intervals``: plain array code."""
    xp = backend.xp
    size, widest = array.shape[axis], max([end - start for start, end in intervals], default=0)
    if size == 0 or widest < 1:
        return xp.zeros((*array.shape[:axis], len(intervals), *array.shape[axis + 1 :]), array.dtype)
    start, end = table(backend, tuple(intervals), np.int64).T[..., None]
    at = start + xp.arange(widest)  # (intervals, widest): narrower ones see too much, which counts as 0
    seen = xp.moveaxis(array, axis, -1)[..., xp.minimum(at, size - 1)]
    return xp.moveaxis(ieee.run(xp.sum, xp.where(at < end, seen, 0), -1), -1, axis)
