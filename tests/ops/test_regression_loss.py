"""mse_loss, l1_loss, smooth_l1_loss, huber_loss: where they have no derivative, weights, warnings, half precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import gradcheck, gradgradcheck
from minitorch.testing import assert_close

rng = np.random.default_rng(0)
LOSSES = [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss]
WEIGHTED = [F.mse_loss, F.l1_loss, F.huber_loss]
REDUCTIONS = ["none", "mean", "sum"]


def derivatives(loss: Any, x: list[float]) -> tuple[list[float], list[float]]:
    """The first and second derivatives of a loss of differences from 0."""
    a = minitorch.tensor(x, requires_grad=True)
    (first,) = minitorch.autograd.grad(loss(a, minitorch.zeros(len(x)), reduction="sum"), a, create_graph=True)
    if not first.requires_grad:
        return first.tolist(), [0.0] * len(x)
    (second,) = minitorch.autograd.grad(first.sum(), a)
    return first.tolist(), second.tolist()


def test_where_the_parabola_ends() -> None:
    """The slopes of both pieces are equal there; the second derivative is that of the line."""
    x = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]
    huber = derivatives(lambda a, b, **kw: F.huber_loss(a, b, delta=2, **kw), x)
    assert huber == ([-2, -2, -1, 0, 1, 2, 2], [0, 0, 1, 1, 1, 0, 0])
    smooth = derivatives(lambda a, b, **kw: F.smooth_l1_loss(a, b, beta=2, **kw), x)
    assert smooth == ([-1, -1, -0.5, 0, 0.5, 1, 1], [0, 0, 0.5, 0.5, 0.5, 0, 0])


def test_where_the_absolute_value_has_no_derivative() -> None:
    for loss in (F.l1_loss, lambda a, b, **kw: F.smooth_l1_loss(a, b, beta=0, **kw)):
        assert derivatives(loss, [-2.0, 0.0, 3.0]) == ([-1, 0, 1], [0, 0, 0])


def test_nan_and_infinities() -> None:
    for loss in (F.smooth_l1_loss, F.huber_loss):
        first, _ = derivatives(loss, [math.nan, math.inf, -math.inf])
        assert math.isnan(first[0])
        assert first[1:] == [1, -1]


@pytest.mark.parametrize("beta", [1e-30, 1e-40, 1e30])
def test_betas_of_any_size(beta: float) -> None:
    x = minitorch.tensor([-2.0, 0.0, 0.5], requires_grad=True)
    losses = F.smooth_l1_loss(x, minitorch.zeros(3), reduction="none", beta=beta)
    losses.sum().backward()
    if beta < 1:
        assert (losses.tolist(), x.grad.tolist()) == ([2, 0, 0.5], [-1, 0, 1])
    else:
        assert_close(losses, np.array([2e-30, 0, 0.125e-30], np.float32), rtol=1e-6, atol=0)
        assert_close(x.grad, np.array([-2e-30, 0, 0.5e-30], np.float32), rtol=1e-6, atol=0)


@pytest.mark.parametrize("loss", WEIGHTED)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_have_gradients(loss: Any, reduction: str) -> None:
    operands = [minitorch.tensor(rng.random((3, 2)) + shift, requires_grad=True) for shift in (0, 2, 1)]
    function = lambda x, t, w: loss(x, t, reduction=reduction, weight=w)  # noqa: E731
    assert gradcheck(function, operands)
    assert gradgradcheck(function, operands)


@pytest.mark.parametrize("loss", WEIGHTED)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_like_torch(torch: Any, assert_like_torch: Any, loss: Any, reduction: str) -> None:
    theirs = getattr(torch.nn.functional, loss.__name__)
    operands = rng.standard_normal((3, 4)), rng.standard_normal((3, 4)), rng.random((3, 4))
    assert_like_torch(*[lambda x, t, w, f=f: f(x, t, reduction=reduction, weight=w) for f in (loss, theirs)], *operands)


@pytest.mark.parametrize("loss", LOSSES)
def test_other_shapes_are_broadcast_with_a_warning(loss: Any) -> None:
    message = r"Using a target size .*\[4\].* different to the input size .*\[3, 4\]"
    with pytest.warns(UserWarning, match=message) as caught:
        assert loss(minitorch.ones(3, 4), minitorch.zeros(4), reduction="none").shape == (3, 4)
    assert caught[0].filename == __file__  # it names the line of the caller


@pytest.mark.parametrize("loss", LOSSES)
def test_dtypes(loss: Any) -> None:
    x, t = rng.standard_normal(50), rng.standard_normal(50)
    half = minitorch.tensor(x).half().requires_grad_()
    target = minitorch.tensor(t).half()
    for reduction in REDUCTIONS:
        found = loss(half, target, reduction=reduction)
        assert found.dtype is minitorch.float16
        wide = loss(half.detach().float(), target.float(), reduction=reduction)
        np.testing.assert_array_equal(found.detach().numpy(), wide.half().numpy())  # rounded once
    loss(half, target).backward()
    assert half.grad.dtype is minitorch.float16
    assert loss(half, target.double()).dtype is minitorch.float64
    assert loss(half.detach().float(), minitorch.arange(50)).dtype is minitorch.float32


def test_integers() -> None:
    a, b = minitorch.tensor([1, 5]), minitorch.tensor([4, 3])
    assert F.l1_loss(a, b, reduction="none").tolist() == [3, 2]
    assert F.l1_loss(a, b, reduction="sum").dtype is minitorch.int64
    with pytest.raises(RuntimeError, match="floating point"):
        F.l1_loss(a, b)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_nothing(loss: Any) -> None:
    x = minitorch.zeros(0, 3, requires_grad=True)
    assert math.isnan(loss(x, x.detach()).item())
    total = loss(x, x.detach(), reduction="sum")
    total.backward()
    assert total.item() == 0
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize("loss", LOSSES[:3])
def test_a_reduction_in_the_place_of_size_average(loss: Any) -> None:
    with pytest.raises(ValueError, match=f"{loss.__name__}: size_average and reduce, .* got size_average='sum'"):
        loss(minitorch.ones(2), minitorch.ones(2), "sum")


def test_what_is_no_weight() -> None:
    with pytest.raises(TypeError, match="mse_loss: expected weight to be a Tensor, got float"):
        F.mse_loss(minitorch.ones(2), minitorch.ones(2), weight=1.0)
