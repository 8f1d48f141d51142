"""Which tile of ``kernels/tile.cuh`` suits a product, and into how many parts its sum is cut.

Both depend on the shape, and on which tiles a device can run, but not on how many multiprocessors it has: so that the
same product gives the same bits on every device of a kind.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

import cupy

from . import source

_FULL = 132  # blocks at once that keep a large GPU busy (the multiprocessors of an H100 or H200)
_SHORTEST = 256  # of the parts that a sum is cut into
_COMMON_DEPTH = 32  # parts are a multiple of every tile's depth, and of every vector's length


class Tile(NamedTuple):
    """One of the tiles: its name, how many rows, columns and depths a block handles at a time, and what that takes."""

    name: str
    rows: int
    columns: int
    depth: int
    threads: int
    shared: int
    """Bytes of dynamic shared memory."""
    speed: float
    """Multiplications a second, roughly, in comparison with ``Large``."""


_SPEEDS = {
    "Large": 1.0,
    "Medium": 0.7,
    "Small": 0.35,
    "Narrow": 0.6,
    "TensorHuge": 4.5,
    "TensorLarge": 4.0,
    "TensorWide": 3.9,
    "TensorCompact": 3.5,
    "TensorMedium": 2.0,
}


@functools.cache
def tile(name: str) -> Tile:
    """The tile of that name, as the kernels' source defines it."""
    text = (source.KERNELS / "tile.cuh").read_text()
    found = re.search(rf"struct {name} {{.*using For = (\w+)<(?:T, )?([\d, ]+)>;", text)
    assert found, f"tile.cuh defines no tile {name}"
    rows, columns, depth, *rest = map(int, found[2].split(","))
    if found[1] == "Simt":
        rows_each, columns_each, _ = rest
        threads, shared = (rows // rows_each) * (columns // columns_each), 0
    else:
        rows_a_warp, columns_a_warp, stages, _ = rest
        threads = (rows // rows_a_warp) * (columns // columns_a_warp) * 32
        shared = stages * (rows + columns) * (depth + 4) * 4
    return Tile(name, rows, columns, depth, threads, shared, _SPEEDS[name])


def is_tile(name: str) -> bool:
    return name in _SPEEDS


def shared(instance: str) -> int:
    """Bytes of dynamic shared memory with which a kernel's instance, such as ``conv2d<float,Large,1>``, is launched."""
    used = [tile(argument).shared for argument in re.split("[<>,]", instance) if is_tile(argument)]
    return used[0] if used else 0


def candidates(precision: str, char: str, device: int) -> tuple[Tile, ...]:
    """The tiles for a dtype, given by its character, on a device. Not every kernel is compiled for each of them."""
    return suitable(precision, char, _capability(device), _shared_memory(device))


@functools.cache
def suitable(precision: str, char: str, capability: int, memory: int) -> tuple[Tile, ...]:
    """The same for a compute capability and the bytes of shared memory that a block may ask for."""
    if char == "d":
        return tuple(map(tile, ("Medium", "Small", "Narrow")))
    if precision == "tf32" and capability >= 80:
        huge = ["TensorHuge"] if memory >= tile("TensorHuge").shared else []
        # Two blocks at a time must fit a multiprocessor, else one would wait for memory with nobody to take its turn.
        pairs = [name for name in ("TensorLarge", "TensorWide") if memory >= 2 * tile(name).shared]
        return tuple(map(tile, (*huge, *(pairs or ["TensorCompact"]), "TensorMedium", "Small", "Narrow")))
    return tuple(map(tile, ("Large", "Medium", "Small", "Narrow")))


def blocks(tile: Tile, M: int, N: int, batches: int) -> int:
    return -(-M // tile.rows) * -(-N // tile.columns) * batches


def choose(tiles: Sequence[Tile], M: int, N: int, batches: int, depth: int = 0) -> Tile:
    """The tile with which the busiest multiprocessor is ready first; of equals the first.

    ``depth`` is how many products a sum has if it may be split, or 0.
    """

    def time(tile: Tile) -> float:
        number = blocks(tile, M, N, batches)
        splits, chunk = split(number, depth)
        share = min(chunk, depth) / depth if depth else 1
        return -(-number * splits // _FULL) * share * tile.rows * tile.columns / tile.speed

    return min(tiles, key=time)


def split(number: int, depth: int) -> tuple[int, int]:
    """(splits, chunk) for sums over ``depth`` in ``number`` blocks: parts of ``chunk``, of which the last may be less.

    A product with few outputs and long sums is cut until it fills a GPU twice.
    """
    parts = max(1, min(2 * _FULL // max(number, 1), depth // _SHORTEST))
    chunk = -(-depth // (parts * _COMMON_DEPTH)) * _COMMON_DEPTH
    return max(1, -(-depth // max(chunk, 1))), max(chunk, _COMMON_DEPTH)


@functools.cache
def _capability(device: int) -> int:
    return int(cupy.cuda.Device(device).compute_capability)


@functools.cache
def _shared_memory(device: int) -> int:
    """The most shared memory that a block may ask for, in bytes."""
    return int(cupy.cuda.Device(device).attributes["MaxSharedMemoryPerBlockOptin"])
