"""Which samples are visited, in which order: by definition, by frequency, and as PyTorch's samplers do it."""

from __future__ import annotations

import inspect
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitorch
from minitorch import data
from minitorch.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

NAMES = [name for name in data.__all__ if name.endswith("Sampler")]


def generator(seed=0):
    return minitorch.Generator().manual_seed(seed)


@given(n=st.integers(0, 20))
def test_sequential(n):
    assert list(SequentialSampler(range(n))) == list(range(n))
    assert len(SequentialSampler(range(n))) == n


@given(n=st.integers(1, 20), num_samples=st.none() | st.integers(1, 50), seed=st.integers(0, 5))
def test_random_without_replacement(n, num_samples, seed):
    sampler = RandomSampler(range(n), num_samples=num_samples, generator=generator(seed))
    order = list(sampler)
    assert len(order) == len(sampler) == (n if num_samples is None else num_samples)
    for i in range(0, len(order), n):  # every one before any comes again
        assert len(set(order[i : i + n])) == min(n, len(order) - i)
    assert set(order) <= set(range(n))
    sampler.generator.manual_seed(seed)
    assert list(sampler) == order


def test_random_orders_differ_from_epoch_to_epoch():
    sampler = RandomSampler(range(20), generator=generator())
    assert list(sampler) != list(sampler)


def test_random_is_the_permutation_of_the_generator():
    assert (
        list(RandomSampler(range(9), generator=generator(3))) == minitorch.randperm(9, generator=generator(3)).tolist()
    )


def test_random_with_replacement():
    sampler = RandomSampler(range(5), replacement=True, num_samples=10_000)
    counts = Counter(sampler)
    assert len(sampler) == 10_000
    # Six standard deviations of a binomial distribution.
    assert all(abs(counts[i] - 2000) < 6 * (10_000 * 0.2 * 0.8) ** 0.5 for i in range(5))


def test_random_of_an_empty_dataset():
    assert list(RandomSampler([])) == list(RandomSampler([], replacement=True)) == []
    with pytest.raises(ValueError, match="no sample to draw 3 times: the dataset is empty"):
        list(RandomSampler([], num_samples=3))


@given(indices=st.lists(st.integers(-5, 5)))
def test_subset(indices):
    sampler = SubsetRandomSampler(indices, generator=generator())
    assert len(sampler) == len(indices)
    assert sorted(sampler) == sorted(indices)
    order = minitorch.randperm(len(indices), generator=generator()).tolist()
    assert list(SubsetRandomSampler(indices, generator=generator())) == [indices[i] for i in order]


def test_weighted_with_replacement():
    weights = [0.0, 1.0, 3.0, 0.0, 4.0, 0.0]
    n = 20_000
    counts = Counter(WeightedRandomSampler(minitorch.tensor(weights), n))
    for i, weight in enumerate(weights):
        p = weight / 8
        assert abs(counts[i] - n * p) <= 6 * (n * p * (1 - p)) ** 0.5


def test_weighted_without_replacement():
    """The first is drawn by weight, and the second by weight among those that are left."""
    weights = np.array([5.0, 0.0, 1.0, 2.0])
    n = 4000
    pairs = Counter(tuple(WeightedRandomSampler(weights, 2, replacement=False)) for _ in range(n))
    for first in range(4):
        for second in range(4):
            p = 0.0
            if first != second and weights[first]:
                p = weights[first] / 8 * weights[second] / (8 - weights[first])
            assert abs(pairs[first, second] - n * p) <= 6 * (n * p * (1 - p)) ** 0.5
    assert sorted(WeightedRandomSampler(weights, 3, replacement=False)) == [0, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1], 0), ValueError, "num_samples should be a positive integer value, but got num_samples=0"),
        (([1], 1, 1), ValueError, "replacement should be a boolean value, but got replacement=1"),
        (([[1, 2]], 1), ValueError, r"a 1d sequence but given weights have shape \(1, 2\)"),
        (([1, -1], 1), ValueError, "not all 0; got numbers from -1.0 to 1.0"),
        (([0, 0], 1), ValueError, "not all 0; got numbers from 0.0 to 0.0"),
        (([1, float("nan")], 1), ValueError, "should be finite"),
        (([], 1), ValueError, "got none"),
        (([1, 0, 1], 3, False), ValueError, "num_samples=3 without replacement, but only 2 weights are above 0"),
    ],
)
def test_wrong_weights(arguments, error, message):
    with pytest.raises(error, match=message):
        WeightedRandomSampler(*arguments)


def test_other_wrong_arguments():
    with pytest.raises(TypeError, match="replacement should be a boolean value, but got replacement=1"):
        RandomSampler([1], replacement=1)
    with pytest.raises(ValueError, match="num_samples=True"):
        RandomSampler([1], num_samples=True)
    with pytest.raises(ValueError, match="batch_size should be a positive integer value, but got batch_size=0"):
        BatchSampler([1], 0, False)
    with pytest.raises(ValueError, match="drop_last should be a boolean value, but got drop_last=0"):
        BatchSampler([1], 1, 0)
    with pytest.raises(ValueError, match=r"invalid rank 2, rank should be in the interval \[0, 1\]"):
        DistributedSampler([1], 2, 2)
    with pytest.raises(NotImplementedError, match="Sampler does not define __iter__"):
        iter(Sampler())


@given(n=st.integers(0, 20), batch_size=st.integers(1, 7), drop_last=st.booleans())
def test_batches(n, batch_size, drop_last):
    sampler = BatchSampler(range(n), batch_size, drop_last)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert all(len(batch) == batch_size for batch in batches[:-1])
    kept = n - n % batch_size if drop_last else n
    assert [i for batch in batches for i in batch] == list(range(kept))


# ---- several processes -----------------------------------------------------------------------------------------------


@given(
    n=st.integers(1, 30),
    replicas=st.integers(1, 8),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    epoch=st.integers(0, 3),
)
def test_the_processes_share_the_dataset(n, replicas, shuffle, drop_last, epoch):
    samplers = [DistributedSampler(range(n), replicas, rank, shuffle, 7, drop_last) for rank in range(replicas)]
    for sampler in samplers:
        sampler.set_epoch(epoch)
    parts = [list(sampler) for sampler in samplers]
    assert [len(part) for part in parts] == [len(sampler) for sampler in samplers] == [len(parts[0])] * replicas
    dealt = [index for one_each in zip(*parts, strict=True) for index in one_each]  # as they were dealt out
    order = minitorch.randperm(n, generator=generator(7 + epoch)).tolist() if shuffle else list(range(n))
    if drop_last:
        assert dealt == order[: n - n % replicas]
    else:
        assert len(dealt) - n < replicas
        assert dealt == (order * replicas)[: len(dealt)]


def test_the_processes_are_those_of_the_process_group(monkeypatch):
    with pytest.raises(ValueError, match="process group has not been initialized"):
        DistributedSampler(range(9))
    monkeypatch.setattr(minitorch.distributed, "get_world_size", lambda: 3)
    monkeypatch.setattr(minitorch.distributed, "get_rank", lambda: 2)
    sampler = DistributedSampler(range(9), shuffle=False)
    assert (sampler.num_replicas, sampler.rank) == (3, 2)
    assert list(sampler) == [2, 5, 8]
    assert list(DistributedSampler(range(9), rank=0, shuffle=False)) == [0, 3, 6]


# ---- PyTorch ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def theirs():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    found = {name: getattr(torch.utils.data, name) for name in NAMES if name != "DistributedSampler"}
    return {**found, "DistributedSampler": torch.utils.data.distributed.DistributedSampler}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "Sampler"])
def test_arguments_as_pytorch_has_them(theirs, name):
    ours = inspect.signature(getattr(data, name)).parameters.values()
    wanted = inspect.signature(theirs[name]).parameters.values()
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in wanted]


def test_the_loader_takes_its_arguments_as_pytorchs_does():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours = inspect.signature(DataLoader).parameters
    wanted = inspect.signature(torch.utils.data.DataLoader).parameters
    not_taken = {"pin_memory_device", "in_order"}  # deprecated; batches always come in order
    assert [(p.name, p.kind, p.default) for p in ours.values()] == [
        (p.name, p.kind, p.default) for p in wanted.values() if p.name not in not_taken
    ]


@given(n=st.integers(1, 30), replicas=st.integers(1, 8), drop_last=st.booleans(), batch_size=st.integers(1, 6))
def test_what_isnt_random_is_as_pytorch_has_it(theirs, n, replicas, drop_last, batch_size):
    for rank in range(replicas):
        arguments = (range(n), replicas, rank, False, 0, drop_last)
        try:
            wanted = list(theirs["DistributedSampler"](*arguments))
        except AssertionError:  # fewer samples than processes, all left out: PyTorch has a bug
            wanted = []
        assert list(DistributedSampler(*arguments)) == wanted
        assert len(DistributedSampler(*arguments)) == len(theirs["DistributedSampler"](*arguments))
    assert list(BatchSampler(range(n), batch_size, drop_last)) == list(
        theirs["BatchSampler"](range(n), batch_size, drop_last)
    )
