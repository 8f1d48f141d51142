"""Matrix products. A transposed operand stays a view: the kernels read it through its strides."""

from __future__ import annotations

import math
from typing import Any

from ..devices import on_its_device
from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import as_tensor_operand, broadcast_shape, check_kind, in_float32, is_half, same_device
from .permute import transpose
from .shape import expand, reshape


class MatMul(Function):
    """C = A·B: ∂A = ∂C·Bᵀ, ∂B = Aᵀ·∂C, for matrices in the last two dimensions."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(input, other)
        return wrap(input.backend.matmul(input.data, other.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, other = ctx.saved_tensors
        grad_input = grad_other = None
        if ctx.needs_input_grad[0]:
            grad_input = matmul(grad_output, transpose(other, -2, -1))
        if ctx.needs_input_grad[1]:
            grad_other = matmul(transpose(input, -2, -1), grad_output)
        return grad_input, grad_other  # the engine sums over broadcast batches


class Linear(Function):
    """y = x·Wᵀ + b for the rows of a matrix x: ∂x = ∂y·W, ∂W = ∂yᵀ·x, ∂b = Σ ∂y."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight)
        bias_array = None if bias is None else bias.data
        return wrap(input.backend.matmul(input.data, weight.data.T, bias_array), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, weight = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = MatMul.apply(grad_output, weight)
        if ctx.needs_input_grad[1]:
            grad_weight = MatMul.apply(transpose(grad_output, 0, 1), input)
        if ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


def same_dtype(name: str, *tensors: Tensor) -> None:
    """Raises TypeError where one isn't a tensor, RuntimeError unless all have one dtype and one device."""
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}(): expected Tensors, got {type(tensor).__name__}")
    same_device(name, *tensors)
    if any(t.data.dtype != tensors[0].data.dtype for t in tensors):
        listed = " and ".join(str(t.dtype) for t in tensors)
        raise RuntimeError(f"{name}: expected operands of the same dtype, but got {listed}")


def _shapes(a: Tensor, b: Tensor) -> str:
    return f"{tuple(a.data.shape)} and {tuple(b.data.shape)}"


def _product(name: str, input: Tensor, other: Tensor) -> Tensor:
    """The product of matrices (or batches of them) whose inner sizes are known to agree."""
    if input.data.dtype.kind == "f":
        return in_float32(MatMul.apply, input, other) if is_half(input) else MatMul.apply(input, other)
    check_kind(name, input, "if")
    # Integers have no gradient and no kernel: plain array code.
    return _product_of_integers(input, other)


@on_its_device
def _product_of_integers(input: Tensor, other: Tensor) -> Tensor:
    return wrap(input.backend.xp.matmul(input.data, other.data), input.backend)


@tensor_method("matmul", "__matmul__")
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The product of vectors, matrices, or batches of matrices, by PyTorch's rules:

    1-D · 1-D is the dot product, 2-D · 2-D the matrix product, a 1-D operand counts as a row (left) or a column
    (right), and leading dimensions broadcast: (…, M, K) · (…, K, N) → (…, M, N).

    >>> import minitorch
    >>> minitorch.eye(2) @ minitorch.tensor([3., 4.])
    tensor([3., 4.])

    Raises:
        RuntimeError: an operand has no dimensions, inner sizes or batches don't fit, or dtypes or devices differ.
    """
    same_dtype("matmul", input, other)
    if input.data.ndim == 0 or other.data.ndim == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.data.ndim}D and {other.data.ndim}D"
        )
    return _multiply("matmul", input, other)


def _multiply(name: str, input: Tensor, other: Tensor) -> Tensor:
    """:func:`matmul` of tensors that have dimensions, one dtype and one device."""
    a, b = input.data, other.data
    left = reshape(input, (1, a.shape[0])) if a.ndim == 1 else input
    right = reshape(other, (b.shape[0], 1)) if b.ndim == 1 else other
    if left.data.shape[-1] != right.data.shape[-2]:
        raise RuntimeError(
            f"{name}: mat1 and mat2 shapes cannot be multiplied ({_shapes(input, other)}: the inner sizes are "
            f"{left.data.shape[-1]} and {right.data.shape[-2]})"
        )
    batch = broadcast_shape(name, left.data.shape[:-2], right.data.shape[:-2])
    out = _product(name, left, right)
    if a.ndim == 1 or b.ndim == 1:
        rows = () if a.ndim == 1 else (a.shape[-2],)
        columns = () if b.ndim == 1 else (b.shape[-1],)
        out = reshape(out, (*batch, *rows, *columns))
    return out


@tensor_method("__rmatmul__")
def rmatmul(input: Tensor, other: Any) -> Tensor:
    """``other @ input`` where ``other`` is an array."""
    return matmul(as_tensor_operand(other, input, "matmul"), input)


def check_ranks(name: str, input: Tensor, other: Tensor, ranks: tuple[int, int]) -> None:
    """Raises RuntimeError unless both have one dtype and device, so many dimensions, and batches of one size."""
    same_dtype(name, input, other)
    if (input.data.ndim, other.data.ndim) != ranks:
        raise RuntimeError(
            f"{name}: expected {ranks[0]}-D and {ranks[1]}-D tensors, got shapes {_shapes(input, other)}"
        )
    if ranks == (3, 3) and len(input.data) != len(other.data):
        raise RuntimeError(f"{name}: batches must be of equal size, got shapes {_shapes(input, other)}")


@tensor_method("mm")
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, ``out[i, j] = Σₖ input[i, k]·mat2[k, j]``: (M, K) · (K, N) → (M, N).

    Nothing is broadcast and no dtype promoted; :func:`matmul` takes vectors and batches as well.

    >>> import minitorch
    >>> minitorch.mm(minitorch.tensor([[1., 2.], [3., 4.]]), minitorch.tensor([[10.], [1.]]))
    tensor([[12.],
            [34.]])

    Raises:
        RuntimeError: an operand is no matrix, the sizes K, the dtypes or the devices differ.
    """
    check_ranks("mm", input, mat2, (2, 2))
    return _multiply("mm", input, mat2)


@tensor_method("bmm")
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of as many matrices: (B, M, K) · (B, K, N) → (B, M, N).

    >>> import minitorch
    >>> minitorch.bmm(minitorch.ones(5, 2, 3), minitorch.ones(5, 3, 4)).shape
    minitorch.Size([5, 2, 4])

    Raises:
        RuntimeError: an operand isn't 3-D, the sizes B or K, the dtypes or the devices differ.
    """
    check_ranks("bmm", input, mat2, (3, 3))
    return _multiply("bmm", input, mat2)


@tensor_method("mv")
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector, ``out[i] = Σₖ input[i, k]·vec[k]``: (M, K) · (K) → (M).

    >>> import minitorch
    >>> minitorch.mv(minitorch.tensor([[1., 2.], [3., 4.]]), minitorch.tensor([10., 1.]))
    tensor([12., 34.])

    Raises:
        RuntimeError: the ranks aren't 2 and 1, the sizes K, the dtypes or the devices differ.
    """
    check_ranks("mv", input, vec, (2, 1))
    return _multiply("mv", input, vec)


@tensor_method("dot")
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The dot product of two vectors, ``Σₖ input[k]·tensor[k]``: (K) · (K) → ().

    >>> import minitorch
    >>> minitorch.dot(minitorch.tensor([1., 2., 3.]), minitorch.tensor([4., 5., 6.]))
    tensor(32.)

    Raises:
        RuntimeError: an operand is no vector, the lengths, the dtypes or the devices differ.
    """
    check_ranks("dot", input, tensor, (1, 1))
    return _multiply("dot", input, tensor)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input · weightᵀ + bias``: (…, in) × (out, in) → (…, out).

    A ``weight`` of one dimension, (in), has one output without a dimension: (…); it takes no bias. A ``bias`` of one
    element is added to all outputs.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.linear(minitorch.ones(1, 3), minitorch.ones(2, 3), minitorch.tensor([0., 1.]))
    tensor([[3., 4.]])

    Raises:
        RuntimeError: the sizes don't fit, or dtypes or devices differ.
    """
    tensors = [input, weight] if bias is None else [input, weight, bias]
    same_dtype("linear", *tensors)
    if weight.data.ndim == 1 and bias is None and input.data.ndim:
        return _multiply("linear", input, weight)
    if weight.data.ndim != 2 or input.data.ndim == 0 or input.data.shape[-1] != weight.data.shape[1]:
        raise RuntimeError(
            f"linear: input of shape {tuple(input.data.shape)} and weight of shape {tuple(weight.data.shape)} don't "
            f"fit; expected (…, in_features) and (out_features, in_features)"
        )
    if bias is not None and bias.data.shape != (len(weight.data),):
        if bias.data.size != 1:
            raise RuntimeError(
                f"linear: bias has shape {tuple(bias.data.shape)}, expected ({len(weight.data)},) for weight of shape "
                f"{tuple(weight.data.shape)}"
            )
        bias = expand(reshape(bias, 1), len(weight.data))
    if input.data.dtype.kind != "f":
        out = matmul(input, transpose(weight, 0, 1))
        return out if bias is None else out + bias
    if is_half(input):
        return in_float32(linear, input, weight, bias)
    *batch, features = input.data.shape
    if len(batch) == 1:
        return Linear.apply(input, weight, bias)
    rows = Linear.apply(reshape(input, (math.prod(batch), features)), weight, bias)
    return reshape(rows, (*batch, len(weight.data)))
