"""Losses as modules."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .module import Module


class CrossEntropyLoss(Module):
    """-log softmax(input)[target]: logits (N, C) and class indices (N), mean over the samples by default.

    ``input`` may have more dimensions after C, and ``target`` may be probabilities of the shape of ``input``.

    Args:
        weight: (C), how much each class counts.
        ignore_index: a target that counts nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: the share of the target's probability that is spread over all classes.

    >>> import minitorch
    >>> minitorch.nn.CrossEntropyLoss()(minitorch.zeros(2, 10), minitorch.tensor([3, 7]))
    tensor(2.3026)

    Raises:
        IndexError: in the call, where a class index is out of range; others as in ``functional.cross_entropy``.
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class MSELoss(Module):
    """(input - target)², mean over all elements by default.

    ``reduction`` is ``"mean"``, ``"sum"`` or ``"none"``.

    >>> import minitorch
    >>> minitorch.nn.MSELoss()(minitorch.tensor([1., 2.]), minitorch.tensor([1., 4.]))
    tensor(2.)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)
