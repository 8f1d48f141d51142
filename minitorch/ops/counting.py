"""Which elements there are, and how often. None of this has a gradient."""

from __future__ import annotations

import math
from typing import Any

from ..devices import on_its_device
from ..dtypes import float32, float64, int64
from ..tensor import Tensor, tensor_method, wrap
from .dispatch import check_kind, check_tensors
from .gather import add_at
from .reduce import dim_of


def _distinct_rows(xp: Any, rows: Any) -> tuple[Any, Any, Any]:
    """The rows of a matrix in lexical order, each once; the number of each row's equal among them; the counts."""
    n = len(rows)
    # lexsort sorts by its last key first. It is stable, as argsort here, which is quicker for one key.
    order = xp.argsort(rows[:, 0], kind="stable") if rows.shape[1] == 1 else xp.lexsort(rows.T[::-1])
    ordered = rows[order]
    is_new = xp.ones(n, bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    inverse = xp.empty(n, int64.numpy)
    inverse[order] = xp.cumsum(is_new) - 1
    starts = xp.flatnonzero(is_new)
    ends = xp.concatenate([starts[1:], xp.full(1 if n else 0, n)])
    return ordered[starts], inverse, (ends - starts).astype(int64.numpy)


@tensor_method("unique")
@on_its_device
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in ascending order, or with ``dim`` the distinct slices along it in lexical order.

    NaN differs from every number and from itself. The order is the same with ``sorted=False``, which in PyTorch leaves
    it open.

    Args:
        input: any tensor.
        sorted: taken for PyTorch's sake.
        return_inverse: whether to return as well, for each element (or slice), the index of its equal in the result.
        return_counts: whether to return as well how often each occurs.
        dim: the dimension whose slices are compared; None compares elements.

    >>> import minitorch
    >>> minitorch.tensor([3, 1, 3]).unique(return_inverse=True, return_counts=True)
    (tensor([1, 3]), tensor([1, 0, 1]), tensor([1, 2]))

    Raises:
        IndexError: ``dim`` is out of range, or the tensor has no dimensions.
        RuntimeError: with ``dim``, another dimension is empty.
    """
    xp, array = input.backend.xp, input.data
    if dim is None:
        distinct, inverse, counts = _distinct_rows(xp, array.reshape(-1, 1))
        distinct, inverse = distinct.reshape(-1), inverse.reshape(array.shape)
    else:
        if not array.ndim:
            raise IndexError(f"unique: dimension specified as {dim} but tensor has no dimensions")
        dim = dim_of(dim, array.ndim)
        slices = xp.moveaxis(array, dim, 0)
        if 0 in slices.shape[1:]:
            raise RuntimeError(
                f"unique: there are 0 sized dimensions besides dim={dim}, so unique cannot be applied (shape "
                f"{tuple(array.shape)})"
            )
        rows = slices.reshape(len(slices), math.prod(slices.shape[1:]))
        distinct, inverse, counts = _distinct_rows(xp, rows)
        distinct = xp.moveaxis(distinct.reshape(-1, *slices.shape[1:]), 0, dim)
    results = [distinct, *([inverse] if return_inverse else []), *([counts] if return_counts else [])]
    tensors = tuple([wrap(result, input.backend) for result in results])
    return tensors if len(tensors) > 1 else tensors[0]


@tensor_method("bincount")
@on_its_device
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, … occurs in a vector of integers, up to the largest, or to ``minlength`` at least.

    With ``weights``, the sum of the weights of its occurrences: float32 for float32 weights, else float64.

    >>> import minitorch
    >>> minitorch.tensor([1, 2, 2]).bincount(minlength=4)
    tensor([0, 1, 2, 0])

    Raises:
        RuntimeError: ``input`` is no vector of integers that are 0 or more, ``weights`` has another length, or
            ``minlength`` is negative.
    """
    array = input.data
    check_kind("bincount", input, "i")
    if array.ndim != 1 or (array.size and array.min() < 0):
        found = f"the smallest is {array.min()}" if array.ndim == 1 else f"the shape is {tuple(array.shape)}"
        raise RuntimeError(f"bincount only supports 1-d non-negative integral inputs; {found}")
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength should be >= 0, got {minlength}")
    if weights is not None:
        check_tensors("bincount", weights=weights)
    if weights is not None and weights.data.shape != array.shape:
        raise RuntimeError(
            f"bincount: weights should be 1-d and have the same length as input, {len(array)}; their shape is "
            f"{tuple(weights.data.shape)}"
        )
    xp = input.backend.xp
    if weights is None or not array.size:
        return wrap(xp.bincount(array, minlength=minlength).astype(int64.numpy), input.backend)
    sums = xp.zeros(max(int(array.max()) + 1, minlength), float64.numpy)
    add_at(input.backend, sums, array, weights.data.astype(float64.numpy))
    return wrap(sums.astype(float32.numpy) if weights.dtype is float32 else sums, input.backend)
