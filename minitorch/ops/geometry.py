"""Where the windows of convolutions and pools lie. All sizes are (height, width)."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

Pair = tuple[int, int]


class ConvGeometry(NamedTuple):
    """How a convolution's kernel moves over its input."""

    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int

    def output_size(self, input_size: Sequence[int], kernel_size: Sequence[int]) -> Pair:
        """At how many places the kernel fits into the padded input."""
        height, width = (
            (input_size[i] + 2 * self.padding[i] - self.dilation[i] * (kernel_size[i] - 1) - 1) // self.stride[i] + 1
            for i in (0, 1)
        )
        return height, width

    def transposed_size(self, output_size: Sequence[int], kernel_size: Sequence[int]) -> Pair:
        """The smallest input size whose output size is ``output_size``."""
        height, width = (
            (output_size[i] - 1) * self.stride[i] - 2 * self.padding[i] + self.dilation[i] * (kernel_size[i] - 1) + 1
            for i in (0, 1)
        )
        return height, width


class PoolGeometry(NamedTuple):
    """How a pooling window moves over its input."""

    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def output_size(self, input_size: Sequence[int], ceil_mode: bool) -> Pair:
        """The number of windows: of those that fit, or with ``ceil_mode`` also of one that overhangs the far edge."""
        height, width = (self._windows(i, input_size[i], ceil_mode) for i in (0, 1))
        return height, width

    def _windows(self, i: int, size: int, ceil_mode: bool) -> int:
        stride, padding = self.stride[i], self.padding[i]
        room = size + 2 * padding - self.dilation[i] * (self.kernel_size[i] - 1) - 1  # how far the window can move
        if not ceil_mode:
            return room // stride + 1
        count = -(-room // stride) + 1
        # The last window must begin in the input or in the padding before it.
        return count - 1 if (count - 1) * stride >= size + padding else count


def int_of(name: str, argument: str, value: Any) -> int:
    """``value`` as an int.

    Raises:
        TypeError: it is something else.
    """
    try:
        return int(operator.index(value))
    except TypeError:
        raise TypeError(f"{name}: {argument} must be an int, got {value!r}") from None


def sizes_of(name: str, argument: str, value: Any, dims: int) -> tuple[int, ...]:
    """An int for all of ``dims`` dimensions, or a sequence of one or of ``dims``, as a tuple of ``dims`` ints.

    Raises:
        TypeError: something else than ints.
        RuntimeError: another number of them.
    """
    if type(value) is int:
        return (value,) * dims
    wanted = "an int or a tuple of two ints" if dims == 2 else "an int or a tuple of one"
    try:
        # From a list, not an iterator: a tuple that grows as it is filled leaves memory in Python's stock of tuples.
        sizes = tuple([operator.index(n) for n in (value if isinstance(value, (tuple, list)) else (value,))])
    except TypeError:
        raise TypeError(f"{name}: {argument} must be {wanted}, got {value!r}") from None
    if len(sizes) not in (1, dims):
        raise RuntimeError(f"{name}: {argument} must be {wanted}, got {value!r}")
    return sizes if len(sizes) == dims else sizes * dims


def pair_of(name: str, argument: str, value: Any) -> Pair:
    """An int, or a sequence of one or two, as (height, width); raises as :func:`sizes_of`."""
    height, width = sizes_of(name, argument, value, 2)
    return height, width


def check_at_least(name: str, minimum: int, **arguments: tuple[int, ...]) -> None:
    """Raises RuntimeError, naming the argument, where one of its sizes is below ``minimum`` or beyond 31 bits."""
    for argument, sizes in arguments.items():
        if min(sizes) < minimum:
            wanted = "positive" if minimum else "non-negative"
            raise RuntimeError(f"{name}: {argument} must be {wanted}, got {sizes}")
        if max(sizes) >= 2**31:
            raise RuntimeError(f"{name}: {argument} must be below 2**31, got {sizes}")
