"""The dimensions in another order: views, as those of ``shape``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Function, Tensor, normalize_dim, tensor_method
from .shape import spread_ints, view_of


class Permute(Function):
    """The gradient is permuted back."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...]) -> Tensor:
        ctx.dims = dims
        return view_of(input, input.data.transpose(dims))

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        inverse = sorted(range(len(ctx.dims)), key=ctx.dims.__getitem__)
        return permute(grad_output, inverse), None


@tensor_method("permute")
@spread_ints
def permute(input: Tensor, dims: Sequence[int]) -> Tensor:
    """A view with the dimensions in the order ``dims``.

    >>> import minitorch
    >>> minitorch.zeros(28, 20, 3).permute(2, 0, 1).shape
    minitorch.Size([3, 28, 20])

    Raises:
        RuntimeError: ``dims`` doesn't name every dimension once.
    """
    ndim = input.data.ndim
    order = tuple([normalize_dim(d, ndim) for d in dims])
    if sorted(order) != list(range(ndim)):
        raise RuntimeError(f"permute: dims {list(dims)} are not a permutation of the {ndim} dimensions")
    return Permute.apply(input, order)


@tensor_method("transpose", "swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions swapped.

    >>> import minitorch
    >>> minitorch.arange(6).reshape(2, 3).transpose(0, 1)
    tensor([[0, 3],
            [1, 4],
            [2, 5]])

    Raises:
        IndexError: there is no such dimension.
    """
    ndim = input.data.ndim
    order = list(range(ndim))
    a, b = normalize_dim(dim0, ndim), normalize_dim(dim1, ndim)
    if ndim:
        order[a], order[b] = b, a
    return Permute.apply(input, tuple(order))


@tensor_method("swapaxes")
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """:func:`transpose` by NumPy's name.

    >>> import minitorch
    >>> minitorch.zeros(2, 3, 4).swapaxes(0, 2).shape
    minitorch.Size([4, 3, 2])
    """
    return transpose(input, axis0, axis1)


@tensor_method("movedim", "moveaxis")
def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """A view in which the dimensions ``source`` stand at ``destination``; the others keep their order.

    >>> import minitorch
    >>> minitorch.zeros(8, 28, 28, 3).movedim(-1, 1).shape
    minitorch.Size([8, 3, 28, 28])

    Raises:
        RuntimeError: there are not as many destinations as sources, or a dimension is named twice.
        IndexError: there is no such dimension.
    """
    sources, destinations = ([dims] if isinstance(dims, int) else list(dims) for dims in (source, destination))
    if len(sources) != len(destinations):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({source} dims) should contain the same number of "
            f"dims as destination ({destination} dims)"
        )
    moved, places = ([normalize_dim(d, input.data.ndim) for d in dims] for dims in (sources, destinations))
    for name, dims, given in (("source", moved, source), ("destination", places, destination)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({given})")
    if input.data.ndim == 0:
        return permute(input, ())
    others = iter([d for d in range(input.data.ndim) if d not in moved])
    return permute(input, [moved[places.index(d)] if d in places else next(others) for d in range(input.data.ndim)])


@tensor_method("t")
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, a view; a vector or scalar as it is.

    >>> import minitorch
    >>> minitorch.tensor([[1, 2, 3]]).t()
    tensor([[1],
            [2],
            [3]])

    Raises:
        RuntimeError: there are more than two dimensions.
    """
    if input.data.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.data.ndim}D")
    return transpose(input, 0, 1) if input.data.ndim == 2 else input


def _reversed(input: Tensor) -> Tensor:
    """The dimensions in reverse order."""
    return permute(input, tuple(range(input.data.ndim))[::-1])


def _matrix_transpose(input: Tensor) -> Tensor:
    """The last two dimensions swapped."""
    if input.data.ndim < 2:
        raise RuntimeError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {input.data.ndim}-D tensor."
        )
    return transpose(input, -2, -1)


tensor_method("T")(property(_reversed))  # type: ignore[type-var]
tensor_method("mT")(property(_matrix_transpose))  # type: ignore[type-var]
