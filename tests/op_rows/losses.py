"""Rows of the losses. The references go from sample to sample."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .activations import log_softmax
from .row import Array, Case, Mistake, Op, Source, functional


def _labelled(s: Source, **kwargs: Any) -> Case:
    """Logits, class indices, class weights or none, some samples ignored."""
    classes, places = s.integer(1, 4), s.shape(max_dims=2, min_side=1)
    N = s.integer(1, 4)
    shape, target_shape = s.one_of(((classes,), ()), ((N, classes), (N,)), ((N, classes, *places), (N, *places)))
    labels = np.asarray(s.rng().integers(0, classes, target_shape))
    ignored = s.one_of(-100, 0, classes - 1)
    kwargs = {**kwargs, "ignore_index": ignored, "reduction": s.one_of("none", "sum", "mean")}
    if kwargs["reduction"] == "mean" and (labels == ignored).all():
        kwargs["ignore_index"] = -1  # the mean of nothing is NaN
    if s.flag():
        kwargs["weight"] = s.array((classes,), "positive")
    return Case((s.array(shape), labels), kwargs)


def _smoothed(s: Source) -> Case:
    return _labelled(s, label_smoothing=s.one_of(0.0, 0.25, 1.0))


def _reduce(losses: list[float], weights: list[float], shape: tuple[int, ...], reduction: str) -> Array:
    if reduction == "none":
        return np.array(losses, np.float64).reshape(shape)
    return np.asarray(math.fsum(losses) / (math.fsum(weights) if reduction == "mean" else 1.0))


def _samples(input: Array, target: Array) -> list[tuple[list[float], Any]]:
    """(the numbers of the classes, the target) of every sample."""
    rows = input if input.ndim == 1 else np.moveaxis(input, 1, -1)
    return [(rows[index].tolist(), target[index]) for index in np.ndindex(*target.shape)]


def _nll(input: Array, target: Array, *, ignore_index: int, reduction: str, weight: Any = None) -> Array:
    losses, weights = [], []
    for row, label in _samples(input, target):
        w = 0.0 if label == ignore_index else 1.0 if weight is None else weight[label]
        losses.append(-w * row[label])
        weights.append(w)
    return _reduce(losses, weights, target.shape, reduction)


def _cross_entropy(
    input: Array, target: Array, *, ignore_index: int, reduction: str, label_smoothing: float, weight: Any = None
) -> Array:
    losses, weights = [], []
    for row, label in _samples(input, target):
        logs = log_softmax(row)
        by_class = [1.0] * len(row) if weight is None else weight.tolist()
        smooth = math.fsum(-w * log for w, log in zip(by_class, logs, strict=True)) / len(row)
        loss = (1 - label_smoothing) * -by_class[label] * logs[label] + label_smoothing * smooth
        counts = label != ignore_index
        losses.append(loss * counts)
        weights.append(by_class[label] * counts)
    return _reduce(losses, weights, target.shape, reduction)


def _probabilities(s: Source) -> Case:
    shape = (s.integer(1, 4), s.integer(1, 4), *s.shape(max_dims=1, min_side=1))
    kwargs = {"reduction": s.one_of("none", "sum", "mean"), "label_smoothing": s.one_of(0.0, 0.25)}
    if s.flag():
        kwargs["weight"] = s.array((shape[1],), "positive")
    return Case((s.array(shape), s.array(shape, "positive")), kwargs)


def _soft_cross_entropy(
    input: Array, target: Array, *, reduction: str, label_smoothing: float, weight: Any = None
) -> Array:
    places = (len(input), *input.shape[2:])
    losses = []
    for n, *place in np.ndindex(*places):
        at = (n, slice(None), *place)
        logs, q = (
            log_softmax(input[at].tolist()),
            target[at] * (1 - label_smoothing) + label_smoothing / input.shape[1],
        )
        by_class = np.ones(len(q)) if weight is None else weight
        losses.append(math.fsum(-w * p * log for w, p, log in zip(by_class, q, logs, strict=True)))
    return _reduce(losses, [1.0] * len(losses), places, reduction)


def _regression(s: Source) -> Case:
    shape = s.shape(min_side=1)
    return Case((s.array(shape), s.array(shape)), {"reduction": s.one_of("none", "sum", "mean")})


def _squared_error(input: Array, target: Array, reduction: str) -> Array:
    losses = [(a - b) ** 2 for a, b in zip(input.ravel().tolist(), target.ravel().tolist(), strict=True)]
    return _reduce(losses, [1.0] * len(losses), input.shape, reduction)


def _loss_mistake(name: str, error: type[Exception], message: str, call: Callable[..., Any]) -> Mistake:
    return Mistake(lambda lib: call(lib, getattr(lib.nn.functional, name)), error, message)


ROWS = [
    Op(
        "nll_loss",
        functional("nll_loss"),
        _nll,
        _labelled,
        mistakes=(
            _loss_mistake("nll_loss", IndexError, "target 3", lambda lib, f: f(lib.zeros(2, 3), lib.tensor([0, 3]))),
            _loss_mistake("nll_loss", ValueError, "batch", lambda lib, f: f(lib.zeros(2, 3), lib.tensor([0]))),
            _loss_mistake(
                "nll_loss",
                ValueError,
                "average",
                lambda lib, f: f(lib.zeros(1, 3), lib.tensor([0]), reduction="average"),
            ),
        ),
    ),
    Op(
        "cross_entropy",
        functional("cross_entropy"),
        _cross_entropy,
        _smoothed,
        mistakes=(
            _loss_mistake(
                "cross_entropy", IndexError, "target -1", lambda lib, f: f(lib.zeros(2, 3), lib.tensor([0, -1]))
            ),
            _loss_mistake("cross_entropy", ValueError, "batch", lambda lib, f: f(lib.zeros(2, 3), lib.tensor([0]))),
            _loss_mistake(
                "cross_entropy",
                RuntimeError,
                "label_smoothing must be between 0.0 and 1.0",
                lambda lib, f: f(lib.zeros(1, 3), lib.tensor([0]), label_smoothing=1.5),
            ),
            _loss_mistake(
                "cross_entropy",
                RuntimeError,
                "weight",
                lambda lib, f: f(lib.zeros(1, 3), lib.tensor([0]), weight=lib.ones(2)),
            ),
        ),
    ),
    Op("cross_entropy(probabilities)", functional("cross_entropy"), _soft_cross_entropy, _probabilities),
    Op(
        "mse_loss",
        functional("mse_loss"),
        _squared_error,
        _regression,
        mistakes=(
            _loss_mistake(
                "mse_loss", ValueError, "average", lambda lib, f: f(lib.ones(1), lib.ones(1), reduction="average")
            ),
        ),
    ),
]
