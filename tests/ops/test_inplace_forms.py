"""In-place forms write what the operation itself gives, where no graph forbids it."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytest

import minitorch
from minitorch.ops.inplace_forms import FORMS, OPERATORS

NAMES = sorted(name.removesuffix("_") + "_" for names in FORMS.values() for name in names.split())
INTEGER = {name for name in NAMES if name.startswith("bitwise")}
# The arguments of those that take more than the tensor itself; an array becomes a tensor.
OTHER = np.array([0.5, 0.25, 0.75])
ARGUMENTS = {
    **dict.fromkeys(("add_", "sub_", "mul_", "div_", "floor_divide_", "remainder_", "pow_", "atan2_"), (OTHER,)),
    **dict.fromkeys(("clamp_", "clamp_min_", "clamp_max_"), (OTHER,)),
    **dict.fromkeys(("logical_and_", "logical_or_", "logical_xor_"), (OTHER,)),
    **dict.fromkeys(sorted(INTEGER - {"bitwise_not_"}), (np.array([1, 2, 3]),)),
    "masked_fill_": (np.array([True, False, True]), 7),
    "lerp_": (OTHER, 0.25),
}
IN_PLACE = {
    "__iadd__": operator.iadd,
    "__isub__": operator.isub,
    "__imul__": operator.imul,
    "__itruediv__": operator.itruediv,
    "__ifloordiv__": operator.ifloordiv,
    "__imod__": operator.imod,
    "__ipow__": operator.ipow,
    "__iand__": operator.iand,
    "__ior__": operator.ior,
    "__ixor__": operator.ixor,
    "__ilshift__": operator.ilshift,
    "__irshift__": operator.irshift,
}


def operands(name):
    numbers = {"abs_": [-0.3, 0.6, 0.9], "nan_to_num_": [0.3, math.inf, 0.9]}.get(name, [0.3, 0.6, 0.9])
    if name in INTEGER:
        numbers = [5, 6, 12]
    arguments = [minitorch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in ARGUMENTS.get(name, ())]
    return minitorch.from_numpy(np.array(numbers)), arguments


@pytest.mark.parametrize("name", NAMES)
def test_the_form_writes_what_the_operation_gives(name):
    x, arguments = operands(name)
    wanted = getattr(x, name.removesuffix("_"))(*arguments)
    memory, version = x.data, x._version
    result = getattr(x, name)(*arguments)
    assert result is x
    assert x.data is memory
    assert x._version == version + 1
    assert x.dtype is operands(name)[0].dtype
    assert x.tolist() == wanted.to(x.dtype).tolist()
    assert x.tolist() != operands(name)[0].tolist()


@pytest.mark.parametrize("name", OPERATORS)
def test_the_operator_writes_too(name):
    x, arguments = operands(name)
    y, _ = operands(name)
    memory = x.data
    x = IN_PLACE[OPERATORS[name]](x, arguments[0])
    assert x.data is memory
    assert x.equal(getattr(y, name)(arguments[0]))


@pytest.mark.parametrize("name", sorted(set(NAMES) - INTEGER))
def test_a_graph_forbids_it(name):
    x, arguments = operands(name)
    with pytest.raises(RuntimeError, match=f"{name}: a leaf Variable that requires grad"):
        getattr(x.requires_grad_(), name)(*arguments)
    with minitorch.no_grad():
        getattr(x, name)(*arguments)


def test_an_argument_by_name_that_requires_grad_forbids_it():
    low = minitorch.zeros(1, requires_grad=True)
    with pytest.raises(RuntimeError, match="clamp_: a tensor that requires grad would be written into one"):
        minitorch.ones(2).clamp_(min=low)


def test_results_that_do_not_fit():
    with pytest.raises(RuntimeError, match=r"sqrt_: result type float32 can't be cast to the desired .* int64"):
        minitorch.tensor([4]).sqrt_()
    with pytest.raises(RuntimeError, match=r"masked_fill_: output with shape \[2\] doesn't match the broadcast shape"):
        minitorch.ones(2).masked_fill_(minitorch.ones(2, 2) > 0, 1)


@pytest.mark.parametrize("name", [*NAMES, *OPERATORS.values()])
def test_pytorch_has_it(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    assert hasattr(torch.Tensor, name)
