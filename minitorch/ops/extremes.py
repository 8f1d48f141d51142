"""The largest and the smallest elements, and where they stand.

The gradient of a maximum goes to the element that it is. Where several are equal, PyTorch's rule: reductions to a value
alone (``amax``, ``amin``, ``max()``, ``min()``) share it evenly among them; those that return an index too give it to
the element at that index, the first of the equal ones. NaN counts as both the largest and the smallest number.
"""

from __future__ import annotations

from typing import Any

from ..devices import on_its_device
from ..tensor import Function, Tensor, tensor_method, wrap
from . import return_types
from .convert import clone
from .dispatch import check_kind
from .gather import Gather
from .reduce import Dim, dim_of, dims_of, is_empty, kept_shape
from .selection import maximum, minimum, where
from .shape import reshape, squeeze


class Pick(Function):
    """A value found among the elements of each slice, given to ``forward``: equal elements share its gradient."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, value: Any, dims: tuple[int, ...], keepdim: bool) -> Tensor:
        """``value`` is an array with the reduced dimensions kept."""
        if ctx.needs_input_grad[0]:
            ctx.dims, ctx.kept_shape = dims, value.shape
            chosen = (input.data == value) | ((input.data != input.data) & (value != value))
            ctx.save_for_backward(wrap(chosen, input.backend))
        shape = value.shape if keepdim else tuple([n for i, n in enumerate(value.shape) if i not in dims])
        return wrap(value.reshape(shape), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (chosen,) = ctx.saved_tensors
        share = reshape(grad_output, ctx.kept_shape) / chosen.sum(ctx.dims, True).to(grad_output.dtype)
        return where(chosen, share, 0), None, None, None


def check_not_empty(name: str, input: Tensor, dims: tuple[int, ...]) -> None:
    """Raises IndexError where a dimension to be reduced has no elements, of which none is the largest."""
    for d in dims:
        if input.data.shape[d] == 0:
            raise IndexError(
                f"{name}(): Expected reduction dim {d} to have non-zero size; the shape is {tuple(input.data.shape)}"
            )


def elements_at(input: Tensor, indices: Tensor, dim: int) -> Tensor:
    """The elements that ``indices`` names along ``dim``; a tensor without dimensions has one."""
    return Gather.apply(input, dim, indices) if input.data.ndim else clone(input)


# ---- to a value ------------------------------------------------------------------------------------------------------


@on_its_device
def _extreme(name: str, input: Tensor, dim: Dim, keepdim: bool) -> Tensor:
    dims = dims_of(dim, input.data.ndim)
    if input.data.size == 0 and (dim is None or is_empty(dim)):
        raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
    check_not_empty(name, input, dims)
    value = getattr(input.data, name[-3:])(axis=dims, keepdims=True)
    return Pick.apply(input, value.reshape(kept_shape(input.data.shape, dims)), dims, keepdim)


@tensor_method("amax")
def amax(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The largest element over ``dim``. Equal largest elements share the gradient evenly.

    >>> import minitorch
    >>> x = minitorch.tensor([3., 1., 3.], requires_grad=True)
    >>> x.amax().backward()
    >>> x.grad
    tensor([0.5000, 0.0000, 0.5000])

    Raises:
        IndexError: a dimension in ``dim`` is empty.
        RuntimeError: no ``dim`` is given and there are no elements.
    """
    return _extreme("amax", input, dim, keepdim)


@tensor_method("amin")
def amin(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """The smallest element over ``dim``, NaN where there is one. Equal smallest elements share the gradient evenly.

    >>> import minitorch
    >>> minitorch.tensor([[3., 1.], [2., 4.]]).amin(dim=0)
    tensor([2., 1.])

    Raises:
        IndexError: a dimension in ``dim`` is empty.
        RuntimeError: no ``dim`` is given and there are no elements.
    """
    return _extreme("amin", input, dim, keepdim)


# ---- to an index -----------------------------------------------------------------------------------------------------


@on_its_device
def _first(name: str, caller: str, input: Tensor, dim: int, keepdim: bool) -> Tensor:
    """``argmax`` or ``argmin`` (``name``) along a dimension."""
    xp = input.backend.xp
    if not input.data.ndim:
        return wrap(xp.zeros((), "int64"), input.backend)
    check_not_empty(caller, input, (dim,))
    return wrap(getattr(xp, name)(input.data, axis=dim, keepdims=keepdim), input.backend)


def _arg(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    check_kind(name, input, "if")
    if dim is not None:
        return _first(name, name, input, dim_of(dim, input.data.ndim), keepdim)
    if input.data.size == 0:
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
    found = _first(name, name, reshape(input.detach(), -1), 0, False)
    return reshape(found, (1,) * input.data.ndim) if keepdim else found


@tensor_method("argmax")
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the largest element (the first of equal ones): of all elements in C order, or along ``dim``.

    >>> import minitorch
    >>> minitorch.tensor([[1., 5.], [7., 2.]]).argmax(dim=1)
    tensor([1, 0])

    Raises:
        IndexError: there are no elements to choose from.
        NotImplementedError: the elements are bools.
    """
    return _arg("argmax", input, dim, keepdim)


@tensor_method("argmin")
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the smallest element (the first of equal ones): of all elements in C order, or along ``dim``.

    >>> import minitorch
    >>> x = minitorch.tensor([[1., 5.], [7., 0.]])
    >>> x.argmin(), x.argmin(dim=1)
    (tensor(3), tensor([0, 1]))

    Raises:
        IndexError: there are no elements to choose from.
        NotImplementedError: the elements are bools.
    """
    return _arg("argmin", input, dim, keepdim)


# ---- to both ---------------------------------------------------------------------------------------------------------


def _max_or_min(name: str, input: Tensor, dim: Any, keepdim: bool, other: Tensor | None) -> Any:
    if isinstance(dim, Tensor):
        dim, other = None, dim
    if other is not None:
        return (maximum if name == "max" else minimum)(input, other)
    if dim is None:
        if keepdim:
            raise TypeError(f"{name}(): keepdim=True needs a dim; use a{name}(keepdim=True) to reduce all of them")
        return _extreme(name, input, None, False)
    dim = dim_of(dim, input.data.ndim)
    indices = _first("arg" + name, name, input, dim, True)
    values = elements_at(input, indices, dim)
    if not keepdim:
        values, indices = squeeze(values, dim), squeeze(indices, dim)
    return getattr(return_types, name)(values, indices)


@tensor_method("max")
def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """Three functions of one name, as in PyTorch:

    ``max(input)`` is the largest element; equal ones share the gradient evenly.
    ``max(input, dim, keepdim)`` is the named pair (values, indices) of the largest elements along ``dim``; the gradient
    goes to the element that the index names, the first of equal ones.
    ``max(input, other)`` is :func:`maximum`.

    >>> import minitorch
    >>> values, indices = minitorch.tensor([[1., 5.], [7., 2.]]).max(dim=1)
    >>> values, indices
    (tensor([5., 7.]), tensor([1, 0]))

    Raises:
        IndexError: ``dim`` is out of range or empty.
        RuntimeError: no ``dim`` is given and there are no elements.
    """
    return _max_or_min("max", input, dim, keepdim, other)


@tensor_method("min")
def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """The smallest element; with ``dim`` the named pair (values, indices); with a tensor :func:`minimum`.

    See :func:`max`, of which everything else holds too.

    >>> import minitorch
    >>> x = minitorch.tensor([[1., 5.], [7., 2.]])
    >>> x.min(), x.min(dim=1).indices
    (tensor(1.), tensor([0, 1]))
    """
    return _max_or_min("min", input, dim, keepdim, other)
