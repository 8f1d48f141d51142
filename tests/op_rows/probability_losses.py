"""Rows of the losses of probabilities and of the parameters of distributions."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from minitorch.testing.strategies import with_layout

from .losses import REDUCTIONS, each_loss, loss_mistake, reduced, reduction_mistakes
from .row import Array, Case, Mistake, Op, Shape, Source, functional

# ---- yes or no -------------------------------------------------------------------------------------------------------


def _probability(s: Source, shape: Shape) -> Array:
    """Far enough from 0 and 1 for central differences."""
    return with_layout(np.asarray(0.05 + 0.9 * s.rng().random(shape), s.dtype), s.one_of(*s.layouts))


def _weights(s: Source, shape: Shape, *names: str) -> dict[str, Any]:
    """Some of these weights, of shapes that broadcast to ``shape``."""
    return {
        name: s.array(s.one_of(shape, shape[-1:], tuple(1 for _ in shape)), "positive") for name in names if s.flag()
    }


def _binary(s: Source) -> Case:
    shape = s.shape(max_dims=2)
    kwargs = {"reduction": s.one_of(*REDUCTIONS), **_weights(s, shape, "weight")}
    return Case((_probability(s, shape), _probability(s, shape)), kwargs)


def _logits(s: Source) -> Case:
    shape = s.shape(max_dims=2)
    kwargs = {"reduction": s.one_of(*REDUCTIONS), **_weights(s, shape, "weight", "pos_weight")}
    return Case((s.array(shape), s.array(shape)), kwargs)


def _surprise(x: float, t: float) -> float:
    return -t * math.log(x) - (1 - t) * math.log(1 - x)


def _log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x > 0 else x - math.log1p(math.exp(x))


def _surprise_of_logits(x: float, t: float, *pos_weight: float) -> float:
    factor = (pos_weight[0] - 1) * t + 1 if pos_weight else 1.0
    return (1 - t) * x - factor * _log_sigmoid(x)


def _with_logits(input: Array, target: Array, pos_weight: Any = None, **kwargs: Any) -> Array:
    return each_loss(_surprise_of_logits)(input, target, *([] if pos_weight is None else [pos_weight]), **kwargs)


# ---- distributions ---------------------------------------------------------------------------------------------------


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def _exp(x: float) -> float:
    return math.exp(x) if not x > 700 else math.inf


def _divergence(s: Source) -> Case:
    a, b = s.broadcastable(2)
    log_target = s.flag()
    kwargs = {"reduction": s.one_of(*REDUCTIONS, "batchmean"), "log_target": log_target}
    return Case((s.array(a), s.array(b, "normal" if log_target else "positive")), kwargs)


def _divergence_of(x: float, t: float, log_target: bool) -> float:
    if log_target:
        return _exp(t) * (t - x)
    return (0.0 if t == 0 else t * _log(t)) - t * x


def _kl_div(input: Array, target: Array, *, reduction: str, log_target: bool) -> Array:
    losses = each_loss(_divergence_of)(input, target, reduction="none", log_target=log_target)
    batch = [1.0] * (len(input) if input.ndim else 1)
    if reduction == "batchmean":
        return reduced(losses.ravel().tolist(), batch, losses.shape, "mean")
    return reduced(losses.ravel().tolist(), [1.0] * losses.size, losses.shape, reduction)


def _call_kl_div(lib: Any, *tensors: Any, **kwargs: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of reduction="mean"
        return lib.nn.functional.kl_div(*tensors, **kwargs)


def _counts(s: Source) -> Case:
    a, b = s.broadcastable(2)
    kwargs = {
        "log_input": s.flag(),
        "full": s.flag(),
        "eps": s.one_of(1e-8, 1e-3),
        "reduction": s.one_of(*REDUCTIONS),
    }
    return Case((s.array(a, "normal" if kwargs["log_input"] else "positive"), s.array(b, "positive")), kwargs)


def _poisson(x: float, t: float, log_input: bool, full: bool, eps: float) -> float:
    loss = _exp(x) - t * x if log_input else x - t * _log(x + eps)
    if full and not t <= 1:
        loss += t * _log(t) - t + 0.5 * _log(2 * math.pi * t)
    return loss


def _normal(s: Source) -> Case:
    shape = s.shape(max_dims=3, min_side=1)
    target, var = (s.one_of(shape, (*shape[:-1], 1) if shape else shape, shape[:-1]) for _ in range(2))
    if len(target) < len(shape):
        target = (*(1 for _ in shape[:-2]), shape[-1]) if shape else target  # it broadcasts, unlike the variance
    kwargs: dict[str, Any] = {"full": s.flag(), "eps": s.one_of(1e-6, 1e-3), "reduction": s.one_of(*REDUCTIONS)}
    return Case((s.array(shape), s.array(target), s.array(var, "positive")), kwargs)


def _gaussian(x: float, t: float, v: float, full: bool, eps: float) -> float:
    constant = math.log(2 * math.pi) / 2 if full else 0.0
    return (math.log(max(v, eps)) + (x - t) ** 2 / max(v, eps)) / 2 + constant


def _gaussian_nll(input: Array, target: Array, var: Array, **kwargs: Any) -> Array:
    return each_loss(_gaussian)(input, target, var[..., None] if var.ndim < input.ndim else var, **kwargs)


# ---- what they refuse ------------------------------------------------------------------------------------------------


def _binary_mistakes(name: str) -> tuple[Mistake, ...]:
    return (
        *reduction_mistakes(name),
        loss_mistake(
            name,
            ValueError,
            r"target has shape \(4,\), expected that of the input, \(3, 4\)",
            lambda lib, f: f(lib.ones(3, 4), lib.ones(4)),
        ),
        loss_mistake(
            name, RuntimeError, "expected floating-point tensors", lambda lib, f: f(lib.arange(2), lib.arange(2))
        ),
        loss_mistake(
            name,
            RuntimeError,
            "do not broadcast",
            lambda lib, f: f(lib.ones(2, 3), lib.ones(2, 3), weight=lib.ones(2)),
        ),
        loss_mistake(
            name,
            RuntimeError,
            r"weight has shape \(2, 3\), which doesn't broadcast to that of the input, \(3,\)",
            lambda lib, f: f(lib.ones(3), lib.ones(3), weight=lib.ones(2, 3)),
        ),
        loss_mistake(
            name,
            TypeError,
            f"{name}: expected target to be a Tensor, got float",
            lambda lib, f: f(lib.ones(3), 1.0),
            as_pytorch=False,  # AttributeError
        ),
    )


def _outside(what: str, element: float, call: Any) -> Mistake:
    message = f"all elements of {what} should be between 0 and 1, got {element:g} .element 1"
    return loss_mistake("binary_cross_entropy", RuntimeError, message, call)


BINARY_CROSS_ENTROPY = Op(
    "binary_cross_entropy",
    functional("binary_cross_entropy"),
    each_loss(_surprise),
    _binary,
    mistakes=(
        *_binary_mistakes("binary_cross_entropy"),
        _outside("input", 1.5, lambda lib, f: f(lib.tensor([0.5, 1.5]), lib.ones(2))),
        _outside("input", math.nan, lambda lib, f: f(lib.tensor([0.5, math.nan]), lib.ones(2))),
        _outside("target", -1, lambda lib, f: f(lib.ones(2), lib.tensor([0.0, -1.0]))),
        loss_mistake(
            "binary_cross_entropy",
            RuntimeError,
            "expected tensors of one dtype, got minitorch.float32 and minitorch.float64",
            lambda lib, f: f(lib.ones(2), lib.ones(2).double()),
        ),
    ),
)

GAUSSIAN_NLL_LOSS = Op(
    "gaussian_nll_loss",
    functional("gaussian_nll_loss"),
    _gaussian_nll,
    _normal,
    mistakes=(
        loss_mistake(
            "gaussian_nll_loss",
            ValueError,
            "'abc' is not a valid value",
            lambda lib, f: f(lib.ones(2), lib.ones(2), lib.ones(2), reduction="abc"),
        ),
        loss_mistake(
            "gaussian_nll_loss",
            ValueError,
            "var has negative entry/entries",
            lambda lib, f: f(lib.ones(10, 2, 3), lib.ones(10, 2, 3), -lib.ones(10, 2, 3)),
        ),
        loss_mistake(
            "gaussian_nll_loss",
            ValueError,
            "var has negative entry/entries",
            lambda lib, f: f(lib.ones(2), lib.ones(2), -1.0),
        ),
        *(
            loss_mistake(
                "gaussian_nll_loss",
                ValueError,
                "var is of incorrect size",
                lambda lib, f, shape=shape: f(lib.ones(10, 2, 3), lib.ones(10, 2, 3), lib.ones(shape)),
            )
            for shape in ((10, 2, 2), (10, 1, 1), (2, 3), (3,), (10, 2, 3, 1), (20, 2, 3))
        ),
        loss_mistake(
            "gaussian_nll_loss",
            RuntimeError,
            "do not broadcast",
            lambda lib, f: f(lib.ones(10, 2, 3), lib.ones(10, 2, 2), lib.ones(10, 2, 3)),
        ),
    ),
)

ROWS = [
    BINARY_CROSS_ENTROPY,
    Op(
        "binary_cross_entropy_with_logits",
        functional("binary_cross_entropy_with_logits"),
        _with_logits,
        _logits,
        special=True,
        mistakes=(
            *_binary_mistakes("binary_cross_entropy_with_logits"),
            loss_mistake(
                "binary_cross_entropy_with_logits",
                RuntimeError,
                r"pos_weight has shape \(2, 3\), which doesn't broadcast",
                lambda lib, f: f(lib.ones(3), lib.ones(3), pos_weight=lib.ones(2, 3)),
            ),
        ),
    ),
    Op(
        "kl_div",
        _call_kl_div,
        _kl_div,
        _divergence,
        special=True,
        mistakes=(
            *reduction_mistakes("kl_div"),
            loss_mistake(
                "kl_div",
                RuntimeError,
                "do not broadcast",
                lambda lib, f: f(lib.ones(2, 3), lib.ones(2), reduction="sum"),
            ),
            *(
                loss_mistake(
                    "kl_div",
                    RuntimeError,
                    "expected floating-point tensors",
                    lambda lib, f, dtypes=dtypes: f(
                        *[lib.ones(2).to(getattr(lib, d)) for d in dtypes], reduction="sum"
                    ),
                )
                for dtypes in (("int64", "float32"), ("float32", "int64"))
            ),
        ),
    ),
    Op(
        "poisson_nll_loss",
        functional("poisson_nll_loss"),
        each_loss(_poisson),
        _counts,
        special=True,
        integers=(np.int64, np.int32),
        mistakes=(
            *reduction_mistakes("poisson_nll_loss"),
            loss_mistake(
                "poisson_nll_loss",
                RuntimeError,
                "do not broadcast",
                lambda lib, f: f(lib.ones(5, 4), lib.ones(5)),
            ),
        ),
    ),
    GAUSSIAN_NLL_LOSS,
]
