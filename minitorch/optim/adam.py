"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable

from ..tensor import Tensor
from .optimizer import Batch, Group, Optimizer, capturable, check_betas, check_not_negative


class Adam(Optimizer):
    """Steps of a size that adapts to each element's gradient::

        g = ∇f(p) + λ·p                                        λ is weight_decay
        m ← β₁·m + (1 - β₁)·g,   v ← β₂·v + (1 - β₂)·g²        running means
        p ← p - lr · m/(1 - β₁ᵗ) / (√(v/(1 - β₂ᵗ)) + eps)      at step t

    ``amsgrad`` takes the largest v so far in the last line (Reddi et al., "On the convergence of Adam and beyond",
    ICLR 2018); ``maximize`` climbs instead; ``decoupled_weight_decay`` makes it :class:`AdamW`.

    >>> import minitorch
    >>> p = minitorch.tensor([1.0], requires_grad=True)
    >>> optimizer = minitorch.optim.Adam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([0.9000], requires_grad=True)

    Raises:
        ValueError: an option is out of range.

    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: Group) -> None:
        check_not_negative(group, lr="learning rate", eps="epsilon value", weight_decay="weight_decay value")
        check_betas(group)

    def _state_names(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    @capturable
    def _update(self, batch: Batch, group: Group) -> None:
        beta1, beta2 = group["betas"]
        batch.backend.adam_step(
            batch.params,
            batch.grads,
            batch.states[0],
            batch.states[1],
            batch.states[2] if group["amsgrad"] else None,
            batch.step,
            float(group["lr"]),
            float(beta1),
            float(beta2),
            float(group["eps"]),
            float(group["weight_decay"]),
            group["decoupled_weight_decay"],
            group["maximize"],
        )


class AdamW(Adam):
    """:class:`Adam` with decoupled weight decay: p ← p·(1 - lr·λ) before the step, and g = ∇f(p).

    >>> import minitorch
    >>> p = minitorch.tensor([1.0], requires_grad=True)
    >>> optimizer = minitorch.optim.AdamW([p], lr=0.1, weight_decay=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([0.8500], requires_grad=True)

    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = lr, betas, eps, weight_decay, amsgrad
        super().__init__(params, *options, maximize=maximize, decoupled_weight_decay=True)
