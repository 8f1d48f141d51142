"""What goes into the functions of ``functional`` and what comes out: tuples, vectors, zeros, and the strict mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .engine import grad
from .variable import Variable

Tensors = tuple[Any, ...]


def as_tensors(name: str, what: str, value: Any) -> tuple[bool, Tensors]:
    """Whether ``value`` is a tuple, and a tuple of the tensors in it.

    Raises:
        TypeError: something isn't a tensor.
    """
    is_tuple = isinstance(value, tuple)
    tensors = value if is_tuple else (value,)
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Variable):
            where = f"value at index {i}" if is_tuple else f"given {what}"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the {where} has type "
                f"{type(tensor)}."
            )
    return is_tuple, tensors


def fresh_inputs(inputs: Tensors, create_graph: bool) -> Tensors:
    """New tensors of the same elements, which the function gets.

    They are others than the inputs, which the function may also use without having been given them. With
    ``create_graph`` they are computed from those.
    """
    return tuple([t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_() for t in inputs])


def call_function(
    name: str, func: Callable[..., Any], inputs: Tensors, strict: bool, scalar: bool = False
) -> tuple[bool, Tensors]:
    """Whether the function gives a tuple, and its outputs, checked."""
    is_tuple, outputs = as_tensors(name, "outputs of the user-provided function", func(*inputs))
    if strict:
        for i, out in enumerate(outputs):
            if not out.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must be "
                    f"computed in a differentiable manner from the input when running in strict mode."
                )
    if scalar:
        if is_tuple:
            raise RuntimeError(f"The function given to {name} should return a single Tensor")
        if outputs[0].data.size != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {name} should contain a single element, but its shape "
                f"is {list(outputs[0].data.shape)}"
            )
    return is_tuple, outputs


def as_vector(name: str, v: Any, like: Tensors, is_tuple: bool, create_graph: bool, missing: str) -> Tensors:
    """``v`` as a tuple of tensors of the shapes of ``like``; a one where it may be left out."""
    if v is None:
        if len(like) != 1 or like[0].data.size != 1:
            raise RuntimeError(f"The vector v can only be None if {missing} a single Tensor with a single element.")
        return (like[0].new_ones(like[0].data.shape),)
    _, vectors = as_tensors(name, "v", v)
    if len(vectors) != len(like):
        if is_tuple:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vectors)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (vector, tensor) in enumerate(zip(vectors, like, strict=True)):
        if vector.data.shape != tensor.data.shape:
            raise RuntimeError(
                f"{f'Entry {i} in ' if is_tuple else ''}v has invalid size: should be {tensor.shape} but got "
                f"{vector.shape}."
            )
    return vectors if create_graph else tuple([vector.detach() for vector in vectors])


def fresh_inputs_and_vector(name: str, inputs: Any, v: Any, create_graph: bool) -> tuple[bool, Tensors, Tensors]:
    """Whether the inputs are a tuple; what the function gets instead of them; and ``v``, of their shapes."""
    is_tuple, inputs = as_tensors(name, "inputs", inputs)
    sources = fresh_inputs(inputs, create_graph)
    v = as_vector(name, v, sources, is_tuple, create_graph, "the input to the user-provided function is")
    return is_tuple, sources, v


def gradients_of(
    outputs: Sequence[Any], inputs: Tensors, vectors: Tensors, create_graph: bool, retain_graph: bool | None = None
) -> list[Any]:
    """The sum of the products of the vectors with the Jacobians of the outputs, None for inputs that none depends on.

    Outputs that are None or don't require a gradient depend on nothing.
    """
    pairs = [(out, v) for out, v in zip(outputs, vectors, strict=True) if out is not None and out.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    ends, starts = zip(*pairs, strict=True)
    return list(grad(ends, inputs, starts, retain_graph, create_graph, allow_unused=True))


def without_gaps(
    gradients: Sequence[Any], like: Tensors, strict: bool, create_graph: bool, what: str, of: str = "input"
) -> Tensors:
    """The gradients, zeros of the shapes of ``like`` for those that are None; in strict mode there may be none."""
    for i, gradient in enumerate(gradients):
        if strict and gradient is None:
            raise RuntimeError(f"{what} is independent of {of} {i}. This is not allowed in strict mode.")
        if strict and create_graph and not gradient.requires_grad:
            raise RuntimeError(
                f"The derivative of the user-provided function is independent of input {i}. This is not allowed in "
                f"strict mode when create_graph=True."
            )
    return tuple([t.new_zeros(t.data.shape) if g is None else g for g, t in zip(gradients, like, strict=True)])


def without_history(tensors: Tensors, is_tuple: bool, create_graph: bool) -> Any:
    """What the caller gets: without history unless asked for, and a tuple only where one is expected."""
    if not create_graph:
        tensors = tuple([tensor.detach() for tensor in tensors])
    return tensors if is_tuple else tensors[0]


def tracked_zeros(like: Tensors) -> Tensors:
    """Zeros that require a gradient: where a linear function is differentiated doesn't matter."""
    return tuple([tensor.new_zeros(tensor.data.shape, requires_grad=True) for tensor in like])


def check_dependent(gradients: Sequence[Any], strict: bool, what: str) -> None:
    """In strict mode every one of the derivatives must depend on the inputs."""
    for i, gradient in enumerate(gradients if strict else ()):
        if gradient is None:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {i}. This is not allowed in strict "
                f"mode."
            )
        if not gradient.requires_grad:
            raise RuntimeError(
                f"The {what} of the user-provided function with respect to input {i} is independent of the input. "
                f"This is not allowed in strict mode; a linear function has no higher derivatives, for example."
            )
