"""The diagonals of matrices, and the triangles above and below them. Diagonal k holds the elements [i, i + k]."""

from __future__ import annotations

from typing import Any

from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .geometry import int_of
from .shape import view_of

Shape = tuple[int, ...]


def _diagonal_view(array: Any, offset: int, dim1: int, dim2: int) -> Any:
    view = array.diagonal(offset, dim1, dim2)
    if hasattr(view, "setflags"):
        view.setflags(write=array.flags.writeable)  # NumPy gives a read-only view, for reasons of its history
    return view


class Diagonal(Function):
    """The gradient goes back to the diagonal; everything beside it gets 0."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, offset: int, dim1: int, dim2: int) -> Tensor:
        ctx.shape, ctx.place = input.data.shape, (offset, dim1, dim2)
        return view_of(input, _diagonal_view(input.data, offset, dim1, dim2))

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return DiagonalPut.apply(grad_output, ctx.shape, *ctx.place), None, None, None


class DiagonalPut(Function):
    """Zeros of ``shape`` with ``source`` on a diagonal: the adjoint of ``Diagonal``."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, shape: Shape, offset: int, dim1: int, dim2: int) -> Tensor:
        ctx.place = (offset, dim1, dim2)
        out = source.backend.xp.zeros(shape, dtype=source.data.dtype)
        _diagonal_view(out, offset, dim1, dim2)[...] = source.data
        return wrap(out, source.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Diagonal.apply(grad_output, *ctx.place), None, None, None, None


@tensor_method("diagonal")
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of the elements whose index in ``dim2`` is that in ``dim1`` plus ``offset``, as the last dimension.

    >>> import minitorch
    >>> x = minitorch.arange(9).reshape(3, 3)
    >>> x.diagonal(), x.diagonal(1)
    (tensor([0, 4, 8]), tensor([1, 5]))

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: ``dim1`` and ``dim2`` are one.
    """
    ndim = input.data.ndim
    first, second = normalize_dim(dim1, ndim, "dim1"), normalize_dim(dim2, ndim, "dim2")
    if first == second:
        raise RuntimeError(f"diagonal: diagonal dimensions cannot be identical, got dim1={dim1} and dim2={dim2}")
    return Diagonal.apply(input, int_of("diagonal", "offset", offset), first, second)


@tensor_method("diag")
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with a vector on its diagonal, or (a copy of) the diagonal of a matrix.

    >>> import minitorch
    >>> minitorch.diag(minitorch.tensor([1, 2]), 1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])

    Raises:
        RuntimeError: the tensor has neither one nor two dimensions.
    """
    offset = int_of("diag", "diagonal", diagonal)
    if input.data.ndim == 1:
        side = input.data.size + abs(offset)
        return DiagonalPut.apply(input, (side, side), offset, 0, 1)
    if input.data.ndim == 2:
        return Diagonal.apply(input, offset, 0, 1).clone()
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.data.ndim}D")


class Triangle(Function):
    """Zero outside of a triangle: its own adjoint."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, name: str, diagonal: int) -> Tensor:
        ctx.which = (name, diagonal)
        return wrap(getattr(input.backend.xp, name)(input.data, diagonal), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Triangle.apply(grad_output, *ctx.which), None, None


def _triangle(name: str, input: Tensor, diagonal: int) -> Tensor:
    if input.data.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, got {input.data.ndim}")
    return Triangle.apply(input, name, int_of(name, "diagonal", diagonal))


@tensor_method("tril")
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangles of matrices (…, M, N): diagonal number ``diagonal`` and what is below it; 0 elsewhere.

    >>> import minitorch
    >>> minitorch.ones(2, 3).tril()
    tensor([[1., 0., 0.],
            [1., 1., 0.]])

    Raises:
        RuntimeError: there are fewer than two dimensions.
    """
    return _triangle("tril", input, diagonal)


@tensor_method("triu")
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangles of matrices (…, M, N): diagonal number ``diagonal`` and what is above it; 0 elsewhere.

    >>> import minitorch
    >>> minitorch.ones(2, 3).triu(1)
    tensor([[0., 1., 1.],
            [0., 0., 1.]])

    Raises:
        RuntimeError: there are fewer than two dimensions.
    """
    return _triangle("triu", input, diagonal)
