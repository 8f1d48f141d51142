"""Activation functions, softmax and dropout: results, first and second derivatives, errors."""

from __future__ import annotations

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
    x = minitorch.tensor(away_from_zero(3, 5)).half()
    functions = [*ELEMENTWISE, lambda t: F.softmax(t, 0), lambda t: F.log_softmax(t, 1)]
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
        "dropout": lambda: F.dropout(integers),
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


@pytest.mark.parametrize("function", [F.relu, F.leaky_relu])
def test_in_place(function: Any) -> None:
    x = minitorch.tensor([-1.0, 2.0])
    expected = function(x)
    assert function(x, inplace=True) is x
    assert_close(x, expected)
    w = minitorch.tensor([-1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=f"^{function.__name__}: .*in-place operation"):
        function(w, inplace=True)
    with pytest.raises(RuntimeError, match=f"^{function.__name__}: the tensor is part of a recorded graph"):
        function(w * 2, inplace=True)
    assert w.tolist() == [-1.0, 2.0]
    with minitorch.no_grad():
        assert function(w, inplace=True) is w


# ---- dropout ---------------------------------------------------------------------------------------------------------


def test_dropout_scales_what_it_keeps() -> None:
    minitorch.manual_seed(0)
    x = minitorch.tensor(away_from_zero(100, 100).astype(np.float32))
    y = F.dropout(x, 0.3)
    kept = y.numpy() != 0
    assert abs(kept.mean() - 0.7) < 0.02
    assert_close(y.numpy()[kept], x.numpy()[kept] / np.float32(0.7))


def test_dropout_depends_on_the_seed_alone() -> None:
    x = minitorch.ones(7, 5)
    minitorch.manual_seed(3)
    first, second = F.dropout(x), F.dropout(x)
    assert first.tolist() != second.tolist()
    minitorch.manual_seed(3)
    assert F.dropout(minitorch.ones(5, 7).T).tolist() == first.tolist()  # whatever the strides
    assert F.dropout(x).tolist() == second.tolist()


def test_dropout_passes_gradients_where_it_passed_elements() -> None:
    x = minitorch.ones(4, 5, requires_grad=True)
    y = F.dropout(x, 0.5)
    (dx,) = minitorch.autograd.grad(y, x, minitorch.full((4, 5), 3.0))
    assert_close(dx, y.detach() * 3)

    def seeded(t: minitorch.Tensor) -> minitorch.Tensor:
        minitorch.manual_seed(5)
        return F.dropout(t, 0.4)

    assert gradcheck(seeded, double(3, 4))
    assert gradgradcheck(seeded, double(3, 4))


def test_dropout_identity_and_zeros() -> None:
    x = minitorch.tensor([1.0, np.inf])
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 1.0).tolist() == [0.0, 0.0]
    assert F.dropout(minitorch.zeros(0, 3)).shape == (0, 3)
    assert F.dropout(x.half()).dtype is minitorch.float16
    minitorch.manual_seed(1)
    expected = F.dropout(x).tolist()
    minitorch.manual_seed(1)
    assert F.dropout(x, inplace=True) is x
    assert x.tolist() == expected


def test_relu_of_nan_passes_the_gradient() -> None:
    x = minitorch.tensor([np.nan, -1.0, 0.0, 2.0], requires_grad=True)
    F.relu(x).backward(minitorch.tensor([3.0, 4.0, 5.0, 6.0]))
    assert x.grad.tolist() == [3.0, 0.0, 0.0, 6.0]


@pytest.mark.parametrize("p", [-0.1, 1.5, np.nan])
def test_dropout_probability(p: float) -> None:
    with pytest.raises(ValueError, match=rf"dropout probability has to be between 0 and 1, but got {p}"):
        F.dropout(minitorch.ones(2), p, training=False)
