"""What must hold for every operation, each promise as a function of an operation and one call of it.

``CHECKS`` lists them with the inputs that they are tried with. ``tests/test_ops_table.py`` runs them for Minitorch's
own operations and :func:`minitorch.testing.check_op` for yours. A check that fails raises.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import minitorch

from ..autograd import grad, gradcheck, gradgradcheck
from ..autograd.gradcheck_diagnosis import nodes_of
from ..ops.inplace import is_writeable
from .assertions import assert_close
from .cases import Case
from .operation import Operation, in_float64

# The kinds of dtypes between which a reference must decide: how wide an integer is, is the operation's business.
_KINDS = {"f": "floating point", "i": "integer", "u": "integer", "b": "bool"}
# A Jacobian that takes no more evaluations than this is compared element by element, whatever `fast_mode` says.
_CHEAP = 400


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


# ---- forward ---------------------------------------------------------------------------------------------------------


def forward(op: Operation, case: Case) -> None:
    """The results are the reference's, in number, shape, dtype and value, and the inputs stay as they are."""
    with _unchanged(case):
        actual = op.run(case, [op.tensor(array) for array in case.tensors])
    wanted = op.expected(case)
    _require(len(actual) == len(wanted), f"{len(actual)} results where the reference gives {len(wanted)}")
    floating = [array.dtype for array in case.tensors if array.dtype.kind == "f"]
    dtype = floating[0] if floating else np.dtype(np.float32)
    rtol, atol = (1e-9, 1e-9) if dtype == np.float64 else (op.rtol, op.atol)
    for i, (a, e) in enumerate(zip(actual, wanted, strict=True)):
        _require(isinstance(a, minitorch.Tensor), f"result {i} is no Tensor but a {type(a).__name__}")
        _require(a.data.shape == e.shape, f"result {i} has shape {a.data.shape}, the reference's {e.shape}")
        if e.size:  # the references find their dtype from elements
            kind, expected = _KINDS[a.data.dtype.kind], _KINDS[e.dtype.kind]
            _require(kind == expected, f"result {i} is {a.data.dtype} where the reference gives {e.dtype}")
        if a.is_floating_point():
            _require(a.data.dtype == dtype, f"result {i} is {a.data.dtype} for {dtype} inputs")
            assert_close(a, e, rtol=rtol, atol=atol, equal_nan=True, check_dtype=False, msg=f"result {i}")
        else:
            assert_close(a, e.astype(a.data.dtype), msg=f"result {i}")


def empty(op: Operation, case: Case) -> None:
    """Tensors without elements have results, and gradients without elements."""
    if all(array.size for array in case.tensors):
        return
    forward(op, case)
    if op.differentiable:
        gradient(op, case)


@contextmanager
def _unchanged(case: Case) -> Iterator[None]:
    arrays = [*case.tensors, *(v for v in case.kwargs.values() if isinstance(v, np.ndarray))]
    before = [array.copy() for array in arrays]
    yield
    for i, (array, copy) in enumerate(zip(arrays, before, strict=True)):
        _require(np.array_equal(array, copy, equal_nan=array.dtype.kind == "f"), f"input {i} was changed")


# ---- gradients -------------------------------------------------------------------------------------------------------


def gradient(op: Operation, case: Case) -> None:
    """The gradients are those of central differences, and neither inputs nor cotangents are changed by backward."""
    if _is_mean_of_nothing(op, case):
        return
    leaves = op.leaves(case)
    with _unchanged(case):
        gradcheck(lambda *tensors: op.run(case, tensors), leaves, fast_mode=op.fast_mode and _is_large(op, case))


def second_gradient(op: Operation, case: Case) -> None:
    """The gradients of the gradients are those of central differences."""
    if _is_mean_of_nothing(op, case):
        return
    leaves = op.leaves(case)
    gradgradcheck(lambda *tensors: op.run(case, tensors), leaves, fast_mode=op.fast_mode and _is_large(op, case))


def _is_mean_of_nothing(op: Operation, case: Case) -> bool:
    """Whether empty tensors give NaN, which has no derivative; that it is NaN is checked against the reference."""
    if all(array.size for array in case.tensors):
        return False
    outputs = op.run(case, [op.tensor(array) for array in case.tensors])
    return any(bool(out.isnan().any()) for out in outputs)


def _is_large(op: Operation, case: Case) -> bool:
    """Whether the Jacobian takes many evaluations: two for each element of an input, one for each of a result."""
    outputs = op.run(case, [op.tensor(array) for array in case.tensors])
    inputs = sum(array.size for array in case.tensors)
    results = sum(out.data.size for out in outputs)
    return bool(2 * inputs + results > _CHEAP)


def gradient_float32(op: Operation, case: Case) -> None:
    """The gradients of float32 tensors are float32, and those of float64 up to rounding."""
    leaves, exact = op.leaves(case), case.converted(in_float64)
    found = _gradients(leaves, op.run(case, leaves))
    leaves = op.leaves(exact)
    wanted = _gradients(leaves, op.run(exact, leaves))
    for i, (a, e) in enumerate(zip(found, wanted, strict=True)):
        _require(a.data.dtype == np.float32, f"the gradient of a float32 input is {a.data.dtype}")
        scale = max(1.0, float(abs(e.cpu().numpy()).max(initial=0.0)))  # sums of large terms of either sign
        tolerance = {"rtol": 10 * op.rtol, "atol": 10 * op.atol * scale}
        assert_close(a, e, **tolerance, equal_nan=True, check_dtype=False, msg=f"gradient {i}")


def adjoint(op: Operation, case: Case) -> None:
    """The gradient of a linear operation is its adjoint: <A u, v> = <u, Aᵀ v>.

    That holds exactly, for small integers even to the bit; central differences have a tolerance.
    """
    rng = np.random.default_rng(0)
    arrays = [np.asarray(rng.integers(-4, 5, a.shape), a.dtype) if a.dtype.kind == "f" else a for a in case.tensors]
    leaves = op.leaves(Case(tuple(arrays), case.kwargs))
    outputs = op.run(case, leaves)
    cotangents = [op.tensor(np.asarray(8.0 * rng.integers(-4, 5, out.shape))) for out in outputs]
    sources = _differentiated(leaves)
    gradients = grad(outputs, sources, cotangents, materialize_grads=True)
    there = sum(float((out.detach().data * v.data).sum()) for out, v in zip(outputs, cotangents, strict=True))
    back = sum(float((x.detach().data * g.data).sum()) for x, g in zip(sources, gradients, strict=True))
    assert_close(there, back, rtol=1e-12, atol=1e-9, msg="<A u, v> is not <u, Aᵀ v>, where backward gives Aᵀ v")


def gradient_of_a_sum(op: Operation, case: Case) -> None:
    """The gradient that ``sum`` sends is one element, expanded: it must count as the full array of ones."""
    leaves = op.leaves(case)
    sources, ends = _differentiated(leaves), _differentiated(op.run(case, leaves))
    if not ends:
        return
    ones = [minitorch.ones_like(end) for end in ends]
    wanted = grad(ends, sources, ones, retain_graph=True, materialize_grads=True)
    found = grad([end.sum() for end in ends], sources, materialize_grads=True)
    for i, (a, e) in enumerate(zip(found, wanted, strict=True)):
        assert_close(a, e, rtol=1e-12, atol=1e-12, equal_nan=True, msg=f"gradient {i} of a sum")


def changed_in_place(op: Operation, case: Case) -> None:
    """Where inputs or results change before backward, it notices, or it didn't need them.

    The gradient is never that of other numbers.
    """
    leaves = op.leaves(case)
    wanted = _gradients(leaves, op.run(case, leaves))
    for what in ("inputs", "results"):
        copy = Case(tuple(np.array(array) for array in case.tensors), case.kwargs)
        leaves = op.leaves(copy)
        outputs = op.run(copy, leaves)
        with minitorch.no_grad():
            for tensor in leaves if what == "inputs" else outputs:
                if is_writeable(tensor.data):  # expanded views aren't
                    tensor.zero_()
        try:
            found = _gradients(leaves, outputs)
        except RuntimeError as error:
            if "modified by an inplace operation" not in str(error):
                raise
            continue
        message = f"is another one after the {what} were changed in place: keep tensors in save_for_backward"
        for i, (a, e) in enumerate(zip(found, wanted, strict=True)):
            assert_close(a, e, rtol=1e-12, atol=1e-12, equal_nan=True, msg=f"gradient {i} {message}")


def gradients_apart(op: Operation, case: Case) -> None:
    """No ``grad`` shares memory with another, with an input, a result, or the gradient that backward was given."""
    leaves = op.leaves(case)
    outputs = _differentiated(op.run(case, leaves))
    cotangents = [minitorch.ones_like(out) for out in outputs]
    if outputs:
        minitorch.autograd.backward(outputs, cotangents)
    sources = [leaf for leaf in _differentiated(leaves) if leaf.grad is not None]
    others = {f"input {i}": leaf for i, leaf in enumerate(leaves)}
    others |= {f"result {i}": out for i, out in enumerate(outputs)}
    others |= {f"the gradient given for result {i}": v for i, v in enumerate(cotangents)}
    others |= {f"gradient {i}": leaf.grad for i, leaf in enumerate(sources)}
    for i, leaf in enumerate(sources):
        for name, tensor in others.items():
            shared = tensor is not leaf.grad and leaf.backend.xp.shares_memory(leaf.grad.data, tensor.data)
            _require(not shared, f"gradient {i} shares memory with {name}")


def nothing_kept(op: Operation, case: Case) -> None:
    """The graph dies with its results, without the garbage collector, and backward frees what it saved."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        for walked in (False, True):
            watched = _recorded(op, case, walked)
            alive = [name for name, reference in watched.items() if reference() is not None]
            message = (
                f"{', '.join(alive)}: still alive after the results are gone, {'' if walked else 'without '}backward"
            )
            _require(not alive, f"{message}; keep outputs in save_for_backward, which makes no reference cycle")
    finally:
        if collecting:
            gc.enable()


def _recorded(op: Operation, case: Case, walked: bool) -> dict[str, weakref.ref[Any]]:
    """Runs forward and, where ``walked``, backward; returns references to what must be gone thereafter."""
    leaves = op.leaves(case)
    results = [out for out in op.run(case, leaves) if not any(out is leaf for leaf in leaves)]
    ends = _differentiated(results)
    nodes = nodes_of(ends)
    if walked and ends:
        minitorch.autograd.backward(ends, [minitorch.ones_like(end) for end in ends])
        for node in nodes:
            _require(not node._saved, f"{node.name()} keeps its saved tensors after backward")
    watched: dict[str, weakref.ref[Any]] = {f"result {i}": weakref.ref(out) for i, out in enumerate(results)}
    return watched | {f"{node.name()} (node {i})": weakref.ref(node) for i, node in enumerate(nodes)}


def no_gradient(op: Operation, case: Case) -> None:
    """The results of an operation that isn't differentiable require no gradient."""
    for i, out in enumerate(op.run(case, op.leaves(case))):
        _require(not out.requires_grad and out.grad_fn is None, f"result {i} requires a gradient")


def _differentiated(tensors: Sequence[Any]) -> list[Any]:
    return [tensor for tensor in tensors if tensor.requires_grad]


def _gradients(leaves: Sequence[Any], outputs: Sequence[Any]) -> Sequence[Any]:
    """The gradients of the leaves, for cotangents of random numbers that float32 holds; zeros where there are none."""
    rng = np.random.default_rng(0)
    sources, ends = _differentiated(leaves), _differentiated(outputs)
    cotangents = [end.new_tensor(rng.standard_normal(end.shape).astype(np.float32)) for end in ends]
    if not ends:
        return [minitorch.zeros_like(source) for source in sources]
    return grad(ends, sources, cotangents, materialize_grads=True)
