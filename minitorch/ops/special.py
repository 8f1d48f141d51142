"""The error function, by rational approximation: NumPy has none."""

from __future__ import annotations

import math
from typing import Any

from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import floating, ieee, in_float32
from .exponential import exp

# Cody's minimax fractions N(z)/D(z) (tables II and III for 18 digits), the highest power first.
# For |x| <= 0.46875: erf(x) ≈ x·N(x²)/D(x²).
_NEAR_N = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
           3.20937758913846947e3)  # fmt: skip
_NEAR_D = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
# For 0.46875 <= x <= 4: 1 - erf(x) ≈ exp(-x²)·N(x)/D(x).
_FAR_N = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
          2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
          1.23033935479799725e3)  # fmt: skip
_FAR_D = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
          3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip


def _fraction(z: Any, numerator: tuple[float, ...], denominator: tuple[float, ...]) -> Any:
    """N(z)/D(z) by Horner's rule. All coefficients and all z are positive: nothing cancels."""
    n, d = z * numerator[0], z * denominator[0]
    for a, b in zip(numerator[1:-1], denominator[1:-1], strict=True):
        n += a
        n *= z
        d += b
        d *= z
    n += numerator[-1]
    d += denominator[-1]
    n /= d
    return n


def _erf(x: Any, xp: Any) -> Any:
    """erf of a floating-point array."""
    # Each fraction also serves a little beyond its range. Up to 0.5 the first spares the subtraction from 1 where that
    # would cost a digit; from 4 to 6, where 1 - erf is below 2e-8, the second has the digits of it that count. From 6
    # on erf is 1 in every dtype.
    y = xp.minimum(abs(x), 6)
    square = y * y
    near = x * _fraction(xp.minimum(square, 0.25), _NEAR_N, _NEAR_D)
    far = _fraction(y, _FAR_N, _FAR_D)
    far *= xp.exp(-square)
    return xp.where(y <= 0.5, near, xp.copysign(1 - far, x))


class Erf(Function):
    """∂erf(x) = 2/√π·exp(-x²)·∂x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return wrap(ieee.run(_erf, input.data, input.backend.xp), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return grad_output * (exp(-(input * input)) * (2 / math.sqrt(math.pi)))


@tensor_method("erf")
def erf(input: Tensor) -> Tensor:
    """The error function ``2/√π ∫₀ˣ exp(-t²) dt``, elementwise. Integers are taken as floats.

    >>> import minitorch
    >>> minitorch.erf(minitorch.tensor([0., -1., 10.]))
    tensor([ 0.0000, -0.8427,  1.0000])

    Cody, "Rational Chebyshev approximations for the error function" (1969).
    """
    input = floating(input)
    if input.data.dtype.itemsize == 2:
        return in_float32(erf, input)
    return Erf.apply(input)
