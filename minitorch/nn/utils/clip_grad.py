"""Gradients made smaller, between ``backward`` and the optimiser's step, so that no step goes too far."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable

from ...autograd import no_grad
from ...ops.creation import zeros
from ...ops.join import stack
from ...ops.selection import clamp
from ...ops.vector_norm import norm
from ...tensor import Tensor


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in parameters if p.grad is not None]


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """The norm of all elements of all tensors as one vector: the norm of their norms.

    Args:
        tensors: usually gradients; the norm of none is 0.
        norm_type: p of the p-norm, also ``inf``.
        error_if_nonfinite: raise where the norm is infinite or NaN.

    >>> import minitorch
    >>> minitorch.nn.utils.get_total_norm([minitorch.tensor([3.]), minitorch.tensor([[0., 4.]])])
    tensor(5.)

    Raises:
        RuntimeError: the norm isn't finite, and ``error_if_nonfinite`` is set.
    """
    tensors = _listed(tensors)
    if not tensors:
        return zeros(())
    norms = [norm(tensor, float(norm_type)) for tensor in tensors]
    total = norm(stack([n.to(norms[0].device) for n in norms]), float(norm_type))
    if error_if_nonfinite and not total.isfinite():
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite "
            f"({total.item()}), so it cannot be clipped. To disable this error and scale the gradients by the "
            f"non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


@no_grad()
def clip_grads_with_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor) -> None:
    """Multiplies every gradient, in place, by ``max_norm / (total_norm + 10⁻⁶)`` where that is less than 1.

    Args:
        parameters: those without a gradient are left out.
        max_norm: what ``total_norm`` may be at most.
        total_norm: what :func:`get_total_norm` gave.

    >>> import minitorch
    >>> w = minitorch.zeros(2, requires_grad=True)
    >>> (w * minitorch.tensor([3., 4.])).sum().backward()
    >>> norm = minitorch.nn.utils.get_total_norm([w.grad])
    >>> minitorch.nn.utils.clip_grads_with_norm_(w, 1., norm)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    factor = clamp(float(max_norm) / (total_norm + 1e-6), max=1.0)
    for gradient in _gradients(_listed(parameters)):
        gradient.mul_(factor.to(gradient.device))


@no_grad()
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scales all gradients together, in place, so that their norm as one vector is at most ``max_norm``.

    The direction of the step stays, only its length changes.

    Args:
        parameters: a tensor or several; those without a gradient are left out.
        max_norm: the largest norm that stays as it is.
        norm_type: p of the p-norm, also ``inf``.
        error_if_nonfinite: raise where the norm is infinite or NaN, instead of making the gradients 0 or NaN.

    Returns:
        The norm before.

    >>> import minitorch
    >>> w = minitorch.zeros(2, requires_grad=True)
    >>> (w * minitorch.tensor([3., 4.])).sum().backward()
    >>> minitorch.nn.utils.clip_grad_norm_(w, max_norm=1.), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))

    Raises:
        RuntimeError: the norm isn't finite, and ``error_if_nonfinite`` is set.

    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013), section 3.2.
    """
    listed = _listed(parameters)
    if isinstance(parameters, types.GeneratorType) and not listed:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3)
    total = get_total_norm(_gradients(listed), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(listed, max_norm, total)
    return total


@no_grad()
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Moves every element of every gradient, in place, into [-clip_value, clip_value].

    >>> import minitorch
    >>> w = minitorch.zeros(2, requires_grad=True)
    >>> (w * minitorch.tensor([3., -0.5])).sum().backward()
    >>> minitorch.nn.utils.clip_grad_value_(w, 1.)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    bound = float(clip_value)
    for gradient in _gradients(_listed(parameters)):
        gradient.clamp_(-bound, bound)
