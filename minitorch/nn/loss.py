"""The base classes of the losses, and the losses over classes."""

from __future__ import annotations

from ..ops.loss import check_deprecated
from ..tensor import Tensor
from . import functional as F
from .module import Module


class Loss(Module):
    """What all losses have: a reduction, which is looked at when they are called.

    ``size_average`` and ``reduce``, which PyTorch had before, keep their places and must be None.
    """

    def __init__(self, size_average: None = None, reduce: None = None, reduction: str = "mean") -> None:
        super().__init__()
        check_deprecated(type(self).__name__, size_average, reduce)
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with a weight, which is a buffer: it moves with the module."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class CrossEntropyLoss(WeightedLoss):
    """-log softmax(input)[target]: logits (N, C) and class indices (N), mean over the samples by default.

    ``input`` may have more dimensions after C, and ``target`` may be probabilities of the shape of ``input``. See
    :func:`functional.cross_entropy`.

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

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        ignore_index: int = -100,
        reduce: None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
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


class NLLLoss(WeightedLoss):
    """-input[target]: log-probabilities (N, C), as ``LogSoftmax`` gives them, and class indices (N).

    Arguments, shapes and errors are those of :class:`CrossEntropyLoss`. See :func:`functional.nll_loss`.

    >>> import minitorch
    >>> minitorch.nn.NLLLoss()(minitorch.tensor([[-1., -2.], [-3., -4.]]), minitorch.tensor([0, 1]))
    tensor(2.5000)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        ignore_index: int = -100,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)
