"""The p-norm of all elements, or along dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..dtypes import as_dtype, promote_types
from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import cast, ieee, in_float32, is_half
from .elementwise import abs_, sign
from .extremes import amax, amin
from .reduce import Dim, dims_of, sum
from .selection import where
from .shape import squeeze
from .summation import total


class Norm(Function):
    """‖x‖ = (Σ|x|ᵖ)^(1/p): ∂x = sign(u)|u|ᵖ⁻¹·∂‖x‖ with u = x/‖x‖, and 0 where ‖x‖ is 0.

    p = 0 counts the elements that aren't 0, and has no slope. The reduced dimensions are kept.
    """

    @staticmethod
    def forward(ctx: Any, input: Tensor, p: float, dims: tuple[int, ...]) -> Tensor:
        output = wrap(ieee.run(_norm, input.backend, input.data, p, dims), input.backend)
        ctx.p = p
        ctx.save_for_backward(input, output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, output = ctx.saved_tensors
        p, vanishes = ctx.p, output == 0
        if p == 0:
            return input.new_zeros(input.data.shape), None, None
        unit = where(vanishes, 0, input / where(vanishes, 1, output))
        if p == 2:
            return grad_output * unit, None, None
        size = abs_(unit)
        if p < 1:  # the slope is infinite at 0, where PyTorch's rule is 0; sign(0) makes it so
            size = where(size == 0, 1, size)
        return grad_output * sign(unit) * size ** (p - 1), None, None


def _norm(backend: Any, array: Any, p: float, dims: tuple[int, ...]) -> Any:
    if p == 0:
        return (array != 0).sum(axis=dims, keepdims=True).astype(array.dtype)
    if p == 2:
        return backend.xp.sqrt(total(backend, array * array, dims, True))
    return total(backend, abs(array) ** p, dims, True) ** (1 / p)


@tensor_method("norm")
def norm(
    input: Tensor, p: float | str | None = "fro", dim: Dim = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """The p-norm ``(Σ|x|ᵖ)^(1/p)`` of the elements as one vector, or of the vectors along ``dim``.

    Args:
        input: a floating-point tensor.
        p: a number; ``inf`` is the largest size, ``-inf`` the smallest, 0 counts what isn't zero. ``"fro"`` (over at
            most two dimensions, or all) and None are 2.
        dim: the dimension, or dimensions, to reduce; None means all.
        keepdim: whether reduced dimensions stay, as 1.
        dtype: a wider floating dtype to compute in.

    Where the norm is 0, so is its gradient. For p of inf and -inf equal sizes share it evenly.

    >>> import minitorch
    >>> x = minitorch.tensor([[3., -4.], [0., 0.]])
    >>> x.norm(), x.norm(1, dim=1)
    (tensor(5.), tensor([7., 0.]))

    Raises:
        RuntimeError: the elements are integers or bools, ``dtype`` isn't floating or narrower, ``p`` is another
            string, or nothing is reduced by a norm of p < 0 or inf.
    """
    if isinstance(p, str):
        p = _of_name(p, dim)
    p = 2.0 if p is None else float(p)
    if input.data.dtype.kind != "f":
        raise RuntimeError(f"norm: expected a floating-point tensor, got {input.dtype}")
    if dtype is not None:
        wanted = as_dtype(dtype)
        if not wanted.is_floating_point or promote_types(wanted, input.dtype) is not wanted:
            raise RuntimeError(f"norm: dtype must be floating-point and hold {input.dtype}, got {wanted}")
        input = cast(input, wanted)
    dims = dims_of(dim, input.data.ndim)
    empty = [d for d in dims if input.data.shape[d] == 0]
    if empty and (p < 0 or p == math.inf):
        raise RuntimeError(f"norm: the {p:g} norm of no elements does not exist (dimension {empty[0]} is empty)")
    if is_half(input):
        return in_float32(_norm_over, input, p, dims, keepdim)
    return _norm_over(input, p, dims, keepdim)


def _of_name(p: str, dim: Dim) -> float:
    if p == "nuc":
        raise RuntimeError("norm: the nuclear norm needs singular values, which Minitorch does not compute")
    if p != "fro":
        raise RuntimeError(f"norm: p must be a number or 'fro', got {p!r}")
    if isinstance(dim, Sequence) and len(dim) > 2:
        raise RuntimeError(f"norm: the Frobenius norm is of at most 2 dimensions, got {list(dim)}")
    return 2.0


def _norm_over(input: Tensor, p: float, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    if p == 1:
        out = sum(abs_(input), dims, True)
    elif abs(p) == math.inf:
        out = (amax if p > 0 else amin)(abs_(input), dims, True)
    else:
        out = Norm.apply(input, p, dims)
    return out if keepdim else squeeze(out, dims)
