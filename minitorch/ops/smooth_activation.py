"""Smooth activations: sigmoids, and the ReLU's successors that are curved around 0."""

from __future__ import annotations

import math
from typing import Any

from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .activation import activate
from .dispatch import check_floating, floating, ieee, in_float32
from .elementwise import abs_
from .exponential import exp
from .join import narrow
from .selection import where
from .special import erf


class Tanh(Function):
    """∂tanh x = (1 - tanh² x)·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = wrap(input.backend.xp.tanh(input.data), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output * (1 - output * output)


class Sigmoid(Function):
    """∂σ(x) = σ(x)·(1 - σ(x))·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        xp = input.backend.xp
        # exp(-x) may overflow: 1/(1 + inf) is the right 0.
        output = wrap(ieee.run(xp.reciprocal, 1 + ieee.run(xp.exp, -input.data)), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        return grad_output * output * (1 - output)


class ELU(Function):
    """x where x > 0, else α·(eˣ - 1): ∂x = ∂y, else α·eˣ·∂y."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, alpha: float) -> Tensor:
        ctx.save_for_backward(input)
        ctx.alpha = alpha
        xp = input.backend.xp
        curve = ieee.run(xp.multiply, xp.expm1(xp.minimum(input.data, 0)), alpha)
        return wrap(xp.where(input.data <= 0, curve, input.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        # Not eˣ itself: it may overflow where x is large, and 0 times its gradient would be NaN.
        slope = exp(where(input < 0, input, 0)) * ctx.alpha
        return where(input <= 0, grad_output * slope, grad_output), None


class SiLU(Function):
    """x·σ(x): ∂x = σ(x)·(1 + x·(1 - σ(x)))·∂y."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        xp, x = input.backend.xp, input.data
        # σ(x) = 1/(1 + e⁻ˣ) = eˣ/(1 + eˣ): the exponential of a number that isn't positive can't overflow.
        small = ieee.run(xp.exp, -abs(x))
        return wrap(ieee.run(xp.multiply, x, xp.where(x < 0, small, 1) / (1 + small)), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        gate = sigmoid(input)
        return grad_output * (gate * (input * (1 - gate) + 1))


class TanhSoftplus(Function):
    """t = tanh(log(1 + eˣ)), the factor of mish: ∂x = σ(x)·(1 - t²)·∂t."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        xp, x = input.backend.xp, input.data
        # With u = e^-|x|, t = (1 + 2u)/(1 + 2u + 2u²) where x >= 0, else (u² + 2u)/(u² + 2u + 2): no term overflows,
        # and none cancels another.
        u = ieee.run(xp.exp, -abs(x))
        numerator = xp.where(x < 0, u * (u + 2), 1 + 2 * u)
        output = wrap(numerator / (numerator + xp.where(x < 0, 2, 2 * u * u)), input.backend)
        ctx.save_for_backward(input, output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, output = ctx.saved_tensors
        return grad_output * (sigmoid(input) * (1 - output * output))


class Softplus(Function):
    """log(1 + e^βx)/β, and x itself where βx > t: ∂x = σ(βx)·∂y, else ∂y."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, beta: float, threshold: float) -> Tensor:
        ctx.save_for_backward(input)
        ctx.beta, ctx.threshold = beta, threshold
        xp = input.backend.xp
        scaled = ieee.run(xp.multiply, input.data, beta)
        # log(1 + eᶻ) = max(z, 0) + log(1 + e^-|z|): the exponential can't overflow.
        curve = xp.maximum(scaled, 0) + xp.log1p(ieee.run(xp.exp, -abs(scaled)))
        curve = ieee.run(xp.divide, curve, beta)
        return wrap(xp.where(scaled > threshold, input.data, curve), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        scaled = input * ctx.beta
        return where(scaled > ctx.threshold, grad_output, grad_output * sigmoid(scaled)), None, None


class LogSigmoid(Function):
    """log σ(x) = min(x, 0) - log(1 + e^-|x|): ∂x = σ(-x)·∂y."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        xp = input.backend.xp
        output = xp.minimum(input.data, 0) - xp.log1p(ieee.run(xp.exp, -abs(input.data)))
        return wrap(output, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * sigmoid(-input)


@tensor_method("tanh")
def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, elementwise. Integers are taken as floats.

    >>> import minitorch
    >>> minitorch.tanh(minitorch.tensor([0., 1.]))
    tensor([0.0000, 0.7616])
    """
    return Tanh.apply(floating(input))


@tensor_method("sigmoid")
def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-input))``, elementwise. Integers are taken as floats.

    >>> import minitorch
    >>> minitorch.sigmoid(minitorch.tensor([0., 1.]))
    tensor([0.5000, 0.7311])
    """
    input = floating(input)
    if input.data.dtype.itemsize == 2:
        return in_float32(sigmoid, input)
    return Sigmoid.apply(input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``input`` where it is positive, else ``alpha * (exp(input) - 1)``. The gradient at 0 is ``alpha``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.elu(minitorch.tensor([-1., 2.]))
    tensor([-0.6321,  2.0000])

    Raises:
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units" (2016).
    """
    return activate("elu", ELU.apply, input, float(alpha), inplace=inplace)


# The fixed point of Klambauer et al., equation 14: activations of mean 0 and variance 1 keep both.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``s * input`` where it is positive, else ``s * α * (exp(input) - 1)``, with s ≈ 1.0507 and α ≈ 1.6733.

    The gradient at 0 is s·α.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.selu(minitorch.tensor([-1., 2.]))
    tensor([-1.1113,  2.1014])

    Raises:
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Klambauer et al., "Self-normalizing neural networks" (2017).
    """
    return activate("selu", _selu, input, inplace=inplace)


def _selu(input: Tensor) -> Tensor:
    return ELU.apply(input, SELU_ALPHA) * SELU_SCALE


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """``input * Φ(input)``, with Φ the distribution function of the standard normal distribution.

    Args:
        input: floating-point numbers.
        approximate: ``"none"``: Φ(x) = (1 + erf(x/√2))/2.
            ``"tanh"``: Φ(x) ≈ (1 + tanh(√(2/π)·(x + 0.044715·x³)))/2.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.gelu(minitorch.tensor([-1., 0., 1.]))
    tensor([-0.1587,  0.0000,  0.8413])

    Raises:
        RuntimeError: the dtype is no floating one, or ``approximate`` is neither of these.

    Hendrycks and Gimpel, "Gaussian error linear units" (2016).
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu: approximate argument must be either none or tanh, got {approximate!r}")
    return activate("gelu", _gelu_tanh if approximate == "tanh" else _gelu, input)


def _gelu(input: Tensor) -> Tensor:
    return input * ((erf(input * math.sqrt(0.5)) + 1) * 0.5)


def _gelu_tanh(input: Tensor) -> Tensor:
    # (1 + tanh z)/2 = σ(2z), without the cancellation where tanh is near -1.
    twice = math.sqrt(8 / math.pi)
    return input * sigmoid(input * (input * input * (twice * 0.044715) + twice))


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * sigmoid(input)``, also called swish.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.silu(minitorch.tensor([-1., 0., 2.]))
    tensor([-0.2689,  0.0000,  1.7616])

    Raises:
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function approximation in reinforcement
    learning" (2017); Ramachandran, Zoph and Le, "Searching for activation functions" (2017).
    """
    return activate("silu", SiLU.apply, input, inplace=inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * tanh(softplus(input))``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.mish(minitorch.tensor([-1., 0., 2.]))
    tensor([-0.3034,  0.0000,  1.9440])

    Raises:
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Misra, "Mish: a self regularized non-monotonic neural activation function" (2019).
    """
    return activate("mish", _mish, input, inplace=inplace)


def _mish(input: Tensor) -> Tensor:
    return input * TanhSoftplus.apply(input)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """``log(1 + exp(beta * input)) / beta``, a smooth ReLU; its gradient is ``sigmoid(beta * input)``.

    Where ``beta * input`` is larger than ``threshold`` it is ``input`` itself, and the gradient 1.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.softplus(minitorch.tensor([-1000., 0., 1000.]))
    tensor([0.0000e+00, 6.9315e-01, 1.0000e+03])

    Raises:
        RuntimeError: the dtype is no floating one.

    Dugas et al., "Incorporating second-order functional knowledge for better option pricing" (2001).
    """
    return activate("softplus", Softplus.apply, input, float(beta), float(threshold))


def logsigmoid(input: Tensor) -> Tensor:
    """``log(sigmoid(input))``, exact where the sigmoid rounds to 0 or 1.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.logsigmoid(minitorch.tensor([-1000., 0.]))
    tensor([-1.0000e+03, -6.9315e-01])

    Raises:
        RuntimeError: the dtype is no floating one.
    """
    return activate("logsigmoid", LogSigmoid.apply, input)


def softsign(input: Tensor) -> Tensor:
    """``input / (1 + |input|)``. Integers are taken as floats.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.softsign(minitorch.tensor([-1., 0., 3.]))
    tensor([-0.5000,  0.0000,  0.7500])

    Raises:
        RuntimeError: the tensor is bool.

    Bergstra et al., "Quadratic polynomials learn better image features" (2009).
    """
    if isinstance(input, Tensor) and input.data.dtype.kind in "iu":
        input = floating(input)
    return activate("softsign", _softsign, input)


def _softsign(input: Tensor) -> Tensor:
    return input / (abs_(input) + 1)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``a * sigmoid(b)`` of the first half a and the second half b of ``input`` along ``dim``: b says how much passes.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.glu(minitorch.tensor([4., 8., 0., 100.]))
    tensor([2., 8.])

    Raises:
        RuntimeError: the tensor has no dimensions, or an odd number of elements along ``dim``, or no floating dtype.
        IndexError: there is no such dimension.

    Dauphin et al., "Language modeling with gated convolutional networks" (2017).
    """
    check_floating("glu", input)
    shape = input.data.shape
    if not shape:
        raise RuntimeError("glu: does not support scalars because halving size must be even, got a 0-d tensor")
    dim = normalize_dim(dim, len(shape))
    if shape[dim] % 2:
        raise RuntimeError(
            f"glu: Halving dimension must be even, but dimension {dim} is size {shape[dim]} of {tuple(shape)}"
        )
    return activate("glu", _glu, input, dim, shape[dim] // 2)


def _glu(input: Tensor, dim: int, half: int) -> Tensor:
    return narrow(input, dim, 0, half) * sigmoid(narrow(input, dim, half, half))
