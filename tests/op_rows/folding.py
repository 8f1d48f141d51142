"""Rows of windows as columns, and of columns as images."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import Array, Case, Mistake, Op, Source, functional

FOLDING = {"linear": True, "special": True}


def _geometry(s: Source) -> tuple[tuple[int, int], dict[str, Any]]:
    """A size of images and a geometry of windows of which at least one fits."""
    kwargs = {
        "kernel_size": (s.integer(1, 3), s.integer(1, 3)),
        "dilation": (s.integer(1, 2), s.integer(1, 2)),
        "padding": (s.integer(0, 2), s.integer(0, 2)),
        "stride": (s.integer(1, 3), s.integer(1, 3)),
    }
    extents = [d * (k - 1) + 1 - 2 * p for k, d, p in zip(*map(kwargs.get, _NAMES[:3]), strict=True)]
    height, width = (max(1, extent) + s.integer(0, 3) for extent in extents)
    if s.flag():
        kwargs = {name: value[0] for name, value in kwargs.items()}
        height = width = max(height, width) + 3
    return (height, width), kwargs


_NAMES = ("kernel_size", "dilation", "padding", "stride")


def _places(size: tuple[int, int], kwargs: dict[str, Any]) -> tuple[int, int, list[tuple[int, int, int, int]]]:
    """The shape of the matrix of one channel, and (row, column, h, w) of each of its elements, padding left out."""
    (KH, KW), (DH, DW), (PH, PW), (SH, SW) = (
        (value, value) if isinstance(value, int) else value for value in map(kwargs.get, _NAMES)
    )
    H, W = size
    tops = range(-PH, H + PH - DH * (KH - 1), SH)
    lefts = range(-PW, W + PW - DW * (KW - 1), SW)
    places = [
        (kh * KW + kw, i * len(lefts) + j, top + kh * DH, left + kw * DW)
        for kh in range(KH)
        for kw in range(KW)
        for i, top in enumerate(tops)
        for j, left in enumerate(lefts)
    ]
    return KH * KW, len(tops) * len(lefts), [p for p in places if 0 <= p[2] < H and 0 <= p[3] < W]


def _leading(s: Source) -> tuple[int, ...]:
    """(N, C) or (C,), now and then an empty batch."""
    batch = (0 if s.integer(0, 7) == 0 else s.integer(1, 2),) if s.flag() else ()
    return (*batch, s.integer(1, 2))


def _unfold(s: Source) -> Case:
    size, kwargs = _geometry(s)
    return Case((s.array((*_leading(s), *size)),), kwargs)


def _columns(array: Array, **kwargs: Any) -> Array:
    *batch, C, H, W = array.shape
    rows, columns, places = _places((H, W), kwargs)
    out = np.zeros((*batch, C, rows, columns), array.dtype)
    for row, column, h, w in places:
        out[..., row, column] = array[..., h, w]
    return out.reshape(*batch, C * rows, columns)


def _fold(s: Source) -> Case:
    size, kwargs = _geometry(s)
    *batch, C = _leading(s)
    rows, columns, _ = _places(size, kwargs)
    return Case((s.array((*batch, C * rows, columns)),), {"output_size": size, **kwargs})


def _image(array: Array, output_size: tuple[int, int], **kwargs: Any) -> Array:
    rows, columns, places = _places(output_size, kwargs)
    *batch, height, _ = array.shape
    parts = array.reshape(*batch, height // rows, rows, columns)
    out = np.zeros((*batch, height // rows, *output_size), array.dtype)
    for row, column, h, w in places:
        out[..., h, w] += parts[..., row, column]
    return out


def _unfolded(*args: Any, **kwargs: Any) -> Any:
    return lambda lib: lib.nn.functional.unfold(lib.ones(1, 1, 4, 4), *args, **kwargs)


def _folded(shape: tuple[int, ...], *args: Any, **kwargs: Any) -> Any:
    return lambda lib: lib.nn.functional.fold(lib.ones(*shape), *args, **kwargs)


ROWS = [
    Op(
        "unfold",
        functional("unfold"),
        _columns,
        _unfold,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.unfold(lib.ones(1, 1, 1, 4, 4), 2),
                RuntimeError,
                r"Expected 3D or 4D .* tensor.*\[1, 1, 1, 4, 4\]",
            ),
            Mistake(_unfolded(5), RuntimeError, r"sliding blocks as \(0, 0\), but its components must be at least one"),
            Mistake(_unfolded(0), RuntimeError, "kernel.size (must be positive|should be greater than zero).*0"),
            Mistake(_unfolded(2, dilation=0), RuntimeError, "dilation (must be positive|should be greater).*0"),
            Mistake(_unfolded(2, stride=0), RuntimeError, "stride (must be positive|should be greater).*0"),
            Mistake(_unfolded(2, padding=-1), RuntimeError, "padding (must be|should be) non-negative.*-1"),
            Mistake(_unfolded((2, 2, 2)), RuntimeError, "kernel_size"),
            Mistake(_unfolded("2"), TypeError, "kernel_size"),
        ),
        **FOLDING,
    ),
    Op(
        "fold",
        functional("fold"),
        _image,
        _fold,
        mistakes=(
            Mistake(_folded((9,), 4, 2), RuntimeError, r"Expected 2D or 3D .*\[9\]"),
            Mistake(_folded((1, 5, 9), 4, 2), RuntimeError, "dimension 1 to be divisible by the product"),
            Mistake(_folded((1, 4, 8), 4, 2), RuntimeError, r"sliding blocks 3 \* 3.*, but got .*8"),
            Mistake(_folded((1, 4, 9), -1, 2), RuntimeError, "output_size"),
            Mistake(_folded((1, 4, 9), 4, 2, stride=0), RuntimeError, "stride (must be positive|should be greater)"),
            Mistake(_folded((1, 4, 9), (4, 4, 4), 2), RuntimeError, "output_size"),
        ),
        **FOLDING,
    ),
]
