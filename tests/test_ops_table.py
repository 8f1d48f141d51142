"""Every row of the table of operations, tested in every way that the row allows."""

from __future__ import annotations

import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from op_rows.row import INTEGERS_AND_BOOL
from ops_table import TABLE

import minitorch
from minitorch.testing import assert_close
from minitorch.testing.suite import CHECKS, cases

CHECKED = [
    pytest.param(op, check, id=f"{op.name}-{check.name.replace(' ', '-')}")
    for check in CHECKS
    for op in TABLE
    if check.applies(op)
]


@pytest.mark.parametrize(("op", "check"), CHECKED)
def test_check(op, check):
    """What the checks are stands in ``minitorch/testing/checks.py``."""
    check.search(op)


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
    "test_creation.py": "arange as_tensor empty empty_like eye from_numpy full full_like linspace ones ones_like "
    "tensor zeros zeros_like",
    "test_random.py": "bernoulli normal rand rand_like randint randint_like randn randn_like randperm",
    "ops/test_dropout.py": "alpha_dropout dropout dropout1d dropout2d",  # random
    "test_type_promotion.py": "result_type",
    "test_tensor.py": "allclose equal",  # give a bool, not a tensor
}


def test_every_operation_has_a_row():
    functions = {n for n in minitorch.__all__ if isinstance(getattr(minitorch, n), types.FunctionType)}
    public = {n for n in functions if getattr(minitorch, n).__module__.startswith("minitorch.ops")}
    public |= set(minitorch.nn.functional.__all__)
    tested = {op.name for op in TABLE}
    # Aliases are the same function.
    rows_of = {getattr(minitorch, name) for name in tested if hasattr(minitorch, name)}
    public = {name for name in public if getattr(minitorch, name, None) not in rows_of}
    assert public - tested == set(" ".join(ELSEWHERE.values()).split())


# ---- against PyTorch -------------------------------------------------------------------------------------------------


def torch_run(torch, op, case):
    leaves = [torch.tensor(np.array(array, order="C")) for array in case.tensors]
    leaves = [t.requires_grad_() if t.is_floating_point() and op.differentiable else t for t in leaves]
    result = op.call(torch, *leaves, **case.named(lambda array: torch.tensor(np.array(array))))
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


@pytest.mark.parametrize("op", TABLE, ids=[op.name for op in TABLE])
@given(data=st.data())
@settings(max_examples=max(3, settings.default.max_examples // 5))
def test_pytorch(op, data):
    """Values, dtypes, gradients and second gradients are PyTorch's."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    dtype = data.draw(st.sampled_from([np.float64] * op.floats + [np.float32] * op.floats + list(op.integers)))
    case = data.draw(cases(op, dtype).filter(op.in_torch))
    rtol, atol = (1e-9, 1e-9) if dtype == np.float64 else (op.rtol * 10, op.atol * 10)
    theirs, their_outputs = torch_run(torch, op, case)
    ours = [minitorch.from_numpy(array) for array in case.tensors]
    ours = [t.requires_grad_() if t.is_floating_point() and op.differentiable else t for t in ours]
    outputs = op.run(case, ours)
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
