"""The named pairs that operations along a dimension return: ``values, indices = x.max(dim=1)``."""

from __future__ import annotations

from typing import NamedTuple

from ..tensor import Tensor


class _ValuesAndIndices(NamedTuple):
    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        """As PyTorch prints it: a field a line."""
        return f"minitorch.return_types.{type(self).__name__}(\nvalues={self.values!r},\nindices={self.indices!r})"


class max(_ValuesAndIndices):
    """The largest elements, and where they stand."""


class min(_ValuesAndIndices):
    """The smallest elements, and where they stand."""


class median(_ValuesAndIndices):
    """The medians, and where they stand."""


class sort(_ValuesAndIndices):
    """The elements in order, and where each stood."""


class topk(_ValuesAndIndices):
    """The largest or smallest elements in order, and where they stand."""
