"""Rows of padding. The references look every element of the result up by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import INTEGERS, INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Source, functional


def _padded(array: Array, pad: tuple[int, ...], source: Any, value: float = 0) -> Array:
    """``source(position, size, before, after)`` says which element stands at a position counted from the input's."""
    edges = [(0, 0)] * (array.ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    out = np.empty([n + before + after for n, (before, after) in zip(array.shape, edges, strict=True)], array.dtype)
    for index in np.ndindex(*out.shape):
        found = [
            source(i - before, n, before, after)
            for i, n, (before, after) in zip(index, array.shape, edges, strict=True)
        ]
        inside = all(0 <= i < n for i, n in zip(found, array.shape, strict=True))
        out[index] = array[tuple(found)] if inside else value
    return out


def _outside(position: int, n: int, before: int, after: int) -> int:
    """Beyond the edge, and also where a negative padding of the other side crops what would be there."""
    kept = range(max(-before, 0), n + min(after, 0))
    return position if position in kept else -1


def _mirrored(position: int, n: int, before: int, after: int) -> int:
    while not 0 <= position < n:
        position = -position if position < 0 else 2 * (n - 1) - position
    return position


def _nearest(position: int, n: int, before: int, after: int) -> int:
    return min(max(position, 0), n - 1)


def _around_the_circle(position: int, n: int, before: int, after: int) -> int:
    kept = range(max(-before, 0), n + min(after, 0))
    while position not in kept:
        position += len(kept) if position < kept.start else -len(kept)
    return position


def _constant(s: Source) -> Case:
    shape = s.shape()
    pad: list[int] = []
    for n in shape[len(shape) - s.integer(0, len(shape)) :][::-1]:
        before = s.integer(-min(n, 2), 3)
        pad += [before, s.integer(max(-2, -n - min(before, 0)), 3)]
    kwargs = {"pad": tuple(pad)}
    return Case((s.array(shape),), s.one_of(kwargs, {**kwargs, "value": 3}))


def _own(most: Any) -> Any:
    """Cases of a mode that repeats elements of its own, at most ``most(size)`` of them."""

    def case(s: Source) -> Case:
        count = s.one_of(1, 1, 2, 3)
        shape = s.shape(count + 1, count + 2, min_side=1)
        if len(shape) == count + 2 and s.integer(0, 7) == 0:
            shape = (0, *shape[1:])
        pad: list[int] = []
        for n in shape[: -count - 1 : -1]:
            before = s.integer(-1 if n > 2 else 0, min(most(n), 3))
            after = s.integer(-1 if n > 2 else 0, min(most(n + min(before, 0)), 3))
            pad += [min(before, most(n + min(after, 0))), after]
        return Case((s.array(shape),), {"pad": tuple(pad)})

    return case


def _mode(mode: str) -> Any:
    return lambda lib, x, pad: lib.nn.functional.pad(x, pad, mode=mode)


def _reference(source: Any) -> Any:
    return lambda x, pad, value=0: _padded(x, pad, source, value)


LINEAR = {"linear": True, "special": True}

ROWS = [
    Op(
        "pad",
        functional("pad"),
        _reference(_outside),
        _constant,
        integers=INTEGERS_AND_BOOL,
        special=True,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (1, 1, 1)),
                RuntimeError,
                "Padding length must be divisible by 2",
            ),
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(3), (1, 1, 1, 1)),
                RuntimeError,
                "less than or equal to two times the input dimension but got padding length 4 and input of dimension 1",
            ),
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (-2, -2)),
                RuntimeError,
                r"padding \(-2, -2\) at dimension 1 takes away more than the 3|narrow",
            ),
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (1, 1), "mirror"),
                NotImplementedError,
                "Unrecognised padding mode mirror",
            ),
            Mistake(lambda lib: lib.nn.functional.pad(lib.ones(3), 1), TypeError, "must be tuple of ints, not int"),
            Mistake(lambda lib: lib.nn.functional.pad(lib.ones(3), (0.5, 1)), TypeError, "0.5|float"),
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.tensor([1]).to(lib.uint8), (1, 1), value=300),
                RuntimeError,
                "without overflow",
            ),
        ),
    ),
    Op(
        "pad(reflect)",
        _mode("reflect"),
        _reference(_mirrored),
        _own(lambda n: n - 1),
        integers=INTEGERS,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (3, 0), "reflect"),
                RuntimeError,
                r"should be less than the corresponding input dimension, but got: padding \(3, 0\) at dimension 1",
            ),
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(3), (1, 1), "reflect"),
                NotImplementedError,
                "Padding size 2 is not supported for 1D input tensor",
            ),
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (1, 1), "reflect", 1.0),
                RuntimeError,
                "doesn't take in value argument",
            ),
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 0, 3), (1, 1), "reflect"),
                RuntimeError,
                r"(?i)expect.*\[2, 0, 3\]",
            ),
        ),
        **LINEAR,
    ),
    Op(
        "pad(replicate)",
        _mode("replicate"),
        _reference(_nearest),
        _own(lambda n: 3),
        integers=INTEGERS,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (-2, -1), "replicate"),
                RuntimeError,
                "too small. Calculated output",
            ),
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (1, 1, 1, 1), "replicate"),
                NotImplementedError,
                "Padding size 4 is not supported for 2D input tensor",
            ),
        ),
        **LINEAR,
    ),
    Op(
        "pad(circular)",
        _mode("circular"),
        _reference(_around_the_circle),
        _own(lambda n: n),
        integers=INTEGERS_AND_BOOL,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (4, 0), "circular"),
                RuntimeError,
                "wrapping around more than once",
            ),
            Mistake(
                lambda lib: lib.nn.functional.pad(lib.ones(2, 3), (-2, -2), "circular"),
                RuntimeError,
                "takes away more than the 3|resulting in an empty dimension",
            ),
        ),
        **LINEAR,
    ),
]
