from __future__ import annotations

import threading
import time
from collections import namedtuple

import numpy as np
import pytest

import minitorch
from minitorch.data import DataLoader, Dataset, Subset, TensorDataset, default_collate

WORKERS = pytest.mark.parametrize("num_workers", [0, 1, 3])


class Squares(Dataset):
    """Samples made one by one: (i, i²)."""

    def __init__(self, n=10, fails_at=None):
        self.n, self.fails_at, self.made = n, fails_at, []

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if index == self.fails_at:
            raise LookupError(f"sample {index} is broken")
        self.made.append(index)
        return minitorch.tensor(float(index)), index * index


def worker_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("DataLoader")]


@WORKERS
def test_batches_come_in_order(num_workers):
    batches = list(DataLoader(Squares(), batch_size=4, num_workers=num_workers))
    assert [x.tolist() for x, _ in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [y.tolist() for _, y in batches] == [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]
    assert batches[0][1].dtype == minitorch.int64


@WORKERS
@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [4, 4, 2]), (True, [4, 4])])
def test_length_and_drop_last(num_workers, drop_last, sizes):
    loader = DataLoader(Squares(), 4, drop_last=drop_last, num_workers=num_workers)
    assert len(loader) == len(sizes)
    assert [len(x) for x, _ in loader] == sizes


@WORKERS
def test_shuffling_is_a_function_of_the_seed(num_workers):
    def epochs(seed):
        generator = minitorch.Generator().manual_seed(seed)
        loader = DataLoader(Squares(40), 7, shuffle=True, generator=generator, num_workers=num_workers)
        return [[i for x, _ in loader for i in x.tolist()] for _ in range(2)]

    first, second = epochs(0)
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second
    assert epochs(0) == [first, second]
    assert epochs(1) != [first, second]


def test_shuffling_uses_the_default_generator():
    loader = DataLoader(Squares(40), 40, shuffle=True)
    minitorch.manual_seed(3)
    (first,) = [x.tolist() for x, _ in loader]
    minitorch.manual_seed(3)
    (second,) = [x.tolist() for x, _ in loader]
    assert first == second


def test_the_order_is_drawn_when_iteration_begins():
    generator = minitorch.Generator().manual_seed(0)
    loader = DataLoader(Squares(8), 4, shuffle=True, generator=generator)
    before = generator.get_state()
    iterator = iter(loader)
    after = generator.get_state()
    assert before != after
    list(iterator)
    assert generator.get_state() == after


@WORKERS
def test_tensor_dataset_batches_are_taken_at_once(num_workers, monkeypatch):
    monkeypatch.setattr(TensorDataset, "__getitem__", lambda self, index: pytest.fail("sample by sample"))
    dataset = TensorDataset(minitorch.arange(20).reshape(10, 2), minitorch.arange(10))
    for loaded in (dataset, Subset(dataset, range(10))):
        batches = list(DataLoader(loaded, 6, num_workers=num_workers))
        assert [x.shape for x, _ in batches] == [(6, 2), (4, 2)]
        assert batches[1][1].tolist() == [6, 7, 8, 9]


def test_a_batch_is_a_copy():
    data = minitorch.zeros(4)
    (batch,) = next(iter(DataLoader(TensorDataset(data), 4)))
    with minitorch.no_grad():
        batch.add_(1)
    assert data.tolist() == [0, 0, 0, 0]


@WORKERS
def test_an_empty_dataset_gives_no_batches(num_workers):
    loader = DataLoader(Squares(0), 4, shuffle=True, num_workers=num_workers)
    assert len(loader) == 0
    assert list(loader) == []


@WORKERS
def test_collate_fn_gets_the_list_of_samples(num_workers):
    loader = DataLoader(range(5), 2, collate_fn=sum, num_workers=num_workers)
    assert list(loader) == [1, 5, 4]


@WORKERS
def test_an_exception_in_the_dataset_arrives_with_its_traceback(num_workers):
    loader = DataLoader(Squares(20, fails_at=9), 4, num_workers=num_workers)
    received = []
    with pytest.raises(LookupError, match="sample 9 is broken") as caught:
        received.extend(x.tolist() for x, _ in loader)
    assert received == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert "__getitem__" in [entry.name for entry in caught.traceback]
    assert not worker_threads()


def test_leaving_early_stops_the_threads():
    dataset = Squares(1000)
    for x, _ in DataLoader(dataset, 10, num_workers=2):
        assert len(x) == 10
        break
    assert not worker_threads()
    assert len(dataset.made) < 1000


def test_ctrl_c_in_the_loop_stops_the_threads():
    def interrupted_loop():
        for _ in DataLoader(Squares(1000), 10, num_workers=2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_loop()
    assert not worker_threads()


def test_workers_are_ahead_by_as_much_as_they_are_told():
    dataset = Squares(1000)
    iterator = iter(DataLoader(dataset, 1, num_workers=1, prefetch_factor=3))
    next(iterator)
    deadline = time.monotonic() + 10
    while len(dataset.made) < 4 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert dataset.made == [0, 1, 2, 3]
    iterator.close()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size should be 1 or more, got 0"),
        ({"batch_size": 1.5}, TypeError, "batch_size should be an integer, got float"),
        ({"num_workers": -1}, ValueError, "num_workers should be 0 or more, got -1"),
        ({"num_workers": 1, "prefetch_factor": 0}, ValueError, "prefetch_factor should be 1 or more, got 0"),
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor=2 is about workers, but num_workers is 0"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        DataLoader(range(3), **arguments)


Point = namedtuple("Point", "x y")


def test_default_collate():
    assert default_collate([1, 2]).dtype == minitorch.int64
    assert default_collate([1.0, 2.0]).dtype == minitorch.float64
    assert default_collate([True, False]).dtype == minitorch.bool
    assert default_collate([np.float32(1), np.float32(2)]).dtype == minitorch.float32
    assert default_collate([np.zeros((2, 3), np.float32)] * 4).shape == (4, 2, 3)
    assert default_collate([minitorch.zeros(2)] * 3).shape == (3, 2)
    assert default_collate(["a", "b"]) == ["a", "b"]
    batch = default_collate([{"image": minitorch.zeros(2), "names": ("x", 1)}] * 3)
    assert batch["image"].shape == (3, 2)
    assert batch["names"][0] == ["x", "x", "x"]
    assert default_collate([Point(1, 2.0), Point(3, 4.0)]).x.tolist() == [1, 3]


def test_default_collate_says_what_is_wrong():
    with pytest.raises(TypeError, match="found object; give DataLoader a collate_fn"):
        default_collate([object()])
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([(1, 2), (1,)])
    with pytest.raises(RuntimeError):
        default_collate([minitorch.zeros(2), minitorch.zeros(3)])
