"""A loader that is resumed gives what it would have given: the same samples in the same order, to the bit."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch
from minitorch.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


class Noisy(Dataset):
    """Sample i is i with random numbers of both libraries; it counts what is loaded."""

    def __init__(self, n=10):
        self.n, self.loaded = n, []

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        self.loaded.append(index)
        noise = np.random.default_rng(minitorch.initial_seed()).random(2)
        return index, minitorch.rand(2), noise


def values(batches):
    return [[np.asarray(entry).tolist() for entry in batch] for batch in batches]


def through_a_file(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "loader.safetensors"
    minitorch.save(state, path)
    return minitorch.load(path)


def own_generator():
    return {"generator": minitorch.Generator().manual_seed(5)}


ARGUMENTS = {
    "in order": lambda n: {"batch_size": 3},
    "shuffled": lambda n: {"batch_size": 3, "shuffle": True, **own_generator()},
    "shuffled by the default generator": lambda n: {"batch_size": 3, "shuffle": True, "drop_last": True},
    "single samples": lambda n: {"batch_size": None, "shuffle": True, **own_generator()},
    "sampler with a generator": lambda n: {"batch_size": 2, "sampler": RandomSampler(range(n), **own_generator())},
    "with replacement": lambda n: {
        "batch_size": 4,
        "sampler": RandomSampler(range(n), replacement=True, num_samples=2 * n),
        **own_generator(),
    },
    "batch sampler": lambda n: {
        "batch_sampler": BatchSampler(SubsetRandomSampler(range(0, n, 2), **own_generator()), 2, False)
    },
    "weighted": lambda n: {"sampler": WeightedRandomSampler(np.arange(1, n + 1), n, False, **own_generator())},
    "the same generator twice": lambda n: (
        lambda g: {"sampler": SubsetRandomSampler(range(n), generator=g), "generator": g}
    )(minitorch.Generator().manual_seed(1)),
    "distributed": lambda n: {"sampler": DistributedSampler(range(n), num_replicas=2, rank=1)},
    "one's own": lambda n: {"sampler": Lazy(n), **own_generator()},
}


class Lazy(Sampler):
    """As people write them: a generator function that draws from the default generator."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        yield from minitorch.randperm(self.n).tolist()


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("kind", ARGUMENTS)
@settings(max_examples=10)
@given(n=st.integers(1, 12), epoch=st.integers(0, 1), done=st.integers(0, 6), seed=st.integers(0, 3))
def test_a_resumed_loader_goes_on_as_if_nothing_had_happened(kind, num_workers, n, epoch, done, seed, tmp_path_factory):
    minitorch.manual_seed(seed)
    loader = DataLoader(Noisy(n), num_workers=num_workers, **ARGUMENTS[kind](n))
    for _ in range(epoch):
        list(loader)
    batches = iter(loader)
    before = values(islice(batches, done))
    state = loader.state_dict()
    rest = values(batches)
    expected = [] if len(before) < done else [rest]  # unless the epoch had ended
    expected += [values(loader) for _ in range(2)]

    minitorch.manual_seed(99)
    dataset = Noisy(n)
    resumed = DataLoader(dataset, num_workers=num_workers, **ARGUMENTS[kind](n))
    resumed.load_state_dict(through_a_file(state, tmp_path_factory))
    assert [values(resumed) for _ in expected] == expected
    samples = sum(len(np.atleast_1d(indices)) for epoch in expected for indices, *_ in epoch)
    assert len(dataset.loaded) == samples  # and none that were skipped


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_workers_of_another_kind_can_go_on():
    kinds = [{}, {"num_workers": 3}, {"num_workers": 2, "multiprocessing_context": "fork"}]
    loaders = [DataLoader(Noisy(20), 2, shuffle=True, **own_generator(), **kind) for kind in kinds]
    expected = [values(loaders[0]) for _ in range(3)]
    for loader in loaders:
        loader.generator.manual_seed(5)
    found, state = [], loaders[0].state_dict()
    for turn in range(6):  # five batches each
        loader = loaders[turn % 3]
        loader.load_state_dict(state)
        batches = iter(loader)
        found += values(islice(batches, 5))
        state = loader.state_dict()
        if turn % 2:
            assert values(batches) == []
            state = loader.state_dict()
    assert found == [batch for epoch in expected for batch in epoch]


def test_a_state_before_the_first_epoch():
    loader = DataLoader(Noisy(7), 2, shuffle=True, **own_generator())
    state = loader.state_dict()
    expected = values(loader)
    assert state["batches"] is None
    other = DataLoader(Noisy(7), 2, shuffle=True, generator=minitorch.Generator())
    other.load_state_dict(state)
    assert other.state_dict() == state
    assert values(other) == expected


def test_a_loaded_state_is_the_state_until_the_loader_is_used():
    loader = DataLoader(Noisy(7), 2, shuffle=True)
    batches = iter(loader)
    next(batches)
    state = loader.state_dict()
    rest = values(batches)
    loader.load_state_dict(state)
    assert loader.state_dict() == state
    assert values(loader) == rest


def test_in_the_last_step_what_is_left_is_empty():
    loader = DataLoader(Noisy(4), 2)
    states = [loader.state_dict() for _ in loader]
    assert [state["batches"] for state in states] == [1, 2]
    loader.load_state_dict(states[-1])
    assert list(loader) == []
    assert len(list(loader)) == 2


def test_a_generator_that_others_use_stands_where_it_stood():
    generator = minitorch.Generator().manual_seed(0)
    loader = DataLoader(Noisy(6), 2, shuffle=True, generator=generator)
    batches = iter(loader)
    next(batches)
    minitorch.rand(100, generator=generator)
    state = loader.state_dict()
    rest, later = values(batches), values(loader)
    loader.load_state_dict(state)
    assert [values(loader), values(loader)] == [rest, later]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dataset": range(9)}, "a loader with samples=10, not 9"),
        ({"batch_size": 3}, "a loader with batch_size=2, not 3"),
    ],
)
def test_a_state_of_another_loader_is_refused(arguments, message):
    state = DataLoader(range(10), 2).state_dict()
    with pytest.raises(ValueError, match=message):
        DataLoader(**{"dataset": range(10), "batch_size": 2, **arguments}).load_state_dict(state)
    with pytest.raises(ValueError, match=r"got the keys \['batches'\]"):
        DataLoader(range(10), 2).load_state_dict({"batches": 3})


def test_a_state_that_is_longer_than_the_sampler_is_refused():
    loader = DataLoader(range(10), sampler=range(4))
    batches = iter(loader)
    for _ in range(3):
        next(batches)
    other = DataLoader(range(10), sampler=range(2))
    other.load_state_dict(loader.state_dict())
    with pytest.raises(ValueError, match="the loaded state is 3 batches into an epoch, but the sampler gives only 2"):
        iter(other)
