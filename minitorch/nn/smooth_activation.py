"""Smooth activations as layers."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .activation import InPlace
from .module import Module


class Tanh(Module):
    """The hyperbolic tangent, elementwise.

    >>> import minitorch
    >>> minitorch.nn.Tanh()(minitorch.tensor([0., 100.]))
    tensor([0., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ), elementwise.

    >>> import minitorch
    >>> minitorch.nn.Sigmoid()(minitorch.tensor([0., 100.]))
    tensor([0.5000, 1.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class ELU(InPlace):
    """x where it is positive, else ``alpha``·(eˣ - 1) (Clevert, Unterthiner and Hochreiter, 2016).

    >>> import minitorch
    >>> minitorch.nn.ELU()(minitorch.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return self._and_in_place(f"alpha={self.alpha}")


class SELU(InPlace):
    """An ELU that, with weights of ``init.kaiming_normal_(nonlinearity="linear")``, keeps mean 0 and variance 1.

    >>> import minitorch
    >>> minitorch.nn.SELU()(minitorch.tensor([-1., 2.]))
    tensor([-1.1113,  2.1014])

    Klambauer et al., "Self-normalizing neural networks" (2017).
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class GELU(Module):
    """x·Φ(x), with Φ the normal distribution function, exact or by a ``"tanh"`` (Hendrycks and Gimpel, 2016).

    >>> import minitorch
    >>> minitorch.nn.GELU()(minitorch.tensor([-1., 0., 1.]))
    tensor([-0.1587,  0.0000,  0.8413])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(InPlace):
    """x·σ(x), also called swish (Elfwing, Uchibe and Doya, 2017).

    >>> import minitorch
    >>> minitorch.nn.SiLU()(minitorch.tensor([-1., 0., 2.]))
    tensor([-0.2689,  0.0000,  1.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)


class Mish(InPlace):
    """x·tanh(log(1 + eˣ)) (Misra, 2019).

    >>> import minitorch
    >>> minitorch.nn.Mish()(minitorch.tensor([-1., 0., 2.]))
    tensor([-0.3034,  0.0000,  1.9440])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)


class Softplus(Module):
    """log(1 + e^βx)/β, a smooth ReLU; x itself where βx is larger than ``threshold`` (Dugas et al., 2001).

    >>> import minitorch
    >>> minitorch.nn.Softplus()(minitorch.tensor([-1., 0., 1.]))
    tensor([0.3133, 0.6931, 1.3133])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class LogSigmoid(Module):
    """log σ(x), exact where the sigmoid rounds to 0 or 1.

    >>> import minitorch
    >>> minitorch.nn.LogSigmoid()(minitorch.tensor([-100., 0.]))
    tensor([-100.0000,   -0.6931])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(Module):
    """x / (1 + |x|) (Bergstra et al., 2009).

    >>> import minitorch
    >>> minitorch.nn.Softsign()(minitorch.tensor([-1., 0., 3.]))
    tensor([-0.5000,  0.0000,  0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class GLU(Module):
    """a·σ(b) of the first half a and the second half b along ``dim`` (Dauphin et al., 2017).

    >>> import minitorch
    >>> minitorch.nn.GLU()(minitorch.tensor([4., 8., 0., 100.]))
    tensor([2., 8.])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
