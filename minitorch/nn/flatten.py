"""From feature maps to rows of features."""

from __future__ import annotations

from ..ops.shape import flatten
from ..tensor import Tensor
from .module import Module


class Flatten(Module):
    """Makes one dimension of those from ``start_dim`` to ``end_dim``: (N, C, H, W) → (N, C·H·W) by default.

    >>> import minitorch
    >>> minitorch.nn.Flatten()(minitorch.zeros(8, 16, 5, 5)).shape
    minitorch.Size([8, 400])

    Raises:
        IndexError: in the call, where the input doesn't have these dimensions.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
