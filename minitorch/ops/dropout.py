"""Dropout: noise that keeps a network from relying on single activations.

The random numbers come from the default generator (:func:`minitorch.manual_seed`), in C order of what is dropped: the
same seed gives the same mask on every device, for every number of threads and every memory layout.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..devices import on_its_device
from ..random import current_generator, uniform
from ..tensor import Function, Tensor, wrap
from .activation import activate, replace
from .dispatch import check_floating, in_float32
from .selection import where
from .smooth_activation import SELU_ALPHA, SELU_SCALE


class Dropout(Function):
    """x·m with a mask m of 0 and 1/(1 - p) that (seed, offset) fix: nothing is kept for the gradient ∂y·m."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, p: float, seed: int, offset: int) -> Tensor:
        ctx.mask = p, seed, offset
        return wrap(input.backend.dropout(input.data, p, seed, offset), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Dropout.apply(grad_output, *ctx.mask), None, None, None


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Sets each element to 0 with probability ``p`` and scales the others by ``1/(1 - p)``, so that means stay.

    Without ``training`` it is the identity.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> _ = minitorch.manual_seed(0)
    >>> sorted(set(F.dropout(minitorch.ones(100), 0.75).tolist()))
    [0.0, 4.0]

    Raises:
        ValueError: ``p`` is not between 0 and 1.
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014).
    """
    check_probability(p)
    if not training or p == 0:
        return input
    check_floating("dropout", input)
    if inplace:
        return replace("dropout", input, dropout, p)
    if input.data.dtype.itemsize == 2:
        return in_float32(dropout, input, p)
    seed, offset = current_generator().reserve(input.data.size)
    return Dropout.apply(input, float(p), seed, offset)


def check_probability(p: float) -> None:
    """Raises ValueError where ``p`` is no probability."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _noisy(
    name: str, function: Callable[..., Tensor], input: Tensor, p: float, training: bool, inplace: bool, ndim: int
) -> Tensor:
    """``function(input, p, ndim)`` in training: noise that is drawn for each index into ``ndim`` dimensions."""
    check_probability(p)
    if not training or p == 0:
        return input
    if input.data.ndim < ndim:
        raise RuntimeError(
            f"{name}: Feature dropout requires at least 2 dimensions in the input, got shape {tuple(input.data.shape)}"
        )
    return activate(name, function, input, p, ndim, inplace=inplace)


@on_its_device
def _kept(input: Tensor, p: float, ndim: int) -> Tensor:
    """What stays, each with probability 1 - p: bools that broadcast over the dimensions after the ``ndim`` first."""
    shape = input.data.shape[:ndim]
    drawn = uniform(input.backend, math.prod(shape), np.float32, None) >= p
    return wrap(drawn.reshape(shape + (1,) * (input.data.ndim - ndim)), input.backend)


def _drop(input: Tensor, p: float, ndim: int) -> Tensor:
    kept = where(_kept(input, p, ndim), input, 0)
    return kept if p == 1 else kept / (1 - p)


def _alpha_drop(input: Tensor, p: float, ndim: int) -> Tensor:
    low = -SELU_ALPHA * SELU_SCALE
    scale = 0.0 if p == 1 else ((1 - p) * (1 + p * low * low)) ** -0.5
    return where(_kept(input, p, ndim), input, low) * scale - scale * low * p


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Sets each channel of each sample to 0 with probability ``p`` and scales the others by ``1/(1 - p)``.

    Neighbouring elements of a feature map say much the same, so that dropping single ones removes little.

    Args:
        input: (N, C, L), or (C, L) without a batch.
        p: how likely a channel is dropped.
        training: without it, this is the identity.
        inplace: changes ``input`` itself, where no graph is being recorded.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> _ = minitorch.manual_seed(3)
    >>> F.dropout1d(minitorch.ones(3, 2))
    tensor([[2., 2.],
            [0., 0.],
            [2., 2.]])

    Raises:
        ValueError: ``p`` is not between 0 and 1.
        RuntimeError: ``input`` has another number of dimensions, or no floating dtype; or ``inplace``, and it is part
            of a graph.

    Tompson et al., "Efficient object localization using convolutional networks" (2015).
    """
    check_probability(p)
    ndim = input.data.ndim
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input, of shape {tuple(input.data.shape)}. It "
            f"drops whole channels of (N, C, L) or (C, L); use dropout to drop elements."
        )
    return _noisy("dropout1d", _drop, input, p, training, inplace, ndim - 1)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Sets each channel of each sample to 0 with probability ``p`` and scales the others by ``1/(1 - p)``.

    Neighbouring pixels of a feature map say much the same, so that dropping single ones removes little.

    Args:
        input: (N, C, H, W). Anything else is taken with a warning, the first dimension as N and the second as C; so
            (C, H, W) without a batch is not what it is taken for.
        p: how likely a channel is dropped.
        training: without it, this is the identity.
        inplace: changes ``input`` itself, where no graph is being recorded.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> _ = minitorch.manual_seed(3)
    >>> F.dropout2d(minitorch.ones(1, 3, 1, 2))
    tensor([[[[2., 2.]],
    <BLANKLINE>
             [[0., 0.]],
    <BLANKLINE>
             [[2., 2.]]]])

    Raises:
        ValueError: ``p`` is not between 0 and 1.
        RuntimeError: ``input`` has fewer than two dimensions, or no floating dtype; or ``inplace``, and it is part of
            a graph.

    Tompson et al., "Efficient object localization using convolutional networks" (2015).
    """
    check_probability(p)
    ndim = input.data.ndim
    if ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input, which is taken as (N, C, L) and not as (C, H, W). Use dropout1d for the "
            "former, and unsqueeze(0) for the latter.",
            stacklevel=2,
        )
    elif ndim != 4:
        warnings.warn(
            f"dropout2d: Received a {ndim}-D input, where (N, C, H, W) is expected. Use dropout to drop elements.",
            stacklevel=2,
        )
    return _noisy("dropout2d", _drop, input, p, training, inplace, 2)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for :func:`selu`: what is dropped becomes -α', the limit of selu at -∞, and then all is scaled and moved.

    ``a * (input or -α') + a * p * α'`` with a = ((1 - p)·(1 + p·α'²))^(-1/2) and α' ≈ 1.7581: activations of mean 0
    and variance 1 keep both. For p = 1 it gives zeros. Without ``training`` it is the identity.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> _ = minitorch.manual_seed(0)
    >>> x = F.alpha_dropout(minitorch.randn(100_000), 0.2, training=True)
    >>> bool(abs(x.mean()) < 0.02) and bool(abs(x.std() - 1) < 0.02)
    True

    Raises:
        ValueError: ``p`` is not between 0 and 1.
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Klambauer et al., "Self-normalizing neural networks" (2017), section "New dropout technique".
    """
    return _noisy("alpha_dropout", _alpha_drop, input, p, training, inplace, input.data.ndim)
