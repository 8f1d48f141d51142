"""Losses of real numbers as modules: input and target of one shape, mean over all elements by default.

``reduction`` is ``"mean"``, ``"sum"`` or ``"none"``.
"""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .loss import Loss


class MSELoss(Loss):
    """(input - target)². See :func:`functional.mse_loss`.

    >>> import minitorch
    >>> minitorch.nn.MSELoss()(minitorch.tensor([1., 2.]), minitorch.tensor([1., 4.]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """|input - target|. See :func:`functional.l1_loss`.

    >>> import minitorch
    >>> minitorch.nn.L1Loss()(minitorch.tensor([1., 2.]), minitorch.tensor([1., 4.]))
    tensor(1.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """|input - target|, rounded off where that is less than ``beta``. See :func:`functional.smooth_l1_loss`.

    >>> import minitorch
    >>> minitorch.nn.SmoothL1Loss(reduction="none")(minitorch.tensor([0.5, 4.]), minitorch.zeros(2))
    tensor([0.1250, 3.5000])
    """

    def __init__(
        self, size_average: None = None, reduce: None = None, reduction: str = "mean", beta: float = 1.0
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """(input - target)²/2, and a straight line where the difference exceeds ``delta``: :func:`functional.huber_loss`.

    >>> import minitorch
    >>> minitorch.nn.HuberLoss(reduction="none", delta=2.)(minitorch.tensor([1., 4.]), minitorch.zeros(2))
    tensor([0.5000, 6.0000])

    Raises:
        TypeError: ``delta`` is no number.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)
