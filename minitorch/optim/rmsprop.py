"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable

from ..tensor import Tensor
from .optimizer import Batch, Group, Optimizer, capturable, check_not_negative


class RMSprop(Optimizer):
    """Divides the gradient by a running mean of its size::

        g = ∇f(p) + λ·p                                        λ is weight_decay
        v ← α·v + (1 - α)·g²
        d = g / (√v + eps)
        p ← p - lr·d                                           b ← μ·b + d, p ← p - lr·b with momentum μ

    ``centered`` takes v - a² in v's place in the third line, with a ← α·a + (1 - α)·g: the variance of the gradient
    (Graves, "Generating sequences with recurrent neural networks", 2013, section 4). ``maximize`` climbs instead.

    >>> import minitorch
    >>> p = minitorch.tensor([1.0], requires_grad=True)
    >>> optimizer = minitorch.optim.RMSprop([p], lr=0.01)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([0.9000], requires_grad=True)

    Raises:
        ValueError: an option is out of range.

    Hinton, "Neural networks for machine learning", lecture 6e, 2012.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: Group) -> None:
        check_not_negative(
            group,
            lr="learning rate",
            eps="epsilon value",
            momentum="momentum value",
            weight_decay="weight_decay value",
            alpha="alpha value",
        )

    def _state_names(self, group: Group) -> tuple[str, ...]:
        centered = ("grad_avg",) if group["centered"] else ()
        momentum = ("momentum_buffer",) if group["momentum"] else ()
        return ("square_avg", *centered, *momentum)

    @capturable
    def _update(self, batch: Batch, group: Group) -> None:
        batch.backend.rmsprop_step(
            batch.params,
            batch.grads,
            batch.states[0],
            batch.states[1] if group["centered"] else None,
            batch.states[-1] if group["momentum"] else None,
            float(group["lr"]),
            float(group["alpha"]),
            float(group["eps"]),
            float(group["weight_decay"]),
            float(group["momentum"]),
            group["maximize"],
        )
