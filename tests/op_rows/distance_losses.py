"""Rows of distances and similarities, and of the losses of them. The references go from vector to vector."""

from __future__ import annotations

import math

import numpy as np

from .losses import REDUCTIONS, each_loss, loss_mistake, reduced, reduction_mistakes
from .row import Array, Case, Mistake, Op, Shape, Source, apart, functional, named

Vector = list[float]


def _vectors(*arrays: Array, dim: int = -1) -> tuple[list[tuple[Vector, ...]], Shape]:
    """The vectors along ``dim`` of arrays that broadcast, those of one place together; the shape of the places."""
    arrays = tuple(np.atleast_1d(np.moveaxis(a, dim, -1) if a.ndim else a) for a in np.broadcast_arrays(*arrays))
    places = arrays[0].shape[:-1]
    return [tuple(a[place].tolist() for a in arrays) for place in np.ndindex(*places)], places


def _from_one(s: Source, count: int, shape: Shape) -> tuple[Array, ...]:
    """Tensors of independent numbers: two that were drawn one by one may be equal."""
    return tuple(part.reshape(shape) for part in s.array((count, math.prod(shape))))


# ---- distances -------------------------------------------------------------------------------------------------------


def _length(x: Vector) -> float:
    return math.sqrt(sum(a * a for a in x))


def _cosine(x: Vector, y: Vector, eps: float) -> float:
    lengths = [max(_length(v), eps) for v in (x, y)]  # NaN stays: it isn't less than eps
    return sum((a / lengths[0]) * (b / lengths[1]) for a, b in zip(x, y, strict=True))


def _cosine_similarity(x1: Array, x2: Array, dim: int, eps: float) -> Array:
    vectors, places = _vectors(x1, x2, dim=dim)
    return np.array([_cosine(x, y, eps) for x, y in vectors], np.float64).reshape(places)


def _similar(s: Source) -> Case:
    a, b = s.broadcastable(2)
    ndim = max(len(a), len(b), 1)
    kwargs = {"dim": s.integer(-ndim, ndim - 1), "eps": s.one_of(1e-8, 1e-3)}
    return Case((s.array(a, "nonzero"), s.array(b, "nonzero")), kwargs)


def _distance(x: Vector, y: Vector, p: float, eps: float) -> float:
    return sum(abs(a - b + eps) ** p for a, b in zip(x, y, strict=True)) ** (1 / p)


def _pairwise_distance(x1: Array, x2: Array, p: float, eps: float, keepdim: bool) -> Array:
    vectors, places = _vectors(x1, x2)
    shape = (*places, 1) if keepdim and max(x1.ndim, x2.ndim) else places
    return np.array([_distance(x, y, p, eps) for x, y in vectors], np.float64).reshape(shape)


def _distant(s: Source) -> Case:
    kwargs = {"p": s.one_of(0.5, 1, 2.0, 3.0), "eps": s.one_of(1e-6, 0.01), "keepdim": s.flag()}
    return Case(apart()(s).tensors, kwargs)


# ---- losses ----------------------------------------------------------------------------------------------------------


def _labelled_pairs(s: Source) -> Case:
    N, D = s.integer(1, 4), s.integer(0, 4)
    shape, places = s.one_of(((D,), ()), ((N, D), (N,)))
    labels = np.asarray(s.rng().choice([-1, 1], places))
    kwargs = {"margin": s.one_of(0, -0.5, 0.3), "reduction": s.one_of(*REDUCTIONS)}
    return Case((*_from_one(s, 2, shape), labels), kwargs)


def _cosine_embedding_loss(x1: Array, x2: Array, target: Array, *, margin: float, reduction: str) -> Array:
    losses = []
    vectors, places = _vectors(x1, x2)
    for (x, y), label in zip(vectors, target.ravel().tolist(), strict=True):
        squares = [sum(a * a for a in v) + 1e-12 for v in (x, y)]
        cosine = sum(a * b for a, b in zip(x, y, strict=True)) / math.sqrt(squares[0] * squares[1])
        losses.append(1 - cosine if label == 1 else 0.0 if cosine < margin else cosine - margin)
    return reduced(losses, [1.0] * len(losses), places, reduction)


def _ranked(s: Source) -> Case:
    shape = s.shape(max_dims=2, min_side=1)
    kwargs = {"margin": s.one_of(0, 0.3, -1.1), "reduction": s.one_of(*REDUCTIONS)}
    target = tuple(s.one_of(n, 1) for n in shape)
    return Case((*_from_one(s, 2, shape), s.array(target, "nonzero")), kwargs)


def _ranking(x: float, y: float, t: float, margin: float) -> float:
    loss = -t * (x - y) + margin
    return 0.0 if loss < 0 else float(loss)


def _hinged(s: Source) -> Case:
    shape = s.shape(max_dims=2)
    labels = np.asarray(s.rng().choice([-1, 1], shape[s.integer(0, len(shape)) :]))
    kwargs = {"margin": s.one_of(0.3, 1.0, -1.1), "reduction": s.one_of(*REDUCTIONS)}
    return Case((s.array(shape, "distinct"), labels), kwargs)


def _hinge(x: float, t: float, margin: float) -> float:
    return x if t == 1 else 0.0 if margin - x < 0 else margin - x


def _triplets(s: Source) -> Case:
    N, D = s.integer(1, 4), s.integer(1, 3)
    kwargs = {
        "margin": s.one_of(0.1, 1.0, 10),
        "p": s.one_of(1, 2.0, 3.0),
        "swap": s.flag(),
        "reduction": s.one_of(*REDUCTIONS),
    }
    return Case(_from_one(s, 3, s.one_of((D,), (N, D))), kwargs)


def _triplet(
    anchor: Array, positive: Array, negative: Array, *, margin: float, p: float, swap: bool, reduction: str
) -> Array:
    vectors, places = _vectors(anchor, positive, negative)
    losses = []
    for a, b, c in vectors:
        far = _distance(a, c, p, 1e-6)
        if swap:
            far = min(far, _distance(b, c, p, 1e-6))
        losses.append(max(0.0, _distance(a, b, p, 1e-6) - far + margin))
    return reduced(losses, [1.0] * len(losses), places, reduction)


# ---- what they refuse ------------------------------------------------------------------------------------------------


def _cosine_mistake(message: str, x: Shape, y: Shape, target: Shape) -> Mistake:
    return loss_mistake(
        "cosine_embedding_loss", RuntimeError, message, lambda lib, f: f(lib.ones(x), lib.ones(y), lib.ones(target))
    )


COSINE_SIMILARITY = Op(
    "cosine_similarity",
    named("cosine_similarity"),
    _cosine_similarity,
    _similar,
    special=True,
    mistakes=(
        Mistake(lambda lib: lib.cosine_similarity(lib.ones(3, 4), lib.ones(3)), RuntimeError, "do not broadcast"),
        Mistake(lambda lib: lib.cosine_similarity(lib.ones(3), lib.ones(3)), IndexError, "Dimension out of range"),
        Mistake(
            lambda lib: lib.cosine_similarity(lib.arange(3), lib.arange(3), dim=0),
            RuntimeError,
            "expected common dtype to be floating point, yet common dtype is minitorch.int64",
        ),
        Mistake(lambda lib: lib.cosine_similarity(lib.ones(3), 1.0, dim=0), TypeError, "expected a Tensor, got float"),
    ),
)

TRIPLET_MARGIN_LOSS = Op(
    "triplet_margin_loss",
    functional("triplet_margin_loss"),
    _triplet,
    _triplets,
    mistakes=(
        *reduction_mistakes("triplet_margin_loss", 3),
        *(
            loss_mistake(
                "triplet_margin_loss",
                ValueError,
                f"margin must be greater than 0, got {margin}",
                lambda lib, f, margin=margin: f(lib.ones(3, 4), lib.ones(3, 4), lib.ones(3, 4), margin=margin),
            )
            for margin in (0, -1.0)
        ),
        *(
            loss_mistake(
                "triplet_margin_loss",
                RuntimeError,
                "do not broadcast",
                lambda lib, f, sizes=sizes: f(*[lib.ones(3, n) for n in sizes]),
            )
            for sizes in ((5, 4, 4), (4, 5, 4), (4, 4, 5))
        ),
        *(
            loss_mistake(
                "triplet_margin_loss",
                RuntimeError,
                f"same number of dimensions, but got: anchor {dims[0]}D, positive {dims[1]}D, and negative {dims[2]}D",
                lambda lib, f, dims=dims: f(*[lib.ones((4,) * n) for n in dims]),
            )
            for dims in ((1, 2, 2), (2, 1, 2), (2, 2, 1))
        ),
    ),
)

ROWS = [
    COSINE_SIMILARITY,
    Op(
        "pairwise_distance",
        named("pairwise_distance"),
        _pairwise_distance,
        _distant,
        mistakes=(
            Mistake(
                lambda lib: lib.pairwise_distance(lib.ones(2, 3), lib.ones(2, 4)), RuntimeError, "do not broadcast"
            ),
            Mistake(
                lambda lib: lib.pairwise_distance(lib.ones(2, 0), lib.ones(2, 0), float("inf")), RuntimeError, "empty"
            ),
        ),
    ),
    Op(
        "cosine_embedding_loss",
        functional("cosine_embedding_loss"),
        _cosine_embedding_loss,
        _labelled_pairs,
        special=True,
        integers=(np.int64, np.int32),
        mistakes=(
            loss_mistake(
                "cosine_embedding_loss",
                ValueError,
                "'abc' is not a valid value",
                lambda lib, f: f(lib.ones(2, 3), lib.ones(2, 3), lib.ones(2), reduction="abc"),
            ),
            _cosine_mistake(
                "0D or 1D target tensor expected, multi-target not supported, got 2D", (2, 3), (2, 3), (2, 1)
            ),
            _cosine_mistake(r"0D target .* 1D input .* sizes \(2, 3\) and \(2, 3\)", (2, 3), (2, 3), ()),
            _cosine_mistake("1D target tensor expects 2D input tensors", (3,), (3,), (1,)),
            _cosine_mistake("1D target tensor expects 2D input tensors", (2, 3), (3,), (2,)),
            _cosine_mistake("do not broadcast", (2, 3), (2, 3), (3,)),
            _cosine_mistake("do not broadcast", (2, 3), (3, 3), (2,)),
        ),
    ),
    Op(
        "margin_ranking_loss",
        functional("margin_ranking_loss"),
        each_loss(_ranking),
        _ranked,
        special=True,
        integers=(np.int64, np.int32),
        mistakes=(
            *reduction_mistakes("margin_ranking_loss", 3),
            loss_mistake(
                "margin_ranking_loss",
                RuntimeError,
                r"should have the same number of dimensions but got sizes: input1: \(5, 4\).* target: \(4,\)",
                lambda lib, f: f(lib.ones(5, 4), lib.ones(5, 4), lib.ones(4)),
            ),
            loss_mistake(
                "margin_ranking_loss",
                RuntimeError,
                "do not broadcast",
                lambda lib, f: f(lib.ones(3), lib.ones(4), lib.ones(3)),
            ),
        ),
    ),
    Op(
        "hinge_embedding_loss",
        functional("hinge_embedding_loss"),
        each_loss(_hinge),
        _hinged,
        special=True,
        mistakes=(
            *reduction_mistakes("hinge_embedding_loss"),
            loss_mistake(
                "hinge_embedding_loss",
                RuntimeError,
                "do not broadcast",
                lambda lib, f: f(lib.ones(5, 4), lib.ones(5)),
            ),
        ),
    ),
    TRIPLET_MARGIN_LOSS,
]
