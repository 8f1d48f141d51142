"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable

from ..ops.dispatch import ieee
from ..tensor import Tensor
from .optimizer import Batch, Group, Optimizer, check_not_negative, directions


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of all its squares so far: rare features take larger steps::

        g = ∇f(p) + λ·p                                        λ is weight_decay
        s ← s + g²                                             s begins as initial_accumulator_value
        p ← p - lr/(1 + (t - 1)·lr_decay) · g/(√s + eps)       at step t

    ``maximize`` climbs instead.

    >>> import minitorch
    >>> p = minitorch.tensor([1.0], requires_grad=True)
    >>> optimizer = minitorch.optim.Adagrad([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([0.9000], requires_grad=True)

    Raises:
        ValueError: an option is out of range.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 2011.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: Group) -> None:
        check_not_negative(
            group,
            lr="learning rate",
            lr_decay="lr_decay value",
            weight_decay="weight_decay value",
            initial_accumulator_value="initial_accumulator_value value",
            eps="epsilon value",
        )

    def _state_names(self, group: Group) -> tuple[str, ...]:
        return ("sum",)

    def _update(self, batch: Batch, group: Group) -> None:
        if batch.fresh:
            for total in batch.states[0]:
                total.fill(group["initial_accumulator_value"])
        ieee.run(_step, batch, group)


def _step(batch: Batch, group: Group) -> None:
    xp = batch.backend.xp
    rate = group["lr"] / (1 + (batch.step - 1) * group["lr_decay"])
    for param, g, total in zip(batch.params, directions(batch, group), batch.states[0], strict=True):
        total += g * g
        param -= rate * (g / (xp.sqrt(total) + group["eps"]))
