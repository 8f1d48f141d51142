"""Groups of elements that are reduced together, and how threads share them: the host side of ``kernels/groups.cuh``."""

from __future__ import annotations

import functools
from typing import Any

from . import source
from .arrays import Array, ceil_div, contiguous

THREADS = 256  # of a block
NARROW = 32  # elements: shorter pieces of memory are better read with their neighbours
_BLOCKS = 1024  # as many as a large GPU runs at a time, about


def packed(array: Array, inner: int) -> tuple[Array, int]:
    """The array as kernels load it, and how many neighbours at once: 16 bytes where ``inner``, the size of the last
    dimension, allows it.

    The array is copied if it isn't in C order, or doesn't begin where 16 bytes may: what a sum is must not depend on
    that.
    """
    array = contiguous(array)
    pack = 16 // array.itemsize
    if inner % pack:
        return array, 1
    if array.data.ptr % 16:
        with array.device:
            array = array.copy()
    return array, pack


def shares(length: int, others: int, least: int, most: int) -> tuple[int, int]:
    """(chunk, parts): how blocks share ``length`` elements, of which there are ``others`` independent lots.

    A chunk is a multiple of ``least`` and at most ``most``, which is one too.
    """
    parts = max(min(ceil_div(length, least), ceil_div(_BLOCKS, others)), ceil_div(length, most))
    chunk = ceil_div(ceil_div(length, parts), least) * least
    return chunk, ceil_div(length, chunk)


def power_of_two(n: int) -> int:
    """The first power of two from ``n`` on."""
    return 1 << max(n - 1, 0).bit_length()


@functools.lru_cache(4096)
def groups(family: str, shape: tuple[int, int, int], pack: int, width: int, chunk: int = 0, parts: int = 1) -> Any:
    """The struct ``Groups``: of an array (P, O, R), ``width`` threads share a group, or ``chunk`` elements of it."""
    P, O, R = shape
    step = width * pack
    return source.struct(
        family,
        "Groups",
        outer=P,
        groups=O,
        inner=R,
        chunk=chunk or P * R,
        step=step,
        leap=step // R * O * R + step % R,
        turn=step % R,
        width=width,
        parts=parts,
    )
