"""Rows of the losses over classes, and what the rows of all losses have in common.

The references go from sample to sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .activations import log_softmax
from .row import Array, Case, Mistake, Op, Source, functional

REDUCTIONS = ("none", "sum", "mean")


def reduced(losses: list[float], weights: list[float], shape: tuple[int, ...], reduction: str) -> Array:
    """The losses in ``shape``, their sum, or that over the sum of the weights."""
    if reduction == "none":
        return np.array(losses, type(losses[0]) if losses else np.float64).reshape(shape)
    total = sum(losses) if losses else 0.0
    return np.asarray(np.divide(total, sum(weights)) if reduction == "mean" else total)


def each_loss(function: Callable[..., float], *, mean_of_weights: bool = False) -> Callable[..., Array]:
    """The reference of a loss that is a function of numbers, applied to every element.

    The weighted losses are divided by the sum of the weights for the mean, or by their number.
    """

    def reference(*arrays: Array, reduction: str = "mean", weight: Any = None, **kwargs: Any) -> Array:
        arrays = tuple(np.broadcast_arrays(*arrays))
        by_element = np.broadcast_to(1 if weight is None else weight, arrays[0].shape).ravel().tolist()
        numbers = zip(*(a.ravel().tolist() for a in arrays), strict=True)
        losses = [function(*x, **kwargs) * w for x, w in zip(numbers, by_element, strict=True)]
        return reduced(losses, by_element if mean_of_weights else [1.0] * len(losses), arrays[0].shape, reduction)

    return reference


def loss_mistake(
    name: str, error: type[Exception], message: str, call: Callable[..., Any], as_pytorch: bool = True
) -> Mistake:
    """``call(lib, loss)`` raises."""
    return Mistake(lambda lib: call(lib, getattr(lib.nn.functional, name)), error, message, as_pytorch)


def reduction_mistakes(name: str, tensors: int = 2) -> tuple[Mistake, ...]:
    """What every loss of equal tensors refuses: reductions that there aren't, and how reductions used to be named."""
    return (
        loss_mistake(
            name,
            ValueError,
            f"{name}: 'abc' is not a valid value for reduction; expected 'none'",
            lambda lib, f: f(*[lib.ones(5, 4)] * tensors, reduction="abc"),
        ),
        loss_mistake(
            name,
            ValueError,
            f"{name}: size_average and reduce, long deprecated, are not supported, got size_average=False",
            lambda lib, f: f(*[lib.ones(5, 4)] * tensors, size_average=False),
            as_pytorch=False,
        ),
    )


def _labelled(s: Source, **kwargs: Any) -> Case:
    """Logits, class indices, class weights or none, some samples ignored."""
    classes, places = s.integer(1, 4), s.shape(max_dims=2, min_side=1)
    N = s.integer(1, 4)
    shape, target_shape = s.one_of(((classes,), ()), ((N, classes), (N,)), ((N, classes, *places), (N, *places)))
    labels = np.asarray(s.rng().integers(0, classes, target_shape))
    ignored = s.one_of(-100, 0, classes - 1)
    kwargs = {**kwargs, "ignore_index": ignored, "reduction": s.one_of(*REDUCTIONS)}
    if kwargs["reduction"] == "mean" and (labels == ignored).all():
        kwargs["ignore_index"] = -1  # the mean of nothing is NaN
    if s.flag():
        kwargs["weight"] = s.array((classes,), "positive")
    return Case((s.array(shape), labels), kwargs)


def _smoothed(s: Source) -> Case:
    return _labelled(s, label_smoothing=s.one_of(0.0, 0.25, 1.0))


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
    return reduced(losses, weights, target.shape, reduction)


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
    return reduced(losses, weights, target.shape, reduction)


def _probabilities(s: Source) -> Case:
    shape = (s.integer(1, 4), s.integer(1, 4), *s.shape(max_dims=1, min_side=1))
    kwargs = {"reduction": s.one_of(*REDUCTIONS), "label_smoothing": s.one_of(0.0, 0.25)}
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
    return reduced(losses, [1.0] * len(losses), places, reduction)


ROWS = [
    Op(
        "nll_loss",
        functional("nll_loss"),
        _nll,
        _labelled,
        mistakes=(
            loss_mistake("nll_loss", IndexError, "target 3", lambda lib, f: f(lib.zeros(2, 3), lib.tensor([0, 3]))),
            loss_mistake("nll_loss", ValueError, "batch", lambda lib, f: f(lib.zeros(2, 3), lib.tensor([0]))),
            loss_mistake(
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
            loss_mistake(
                "cross_entropy", IndexError, "target -1", lambda lib, f: f(lib.zeros(2, 3), lib.tensor([0, -1]))
            ),
            loss_mistake("cross_entropy", ValueError, "batch", lambda lib, f: f(lib.zeros(2, 3), lib.tensor([0]))),
            loss_mistake(
                "cross_entropy",
                RuntimeError,
                "label_smoothing must be between 0.0 and 1.0",
                lambda lib, f: f(lib.zeros(1, 3), lib.tensor([0]), label_smoothing=1.5),
            ),
            loss_mistake(
                "cross_entropy",
                RuntimeError,
                "weight",
                lambda lib, f: f(lib.zeros(1, 3), lib.tensor([0]), weight=lib.ones(2)),
            ),
        ),
    ),
    Op("cross_entropy(probabilities)", functional("cross_entropy"), _soft_cross_entropy, _probabilities),
]
