"""Reverse-mode differentiation: walks the recorded graph from its outputs to its leaves.

A pass has two halves. ``_Plan`` looks at the graph: which nodes lead to something that was asked for, and how many
consumers each has. ``_Pass`` then visits a node when all its consumers have sent their gradients, calls its
``backward`` and sends the results on. Both are loops, so a graph may be as deep as memory allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import devices
from .function import Function
from .grad_mode import state
from .gradients import Edge, accumulate, call_hooks, call_hooks_after, fit, materialized, without_padding
from .variable import Variable


def _edge_of(tensor: Variable) -> Edge:
    return (tensor.grad_fn or tensor), tensor.output_nr


class _Plan:
    """The part of the graph that a pass has to visit.

    ``consumers[target]`` counts the edges into each node or leaf; ``needed`` holds the targets on a path to one of the
    wanted edges, or is None where all are needed.
    """

    def __init__(self, roots: Sequence[Edge], wanted: set[Edge] | None) -> None:
        self.consumers: dict[Any, int] = {}
        self._count(roots)
        self.needed = None if wanted is None else self._targets_before({target for target, _ in wanted})

    def _count(self, edges: Sequence[Edge | None]) -> None:
        consumers = self.consumers
        found: list[Any] = []  # targets whose edges remain to be followed
        while True:
            for edge in edges:
                if edge is not None:
                    target = edge[0]
                    count = consumers.get(target)
                    if count is None:
                        consumers[target] = 1
                        found.append(target)
                    else:
                        consumers[target] = count + 1
            if not found:
                return
            edges = found.pop().edges

    def _targets_before(self, wanted: set[Any]) -> set[Any]:
        """``wanted`` and everything from which one of them can be reached."""
        before: dict[Any, list[Any]] = {}
        for target in self.consumers:
            for edge in target.edges:
                if edge is not None:
                    before.setdefault(edge[0], []).append(target)
        needed: set[Any] = set()
        found = list(wanted)
        while found:
            target = found.pop()
            if target not in needed:
                needed.add(target)
                found += before.get(target, ())
        return needed

    def leads_on(self, target: Any) -> bool:
        """Whether something behind ``target`` is needed."""
        needed = self.needed
        return needed is None or any(edge is not None and edge[0] in needed for edge in target.edges)


class _Pass:
    """One backward pass over a plan.

    Gradients of leaves are added into their ``grad``, or, where ``captured`` is asked for, kept there by edge.
    """

    def __init__(self, roots: Sequence[Edge], wanted: set[Edge] | None, keep_graph: bool, capture: bool) -> None:
        self.plan = _Plan(roots, wanted)
        self.consumers = self.plan.consumers
        self.wanted = wanted or set()
        self.keep_graph = keep_graph
        self.capture = capture
        self.captured: dict[Edge, Any] = {}
        self.sums: dict[Any, dict[int, Any]] = {}  # target -> output_nr -> sum of the gradients that came so far
        self.ready: list[Any] = []

    def run(self, roots: Sequence[Edge], gradients: Sequence[Any]) -> None:
        for edge, gradient in zip(roots, gradients, strict=True):
            self._send(edge, gradient)
        needed, ready, sums = self.plan.needed, self.ready, self.sums
        while ready:
            target = ready.pop()
            received = sums.pop(target, None)
            if received is None or (needed is not None and target not in needed):
                self._send_nothing(target)
            elif isinstance(target, Function):
                self._visit(target, received)
            else:
                self._finish(target, received)

    def _send(self, edge: Edge, gradient: Any) -> None:
        """One consumer's gradient for an edge, or None where it has none; the last one makes the target ready."""
        target, output_nr = edge
        if gradient is not None:
            received = self.sums.get(target)
            if received is None:
                self.sums[target] = {output_nr: gradient}
            else:
                # A new tensor: what came first may be somebody else's too.
                before = received.get(output_nr)
                received[output_nr] = gradient if before is None else before + gradient
        left = self.consumers[target]
        if left == 1:
            self.ready.append(target)
        else:
            self.consumers[target] = left - 1

    def _send_nothing(self, target: Any) -> None:
        for edge in target.edges:
            if edge is not None:
                self._send(edge, None)

    def _visit(self, node: Function, received: dict[int, Any]) -> None:
        """Calls one node's backward and sends the gradients of its arguments on."""
        if devices.several:
            context = devices.elsewhere(received.values())
            if context is not None:
                with context:
                    return self._visit(node, received)
        if node._hooks or node._retained:
            self._show(node, received)
        if self.wanted:
            for output_nr, gradient in received.items():
                if (node, output_nr) in self.wanted:
                    self.captured[node, output_nr] = gradient
            if not self.plan.leads_on(node):
                self._send_nothing(node)
                return
        if len(node.metadata) == 1:
            gradients = node.backward(node, received[0])
        else:
            gradients = node.backward(node, *materialized(node, received))
        if not self.keep_graph:
            node.release()
        edges = node.edges
        if not isinstance(gradients, tuple):
            gradients = (gradients,)
        if len(gradients) != len(edges):
            gradients = without_padding(gradients, node)
        for index, edge in enumerate(edges):
            if edge is not None:
                gradient = gradients[index]
                self._send(edge, gradient if gradient is None else fit(gradient, edge, node, index))

    def _show(self, node: Function, received: dict[int, Any]) -> None:
        """Gives the gradients of a node's outputs to their hooks, and to the outputs that retain them."""
        for output_nr, hooks in (node._hooks or {}).items():
            if output_nr in received:
                received[output_nr] = call_hooks(hooks, received[output_nr])
        for output_nr, reference in (node._retained or {}).items():
            tensor = reference()
            if tensor is not None and output_nr in received:
                accumulate(tensor, {0: received[output_nr]})

    def _finish(self, leaf: Any, received: dict[int, Any]) -> None:
        hooks = leaf._hooks
        if hooks is not None:
            received[0] = call_hooks(hooks.before, received[0])
        if not self.capture:
            accumulate(leaf, received)
            if hooks is not None:
                call_hooks_after(hooks.after, leaf)
        elif (leaf, 0) in self.wanted:
            self.captured[leaf, 0] = received[0]


# ---- what users call -------------------------------------------------------------------------------------------------


def queue_callback(callback: Callable[[], None]) -> None:
    """Calls ``callback()`` when the backward pass that is going on in this thread has reached all leaves.

    It is for hooks that start something in the middle of a pass which has to be finished at its end. PyTorch has it as
    ``torch.autograd.Variable._execution_engine.queue_callback``. If the pass fails, the callback isn't called.

    >>> import minitorch
    >>> x = minitorch.ones(2, requires_grad=True)
    >>> def hook(grad):
    ...     print("x has its gradient")
    ...     minitorch.autograd.queue_callback(lambda: print("so have all"))
    >>> handle = x.register_hook(hook)
    >>> x.sum().backward()
    x has its gradient
    so have all

    Raises:
        RuntimeError: no backward pass is going on.
    """
    if state.at_the_end is None:
        raise RuntimeError("queue_callback: callbacks can only be queued while backward() or grad() is running")
    state.at_the_end.append(callback)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Variable) or not hasattr(value, "__iter__"):
        return (value,)
    return tuple(value)


def _root_gradients(outputs: tuple[Any, ...], grad_outputs: tuple[Any, ...], create_graph: bool) -> list[Any]:
    """The gradient that each output starts with, checked; ones for scalars that were given none."""
    if len(grad_outputs) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(grad_outputs)} gradients")
    gradients = []
    for i, (output, gradient) in enumerate(zip(outputs, grad_outputs, strict=True)):
        if not output._requires_grad:
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn; what it is computed from "
                f"needs requires_grad=True, and the computation must not be inside `with minitorch.no_grad():`"
            )
        if gradient is None:
            if output.data.size != 1:
                raise RuntimeError(
                    f"grad can be implicitly created only for scalar outputs, got shape {list(output.data.shape)}; "
                    f"call backward(gradient) with a tensor of that shape, or reduce the output first"
                )
            gradients.append(output.new_ones(output.data.shape))
            continue
        if not isinstance(gradient, Variable):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        if gradient.data.shape != output.data.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {list(gradient.data.shape)} and output[{i}] has a "
                f"shape of {list(output.data.shape)}"
            )
        if not create_graph:
            gradient = gradient.detach()  # type: ignore[attr-defined]
        gradients.append(gradient if gradient.data.dtype == output.data.dtype else gradient.to(output.data.dtype))
    return gradients


def _differentiate(
    outputs: tuple[Any, ...],
    grad_outputs: tuple[Any, ...],
    inputs: tuple[Any, ...] | None,
    retain_graph: bool | None,
    create_graph: bool,
    capture: bool,
) -> dict[Edge, Any]:
    wanted = None
    if inputs is not None:
        for i, tensor in enumerate(inputs):
            if not tensor._requires_grad:
                raise RuntimeError(f"One of the differentiated Tensors does not require grad (input {i})")
        wanted = {_edge_of(tensor) for tensor in inputs}
    gradients = _root_gradients(outputs, grad_outputs, create_graph)
    roots = [_edge_of(output) for output in outputs]
    recording, outer = state.enabled, state.at_the_end
    state.enabled = create_graph
    state.at_the_end = []
    try:
        backward_pass = _Pass(roots, wanted, create_graph if retain_graph is None else retain_graph, capture)
        backward_pass.run(roots, gradients)
        for callback in state.at_the_end:
            callback()
    finally:
        state.enabled, state.at_the_end = recording, outer
    return backward_pass.captured


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds the gradients of ``tensors`` to the ``grad`` of the leaves that they were computed from.

    Args:
        tensors: a tensor or several, part of a recorded graph.
        grad_tensors: for each, the gradient it starts with (None for a scalar: 1).
        retain_graph: keep what the graph saved, so that it can be walked again; by default as ``create_graph``.
        create_graph: record the gradients' own computation, for higher derivatives.
        inputs: only these tensors get a ``grad``, be they leaves or not; by default all leaves.

    >>> import minitorch
    >>> x = minitorch.tensor([1., 2.], requires_grad=True)
    >>> minitorch.autograd.backward([(x * x).sum(), x.sum()])
    >>> x.grad
    tensor([3., 5.])

    Raises:
        RuntimeError: a tensor is part of no graph, isn't scalar and was given no gradient, or its graph was freed.
    """
    outputs = _as_tuple(tensors)
    grads = (None,) * len(outputs) if grad_tensors is None else _as_tuple(grad_tensors)
    sources = None if inputs is None else _as_tuple(inputs)
    if sources is not None:
        if not sources:
            raise RuntimeError("backward: inputs must not be empty")
        for tensor in sources:
            tensor.retain_grad()  # does nothing for leaves, whose gradient is kept anyway
    _differentiate(outputs, grads, sources, retain_graph, create_graph, capture=False)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` with respect to ``inputs``, a tuple as long as ``inputs``. No ``grad`` changes.

    Args:
        outputs, grad_outputs, retain_graph, create_graph: as for :func:`backward`.
        inputs: a tensor or several, leaves or not.
        only_inputs: always true; the argument stands in PyTorch's list.
        allow_unused: give None for an input that the outputs don't depend on, instead of raising.
        materialize_grads: give zeros for such an input.

    >>> import minitorch
    >>> x = minitorch.tensor(3., requires_grad=True)
    >>> (dy,) = minitorch.autograd.grad(x ** 3, x, create_graph=True)
    >>> minitorch.autograd.grad(dy, x)
    (tensor(18.),)
    """
    if not only_inputs:
        raise ValueError("grad: only_inputs=False is not supported; backward() adds the gradients of all leaves")
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True")
    roots, sources = _as_tuple(outputs), _as_tuple(inputs)
    grads = (None,) * len(roots) if grad_outputs is None else _as_tuple(grad_outputs)
    if not sources:
        raise ValueError("grad: inputs must not be empty")
    captured = _differentiate(roots, grads, sources, retain_graph, create_graph, capture=True)
    results = []
    for i, tensor in enumerate(sources):
        gradient = captured.get(_edge_of(tensor))
        if gradient is None and materialize_grads:
            gradient = tensor.new_zeros(tensor.data.shape)
        elif gradient is None and not allow_unused:
            raise RuntimeError(
                f"One of the differentiated Tensors appears to not have been used in the graph (input {i}). "
                f"Set allow_unused=True if this is the desired behavior."
            )
        results.append(gradient)
    return tuple(results)
