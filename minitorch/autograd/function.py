"""Function: an operation with its gradient, and at the same time a node of the graph that the operation records."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from .. import devices
from .grad_mode import state
from .variable import Hook, Variable


class Function:
    """Base class of every differentiable operation, Minitorch's own and yours.

    Give it two static methods and call it through :meth:`apply`:

    >>> import minitorch
    >>> class Exp(minitorch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, input):  # tensors in, tensors out; nothing is recorded here
    ...         output = input.exp()
    ...         ctx.save_for_backward(output)
    ...         return output
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad_output):  # one gradient an argument of forward, None where there is none
    ...         (output,) = ctx.saved_tensors
    ...         return grad_output * output
    >>> x = minitorch.tensor([0., 1.], requires_grad=True)
    >>> Exp.apply(x).sum().backward()
    >>> x.grad
    tensor([1.0000, 2.7183])

    ``ctx`` is an instance of the class, the node of the graph. ``backward`` is written with differentiable operations,
    so that its results can be differentiated again. Where an input was broadcast, ``backward`` may return the
    gradient of the broadcast shape: the engine sums it to the input's.

    ``forward`` may also be split as in newer PyTorch: ``forward(*args)`` and ``setup_context(ctx, inputs, output)``.
    """

    # `edges` holds (target, output_nr) for every argument of forward, or None: target is the node that made the
    # argument, or the leaf itself. A node never holds its own output, so that reference counting alone frees memory.
    edges: Sequence[tuple[Any, int] | None]
    metadata: tuple[tuple[tuple[int, ...], Any, Any] | None, ...]  # (shape, dtype, backend) of each output
    needs_input_grad: tuple[bool, ...]

    # Defaults that most nodes never change: they cost nothing when a node is made.
    _saved: tuple[Any, ...] | None = ()
    _versions: Sequence[int] = ()
    _saved_outputs: dict[int, int] | None = None  # position in _saved -> output_nr
    _hooks: dict[int, dict[int, Hook]] | None = None
    _retained: dict[int, weakref.ref[Variable]] | None = None
    _non_differentiable: tuple[Any, ...] = ()
    materialize_grads = True
    _has_setup_context = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._has_setup_context = cls.setup_context is not Function.setup_context

    # ---- to be overridden -----------------------------------------------------------------------------------------

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Saves what ``backward`` needs, where ``forward`` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError("You must implement the backward function for custom autograd.Function.")

    # ---- what forward may call on its ctx -------------------------------------------------------------------------

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps inputs, outputs or other tensors (or None) for ``backward``, which finds them in ``saved_tensors``."""
        self._saved = tensors

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """Says that gradients don't flow through these outputs."""
        self._non_differentiable = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """Whether outputs that nothing used get a gradient of zeros in ``backward`` (the default) or None."""
        self.materialize_grads = value

    # ---- applying ---------------------------------------------------------------------------------------------------

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Runs ``forward`` and, where an argument requires a gradient and recording is on, records the operation."""
        if devices.several:
            context = devices.elsewhere(args)
            if context is not None:
                with context:
                    return cls.apply(*args)
        ctx = cls()
        if not state.enabled:  # the way of every operation in a backward: as few steps as can be
            ctx.needs_input_grad = (False,) * len(args)
            return ctx._run_forward(args) if cls._has_setup_context else cls.forward(ctx, *args)
        edges: list[tuple[Any, int] | None] = []
        needs: list[bool] = []
        for arg in args:
            if isinstance(arg, Variable) and arg._requires_grad:
                edges.append((arg.grad_fn or arg, arg.output_nr))
                needs.append(True)
            else:
                edges.append(None)
                needs.append(False)
        ctx.needs_input_grad = tuple(needs)
        if True not in needs:
            return ctx._run_forward(args) if cls._has_setup_context else cls.forward(ctx, *args)
        ctx.edges = edges
        state.enabled = False
        try:
            output = ctx._run_forward(args) if cls._has_setup_context else cls.forward(ctx, *args)
        finally:
            state.enabled = True
        if isinstance(output, tuple):
            output, ctx.metadata = ctx._attach_all(args, output)
        else:
            output, metadata = ctx._attach(args, output, 0)
            ctx.metadata = (metadata,)
        if ctx._saved:
            ctx._pack_saved(ctx._saved)
        return output

    def _run_forward(self, args: tuple[Any, ...]) -> Any:
        output = self.forward(*args)
        self.setup_context(self, args, output)
        return output

    def _attach_all(self, args: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, Any]:
        attached = [self._attach(args, output, i) for i, output in enumerate(outputs)]
        self._non_differentiable = ()
        return tuple([output for output, _ in attached]), tuple([metadata for _, metadata in attached])

    def _attach(self, args: tuple[Any, ...], output: Any, output_nr: int) -> tuple[Any, Any]:
        """Makes ``output`` this node's output number ``output_nr``; returns it and its metadata."""
        if not isinstance(output, Variable):
            return output, None
        data = output.data
        dtype = data.dtype
        differentiable = dtype.kind == "f"
        if self._non_differentiable:
            differentiable &= all(mark is not output for mark in self._non_differentiable)
        known = output._requires_grad
        for arg in args:
            if arg is output:
                known = True
        if known:  # forward returned a tensor that has a place in the graph: this node's output is another one
            output = output.detach()
        if differentiable:
            output._requires_grad = True
            output.grad_fn = self
            output.output_nr = output_nr
        return output, (data.shape, dtype, output.backend)

    def _pack_saved(self, saved: tuple[Any, ...]) -> None:
        """Notes the versions of the saved tensors, and replaces saved outputs, which would make a reference cycle."""
        versions = []
        for i, tensor in enumerate(saved):
            if tensor is None:
                versions.append(0)
                continue
            if not isinstance(tensor, Variable):
                raise TypeError(f"save_for_backward can only save Tensors or None, got {type(tensor).__name__}")
            cell = tensor._version_cell
            versions.append(0 if cell is None else cell[0])
            if tensor.grad_fn is self:
                self._saved_outputs = {**(self._saved_outputs or {}), i: tensor.output_nr}
        self._versions = versions
        if self._saved_outputs is not None:
            outputs = self._saved_outputs
            self._saved = tuple([tensor.detach() if i in outputs else tensor for i, tensor in enumerate(saved)])

    # ---- during backward --------------------------------------------------------------------------------------------

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to ``save_for_backward``.

        Raises:
            RuntimeError: the graph was freed by an earlier backward, or a tensor was changed in place since.
        """
        saved = self._saved
        if saved is None:
            raise RuntimeError(
                f"Trying to backward through the graph a second time (or directly access saved tensors after they have "
                f"already been freed), at {self.name()}. Saved intermediate values of the graph are freed when you "
                f"call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
                f"graph a second time or if you need to access saved tensors after calling backward."
            )
        for tensor, version in zip(saved, self._versions):  # noqa: B905  # strict=True costs a quarter of the loop
            if tensor is not None:
                cell = tensor._version_cell
                if cell is not None and cell[0] != version:
                    raise self._changed(tensor, version)
        if self._saved_outputs is None:
            return saved
        tensors = list(saved)
        for i, output_nr in self._saved_outputs.items():
            tensors[i] = output = tensors[i].detach()
            output._requires_grad = True
            output.grad_fn = self
            output.output_nr = output_nr
        return tuple(tensors)

    def _changed(self, tensor: Any, version: int) -> RuntimeError:
        number = next(i for i, saved in enumerate(self._saved or ()) if saved is tensor)
        return RuntimeError(
            f"one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"tensor {number} saved by {self.name()}, of shape {tuple(tensor.shape)}, is at version "
            f"{tensor._version}; expected version {version} instead. Compute a new tensor instead of changing "
            f"this one, or change a clone() of it."
        )

    def release(self) -> None:
        """Frees what was saved for backward."""
        if self._saved:
            self._saved = None

    # ---- the graph as users see it ----------------------------------------------------------------------------------

    @classmethod
    def name(cls) -> str:
        """``"MulBackward"`` for the operation ``Mul``, as PyTorch names its nodes."""
        return cls.__name__ + "Backward"

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes (or leaves, or None) that made this operation's arguments, each with the number of the output."""
        return tuple(edge or (None, 0) for edge in self.edges)

    def hooks_of(self, output_nr: int) -> dict[int, Hook]:
        """The hooks on the gradient of output ``output_nr``."""
        if self._hooks is None:
            self._hooks = {}
        return self._hooks.setdefault(output_nr, {})

    def retain_grad_of(self, output: Variable) -> None:
        if self._retained is None:
            self._retained = {}
        self._retained[output.output_nr] = weakref.ref(output)

    def retains_grad_of(self, output: Variable) -> bool:
        reference = (self._retained or {}).get(output.output_nr)
        return reference is not None and reference() is output


class _Once(Function):
    """Stands in the graph where a :func:`once_differentiable` backward ended it, and says so."""

    @staticmethod
    def forward(ctx: Any, gradient: Any, *sources: Any) -> Any:
        return gradient.detach()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """For a ``backward`` that isn't written with differentiable operations: a second derivative raises.

    Put it under ``@staticmethod``.

    >>> import minitorch
    >>> from minitorch.autograd import Function, grad, once_differentiable
    >>> class Cube(Function):
    ...     @staticmethod
    ...     def forward(ctx, input):
    ...         ctx.save_for_backward(input)
    ...         return input**3
    ...
    ...     @staticmethod
    ...     @once_differentiable
    ...     def backward(ctx, grad_output):
    ...         (input,) = ctx.saved_tensors
    ...         return minitorch.from_numpy(3 * input.detach().numpy() ** 2 * grad_output.detach().numpy())
    >>> x = minitorch.tensor([2.], requires_grad=True)
    >>> (gradient,) = grad(Cube.apply(x), x, create_graph=True)
    >>> gradient.item()
    12.0
    >>> gradient.backward()
    Traceback (most recent call last):
        ...
    RuntimeError: trying to differentiate twice a function that was marked with @once_differentiable
    """

    @wraps(backward)
    def wrapper(ctx: Function, *grad_outputs: Any) -> Any:
        recording = state.enabled
        state.enabled = False
        try:
            gradients = backward(ctx, *grad_outputs)
        finally:
            state.enabled = recording
        if not recording:
            return gradients
        sources = [t for t in (*grad_outputs, *ctx.saved_tensors) if t is not None]
        single = not isinstance(gradients, tuple)
        blocked = [g if g is None else _Once.apply(g, *sources) for g in ((gradients,) if single else gradients)]
        return blocked[0] if single else tuple(blocked)

    return wrapper
