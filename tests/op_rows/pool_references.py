"""References of pooling, over one and two dimensions.

They list the elements of every window and go from one to the next: nothing here is slid, summed as a matrix, or
gathered.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .row import Array

Bins = list[list[int]]  # the elements of each window along a dimension


def per_dim(value: Any, dims: int) -> Sequence[Any]:
    return value if isinstance(value, tuple) and len(value) == dims else (value,) * dims


def _windows(
    dims: int, sizes: Sequence[int], kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> list[Bins]:
    """For each dimension, the places of each window's taps, also those outside of the input."""
    options = [per_dim(v, dims) for v in (kernel_size, kernel_size if stride is None else stride, padding, dilation)]
    windows = []
    for size, kernel, step, pad, spread in zip(sizes, *options, strict=True):
        extent = spread * (kernel - 1) + 1
        starts = []
        start = -pad
        # A window fits, or it overhangs the far edge and begins before the padding there.
        while start + extent <= size + pad or (
            ceil_mode and start < size and starts and start - step + extent < size + pad
        ):
            starts.append(start)
            start += step
        windows.append([[start + spread * k for k in range(kernel)] for start in starts])
    return windows


def _inside(windows: list[Bins], sizes: Sequence[int]) -> list[Bins]:
    return [[[p for p in w if 0 <= p < size] for w in bins] for bins, size in zip(windows, sizes, strict=True)]


def _reduced(x: Array, dims: int, bins: list[Bins], reduce: Callable[..., Any], dtype: Any) -> Array:
    """``reduce(plane, elements, window)`` of every window of every plane."""
    lead = x.shape[:-dims]
    out = np.empty((*lead, *map(len, bins)), dtype)
    for index in np.ndindex(*out.shape):
        window = index[len(lead) :]
        elements = list(itertools.product(*(b[w] for b, w in zip(bins, window, strict=True))))
        out[index] = reduce(x[index[: len(lead)]], elements, window)
    return out


def _maxima(x: Array, dims: int, bins: list[Bins]) -> tuple[Array, Array]:
    """The maxima and their positions in the plane: the first of equal ones, the first NaN before all."""

    def best(plane: Array, elements: list[Any], _: Any) -> Any:
        return max(elements, key=lambda at: (bool(np.isnan(plane[at])), 0 if np.isnan(plane[at]) else plane[at]))

    def position(plane: Array, elements: list[Any], window: Any) -> int:
        at = best(plane, elements, window)
        return at[0] if dims == 1 else at[0] * plane.shape[1] + at[1]

    values = _reduced(x, dims, bins, lambda plane, elements, w: plane[best(plane, elements, w)], x.dtype)
    return values, _reduced(x, dims, bins, position, np.int64)


def max_pooled(dims: int, with_indices: bool = False) -> Callable[..., Any]:
    def reference(
        x: Array,
        *,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        ceil_mode: bool,
        return_indices: bool = with_indices,
    ) -> Any:
        sizes = x.shape[-dims:]
        windows = _windows(dims, sizes, kernel_size, stride, padding, dilation, ceil_mode)
        values, positions = _maxima(x, dims, _inside(windows, sizes))
        return (values, positions) if return_indices else values

    return reference


def avg_pooled(dims: int) -> Callable[..., Array]:
    def reference(
        x: Array,
        *,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None = None,
    ) -> Array:
        sizes = x.shape[-dims:]
        windows = _windows(dims, sizes, kernel_size, stride, padding, 1, ceil_mode)
        pads = per_dim(padding, dims)

        def mean(plane: Array, elements: list[Any], window: Any) -> Any:
            # Padding counts, but not what an overhanging window sees beyond it.
            padded = [
                sum(p < size + pad for p in bins[w])
                for bins, w, size, pad in zip(windows, window, sizes, pads, strict=True)
            ]
            count = divisor_override or (math.prod(padded) if count_include_pad else len(elements))
            total = sum(plane[at].item() for at in elements)
            return total / count if x.dtype.kind == "f" else math.trunc(total / count)

        return _reduced(x, dims, _inside(windows, sizes), mean, x.dtype)

    return reference


def _adaptive_bins(x: Array, dims: int, output_size: Any) -> list[Bins]:
    sizes = x.shape[-dims:]
    counts = [size if n is None else n for n, size in zip(per_dim(output_size, dims), sizes, strict=True)]
    if dims == 1 and isinstance(output_size, tuple):
        counts = list(output_size)
    return [
        [list(range(math.floor(o * size / n), math.ceil((o + 1) * size / n))) for o in range(n)]
        for size, n in zip(sizes, counts, strict=True)
    ]


def adaptive_avg_pooled(dims: int) -> Callable[..., Array]:
    def reference(x: Array, *, output_size: Any) -> Array:
        def mean(plane: Array, elements: list[Any], _: Any) -> Any:
            return sum(plane[at] for at in elements) / len(elements)

        return _reduced(x, dims, _adaptive_bins(x, dims, output_size), mean, x.dtype)

    return reference


def adaptive_max_pooled(dims: int, with_indices: bool = False) -> Callable[..., Any]:
    def reference(x: Array, *, output_size: Any, return_indices: bool = with_indices) -> Any:
        values, positions = _maxima(x, dims, _adaptive_bins(x, dims, output_size))
        return (values, positions) if return_indices else values

    return reference


def lp_pooled(dims: int) -> Callable[..., Array]:
    def reference(x: Array, *, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Array:
        sizes = x.shape[-dims:]
        bins = _inside(_windows(dims, sizes, kernel_size, stride, 0, 1, ceil_mode), sizes)
        count = math.prod(per_dim(kernel_size, dims))

        def norm(plane: Array, elements: list[Any], _: Any) -> Any:
            if math.isinf(norm_type):
                return (max if norm_type > 0 else min)(abs(plane[at]) for at in elements)
            return (sum(plane[at] ** norm_type for at in elements) * count / len(elements)) ** (1 / norm_type)

        return _reduced(x, dims, bins, norm, x.dtype)

    return reference


def unpooled(dims: int) -> Callable[..., Array]:
    def reference(
        x: Array, *, indices: Array, kernel_size: Any, stride: Any, padding: Any, output_size: Any = None
    ) -> Array:
        options = [per_dim(v, dims) for v in (kernel_size, kernel_size if stride is None else stride, padding)]
        usual = [(n - 1) * s + k - 2 * p for n, k, s, p in zip(x.shape[-dims:], *options, strict=True)]
        sizes = usual if output_size is None else output_size[-dims:]
        out = np.zeros((*x.shape[:-dims], *sizes))
        for index in np.ndindex(*x.shape):
            at = (indices[index],) if dims == 1 else divmod(indices[index], sizes[1])
            out[(*index[:-dims], *at)] = x[index]
        return out

    return reference
