"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable

from ..tensor import Tensor
from .optimizer import Batch, Group, Optimizer, capturable, check_not_negative


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum μ, dampening τ, weight decay λ and Nesterov's momentum::

        g = ∇f(p) + λ·p
        b = g at the first step, then μ·b + (1 - τ)·g          with momentum
        p ← p - lr·(g + μ·b if nesterov else b)                p ← p - lr·g without

    ``maximize`` climbs instead.

    >>> import minitorch
    >>> p = minitorch.tensor([1.0], requires_grad=True)
    >>> optimizer = minitorch.optim.SGD([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([0.8000], requires_grad=True)

    Raises:
        ValueError: an option is out of range.

    Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: Group) -> None:
        check_not_negative(group, lr="learning rate", momentum="momentum value", weight_decay="weight_decay value")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def _state_names(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    @capturable
    def _update(self, batch: Batch, group: Group) -> None:
        batch.backend.sgd_step(
            batch.params,
            batch.grads,
            batch.states[0] if batch.states else None,
            float(group["lr"]),
            float(group["momentum"]),
            float(group["dampening"]),
            float(group["weight_decay"]),
            group["nesterov"],
            group["maximize"],
            batch.fresh,
        )
