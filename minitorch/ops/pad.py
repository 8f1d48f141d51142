"""Padding: more elements at the edges of dimensions, or fewer where the padding is negative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..devices import on_its_device
from ..tensor import Function, Tensor, wrap
from .dispatch import fitting_number, ieee
from .gather import IndexSelect
from .geometry import int_of

Edges = tuple[tuple[int, int], ...]  # how many elements are added before and after, for every dimension


class ConstantPad(Function):
    """A number around the input. The adjoint takes away what was added and puts 0 where the input was cropped."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, edges: Edges, value: Any) -> Tensor:
        ctx.padding = edges
        shape = input.data.shape
        kept, target = [], []
        for n, (before, after) in zip(shape, edges, strict=True):
            # Element i of the input, if it is kept, becomes element i + before.
            start, stop = max(-before, 0), n + min(after, 0)
            kept.append(slice(start, stop))
            target.append(slice(start + before, stop + before))
        size = [n + before + after for n, (before, after) in zip(shape, edges, strict=True)]
        out = ieee.run(input.backend.xp.full, size, value, dtype=input.data.dtype)
        out[tuple(target)] = input.data[tuple(kept)]
        return wrap(out, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        opposite = tuple([(-before, -after) for before, after in ctx.padding])
        return ConstantPad.apply(grad_output, opposite, 0), None, None


@on_its_device
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """``input`` with more elements around it.

    ``pad`` is (before, after) for the last dimension, then for the one before it, and so on: ``(left, right, top,
    bottom)`` for images. Negative numbers take elements away. The new elements are, of a row a b c d padded by 2,

    - ``"constant"``: ``value`` (0 by default): ``0 0 a b c d 0 0``; any number of dimensions may be padded;
    - ``"reflect"``: mirrored at the outermost elements: ``c b a b c d c b``;
    - ``"replicate"``: the outermost element again: ``a a a b c d d d``;
    - ``"circular"``: those of the other end: ``c d a b c d a b``.

    The latter three pad the last one, two or three dimensions, which follow one for the channels and perhaps one for
    the batch; reflection takes less than the size of the dimension, wrapping around no more than it.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.pad(minitorch.tensor([[1, 2, 3]]), (2, 1), mode="reflect")
    tensor([[3, 2, 1, 2, 3, 2]])
    >>> F.pad(minitorch.tensor([[1, 2, 3]]), (-1, 0, 1, 0))
    tensor([[0, 0],
            [2, 3]])

    Raises:
        RuntimeError: ``pad`` has an odd length or more than twice the rank; more is cropped than there is; the size
            of a reflection or circle isn't there; a mode other than ``"constant"`` is given a ``value``.
        NotImplementedError: the mode doesn't exist, or doesn't pad so many dimensions of a tensor of this rank.
    """
    if not isinstance(pad, (tuple, list)):
        raise TypeError(f"pad(): argument 'pad' must be tuple of ints, not {type(pad).__name__}")
    sizes = [int_of("pad", "an element of 'pad'", n) for n in pad]
    shape = input.data.shape
    if len(sizes) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, got pad={list(pad)}")
    if len(sizes) > 2 * len(shape):
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(sizes)} and input of dimension {len(shape)}"
        )
    pairs = list(zip(sizes[::2], sizes[1::2], strict=True))[::-1]
    edges = ((0, 0),) * (len(shape) - len(pairs)) + tuple(pairs)
    if mode == "constant":
        number = fitting_number(0 if value is None else value, input.dtype)
        return ConstantPad.apply(input, _cropping_checked(shape, edges), number)
    if mode not in _POSITIONS:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    _check_rank(mode, shape, len(pairs))
    for dim in range(len(shape) - len(pairs), len(shape)):
        positions = _POSITIONS[mode](input.backend.xp, shape, dim, *edges[dim])
        input = IndexSelect.apply(input, dim, wrap(positions, input.backend))
    return input


def _cropping_checked(shape: tuple[int, ...], edges: Edges) -> Edges:
    for dim, (n, (before, after)) in enumerate(zip(shape, edges, strict=True)):
        if n + min(before, 0) + min(after, 0) < 0:
            raise RuntimeError(
                f"pad: padding ({before}, {after}) at dimension {dim} takes away more than the {n} elements that the "
                f"input {list(shape)} has there"
            )
    return edges


def _check_rank(mode: str, shape: tuple[int, ...], count: int) -> None:
    """Whether ``count`` dimensions of a tensor of this shape may be padded with elements of its own."""
    if not 1 <= count <= 3 or len(shape) - count not in (1, 2):
        raise NotImplementedError(
            f"Padding size {2 * count} is not supported for {len(shape)}D input tensor. Supported combinations for "
            f"non-constant padding: 2D or 3D input: padding size = 2 (pads last dimension); 3D or 4D input: padding "
            f"size = 4 (pads last 2 dimensions); 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    batch = len(shape) - count - 1  # the number of leading dimensions that may be empty
    if mode != "circular" and 0 in shape[batch:]:
        raise RuntimeError(f'pad: mode "{mode}" expects no empty dimension but that of the batch, got {list(shape)}')


# ---- where the elements of a padded dimension come from --------------------------------------------------------------


def _reflected(xp: Any, shape: tuple[int, ...], dim: int, before: int, after: int) -> Any:
    n = shape[dim]
    if max(before, after) >= n:
        raise RuntimeError(
            f"pad: Padding size should be less than the corresponding input dimension, but got: padding ({before}, "
            f"{after}) at dimension {dim} of input {list(shape)}"
        )
    from_last = (n - 1) - abs(_all_positions(xp, shape, dim, before, after))
    return (n - 1) - abs(from_last)


def _replicated(xp: Any, shape: tuple[int, ...], dim: int, before: int, after: int) -> Any:
    return _all_positions(xp, shape, dim, before, after).clip(0, shape[dim] - 1)


def _all_positions(xp: Any, shape: tuple[int, ...], dim: int, before: int, after: int) -> Any:
    """-before … n + after - 1: those outside of 0 … n - 1 are what is padded."""
    if shape[dim] + before + after < 1:
        raise RuntimeError(
            f"pad: input (size {shape[dim]} at dimension {dim}) is too small. Calculated output size: "
            f"{shape[dim] + before + after}"
        )
    return xp.arange(-before, shape[dim] + after)


def _wrapped(xp: Any, shape: tuple[int, ...], dim: int, before: int, after: int) -> Any:
    _cropping_checked(shape[dim : dim + 1], ((before, after),))
    start, size = max(-before, 0), shape[dim] + min(before, 0) + min(after, 0)  # what is left after cropping
    before, after = max(before, 0), max(after, 0)
    if max(before, after) > size:
        raise RuntimeError(
            f"pad: Padding value causes wrapping around more than once: padding ({before}, {after}) at dimension {dim} "
            f"of input {list(shape)}"
        )
    return start + xp.arange(-before, size + after) % size


_POSITIONS = {"reflect": _reflected, "replicate": _replicated, "circular": _wrapped}
