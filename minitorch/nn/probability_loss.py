"""Losses of probabilities and of the parameters of distributions, as modules.

``reduction`` is ``"mean"``, ``"sum"`` or ``"none"``.
"""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .loss import Loss, WeightedLoss


class BCELoss(WeightedLoss):
    """-(t·ln x + (1 - t)·ln(1 - x)) of probabilities, times a weight: :func:`functional.binary_cross_entropy`.

    >>> import minitorch
    >>> minitorch.nn.BCELoss()(minitorch.tensor([0.5, 0.5]), minitorch.tensor([1., 0.]))
    tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """``BCELoss`` of the sigmoid of logits, without its rounding: :func:`functional.binary_cross_entropy_with_logits`.

    ``pos_weight`` says how much more a missed yes costs than a missed no. It is a buffer, as ``weight`` is.

    >>> import minitorch
    >>> loss = minitorch.nn.BCEWithLogitsLoss(reduction="none")
    >>> loss(minitorch.tensor([0., 1000.]), minitorch.tensor([1., 0.]))
    tensor([6.9315e-01, 1.0000e+03])
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: None = None,
        reduce: None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(Loss):
    """t·(ln t - x) of probabilities t and log-probabilities x. See :func:`functional.kl_div`.

    ``reduction="batchmean"`` gives the Kullback-Leibler divergence; ``"mean"``, the default, warns.

    >>> import minitorch
    >>> loss = minitorch.nn.KLDivLoss(reduction="batchmean")
    >>> loss(minitorch.tensor([[0.5, 0.5]]).log(), minitorch.tensor([[1., 0.]]))
    tensor(0.6931)
    """

    def __init__(
        self, size_average: None = None, reduce: None = None, reduction: str = "mean", log_target: bool = False
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Loss):
    """λ - t·ln λ, how unlikely the count t is at the rate λ. See :func:`functional.poisson_nll_loss`.

    >>> import minitorch
    >>> minitorch.nn.PoissonNLLLoss(log_input=False)(minitorch.tensor([1., 1.]), minitorch.tensor([2., 3.]))
    tensor(1.)
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: None = None,
        eps: float = 1e-8,
        reduce: None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Loss):
    """(ln var + (input - target)²/var)/2, how unlikely the target is. See :func:`functional.gaussian_nll_loss`.

    >>> import minitorch
    >>> loss = minitorch.nn.GaussianNLLLoss(reduction="none")
    >>> loss(minitorch.tensor([0., 0.]), minitorch.tensor([1., 1.]), minitorch.tensor([1., 4.]))
    tensor([0.5000, 0.8181])
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)
