"""Rows of classes and words as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import Array, Case, Mistake, Op, Source


def _classes(s: Source) -> Case:
    high = s.integer(1, 4)
    shape = s.shape(max_dims=2)
    classes = s.rng().integers(0, high, shape)
    count = s.one_of(high, high + 2, *([-1] if classes.size else []))
    return Case((), {"classes": np.asarray(classes), "num_classes": count})


def _vectors(classes: Array, num_classes: int) -> Array:
    count = max(classes.ravel().tolist()) + 1 if num_classes == -1 else num_classes
    out = np.zeros((*classes.shape, count), np.int64)
    for index in np.ndindex(*classes.shape):
        out[index][classes[index]] = 1
    return out


def _words(s: Source) -> Case:
    size = s.integer(1, 5)
    table = s.array((size, s.integer(0, 3)))
    words = s.rng().integers(0, size, s.shape(max_dims=2)).astype(s.one_of(np.int64, np.int64, np.int32))
    return Case((table,), {"words": words})


def _rows(table: Array, words: Array) -> Array:
    out = np.empty((*words.shape, table.shape[1]), table.dtype)
    for index in np.ndindex(*words.shape):
        out[index] = table[words[index]]
    return out


def _embed(indices: Any, *shape: int, **kwargs: Any) -> Any:
    return lambda lib: lib.nn.functional.embedding(lib.tensor(indices), lib.ones(*shape), **kwargs)


ROWS = [
    Op(
        "one_hot",
        lambda lib, classes, num_classes: lib.nn.functional.one_hot(classes, num_classes),
        _vectors,
        _classes,
        floats=False,
        integers=(np.int64,),
        mistakes=(
            Mistake(lambda lib: lib.nn.functional.one_hot(lib.tensor([2]), 2), RuntimeError, "smaller than num"),
            Mistake(lambda lib: lib.nn.functional.one_hot(lib.tensor([-1])), RuntimeError, "must be non-negative"),
            Mistake(lambda lib: lib.nn.functional.one_hot(lib.tensor([0.0])), RuntimeError, "only applicable to"),
            Mistake(
                lambda lib: lib.nn.functional.one_hot(lib.zeros(0, dtype=lib.int64)),
                RuntimeError,
                "from empty tensor",
            ),
            Mistake(lambda lib: lib.nn.functional.one_hot([1]), TypeError, "must be Tensor, not list"),
        ),
    ),
    Op(
        "embedding",
        lambda lib, table, words: lib.nn.functional.embedding(words, table),
        _rows,
        _words,
        linear=True,
        special=True,
        mistakes=(
            Mistake(_embed([3], 3, 2), IndexError, "index 3 is out of bounds .* size 3|out of range"),
            Mistake(_embed([-1], 3, 2), IndexError, "index -1 is out of bounds|out of range"),
            Mistake(_embed([0], 3), RuntimeError, "'weight' must be 2-D"),
            Mistake(_embed([0.0], 3, 2), RuntimeError, "(?i)expected .*indices"),
            Mistake(_embed([0], 3, 2, padding_idx=3), AssertionError, "Padding_idx must be within num_embeddings"),
            Mistake(_embed([0], 3, 2, sparse=True), NotImplementedError, "sparse must be False", as_pytorch=False),
        ),
    ),
]
