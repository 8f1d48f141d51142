"""The same elements in another order, or more than once: copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .convert import clone
from .dispatch import same_device
from .permute import transpose
from .shape import expand, reshape, spread_ints


class Flip(Function):
    """Flipping is its own adjoint."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...]) -> Tensor:
        ctx.dims = dims
        return wrap(input.backend.xp.flip(input.data, dims).copy(), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Flip.apply(grad_output, ctx.dims), None


@tensor_method("flip")
@spread_ints
def flip(input: Tensor, dims: Sequence[int]) -> Tensor:
    """A copy with the order of the elements reversed in each of ``dims``.

    >>> import minitorch
    >>> minitorch.arange(6).reshape(2, 3).flip(0, 1)
    tensor([[5, 4, 3],
            [2, 1, 0]])

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: one is named twice.
    """
    chosen = tuple([normalize_dim(d, input.data.ndim) for d in dims])
    for d in chosen:
        if chosen.count(d) > 1:
            raise RuntimeError(f"flip: dim {d} appears multiple times in the list of dims {list(dims)}")
    return Flip.apply(input, chosen if input.data.ndim else ())


class Roll(Function):
    """The adjoint rolls back."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Tensor:
        ctx.shifts, ctx.dims = shifts, dims
        return wrap(input.backend.xp.roll(input.data, shifts, dims), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Roll.apply(grad_output, tuple([-shift for shift in ctx.shifts]), ctx.dims), None, None


@tensor_method("roll")
def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """The elements moved by ``shifts`` along ``dims``; what leaves at the end comes back at the beginning.

    Without ``dims`` they are rolled in C order, as if the tensor had one dimension.

    >>> import minitorch
    >>> minitorch.arange(5).roll(2)
    tensor([3, 4, 0, 1, 2])

    Raises:
        RuntimeError: there are not as many dimensions as shifts, or no shifts.
        IndexError: there is no such dimension.
    """
    steps = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    along = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not steps:
        raise RuntimeError("roll: `shifts` required")
    if not along and len(steps) == 1:
        return reshape(Roll.apply(reshape(input, (-1,) if input.data.size else (0,)), steps, (0,)), input.data.shape)
    if len(steps) != len(along):
        raise RuntimeError(f"roll: shifts and dimensions must align. shifts: {len(steps)}, dims: {len(along)}")
    if input.data.ndim == 0:
        raise IndexError(f"roll: Dimension specified as {along[0]} but tensor has no dimensions")
    return Roll.apply(input, steps, tuple([normalize_dim(d, input.data.ndim) for d in along]))


@tensor_method("repeat")
@spread_ints
def repeat(input: Tensor, repeats: Sequence[int]) -> Tensor:
    """The tensor ``repeats[d]`` times along each dimension ``d``; more numbers than dimensions make leading ones.

    >>> import minitorch
    >>> minitorch.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])

    Raises:
        RuntimeError: there are fewer numbers than dimensions, or one is negative.
    """
    counts, shape = repeats, input.data.shape
    if len(counts) < len(shape):
        raise RuntimeError(
            f"Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: got "
            f"{list(counts)} for shape {list(shape)}"
        )
    if any(n < 0 for n in counts):
        raise RuntimeError(f"repeat: Trying to create tensor with negative dimension: repeats {list(counts)}")
    shape = (1,) * (len(counts) - len(shape)) + shape
    # A view has a dimension of repetitions before each dimension; a copy of it can be given the wanted shape.
    apart = reshape(input, [size for n in shape for size in (1, n)])
    whole = expand(apart, [size for pair in zip(counts, shape, strict=True) for size in pair])
    return reshape(clone(whole), [count * n for count, n in zip(counts, shape, strict=True)])


@tensor_method("tile")
@spread_ints
def tile(input: Tensor, dims: Sequence[int]) -> Tensor:
    """:func:`repeat`, where fewer numbers than dimensions stand for the last ones.

    >>> import minitorch
    >>> minitorch.tensor([[1, 2], [3, 4]]).tile(2)
    tensor([[1, 2, 1, 2],
            [3, 4, 3, 4]])

    Raises:
        RuntimeError: a number is negative.
    """
    return repeat(input, (*(1,) * (input.data.ndim - len(dims)), *dims))


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of a grid: one view a vector, of the shape that the lengths of all vectors make.

    With ``indexing="ij"``, the default, dimension ``k`` of the grid is that of vector ``k``; with ``"xy"`` the first
    two dimensions are swapped, as the columns and rows of an image are.

    >>> import minitorch
    >>> rows, columns = minitorch.meshgrid(minitorch.arange(2), minitorch.arange(3), indexing="ij")
    >>> rows, columns
    (tensor([[0, 0, 0],
            [1, 1, 1]]), tensor([[0, 1, 2],
            [0, 1, 2]]))

    Raises:
        RuntimeError: there are none; one has more than one dimension; dtypes differ; another ``indexing``.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for tensor in tensors:
        if tensor.data.ndim > 1:
            raise RuntimeError(f"meshgrid: Expected 0D or 1D tensor in the tensor list but got {tensor.data.ndim}D")
        if tensor.data.dtype != tensors[0].data.dtype:
            raise RuntimeError(
                f"meshgrid expects all tensors to have the same dtype, got {tensors[0].dtype} and {tensor.dtype}"
            )
    same_device("meshgrid", *tensors)
    shape = [tensor.data.size for tensor in tensors]
    rank = len(shape)
    grids = [
        expand(reshape(tensor, [shape[k] if d == k else 1 for d in range(rank)]), shape)
        for k, tensor in enumerate(tensors)
    ]
    swap = indexing == "xy" and rank > 1
    return tuple([transpose(grid, 0, 1) if swap else grid for grid in grids])
