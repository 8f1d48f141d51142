"""From feature maps to rows of features, and back."""

from __future__ import annotations

from collections.abc import Sequence

from ..ops.shape import flatten, unflatten
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


class Unflatten(Module):
    """Splits dimension ``dim`` into several of the sizes ``unflattened_size``, one of which may be -1.

    >>> import minitorch
    >>> minitorch.nn.Unflatten(1, (16, 5, 5))(minitorch.zeros(8, 400)).shape
    minitorch.Size([8, 16, 5, 5])

    Raises:
        TypeError: ``unflattened_size`` is something else than a tuple of ints.
        RuntimeError: in the call, where the sizes don't multiply up to that of the dimension.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"unflattened_size must be a tuple of ints, but found type {type(unflattened_size).__name__}"
            )
        for i, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    f"unflattened_size must be tuple of ints, but found element of type {type(size).__name__} at {i}"
                )
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
