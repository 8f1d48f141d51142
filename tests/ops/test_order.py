"""Equal elements and NaN, which have no order of their own."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch

NAN = math.nan


@pytest.mark.parametrize("stable", [False, True, None])
def test_equal_elements_keep_their_order(stable):
    x = minitorch.tensor([2, 1, 2, 1, 2])
    assert x.sort(stable=stable).indices.tolist() == [1, 3, 0, 2, 4]
    assert x.sort(descending=True, stable=stable).indices.tolist() == [0, 2, 4, 1, 3]
    assert x.argsort(descending=True).tolist() == [0, 2, 4, 1, 3]


def test_of_equal_elements_the_first_are_taken():
    x = minitorch.tensor([2, 1, 2, 1, 2])
    assert x.topk(2).indices.tolist() == [0, 2]
    assert x.topk(4, sorted=False).indices.tolist() == [0, 2, 4, 1]
    assert x.topk(3, largest=False).indices.tolist() == [1, 3, 0]
    assert x.median(0).indices.item() == 0


def test_nan_is_sorted_behind_all_numbers():
    x = minitorch.tensor([1.0, NAN, -math.inf, math.inf, NAN])
    assert x.argsort().tolist() == [2, 0, 3, 1, 4]
    assert x.argsort(descending=True).tolist() == [1, 4, 3, 0, 2]
    assert x.topk(3).indices.tolist() == [1, 4, 3]
    assert x.topk(3, largest=False).indices.tolist() == [2, 0, 3]
    assert x.median(0).indices.item() == 1


def test_the_median_of_an_even_number_is_the_lower_one():
    x = minitorch.tensor([4, 1, 3, 2])
    assert (x.median().item(), x.median(0).values.item(), x.median(0).indices.item()) == (2, 2, 3)


def test_every_nan_is_unique_and_both_zeros_are_one():
    values, inverse, counts = minitorch.tensor([NAN, 1.0, NAN]).unique(return_inverse=True, return_counts=True)
    assert (values[0].item(), inverse.tolist(), counts.tolist()) == (1, [1, 0, 2], [1, 1, 1])
    assert minitorch.isnan(values[1:]).all()
    assert len(minitorch.tensor([0.0, -0.0]).unique()) == 1
    assert minitorch.tensor([[NAN, 1.0], [NAN, 1.0]]).unique(dim=0).shape == (2, 2)


def test_unique_returns_what_it_is_asked_for():
    x = minitorch.tensor([[2, 1, 2], [1, 1, 1], [2, 1, 2]])
    assert x.unique().tolist() == [1, 2]
    assert x.unique(dim=0).tolist() == [[1, 1, 1], [2, 1, 2]]
    assert [t.tolist() for t in x.unique(return_counts=True)] == [[1, 2], [5, 4]]
    assert [t.tolist() for t in x.unique(False, True, dim=1)] == [[[1, 2], [1, 1], [1, 2]], [1, 0, 1]]
    values, inverse, counts = minitorch.ones(0, 3).unique(dim=0, return_inverse=True, return_counts=True)
    assert (values.shape, inverse.shape, counts.shape) == ((0, 3), (0,), (0,))
    assert minitorch.ones(2, 0).unique(return_inverse=True)[1].shape == (2, 0)
    assert minitorch.tensor(3).unique().tolist() == [3]


def test_bincount_of_nothing():
    x = minitorch.tensor([], dtype=minitorch.int64)
    assert x.bincount().shape == (0,)
    assert x.bincount(minlength=2).tolist() == [0, 0]
    assert x.bincount(minitorch.tensor([])).dtype is minitorch.int64


@pytest.mark.parametrize("dtype", ["float16", "float64", "int64", "bool"])
def test_weights_of_other_dtypes_are_summed_in_float64(dtype):
    weights = minitorch.tensor([1, 0, 1], dtype=getattr(minitorch, dtype))
    out = minitorch.tensor([0, 1, 1]).bincount(weights)
    assert (out.dtype, out.tolist()) == (minitorch.float64, [1, 1])


def test_sorting_large_slices():
    array = np.random.default_rng(0).standard_normal((2, 3000, 2)).astype(np.float16)
    x = minitorch.from_numpy(array)
    np.testing.assert_array_equal(x.sort(1).values.data, np.sort(array, axis=1))
    np.testing.assert_array_equal(x.median(1).values.data, np.sort(array, axis=1)[:, 1499])
