"""What automatic differentiation needs to know of a tensor."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .function import Function

Hook = Callable[[Any], Any]

# An id is never given twice: a handle whose hook is gone must not remove another's.
_hook_ids = itertools.count()


class RemovableHandle:
    """Takes a hook away again: ``handle.remove()``, or leaving ``with handle:``."""

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.hooks = hooks
        self.id = next(_hook_ids)
        hooks[self.id] = hook

    def remove(self) -> None:
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.remove()


class LeafHooks:
    """The hooks of a leaf: those that see its gradient before it is added into ``grad``, and those that come after."""

    __slots__ = ("after", "before")

    def __init__(self) -> None:
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}


class Variable:
    """The autograd state of a tensor: the base class of ``minitorch.Tensor``.

    A tensor is the output ``output_nr`` of the graph node ``grad_fn``, or a leaf where ``grad_fn`` is None. The engine
    adds the gradients of leaves that require one into ``grad``.

    >>> import minitorch
    >>> x = minitorch.ones(2, requires_grad=True)
    >>> y = x * 3
    >>> x.grad_fn, y.grad_fn.name(), y.output_nr, y.requires_grad
    (None, 'MulBackward', 0, True)
    """

    # The underscored slots are read on every recorded operation; the properties below guard what users assign.
    __slots__ = ("__weakref__", "_grad", "_hooks", "_requires_grad", "_version_cell", "data", "grad_fn", "output_nr")

    data: Any
    _requires_grad: bool
    _grad: Any
    grad_fn: Function | None
    output_nr: int
    # Views share their base's cell, a list of one int. It is made when the first view or in-place change needs it.
    _version_cell: list[int] | None
    _hooks: LeafHooks | None  # of other tensors, the node that made them has the hooks
    # What a graph node has for each of its arguments: a leaf is where the graph ends.
    edges: ClassVar[tuple[()]] = ()

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor. Only leaves get a ``grad``."""
        return self.grad_fn is None

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow into this tensor."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.grad_fn is not None and not value:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if value and self.data.dtype.kind != "f":
            raise RuntimeError(f"only Tensors of floating point dtype can require gradients, got {self.data.dtype}")
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Sets ``requires_grad`` and returns the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Any:
        """The gradient that ``backward`` has summed here, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Variable):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value)}")
            if value.data.shape != self.data.shape:
                raise RuntimeError(
                    f"assigned grad has data of a different size: the tensor is {self.data.shape}, "
                    f"the grad {value.data.shape}"
                )
            if value.data.dtype != self.data.dtype:
                raise RuntimeError(
                    f"assigned grad has data of a different type: the tensor is {self.data.dtype}, "
                    f"the grad {value.data.dtype}"
                )
        self._grad = value

    @property
    def _version(self) -> int:
        """How often this tensor's memory was changed in place, through itself or through a view."""
        cell = self._version_cell
        return cell[0] if cell is not None else 0

    def _shared_version(self) -> list[int]:
        """The version cell, to be given to a view."""
        cell = self._version_cell
        if cell is None:
            cell = self._version_cell = [0]
        return cell

    def _bump_version(self) -> None:
        self._shared_version()[0] += 1

    def register_hook(self, hook: Hook) -> RemovableHandle:
        """Calls ``hook(grad)`` with this tensor's gradient in every backward; a returned tensor replaces it.

        >>> import minitorch
        >>> x = minitorch.ones(2, requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        if not self._requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            return RemovableHandle(self.grad_fn.hooks_of(self.output_nr), hook)
        return RemovableHandle(self._leaf_hooks().before, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], None]) -> RemovableHandle:
        """Calls ``hook(tensor)`` in every ``backward``, when this leaf's ``grad`` is complete.

        The hook may read and change ``tensor.grad``; it returns nothing. An optimiser that steps here, parameter by
        parameter, needs no memory for the gradients of a whole model. ``autograd.grad``, which changes no ``grad``,
        calls no such hook.

        >>> import minitorch
        >>> x = minitorch.ones(2, requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(lambda x: print(x.grad))
        >>> (x * 3).sum().backward()
        tensor([3., 3.])

        Raises:
            RuntimeError: the tensor requires no gradient, or is no leaf.
        """
        if not self._requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors; register_hook(hook) shows the "
                "gradient of any tensor"
            )
        return RemovableHandle(self._leaf_hooks().after, hook)

    def _leaf_hooks(self) -> LeafHooks:
        if self._hooks is None:
            self._hooks = LeafHooks()
        return self._hooks

    def retain_grad(self) -> None:
        """Makes ``backward`` keep the gradient of this non-leaf tensor in ``grad``.

        >>> import minitorch
        >>> x = minitorch.ones(2, requires_grad=True)
        >>> y = x * 3
        >>> y.retain_grad()
        >>> y.sum().backward()
        >>> y.grad
        tensor([1., 1.])

        Raises:
            RuntimeError: the tensor requires no gradient.
        """
        if not self._requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.grad_fn is not None:
            self.grad_fn.retain_grad_of(self)

    @property
    def retains_grad(self) -> bool:
        """Whether :meth:`retain_grad` was called on this non-leaf tensor."""
        return self.grad_fn is not None and self.grad_fn.retains_grad_of(self)
