"""Products of matrices and vectors that do more, or less, than ``matmul``."""

from __future__ import annotations

from typing import Any

from ..tensor import Function, Tensor, tensor_method, wrap
from .diagonal import diagonal
from .dispatch import check_kind, check_tensors, ieee, in_float32, is_half, scalar
from .matmul import check_ranks, matmul, same_dtype
from .permute import transpose
from .reduce import sum
from .shape import reshape


class AddMatMul(Function):
    """y = β·input + α·A·B: ∂input = β·∂y, ∂A = α·∂y·Bᵀ, ∂B = α·Aᵀ·∂y."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, mat1: Tensor, mat2: Tensor, beta: float, alpha: float) -> Tensor:
        ctx.save_for_backward(mat1, mat2)
        ctx.beta, ctx.alpha = beta, alpha
        multiply = input.backend.matmul if input.data.dtype.kind == "f" else input.backend.xp.matmul
        array = multiply(mat1.data, mat2.data)
        if alpha != 1:
            array = ieee.run(input.backend.xp.multiply, array, scalar(alpha, input.dtype, input).data)
        if beta != 0:  # with β = 0 input isn't read: its NaN don't matter
            summand = ieee.run(input.backend.xp.multiply, input.data, scalar(beta, input.dtype, input).data)
            array = ieee.run(input.backend.xp.add, array, summand)
        return wrap(array, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        mat1, mat2 = ctx.saved_tensors
        grad_input = grad_mat1 = grad_mat2 = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output * ctx.beta
        if ctx.needs_input_grad[1]:
            grad_mat1 = matmul(grad_output, transpose(mat2, -2, -1)) * ctx.alpha
        if ctx.needs_input_grad[2]:
            grad_mat2 = matmul(transpose(mat1, -2, -1), grad_output) * ctx.alpha
        return grad_input, grad_mat1, grad_mat2, None, None


def _add_product(name: str, input: Tensor, a: Tensor, b: Tensor, beta: float, alpha: float) -> Tensor:
    """``beta * input + alpha * a @ b`` of tensors whose ranks were checked."""
    same_dtype(name, input, a, b)
    check_kind(name, input, "if")
    if a.data.shape[-1] != b.data.shape[-2]:
        raise RuntimeError(
            f"{name}: matrices of shapes {tuple(a.data.shape)} and {tuple(b.data.shape)} cannot be multiplied: the "
            f"inner sizes are {a.data.shape[-1]} and {b.data.shape[-2]}"
        )
    wanted, got = (*a.data.shape[:-1], b.data.shape[-1]), input.data.shape
    extra = len(wanted) - len(got)
    if extra < 0 or any(n not in (1, wanted[i + extra]) for i, n in enumerate(got)):
        raise RuntimeError(f"{name}: input of shape {tuple(got)} does not broadcast to the product's {wanted}")
    if input.data.dtype.kind != "f":
        beta, alpha = int(beta), int(alpha)
    function = AddMatMul.apply
    return in_float32(function, input, a, b, beta, alpha) if is_half(input) else function(input, a, b, beta, alpha)


@tensor_method("addmm")
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * mat1 @ mat2``: (M, N) + (M, K) · (K, N) → (M, N); ``input`` broadcasts.

    With ``beta=0`` the elements of ``input`` are ignored, NaN too.

    >>> import minitorch
    >>> x = minitorch.eye(2)
    >>> minitorch.addmm(minitorch.tensor([1., 2.]), x, x, alpha=10)
    tensor([[11.,  2.],
            [ 1., 12.]])

    Raises:
        RuntimeError: sizes don't fit, or dtypes or devices differ.
    """
    check_ranks("addmm", mat1, mat2, (2, 2))
    return _add_product("addmm", input, mat1, mat2, beta, alpha)


@tensor_method("baddbmm")
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * batch1 @ batch2``: :func:`addmm` of batches, (B, M, K) · (B, K, N) → (B, M, N).

    ``input`` broadcasts; with ``beta=0`` its elements are ignored, NaN too.

    >>> import minitorch
    >>> x = minitorch.eye(2).expand(3, 2, 2)
    >>> minitorch.baddbmm(minitorch.tensor([1., 2.]), x, x, alpha=10)[0]
    tensor([[11.,  2.],
            [ 1., 12.]])

    Raises:
        RuntimeError: sizes don't fit, or dtypes or devices differ.
    """
    check_ranks("baddbmm", batch1, batch2, (3, 3))
    return _add_product("baddbmm", input, batch1, batch2, beta, alpha)


@tensor_method("outer")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The products of all pairs of elements of two vectors: ``out[i, j] = input[i] * vec2[j]``.

    >>> import minitorch
    >>> minitorch.outer(minitorch.tensor([1, 2]), minitorch.tensor([3, 4, 5]))
    tensor([[ 3,  4,  5],
            [ 6,  8, 10]])

    Raises:
        RuntimeError: one isn't a vector.
    """
    check_tensors("outer", input=input, vec2=vec2)
    for name, vector in (("input", input), ("vec2", vec2)):
        if vector.data.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {vector.data.ndim}-D")
    return reshape(input, (len(input.data), 1)) * vec2


@tensor_method("trace")
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal. Integers are summed as int64.

    >>> import minitorch
    >>> minitorch.tensor([[1, 2], [3, 4]]).trace()
    tensor(5)

    Raises:
        RuntimeError: it isn't a matrix, or one of bools.
    """
    if input.data.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got a tensor with {input.data.ndim} dimensions")
    check_kind("trace", input, "if")
    return sum(diagonal(input))
