"""Indexing: ``x[i]`` with integers, slices, ``None``, ``...``, bool masks and integer tensors.

As in PyTorch, an index is two steps. Integers, slices, ``None`` and ``...`` come first and give a view. Then tensors of
integers, and masks as the positions of their true elements, take elements of that view, which makes a copy.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from ..devices import on, on_its_device
from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import broadcast_shape, fitting_number, ieee, same_device
from .gather import add_at, check_range
from .inplace import check_in_place, unshared
from .shape import expand, view_of

Shape = tuple[int, ...]


# ---- what an index means ---------------------------------------------------------------------------------------------


class Steps(NamedTuple):
    """The two steps of an index."""

    view: tuple[Any, ...] | None  # integers, slices, None, and ... once, for the array module; None: all as it is
    dims: tuple[int, ...]  # the dimensions of that view of which elements are taken; none if it is all
    positions: tuple[Tensor, ...]  # which ones: int64 or int32, for each of these dimensions


_OF_VIEWS = {int, slice, type(None), type(Ellipsis)}


def _steps(index: Any, input: Tensor) -> Steps:
    items = index if isinstance(index, tuple) else (index,)
    if _OF_VIEWS.issuperset(map(type, items)):
        return Steps(_view_index(items), (), ())  # the usual case, which shall be quick
    arrays = [item.data if isinstance(item, Tensor) else item for item in items]
    if any(getattr(array, "dtype", None) == np.uint8 and not isinstance(array, np.generic) for array in arrays):
        warnings.warn("indexing with dtype uint8 is deprecated: it counts as a mask; use bool", stacklevel=3)
    items = tuple([_item(item, input) for item in items])
    ndim, used = input.data.ndim, sum(map(_dimensions, items))
    if used > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}: got {used}")
    view: list[Any] = []
    dims: list[int] = []
    positions: list[Tensor] = []
    dim = axis = 0  # the dimension of the input, and that of its view, where the next item stands
    for item in items:
        if isinstance(item, Tensor):
            if item.data.dtype.kind == "b":
                found = _true_positions(item, input, dim)
            else:
                found = (item,)
                if item.is_cuda:  # NumPy finds by itself what is out of range
                    size = input.data.shape[dim]
                    check_range("", item, dim, size, IndexError, -size)
            # A mask without dimensions stands for none of the input's, and makes one of size 1 or 0.
            view += [slice(None)] * len(found) if _dimensions(item) else [None]
            dims += range(axis, axis + len(found))
            positions += found
            axis += len(found)
        else:
            view.append(item)
            if item is Ellipsis:
                dim += ndim - used
                axis += ndim - used
            elif item is None or isinstance(item, slice):
                axis += 1
        dim += _dimensions(item)
    if dims and all(item.data.ndim if isinstance(item, Tensor) else item == slice(None) for item in items):
        return Steps(None, tuple(dims), tuple(positions))
    return Steps(_view_index(tuple(view)), tuple(dims), tuple(positions))


def _view_index(items: tuple[Any, ...]) -> tuple[Any, ...]:
    for item in items:
        if item is Ellipsis:
            break
    else:
        items += (Ellipsis,)  # with it, a single element is a view without dimensions; without it, a copy
    for item in items:
        if type(item) is slice and item.step is not None and int(item.step) <= 0:
            raise ValueError(f"step must be greater than zero, got {item.step}; use flip for a reversed tensor")
    return items


@on_its_device
def _item(item: Any, input: Tensor) -> Any:
    """One item of an index as an int, a slice, None, ..., or a tensor: a mask, or integers with dimensions."""
    if type(item) in _OF_VIEWS or isinstance(item, np.integer):
        return item
    if isinstance(item, (bool, np.bool_, list, range, np.ndarray)):
        array = input.backend.move(np.array(item))  # a copy: nobody shall change it before backward
        item = wrap(array.astype(np.int64) if array.size == 0 and array.dtype.kind == "f" else array, input.backend)
    if not isinstance(item, Tensor):
        raise IndexError(
            f"only integers, slices (`:`), ellipsis (`...`), None and tensors of integers or bools are valid indices "
            f"(got {type(item).__name__})"
        )
    kind = item.data.dtype.kind
    if kind not in "biu":
        raise IndexError(f"tensors used as indices must be integer or bool tensors, got {item.data.dtype}")
    if item.backend is not input.backend:
        raise RuntimeError(
            f"indices should be on the same device as the indexed tensor ({input.device}), got {item.device}"
        )
    if kind == "u":
        return wrap(item.data != 0, item.backend)
    return int(item.data) if kind == "i" and item.data.ndim == 0 else item


def _dimensions(item: Any) -> int:
    """How many dimensions of the tensor an item stands for."""
    if isinstance(item, Tensor):
        return item.data.ndim if item.data.dtype.kind == "b" else 1
    return 0 if item is None or item is Ellipsis else 1


@on_its_device
def _true_positions(mask: Tensor, input: Tensor, dim: int) -> tuple[Tensor, ...]:
    """Where the true elements of a mask are, which stands for the dimensions from ``dim``: a tensor for each."""
    xp, shape = mask.backend.xp, mask.data.shape
    if not shape:
        return (wrap(xp.arange(int(mask.data)), mask.backend),)
    for i, n in enumerate(shape):
        if n != input.data.shape[dim + i]:
            raise IndexError(
                f"The shape of the mask {list(shape)} at index {i} does not match the shape of the indexed tensor "
                f"{list(input.data.shape)} at index {dim + i}"
            )
    return tuple([wrap(positions, mask.backend) for positions in xp.nonzero(mask.data)])


# ---- views -----------------------------------------------------------------------------------------------------------


class Slice(Function):
    """A view; the gradient goes back to where its elements came from."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, index: tuple[Any, ...]) -> Tensor:
        ctx.shape, ctx.index = input.data.shape, index
        return view_of(input, input.data[index])

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return SlicePut.apply(grad_output, ctx.shape, ctx.index), None


class SlicePut(Function):
    """Zeros of ``shape`` with ``source`` in a part of them: the adjoint of ``Slice``."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, shape: Shape, index: tuple[Any, ...]) -> Tensor:
        ctx.index = index
        out = source.backend.xp.zeros(shape, dtype=source.data.dtype)
        out[index] = source.data
        return wrap(out, source.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Slice.apply(grad_output, ctx.index), None, None


# ---- copies ----------------------------------------------------------------------------------------------------------


def _array_index(dims: tuple[int, ...], positions: tuple[Tensor, ...]) -> tuple[Any, ...]:
    """Everything of the dimensions before and between ``dims``, and these positions of them."""
    index: list[Any] = [slice(None)] * (dims[-1] + 1)
    for dim, position in zip(dims, positions, strict=True):
        index[dim] = position.data
    return tuple(index)


class Take(Function):
    """Elements by their positions in ``dims``; the gradient is summed where one was taken more than once."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...], *positions: Tensor) -> Tensor:
        ctx.save_for_backward(*positions)
        ctx.shape, ctx.dims = input.data.shape, dims
        return wrap(input.data[_array_index(dims, positions)], input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        positions = ctx.saved_tensors
        return TakePut.apply(grad_output, ctx.shape, ctx.dims, *positions), None, *[None for _ in positions]


class TakePut(Function):
    """Zeros of ``shape`` with the elements of ``source`` added at their positions: the adjoint of ``Take``."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, shape: Shape, dims: tuple[int, ...], *positions: Tensor) -> Tensor:
        ctx.save_for_backward(*positions)
        ctx.dims = dims
        xp = source.backend.xp
        out = xp.zeros(shape, dtype=source.data.dtype)
        numbered = xp.arange(out.size).reshape(shape)
        add_at(source.backend, out, numbered[_array_index(dims, positions)], source.data)
        return wrap(out, source.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        positions = ctx.saved_tensors
        return Take.apply(grad_output, ctx.dims, *positions), None, None, *[None for _ in positions]


# ---- what users call -------------------------------------------------------------------------------------------------


def _of_tensor(error: IndexError, input: Tensor) -> IndexError:
    """What the array module says against an index, in PyTorch's words and with the shape."""
    text = str(error).replace("for array: array is", "for tensor: it is").replace("axis", "dimension")
    return IndexError(f"{text}; the tensor's shape is {list(input.data.shape)}")


@tensor_method("__getitem__")
def getitem(input: Tensor, index: Any) -> Tensor:
    """``input[index]``. Integers, slices, ``None`` and ``...`` give views; masks and integer tensors give copies.

    Integer tensors (or lists) broadcast to one shape, which takes the place of the dimensions that they index; it
    comes first if there are others between them. A mask counts as the positions of its true elements.

    >>> import minitorch
    >>> x = minitorch.arange(6).reshape(2, 3)
    >>> x[1, ::2], x[x > 3], x[:, [2, 0]]
    (tensor([3, 5]), tensor([4, 5]), tensor([[2, 0],
            [5, 3]]))

    Raises:
        IndexError: an index is out of range, there are more of them than dimensions, a mask has another shape than what
            it stands for, or the tensors don't broadcast.
        ValueError: the step of a slice is not positive.
    """
    try:
        view, dims, positions = _steps(index, input)
        viewed = input if view is None else Slice.apply(input, view)
        return Take.apply(viewed, dims, *positions) if dims else viewed
    except IndexError as error:
        raise _of_tensor(error, input) from None


@tensor_method("__setitem__")
def setitem(input: Tensor, index: Any, value: Any) -> None:
    """``input[index] = value``, in place; ``value`` is a number, or a tensor or array that broadcasts to the elements.

    Numbers, tensors without dimensions, and all that goes into a view are converted to the dtype of ``input``. Where
    integer tensors name an element more than once, the last value is the one that stays.

    Raises:
        RuntimeError: the tensor, or ``value``, is part of a recorded graph and recording is on; the shape of ``value``
            doesn't fit; or its dtype differs where masks or integer tensors are assigned to.
        TypeError: ``value`` is something else.
    """
    check_in_place("setitem", input, value, instead="Make a new tensor, with where, cat or stack")
    with on(input.backend):
        source = _assigned(value, input)
        try:
            view, dims, positions = _steps(index, input)
            target = input.data if view is None else input.data[view]
        except IndexError as error:
            raise _of_tensor(error, input) from None
        if dims and source.ndim and source.dtype != input.data.dtype:
            raise RuntimeError(
                f"setitem: Index put requires the source and destination dtypes match, got {input.dtype} for the "
                f"destination and {source.dtype} for the source"
            )
        while source.ndim and source.shape[0] == 1:
            source = source[0]
        try:
            if dims:
                input.backend.index_put(target, _array_index(dims, positions), source)
            else:
                ieee.run(target.__setitem__, ..., source)
        except IndexError as error:
            raise _of_tensor(error, input) from None
        except ValueError:
            raise RuntimeError(
                f"setitem: shape mismatch: value of shape {list(source.shape)} cannot be broadcast to the indexed "
                f"shape {list((target[_array_index(dims, positions)] if dims else target).shape)}"
            ) from None
    input._bump_version()


def _assigned(value: Any, input: Tensor) -> Any:
    """What is assigned to elements of ``input``, as an array on its device."""
    if isinstance(value, Tensor):
        if value.data.ndim or value.is_cuda:  # else it counts as a number
            same_device("setitem", input, value)
        return unshared(input.backend.move(value.data), input)
    if isinstance(value, np.ndarray):
        return input.backend.move(value)
    if isinstance(value, (bool, int, float, np.generic)):
        return input.backend.xp.asarray(fitting_number(value, input.dtype))
    raise TypeError(f"setitem: can't assign a {type(value).__name__} to a tensor of {input.dtype}")


@tensor_method("masked_select")
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` is true, in C order, as a vector; both broadcast.

    >>> import minitorch
    >>> x = minitorch.tensor([[1, 2], [3, 4]])
    >>> x.masked_select(x > 1)
    tensor([2, 3, 4])

    Raises:
        RuntimeError: ``mask`` isn't bool, or the shapes don't broadcast.
    """
    if mask.data.dtype.kind != "b":
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, got {mask.dtype}")
    shape = broadcast_shape("masked_select", input.data.shape, mask.data.shape)
    return getitem(expand(input, shape), expand(mask, shape))


@tensor_method("nonzero")
@on_its_device
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that aren't zero: a row for each, or with ``as_tuple`` a vector for each dimension.

    >>> import minitorch
    >>> x = minitorch.tensor([[0, 5], [7, 0]])
    >>> x.nonzero()
    tensor([[0, 1],
            [1, 0]])
    >>> x[x.nonzero(as_tuple=True)]
    tensor([5, 7])
    """
    xp, array = input.backend.xp, input.data
    if as_tuple:
        # As a tuple it indexes the tensor, and one without dimensions as if it had one.
        return tuple([wrap(positions, input.backend) for positions in xp.nonzero(array if array.ndim else array[None])])
    return wrap(xp.argwhere(array), input.backend)
