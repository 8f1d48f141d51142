"""Distances, similarities and their losses: where they have no derivative, short vectors, half precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import gradcheck
from minitorch.testing import assert_close

rng = np.random.default_rng(0)


def tensors(*lists: Any, **kwargs: Any) -> list[minitorch.Tensor]:
    return [minitorch.tensor(numbers, dtype=minitorch.float64, **kwargs) for numbers in lists]


def gradients(loss: minitorch.Tensor, *sources: minitorch.Tensor) -> list[Any]:
    return [g.tolist() for g in minitorch.autograd.grad(loss.sum(), sources)]


# ---- similarities and distances --------------------------------------------------------------------------------------


def test_the_cosine_with_a_vector_of_no_length() -> None:
    a, b = tensors([0, 0], [3, 4], requires_grad=True)
    cosine = minitorch.cosine_similarity(a, b, dim=0, eps=0.1)
    assert cosine.item() == 0
    of_a, of_b = gradients(cosine, a, b)
    assert of_a == [pytest.approx(6), pytest.approx(8)]  # b/(5·eps)
    assert of_b == [0, 0]


@pytest.mark.parametrize("length", [0.0, 1e-3, 1.0])
def test_short_vectors_like_torch(torch: Any, length: float) -> None:
    """A length below eps counts as eps, but its gradient is that of the length."""
    x, y = rng.standard_normal((4, 3)) * length, rng.standard_normal((4, 3))
    found, expected = [], []
    for lib, results in ((minitorch, found), (torch, expected)):
        a, b = (lib.tensor(array, requires_grad=True) for array in (x, y))
        cosine = lib.nn.functional.cosine_similarity(a, b, eps=0.1)
        results += [cosine, *lib.autograd.grad(cosine.sum(), (a, b))]
    for mine, other in zip(found, expected, strict=True):
        assert_close(mine.detach(), other.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_the_cosine_of_large_and_small_vectors() -> None:
    x = minitorch.tensor([[3e18, 4e18], [3e-6, 4e-6]])
    assert_close(minitorch.cosine_similarity(x, x), np.ones(2, np.float32), rtol=1e-6, atol=0)
    assert_close(minitorch.cosine_similarity(x, -x), -np.ones(2, np.float32), rtol=1e-6, atol=0)


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3.5, math.inf, -math.inf, -1])
def test_distances_like_torch(torch: Any, p: float) -> None:
    """Also of equal vectors, whose largest differences are all the same."""
    x, y = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    y[1] = x[1]
    y[2, :2] = x[2, :2]
    found, expected = [], []
    for lib, results in ((minitorch, found), (torch, expected)):
        a, b = (lib.tensor(array, requires_grad=True) for array in (x, y))
        distance = lib.nn.functional.pairwise_distance(a, b, p, 0.25)
        results += [distance, *lib.autograd.grad(distance.sum(), (a, b), allow_unused=True)]
    for mine, other in zip(found, expected, strict=True):
        theirs = np.zeros((4, 3)) if other is None else other.detach().numpy()
        ours = np.zeros((4, 3)) if mine is None else mine.detach().numpy()
        assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_the_distance_of_equal_vectors_has_a_gradient() -> None:
    (x,) = tensors([[1, 2]], requires_grad=True)
    (g,) = gradients(minitorch.pairwise_distance(x, x.detach()), x)
    assert g == [[pytest.approx(math.sqrt(0.5))] * 2]


def test_dtypes() -> None:
    half = minitorch.tensor(rng.standard_normal((2, 4, 3))).half()
    for function in (minitorch.cosine_similarity, minitorch.pairwise_distance):
        found = function(*half)
        assert found.dtype is minitorch.float16
        np.testing.assert_array_equal(found.numpy(), function(*half.float()).half().numpy())
        assert function(half[0], half[1].double()).dtype is minitorch.float64
    integers = minitorch.arange(6).reshape(2, 3)
    assert minitorch.pairwise_distance(integers, integers * 2).dtype is minitorch.float32
    assert minitorch.cosine_similarity(integers, half[0, :2]).dtype is minitorch.float16


# ---- losses ----------------------------------------------------------------------------------------------------------


def test_where_the_margin_is_just_kept() -> None:
    """max(0, x) passes the gradient at 0."""
    a, b = tensors([1, 2, 3], [2, 2, 2], requires_grad=True)
    losses = F.margin_ranking_loss(a, b, minitorch.ones(3).double(), reduction="none")
    assert losses.tolist() == [1, 0, 0]
    assert gradients(losses, a, b) == [[-1, -1, 0], [1, 1, 0]]
    (x,) = tensors([0.5, 1, 1.5], requires_grad=True)
    losses = F.hinge_embedding_loss(x, minitorch.tensor([-1, -1, -1]), reduction="none")
    assert losses.tolist() == [0.5, 0, 0]
    assert gradients(losses, x) == [[-1, -1, 0]]


def test_two_equal_distances_share_the_gradient() -> None:
    anchor, positive, negative = tensors([0, 0], [2, 0], [1, 5], requires_grad=True)
    loss = F.triplet_margin_loss(anchor, positive, negative, margin=10, swap=True, eps=0)
    _, _, far = gradients(loss, anchor, positive, negative)
    to_anchor, to_positive = np.array([1, 5]) / math.sqrt(26), np.array([-1, 5]) / math.sqrt(26)
    np.testing.assert_allclose(far, -(to_anchor + to_positive) / 2, rtol=1e-12)


def test_swap_takes_the_nearer_of_both() -> None:
    anchor, positive, negative = tensors([[0, 0]], [[3, 0]], [[4, 0]])
    assert F.triplet_margin_loss(anchor, positive, negative, eps=0).item() == 0
    assert F.triplet_margin_loss(anchor, positive, negative, eps=0, swap=True).item() == 3 - 1 + 1


def test_labels_that_are_neither() -> None:
    """As in PyTorch: no loss of the cosine, both terms of the hinge."""
    a, b = tensors([[1, 0]] * 2, [[1, 1]] * 2)
    assert F.cosine_embedding_loss(a, b, minitorch.tensor([0, 2]), reduction="none").tolist() == [0, 0]
    assert F.hinge_embedding_loss(minitorch.tensor([0.25]), minitorch.tensor([0]), reduction="none").tolist() == [1]


def test_integers_like_torch(torch: Any) -> None:
    numbers = rng.integers(-4, 5, (3, 6))
    labels = rng.choice([-1, 1], 6)
    for margin in (0, 1, 1.5):
        found, expected = (
            [
                lib.nn.functional.hinge_embedding_loss(a, t, margin, reduction="none"),
                lib.nn.functional.hinge_embedding_loss(a, t, margin, reduction="sum"),
                lib.nn.functional.margin_ranking_loss(a, b, t, margin),
                lib.nn.functional.cosine_embedding_loss(a, b, t[0], margin),
            ]
            for lib in (minitorch, torch)
            for a, b, _ in [map(lib.tensor, numbers)]
            for t in [lib.tensor(labels)]
        )
        for mine, other in zip(found, expected, strict=True):
            assert_close(mine, other.numpy())


def test_vectors_without_length_have_no_cosine_to_embed() -> None:
    a, b = tensors([0, 0], [3, 4], requires_grad=True)
    loss = F.cosine_embedding_loss(a, b, minitorch.tensor(1))
    assert loss.item() == 1
    of_a, of_b = gradients(loss, a, b)
    np.testing.assert_allclose(of_a, [-0.6e6, -0.8e6], rtol=1e-9)  # 1/√10⁻¹² of the direction of b
    assert of_b == [0, 0]


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_half_precision(reduction: str) -> None:
    a, b, c = minitorch.tensor(rng.standard_normal((3, 4, 3))).half()
    labels = minitorch.tensor([1, -1, -1, 1])
    cases = [
        lambda a, b, c: F.cosine_embedding_loss(a, b, labels, 0.1, reduction=reduction),
        lambda a, b, c: F.margin_ranking_loss(a, b, c, 0.5, reduction=reduction),
        lambda a, b, c: F.hinge_embedding_loss(a, labels.reshape(4, 1), 0.5, reduction=reduction),
        lambda a, b, c: F.triplet_margin_loss(a, b, c, 0.5, reduction=reduction),
    ]
    for loss in cases:
        found = loss(a, b, c)
        assert found.dtype is minitorch.float16
        np.testing.assert_array_equal(found.numpy(), loss(a.float(), b.float(), c.float()).half().numpy())


def test_one_vector_against_many() -> None:
    a, b, c = tensors(rng.standard_normal((4, 3)), rng.standard_normal((1, 3)), rng.standard_normal((4, 3)))
    for tensor in (a, b, c):
        tensor.requires_grad_()
    assert F.triplet_margin_loss(a, b, c, reduction="none").shape == (4,)
    assert gradcheck(lambda a, b, c: F.triplet_margin_loss(a, b, c, margin=5.0), (a, b, c))
    labels = minitorch.tensor([1, -1, 1, 1])
    assert gradcheck(lambda a, b: F.cosine_embedding_loss(a, b, labels, margin=-1.0), (a, b))
