"""Operations that only change how elements are arranged. Most return views: they share the memory of their input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..dtypes import result_dtype
from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap
from .dispatch import cast, promotion_of, same_device


def view_of(base: Tensor, array: Any) -> Tensor:
    """A tensor of ``array``, which may share memory with ``base``: then both count the same in-place changes."""
    out = wrap(array, base.backend)
    if array.base is not None and (array.base is base.data or array.base is base.data.base):
        out._version_cell = base._shared_version()
    return out


def sizes(args: tuple[Any, ...]) -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` mean the same."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    return tuple([int(n) for n in args])


class Reshape(Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, shape: tuple[int, ...]) -> Tensor:
        ctx.shape = input.data.shape
        return view_of(input, input.data.reshape(shape))

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return reshape(grad_output, ctx.shape), None


def _infer(name: str, input: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` with its -1 worked out."""
    numel = input.data.size
    unknown = [i for i, n in enumerate(shape) if n == -1]
    known = math.prod(n for n in shape if n != -1)
    if len(unknown) > 1:
        raise RuntimeError(f"{name}: only one dimension can be inferred, got {list(shape)}")
    if any(n < -1 for n in shape):
        raise RuntimeError(f"{name}: invalid shape dimension in {list(shape)}")
    if unknown:
        if known == 0:
            raise RuntimeError(
                f"{name}: cannot reshape tensor of {numel} elements into shape {list(shape)} because the unspecified "
                f"dimension size -1 can be any value and is ambiguous"
            )
        if numel % known:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
        return tuple([numel // known if n == -1 else n for n in shape])
    if known != numel:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
    return shape


@tensor_method("reshape")
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in C order in another shape; one size may be -1. A view where the memory allows it.

    >>> import minitorch
    >>> minitorch.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])

    Raises:
        RuntimeError: the sizes don't make the number of elements.
    """
    return Reshape.apply(input, _infer("reshape", input, sizes(shape)))


@tensor_method("view")
def view(input: Tensor, *shape: Any) -> Tensor:
    """:func:`reshape` that never copies.

    Raises:
        RuntimeError: the sizes don't fit, or the memory isn't laid out for it.
    """
    out = Reshape.apply(input, _infer("view", input, sizes(shape)))
    if out.data.size and not input.backend.xp.may_share_memory(out.data, input.data):
        raise RuntimeError(
            f"view size is not compatible with input tensor's size and stride (input {tuple(input.data.shape)}, "
            f"strides {input.stride()}). Use .reshape(...) instead."
        )
    return out


@tensor_method("view_as")
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.view(other.shape)``."""
    return view(input, other.data.shape)


@tensor_method("reshape_as")
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """``input.reshape(other.shape)``."""
    return reshape(input, other.data.shape)


@tensor_method("flatten")
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions ``start_dim`` … ``end_dim`` made one."""
    shape = input.data.shape
    start, end = normalize_dim(start_dim, len(shape), "start_dim"), normalize_dim(end_dim, len(shape), "end_dim")
    if start > end:
        raise RuntimeError(f"flatten() has invalid args: start_dim cannot come after end_dim, got {start} and {end}")
    return reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@tensor_method("unflatten")
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dimension ``dim`` split into ``sizes``, one of which may be -1."""
    shape = input.data.shape
    dim = normalize_dim(dim, len(shape))
    rest = math.prod(shape[:dim]) * math.prod(shape[dim + 1 :])
    inner = tuple(sizes)
    if -1 in inner and rest:
        known = math.prod(n for n in inner if n != -1)
        inner = tuple([shape[dim] // known if n == -1 and known else n for n in inner])
    if math.prod(inner) != shape[dim]:
        raise RuntimeError(
            f"unflatten: provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({shape[dim]})"
        )
    return reshape(input, (*shape[:dim], *inner, *shape[dim + 1 :]))


@tensor_method("squeeze")
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1: all, or those in ``dim``."""
    shape = input.data.shape
    if dim is None:
        dims = set(range(len(shape)))
    else:
        dims = {normalize_dim(d, len(shape)) for d in ([dim] if isinstance(dim, int) else dim)}
    return reshape(input, [n for i, n in enumerate(shape) if not (n == 1 and i in dims)])


@tensor_method("unsqueeze")
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new dimension of size 1 at ``dim``."""
    shape = input.data.shape
    dim = normalize_dim(dim, len(shape) + 1)
    return reshape(input, (*shape[:dim], 1, *shape[dim:]))


class Permute(Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, dims: tuple[int, ...]) -> Tensor:
        ctx.dims = dims
        return view_of(input, input.data.transpose(dims))

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        inverse = sorted(range(len(ctx.dims)), key=ctx.dims.__getitem__)
        return permute(grad_output, inverse), None


@tensor_method("permute")
def permute(input: Tensor, *dims: Any) -> Tensor:
    """A view with the dimensions in the order ``dims``."""
    ndim = input.data.ndim
    order = tuple([normalize_dim(d, ndim) for d in sizes(dims)])
    if sorted(order) != list(range(ndim)):
        raise RuntimeError(f"permute: dims {list(sizes(dims))} are not a permutation of the {ndim} dimensions")
    return Permute.apply(input, order)


@tensor_method("transpose", "swapaxes", "swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two dimensions swapped."""
    ndim = input.data.ndim
    order = list(range(ndim))
    a, b = normalize_dim(dim0, ndim), normalize_dim(dim1, ndim)
    if ndim:
        order[a], order[b] = b, a
    return Permute.apply(input, tuple(order))


@tensor_method("t")
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a vector or scalar as it is."""
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


class Expand(Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, shape: tuple[int, ...]) -> Tensor:
        return view_of(input, input.backend.xp.broadcast_to(input.data, shape))

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output, None  # the engine sums what was broadcast


@tensor_method("expand")
def expand(input: Tensor, *size: Any) -> Tensor:
    """A view in which dimensions of size 1 are repeated without copying; -1 keeps a size.

    Raises:
        RuntimeError: a size other than 1 would change.
    """
    shape, wanted = input.data.shape, sizes(size)
    extra = len(wanted) - len(shape)
    new = tuple([shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted)])
    if extra < 0 or any(n < 0 or (i >= extra and shape[i - extra] not in (1, n)) for i, n in enumerate(new)):
        raise RuntimeError(f"expand: the sizes {list(wanted)} don't fit the tensor's {list(shape)}")
    return Expand.apply(input, new)


@tensor_method("broadcast_to")
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """:func:`expand` to ``size``."""
    return expand(input, tuple(size))


@tensor_method("expand_as")
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """:func:`expand` to the shape of ``other``."""
    return expand(input, other.data.shape)


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


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along ``dim``; the other sizes must agree.

    Raises:
        ValueError: there are none.
        RuntimeError: sizes differ elsewhere.
    """
    if not tensors:
        raise ValueError("cat(): expected a non-empty list of Tensors")
    first = tensors[0]
    dim = normalize_dim(dim, first.data.ndim)
    same_device("cat", *tensors)
    for i, tensor in enumerate(tensors):
        a, b = first.data.shape, tensor.data.shape
        if len(a) == 0:
            raise RuntimeError(f"cat: zero-dimensional tensor (at position {i}) cannot be concatenated")
        if len(a) != len(b) or a[:dim] != b[:dim] or a[dim + 1 :] != b[dim + 1 :]:
            raise RuntimeError(
                f"cat: sizes of tensors must match except in dimension {dim}. Expected {list(a)} but got {list(b)} for "
                f"tensor number {i} in the list."
            )
    d = result_dtype(*[promotion_of(t) for t in tensors])
    return Cat.apply(dim, *[cast(t, d) for t in tensors])


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, along a new dimension ``dim``."""
    if not tensors:
        raise RuntimeError("stack expects a non-empty sequence of tensors")
    shape = tensors[0].data.shape
    for i, tensor in enumerate(tensors):
        if tensor.data.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(tensor.data.shape)} at entry {i}"
            )
    dim = normalize_dim(dim, len(shape) + 1)
    return cat([unsqueeze(t, dim) for t in tensors], dim)


@tensor_method("narrow")
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A view of ``length`` elements of dimension ``dim`` from ``start``."""
    dim = normalize_dim(dim, input.data.ndim)
    size = input.data.shape[dim]
    start = start + size if start < 0 else start
    if start < 0 or length < 0 or start + length > size:
        raise RuntimeError(f"narrow: start ({start}) + length ({length}) exceeds dimension size ({size})")
    return input[(slice(None),) * dim + (slice(start, start + length),)]


@tensor_method("split")
def split(input: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of pieces along ``dim``: of one size (the last may be smaller), or of the given sizes."""
    dim = normalize_dim(dim, input.data.ndim)
    size = input.data.shape[dim]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step <= 0:
            raise RuntimeError(f"split expects split_size to be positive, but got {step}")
        lengths = [min(step, size - start) for start in range(0, size, step)] or [0]
    else:
        lengths = list(split_size_or_sections)
        if sum(lengths) != size:
            raise RuntimeError(
                f"split expects split_sizes to sum exactly to {size} (dimension {dim}), but got {lengths}"
            )
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return tuple([narrow(input, dim, start, n) for start, n in zip(starts, lengths, strict=True)])


@tensor_method("chunk")
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` views of equal size along ``dim``; the last may be smaller."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.data.shape[normalize_dim(dim, input.data.ndim)]
    return split(input, max(1, -(-size // chunks)), dim)


@tensor_method("unbind")
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices of dimension ``dim``, as views without it."""
    dim = normalize_dim(dim, input.data.ndim)
    return tuple([input[(slice(None),) * dim + (i,)] for i in range(input.data.shape[dim])])
