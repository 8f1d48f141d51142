"""Heights and widths as they are given to transforms."""

from __future__ import annotations

from typing import Any

from ...ops.geometry import Pair, int_of


def sizes_of(name: str, size: Any) -> tuple[int, ...]:
    """``size`` as one or two positive ints.

    Raises:
        TypeError: it is something else than an int or a sequence of ints.
        ValueError: it holds more than two, or one below 1.
    """
    sizes = tuple([int_of(name, "size", n) for n in (size if isinstance(size, (tuple, list)) else (size,))])
    if len(sizes) not in (1, 2) or min(sizes) < 1:
        raise ValueError(f"{name}: expected size to be a positive int or a pair (height, width) of them, got {size!r}")
    return sizes


def size_of(name: str, size: Any) -> Pair:
    """``size`` as (height, width); one int means a square."""
    sizes = sizes_of(name, size)
    return sizes[0], sizes[-1]
