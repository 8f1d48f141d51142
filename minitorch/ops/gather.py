"""Taking elements along a dimension by their indices, and putting them there.

Every operation that takes has one that adds as its adjoint, and the adjoint of that one takes again: ``index_select``
(whole slices) and ``IndexAdd``, ``gather`` (single elements) and ``scatter_add``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends.protocol import Backend
from ..devices import on_its_device
from ..dtypes import int64
from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .dispatch import broadcast_shape, cast, fitting_number, same_device
from .selection import where
from .shape import expand, reshape

Shape = tuple[int, ...]


def add_at(backend: Backend, out: Any, positions: Any, source: Any) -> None:
    """Adds the elements of ``source`` to those of ``out``, a C-contiguous array, at ``positions`` in C order.

    One is added after the other, so that the sums are the same every time.
    """
    backend.index_add(out.reshape(1, -1, 1), positions.reshape(-1), source.reshape(1, -1, 1))


@on_its_device
def check_range(
    name: str, index: Tensor, dim: int, size: int, error: type[Exception] = RuntimeError, lowest: int = 0
) -> None:
    """Raises ``error`` where an element of ``index``, int64 or int32, isn't one of ``lowest`` … size - 1.

    On a GPU that waits for the numbers; but unchecked, CuPy would take others, whose index is the remainder.
    """
    # Counted from the lowest, and as unsigned numbers, all that are wrong are too large: one pass, and one wait.
    array = index.data
    unsigned = np.uint64 if array.itemsize == 8 else np.uint32
    if array.size and (array - lowest if lowest else array).view(unsigned).max() >= size - lowest:
        wrong = array[(array < lowest) | (array >= size)]
        prefix = f"{name}: " if name else ""
        raise error(f"{prefix}index {int(wrong[0])} is out of bounds for dimension {dim} with size {size}")


# ---- slices ----------------------------------------------------------------------------------------------------------


class IndexSelect(Function):
    """The slices of dimension ``dim`` that a vector of indices names."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.dim, ctx.size = dim, input.data.shape[dim]
        return wrap(input.data.take(index.data, axis=dim), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return IndexAdd.apply(grad_output, ctx.dim, index, ctx.size), None, None


class IndexAdd(Function):
    """Zeros, ``size`` in dimension ``dim``, with slices added where the indices say: the adjoint of ``IndexSelect``."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, dim: int, index: Tensor, size: int) -> Tensor:
        ctx.save_for_backward(index)
        ctx.dim = dim
        xp, shape = source.backend.xp, source.data.shape
        out = xp.zeros((*shape[:dim], size, *shape[dim + 1 :]), dtype=source.data.dtype)
        # Seen as (outer, dim, inner), source[o, i, k] belongs to out[o, index[i], k].
        outer, inner = math.prod(shape[:dim]), math.prod(shape[dim + 1 :])
        slices = source.data.reshape(outer, index.data.size, inner)
        source.backend.index_add(out.reshape(outer, size, inner), index.data, slices)
        return wrap(out, source.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return IndexSelect.apply(grad_output, ctx.dim, index), None, None, None


@tensor_method("index_select")
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of dimension ``dim`` that ``index``, a vector of int64 or int32, names: a copy.

    >>> import minitorch
    >>> minitorch.arange(6).reshape(2, 3).index_select(1, minitorch.tensor([2, 0]))
    tensor([[2, 0],
            [5, 3]])

    Raises:
        IndexError: ``index`` isn't a vector, or one of its elements is negative or too large.
        RuntimeError: its dtype is another one.
    """
    dim = normalize_dim(dim, input.data.ndim)
    _check_index("index_select", index, input)
    if index.data.ndim > 1:
        raise IndexError(f"index_select(): Index is supposed to be a vector, got shape {list(index.data.shape)}")
    positions = reshape(index, -1)
    if input.data.ndim == 0:
        if positions.data.size != 1:
            raise RuntimeError(
                f"index_select(): Index to scalar can have only 1 value, got {positions.data.size} value(s)"
            )
        check_range("index_select", positions, dim, 1, IndexError)
        return input.clone()
    check_range("index_select", positions, dim, input.data.shape[dim], IndexError)
    return IndexSelect.apply(input, dim, positions)


def _check_index(name: str, index: Tensor, input: Tensor) -> None:
    if not isinstance(index, Tensor):
        raise TypeError(f"{name}(): argument 'index' must be Tensor, not {type(index).__name__}")
    if index.data.dtype.kind != "i" and index.data.size:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index, got {index.dtype}")
    same_device(name, input, index)


# ---- elements --------------------------------------------------------------------------------------------------------


def _positions(index: Tensor, dim: int, shape: Shape) -> Any:
    """Where in C order the elements [i, …, index[i, …, k], …, k] of an array of ``shape`` are."""
    xp, ndim = index.backend.xp, index.data.ndim
    positions, stride = 0, 1
    for d in reversed(range(ndim)):
        steps = xp.arange(index.data.shape[d]).reshape((-1,) + (1,) * (ndim - 1 - d))
        positions = positions + (index.data if d == dim else steps) * stride
        stride *= shape[d]
    return positions


class Gather(Function):
    """The gradient is added where the elements came from."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.dim, ctx.shape = dim, input.data.shape
        return wrap(input.data.reshape(-1).take(_positions(index, dim, input.data.shape)), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return ScatterAdd.apply(grad_output.new_zeros(ctx.shape), ctx.dim, index, grad_output), None, None


class ScatterAdd(Function):
    """The gradient of what was added is gathered from where it went."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.dim = dim
        out = input.data.copy()
        add_at(input.backend, out, _positions(index, dim, out.shape), src.data)
        return wrap(out, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        grad_src = Gather.apply(grad_output, ctx.dim, index) if ctx.needs_input_grad[3] else None
        return grad_output, None, None, grad_src


class Scatter(Function):
    """The gradient goes to the element that was written last, and to those of ``input`` that were not written over."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
        out = input.data.copy()
        flat, positions = out.reshape(-1), _positions(index, dim, out.shape)
        input.backend.index_put(flat, (positions,), src.data)
        ctx.dim = dim
        ctx.save_for_backward(index, _written_last(positions, flat, index) if ctx.needs_input_grad[3] else None)
        return wrap(out, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        index, last = ctx.saved_tensors
        grad_input = grad_src = None
        if ctx.needs_input_grad[0]:
            grad_input = ScatterNumber.apply(grad_output, ctx.dim, index, 0)
        if ctx.needs_input_grad[3]:
            grad_src = where(last, Gather.apply(grad_output, ctx.dim, index), 0)
        return grad_input, None, None, grad_src


def _written_last(positions: Any, flat: Any, index: Tensor) -> Tensor:
    """Which elements of ``src`` are in the result, where an index occurs more than once."""
    xp = index.backend.xp
    order = xp.arange(positions.size).reshape(positions.shape)
    writer = xp.zeros(flat.shape, dtype=order.dtype)
    index.backend.index_put(writer, (positions,), order)
    return wrap(writer[positions] == order, index.backend)


class ScatterNumber(Function):
    """The gradient goes to the elements that were not written over."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
        ctx.save_for_backward(index)
        ctx.dim = dim
        out = input.data.copy()
        out.reshape(-1)[_positions(index, dim, out.shape)] = value
        return wrap(out, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        return ScatterNumber.apply(grad_output, ctx.dim, index, 0), None, None, None


def _with_dimensions(input: Tensor) -> Tensor:
    """A tensor without dimensions counts as having one, of size 1."""
    return input if input.data.ndim else reshape(input, (1,))


def _places(name: str, input: Tensor, dim: int, index: Tensor, src: Tensor | None = None) -> Tensor:
    """``index``, of which every other dimension must lie in those of ``input`` (and all of them in ``src``), as int64.

    Raises:
        RuntimeError: the ranks differ, a dimension is too long, or an index is out of range.
    """
    index = _with_dimensions(cast(index, int64))
    sizes, limits = index.data.shape, input.data.shape
    for other, shape in (("input", limits), ("src", None if src is None else src.data.shape)):
        if shape is not None and len(sizes) != len(shape):
            raise RuntimeError(
                f"{name}: Index tensor must have the same number of dimensions as {other} tensor, got index "
                f"{list(sizes)} and {other} {list(shape)}"
            )
    if any(n > limit for d, (n, limit) in enumerate(zip(sizes, limits, strict=True)) if d != dim):
        raise RuntimeError(
            f"{name}: Size does not match: expected index {list(sizes)} to be no larger than self {list(limits)} apart "
            f"from dimension {dim}"
        )
    if src is not None and any(n > limit for n, limit in zip(sizes, src.data.shape, strict=True)):
        raise RuntimeError(
            f"{name}: expected index {list(sizes)} to be no larger than src {list(src.data.shape)} in any dimension"
        )
    check_range(name, index, dim, limits[dim])
    return index


@tensor_method("gather")
@on_its_device
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """``out[i][j][k] = input[index[i][j][k]][j][k]`` for ``dim=0``, and likewise for the others: a copy.

    The result has the shape of ``index``, which may be smaller than ``input`` in the other dimensions. There are no
    sparse tensors: ``sparse_grad`` can only be False.

    >>> import minitorch
    >>> scores = minitorch.tensor([[0.1, 0.9], [0.8, 0.2]])
    >>> scores.gather(1, minitorch.tensor([[1], [1]]))
    tensor([[0.9000],
            [0.2000]])

    Raises:
        RuntimeError: the ranks differ; ``index`` is longer than ``input`` in another dimension, is not of int64 or
            int32, or has elements that are negative or too large.
        NotImplementedError: ``sparse_grad`` is True.
    """
    if sparse_grad:
        raise NotImplementedError("gather: there are no sparse gradients; sparse_grad must be False")
    dim = normalize_dim(dim, input.data.ndim)
    _check_index("gather", index, input)
    if index.data.size == 0:  # of any rank, as in PyTorch
        return reshape(reshape(input, (-1,))[:0], index.data.shape)
    whole = _with_dimensions(input)
    return reshape(Gather.apply(whole, dim, _places("gather", whole, dim, index)), index.data.shape)


@tensor_method("scatter")
@on_its_device
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """A copy of ``input`` in which ``out[index[i][j][k]][j][k] = src[i][j][k]`` for ``dim=0``, and likewise for others.

    ``src`` is a tensor that is nowhere smaller than ``index``, or (also as ``value``) a number. Where an index occurs
    more than once, the last one in C order is written, and its element of ``src`` gets the gradient. ``reduce``, which
    PyTorch has deprecated, is left out: :func:`scatter_add` adds.

    >>> import minitorch
    >>> minitorch.zeros(2, 3).scatter(1, minitorch.tensor([[2], [0]]), 1.0)  # rows of which one element is 1
    tensor([[0., 0., 1.],
            [1., 0., 0.]])

    Raises:
        RuntimeError: ranks or dtypes differ; ``index`` is longer than ``src``, or than ``input`` in another dimension,
            is not of int64 or int32, or has elements that are negative or too large.
        TypeError: neither ``src`` nor ``value`` is given, or both.
        NotImplementedError: ``reduce`` is given.
    """
    if reduce is not None:
        raise NotImplementedError(f"scatter: reduce={reduce!r} is left out; use scatter_add to add")
    if (src is None) == (value is None):
        raise TypeError("scatter(): expected either a tensor 'src' or a number 'value'")
    if isinstance(src, Tensor):
        return _scatter("scatter", Scatter, input, dim, index, src)
    number = value if src is None else src
    if isinstance(number, Tensor) and number.data.ndim == 0:
        number = number.item()
    if not isinstance(number, (bool, int, float)):
        raise TypeError(f"scatter(): argument 'value' must be Number, not {type(number).__name__}")
    dim = normalize_dim(dim, input.data.ndim)
    _check_index("scatter", index, input)
    if index.data.size == 0:
        return input.clone()
    whole = _with_dimensions(input)
    places = _places("scatter", whole, dim, index)
    fitted = fitting_number(number, input.dtype)
    return reshape(ScatterNumber.apply(whole, dim, places, fitted), input.data.shape)


@tensor_method("scatter_add")
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of ``input`` with ``out[index[i][j][k]][j][k] += src[i][j][k]`` for ``dim=0``, and likewise for others.

    An index may occur more than once: it is the adjoint of :func:`gather`.

    >>> import minitorch
    >>> minitorch.zeros(3).scatter_add(0, minitorch.tensor([0, 2, 2]), minitorch.ones(3))
    tensor([1., 0., 2.])

    Raises:
        RuntimeError: as :func:`scatter`.
    """
    if not isinstance(src, Tensor):
        raise TypeError(f"scatter_add(): argument 'src' must be Tensor, not {type(src).__name__}")
    return _scatter("scatter_add", ScatterAdd, input, dim, index, src)


@on_its_device
def _scatter(name: str, operation: type[Function], input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    dim = normalize_dim(dim, input.data.ndim)
    _check_index(name, index, input)
    same_device(name, input, src)
    if input.data.dtype != src.data.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype, got {input.dtype} and {src.dtype}")
    if index.data.size == 0:
        return input.clone()
    whole, source = _with_dimensions(input), _with_dimensions(src)
    places = _places(name, whole, dim, index, source)
    used = source[tuple([slice(n) for n in places.data.shape])]
    return reshape(operation.apply(whole, dim, places, used), input.data.shape)


@tensor_method("take_along_dim")
@on_its_device
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Element ``indices[…]`` of dimension ``dim`` at every other position, where both broadcast.

    Without ``dim``, the elements with these indices in C order. What ``argmax(dim, keepdim=True)`` and ``argsort``
    found is taken with this.

    >>> import minitorch
    >>> x = minitorch.tensor([[10, 30, 20], [60, 40, 50]])
    >>> minitorch.take_along_dim(x, x.argmax(1, keepdim=True), 1)
    tensor([[30],
            [60]])

    Raises:
        RuntimeError: ``indices`` is not of int64, the ranks differ, the other dimensions don't broadcast, or an index
            is out of range.
    """
    same_device("take_along_dim", input, indices)
    if indices.data.dtype != "int64":
        raise RuntimeError(f"take_along_dim: dtype of indices should be int64 but got {indices.dtype}")
    if dim is None:
        return gather(reshape(input, (-1,)), 0, reshape(indices, (-1,)))
    if input.data.ndim != indices.data.ndim:
        raise RuntimeError(
            f"take_along_dim: input and indices should have the same number of dimensions, but got {input.data.ndim} "
            f"and {indices.data.ndim}"
        )
    if input.data.ndim == 0:
        raise IndexError(f"take_along_dim: Dimension specified as {dim} but tensor has no dimensions")
    dim = normalize_dim(dim, input.data.ndim)
    size, count = input.data.shape[dim], indices.data.shape[dim]
    check_range("take_along_dim", indices, dim, size, lowest=-size)
    indices = where(indices < 0, indices + size, indices)
    others = broadcast_shape(
        "take_along_dim", *[(*t.data.shape[:dim], 1, *t.data.shape[dim + 1 :]) for t in (input, indices)]
    )
    before, after = others[:dim], others[dim + 1 :]
    return Gather.apply(expand(input, (*before, size, *after)), dim, expand(indices, (*before, count, *after)))
