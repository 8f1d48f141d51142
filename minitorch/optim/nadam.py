"""NAdam."""

from __future__ import annotations

from collections.abc import Iterable

from ..ops.dispatch import ieee
from ..tensor import Tensor
from .optimizer import Batch, Group, Optimizer, check_betas, check_not_negative, directions


class NAdam(Optimizer):
    """:class:`Adam` that looks ahead, as Nesterov's momentum does: the next step's momentum is in this one::

        g = ∇f(p) + λ·p                                        λ is weight_decay
        m ← β₁·m + (1 - β₁)·g,   v ← β₂·v + (1 - β₂)·g²        running means
        μ(t) = β₁·(1 - 0.96^(t·ψ) / 2)                         ψ is momentum_decay
        d = μ(t + 1)·m / (1 - Π μ(1…t + 1)) + (1 - μ(t))·g / (1 - Π μ(1…t))
        p ← p - lr · d / (√(v/(1 - β₂ᵗ)) + eps)                at step t

    ``decoupled_weight_decay`` makes p ← p·(1 - lr·λ) of it before the step, and g = ∇f(p), as :class:`AdamW` does;
    ``maximize`` climbs instead.

    >>> import minitorch
    >>> p = minitorch.tensor([1.0], requires_grad=True)
    >>> optimizer = minitorch.optim.NAdam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([0.8944], requires_grad=True)

    Raises:
        ValueError: an option is out of range.

    Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """

    _number_names = ("mu_product",)  # Π μ(1…t)

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check_options(self, group: Group) -> None:
        check_not_negative(
            group,
            lr="learning rate",
            eps="epsilon value",
            weight_decay="weight_decay value",
            momentum_decay="momentum_decay value",
        )
        check_betas(group)

    def _state_names(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _update(self, batch: Batch, group: Group) -> None:
        products = []  # of each parameter: beta1 may have been another while one of them had no gradient
        mu = _momentum(group, batch.step)
        for tensor in batch.tensors:
            state = self.state.setdefault(tensor, {})
            state["mu_product"] = state.get("mu_product", 1.0) * mu
            products.append(state["mu_product"])
        ieee.run(_step, batch, group, products)


def _momentum(group: Group, step: int) -> float:
    return float(group["betas"][0] * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"])))


def _step(batch: Batch, group: Group, products: list[float]) -> None:
    xp, lr, (beta1, beta2) = batch.backend.xp, group["lr"], group["betas"]
    mu, mu_next = _momentum(group, batch.step), _momentum(group, batch.step + 1)
    correction = 1 - beta2**batch.step
    decoupled = group["decoupled_weight_decay"]
    arrays = zip(batch.params, directions(batch, group, decoupled=decoupled), *batch.states, products, strict=True)
    for param, g, mean, square, product in arrays:
        if decoupled:
            param *= 1 - lr * group["weight_decay"]
        mean += (1 - beta1) * (g - mean)
        square *= beta2
        square += (1 - beta2) * (g * g)
        size = xp.sqrt(square / correction) + group["eps"]
        param -= lr * (1 - mu) / (1 - product) * (g / size)
        param -= lr * mu_next / (1 - product * mu_next) * (mean / size)
