"""What losses have in common: their operands and their reductions.

The losses themselves stand in ``cross_entropy``, ``regression_loss``, ``probability_loss`` and ``distance_loss``.
"""

from __future__ import annotations

import warnings
from typing import Any

from ..dtypes import dtype, float16, float32
from ..tensor import Function, Tensor, wrap
from .dispatch import cast, operands, pair
from .reduce import mean, sum

REDUCTIONS = ("none", "mean", "sum")


def check_reduction(
    name: str,
    reduction: str,
    size_average: bool | None = None,
    reduce: bool | None = None,
    allowed: tuple[str, ...] = REDUCTIONS,
) -> None:
    """Checks what a loss is asked to do with its elements.

    Raises:
        ValueError: the reduction is unknown, or a deprecated argument is given.
    """
    if reduction not in allowed:
        listed = ", ".join(map(repr, allowed[:-1]))
        raise ValueError(
            f"{name}: {reduction!r} is not a valid value for reduction; expected {listed} or {allowed[-1]!r}"
        )
    check_deprecated(name, size_average, reduce)


def check_deprecated(name: str, size_average: bool | None, reduce: bool | None) -> None:
    """Refuses the arguments that said what ``reduction`` says, before PyTorch had that.

    They are there only so that the arguments behind them have PyTorch's positions.
    """
    if size_average is not None or reduce is not None:
        raise ValueError(
            f"{name}: size_average and reduce, long deprecated, are not supported, got {size_average=} and {reduce=}; "
            f"write reduction='mean', 'sum' or 'none'"
        )


def loss_operands(name: str, *tensors: Tensor) -> tuple[list[Tensor], dtype]:
    """The tensors in their common dtype, and the dtype of the loss.

    They differ for float16: such losses are computed in float32 and rounded once.

    Raises:
        TypeError: one isn't a tensor.
        RuntimeError: the shapes don't broadcast, or the devices differ.
    """
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}: expected a Tensor, got {type(tensor).__name__}")
    common = list(pair(name, *tensors)) if len(tensors) == 2 else operands(name, *tensors)
    result = common[0].dtype
    return ([cast(t, float32) for t in common] if result is float16 else common), result


def reduced(losses: Tensor, reduction: str, d: dtype) -> Tensor:
    """The losses themselves, their mean or their sum, in dtype ``d``."""
    if reduction == "mean":
        losses = mean(losses)
    elif reduction == "sum":
        losses = sum(losses)
    return cast(losses, d) if d is float16 else losses


def warn_of_broadcast(input: Tensor, target: Tensor) -> None:
    """Warns, on behalf of the function that calls the loss, where the shapes differ."""
    if input.data.shape != target.data.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will "
            f"likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


class AtLeast(Function):
    """max(x, bound), with the gradient of x on both sides: what keeps a divisor away from 0."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, bound: float) -> Tensor:
        return wrap(input.backend.xp.maximum(input.data, bound), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output, None


def at_least(input: Tensor, bound: float) -> Tensor:
    """The larger of ``input`` and ``bound``; its gradient is that of ``input`` everywhere. NaN stays NaN."""
    return AtLeast.apply(input, bound)
