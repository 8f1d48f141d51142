"""Every row of the table of operations, tested in every way that the row allows."""

from __future__ import annotations

import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from op_rows.row import INTEGERS_AND_BOOL, cases
from ops_table import TABLE

import minitorch
from minitorch.autograd import gradcheck, gradgradcheck
from minitorch.testing import assert_close
from minitorch.testing.strategies import LAYOUTS

# A requires-grad input may not have equal elements in one place of memory: gradcheck moves them one by one.
SEPARATE = tuple(layout for layout in LAYOUTS if layout != "broadcast")
KINDS = {"f": "f", "i": "i", "u": "i", "b": "b"}


def rows(condition):
    """Parametrizes a test over the rows of the table for which ``condition`` holds."""
    chosen = [op for op in TABLE if condition(op)]
    return pytest.mark.parametrize("op", chosen, ids=[op.name for op in chosen])


def examples(fraction):
    """A part of the profile's number of examples, for the tests that take longer."""
    return settings(max_examples=max(3, int(settings.default.max_examples * fraction)))


def named_arguments(case, convert):
    """The other arguments of a call, with their arrays converted."""
    return {name: convert(v) if isinstance(v, np.ndarray) else v for name, v in case.kwargs.items()}


def run(op, case, tensors):
    """The results of an operation as a tuple, whatever it gives."""
    result = op.call(minitorch, *tensors, **named_arguments(case, minitorch.from_numpy))
    return result if isinstance(result, tuple) else (result,)


def expected(op, case):
    """The reference's results, of floating-point inputs computed in float64."""

    def exact(array):
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    with np.errstate(all="ignore"):
        result = op.reference(*map(exact, case.tensors), **named_arguments(case, exact))
    return result if isinstance(result, tuple) else (np.asarray(result),)


def check_forward(op, case, dtype, rtol=1e-9, atol=1e-9):
    before = [array.copy() for array in case.tensors]
    actual = run(op, case, [minitorch.from_numpy(array) for array in case.tensors])
    for array, copy in zip(case.tensors, before, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input was changed")
    wanted = expected(op, case)
    assert len(actual) == len(wanted)
    for a, e in zip(actual, wanted, strict=True):
        assert isinstance(a, minitorch.Tensor)
        assert tuple(a.shape) == e.shape
        if e.size:  # the references find their dtype from elements
            assert KINDS[a.data.dtype.kind] == KINDS[e.dtype.kind]
        if a.is_floating_point():
            assert a.data.dtype == (dtype if dtype.kind == "f" else np.float32)
            assert_close(a, e, rtol=rtol, atol=atol, equal_nan=True, check_dtype=False)
        else:
            np.testing.assert_array_equal(a.data, e.astype(a.data.dtype))


def leaves_of(case):
    tensors = [minitorch.from_numpy(array) for array in case.tensors]
    return [t.requires_grad_() if t.is_floating_point() else t for t in tensors]


# ---- forward ---------------------------------------------------------------------------------------------------------


@rows(lambda op: op.floats)
@given(data=st.data())
@examples(0.5)
def test_forward_float64(op, data):
    case = data.draw(cases(op, np.float64))
    check_forward(op, case, np.dtype(np.float64))


@rows(lambda op: op.floats)
@given(data=st.data())
@examples(0.2)
def test_forward_float32(op, data):
    case = data.draw(cases(op, np.float32))
    check_forward(op, case, np.dtype(np.float32), op.rtol, op.atol)


@rows(lambda op: op.integers)
@given(data=st.data())
@examples(0.3)
def test_forward_integers(op, data):
    dtype = np.dtype(data.draw(st.sampled_from(op.integers)))
    check_forward(op, data.draw(cases(op, dtype)), dtype, op.rtol, op.atol)


@rows(lambda op: op.special)
@given(data=st.data())
@examples(0.3)
def test_forward_of_nan_and_infinities(op, data):
    case = data.draw(cases(op, np.float64))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    arrays = []
    for array in case.tensors:
        special = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], array.shape)
        arrays.append(np.where(rng.random(array.shape) < 0.3, special, array) if array.dtype.kind == "f" else array)
    check_forward(op, type(case)(tuple(arrays), case.kwargs), np.dtype(np.float64))


# ---- gradients -------------------------------------------------------------------------------------------------------


@rows(lambda op: op.floats and op.differentiable)
@given(data=st.data())
@examples(0.2)
def test_gradient(op, data):
    case = data.draw(cases(op, np.float64, SEPARATE, max_side=3))
    before = [array.copy() for array in case.tensors]
    leaves = leaves_of(case)
    assert gradcheck(lambda *tensors: run(op, case, tensors), leaves, fast_mode=op.fast_mode)
    for array, copy in zip(case.tensors, before, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="an input was changed")


@rows(lambda op: op.floats and op.differentiable and op.smooth)
@given(data=st.data())
@examples(0.1)
def test_second_gradient(op, data):
    case = data.draw(cases(op, np.float64, SEPARATE, max_side=3))
    assert gradgradcheck(lambda *tensors: run(op, case, tensors), leaves_of(case), fast_mode=op.fast_mode)


@rows(lambda op: op.linear)
@given(data=st.data())
@examples(0.2)
def test_the_gradient_of_a_linear_operation_is_its_adjoint(op, data):
    """<A x, v> = <x, Aᵀ v> holds exactly, for small integers even to the bit; gradcheck has a tolerance."""
    case = data.draw(cases(op, np.float64, SEPARATE))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    arrays = [np.asarray(rng.integers(-4, 5, a.shape), a.dtype) if a.dtype.kind == "f" else a for a in case.tensors]
    leaves = leaves_of(type(case)(tuple(arrays), case.kwargs))
    outputs = run(op, case, leaves)
    cotangents = [minitorch.from_numpy(np.asarray(8.0 * rng.integers(-4, 5, out.shape))) for out in outputs]
    sources = [leaf for leaf in leaves if leaf.requires_grad]
    gradients = minitorch.autograd.grad(outputs, sources, cotangents, materialize_grads=True)
    forwards = sum(float((out.detach().data * v.data).sum()) for out, v in zip(outputs, cotangents, strict=True))
    backwards = sum(float((x.detach().data * g.data).sum()) for x, g in zip(sources, gradients, strict=True))
    assert forwards == pytest.approx(backwards, rel=1e-12, abs=1e-9)


@rows(lambda op: op.floats and op.differentiable)
@given(data=st.data())
@examples(0.1)
def test_the_gradient_of_a_sum(op, data):
    """The gradient that ``sum`` sends is one element, expanded: it must count as the full array of ones."""
    case = data.draw(cases(op, np.float64, SEPARATE))
    leaves = leaves_of(case)
    sources = [leaf for leaf in leaves if leaf.requires_grad]
    outputs = [out for out in run(op, case, leaves) if out.requires_grad]
    ones = [minitorch.ones_like(out) for out in outputs]
    wanted = minitorch.autograd.grad(outputs, sources, ones, retain_graph=True, materialize_grads=True)
    sums = [out.sum() for out in outputs]
    found = minitorch.autograd.grad(sums, sources, materialize_grads=True) if sums else wanted
    for a, e in zip(found, wanted, strict=True):
        assert_close(a, e, rtol=1e-12, atol=1e-12, equal_nan=True)


@rows(lambda op: op.floats and op.differentiable)
@given(data=st.data())
@examples(0.1)
def test_inputs_and_outputs_changed_before_backward(op, data):
    """Either backward notices, or it didn't need what was changed. The gradient is never that of other numbers."""
    case = data.draw(cases(op, np.float64, ("contiguous",)))

    def gradients(change):
        leaves = leaves_of(type(case)(tuple(np.array(a) for a in case.tensors), case.kwargs))
        outputs = run(op, case, leaves)
        sources, ends = [t for t in leaves if t.requires_grad], [out for out in outputs if out.requires_grad]
        with minitorch.no_grad():
            for tensor in change(leaves, outputs):
                if tensor.data.flags.writeable:  # expanded views aren't
                    tensor.zero_()
        return minitorch.autograd.grad(
            ends, sources, [minitorch.ones_like(end) for end in ends], materialize_grads=True
        )

    wanted = gradients(lambda leaves, outputs: [])

    def attempt(change):
        try:
            return gradients(change)
        except RuntimeError as error:
            if "modified by an inplace operation" not in str(error):
                raise
            return wanted

    for change in (lambda leaves, outputs: leaves, lambda leaves, outputs: outputs):
        for a, e in zip(attempt(change), wanted, strict=True):
            assert_close(a, e, rtol=1e-12, atol=1e-12, equal_nan=True)


@rows(lambda op: op.floats and not op.differentiable)
@given(data=st.data())
@examples(0.1)
def test_no_gradient(op, data):
    case = data.draw(cases(op, np.float64))
    for out in run(op, case, leaves_of(case)):
        assert not out.requires_grad
        assert out.grad_fn is None


# ---- errors ----------------------------------------------------------------------------------------------------------

MISTAKES = [pytest.param(m, id=f"{op.name}-{i}") for op in TABLE for i, m in enumerate(op.mistakes)]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_raises(mistake):
    with pytest.raises(mistake.error, match=mistake.message):
        mistake.call(minitorch)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_raises_the_same_in_pytorch(mistake):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if mistake.as_pytorch:
        with pytest.raises(mistake.error):
            mistake.call(torch)


# ---- completeness ----------------------------------------------------------------------------------------------------

# Public functions of minitorch.ops without a row, and the files that test them.
ELSEWHERE = {
    "test_creation.py, test_random.py": "arange as_tensor empty empty_like eye from_numpy full full_like linspace ones "
    "ones_like rand rand_like randint randn randn_like randperm tensor zeros zeros_like",
    "ops/test_activation.py": "dropout",  # random
    "test_dtypes.py": "result_type",
    "test_tensor.py": "allclose equal",  # give a bool, not a tensor
}


def test_every_operation_has_a_row():
    functions = {n for n in minitorch.__all__ if isinstance(getattr(minitorch, n), types.FunctionType)}
    public = {n for n in functions if getattr(minitorch, n).__module__.startswith("minitorch.ops")}
    public |= set(minitorch.nn.functional.__all__)
    assert public - {op.name for op in TABLE} == set(" ".join(ELSEWHERE.values()).split())


# ---- against PyTorch -------------------------------------------------------------------------------------------------


def torch_run(torch, op, case):
    leaves = [torch.tensor(np.array(array, order="C")) for array in case.tensors]
    leaves = [t.requires_grad_() if t.is_floating_point() and op.differentiable else t for t in leaves]
    result = op.call(torch, *leaves, **named_arguments(case, lambda array: torch.tensor(np.array(array))))
    return leaves, result if isinstance(result, tuple) else (result,)


def derivatives(lib, leaves, outputs, cotangents, directions):
    """The gradients of the outputs, and the gradients of those along ``directions``: None where there are none."""
    sources = [leaf for leaf in leaves if leaf.requires_grad]
    outputs = [out for out in outputs if out.requires_grad]
    if not outputs:
        return [], []
    grad = lib.autograd.grad
    first = grad(outputs, sources, cotangents[: len(outputs)], create_graph=True, allow_unused=True)
    zeros = [lib.zeros_like(x) if g is None else g for g, x in zip(first, sources, strict=True)]
    ends = [(g, d) for g, d in zip(zeros, directions, strict=True) if g.requires_grad]
    second = [None] * len(sources)
    if ends:
        second = grad([g for g, _ in ends], sources, [d for _, d in ends], allow_unused=True)
    second = [lib.zeros_like(x) if g is None else g for g, x in zip(second, sources, strict=True)]
    return [g.detach().numpy(force=True) for g in zeros], [g.detach().numpy(force=True) for g in second]


@rows(lambda op: True)
@given(data=st.data())
@examples(0.2)
def test_pytorch(op, data):
    """Values, dtypes, gradients and second gradients are PyTorch's."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    dtype = data.draw(st.sampled_from([np.float64] * op.floats + [np.float32] * op.floats + list(op.integers)))
    case = data.draw(cases(op, dtype).filter(op.in_torch))
    rtol, atol = (1e-9, 1e-9) if dtype == np.float64 else (op.rtol * 10, op.atol * 10)
    theirs, their_outputs = torch_run(torch, op, case)
    ours = [minitorch.from_numpy(array) for array in case.tensors]
    ours = [t.requires_grad_() if t.is_floating_point() and op.differentiable else t for t in ours]
    outputs = run(op, case, ours)
    assert len(outputs) == len(their_outputs)
    for a, e in zip(outputs, their_outputs, strict=True):
        wanted = e.detach().numpy()
        assert a.data.dtype == wanted.dtype
        assert_close(a, wanted, rtol=rtol, atol=atol, equal_nan=True)
        assert a.requires_grad == e.requires_grad
    rng = np.random.default_rng(0)
    differentiable = [out for out in outputs if out.requires_grad]
    cotangents = [np.asarray(rng.standard_normal(out.shape), out.data.dtype) for out in differentiable]
    sources = [leaf for leaf in ours if leaf.requires_grad]
    directions = [np.asarray(rng.standard_normal(leaf.shape), leaf.data.dtype) for leaf in sources]
    mine, yours = (
        derivatives(lib, leaves, results, [*map(convert, cotangents)], [*map(convert, directions)])
        for lib, leaves, results, convert in (
            (minitorch, ours, outputs, minitorch.from_numpy),
            (torch, theirs, their_outputs, torch.tensor),
        )
    )
    for order in (0, 1) if dtype == np.float64 else (0,):  # second derivatives lose too many digits in float32
        for a, e in zip(mine[order], yours[order], strict=True):
            assert_close(a, e, rtol=rtol, atol=atol, equal_nan=True)


def test_the_names_of_the_rows_are_unique():
    names = [op.name for op in TABLE]
    assert len(set(names)) == len(names)
    assert all(set(op.integers) <= set(INTEGERS_AND_BOOL) for op in TABLE)
