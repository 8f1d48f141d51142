"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable

from ..ops.dispatch import ieee
from ..tensor import Tensor
from .optimizer import Batch, Group, Optimizer, check_not_negative, directions


class Adadelta(Optimizer):
    """Steps in the units of the parameter: their running size over that of the gradient takes the rate's place::

        g = ∇f(p) + λ·p                                        λ is weight_decay
        v ← ρ·v + (1 - ρ)·g²
        d = √(u + eps) / √(v + eps) · g
        u ← ρ·u + (1 - ρ)·d²
        p ← p - lr·d

    ``maximize`` climbs instead.

    >>> import minitorch
    >>> p = minitorch.tensor([1.0], requires_grad=True)
    >>> optimizer = minitorch.optim.Adadelta([p], lr=10.0)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([0.9684], requires_grad=True)

    Raises:
        ValueError: an option is out of range.

    Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def _check_options(self, group: Group) -> None:
        check_not_negative(group, lr="learning rate", eps="epsilon value", weight_decay="weight_decay value")
        if not 0 <= group["rho"] <= 1:
            raise ValueError(f"Invalid rho value: {group['rho']}")

    def _state_names(self, group: Group) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")

    def _update(self, batch: Batch, group: Group) -> None:
        ieee.run(_step, batch, group)


def _step(batch: Batch, group: Group) -> None:
    xp, rho, eps = batch.backend.xp, group["rho"], group["eps"]
    for param, g, square, acc_delta in zip(batch.params, directions(batch, group), *batch.states, strict=True):
        square *= rho
        square += (1 - rho) * (g * g)
        delta = xp.sqrt(acc_delta + eps) / xp.sqrt(square + eps) * g
        acc_delta *= rho
        acc_delta += (1 - rho) * (delta * delta)
        param -= group["lr"] * delta
