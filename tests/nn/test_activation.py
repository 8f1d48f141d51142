"""The layers of activations: each calls its function with its arguments, and shows itself as PyTorch's does."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch import nn
from minitorch.testing import assert_close

# How a layer is made, how it is shown, and what it computes.
LAYERS = {
    "nn.ReLU()": ("ReLU()", F.relu),
    "nn.ReLU6()": ("ReLU6()", F.relu6),
    "nn.ReLU6(inplace=True)": ("ReLU6(inplace=True)", F.relu6),
    "nn.LeakyReLU()": ("LeakyReLU(negative_slope=0.01)", F.leaky_relu),
    "nn.LeakyReLU(0.2, True)": ("LeakyReLU(negative_slope=0.2, inplace=True)", lambda x: F.leaky_relu(x, 0.2)),
    "nn.PReLU()": ("PReLU(num_parameters=1)", lambda x: F.leaky_relu(x, 0.25)),
    "nn.PReLU(4, init=-0.5)": ("PReLU(num_parameters=4)", lambda x: F.leaky_relu(x, -0.5)),
    "nn.Threshold(0.1, 20)": ("Threshold(threshold=0.1, value=20)", lambda x: F.threshold(x, 0.1, 20)),
    "nn.Threshold(0.1, 20, True)": (
        "Threshold(threshold=0.1, value=20, inplace=True)",
        lambda x: F.threshold(x, 0.1, 20),
    ),
    "nn.Hardtanh()": ("Hardtanh(min_val=-1.0, max_val=1.0)", F.hardtanh),
    "nn.Hardtanh(-0.5, 2, True)": (
        "Hardtanh(min_val=-0.5, max_val=2, inplace=True)",
        lambda x: F.hardtanh(x, -0.5, 2),
    ),
    "nn.Hardsigmoid()": ("Hardsigmoid()", F.hardsigmoid),
    "nn.Hardsigmoid(True)": ("Hardsigmoid()", F.hardsigmoid),
    "nn.Hardswish()": ("Hardswish()", F.hardswish),
    "nn.Hardswish(True)": ("Hardswish()", F.hardswish),
    "nn.Tanh()": ("Tanh()", F.tanh),
    "nn.Sigmoid()": ("Sigmoid()", F.sigmoid),
    "nn.ELU()": ("ELU(alpha=1.0)", F.elu),
    "nn.ELU(2.0, inplace=True)": ("ELU(alpha=2.0, inplace=True)", lambda x: F.elu(x, 2.0)),
    "nn.SELU()": ("SELU()", F.selu),
    "nn.SELU(True)": ("SELU(inplace=True)", F.selu),
    "nn.GELU()": ("GELU(approximate='none')", F.gelu),
    "nn.GELU('tanh')": ("GELU(approximate='tanh')", lambda x: F.gelu(x, approximate="tanh")),
    "nn.SiLU()": ("SiLU()", F.silu),
    "nn.SiLU(inplace=True)": ("SiLU(inplace=True)", F.silu),
    "nn.Mish()": ("Mish()", F.mish),
    "nn.Mish(True)": ("Mish(inplace=True)", F.mish),
    "nn.Softplus()": ("Softplus(beta=1.0, threshold=20.0)", F.softplus),
    "nn.Softplus(2, 1)": ("Softplus(beta=2, threshold=1)", lambda x: F.softplus(x, 2, 1)),
    "nn.LogSigmoid()": ("LogSigmoid()", F.logsigmoid),
    "nn.Softsign()": ("Softsign()", F.softsign),
    "nn.GLU()": ("GLU(dim=-1)", F.glu),
    "nn.GLU(1)": ("GLU(dim=1)", lambda x: F.glu(x, 1)),
    "nn.Softmax(1)": ("Softmax(dim=1)", lambda x: F.softmax(x, 1)),
    "nn.Softmin(0)": ("Softmin(dim=0)", lambda x: F.softmin(x, 0)),
    "nn.LogSoftmax(-1)": ("LogSoftmax(dim=-1)", lambda x: F.log_softmax(x, -1)),
}


def numbers():
    return np.random.default_rng(0).standard_normal((3, 4, 6)).astype(np.float32)


@pytest.mark.parametrize("source", LAYERS)
def test_a_layer_is_its_function(source):
    shown, function = LAYERS[source]
    layer = eval(source)
    assert repr(layer) == shown
    x = minitorch.tensor(numbers())
    wanted = function(x.clone())
    with minitorch.no_grad():
        y = layer(x)
    assert_close(y, wanted)
    assert (y is x) == getattr(layer, "inplace", False)


@pytest.mark.parametrize("source", LAYERS)
def test_pytorch_computes_and_shows_the_same(source):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = eval(source, {"nn": torch.nn})
    assert repr(theirs) == LAYERS[source][0]
    layer = eval(source)
    with minitorch.no_grad(), torch.no_grad():
        assert_close(layer(minitorch.tensor(numbers())), theirs(torch.tensor(numbers())).numpy(), rtol=1e-5, atol=1e-6)
    assert list(layer.state_dict()) == list(theirs.state_dict())
    assert vars(layer).keys() >= {name for name in vars(theirs) if not name.startswith("_")}


def test_prelu_learns_its_slopes():
    layer = nn.PReLU(2)
    x = minitorch.tensor([[-1.0, -2.0], [3.0, -4.0]])
    layer(x).sum().backward()
    assert layer.weight.grad.tolist() == [-1.0, -6.0]
    assert list(layer.state_dict()) == ["weight"]
    with minitorch.no_grad():
        layer.weight.zero_()
    layer.reset_parameters()
    assert layer.weight.tolist() == [0.25, 0.25]
    assert nn.PReLU(dtype=minitorch.float64).weight.dtype is minitorch.float64


def test_old_names_of_the_bounds():
    with pytest.warns(FutureWarning, match="`min_value` is deprecated and renamed to `min_val`"):
        layer = nn.Hardtanh(min_value=-3)
    assert (layer.min_val, layer.max_val) == (-3, 1.0)
    with pytest.warns(FutureWarning, match="`max_value` is deprecated and renamed to `max_val`"):
        assert nn.Hardtanh(max_value=3).max_val == 3


@pytest.mark.parametrize("library", ["minitorch", "torch"])
def test_bounds_that_leave_nothing_between(library):
    lib = pytest.importorskip(library, reason="PyTorch is not installed")
    with pytest.raises(AssertionError, match=r"max_val \(1\) must be greater than min_val \(2\)"):
        lib.nn.Hardtanh(2, 1)


@pytest.mark.parametrize("layer", [nn.Softmax(), nn.Softmin(), nn.LogSoftmax()])
def test_softmax_without_a_dimension(layer):
    assert repr(layer).endswith("(dim=None)")
    x = minitorch.randn(2, 3)
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        y = layer(x)
    assert_close(y, type(layer)(1)(x))
