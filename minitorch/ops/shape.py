"""Other shapes for the same elements. Most of these operations return views: they share the memory of their input."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from ..devices import on_its_device
from ..tensor import Function, Tensor, normalize_dim, tensor_method, wrap


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
    return tuple([operator.index(n) for n in args])


def spread_ints(function: Callable[[Tensor, Any], Tensor]) -> Callable[..., Tensor]:
    """Lets the ints of the last argument also be given one by one: ``x.view(2, 3)`` for ``x.view((2, 3))``."""

    @functools.wraps(function)
    def call(input: Tensor, *ints: Any, **named: Any) -> Tensor:
        if named:
            return function(input, *ints, **{name: sizes((value,)) for name, value in named.items()})
        return function(input, sizes(ints))

    return call


class Reshape(Function):
    """The gradient gets the old shape back."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, shape: tuple[int, ...]) -> Tensor:
        ctx.shape = input.data.shape
        return view_of(input, input.data.reshape(shape))

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return reshape(grad_output, ctx.shape), None


def _infer(name: str, input: Tensor, shape: Sequence[int]) -> tuple[int, ...]:
    """``shape`` with its -1 worked out."""
    numel = input.data.size
    if math.prod(shape) == numel and min(shape, default=0) >= 0:
        return tuple(shape)  # the usual case, which shall be quick
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
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")


@tensor_method("reshape")
@spread_ints
def reshape(input: Tensor, shape: Sequence[int]) -> Tensor:
    """The same elements in C order in another shape; one size may be -1. A view where the memory allows it.

    >>> import minitorch
    >>> minitorch.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])

    Raises:
        RuntimeError: the sizes don't make the number of elements.
    """
    return Reshape.apply(input, _infer("reshape", input, shape))


@tensor_method("view")
@spread_ints
@on_its_device
def view(input: Tensor, size: Sequence[int]) -> Tensor:
    """:func:`reshape` that never copies: the result is a view, and changes of one are changes of the other.

    >>> import minitorch
    >>> x = minitorch.zeros(2, 3)
    >>> x.view(-1)[4] = 1
    >>> x
    tensor([[0., 0., 0.],
            [0., 1., 0.]])

    Raises:
        RuntimeError: the sizes don't fit, or the memory isn't laid out for it.
    """
    out = Reshape.apply(input, _infer("view", input, size))
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
    """Dimensions ``start_dim`` … ``end_dim`` made one. A view where the memory allows it.

    >>> import minitorch
    >>> minitorch.zeros(8, 16, 5, 5).flatten(1).shape
    minitorch.Size([8, 400])

    Raises:
        RuntimeError: ``start_dim`` comes after ``end_dim``.
    """
    shape = input.data.shape
    start, end = normalize_dim(start_dim, len(shape), "start_dim"), normalize_dim(end_dim, len(shape), "end_dim")
    if start > end:
        raise RuntimeError(f"flatten() has invalid args: start_dim cannot come after end_dim, got {start} and {end}")
    return Reshape.apply(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@tensor_method("unflatten")
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """A view with dimension ``dim`` split into ``sizes``, one of which may be -1.

    >>> import minitorch
    >>> minitorch.zeros(8, 400).unflatten(1, (16, 5, -1)).shape
    minitorch.Size([8, 16, 5, 5])

    Raises:
        RuntimeError: the sizes don't multiply up to that of the dimension.
    """
    shape = input.data.shape
    if not shape:
        raise RuntimeError(f"unflatten: Dimension specified as {dim} but tensor has no dimensions")
    dim = normalize_dim(dim, len(shape))
    inner = tuple(sizes)
    if not inner:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if inner.count(-1) == 1:
        known = math.prod(n for n in inner if n != -1)
        inner = tuple([shape[dim] // known if n == -1 and known else n for n in inner])
    if min(inner) < 0 or math.prod(inner) != shape[dim]:
        raise RuntimeError(
            f"unflatten: provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({shape[dim]})"
        )
    return Reshape.apply(input, (*shape[:dim], *inner, *shape[dim + 1 :]))


@tensor_method("squeeze")
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """A view without the dimensions of size 1: all of them, or those of ``dim`` that have this size.

    >>> import minitorch
    >>> x = minitorch.zeros(1, 3, 1)
    >>> x.squeeze().shape, x.squeeze(0).shape, x.squeeze(1).shape
    (minitorch.Size([3]), minitorch.Size([3, 1]), minitorch.Size([1, 3, 1]))

    Raises:
        RuntimeError: a dimension is named twice.
    """
    shape = input.data.shape
    if dim is None:
        dims = set(range(len(shape)))
    else:
        given = [dim] if isinstance(dim, int) else list(dim)
        dims = {normalize_dim(d, len(shape)) for d in given}
        if len(dims) != len(given):
            raise RuntimeError(f"squeeze: a dim appears multiple times in the list of dims {given}")
    return Reshape.apply(input, tuple([n for i, n in enumerate(shape) if not (n == 1 and i in dims)]))


@tensor_method("unsqueeze")
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a new dimension of size 1 at ``dim``; counted from the back, -1 makes it the last.

    >>> import minitorch
    >>> x = minitorch.tensor([1, 2, 3])
    >>> x.unsqueeze(0).shape, x.unsqueeze(-1).shape
    (minitorch.Size([1, 3]), minitorch.Size([3, 1]))

    Raises:
        IndexError: ``dim`` is out of range.
    """
    shape = input.data.shape
    dim = normalize_dim(dim, len(shape) + 1)
    return Reshape.apply(input, (*shape[:dim], 1, *shape[dim:]))


class Expand(Function):
    """The gradient of an element is the sum of those of its repetitions."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, shape: tuple[int, ...]) -> Tensor:
        if math.prod(shape) == input.data.size:  # nothing is repeated: the view can be written to
            return view_of(input, input.data.reshape(shape))
        return view_of(input, input.backend.xp.broadcast_to(input.data, shape))

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output, None  # the engine sums what was broadcast


@tensor_method("expand")
@spread_ints
def expand(input: Tensor, size: Sequence[int]) -> Tensor:
    """A view in which dimensions of size 1 are repeated without copying; -1 keeps a size. It can't be
    written to where an element stands for several.

    >>> import minitorch
    >>> minitorch.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])

    Raises:
        RuntimeError: a size other than 1 would change.
    """
    shape, wanted = input.data.shape, size
    extra = len(wanted) - len(shape)
    new = tuple([shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted)])
    if extra < 0 or any(n < 0 or (i >= extra and shape[i - extra] not in (1, n)) for i, n in enumerate(new)):
        raise RuntimeError(f"expand: the sizes {list(wanted)} don't fit the tensor's {list(shape)}")
    return Expand.apply(input, new)


@tensor_method("broadcast_to")
def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """:func:`expand` to ``size``: a view.

    >>> import minitorch
    >>> minitorch.tensor([1, 2, 3]).broadcast_to((2, 3))
    tensor([[1, 2, 3],
            [1, 2, 3]])

    Raises:
        RuntimeError: the shape doesn't broadcast to ``size``.
    """
    return expand(input, tuple(size))


@tensor_method("expand_as")
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """:func:`expand` to the shape of ``other``."""
    return expand(input, other.data.shape)
