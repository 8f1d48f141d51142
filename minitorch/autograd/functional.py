"""Jacobians, Hessians and their products with vectors, of functions of tensors.

Everything is computed by reverse mode. It gives ``vᵀJ``, a row of the Jacobian J at a time; a column ``Jv`` comes from
differentiating ``u ↦ uᵀJ`` again, which is linear in u: the "double-backward trick" of :func:`jvp` and :func:`hvp`.

A function takes tensors and gives a tensor or a tuple of tensors. Where ``inputs`` is a tuple, the results are tuples
in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..devices import on_its_device
from .function import Function
from .functional_checks import (
    Tensors,
    as_tensors,
    as_vector,
    call_function,
    check_dependent,
    fresh_inputs,
    fresh_inputs_and_vector,
    gradients_of,
    tracked_zeros,
    without_gaps,
    without_history,
)
from .grad_mode import enable_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


class Stack(Function):
    """Tensors of one shape along a new first dimension."""

    @staticmethod
    def forward(ctx: Any, *tensors: Any) -> Any:
        out = tensors[0].new_zeros((len(tensors), *tensors[0].data.shape))
        for i, tensor in enumerate(tensors):
            out.data[i] = tensor.data
        return out

    @staticmethod
    def backward(ctx: Any, grad_output: Any) -> Any:
        return tuple([grad_output[i] for i in range(len(ctx.needs_input_grad))])


# ---- products --------------------------------------------------------------------------------------------------------


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and ``vᵀJ``, the product of a vector with the Jacobian of ``func``: one backward.

    Args:
        func: takes tensors, gives a tensor or a tuple of tensors.
        inputs: a tensor, or a tuple of tensors.
        v: of the shapes of the outputs; 1 where there is one output of one element.
        create_graph: whether the results can be differentiated again, with respect to ``inputs`` and ``v``.
        strict: whether it is an error that an output doesn't depend on an input. The product is 0 there.

    >>> import minitorch
    >>> from minitorch.autograd.functional import vjp
    >>> vjp(lambda x: x.exp().sum(1), minitorch.zeros(2, 2), minitorch.tensor([1., 2.]))
    (tensor([2., 2.]), tensor([[1., 1.],
            [2., 2.]]))

    Raises:
        TypeError: an input, an output or ``v`` isn't a tensor.
        RuntimeError: ``v`` has other shapes than the outputs, or what ``strict`` forbids.
    """
    with enable_grad():
        is_tuple, inputs = as_tensors("vjp", "inputs", inputs)
        inputs = fresh_inputs(inputs, create_graph)
        gives_tuple, outputs = call_function("vjp", func, inputs, strict)
    v = as_vector("vjp", v, outputs, gives_tuple, create_graph, "the user-provided function returns")
    products = gradients_of(outputs, inputs, v, create_graph)
    filled = without_gaps(products, inputs, strict, create_graph, "The output of the user-provided function")
    return without_history(outputs, gives_tuple, create_graph), without_history(filled, is_tuple, create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and ``Jv``, the product of the Jacobian of ``func`` with a vector: two backwards.

    ``g(u) = uᵀJ`` is linear in u; the product of v with its Jacobian ``Jᵀ`` is ``vᵀJᵀ = Jv``.

    Arguments and errors are those of :func:`vjp`, but ``v`` has the shapes of the inputs.

    >>> import minitorch
    >>> from minitorch.autograd.functional import jvp
    >>> jvp(lambda x: x.exp().sum(1), minitorch.zeros(2, 2), minitorch.tensor([[1., 2.], [3., 4.]]))
    (tensor([2., 2.]), tensor([3., 7.]))
    """
    with enable_grad():
        _, inputs, v = fresh_inputs_and_vector("jvp", inputs, v, create_graph)
        gives_tuple, outputs = call_function("jvp", func, inputs, strict)
        u = tracked_zeros(outputs)
        products = gradients_of(outputs, inputs, u, True)
        check_dependent(products, strict, "gradient")
    products = gradients_of(products, u, v, create_graph)
    filled = without_gaps(products, outputs, strict, create_graph, "The gradient of the inputs", "output")
    return without_history(outputs, gives_tuple, create_graph), without_history(filled, gives_tuple, create_graph)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and ``vᵀH``, the product of a vector with the Hessian of ``func``: two backwards.

    Args:
        func: takes tensors, gives a tensor of one element.
        inputs: a tensor, or a tuple of tensors.
        v: of the shapes of the inputs; 1 where there is one input of one element.
        create_graph: whether the results can be differentiated again, with respect to ``inputs`` and ``v``.
        strict: whether it is an error that the gradient doesn't depend on an input. The product is 0 there.

    >>> import minitorch
    >>> from minitorch.autograd.functional import vhp
    >>> vhp(lambda x: (x * x * x).sum(), minitorch.tensor([1., 2.]), minitorch.tensor([1., 1.]))
    (tensor(9.), tensor([ 6., 12.]))

    Raises:
        TypeError: an input, the output or ``v`` isn't a tensor.
        RuntimeError: ``v`` has other shapes than the inputs, the output has more than one element, or what ``strict``
            forbids.
    """
    with enable_grad():
        is_tuple, inputs, v = fresh_inputs_and_vector("vhp", inputs, v, create_graph)
        outputs, gradients = _gradient_of("vhp", func, inputs, strict)
    products = gradients_of(gradients, inputs, v, create_graph)
    filled = without_gaps(products, inputs, strict, create_graph, "The jacobian of the user-provided function")
    return without_history(outputs, False, create_graph), without_history(filled, is_tuple, create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and ``Hv``, the product of the Hessian of ``func`` with a vector: three backwards.

    The Hessian is symmetric where the second derivatives are continuous; then :func:`vhp` gives the same for less.

    Arguments and errors are those of :func:`vhp`.

    >>> import minitorch
    >>> from minitorch.autograd.functional import hvp
    >>> hvp(lambda x: (x * x * x).sum(), minitorch.tensor([1., 2.]), minitorch.tensor([1., 1.]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        is_tuple, inputs, v = fresh_inputs_and_vector("hvp", inputs, v, create_graph)
        outputs, gradients = _gradient_of("hvp", func, inputs, strict)
        u = tracked_zeros(inputs)
        products = gradients_of(gradients, inputs, u, True)
        check_dependent(products, strict, "hessian")
    products = gradients_of(products, u, v, create_graph)
    filled = without_gaps(products, inputs, strict, create_graph, "The hessian of the user-provided function")
    return without_history(outputs, False, create_graph), without_history(filled, is_tuple, create_graph)


def _gradient_of(name: str, func: Callable[..., Any], inputs: Tensors, strict: bool) -> tuple[Tensors, list[Any]]:
    """The output of a scalar function, and its gradient, which is recorded."""
    _, outputs = call_function(name, func, inputs, strict, scalar=True)
    ones = (outputs[0].new_ones(outputs[0].data.shape),)
    gradients = gradients_of(outputs, inputs, ones, True)
    check_dependent(gradients, strict, "jacobian")
    return outputs, gradients


# ---- matrices --------------------------------------------------------------------------------------------------------


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of ``func``: ``J[i…, j…] = ∂output[i…]/∂input[j…]``, one backward for each element of the output.

    For several inputs it is a tuple, for several outputs a tuple of those: ``J[output][input]``.

    Args:
        func: takes tensors, gives a tensor or a tuple of tensors.
        inputs: a tensor, or a tuple of tensors.
        create_graph: whether the result can be differentiated again, with respect to ``inputs``.
        strict: whether it is an error that an output doesn't depend on an input. The Jacobian is 0 there.
        vectorize: False; PyTorch can compute all rows at once.
        strategy: ``"reverse-mode"``.

    >>> import minitorch
    >>> from minitorch.autograd.functional import jacobian
    >>> jacobian(lambda x, y: x * y.sum(), (minitorch.tensor([1., 2.]), minitorch.tensor([3., 4.])))
    (tensor([[7., 0.],
            [0., 7.]]), tensor([[1., 1.],
            [2., 2.]]))

    Raises:
        TypeError: an input or an output isn't a tensor.
        RuntimeError: what ``strict`` forbids.
        NotImplementedError: ``vectorize`` or forward mode is asked for.
    """
    _check_strategy("jacobian", vectorize, strategy)
    with enable_grad():
        is_tuple, inputs = as_tensors("jacobian", "inputs", inputs)
        inputs = fresh_inputs(inputs, create_graph)
        gives_tuple, outputs = call_function("jacobian", func, inputs, strict)
    blocks = [
        without_history(_rows(number, out, inputs, create_graph, strict), is_tuple, create_graph)
        for number, out in enumerate(outputs)
    ]
    return tuple(blocks) if gives_tuple else blocks[0]


@on_its_device
def _rows(number: int, output: Any, inputs: Tensors, create_graph: bool, strict: bool) -> Tensors:
    """The Jacobians of output ``number`` with respect to every input."""
    rows: list[list[Any]] = [[] for _ in inputs]
    for i in range(output.data.size):
        unit = output.new_zeros(output.data.size)
        unit.data[i] = 1
        found = gradients_of((output,), inputs, (unit.view_as(output),), create_graph, retain_graph=True)
        what = f"Output {number} of the user-provided function"
        for column, gradient in zip(rows, without_gaps(found, inputs, strict, create_graph, what), strict=True):
            column.append(gradient)
    with enable_grad():
        return tuple(
            [
                (Stack.apply(*column) if column else tensor.new_zeros(0)).reshape(output.data.shape + tensor.data.shape)
                for column, tensor in zip(rows, inputs, strict=True)
            ]
        )


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a scalar function: the :func:`jacobian` of its gradient, ``H[i…, j…] = ∂²f/∂x[i…]∂x[j…]``.

    For several inputs it is a tuple of tuples, ``H[first input][second input]``.

    Args:
        func: takes tensors, gives a tensor of one element.
        inputs: a tensor, or a tuple of tensors.
        create_graph: whether the result can be differentiated again, with respect to ``inputs``.
        strict: whether it is an error that the gradient doesn't depend on an input. The Hessian is 0 there.
        vectorize: False; PyTorch can compute all rows at once.
        outer_jacobian_strategy: ``"reverse-mode"``.

    >>> import minitorch
    >>> from minitorch.autograd.functional import hessian
    >>> hessian(lambda x: x[0] * x[0] * x[1], minitorch.tensor([2., 3.]))
    tensor([[6., 4.],
            [4., 0.]])

    Raises:
        TypeError: an input or the output isn't a tensor.
        RuntimeError: the output has more than one element, or what ``strict`` forbids.
        NotImplementedError: ``vectorize`` or forward mode is asked for.
    """
    _check_strategy("hessian", vectorize, outer_jacobian_strategy)
    is_tuple, inputs = as_tensors("hessian", "inputs", inputs)

    def gradient(*tensors: Any) -> Tensors:
        _, gradients = _gradient_of("hessian", func, tensors, strict)
        return without_gaps(gradients, tensors, False, True, "The output")

    blocks = jacobian(gradient, inputs, create_graph, strict)
    return blocks if is_tuple else blocks[0][0]


def _check_strategy(name: str, vectorize: bool, strategy: str) -> None:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f'Expected strategy to be either "forward-mode" or "reverse-mode", got {strategy!r}')
    if strategy == "forward-mode":
        raise NotImplementedError(f"{name}: there is no forward mode here; use strategy 'reverse-mode'")
    if vectorize:
        raise NotImplementedError(f"{name}: rows can't be computed at once here; leave vectorize=False")
