"""Rows of the losses of real numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .losses import REDUCTIONS, each_loss, loss_mistake, reduction_mistakes
from .row import Case, Mistake, Op, Source, functional


def _pair(s: Source, **kwargs: Any) -> Case:
    """Two tensors of one shape whose differences are multiples of 1/4 but 0. Integers have no mean."""
    floating = s.dtype.kind == "f"
    shape = s.shape(max_dims=2, min_side=0 if floating else 1)
    reductions = REDUCTIONS if floating else ("none", "sum")
    both = s.array((2, math.prod(shape)), "distinct" if floating else "normal")
    return Case((both[0].reshape(shape), both[1].reshape(shape)), {**kwargs, "reduction": s.one_of(*reductions)})


def _weighted(s: Source, **kwargs: Any) -> Case:
    case = _pair(s, **kwargs)
    if s.flag():
        case.kwargs["weight"] = s.array(case.tensors[0].shape, "positive")
    return case


def _beta(s: Source) -> Case:
    return _pair(s, beta=s.one_of(0, 0.3, 1.1, 2.6))


def _delta(s: Source) -> Case:
    return _weighted(s, delta=s.one_of(0.3, 1.1, 2.6))


def _squared(x: float, t: float) -> float:
    return (x - t) * (x - t)


def _absolute(x: float, t: float) -> float:
    return abs(x - t)


def _smooth(x: float, t: float, beta: float) -> float:
    z = abs(x - t)
    return z * z / (2 * beta) if z < beta else z - beta / 2


def _huber(x: float, t: float, delta: float) -> float:
    z = abs(x - t)
    return z * z / 2 if z <= delta else delta * (z - delta / 2)


def _does_not_broadcast(name: str) -> Mistake:
    return loss_mistake(
        name, RuntimeError, "do not broadcast", _with_warning(lambda lib, f: f(lib.ones(5, 4), lib.ones(5)))
    )


def _with_warning(call: Callable[..., Any]) -> Callable[..., Any]:
    """PyTorch warns of the shapes before it finds that they don't broadcast."""

    def quiet(lib: Any, f: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call(lib, f)

    return quiet


def _mistakes(name: str) -> tuple[Mistake, ...]:
    return (
        *reduction_mistakes(name),
        _does_not_broadcast(name),
        loss_mistake(
            name,
            TypeError,
            f"{name}: expected a Tensor, got float",
            lambda lib, f: f(lib.ones(3), 1.0),
            as_pytorch=False,  # AttributeError
        ),
    )


def _weight_mistake(name: str) -> Mistake:
    return loss_mistake(
        name,
        ValueError,
        r"weight has shape \(3,\), expected that of the input, \(2, 3\)",
        lambda lib, f: f(lib.ones(2, 3), lib.ones(2, 3), weight=lib.ones(3)),
    )


def _integer_mistake(name: str) -> Mistake:
    return loss_mistake(
        name,
        RuntimeError,
        f"{name}: expected floating-point tensors, got minitorch.int64",
        lambda lib, f: f(lib.arange(3), lib.arange(3)),
    )


ROWS = [
    Op(
        "mse_loss",
        functional("mse_loss"),
        each_loss(_squared, mean_of_weights=True),
        _weighted,
        special=True,
        mistakes=(*_mistakes("mse_loss"), _weight_mistake("mse_loss"), _integer_mistake("mse_loss")),
    ),
    Op(
        "l1_loss",
        functional("l1_loss"),
        each_loss(_absolute, mean_of_weights=True),
        _weighted,
        special=True,
        integers=(np.int64, np.int32),
        mistakes=(*_mistakes("l1_loss"), _weight_mistake("l1_loss")),
    ),
    Op(
        "smooth_l1_loss",
        functional("smooth_l1_loss"),
        each_loss(lambda x, t, beta: _smooth(x, t, beta) if beta else _absolute(x, t)),
        _beta,
        special=True,
        mistakes=(
            *_mistakes("smooth_l1_loss"),
            _integer_mistake("smooth_l1_loss"),
            loss_mistake(
                "smooth_l1_loss",
                RuntimeError,
                "does not support negative values for beta, got -1",
                lambda lib, f: f(lib.ones(3), lib.ones(3), beta=-1),
            ),
        ),
    ),
    Op(
        "huber_loss",
        functional("huber_loss"),
        each_loss(_huber),
        _delta,
        special=True,
        mistakes=(
            reduction_mistakes("huber_loss")[0],  # it never had the old arguments
            _does_not_broadcast("huber_loss"),
            _weight_mistake("huber_loss"),
            _integer_mistake("huber_loss"),
            *(
                loss_mistake(
                    "huber_loss",
                    RuntimeError,
                    f"does not support non-positive values for delta, got {delta}",
                    lambda lib, f, delta=delta: f(lib.ones(5, 4), lib.ones(5, 4), delta=delta),
                )
                for delta in (0, -1)
            ),
        ),
    ),
]
