"""Sums: the host side of ``kernels/reduce.cu``."""

from __future__ import annotations

import functools
import itertools
import math

import cupy
import numpy as np

from .arrays import Array, ceil_div, type_name
from .groups import NARROW, THREADS, groups, packed, power_of_two, shares
from .launch import launch

_SERIAL = 128  # packs that a thread adds by itself, at most


class Reductions:
    """These methods of ``minitorch.backends.protocol.Backend``, which describes them."""

    @staticmethod
    def sum(input: Array, dims: tuple[int, ...], keepdims: bool = False) -> Array:
        kept = [1 if d in dims else n for d, n in enumerate(input.shape)]
        shape = kept if keepdims else [n for d, n in enumerate(input.shape) if d not in dims]
        if not input.size:
            return cupy.zeros(shape, input.dtype)
        sizes, reduced = _merged(input.shape, dims)
        if True not in reduced:
            return input.reshape(shape).copy()
        return _sum(input, sizes, reduced, tuple(shape))


@functools.lru_cache(4096)
def _merged(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Sizes of the dimensions, and whether each is reduced: neighbours alike are one, and those of 1 element none."""
    runs = itertools.groupby(((n, d in dims) for d, n in enumerate(shape) if n > 1), key=lambda run: run[1])
    merged = [(math.prod(n for n, _ in run), reduced) for reduced, run in runs]
    return tuple([n for n, _ in merged]), tuple([reduced for _, reduced in merged])


# The last kernel writes an array of the result's shape. A view of another would be copied where it becomes a ``grad``.


def _sum(array: Array, sizes: tuple[int, ...], reduced: tuple[bool, ...], shape: tuple[int, ...]) -> Array:
    """The sum, of that shape, over the reduced of some merged dimensions, of which there is at least one."""
    last = len(sizes) - 1
    if reduced == (True, False, True) and sizes[2] >= NARROW:
        return _sum_groups(array, (sizes[0], sizes[1], sizes[2]), shape)
    # One dimension at a time. The first of several, because it is read in longer pieces; the last alone is rows.
    axis = reduced.index(True)
    before, after = math.prod(sizes[:axis]), math.prod(sizes[axis + 1 :])
    if axis == last:
        return _sum_groups(array, (1, before, sizes[last]), shape)
    ways = before, sizes[axis], after
    sizes, reduced = sizes[:axis] + sizes[axis + 1 :], reduced[:axis] + reduced[axis + 1 :]
    if True not in reduced:
        return _sum_columns(array, ways, shape)
    return _sum(_sum_columns(array, ways, (before, after)), sizes, reduced, shape)


def _sum_groups(array: Array, ways: tuple[int, int, int], shape: tuple[int, ...]) -> Array:
    """(P, O, R) → (O): over the first and the last dimension."""
    P, O, R = ways
    array, pack = packed(array, R)
    length = P * R
    if length <= _SERIAL // 4 * 32 * pack:  # a warp, or part of one, for each group
        width = min(32, power_of_two(ceil_div(length, 4 * pack)))
        chunk, parts = length, 1
    else:
        width = THREADS
        chunk, parts = shares(length, O, 4 * width * pack, _SERIAL * width * pack)
    output = cupy.empty(shape if parts == 1 else (O, parts), array.dtype)
    launch(
        "reduce",
        f"sum_groups<{type_name(array.dtype)},{pack}>",
        grid=(ceil_div(O, THREADS // width) * parts,),
        block=(THREADS,),
        args=(array, output, groups("reduce", ways, pack, width, chunk, parts)),
    )
    return output if parts == 1 else _sum_groups(output, (1, O, parts), shape)


def _sum_columns(array: Array, ways: tuple[int, int, int], shape: tuple[int, ...]) -> Array:
    """(A, R, K) → (A, K): over the middle dimension."""
    A, R, K = ways
    array, pack = packed(array, K)
    across = A * K // pack
    # A block is as wide as there are columns, up to a warp; more, where so many columns are short.
    width = THREADS if R <= 32 and across >= 64 * THREADS else min(32, power_of_two(across))
    height = THREADS // width
    tiles = ceil_div(across, width)
    chunk, parts = shares(R, tiles, 16 * height, _SERIAL * height)
    output = cupy.empty(shape if parts == 1 else (A, parts, K), array.dtype)
    launch(
        "reduce",
        f"sum_columns<{type_name(array.dtype)},{pack}>",
        grid=(tiles * parts,),
        block=(THREADS,),
        args=(array, output, *map(np.int64, (A, R, K, chunk)), np.uint32(parts), np.int32(width)),
    )
    return output if parts == 1 else _sum_columns(output, (A, parts, K), shape)
