"""Running statistics, large means, half precision, and higher derivatives of the normalisations."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import grad, gradcheck, gradgradcheck
from minitorch.testing import assert_close


def statistics(channels, dtype=minitorch.float64):
    return minitorch.zeros(channels, dtype=dtype), minitorch.ones(channels, dtype=dtype)


def batches(shape, count=3):
    return [2 + np.random.default_rng(i).standard_normal(shape) for i in range(count)]


# ---- running statistics ----------------------------------------------------------------------------------------------


def test_running_statistics_move_towards_those_of_the_batch():
    mean, var = statistics(3)
    wanted_mean, wanted_var = np.zeros(3), np.ones(3)
    for x in batches((4, 3, 5)):
        F.batch_norm(minitorch.tensor(x), mean, var, training=True, momentum=0.3)
        wanted_mean = 0.7 * wanted_mean + 0.3 * x.mean((0, 2))
        wanted_var = 0.7 * wanted_var + 0.3 * x.var((0, 2), ddof=1)
    assert_close(mean, wanted_mean, rtol=1e-12, atol=1e-12)
    assert_close(var, wanted_var, rtol=1e-12, atol=1e-12)


def test_running_statistics_of_instances_move_towards_their_means():
    mean, var = statistics(3)
    wanted_mean, wanted_var = np.zeros(3), np.ones(3)
    for x in batches((4, 3, 5)):
        F.instance_norm(minitorch.tensor(x), mean, var, momentum=0.3)
        wanted_mean = 0.7 * wanted_mean + 0.3 * x.mean(2).mean(0)
        wanted_var = 0.7 * wanted_var + 0.3 * x.var(2, ddof=1).mean(0)
    assert_close(mean, wanted_mean, rtol=1e-12, atol=1e-12)
    assert_close(var, wanted_var, rtol=1e-12, atol=1e-12)


def test_evaluation_leaves_running_statistics_alone():
    mean, var = statistics(2)
    versions = mean._version, var._version
    F.batch_norm(minitorch.randn(4, 2, dtype=minitorch.float64), mean, var)
    F.instance_norm(minitorch.randn(4, 2, 3, dtype=minitorch.float64), mean, var, use_input_stats=False)
    assert (mean.tolist(), var.tolist()) == ([0.0, 0.0], [1.0, 1.0])
    assert (mean._version, var._version) == versions


def test_training_says_that_it_changed_the_running_statistics():
    """A graph that needs their old values notices."""
    x = minitorch.randn(4, 2, dtype=minitorch.float64)
    mean, var = statistics(2)
    w = minitorch.ones(2, dtype=minitorch.float64, requires_grad=True)
    y = (w * var).sum()
    F.batch_norm(x, mean, var, training=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_a_graph_of_evaluation_outlives_a_step_of_training():
    x = minitorch.randn(4, 2, dtype=minitorch.float64, requires_grad=True)
    mean, var = statistics(2)
    (wanted,) = grad(F.batch_norm(x, mean, var).square().sum(), x)
    y = F.batch_norm(x, mean, var)
    F.batch_norm(x, mean, var, training=True)
    assert_close(grad(y.square().sum(), x)[0], wanted)


def test_an_empty_batch_has_no_statistics():
    mean, var = statistics(3, minitorch.float32)
    for shape in ((0, 3), (2, 3, 0)):
        assert F.batch_norm(minitorch.zeros(*shape), mean, var, training=True).shape == shape
    assert F.instance_norm(minitorch.zeros(0, 3, 4), mean, var).shape == (0, 3, 4)
    assert (mean.tolist(), var.tolist()) == ([0.0] * 3, [1.0] * 3)


def test_momentum_of_nothing_and_everything():
    x = minitorch.tensor([[1.0], [3.0]])
    mean, var = statistics(1, minitorch.float32)
    F.batch_norm(x, mean, var, training=True, momentum=0.0)
    assert (mean.item(), var.item()) == (0, 1)
    F.batch_norm(x, mean, var, training=True, momentum=1.0)
    assert (mean.item(), var.item()) == (2, 2)


# ---- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [1e-5, 1e-12])
def test_a_large_mean_costs_no_digits(eps):
    """⟨x²⟩ - ⟨x⟩² of these would be noise of about 10¹⁰ in float32."""
    x = 1e8 + 64.0 * np.array([[-1, 1, -2, 2], [3, -3, 0, 0]])
    wanted = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    y = F.layer_norm(minitorch.tensor(x.astype(np.float32)), (4,), eps=eps)
    assert_close(y, wanted.astype(np.float32), rtol=1e-5, atol=1e-6)
    mean, var = minitorch.full((1,), 1e8), minitorch.full((1,), 64.0**2)
    z = F.batch_norm(minitorch.tensor(x.reshape(-1, 1).astype(np.float32)), mean, var)
    assert_close(z.flatten(), np.float32([-1, 1, -2, 2, 3, -3, 0, 0]), rtol=1e-6, atol=1e-6)


def test_long_columns_of_float32_lose_no_digits():
    # Added one after the other in float32, as NumPy does across rows, these numbers have a mean that is off by 0.4.
    x = (np.random.default_rng(0).random((100_000, 3)) + 1000).astype(np.float32)
    mean, var = minitorch.zeros(3), minitorch.ones(3)
    y = F.batch_norm(minitorch.from_numpy(x), mean, var, training=True, momentum=1.0)
    exact = x.astype(np.float64)
    assert_close(mean, exact.mean(0).astype(np.float32), rtol=1e-6, atol=0)
    assert_close(var, exact.var(0, ddof=1).astype(np.float32), rtol=1e-4, atol=0)
    assert_close(y, ((exact - exact.mean(0)) / exact.std(0)).astype(np.float32), rtol=1e-3, atol=1e-3)


def test_equal_numbers_become_zero():
    x = minitorch.full((3, 4), 0.1, dtype=minitorch.float64)
    assert_close(F.layer_norm(x, (4,)), np.zeros((3, 4)))
    assert_close(F.batch_norm(x, None, None, training=True), np.zeros((3, 4)))


def test_half_precision_is_computed_in_float32():
    x = 300 * np.random.default_rng(0).standard_normal((4, 6, 5)).astype(np.float16)  # its squares are no halves
    half, single = minitorch.tensor(x), minitorch.tensor(x.astype(np.float32))
    w = minitorch.rand(6)
    mean, var = statistics(6, minitorch.float32)
    for function in (
        lambda t, w: F.batch_norm(t, None, None, w, training=True),
        lambda t, w: F.batch_norm(t, mean, var, w),
        lambda t, w: F.instance_norm(t, weight=w),
        lambda t, w: F.group_norm(t, 2, w),
        lambda t, w: F.layer_norm(t, (6, 5), w.unsqueeze(1).expand(6, 5)),
        lambda t, w: F.rms_norm(t, (6, 5), w.unsqueeze(1).expand(6, 5)),
        lambda t, w: F.local_response_norm(t, 3),
    ):
        for weight in (w, w.half()):
            y = function(half, weight)
            assert y.dtype is minitorch.float16
            assert_close(y, function(single, weight.float()).half(), rtol=1e-3, atol=1e-3)


def test_half_precision_running_statistics():
    mean, var = statistics(1, minitorch.float16)
    F.batch_norm(minitorch.tensor([[1.0], [3.0]]).half(), mean, var, training=True, momentum=0.5)
    assert (mean.dtype, mean.item(), var.item()) == (minitorch.float16, 1.0, 1.5)


def test_rms_norm_of_float16_has_the_eps_of_float32():
    x = minitorch.tensor([1e-4, 2e-4]).half()
    assert_close(F.rms_norm(x, (2,)), F.rms_norm(x.float(), (2,)).half())
    assert F.rms_norm(x, (2,))[1].item() == pytest.approx(0.5267, abs=1e-3)


def test_windows_of_channels_begin_half_a_size_before():
    x = minitorch.ones(1, 5, 1, dtype=minitorch.float64)
    sums = [
        (1 / y - 1) * size for size in (2, 3, 9) for y in F.local_response_norm(x, size, 1, 1, 1).flatten().tolist()
    ]
    np.testing.assert_allclose(sums, [1, 2, 2, 2, 2, 2, 3, 3, 3, 2, 5, 5, 5, 5, 5], rtol=1e-12)


def test_alexnets_formula():
    """With n = 5, k = 2, α = 10⁻⁴, β = 0.75 of the paper, ``alpha`` is 5·10⁻⁴."""
    a = 10 * np.random.default_rng(0).standard_normal((2, 8, 3, 3))
    b = F.local_response_norm(minitorch.tensor(a), 5, alpha=5e-4, beta=0.75, k=2).numpy()
    for i in range(8):
        total = (a[:, max(0, i - 2) : min(7, i + 2) + 1] ** 2).sum(1)
        np.testing.assert_allclose(b[:, i], a[:, i] / (2 + 1e-4 * total) ** 0.75, rtol=1e-12)


# ---- gradients -------------------------------------------------------------------------------------------------------


def test_third_derivatives():
    x = minitorch.randn(4, 3, dtype=minitorch.float64).requires_grad_()
    u = minitorch.randn(4, 3, dtype=minitorch.float64)
    for function in (
        lambda t: F.layer_norm(t, (3,), eps=0.1),
        lambda t: F.batch_norm(t, None, None, training=True, eps=0.1),
        lambda t: F.rms_norm(t, (3,), eps=0.1),
    ):

        def gradient(t, function=function):
            return grad((function(t) * u).sum(), t, create_graph=True)[0]

        assert gradgradcheck(gradient, x)


def test_the_gradient_knows_no_shift_and_no_scale():
    """Of x + c and c·x the result is the same, so the gradient is orthogonal to ones, and with eps = 0 to x."""
    x = minitorch.randn(5, 7, dtype=minitorch.float64).requires_grad_()
    (dx,) = grad((F.layer_norm(x, (7,), eps=0.0) * minitorch.randn(5, 7, dtype=minitorch.float64)).sum(), x)
    assert_close(dx.sum(1), np.zeros(5), rtol=0, atol=1e-13)
    assert_close((dx * x).sum(1).detach(), np.zeros(5), rtol=0, atol=1e-13)


def test_a_frozen_batch_norm_passes_gradients_to_all():
    mean, var = minitorch.rand(3).double(), minitorch.rand(3).double() + 0.5
    leaves = [minitorch.randn(*s, dtype=minitorch.float64).requires_grad_() for s in ((4, 3, 2), (3,), (3,))]
    assert gradcheck(lambda x, w, b: F.batch_norm(x, mean, var, w, b), leaves)


def test_normalize_of_zero():
    x = minitorch.zeros(1, 2, dtype=minitorch.float64, requires_grad=True)
    y = F.normalize(x)
    assert y.tolist() == [[0.0, 0.0]]
    (dx,) = grad(y, x, minitorch.tensor([[1.0, 2.0]], dtype=minitorch.float64))
    assert_close(dx, np.array([[1e12, 2e12]]))
    assert F.normalize(minitorch.tensor(3.0), dim=0).item() == 1
    assert F.normalize(minitorch.zeros(1, 2).half()).tolist() == [[0.0, 0.0]]


def test_nan_stays_in_its_row():
    x = minitorch.tensor([[1.0, math.nan, 2.0], [1.0, 2.0, 4.0]])
    for y in (F.layer_norm(x, (3,)), F.rms_norm(x, (3,)), F.normalize(x)):
        assert y.isnan().tolist() == [[True] * 3, [False] * 3]
