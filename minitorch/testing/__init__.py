"""What tests of operations need, Minitorch's own and yours: ``assert_close`` and Hypothesis strategies.

The strategies need Hypothesis (``pip install hypothesis``), which is imported when the first of them is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .assertions import assert_close

if TYPE_CHECKING:
    from .strategies import Conv2dCase, Pool2dCase, arrays, broadcastable, conv2d_cases, pool2d_cases, shapes

__all__ = [
    "Conv2dCase",
    "Pool2dCase",
    "arrays",
    "assert_close",
    "broadcastable",
    "conv2d_cases",
    "pool2d_cases",
    "shapes",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import strategies

    return getattr(strategies, name)
