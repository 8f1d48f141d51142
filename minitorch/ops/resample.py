"""Resampling along one dimension: every new element is a weighted sum of a few old ones.

What the modes of ``interpolate`` differ in is which elements these are: their *taps*, positions of the input and the
weights with which they count, one of each for every element of the output. All position arithmetic is PyTorch's, in
its precision, so that the same elements are chosen where a position falls between two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Function, Tensor, wrap
from .dispatch import ieee

# Arrays (positions, weights), both as long as the output; the weights are None where all are 1. Positions never
# decrease along the output.
Tap = tuple[Any, Any]


class Resample(Function):
    """y[i] = Σ_k weight_k[i]·x[position_k[i]] along dimension ``dim``."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, taps: tuple[Tap, ...]) -> Tensor:
        ctx.dim, ctx.taps, ctx.size = dim, taps, input.data.shape[dim]
        return wrap(ieee.run(_taken, input.data, dim, taps), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Spread.apply(grad_output, ctx.dim, ctx.taps, ctx.size), None, None


class Spread(Function):
    """x[position_k[i]] += weight_k[i]·y[i] for all i and k: the adjoint of ``Resample``."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, dim: int, taps: tuple[Tap, ...], size: int) -> Tensor:
        ctx.dim, ctx.taps = dim, taps
        shape = source.data.shape
        out = source.backend.xp.zeros((*shape[:dim], size, *shape[dim + 1 :]), dtype=source.data.dtype)
        ieee.run(_add_back, source.backend.xp, out, source.data, dim, taps)
        return wrap(out, source.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Resample.apply(grad_output, ctx.dim, ctx.taps), None, None, None


def _at(dim: int, where: Any) -> tuple[Any, ...]:
    """The index that chooses along one dimension."""
    return (slice(None),) * dim + (where,)


def _weighted(array: Any, dim: int, positions: Any, weights: Any) -> Any:
    taken = array.take(positions, axis=dim)
    if weights is not None:
        taken *= weights.reshape((-1,) + (1,) * (array.ndim - 1 - dim))
    return taken


def _taken(array: Any, dim: int, taps: tuple[Tap, ...]) -> Any:
    first, *others = (_weighted(array, dim, positions, weights) for positions, weights in taps)
    for other in others:
        first += other
    return first


def _add_back(xp: Any, out: Any, source: Any, dim: int, taps: tuple[Tap, ...]) -> None:
    """Adds to each element of ``out`` what was made of it: its first use, its second, and so on, for all at once."""
    elements = xp.arange(out.shape[dim])
    for positions, weights in taps:
        first = xp.searchsorted(positions, elements)
        uses = xp.searchsorted(positions, elements, side="right") - first
        for k in range(int(uses.max())):
            used = xp.flatnonzero(uses > k)
            start, end = int(used[0]), int(used[-1]) + 1
            users = first[used] + k
            values = _weighted(source, dim, users, None if weights is None else weights[users])
            # A slice is much quicker than indices, and all but the edges of an image are mostly used alike.
            out[_at(dim, slice(start, end) if end - start == len(used) else used)] += values


# ---- taps of the modes -----------------------------------------------------------------------------------------------
# (xp, size, out_size, scale_factor or None, align_corners, dtype) -> taps


def nearest(xp: Any, size: int, out_size: int, scale_factor: float | None, align: bool, dtype: Any) -> tuple[Tap, ...]:
    """The element where ``i·size/out_size`` falls. In float32; unscaled and doubled sizes, whatever the factor, in
    integers."""
    i = xp.arange(out_size)
    if out_size in (size, 2 * size):
        return ((i // (out_size // size), None),)
    step = _step(xp.float32, size, out_size, scale_factor)
    return (((i.astype(xp.float32) * step).astype(xp.int64).clip(0, size - 1), None),)


def nearest_exact(
    xp: Any, size: int, out_size: int, scale_factor: float | None, align: bool, dtype: Any
) -> tuple[Tap, ...]:
    """The element where the middle of the new one, ``(i + ½)·size/out_size``, falls."""
    middles = (xp.arange(out_size) + 0.5) * float(_step(xp.float32, size, out_size, scale_factor))
    return ((middles.astype(xp.float32).astype(xp.int64).clip(0, size - 1), None),)


def linear(xp: Any, size: int, out_size: int, scale_factor: float | None, align: bool, dtype: Any) -> tuple[Tap, ...]:
    """The two neighbours of each position, the nearer one counting more; those beyond the edge count as the edge."""
    if out_size == size:
        i, ones = xp.arange(size), xp.ones(size, dtype)
        return (i, ones), ((i + 1).clip(0, size - 1), ones * 0)
    positions = _positions(xp, size, out_size, scale_factor, align, dtype).clip(0, None)
    low, fraction = _floored(xp, positions, size)
    return (low, 1 - fraction), ((low + 1).clip(0, size - 1), fraction)


def cubic(xp: Any, size: int, out_size: int, scale_factor: float | None, align: bool, dtype: Any) -> tuple[Tap, ...]:
    """Four neighbours of each position, weighted by Keys' piecewise cubic polynomial; the edge is repeated."""
    low, t = _floored(xp, _positions(xp, size, out_size, scale_factor, align, dtype), size)
    weights = _keys_far(t + 1), _keys_near(t), _keys_near(1 - t), _keys_far(2 - t)
    return tuple([((low + k - 1).clip(0, size - 1), weight) for k, weight in enumerate(weights)])


def _keys_near(x: Any) -> Any:
    """Keys' polynomial for distances from 0 to 1, with a = -3/4."""
    return (1.25 * x - 2.25) * x * x + 1


def _keys_far(x: Any) -> Any:
    """Keys' polynomial for distances from 1 to 2."""
    return ((-0.75 * x + 3.75) * x - 6) * x + 3


def _step(number: Callable[[float], Any], size: int, out_size: int, scale_factor: float | None) -> Any:
    """How far it is in the input from one element of the output to the next, as a ``number`` of one precision."""
    return number(1 / scale_factor) if scale_factor else number(size) / number(out_size)


def _positions(xp: Any, size: int, out_size: int, scale_factor: float | None, align: bool, dtype: Any) -> Any:
    """Where in the input the elements of the output lie.

    With ``align``, first and last elements lie on each other. Otherwise the edges of the images do: elements are
    intervals of length 1, and element i has its middle at i + ½.
    """
    i, number = xp.arange(out_size).astype(dtype), xp.dtype(dtype).type
    if align:
        return i * (number(size - 1) / number(out_size - 1) if out_size > 1 else number(0))
    half = number(0.5)
    return (i + half) * _step(number, size, out_size, scale_factor) - half


def _floored(xp: Any, positions: Any, size: int) -> tuple[Any, Any]:
    """The positions as integers, rounded down, and the fractions in between, from 0 to 1."""
    low = xp.floor(positions.astype(xp.float32)).astype(xp.int64).clip(None, size - 1)
    return low, (positions - low.astype(positions.dtype)).clip(0, 1)


TAPS = {
    "nearest": nearest,
    "nearest-exact": nearest_exact,
    "linear": linear,
    "bilinear": linear,
    "trilinear": linear,
    "bicubic": cubic,
}
