"""The losses of probabilities and distributions: at the ends of their ranges, their weights, half precision."""

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
REDUCTIONS = ["none", "mean", "sum"]


def tensors(*lists: Any, **kwargs: Any) -> list[minitorch.Tensor]:
    return [minitorch.tensor(numbers, dtype=minitorch.float64, **kwargs) for numbers in lists]


def gradients(loss: minitorch.Tensor, *sources: minitorch.Tensor) -> list[list[float]]:
    return [g.tolist() for g in minitorch.autograd.grad(loss.sum(), sources)]


# ---- yes or no -------------------------------------------------------------------------------------------------------


def test_binary_cross_entropy_of_sure_answers() -> None:
    x, t = tensors([0, 0, 1, 1, 0.5], [0, 1, 0, 1, 1], requires_grad=True)
    losses = F.binary_cross_entropy(x, t, reduction="none")
    assert_close(losses, np.array([0, 100, 100, 0, math.log(2)]), rtol=1e-15, atol=0)
    of_input, of_target = gradients(losses, x, t)
    assert of_input == [0, -1e12, 1e12, 0, -2]
    assert of_target == [math.inf, math.inf, -math.inf, -math.inf, 0]


def test_logits_far_from_zero() -> None:
    x, t = tensors([-1000, -1000, 1000, 1000], [0, 1, 0, 1], requires_grad=True)
    losses = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    assert losses.tolist() == [0, 1000, 1000, 0]
    of_input, of_target = gradients(losses, x, t)
    assert of_input == [0, -1, 1, 0]
    assert of_target == [1000, 1000, -1000, -1000]
    (x,) = tensors([-40], requires_grad=True)
    (g,) = gradients(F.binary_cross_entropy_with_logits(x, x.detach() * 0), x)
    assert g == [pytest.approx(math.exp(-40), rel=1e-12)]  # 1 - σ(40) is 0, its gradient isn't


def test_logits_and_probabilities_agree() -> None:
    x, t, w = tensors(rng.standard_normal((4, 3)), rng.random((4, 3)), rng.random(3))
    for reduction in REDUCTIONS:
        expected = F.binary_cross_entropy(minitorch.sigmoid(x), t, w, reduction=reduction)
        assert_close(F.binary_cross_entropy_with_logits(x, t, w, reduction=reduction), expected)
    # pos_weight counts a yes as that many.
    twice = F.binary_cross_entropy_with_logits(x, t, pos_weight=minitorch.tensor(2.0), reduction="sum")
    once = F.binary_cross_entropy_with_logits(x, t, reduction="sum")
    more = F.binary_cross_entropy_with_logits(x, t * 0 + 1, t, reduction="sum")
    assert_close(twice, once + more)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_have_gradients(reduction: str) -> None:
    x, t, w, v = tensors(*rng.random((4, 3, 2)) * 0.8 + 0.1, requires_grad=True)

    def of_probabilities(x: Any, t: Any, w: Any) -> Any:
        return F.binary_cross_entropy(x, t, w, reduction=reduction)

    def of_logits(x: Any, t: Any, w: Any, v: Any) -> Any:
        return F.binary_cross_entropy_with_logits(x, t, w, reduction=reduction, pos_weight=v)

    row, single = w[0].detach().requires_grad_(), v[:, :1].detach().requires_grad_()
    for function, operands in ((of_probabilities, (x, t, row)), (of_logits, (x, t, row, single))):
        assert gradcheck(function, operands)
        assert gradgradcheck(function, operands)


def test_dtypes_of_binary_cross_entropy() -> None:
    x, t = minitorch.tensor([0.3, 0.9]).half(), minitorch.tensor([0.0, 1.0]).half()
    for loss in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits):
        found = loss(x, t, weight=minitorch.ones(2))
        assert found.dtype is minitorch.float16
        assert found.item() == loss(x.float(), t.float()).half().item()
    assert F.binary_cross_entropy(x.float(), t.float(), minitorch.ones(2).double()).dtype is minitorch.float32


# ---- distributions ---------------------------------------------------------------------------------------------------


def test_kl_div_where_the_target_is_zero() -> None:
    x, t = tensors([-1, -2, -3], [0, 0.5, 0.5], requires_grad=True)
    losses = F.kl_div(x, t, reduction="none")
    assert losses.tolist() == [0, 0.5 * math.log(0.5) + 1, 0.5 * math.log(0.5) + 1.5]
    of_input, of_target = gradients(losses, x, t)
    assert of_input == [0, -0.5, -0.5]
    assert of_target[0] == -math.inf
    assert of_target[1:] == [pytest.approx(math.log(0.5) + 3), pytest.approx(math.log(0.5) + 4)]


def test_kl_div_is_a_divergence() -> None:
    p, q = (F.softmax(minitorch.tensor(rng.standard_normal((5, 4))), 1) for _ in range(2))
    expected = (p.numpy() * np.log(p.numpy() / q.numpy())).sum() / 5
    for log_target in (False, True):
        found = F.kl_div(q.log(), p.log() if log_target else p, reduction="batchmean", log_target=log_target)
        assert found.item() == pytest.approx(expected)
        assert F.kl_div(p.log(), p.log() if log_target else p, reduction="sum", log_target=log_target).item() == (
            pytest.approx(0, abs=1e-12)
        )
    one, none = minitorch.ones(()), minitorch.ones(0, 3)
    assert F.kl_div(one, one, reduction="batchmean").item() == -1
    assert math.isnan(F.kl_div(none, none, reduction="batchmean").item())


def test_kl_div_warns_of_the_mean() -> None:
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size") as caught:
        F.kl_div(minitorch.zeros(2, 3), minitorch.ones(2, 3))
    assert caught[0].filename == __file__


def test_stirling_counts_from_two_on() -> None:
    x, t = tensors([0.0] * 5, [0, 0.5, 1, 2, math.nan], requires_grad=True)
    plain = F.poisson_nll_loss(x, t, reduction="none")
    full = F.poisson_nll_loss(x, t, full=True, reduction="none")
    added = (full - plain).tolist()
    assert added[:3] == [0, 0, 0]
    assert added[3] == pytest.approx(math.log(2), abs=0.05)  # ln 2!
    assert math.isnan(added[4])
    (of_target,) = gradients(full, t)
    assert of_target[:3] == [0, 0, 0]
    assert of_target[3] == pytest.approx(math.log(2) + 0.25)


def test_large_counts() -> None:
    """The likelihood of n at the rate n, which is 1/√2πn."""
    n = minitorch.tensor([10.0, 1000.0], dtype=minitorch.float64)
    losses = F.poisson_nll_loss(n, n, log_input=False, full=True, reduction="none").numpy()
    np.testing.assert_allclose(losses, 0.5 * np.log(2 * np.pi * n.numpy()), rtol=1e-7)


def test_gaussian_nll_loss_of_small_variances() -> None:
    """They count as eps, with the gradient of the formula at eps."""
    m, v = tensors([1, 1, 1], [0, 1e-9, 1], requires_grad=True)
    t = m.detach() * 0
    losses = F.gaussian_nll_loss(m, t, v, eps=1e-2, reduction="none")
    assert losses.tolist() == [pytest.approx((math.log(0.01) + 100) / 2)] * 2 + [0.5]
    of_mean, of_var = gradients(losses, m, v)
    assert of_mean == [pytest.approx(100)] * 2 + [1]
    assert of_var == [pytest.approx((100 - 100**2) / 2)] * 2 + [0]


@pytest.mark.parametrize("var", [2, 2.0, np.float64(2), minitorch.full((3,), 2.0), minitorch.full((1,), 2.0)])
def test_one_variance_for_all(var: Any) -> None:
    x = minitorch.tensor([1.0, 2.0, 3.0])
    loss = F.gaussian_nll_loss(x, minitorch.zeros(3), var, reduction="sum")
    assert loss.item() == pytest.approx((3 * math.log(2) + 14 / 2) / 2)
    assert F.gaussian_nll_loss(x, minitorch.zeros(3), minitorch.full((3,), 2)).dtype is minitorch.float32


def test_half_precision() -> None:
    x = minitorch.tensor(rng.random(20)).half()
    cases = [
        lambda x: F.kl_div(x.log(), x, reduction="sum"),
        lambda x: F.poisson_nll_loss(x, x * 3, full=True),
        lambda x: F.gaussian_nll_loss(x, x * 2, x, reduction="none"),
    ]
    for loss in cases:
        assert loss(x).dtype is minitorch.float16
    found = F.gaussian_nll_loss(x, x * 2, x, reduction="none")
    wide = F.gaussian_nll_loss(x.float(), (x * 2).float(), x.float(), reduction="none")
    np.testing.assert_array_equal(found.numpy(), wide.half().numpy())


@pytest.mark.parametrize("full", [False, True])
def test_edges_like_torch(torch: Any, assert_like_torch: Any, full: bool) -> None:
    def gaussian(functional: Any) -> Any:
        return lambda x, t, v: functional.gaussian_nll_loss(x, t, v, full=full, eps=0.5)

    def poisson(functional: Any) -> Any:
        return lambda x, t: functional.poisson_nll_loss(x, t, log_input=False, full=full, eps=1e-3)

    x, t = rng.random((2, 4, 3))
    for v in (rng.random((4, 3)), rng.random(4), rng.random((4, 1))):
        assert_like_torch(gaussian(F), gaussian(torch.nn.functional), x, t, v)
    assert_like_torch(poisson(F), poisson(torch.nn.functional), x, t * 4 + 0.01)
