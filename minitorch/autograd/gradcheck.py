"""Compares gradients with central differences: ``gradcheck`` for first derivatives, ``gradgradcheck`` for second ones.

Both look at ``vᵀ J u``, the Jacobian between a random cotangent ``v`` and a random direction ``u``: one backward and
two evaluations of the function. Then every element of the Jacobian is compared, unless ``fast_mode`` is set and the
projection agreed. Where something disagrees, ``gradcheck_diagnosis`` looks for the likely cause.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..precision import ieee
from .engine import grad
from .grad_mode import enable_grad
from .gradcheck_diagnosis import GradcheckError, Tolerance, graph_of
from .gradcheck_numeric import Check, apart, as_tuple, differentiable, generator, is_checked, packed, random_array


@ieee()
def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
) -> bool:
    """Whether the gradients of ``func`` agree with central differences: ``(f(x + eps) - f(x - eps)) / (2 eps)``.

    Every element must satisfy ``|analytical - numerical| <= atol + rtol * |numerical|``. Besides, ``backward`` must be
    linear in the gradient it is given, must not care how that lies in memory or change it, and must give the same
    numbers when it is called twice.

    Args:
        func: takes ``inputs``; gives a tensor or a tuple of tensors. Those that require no gradient are ignored.
        inputs: a tensor or a tuple; the gradients of those tensors that require one are checked. Use float64.
        eps: the step of the differences.
        raise_exception: raise on failure; if False, the result is False.
        nondet_tol: how far two calls of the same backward may differ.
        check_undefined_grad: for functions of several outputs, check that outputs without gradient count as zero.
        check_grad_dtypes: check that each gradient has the dtype of its input.
        fast_mode: look at random projections only; the whole Jacobian is computed only to explain a failure.

    >>> import minitorch
    >>> x = minitorch.randn(3, dtype=minitorch.float64, requires_grad=True)
    >>> minitorch.autograd.gradcheck(lambda x: (x * x).sum(), x)
    True

    Raises:
        GradcheckError: a gradient is wrong. The message names the operation, the input, the worst element, both
            numbers and the likely cause.
        ValueError: no input requires a gradient.
    """
    return _passes(
        lambda: Check("gradcheck", func, as_tuple(inputs), Tolerance(eps, atol, rtol)),
        (nondet_tol, check_undefined_grad, check_grad_dtypes, fast_mode),
        raise_exception,
    )


@ieee()
def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
) -> bool:
    """Whether the gradients of the gradients of ``func`` agree with central differences.

    That is :func:`gradcheck` of the function that maps ``inputs`` and ``grad_outputs`` to the gradients of ``inputs``,
    computed with ``create_graph=True``.

    Args:
        grad_outputs: the gradient of each output that requires one; by default random numbers.
        gen_non_contig_grad_outputs: whether those random numbers lie apart in memory.

    The other arguments are those of :func:`gradcheck`.

    >>> import minitorch
    >>> x = minitorch.randn(3, dtype=minitorch.float64, requires_grad=True)
    >>> minitorch.autograd.gradgradcheck(lambda x: x * x * x, x)
    True
    """
    arguments = as_tuple(inputs)
    with enable_grad():
        outputs = [out for _, out in differentiable(as_tuple(func(*arguments)))]
    operation = f" ({graph_of(outputs)})" if outputs else ""
    random = grad_outputs is None
    cotangents = _cotangents(outputs, gen_non_contig_grad_outputs) if random else as_tuple(grad_outputs)
    count = len(arguments)
    numbers = [i for i, argument in enumerate(arguments) if is_checked(argument)]

    def gradients(*args: Any) -> tuple[Any, ...]:
        args, grads = args[:count], args[count:]
        outputs = [out for _, out in differentiable(as_tuple(func(*args)))]
        return grad(outputs, [args[i] for i in numbers], grads, create_graph=True, allow_unused=True)

    def name_input(i: int) -> str:
        return f"input {i}" if i < count else f"grad_output {i - count}"

    def name_output(i: int) -> str:
        return f"the gradient of input {numbers[i]}"

    def check() -> Check:
        tolerance = Tolerance(eps, atol, rtol)
        inputs = (*arguments, *cotangents)
        return Check(f"gradgradcheck{operation}", gradients, inputs, tolerance, name_input, name_output)

    return _passes(check, (nondet_tol, check_undefined_grad, check_grad_dtypes, fast_mode), raise_exception)


def _cotangents(outputs: list[Any], gaps: bool) -> tuple[Any, ...]:
    """A random gradient for each output, packed in memory or with gaps between its elements."""
    rng, layout = generator(), apart if gaps else packed
    return tuple([layout(out, random_array(rng, out.data.shape)).requires_grad_() for out in outputs])


def _passes(check: Callable[[], Check], flags: tuple[float, bool, bool, bool], raise_exception: bool) -> bool:
    try:
        check().run(*flags)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True
