"""What happens to one gradient on its way: it is checked, made to fit, shown to hooks, and added into ``grad``."""

from __future__ import annotations

import sys
from typing import Any

from .function import Function
from .grad_mode import state
from .variable import Variable

# Where a gradient goes: an output of a node, or a leaf (which has just one place, number 0).
Edge = tuple[Any, int]


def without_padding(gradients: tuple[Any, ...], node: Function) -> tuple[Any, ...]:
    """As many gradients as the node has arguments: more are fine where the rest is None, as in PyTorch."""
    expected = len(node.edges)
    if len(gradients) < expected or any(g is not None for g in gradients[expected:]):
        raise RuntimeError(
            f"function {node.name()} returned an incorrect number of gradients (expected {expected}, got "
            f"{len(gradients)})"
        )
    return gradients[:expected]


def fit(gradient: Any, edge: Edge, node: Function, index: int) -> Any:
    """``gradient`` in the shape and dtype of the tensor that it belongs to: summed where that tensor was broadcast."""
    target, output_nr = edge
    if isinstance(target, Function):
        shape, dtype, _ = target.metadata[output_nr]  # type: ignore[misc]  # None is for outputs that aren't tensors
    else:
        shape, dtype = target.data.shape, target.data.dtype
    if not isinstance(gradient, Variable):
        raise TypeError(f"{node.name()}: expected Tensor or None as gradient {index}, got {type(gradient).__name__}")
    data = gradient.data
    got = data.shape
    if got == shape and data.dtype is dtype:
        return gradient
    if got != shape:
        extra = len(got) - len(shape)
        if extra < 0 or any(n not in (1, g) for n, g in zip(shape, got[extra:], strict=True)):
            raise RuntimeError(
                f"Function {node.name()} returned an invalid gradient at index {index} - got {list(got)} but expected "
                f"shape compatible with {list(shape)}"
            )
        gradient = gradient.sum_to_size(shape)  # type: ignore[attr-defined]
    return gradient if gradient.data.dtype == dtype else gradient.to(dtype)


def materialized(node: Function, received: dict[int, Any]) -> list[Any]:
    """The arguments of a node's backward: a gradient an output; zeros (or None) for outputs that nothing used."""
    gradients = []
    some = next(iter(received.values()))
    for output_nr, metadata in enumerate(node.metadata):
        gradient = received.get(output_nr)
        if gradient is None and metadata is not None and node.materialize_grads:
            shape, dtype, _ = metadata
            gradient = some.new_zeros(shape, dtype=dtype)
        gradients.append(gradient)
    return gradients


def call_hooks(hooks: dict[int, Any], gradient: Any) -> Any:
    for hook in tuple(hooks.values()):
        replacement = hook(gradient)
        if replacement is not None:
            gradient = replacement
    return gradient


def call_hooks_after(hooks: dict[int, Any], leaf: Any) -> None:
    for hook in tuple(hooks.values()):
        if hook(leaf) is not None:
            raise RuntimeError("Tensor post accumulate grad hooks should return None.")


def accumulate(tensor: Any, received: dict[int, Any]) -> None:
    """Adds the gradient ``received[0]`` into ``tensor.grad``.

    The first gradient is taken as it is where nobody else holds it, and copied else: two tensors must never share one
    ``grad``. PyTorch decides by reference counts too. Here, ``received`` is the one holder of a gradient that is ours,
    so that ``getrefcount`` finds two: the holder and its own argument.
    """
    before = tensor._grad
    if state.enabled:  # create_graph: nothing is changed in place, what was recorded stays as it is
        tensor._grad = received[0].clone() if before is None else before + received[0]
    elif before is not None:
        before.add_(received[0])
    elif (
        sys.getrefcount(received[0]) == 2
        and sys.getrefcount(received[0].data) == 2
        and not isinstance(received[0].data.base, type(received[0].data))  # not a view of somebody's array
    ):
        tensor._grad = received[0].detach()
    else:
        tensor._grad = received[0].detach().clone()
