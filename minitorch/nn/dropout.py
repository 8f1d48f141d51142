"""Dropout: layers that make noise in training and do nothing else.

The random numbers come from the default generator: ``minitorch.manual_seed`` repeats them.
"""

from __future__ import annotations

from ..ops.dropout import check_probability
from ..tensor import Tensor
from . import functional as F
from .module import Module


class _Dropout(Module):
    """What the layers have in common: a probability ``p``, and whether they write into their input.

    Raises:
        ValueError: ``p`` is no probability.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, zeros each element with probability ``p`` and multiplies the others by 1 / (1 - p); else identity.

    >>> import minitorch
    >>> layer = minitorch.nn.Dropout(0.5)
    >>> layer.eval()(minitorch.ones(3))
    tensor([1., 1., 1.])

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15 (2014).
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """In training, zeros each channel of each sample with probability ``p`` and scales the others by 1 / (1 - p).

    The input is (N, C, L), or (C, L) without a batch.

    >>> import minitorch
    >>> layer = minitorch.nn.Dropout1d(1.0)
    >>> layer(minitorch.ones(2, 3)).sum()
    tensor(0.)

    Tompson et al., "Efficient object localization using convolutional networks" (2015).
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """In training, zeros each channel of each sample with probability ``p`` and scales the others by 1 / (1 - p).

    The input is (N, C, H, W).

    >>> import minitorch
    >>> layer = minitorch.nn.Dropout2d(1.0)
    >>> layer(minitorch.ones(1, 2, 3, 3)).sum()
    tensor(0.)

    Tompson et al., "Efficient object localization using convolutional networks" (2015).
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """Dropout for networks of :class:`SELU`, which keeps mean 0 and variance 1: see :func:`alpha_dropout`.

    >>> import minitorch
    >>> layer = minitorch.nn.AlphaDropout(0.5)
    >>> layer.eval()(minitorch.ones(3))
    tensor([1., 1., 1.])

    Klambauer et al., "Self-normalizing neural networks" (2017).
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)
