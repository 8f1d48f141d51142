"""ParameterList: a list whose tensors are the parameters of the module that holds it."""

from __future__ import annotations

import copy

import pytest

import minitorch
from minitorch import nn


def names(module):
    return [name for name, _ in module.named_parameters()]


def test_items():
    first = nn.Parameter(minitorch.ones(1))
    parameters = nn.ParameterList([first, minitorch.zeros(2)])
    assert parameters[0] is parameters[-2] is first
    assert type(parameters[1]) is nn.Parameter
    assert [p.shape for p in parameters] == [(1,), (2,)]
    assert len(parameters) == 2
    for index in (2, -3):
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            parameters[index]
    assert len(nn.ParameterList()) == 0


def test_a_module_knows_them():
    class Polynomial(nn.Module):
        def __init__(self):
            super().__init__()
            self.coefficients = nn.ParameterList(minitorch.tensor(float(i)) for i in range(3))

        def forward(self, x):
            return sum(c * x**i for i, c in enumerate(self.coefficients))

    model = Polynomial()
    assert names(model) == ["coefficients.0", "coefficients.1", "coefficients.2"]
    model(minitorch.tensor(3.0)).backward()
    assert [p.grad.item() for p in model.parameters()] == [1, 3, 9]
    other = copy.deepcopy(model)
    with minitorch.no_grad():
        other.coefficients[1].fill_(7)
    assert model.coefficients[1].item() == 1
    model.load_state_dict(other.state_dict())
    assert model.double().coefficients[1].item() == 7


def test_changing():
    parameters = nn.ParameterList()
    assert parameters.append(minitorch.ones(1)) is parameters
    assert parameters.extend([minitorch.ones(2)]) is parameters
    parameters += [minitorch.ones(3)]
    parameters[-1] = minitorch.ones(4)
    assert [p.numel() for p in parameters] == [1, 2, 4]
    assert names(parameters) == ["0", "1", "2"]
    parameters.extend(parameters)
    assert [p.numel() for p in parameters] == [1, 2, 4, 1, 2, 4]


def test_slices_share_the_parameters():
    parameters = nn.ParameterList(minitorch.ones(i) for i in range(4))
    part = parameters[::-2]
    assert type(part) is nn.ParameterList
    assert part[0] is parameters[3]
    assert [p.numel() for p in part] == [3, 1]


def test_anything_else_may_be_in_it_too():
    parameters = nn.ParameterList([minitorch.ones(1), "text", None])
    assert list(parameters)[1:] == ["text", None]
    assert names(parameters) == ["0"]


def test_repr():
    parameters = nn.ParameterList([minitorch.ones(2, 3), minitorch.zeros(4).half(), "text"])
    assert repr(parameters) == (
        "ParameterList(\n"
        "    (0): Parameter containing: [minitorch.float32 of size 2x3]\n"
        "    (1): Parameter containing: [minitorch.float16 of size 4]\n"
        "    (2): Object of type: str\n)"
    )
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    other = torch.nn.ParameterList([torch.ones(2, 3), torch.zeros(4).half(), "text"])
    assert repr(other).replace("torch", "minitorch") == repr(parameters)


@pytest.mark.parametrize("values", [3, minitorch.ones(2)])
def test_what_is_no_list(values):
    with pytest.raises(TypeError, match=f"called with an iterable, but got {type(values).__name__}"):
        nn.ParameterList(values)


def test_it_is_not_called():
    with pytest.raises(RuntimeError, match="ParameterList should not be called"):
        nn.ParameterList()(1)
