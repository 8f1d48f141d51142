"""Numbers of mean 0 and variance 1: the operation that all normalisations share, and what they check alike."""

from __future__ import annotations

import math
from typing import Any

from ..autograd import is_grad_enabled
from ..dtypes import float16, float32
from ..tensor import Function, Tensor, wrap
from .dispatch import cast, ieee, same_device
from .shape import reshape


class Standardize(Function):
    """x̂ = (x - μ)·r and r = (σ² + ε)^(-1/2), with the mean μ and the variance σ² over ``dims``: r has 1 in each.

    Without ``centred`` μ counts as 0, so that σ² is the mean square. The results are x̂, r, μ (or None) and σ². ``dims``
    are the first few dimensions, the last few, or both.

    With the mean ⟨·⟩ over ``dims`` and n elements in it, ∂x = r·(∂x̂ - ⟨∂x̂⟩ - x̂·⟨∂x̂·x̂⟩) - r²·x̂/n·∂r, without ⟨∂x̂⟩
    where x isn't centred. r is a result of its own so that this, being made of x, x̂ and r, can be differentiated again.
    """

    materialize_grads = False

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...], eps: float, centred: bool) -> Any:
        x, backend = input.data, input.backend
        shape = grouped(x.shape, dims)
        ctx.dims, ctx.centred, ctx.grouped = dims, centred, shape
        normalized, *statistics = ieee.run(backend.standardize, x.reshape(shape), eps, centred)
        kept = [1 if d in dims else n for d, n in enumerate(x.shape)]
        normalized = wrap(normalized.reshape(x.shape), backend)
        scale, mean, variance = [None if a is None else wrap(a.reshape(kept), backend) for a in statistics]
        ctx.save_for_backward(normalized, scale)
        ctx.mark_non_differentiable(mean, variance)
        return normalized, scale, mean, variance

    @staticmethod
    def backward(
        ctx: Any, grad_normalized: Tensor | None, grad_scale: Tensor | None, grad_mean: None, grad_variance: None
    ) -> Any:
        normalized, scale = ctx.saved_tensors
        grad: Any = 0
        if grad_normalized is not None:
            gradient = _recorded_gradient if is_grad_enabled() else _gradient
            grad = gradient(grad_normalized, normalized, scale, ctx)
        if grad_scale is not None:
            count = ctx.grouped[0] * ctx.grouped[2]
            grad = grad - normalized * (grad_scale * scale * scale / count)
        return grad, None, None, None


def grouped(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, int, int]:
    """(P, C, Q): ``shape`` with the first of the ``dims`` as one, what is between, and the last of them as one."""
    last = len(shape)
    while last and last - 1 in dims:
        last -= 1
    first = len(dims) - (len(shape) - last)
    return math.prod(shape[:first]), math.prod(shape[first:last]), math.prod(shape[last:])


def _gradient(grad_normalized: Tensor, normalized: Tensor, scale: Tensor, ctx: Any) -> Tensor:
    """r·(∂x̂ - ⟨∂x̂⟩ - x̂·⟨∂x̂·x̂⟩) in one go."""
    g, x, r = grad_normalized.data.reshape(ctx.grouped), normalized.data.reshape(ctx.grouped), scale.data.reshape(-1)
    array = ieee.run(normalized.backend.standardize_backward, g, x, r, ctx.centred)
    return wrap(array.reshape(normalized.data.shape), normalized.backend)


def _recorded_gradient(grad_normalized: Tensor, normalized: Tensor, scale: Tensor, ctx: Any) -> Tensor:
    """The same of operations that can be differentiated again."""
    grad = grad_normalized - normalized * (grad_normalized * normalized).mean(ctx.dims, True)
    if ctx.centred:
        grad = grad - grad_normalized.mean(ctx.dims, True)
    return grad * scale


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


class Affine(Function):
    """y = x·w + b, with one w and b for each c of (P, C, Q): ∂x = ∂y·w, ∂w = Σ ∂y·x, ∂b = Σ ∂y."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight)
        backend = input.backend
        array = ieee.run(backend.affine, input.data, weight.data, None if bias is None else bias.data)
        return wrap(array, backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, weight = ctx.saved_tensors
        if is_grad_enabled():
            grad_input = grad_output * reshape(weight, (1, -1, 1))
            grad_weight, grad_bias = (grad_output * input).sum((0, 2)), grad_output.sum((0, 2))
        else:
            backend = input.backend
            arrays = ieee.run(backend.affine_backward, grad_output.data, input.data, weight.data)
            grad_input, grad_weight, grad_bias = [wrap(array, backend) for array in arrays]
        return grad_input, grad_weight, grad_bias if ctx.needs_input_grad[2] else None


def affine(normalized: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """x̂·w + b, with weight and bias in a shape that broadcasts."""
    if weight is None:
        return normalized if bias is None else normalized + reshape(wide(bias), shape)
    size, channels = normalized.data.size, weight.data.size
    if size == 0:
        normalized = normalized * reshape(wide(weight), shape)
        return affine(normalized, None, bias, shape)
    # Behind the dimensions that the parameters have are those that share them.
    shared = len(shape) - max([d + 1 for d, n in enumerate(shape) if n != 1], default=0)
    inner = math.prod(normalized.data.shape[normalized.data.ndim - shared :])
    x = reshape(normalized, (size // (channels * inner), channels, inner))
    parameters = [p if p is None else reshape(wide(p), (channels,)) for p in (weight, bias)]
    return reshape(Affine.apply(x, *parameters), normalized.data.shape)
