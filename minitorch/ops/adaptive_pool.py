"""Adaptive pools: the output's size is given, and the windows share the input out as evenly as they can.

Bin o of O over L elements reaches from ⌊o·L/O⌋ to ⌈(o + 1)·L/O⌉; neighbours overlap where O doesn't divide L. Where all
bins are equal, they are the windows of an ordinary pool, and its kernel does the work.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from functools import lru_cache
from typing import Any

from ..devices import on_its_device
from ..dtypes import int64
from ..tensor import Function, Tensor, wrap
from .arithmetic import div
from .avg_pool import avg_pool2d
from .dispatch import check_floating, in_float32
from .geometry import Pair, int_of
from .images import from_images, to_images
from .max_pool import elements_of_planes, max_pool2d, positions_of_maxima
from .pool import check_input, interval_sums, table

Bins = tuple[tuple[int, int], ...]  # (start, end) of each; neither ever decreases


@lru_cache(maxsize=512)
def _bins(size: int, count: int) -> Bins:
    return tuple([(o * size // count, -(-(o + 1) * size // count)) for o in range(count)])


@lru_cache(maxsize=512)
def _transposed(bins: Bins, size: int) -> Bins:
    """For each of ``size`` elements, the bins that hold it: those from the first that ends after it to the last that
    has begun."""
    starts, ends = [start for start, _ in bins], [end for _, end in bins]
    return tuple([(bisect_right(ends, i), bisect_right(starts, i)) for i in range(size)])


@lru_cache(maxsize=512)
def _window(bins: Bins) -> tuple[int, int] | None:
    """(kernel_size, stride) of the ordinary pool whose windows are the bins, if there is one."""
    widths = {end - start for start, end in bins}
    # A single bin goes nowhere; a stride of its width tells the gradient's kernel that no windows overlap.
    steps = {after[0] - before[0] for before, after in itertools.pairwise(bins)} or set(widths)
    if len(widths) != 1 or len(steps) != 1 or 0 in steps:
        return None
    return widths.pop(), steps.pop()


class SumOfBins(Function):
    """y[o] = Σ x[start[o]:end[o]] along a dimension. The adjoint is such a sum, over the bins that hold an element."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, bins: Bins) -> Tensor:
        ctx.dim, ctx.bins = dim, _transposed(bins, input.data.shape[dim])
        return wrap(interval_sums(input.backend, input.data, dim, bins), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return SumOfBins.apply(grad_output, ctx.dim, ctx.bins), None, None


def _output_size(name: str, dims: int, input: Tensor, output_size: Any) -> Pair:
    """The checked size of the output as (height, width); ``None`` in a pair keeps the input's."""
    shape = input.data.shape
    pair = dims == 2 and isinstance(output_size, (tuple, list))
    if pair and len(shape) <= 2:  # PyTorch's type of error depends on how the size is given
        raise ValueError(f"{name}: Input dimension should be at least 3, got input {shape}")
    check_input(name, dims, shape)
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * dims
    if len(sizes) != dims:
        wanted = "an int or a pair of ints" if dims == 2 else "one int"
        raise RuntimeError(f"{name}: output_size must be {wanted}, got {output_size!r}")
    known = shape[-2:]
    sizes = [known[d] if n is None and pair else int_of(name, "output_size", n) for d, n in enumerate(sizes)]
    if min(sizes) < 0:
        raise RuntimeError(f"{name}: elements of output_size must be greater than or equal to 0, got {output_size!r}")
    height, width = sizes if dims == 2 else (1, *sizes)
    return height, width


@on_its_device
def _adaptive_avg_pool(name: str, dims: int, input: Tensor, output_size: Any) -> Tensor:
    check_floating(name, input)
    if input.data.dtype.itemsize == 2:
        return in_float32(_adaptive_avg_pool, name, dims, input, output_size)
    size = _output_size(name, dims, input, output_size)
    images = to_images(input, dims)
    bins = [_bins(have, want) for have, want in zip(images.data.shape[2:], size, strict=True)]
    rows, columns = (_window(b) for b in bins)
    if rows and columns:
        output = avg_pool2d(images, (rows[0], columns[0]), (rows[1], columns[1]))
    else:
        backend: Any = images.backend
        lengths = [tuple([end - start for start, end in b]) for b in bins]
        widths = [table(backend, each, images.data.dtype) for each in lengths]
        sums = SumOfBins.apply(SumOfBins.apply(images, 2, bins[0]), 3, bins[1])
        output = div(sums, wrap(widths[0][:, None] * widths[1], images.backend))
    return from_images(output, input.data.shape, dims)


@on_its_device
def _adaptive_max_pool(name: str, dims: int, input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    check_floating(name, input)
    size = _output_size(name, dims, input, output_size)
    images = to_images(input, dims)
    bins = [_bins(have, want) for have, want in zip(images.data.shape[2:], size, strict=True)]
    rows, columns = (_window(b) for b in bins)
    if rows and columns:
        output, indices = max_pool2d(images, (rows[0], columns[0]), (rows[1], columns[1]), return_indices=True)
    else:
        taps = [_taps(images.backend, b) for b in bins]
        indices = wrap(positions_of_maxima(images, *taps), images.backend)
        output = elements_of_planes(images, indices)
    shape = input.data.shape
    return from_images(output, shape, dims), from_images(indices, shape, dims)


def _taps(backend: Any, bins: Bins) -> Any:
    """The elements of each bin, (bins, widest); -1 where there are no more."""
    xp = backend.xp
    start, end = table(backend, tuple(bins), int64.numpy).reshape(-1, 2).T[..., None]
    at = start + xp.arange(max([end - start for start, end in bins], default=1))
    return xp.where(at < end, at, -1)


def adaptive_avg_pool2d(input: Tensor, output_size: int | tuple[int | None, int | None]) -> Tensor:
    """The mean of each of ``output_size`` bins: whatever the size of an image, the result has one and the same.

    ``y[i, j]`` is the mean of rows ⌊i·H/OH⌋ … ⌈(i + 1)·H/OH⌉ - 1 and columns ⌊j·W/OW⌋ … ⌈(j + 1)·W/OW⌉ - 1. With an
    ``output_size`` of 1 it is the mean of the image: global average pooling.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        output_size: an int or (OH, OW); ``None`` in the pair keeps the input's.

    Returns:
        (N, C, OH, OW) or (C, OH, OW).

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.adaptive_avg_pool2d(minitorch.arange(15.).reshape(1, 3, 5), (3, 2))
    tensor([[[ 1.,  3.],
             [ 6.,  8.],
             [11., 13.]]])

    Raises:
        RuntimeError: the rank doesn't fit, there is no element to pool, a size is negative or there are not two of
            them, or the dtype is no floating one.
        ValueError: ``output_size`` is a pair and ``input`` has less than 3 dimensions.

    He et al., "Spatial pyramid pooling in deep convolutional networks for visual recognition" (2014), section 2.2;
    global: Lin, Chen and Yan, "Network in network" (2014), section 3.2.
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool1d(input: Tensor, output_size: int | tuple[int]) -> Tensor:
    """:func:`adaptive_avg_pool2d` of signals: (N, C, L) → (N, C, OL), or (C, L) → (C, OL).

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.adaptive_avg_pool1d(minitorch.tensor([[1., 5., 2., 8., 3.]]), 2)
    tensor([[2.6667, 4.3333]])

    Raises:
        RuntimeError: as :func:`adaptive_avg_pool2d`.
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_max_pool2d(
    input: Tensor, output_size: int | tuple[int | None, int | None], return_indices: bool = False
) -> Any:
    """The maximum of each of ``output_size`` bins, which lie as in :func:`adaptive_avg_pool2d`.

    Equal maxima and NaN are treated as in :func:`max_pool2d`.

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        output_size: an int or (OH, OW); ``None`` in the pair keeps the input's.
        return_indices: return also, as int64, the position ``h·W + w`` of each maximum in its plane.

    Returns:
        (N, C, OH, OW) or (C, OH, OW), or (output, indices).

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.adaptive_max_pool2d(minitorch.arange(15.).reshape(1, 3, 5), (3, 2))
    tensor([[[ 2.,  4.],
             [ 7.,  9.],
             [12., 14.]]])

    Raises:
        RuntimeError, ValueError: as :func:`adaptive_avg_pool2d`.
    """
    output, indices = _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size)
    return (output, indices) if return_indices else output


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: int | tuple[int | None, int | None], return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool2d` and the positions ``h·W + w`` of the maxima, whatever ``return_indices`` says.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.adaptive_max_pool2d_with_indices(minitorch.arange(15.).reshape(1, 3, 5), (1, 2))
    (tensor([[[12., 14.]]]), tensor([[[12, 14]]]))
    """
    return _adaptive_max_pool("adaptive_max_pool2d_with_indices", 2, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: int | tuple[int], return_indices: bool = False) -> Any:
    """:func:`adaptive_max_pool2d` of signals: (N, C, L) → (N, C, OL), or (C, L) → (C, OL).

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.adaptive_max_pool1d(minitorch.tensor([[1., 5., 2., 8., 3.]]), 2, return_indices=True)
    (tensor([[5., 8.]]), tensor([[1, 3]]))

    Raises:
        RuntimeError: as :func:`adaptive_avg_pool2d`.
    """
    output, indices = _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size)
    return (output, indices) if return_indices else output


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: int | tuple[int], return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """:func:`adaptive_max_pool1d` and the positions of the maxima, whatever ``return_indices`` says.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.adaptive_max_pool1d_with_indices(minitorch.tensor([[1., 5., 2., 8., 3.]]), 2)
    (tensor([[5., 8.]]), tensor([[1, 3]]))
    """
    return _adaptive_max_pool("adaptive_max_pool1d_with_indices", 1, input, output_size)
