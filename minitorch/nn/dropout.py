"""Dropout."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .module import Module


class Dropout(Module):
    """In training, zeros each element with probability ``p`` and multiplies the others by 1 / (1 - p); else identity.

    The random numbers come from the default generator: ``minitorch.manual_seed`` repeats them.

    >>> import minitorch
    >>> layer = minitorch.nn.Dropout(0.5)
    >>> layer.eval()(minitorch.ones(3))
    tensor([1., 1., 1.])

    Raises:
        ValueError: ``p`` is no probability.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15 (2014).
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
