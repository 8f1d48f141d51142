"""Adding and writing to places that an index names: the host side of ``kernels/scatter.cu``.

CuPy's own ``add.at`` uses atomic additions, and its ``a[index] = values`` leaves open which of several values for one
place stays: both may give other bits every time. Here the index is sorted first. CuPy sorts stably.
"""

from __future__ import annotations

import math
from typing import Any

import cupy
import numpy as np

from .arrays import Array, ceil_div, contiguous
from .launch import launch

_THREADS = 256  # of a block
_NUMBERS = {np.float32: "float", np.float64: "double", np.int64: "i64", np.int32: "int", np.uint8: "u8"}
# Half precision is summed in single and rounded once; a sum of bools is whether one is true.
_SUMMED_IN = {np.dtype(np.float16): np.float32, np.dtype(np.bool_): np.int64}
_BYTES = {1: ("u8", np.uint8), 2: ("u16", np.uint16), 4: ("u32", np.uint32), 8: ("u64", np.uint64)}


class Scatter:
    """These methods of ``minitorch.backends.protocol.Backend``, which describes them."""

    @staticmethod
    def index_add(output: Array, index: Array, source: Array) -> None:
        if output.dtype in _SUMMED_IN:
            sums = output.astype(_SUMMED_IN[output.dtype])
            Scatter.index_add(sums, index, source.astype(sums.dtype))
            output[...] = sums
            return
        outer, size, inner = output.shape
        _launch(
            f"index_add<{_NUMBERS[output.dtype.type]}>",
            source.size,
            output,
            *_sorted(index),
            contiguous(source),
            *map(np.int64, (outer, size, index.size, inner)),
        )

    @staticmethod
    def index_put(output: Array, index: tuple[Any, ...], source: Array) -> None:
        if not source.ndim:  # then it doesn't matter which one stays
            output[index] = source
            return
        places = _places(output.shape, index)
        values = contiguous(cupy.broadcast_to(source, places.shape).astype(output.dtype, copy=False))
        name, same_size = _BYTES[output.itemsize]
        whole = contiguous(output)
        flat = whole.reshape(-1).view(same_size)
        arrays = *_sorted(places.reshape(-1)), values.reshape(-1).view(same_size)
        _launch(f"index_put<{name}>", values.size, flat, *arrays, np.int64(values.size))
        if whole is not output:
            output[...] = whole


def _places(shape: tuple[int, ...], index: tuple[Any, ...]) -> Array:
    """Where in C order the elements of ``array[index]`` lie in an array of ``shape``."""
    index = (*index, *[slice(None)] * (len(shape) - len(index)))
    strides = [math.prod(shape[d + 1 :]) for d in range(len(shape))]
    named = [d for d, item in enumerate(index) if not isinstance(item, slice)]
    others = [d for d in range(len(shape)) if d not in named]
    places = sum(index[d].astype(np.int64) % shape[d] * strides[d] for d in named)
    # The dimensions of the arrays stand together: where the arrays stand, or first if there are slices between these.
    before = named[0] if named[-1] - named[0] < len(named) else 0
    rank, own = len(others) + places.ndim, places.ndim
    places = places.reshape(places.shape + (1,) * (len(others) - before))
    for position, d in enumerate(others):
        axis = position if position < before else position + own
        steps = cupy.arange(shape[d])[index[d]] * strides[d]
        places = places + steps.reshape((-1,) + (1,) * (rank - 1 - axis))
    return places


def _sorted(index: Array) -> tuple[Array, Array]:
    """The elements of ``index`` in ascending order as int64, and where each stood."""
    order = cupy.argsort(index)
    return index[order].astype(np.int64, copy=False), order


def _launch(name: str, threads: int, *args: Any) -> None:
    launch("scatter", name, grid=(ceil_div(threads, _THREADS),), block=(_THREADS,), args=args)
