"""Distances and similarities of vectors, and the losses of them, as modules.

``reduction`` is ``"mean"``, ``"sum"`` or ``"none"``.
"""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .loss import Loss
from .module import Module


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along ``dim``. See :func:`functional.cosine_similarity`.

    >>> import minitorch
    >>> minitorch.nn.CosineSimilarity()(minitorch.tensor([[1., 0.]]), minitorch.tensor([[2., 2.]]))
    tensor([0.7071])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of the difference of vectors, (N, D) and (N, D) → (N). See :func:`functional.pairwise_distance`.

    >>> import minitorch
    >>> minitorch.nn.PairwiseDistance()(minitorch.tensor([[3., 4.]]), minitorch.zeros(1, 2))
    tensor([5.0000])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p  # PyTorch's name of the attribute
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineEmbeddingLoss(Loss):
    """1 - cos of pairs that belong together, max(0, cos - margin) of others: :func:`functional.cosine_embedding_loss`.

    >>> import minitorch
    >>> a, b = minitorch.tensor([[1., 0.], [1., 0.]]), minitorch.tensor([[0., 3.], [2., 0.]])
    >>> minitorch.nn.CosineEmbeddingLoss(margin=0.5)(a, b, minitorch.tensor([1, -1]))
    tensor(0.7500)
    """

    def __init__(
        self, margin: float = 0.0, size_average: None = None, reduce: None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """max(0, -target·(input1 - input2) + margin). See :func:`functional.margin_ranking_loss`.

    >>> import minitorch
    >>> loss = minitorch.nn.MarginRankingLoss()
    >>> loss(minitorch.tensor([1., 1.]), minitorch.tensor([3., 0.]), minitorch.tensor([1., 1.]))
    tensor(1.)
    """

    def __init__(
        self, margin: float = 0.0, size_average: None = None, reduce: None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(Loss):
    """A distance where the target is 1, max(0, margin - distance) where it is -1.

    See :func:`functional.hinge_embedding_loss`.

    >>> import minitorch
    >>> minitorch.nn.HingeEmbeddingLoss()(minitorch.tensor([0.5, 0.25]), minitorch.tensor([1, -1]))
    tensor(0.6250)
    """

    def __init__(
        self, margin: float = 1.0, size_average: None = None, reduce: None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin). See :func:`functional.triplet_margin_loss`.

    >>> import minitorch
    >>> anchor, near, far = minitorch.zeros(1, 2), minitorch.tensor([[3., 4.]]), minitorch.tensor([[0., 5.5]])
    >>> minitorch.nn.TripletMarginLoss()(anchor, near, far)
    tensor(0.5000)

    Raises:
        ValueError: ``margin`` is not positive.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )
