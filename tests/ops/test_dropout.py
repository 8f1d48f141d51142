"""Dropout of elements and of channels, and alpha dropout: what is dropped, means, gradients, seeds, errors."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import gradcheck, gradgradcheck
from minitorch.testing import assert_close

ALPHA = 1.7580993408473766  # selu falls to minus this
EACH = [F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout]


def images(function: Any) -> minitorch.Tensor:
    """Ones in a shape that every noise takes."""
    return minitorch.ones(*((4, 5, 6) if function is F.dropout1d else (4, 5, 3, 2)))


# ---- of elements -----------------------------------------------------------------------------------------------------


def test_dropout_scales_what_it_keeps() -> None:
    minitorch.manual_seed(0)
    x = minitorch.tensor(np.random.default_rng(0).uniform(1, 2, (100, 100)).astype(np.float32))
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

    assert gradcheck(seeded, minitorch.randn(3, 4, dtype=minitorch.float64).requires_grad_())
    assert gradgradcheck(seeded, minitorch.randn(3, 4, dtype=minitorch.float64).requires_grad_())


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


# ---- of channels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "shape", "ndim"),
    [(F.dropout1d, (40, 50, 3), 2), (F.dropout1d, (2000, 3), 1), (F.dropout2d, (40, 50, 3, 2), 2)],
)
def test_whole_channels_are_dropped(function: Any, shape: tuple[int, ...], ndim: int) -> None:
    minitorch.manual_seed(0)
    x = np.random.default_rng(0).uniform(1, 2, shape)
    y = function(minitorch.tensor(x), 0.3).numpy().reshape(*shape[:ndim], -1)
    dropped = (y == 0).all(-1)
    assert abs(dropped.mean() - 0.3) < 0.05
    assert_close(y, np.where(dropped[..., None], 0, x.reshape(y.shape) / 0.7), rtol=1e-12, atol=1e-12)
    if ndim == 2:
        assert 0 < dropped.all(0).sum() + dropped.all(1).sum() + 1 < 5  # neither samples nor features drop as one


def test_an_infinite_channel_is_dropped() -> None:
    x = minitorch.full((1, 1, 2, 2), np.inf)
    assert F.dropout2d(x, 1.0).flatten().tolist() == [0.0] * 4


def test_images_without_a_batch_are_warned_about() -> None:
    with pytest.warns(UserWarning, match=r"dropout2d: Received a 3D input, which is taken as \(N, C, L\)"):
        y = F.dropout2d(minitorch.ones(20, 30, 2))
    assert (y.numpy()[..., 0] == y.numpy()[..., 1]).all()
    with pytest.warns(UserWarning, match="dropout2d: Received a 2-D input"):
        F.dropout2d(minitorch.ones(2, 3))


def test_channels_need_their_dimensions() -> None:
    for shape in ((2,), (2, 3, 4, 5)):
        with pytest.raises(RuntimeError, match=rf"dropout1d: Expected 2D or 3D input, but received a {len(shape)}D"):
            F.dropout1d(minitorch.ones(*shape))
    with pytest.raises(RuntimeError, match=r"at least 2 dimensions in the input, got shape \(2,\)"), pytest.warns():
        F.dropout2d(minitorch.ones(2))


# ---- alpha dropout ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(p: float) -> None:
    minitorch.manual_seed(0)
    x = minitorch.randn(200_000, dtype=minitorch.float64)
    y = F.alpha_dropout(x, p, training=True)
    assert abs(y.mean().item()) < 0.02
    assert abs(y.var().item() - 1) < 0.03
    scale = 1 / math.sqrt((1 - p) * (1 + p * ALPHA**2))
    dropped = np.isclose(y.numpy(), scale * -ALPHA * (1 - p), rtol=0, atol=1e-12)
    assert abs(dropped.mean() - p) < 0.01
    assert_close(y.numpy()[~dropped], scale * (x.numpy()[~dropped] + ALPHA * p), rtol=1e-12, atol=1e-12)


def test_alpha_dropout_of_everything() -> None:
    assert F.alpha_dropout(minitorch.ones(3), 1.0, training=True).tolist() == [0.0, 0.0, 0.0]
    assert F.alpha_dropout(minitorch.ones(3)).tolist() == [1.0, 1.0, 1.0]  # training is False unless given


# ---- each of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", EACH)
def test_the_seed_makes_the_noise(function: Any) -> None:
    x = images(function)
    minitorch.manual_seed(5)
    first, second = function(x, 0.5, True), function(x, 0.5, True)
    assert first.tolist() != second.tolist()
    minitorch.manual_seed(5)
    assert (
        function(x.permute(*reversed(range(x.ndim))).contiguous().permute(*reversed(range(x.ndim))), 0.5, True).tolist()
        == first.tolist()
    )
    minitorch.manual_seed(5)
    threads = minitorch.get_num_threads()
    try:
        minitorch.set_num_threads(1)
        assert function(x, 0.5, True).tolist() == first.tolist()
    finally:
        minitorch.set_num_threads(threads)


@pytest.mark.parametrize("function", EACH)
def test_gradients(function: Any) -> None:
    def seeded(t: minitorch.Tensor) -> minitorch.Tensor:
        minitorch.manual_seed(5)
        return function(t, 0.4, True)

    x = images(function).double().requires_grad_()
    assert gradcheck(seeded, x)
    assert gradgradcheck(seeded, x)


@pytest.mark.parametrize("function", EACH)
def test_identities_dtypes_and_in_place(function: Any) -> None:
    x = images(function)
    assert function(x, 0.0, True) is x
    assert function(x, 0.5, False) is x
    assert function(x.half(), 0.5, True).dtype is minitorch.float16
    empty = minitorch.zeros(0, *x.shape[1:])
    assert function(empty, 0.5, True).shape == empty.shape
    minitorch.manual_seed(1)
    expected = function(x, 0.5, True)
    minitorch.manual_seed(1)
    assert function(x, 0.5, True, inplace=True) is x
    assert_close(x, expected)
    with pytest.raises(RuntimeError, match=f"^{function.__name__}: .*in-place operation"):
        function(images(function).requires_grad_(), 0.5, True, True)


@pytest.mark.parametrize("function", EACH)
def test_integers_and_probabilities_that_are_none(function: Any) -> None:
    with pytest.raises(
        RuntimeError, match=rf"{function.__name__}: expected floating-point tensors, got minitorch\.int64"
    ):
        function(images(function).long(), 0.5, True)
    for p in (-0.1, 1.5, np.nan):
        with pytest.raises(ValueError, match=rf"dropout probability has to be between 0 and 1, but got {p}"):
            function(images(function), p, False)


def test_pytorch_raises_the_same() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for name, shape, p in (
        ("dropout1d", (2,), 0.5),
        ("dropout1d", (2, 3, 4, 5), 0.5),
        ("dropout2d", (2,), 0.5),
        ("dropout", (2,), -0.1),
        ("alpha_dropout", (2,), 1.5),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(Exception) as theirs:  # noqa: PT011
                getattr(torch.nn.functional, name)(torch.ones(shape), p)
            with pytest.raises(theirs.type):
                getattr(F, name)(minitorch.ones(*shape), p)
