from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch.data import Dataset, Subset, TensorDataset, random_split, stratified_split


def test_tensor_dataset_pairs_up_slices():
    dataset = TensorDataset(minitorch.arange(6).reshape(3, 2), minitorch.tensor([7, 8, 9]))
    assert len(dataset) == 3
    x, y = dataset[-1]
    assert x.tolist() == [4, 5]
    assert y.item() == 9
    x, y = dataset[:2]
    assert x.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("tensors", "error", "message"),
    [
        ((), ValueError, "at least one tensor"),
        ((minitorch.zeros(2), minitorch.zeros(3)), ValueError, r"size mismatch.*\(2,\), \(3,\)"),
        ((minitorch.tensor(1.0),), ValueError, "size mismatch"),
        (([1, 2],), TypeError, "list as argument 0"),
    ],
)
def test_tensor_dataset_says_what_is_wrong(tensors, error, message):
    with pytest.raises(error, match=message):
        TensorDataset(*tensors)


def test_a_dataset_has_to_define_its_methods():
    with pytest.raises(NotImplementedError, match="Dataset does not define __getitem__"):
        Dataset()[0]
    with pytest.raises(NotImplementedError, match="Dataset does not define __len__"):
        len(Dataset())


def test_subset_of_a_subset():
    inner = Subset(list(range(0, 100, 10)), [1, 3, 5, -1])
    outer = Subset(inner, [3, 0])
    assert [outer[i] for i in range(2)] == [90, 10]
    assert outer.get_batch(np.array([1, 0])).tolist() == [10, 90]


def test_subset_rejects_indices_outside():
    with pytest.raises(IndexError, match="index 3 is out of range for a dataset of 3 samples"):
        Subset([1, 2, 3], [0, 3])


@pytest.mark.parametrize("lengths", [[7, 3], [0.7, 0.3], [10, 0], [0.333, 0.333, 0.334]])
def test_random_split_deals_everything_out_once(lengths):
    parts = random_split(range(10), lengths, minitorch.Generator().manual_seed(1))
    assert sorted(i for part in parts for i in part) == list(range(10))
    if isinstance(lengths[0], int):
        assert [len(part) for part in parts] == lengths


def test_random_split_depends_on_the_generator_only():
    def split(seed):
        return [list(part) for part in random_split(range(50), [0.5, 0.5], minitorch.Generator().manual_seed(seed))]

    assert split(3) == split(3)
    assert split(3) != split(4)


@pytest.mark.parametrize("lengths", [[5, 4], [11, -1], [], [0.5, 0.4], [1.5, -0.5]])
def test_random_split_rejects_lengths_that_do_not_add_up(lengths):
    with pytest.raises(ValueError, match="random_split"):
        random_split(range(10), lengths)


def test_stratified_split_keeps_the_proportions_of_the_classes():
    targets = np.array([0] * 40 + [1] * 20 + [5] * 8)
    dataset = TensorDataset(minitorch.arange(68))
    train, test = stratified_split(dataset, [0.75, 0.25], targets, minitorch.Generator().manual_seed(0))
    assert np.bincount(targets[test.indices]).tolist() == [10, 5, 0, 0, 0, 2]
    assert sorted([*train.indices, *test.indices]) == list(range(68))
    assert list(test.indices) == sorted(test.indices)


def test_stratified_split_of_a_class_too_small_for_all_parts_loses_nothing():
    parts = stratified_split([10, 20, 30], [0.5, 0.25, 0.25], targets=[0, 1, 1])
    assert sorted(i for part in parts for i in part) == [10, 20, 30]


def test_stratified_split_says_what_is_wrong():
    with pytest.raises(ValueError, match="one target for each of the 3 samples"):
        stratified_split([1, 2, 3], [0.5, 0.5], targets=[0, 1])
    with pytest.raises(ValueError, match="add up to 1"):
        stratified_split([1, 2], [0.5, 0.6], targets=[0, 1])
