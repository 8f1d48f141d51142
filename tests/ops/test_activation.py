"""Activation functions and softmax: results, first and second derivatives, errors."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import gradcheck, gradgradcheck
from minitorch.testing import arrays, assert_close, shapes

ELEMENTWISE = [F.relu, F.leaky_relu, F.tanh, F.sigmoid]
ROWS = [F.softmax, F.log_softmax]

# NumPy's own formulas, in double precision.
ORACLES = {
    "relu": lambda x: np.where(x <= 0, 0, x),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "tanh": np.tanh,
    "sigmoid": lambda x: np.where(x > 0, 1 / (1 + np.exp(-abs(x))), np.exp(-abs(x)) / (1 + np.exp(-abs(x)))),
}


def away_from_zero(*shape: int) -> Any:
    x = np.random.default_rng(sum(shape)).standard_normal(shape)
    return x + np.sign(x) * 0.1


def double(*shape: int) -> minitorch.Tensor:
    return minitorch.tensor(away_from_zero(*shape), requires_grad=True)


@pytest.mark.parametrize("function", ELEMENTWISE)
@given(data=st.data())
def test_elementwise_functions_follow_their_formula(function: Any, data: st.DataObject) -> None:
    x = data.draw(arrays(shapes(), np.float32, values=data.draw(st.sampled_from(["special", "normal"]))))
    before = x.copy()
    with np.errstate(all="ignore"):
        expected = ORACLES[function.__name__](x.astype(np.float64)).astype(np.float32)
    assert_close(function(minitorch.from_numpy(x)), expected, rtol=1e-6, atol=1e-7, equal_nan=True)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("function", ELEMENTWISE)
def test_elementwise_functions_like_torch(torch: Any, assert_like_torch: Any, function: Any) -> None:
    theirs = getattr(torch.nn.functional, function.__name__)
    for shape in ((), (0, 3), (2, 3, 4)):
        assert_like_torch(function, theirs, away_from_zero(*shape))
    assert_like_torch(function, theirs, np.array([0.0, -0.0, 800.0, -800.0, np.inf, -np.inf]))


@pytest.mark.parametrize("function", ELEMENTWISE)
def test_elementwise_gradcheck(function: Any) -> None:
    assert gradcheck(function, double(2, 3))
    assert gradgradcheck(function, double(2, 3))


@pytest.mark.parametrize("function", ROWS)
@pytest.mark.parametrize(
    ("shape", "dim"), [((3, 4), 1), ((3, 4), 0), ((2, 3, 4), 1), ((2, 3, 4), -1), ((5,), 0), ((), 0), ((0, 3), 1)]
)
def test_softmax_like_torch(torch: Any, assert_like_torch: Any, function: Any, shape: Any, dim: int) -> None:
    theirs = getattr(torch.nn.functional, function.__name__)
    assert_like_torch(lambda x: function(x, dim), lambda x: theirs(x, dim=dim), away_from_zero(*shape))


@pytest.mark.parametrize("function", ROWS)
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_softmax_gradcheck(function: Any, dim: int) -> None:
    assert gradcheck(lambda x: function(x, dim), double(2, 3, 2))
    assert gradgradcheck(lambda x: function(x, dim), double(2, 3, 2))


@given(data=st.data(), dim=st.integers(0, 2))
def test_softmax_of_any_layout_sums_to_one(data: st.DataObject, dim: int) -> None:
    x = data.draw(arrays(shapes(min_dims=3, max_dims=3, min_side=1), np.float32))
    y = F.softmax(minitorch.from_numpy(x), dim)
    assert_close(y.sum(dim), np.ones_like(x.sum(dim)), rtol=1e-6, atol=1e-6)
    assert_close(F.log_softmax(minitorch.from_numpy(x), dim).exp(), y)


@pytest.mark.parametrize("function", ROWS)
def test_softmax_of_extreme_numbers(torch: Any, assert_like_torch: Any, function: Any) -> None:
    x = np.array([[1e4, 0, -1e4], [0, -np.inf, 0], [np.inf, 0, 0], [-np.inf] * 3, [0, np.nan, 0]])
    theirs = getattr(torch.nn.functional, function.__name__)
    assert_close(function(minitorch.tensor(x), 1), theirs(torch.tensor(x), 1), equal_nan=True)


@pytest.mark.parametrize("function", ROWS)
def test_softmax_with_no_columns(function: Any) -> None:
    assert function(minitorch.zeros(3, 0), 1).shape == (3, 0)
    assert function(minitorch.zeros(3, 0), 0).shape == (3, 0)


def test_methods_are_the_functions() -> None:
    x = minitorch.tensor([[1.0, -2.0]])
    for function in (F.relu, F.tanh, F.sigmoid):
        assert_close(getattr(x, function.__name__)(), function(x))
    assert_close(x.softmax(-1), F.softmax(x, -1))
    assert_close(x.log_softmax(dim=0), F.log_softmax(x, dim=0))


def test_relu_has_second_derivatives_of_zero() -> None:
    x = minitorch.tensor([-1.0, 2.0], requires_grad=True)
    (dx,) = minitorch.autograd.grad(x.relu().sum(), x, create_graph=True)
    assert dx.tolist() == [0.0, 1.0]
    assert minitorch.autograd.grad(dx.sum(), x)[0].tolist() == [0.0, 0.0]


# ---- dtypes ----------------------------------------------------------------------------------------------------------


def test_half_precision_is_rounded_once() -> None:
    x = minitorch.tensor(away_from_zero(4, 5)).half()
    slope = minitorch.tensor([0.3]).half()
    functions = [
        *ELEMENTWISE,
        *(getattr(F, name) for name in KINKS if name not in ("prelu", "threshold")),
        lambda t: F.prelu(t, slope.to(t.dtype)),
        lambda t: F.threshold(t, 0.2, -1),
        lambda t: F.gelu(t, approximate="tanh"),
        lambda t: F.softmax(t, 0),
        lambda t: F.softmin(t, 0),
        lambda t: F.log_softmax(t, 1),
        lambda t: F.glu(t, 0),
        F.mish,
        F.logsigmoid,
        F.softsign,
        F.gelu,
    ]
    for function in functions:
        assert_close(function(x), function(x.float()).half(), rtol=0, atol=1e-3)
        assert function(x).dtype is minitorch.float16
    assert F.sigmoid(minitorch.tensor([-14.0]).half()).item() > 0  # exp(14) is no half
    assert F.softmax(x, 0, dtype=minitorch.float64).dtype is minitorch.float64


def test_integers() -> None:
    x = minitorch.tensor([-2, 3])
    assert F.relu(x).tolist() == [0, 3]
    assert F.relu(x).dtype is minitorch.int64
    assert_close(F.tanh(x), np.tanh(np.float32([-2, 3])))
    assert F.sigmoid(minitorch.tensor([True])).dtype is minitorch.float32
    assert F.softmax(x, 0, dtype=minitorch.float32).dtype is minitorch.float32


def test_errors() -> None:
    integers = minitorch.tensor([-2, 3])
    for name, call in {
        "relu": lambda: F.relu(integers.bool()),
        "leaky_relu": lambda: F.leaky_relu(integers),
        "softmax": lambda: F.softmax(integers, 0),
        "log_softmax": lambda: F.log_softmax(integers, 0),
    }.items():
        with pytest.raises(
            RuntimeError, match=rf"{name}: expected floating-point tensors, got minitorch\.(int64|bool)"
        ):
            call()
    with pytest.raises(IndexError, match=r"expected to be in range of \[-2, 1\], but got dim=2"):
        F.softmax(minitorch.zeros(2, 3), 2)
    with pytest.raises(TypeError, match="relu: expected a Tensor, got float"):
        F.relu(1.0)  # type: ignore[arg-type]


# ---- in place --------------------------------------------------------------------------------------------------------


IN_PLACE = [F.relu, F.relu6, F.leaky_relu, F.elu, F.selu, F.silu, F.mish, F.hardtanh, F.hardsigmoid, F.hardswish]


@pytest.mark.parametrize("function", IN_PLACE)
def test_in_place(function: Any) -> None:
    x = minitorch.tensor([-1.0, 2.0])
    expected = function(x)
    assert function(x, inplace=True) is x
    assert_close(x, expected)
    half = minitorch.tensor([-1.0, 2.0]).half()
    assert function(half, inplace=True) is half
    assert_close(half.float(), expected, rtol=1e-3, atol=0)
    w = minitorch.tensor([-1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=f"^{function.__name__}: .*in-place operation"):
        function(w, inplace=True)
    with pytest.raises(RuntimeError, match=f"^{function.__name__}: the tensor is part of .* Leave out inplace"):
        function(w * 2, inplace=True)
    assert w.tolist() == [-1.0, 2.0]
    with minitorch.no_grad():
        assert function(w, inplace=True) is w


def test_relu_of_nan_passes_the_gradient() -> None:
    x = minitorch.tensor([np.nan, -1.0, 0.0, 2.0], requires_grad=True)
    F.relu(x).backward(minitorch.tensor([3.0, 4.0, 5.0, 6.0]))
    assert x.grad.tolist() == [3.0, 0.0, 0.0, 6.0]


def test_in_place_with_arguments() -> None:
    x = minitorch.tensor([-1, 5])
    assert F.threshold(x, 0, 7, inplace=True) is x
    assert F.hardtanh(x, 0, 6, inplace=True) is x
    assert x.tolist() == [6, 5]
    y = minitorch.tensor([-1.0])
    F.leaky_relu(y, 0.5, inplace=True)
    assert y.tolist() == [-0.5]


# ---- kinks and extremes ----------------------------------------------------------------------------------------------

NAN, INF = np.nan, np.inf

# Points where there is no derivative, or where formulas overflow: the gradients there, and the second derivatives.
# All are PyTorch's, but for the second derivative of hardsigmoid, which it hasn't got.
KINKS: dict[str, tuple[tuple[Any, ...], list[float], list[float], list[float]]] = {
    "relu6": ((), [0, 6, INF], [0, 0, 0], [0, 0, 0]),
    "leaky_relu": ((0.1,), [0, -INF, NAN], [0.1, 0.1, 0.1], [0, 0, 0]),
    "prelu": (("weight",), [0, -INF, NAN], [0.5, 0.5, 0.5], [0, 0, 0]),
    "threshold": ((1, 7), [1, NAN, INF], [0, 1, 1], [0, 0, 0]),
    "hardtanh": ((), [-1, 1, 0, INF], [0, 0, 1, 0], [0, 0, 0, 0]),
    "hardsigmoid": ((), [-3, 3, 0, INF], [0, 0, 1 / 6, 0], [0, 0, 0, 0]),
    "hardswish": ((), [-3, 3, 0, NAN, INF], [0, 1, 0.5, 1, 1], [0, 0, 1 / 3, 0, 0]),
    "elu": ((2.0,), [0, 1000, -1000, INF, -INF, NAN], [2, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 0]),
    "selu": ((), [0, 1000, -INF], [1.7580993408473766, 1.0507009873554805, 0], [0, 0, 0]),
    "silu": ((), [0, 800, -800], [0.5, 1, 0], [0.5, 0, 0]),
    "mish": ((), [0, -800], [0.6, 0], [0.64, 0]),
    "softplus": ((2, 1), [0, 0.6, -INF, INF], [0.5, 1, 0, 1], [0.5, 0, 0, 0]),
    "logsigmoid": ((), [0, 800, -800, INF, -INF], [0.5, 0, 1, 0, 1], [-0.25, 0, 0, 0, 0]),
}


def check_derivatives(lib: Any, name: str) -> None:
    args, points, first, second = KINKS[name]
    given = [lib.tensor([0.5], dtype=lib.float64) if a == "weight" else a for a in args]
    x = lib.tensor(points, dtype=lib.float64, requires_grad=True)
    y = getattr(lib.nn.functional, name)(x, *given)
    (dx,) = lib.autograd.grad(y, x, lib.ones_like(y), create_graph=True)
    np.testing.assert_allclose(dx.tolist(), first, rtol=1e-7, atol=1e-300)  # PyTorch's 1/6 is one of float32
    if lib is minitorch or name != "hardsigmoid":
        (ddx,) = lib.autograd.grad(dx, x, lib.ones_like(dx))
        np.testing.assert_allclose(ddx.tolist(), second, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", KINKS)
def test_derivatives_at_kinks_and_extremes(name: str) -> None:
    check_derivatives(minitorch, name)


@pytest.mark.parametrize("name", KINKS)
def test_pytorch_has_the_same_derivatives_there(torch: Any, name: str) -> None:
    check_derivatives(torch, name)


TINY = math.exp(-89)  # no normal number in float32


@pytest.mark.parametrize(
    ("function", "points", "values"),
    [
        (F.silu, [-800, -89, 800], [0, -89 * TINY, 800]),
        (F.mish, [-800, -89, 800], [0, -89 * TINY, 800]),
        (F.softplus, [-800, -89, 800], [0, TINY, 800]),
        (lambda x: F.softplus(x, 1, 1000), [-89, 30, 800], [TINY, 30 + math.exp(-30), 800]),
        (F.logsigmoid, [-800, 89, 30], [-800, -TINY, -math.exp(-30)]),
        (lambda x: F.gelu(x, approximate="tanh"), [-8, 8], [-8 * math.exp(-49.29981890441717), 8]),
        (F.elu, [-1e-12, 800], [-1e-12, 800]),
    ],
)
def test_no_digits_are_lost_far_out(function: Any, points: list[float], values: list[float]) -> None:
    """Where one summand of the textbook formula overflows or swallows the other."""
    y = function(minitorch.tensor(points, dtype=minitorch.float64)).numpy()
    np.testing.assert_allclose(y, values, rtol=1e-6, atol=0)


# ---- softmax without a dimension -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
@pytest.mark.parametrize(("ndim", "dim"), [(0, 0), (1, 0), (2, 1), (3, 0), (4, 1)])
def test_softmax_chooses_a_dimension_with_a_warning(name: str, ndim: int, dim: int) -> None:
    x = minitorch.randn((2, 3, 4, 5)[:ndim])
    with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name} has been deprecated"):
        found = getattr(F, name)(x)
    assert_close(found, getattr(F, name)(x, dim))
    if name != "softmin":
        with pytest.raises(TypeError, match="dim"):
            getattr(minitorch, name)(x)


def test_softmin_of_small_integers_does_not_wrap_around() -> None:
    x = minitorch.tensor([0, 1], dtype=minitorch.uint8)
    assert F.softmin(x, 0, dtype=minitorch.float32).argmax().item() == 0
