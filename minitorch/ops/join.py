"""Cutting tensors into pieces, which are views, and joining pieces to a new tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..dtypes import result_dtype
from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .dispatch import cast, promotion_of, same_device
from .geometry import int_of
from .index import Slice

# ---- pieces ----------------------------------------------------------------------------------------------------------


def _at(dim: int, index: Any) -> tuple[Any, ...]:
    """The index that takes ``index`` of one dimension and all of the others."""
    return (*(slice(None),) * dim, index, Ellipsis)


@tensor_method("narrow")
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """A view of ``length`` elements of dimension ``dim`` from ``start``, which counts from the back if it is negative.

    >>> import minitorch
    >>> minitorch.arange(10).narrow(0, 2, 3), minitorch.arange(10).narrow(0, -2, 2)
    (tensor([2, 3, 4]), tensor([8, 9]))

    Raises:
        IndexError: ``start`` is not in the dimension.
        RuntimeError: the dimension ends before, or the tensor has none.
    """
    if input.data.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor")
    if length < 0:
        raise RuntimeError(f"narrow(): length must be non-negative, got {length}")
    dim = normalize_dim(dim, input.data.ndim)
    if isinstance(start, Tensor) and (start.data.ndim or start.data.dtype.kind not in "iu"):
        raise RuntimeError(f"narrow: start must be an 0-dim integral Tensor, got {start.dtype} {start.shape}")
    start = int_of("narrow", "start", start)
    size = input.data.shape[dim]
    if not -size <= start <= size:
        raise IndexError(f"narrow: start out of range (expected to be in range of [{-size}, {size}], but got {start})")
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"narrow: start ({start}) + length ({length}) exceeds dimension size ({size})")
    return Slice.apply(input, _at(dim, slice(start, start + length)))


@tensor_method("select")
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of one slice of dimension ``dim``, without that dimension: ``input[:, index]`` for ``dim=1``.

    >>> import minitorch
    >>> x = minitorch.arange(6).reshape(2, 3)
    >>> x.select(1, -1)
    tensor([2, 5])

    Raises:
        IndexError: ``index`` is out of range, or the tensor has no such dimension.
    """
    if input.data.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, index = normalize_dim(dim, input.data.ndim), int_of("select", "index", index)
    size = input.data.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.data.shape)} at dimension {dim}"
        )
    return Slice.apply(input, _at(dim, index))


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of pieces along ``dim``: of one size (the last may be smaller), or of the given sizes.

    >>> import minitorch
    >>> minitorch.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))

    Raises:
        RuntimeError: a size is negative, or 0 where there are elements; or the sizes don't sum to that of ``dim``.
    """
    size = _size_along("split", tensor, dim)
    dim = normalize_dim(dim, tensor.data.ndim)
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step < 0 or (step == 0 and size):
            raise RuntimeError(
                f"split expects split_size to be positive, or 0 where the dimension is empty, but got {step} for a "
                f"dimension of size {size}"
            )
        lengths = [min(step, size - start) for start in range(0, size, max(step, 1))] or [0]
    else:
        lengths = [int_of("split", "a size", n) for n in split_size_or_sections]
        if any(n < 0 for n in lengths) or sum(lengths) != size:
            raise RuntimeError(
                f"split expects split_sizes to be non-negative and to sum exactly to {size} (dimension {dim}), but got "
                f"{lengths}"
            )
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return tuple([narrow(tensor, dim, start, n) for start, n in zip(starts, lengths, strict=True)])


@tensor_method("split")
def _split_method(self: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """:func:`minitorch.split` by the names of PyTorch's method."""
    return split(self, split_size, dim)


@tensor_method("chunk")
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` views of ``⌈size / chunks⌉`` elements along ``dim``; the last may be smaller.

    Rounding up can leave nothing for the last ones: 5 elements in 4 chunks make three.

    >>> import minitorch
    >>> minitorch.arange(5).chunk(4)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))

    Raises:
        RuntimeError: ``chunks`` is not positive, or the tensor has no dimension.
    """
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = _size_along("chunk", input, dim)
    if size == 0:
        return split(input, [0] * chunks, dim)
    return split(input, -(-size // chunks), dim)


def _size_along(name: str, input: Tensor, dim: int) -> int:
    if input.data.ndim == 0:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")
    size: int = input.data.shape[normalize_dim(dim, input.data.ndim)]
    return size


@tensor_method("unbind")
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices of dimension ``dim``, as views without it.

    >>> import minitorch
    >>> rows = minitorch.arange(6).reshape(2, 3).unbind()
    >>> rows
    (tensor([0, 1, 2]), tensor([3, 4, 5]))

    Raises:
        IndexError: the tensor has no such dimension.
    """
    if input.data.ndim == 0:
        raise IndexError(f"unbind: Dimension specified as {dim} but tensor has no dimensions")
    dim = normalize_dim(dim, input.data.ndim)
    return tuple([Slice.apply(input, _at(dim, i)) for i in range(input.data.shape[dim])])


# ---- joining ---------------------------------------------------------------------------------------------------------


class Cat(Function):
    """The gradient is cut at the seams."""

    @staticmethod
    def forward(ctx: Any, dim: int, *tensors: Tensor) -> Tensor:
        ctx.dim = dim
        ctx.lengths = [t.data.shape[dim] for t in tensors]
        first = tensors[0]
        return wrap(first.backend.xp.concatenate([t.data for t in tensors], axis=dim), first.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        gradients, start = [], 0
        for length, needed in zip(ctx.lengths, ctx.needs_input_grad[1:], strict=True):
            gradients.append(narrow(grad_output, ctx.dim, start, length) if needed else None)
            start += length
        return None, *gradients


class Stack(Function):
    """Each tensor gets its slice of the gradient."""

    @staticmethod
    def forward(ctx: Any, dim: int, *tensors: Tensor) -> Tensor:
        ctx.dim = dim
        first = tensors[0]
        return wrap(first.backend.xp.stack([t.data for t in tensors], axis=dim), first.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        needed = ctx.needs_input_grad[1:]
        return None, *[Slice.apply(grad_output, _at(ctx.dim, i)) if need else None for i, need in enumerate(needed)]


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along ``dim``; the other sizes must agree.

    A tensor of shape (0,) is left out, whatever the rank of the others.

    >>> import minitorch
    >>> minitorch.cat([minitorch.zeros(1, 2), minitorch.ones(2, 2)])
    tensor([[0., 0.],
            [1., 1.],
            [1., 1.]])

    Raises:
        ValueError: there are none.
        RuntimeError: sizes differ elsewhere, or one has no dimension.
    """
    _check_tensors("cat", tensors)
    if not tensors:
        raise ValueError("cat(): expected a non-empty list of Tensors")
    for i, tensor in enumerate(tensors):
        if tensor.data.ndim == 0:
            raise RuntimeError(f"cat: zero-dimensional tensor (at position {i}) cannot be concatenated")
    same_device("cat", *tensors)
    tensors = _of_one_dtype(tensors)
    joined = [(i, t) for i, t in enumerate(tensors) if t.data.shape != (0,)] or list(enumerate(tensors))
    first = joined[0][1].data.shape
    dim = normalize_dim(dim, len(first))
    for i, tensor in joined:
        shape = tensor.data.shape
        if len(first) != len(shape):
            raise RuntimeError(
                f"cat: Tensors must have same number of dimensions: got {len(first)} and {len(shape)} (tensor number "
                f"{i} in the list)"
            )
        if first[:dim] != shape[:dim] or first[dim + 1 :] != shape[dim + 1 :]:
            raise RuntimeError(
                f"cat: Sizes of tensors must match except in dimension {dim}. Expected {list(first)} but got "
                f"{list(shape)} for tensor number {i} in the list."
            )
    return Cat.apply(dim, *[t for _, t in joined])


def concat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """:func:`cat` by another name.

    >>> import minitorch
    >>> minitorch.concat([minitorch.tensor([1, 2]), minitorch.tensor([3])])
    tensor([1, 2, 3])
    """
    return cat(tensors, dim)


def concatenate(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """:func:`cat` by NumPy's name.

    >>> import minitorch
    >>> minitorch.concatenate([minitorch.zeros(2, 3), minitorch.ones(2, 1)], dim=1).shape
    minitorch.Size([2, 4])
    """
    return cat(tensors, dim)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, along a new dimension ``dim``.

    >>> import minitorch
    >>> minitorch.stack([minitorch.zeros(2), minitorch.ones(2)], dim=1)
    tensor([[0., 1.],
            [0., 1.]])

    Raises:
        RuntimeError: there are none, or their shapes differ.
    """
    _check_tensors("stack", tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty sequence of tensors")
    shape = tensors[0].data.shape
    for i, tensor in enumerate(tensors):
        if tensor.data.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(tensor.data.shape)} at entry {i}"
            )
    same_device("stack", *tensors)
    return Stack.apply(normalize_dim(dim, len(shape) + 1), *_of_one_dtype(tensors))


def _of_one_dtype(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    if len({t.data.dtype for t in tensors}) == 1:
        return tensors
    d = result_dtype(*[promotion_of(t) for t in tensors])
    return [cast(t, d) for t in tensors]


def _check_tensors(name: str, tensors: Any) -> None:
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{name}(): argument 'tensors' must be tuple of Tensors, not {type(tensors).__name__}")
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{name}(): expected Tensor as element {i} of argument 'tensors', got {type(tensor).__name__}"
            )
