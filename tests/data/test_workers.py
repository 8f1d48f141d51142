"""Threads and processes make the same batches as the program itself, and their errors arrive."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import threading

import loading
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch
from minitorch.data import DataLoader, ImageDataset, get_worker_info, transforms

THREADS = {"num_workers": 2}
FORKED = {"num_workers": 2, "multiprocessing_context": "fork"}
SPAWNED = {"num_workers": 2, "multiprocessing_context": "spawn"}
KINDS = pytest.mark.parametrize("workers", [THREADS, FORKED, SPAWNED], ids=["threads", "forked", "spawned"])

# Python 3.12 and later warn of a fork wherever there is another thread, such as those of a BLAS.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def nobody_is_left_behind():
    yield
    if left_behind():
        gc.collect()  # which takes a second, so only if a cycle of references may be the reason
    assert not left_behind()


def left_behind():
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("DataLoader")]
    return threads + multiprocessing.active_children()


def plain(batch):
    """A batch as lists, which can be compared."""
    if isinstance(batch, dict):
        return {key: plain(value) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return [plain(entry) for entry in batch]
    return batch.tolist() if hasattr(batch, "tolist") else batch


def epochs(dataset, arguments, seed=0, count=2):
    minitorch.manual_seed(seed)
    loader = DataLoader(dataset, **arguments)
    return [[plain(batch) for batch in loader] for _ in range(count)]


@pytest.mark.parametrize("context", [None, "fork"], ids=["threads", "forked"])
@settings(max_examples=8)
@given(
    n=st.integers(0, 12),
    num_workers=st.integers(1, 4),
    shuffle=st.booleans(),
    prefetch_factor=st.integers(1, 3),
    persistent=st.booleans(),
    batch_size=st.sampled_from([1, 3, 5, None]),
    seed=st.integers(0, 2**40),
)
def test_batches_do_not_depend_on_who_makes_them(
    context, n, num_workers, shuffle, prefetch_factor, persistent, batch_size, seed
):
    order = {"batch_size": batch_size, "shuffle": shuffle}
    workers = {
        "num_workers": num_workers,
        "multiprocessing_context": context,
        "prefetch_factor": prefetch_factor,
        "persistent_workers": persistent,
    }
    dataset = loading.Made(n, lambda index: (index, minitorch.rand(2), np.float32(minitorch.randn(()).item())))
    alone = epochs(dataset, order, seed)
    assert epochs(dataset, {**order, **workers}, seed) == alone
    assert n == 0 or alone[0] != alone[1]


@KINDS
def test_everything_that_is_seeded(workers):
    alone = epochs(loading.Noisy(10), {"batch_size": 4, "shuffle": True})
    assert epochs(loading.Noisy(10), {"batch_size": 4, "shuffle": True, **workers}) == alone
    drawn = [tuple(noise) for epoch in alone for _, noise, _, _ in epoch for noise in noise]
    assert len(set(drawn)) == len(drawn)


@KINDS
def test_random_transforms(workers):
    images = minitorch.randint(256, (12, 3, 8, 8), dtype=minitorch.uint8)
    transform = transforms.Compose([transforms.RandomCrop(6), transforms.RandomHorizontalFlip()])
    dataset = ImageDataset(images, minitorch.arange(12), ["one"] * 12, transform)
    alone = epochs(dataset, {"batch_size": 5})
    assert alone[0] != alone[1]
    assert epochs(dataset, {"batch_size": 5, **workers}) == alone


def test_each_batch_has_a_generator_of_its_own():
    """Which depends on the epoch and the batch's number only: not on what others draw, nor on the batches before."""
    seeds = [
        [(batch, minitorch.initial_seed()) for batch in DataLoader(range(4), 2, collate_fn=seen)] for _ in range(2)
    ]
    drawn = [seed for epoch in seeds for (seed, offset), _ in epoch]
    assert len(set(drawn)) == 4
    assert {offset for epoch in seeds for (_, offset), _ in epoch} == {0}
    assert {outside for epoch in seeds for _, outside in epoch} == {0}  # the loop has the default generator
    minitorch.manual_seed(0)
    loader = DataLoader(range(4), 2, collate_fn=seen)
    for epoch in seeds:
        batches = iter(loader)
        minitorch.rand(100, generator=minitorch.Generator())
        assert list(batches) == [batch for batch, _ in epoch]


def seen(samples):
    state = minitorch.get_rng_state()
    minitorch.rand(7)
    return state


@pytest.mark.parametrize("num_workers", [1, 3])
def test_global_generators_repeat_themselves_in_processes(num_workers):
    one = epochs(loading.Globals(9), {"batch_size": 2, **FORKED})
    assert epochs(loading.Globals(9), {"batch_size": 2, **FORKED, "num_workers": num_workers}) == one
    drawn = [x for epoch in one for batch in epoch for column in batch for x in column]
    assert len(set(drawn)) == len(drawn)


def test_global_generators_are_left_alone_otherwise():
    def state():
        return random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002

    before = state()
    epochs(loading.Noisy(9), {"batch_size": 2, **FORKED})
    epochs(loading.Noisy(9), {"batch_size": 2, **THREADS})
    epochs(loading.Noisy(9), {"batch_size": 2})
    assert state() == before


# ---- batches that processes send -------------------------------------------------------------------------------------


@KINDS
def test_batches_arrive_as_they_were_made(workers):
    dataset = loading.Made(6, loading.odd_arrays)
    alone, sent = (list(DataLoader(dataset, 3, **arguments)) for arguments in ({}, workers))
    assert [plain_text(batch) for batch in sent] == [plain_text(batch) for batch in alone]
    with minitorch.no_grad():
        sent[0]["large"].add_(1)  # it is our memory
    assert sent[0]["large"].data.flags.writeable
    assert workers is THREADS or sent[0]["large"].data.ctypes.data % 64 == 0
    assert sent[1]["large"][0, 0].item() == 3


def plain_text(batch):
    return {
        key: value if isinstance(value, list) else (str(value.dtype), value.tolist()) for key, value in batch.items()
    }


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_tensors_of_processes_keep_requires_grad(context):
    batches = DataLoader(range(2), collate_fn=loading.first_tensor, num_workers=1, multiprocessing_context=context)
    assert [(batch.tolist(), batch.requires_grad) for batch in batches] == [([0.0], True), ([1.0], True)]


def test_a_tensor_with_a_history_stays_in_its_process():
    loader = DataLoader(range(2), collate_fn=loading.recorded_on_tape, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        list(loader)


def test_memory_and_descriptors_are_given_back():
    def descriptors():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("this system doesn't list a process's descriptors")
    loader = DataLoader(loading.Made(8, loading.odd_arrays), 2, **FORKED)
    list(loader)
    before = descriptors()
    for _ in range(3):
        for _batch in loader:
            pass
        for _batch in loader:
            break
    del _batch
    assert descriptors() <= before
    kept = list(loader)
    assert descriptors() <= before
    assert len(kept) == 4


# ---- workers ---------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("persistent", [False, True])
def test_what_a_worker_knows_of_itself(workers, persistent):
    assert get_worker_info() is None
    loader = DataLoader(loading.Made(12, loading.worker), 2, persistent_workers=persistent, **workers)
    rows = [[row for batch in loader for row in zip(*plain(batch), strict=True)] for _ in range(2)]
    del loader
    pids = {pid for epoch in rows for *_, pid, _ in epoch}
    for epoch in rows:
        assert {row[0] for row in epoch} <= {0, 1}
        assert {row[1:3] for row in epoch} == {(2, 12)}
        base = {(seed - worker) % 2**63 for worker, *_, seed in epoch}
        assert len(base) == 1
    assert get_worker_info() is None
    if workers is THREADS:
        assert pids == {os.getpid()}
    else:
        assert os.getpid() not in pids
        assert len(pids) <= 2 if persistent else len(pids) >= 2


@KINDS
def test_worker_init_fn_runs_in_each_worker_with_its_seed(workers):
    loader = DataLoader(
        loading.Made(12, loading.recorded), worker_init_fn=loading.init_fn, collate_fn=loading.as_it_is, **workers
    )
    found = [row for batch in loader for row in batch]
    loading.RECORD.clear()
    assert {worker for worker, _ in found} <= {0, 1}
    assert len({(seed - worker) % 2**63 for worker, seed in found}) == 1


@KINDS
def test_an_error_of_worker_init_fn_arrives(workers):
    with pytest.raises(LookupError, match=r"worker \d has no disk") as caught:
        list(DataLoader(range(4), worker_init_fn=loading.broken_init_fn, **workers))
    assert workers is THREADS or "in broken_init_fn" in str(caught.value.__cause__)


def test_persistent_workers_are_used_again_also_after_a_loop_that_was_left():
    loader = DataLoader(loading.Made(40, loading.worker), 2, persistent_workers=True, **FORKED)
    pids = set()
    for _ in range(3):
        for i, batch in enumerate(loader):
            pids |= set(plain(batch)[3])
            if i == 2:
                break
    assert [plain(batch)[2] for batch in loader] == [[40, 40]] * 20
    assert len(pids) <= 2
    first, second = iter(loader), iter(loader)  # they share the workers
    assert [len(plain(next(it))) for it in (first, second, second, first)] == [5] * 4
    del loader
    assert len(list(first)) == len(list(second)) == 18


def test_persistent_workers_that_failed_are_replaced(tmp_path):
    def fails_once(index):
        if index == 2 and not (tmp_path / "failed").exists():
            (tmp_path / "failed").touch()
            os._exit(1)
        return index

    loader = DataLoader(loading.Made(5, fails_once), persistent_workers=True, **FORKED)
    with pytest.raises(RuntimeError, match="exited unexpectedly with exit code 1"):
        list(loader)
    assert [batch.item() for batch in loader] == [0, 1, 2, 3, 4]


def test_an_error_of_another_iterator_ends_the_workers_of_both():
    failed = []

    def fails_once(index):
        if index == 2 and not failed:
            failed.append(index)
            raise LookupError("once")
        return index

    one = {"num_workers": 1, "prefetch_factor": 1, "persistent_workers": True, "timeout": 20}
    loader = DataLoader(loading.Made(9, fails_once), **one)
    first = iter(loader)
    next(first), next(first)
    second = iter(loader)
    with pytest.raises(LookupError, match="once"):
        next(first)
    assert next(second).item() == 0  # was ordered before
    with pytest.raises(RuntimeError, match="its workers have ended, because of an error that another iterator"):
        next(second)
    assert len(list(loader)) == 9


def test_processes_compute_on_one_thread():
    def threads(index):
        return minitorch.get_num_threads()

    assert [batch.item() for batch in DataLoader(loading.Made(2, threads), **FORKED)] == [1, 1]


# ---- errors ----------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (loading.not_found, FileNotFoundError, "there is no such picture: '9.jpg'"),
        (loading.with_code, loading.WithCode, "9.jpg gives 17"),
        (loading.stops, RuntimeError, "batch 4: the dataset or collate_fn raised StopIteration"),
        (loading.times_out, TimeoutError, "the disk is far away"),
    ],
)
def test_an_exception_arrives_with_its_type_and_traceback(workers, make, error, message):
    received = []
    with pytest.raises(error, match=message) as caught:
        received.extend(batch.tolist() for batch in DataLoader(loading.Made(20, make), 2, **workers))
    assert received == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert type(caught.value) is error
    if error is FileNotFoundError:
        assert (caught.value.errno, caught.value.filename) == (2, "9.jpg")
    if error is loading.WithCode:
        assert (caught.value.path, caught.value.code) == ("9.jpg", 17)
    if workers is not THREADS:
        text = str(caught.value.__cause__)
        assert "in a DataLoader worker (pid " in text
        assert "Traceback (most recent call last)" in text
        assert f"in {make.__name__}" in text


def test_an_exception_that_cannot_be_sent_arrives_as_text():
    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*in unsendable.*Unsendable: 9.jpg gives 17") as caught:
        list(DataLoader(loading.Made(20, loading.unsendable), 2, **FORKED))
    assert caught.value.__cause__ is None  # which would say the same again
    with pytest.raises(loading.Unsendable):
        list(DataLoader(loading.Made(20, loading.unsendable), 2, **THREADS))


def test_a_batch_that_cannot_be_sent():
    def function(index):
        return lambda: index

    with pytest.raises((AttributeError, TypeError, RuntimeError), match="pickle"):
        list(DataLoader(loading.Made(3, function), collate_fn=loading.as_it_is, **FORKED))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (loading.killed, r"worker \(pid \d+\) was killed by signal 9 \(Killed\); the system does that when memory"),
        (loading.leaves, r"worker \(pid \d+\) exited unexpectedly with exit code 3"),
    ],
)
def test_a_process_that_dies(make, message):
    with pytest.raises(RuntimeError, match=message):
        list(DataLoader(loading.Made(20, make), 2, **FORKED))


def test_an_error_of_the_sampler_comes_in_its_turn():
    def sampler():
        yield from range(5)
        raise LookupError("no more")

    for workers in ({}, THREADS):
        received = []
        with pytest.raises(LookupError, match="no more"):
            received.extend(batch.item() for batch in DataLoader(range(9), sampler=sampler(), **workers))
        assert received == [0, 1, 2, 3, 4]


def test_nothing_comes_after_an_error():
    for workers in ({}, THREADS):
        batches = iter(DataLoader(loading.Made(20, loading.not_found), 2, **workers))
        with pytest.raises(FileNotFoundError):
            list(batches)
        assert list(batches) == []


def test_timeout(monkeypatch):
    monkeypatch.setattr("minitorch.data.team.PATIENCE", 0.05)
    awake = threading.Event()
    loader = DataLoader(loading.Made(4, lambda index: awake.wait(60)), num_workers=1, timeout=0.05)
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.05 seconds"):
        next(iter(loader))
    awake.set()
    for thread in threading.enumerate():
        if thread.name.startswith("DataLoader"):
            thread.join(60)
    loader = DataLoader(loading.Made(20, loading.slow), 5, timeout=1, **FORKED)
    with pytest.raises(RuntimeError, match="timed out after 1 seconds"):
        list(loader)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"multiprocessing_context": "threads"}, ValueError, r"should be one of \['fork'.*got 'threads'"),
        ({"multiprocessing_context": 3}, TypeError, "a start method or a context of multiprocessing, got int"),
        ({"num_workers": 0, "multiprocessing_context": "fork"}, ValueError, "context=fork is about workers"),
        ({"num_workers": 0, "persistent_workers": True}, ValueError, "persistent_workers=True is about workers"),
        ({"num_workers": 0, "timeout": 3}, ValueError, "timeout=3 is about workers, but num_workers is 0"),
        ({"timeout": -1}, ValueError, "timeout should not be negative, got -1"),
        ({"sampler": [0], "shuffle": True}, ValueError, "sampler and shuffle exclude each other"),
        ({"batch_sampler": [[0]], "batch_size": 2}, ValueError, "batch_sampler excludes batch_size"),
        ({"batch_sampler": [[0]], "drop_last": True}, ValueError, "batch_sampler excludes batch_size"),
        ({"batch_size": None, "drop_last": True}, ValueError, "drop_last is about batches"),
        ({"dataset": iter([1])}, TypeError, "but list_iterator has no __getitem__ and no __len__"),
        ({"dataset": {1, 2}}, TypeError, "but set has no __getitem__"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        DataLoader(**{"dataset": range(3), "num_workers": 1, **arguments})


def test_a_context_can_be_given_as_an_object():
    context = multiprocessing.get_context("fork")
    loader = DataLoader(range(3), num_workers=1, multiprocessing_context=context)
    assert [batch.item() for batch in loader] == [0, 1, 2]


def test_what_cannot_be_pickled_cannot_be_spawned():
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        iter(DataLoader(range(3), collate_fn=lambda samples: samples, **SPAWNED))
