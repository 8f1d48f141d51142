"""Numbers of mean 0 and variance 1: the operation that all normalisations share, and what they check alike."""

from __future__ import annotations

import math
from typing import Any

from ..dtypes import float16, float32
from ..tensor import Function, Tensor, wrap
from .dispatch import cast, ieee, same_device
from .shape import reshape
from .summation import total


class Standardize(Function):
    """x̂ = (x - μ)·r and r = (σ² + ε)^(-1/2), with the mean μ and the variance σ² over ``dims``: r has 1 in each.

    Without ``centred`` μ counts as 0, so that σ² is the mean square. The results are x̂, r, μ (or None) and σ².

    With the mean ⟨·⟩ over ``dims`` and n elements in it, ∂x = r·(∂x̂ - ⟨∂x̂⟩ - x̂·⟨∂x̂·x̂⟩) - r²·x̂/n·∂r, without ⟨∂x̂⟩
    where x isn't centred. r is a result of its own so that this, being made of x, x̂ and r, can be differentiated again.
    """

    materialize_grads = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...], eps: float, centred: bool) -> Any:
        backend, xp, x = input.backend, input.backend.xp, input.data
        count = math.prod([x.shape[d] for d in dims])
        ctx.dims, ctx.count, ctx.centred = dims, count, centred

        def compute() -> Any:
            # The distances from the mean are squared, not the numbers themselves: where the mean is large,
            # ⟨x²⟩ - ⟨x⟩² would lose all digits.
            mean = total(backend, x, dims, keepdims=True) / count if centred else None
            normalized = x - mean if centred else x.copy()
            variance = total(backend, xp.square(normalized), dims, keepdims=True) / count
            scale = xp.reciprocal(xp.sqrt(variance + eps))
            normalized *= scale
            return normalized, scale, mean, variance

        results = tuple([None if a is None else wrap(a, input.backend) for a in ieee.run(compute)])
        ctx.save_for_backward(*results[:2])
        ctx.mark_non_differentiable(*results[2:])
        return results

    @staticmethod
    def backward(
        ctx: Any, grad_normalized: Tensor | None, grad_scale: Tensor | None, grad_mean: None, grad_variance: None
    ) -> Any:
        normalized, scale = ctx.saved_tensors
        dims = ctx.dims
        grad: Any = 0
        if grad_normalized is not None:
            grad = grad_normalized - normalized * (grad_normalized * normalized).mean(dims, True)
            if ctx.centred:
                grad = grad - grad_normalized.mean(dims, True)
            grad = grad * scale
        if grad_scale is not None:
            grad = grad - normalized * (grad_scale * scale * scale / ctx.count)
        return grad, None, None, None


# ---- what they have in common ----------------------------------------------------------------------------------------


def wide(tensor: Tensor) -> Tensor:
    """float16 as float32, in which sums of many squares neither overflow nor lose their digits."""
    return cast(tensor, float32) if tensor.data.dtype == float16.numpy else tensor


def check_parameters(name: str, input: Tensor, shape: tuple[int, ...], **parameters: Tensor | None) -> None:
    """Checks tensors that belong to the elements of ``shape``: how many they have, their dtypes and devices."""
    count = math.prod(shape)
    allowed = (float16, float32) if input.dtype is float16 else (input.dtype,)
    for role, tensor in parameters.items():
        if tensor is None:
            continue
        if tensor.data.size != count:
            raise RuntimeError(
                f"{name}: {role} should contain {count} elements not {tensor.data.size}; the input's shape is "
                f"{tuple(input.data.shape)}"
            )
        if tensor.dtype not in allowed:
            raise RuntimeError(
                f"{name}: mixed dtype: expect {role} to have the dtype of the input, {input.dtype}, got {tensor.dtype}"
            )
        same_device(name, input, tensor)
        if role.startswith("running") and tensor.requires_grad:
            raise RuntimeError(f"{name}: not differentiable with respect to {role}, which requires grad; detach() it")


def affine(normalized: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """x̂·w + b, with weight and bias in a shape that broadcasts."""
    if weight is not None:
        normalized = normalized * reshape(wide(weight), shape)
    return normalized if bias is None else normalized + reshape(wide(bias), shape)
