"""Datasets and functions for the tests of the loader, where processes that don't share our memory can import them."""

from __future__ import annotations

import os
import random
import time

import numpy as np

import minitorch
from minitorch.data import Dataset, get_worker_info


class Noisy(Dataset):
    """Sample i with random numbers from everywhere that the loader seeds."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        own = np.random.default_rng(minitorch.initial_seed()).random(2)
        flipped = minitorch.nn.functional.dropout(minitorch.ones(5))
        return index, minitorch.rand(2), flipped, own


class Globals(Noisy):
    """Random numbers of Python's and NumPy's global generators."""

    def __getitem__(self, index):
        return random.random(), np.random.rand()  # noqa: NPY002


class Made(Dataset):
    """Sample i is ``make(i)``."""

    def __init__(self, n, make):
        self.n, self.make = n, make

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return self.make(index)


class WithCode(Exception):
    """An exception that can't be made from its message alone."""

    def __init__(self, path, code):
        super().__init__(f"{path} gives {code}")
        self.path, self.code = path, code

    def __reduce__(self):
        return WithCode, (self.path, self.code)


class Unsendable(Exception):
    def __init__(self, path, code):
        super().__init__(f"{path} gives {code}")


def not_found(index):
    if index == 9:
        raise FileNotFoundError(2, "there is no such picture", "9.jpg")
    return index


def with_code(index):
    if index == 9:
        raise WithCode("9.jpg", 17)
    return index


def unsendable(index):
    if index == 9:
        raise Unsendable("9.jpg", 17)
    return index


def stops(index):
    if index == 9:
        raise StopIteration
    return index


def times_out(index):
    if index == 9:
        raise TimeoutError("the disk is far away")
    return index


def killed(index):
    if index == 9:
        os.kill(os.getpid(), 9)
    return index


def leaves(index):
    if index == 9:
        os._exit(3)
    return index


def slow(index):
    if index == 9:
        time.sleep(60)
    return index


def worker(index):
    info = get_worker_info()
    return info.id, info.num_workers, len(info.dataset), os.getpid(), info.seed % 2**63


def recorded(index):
    """What init_fn left in this worker."""
    return RECORD[get_worker_info().id]


def odd_arrays(index):
    """What is hard to send: nothing, other dtypes, views, texts, large memory."""
    return {
        "empty": minitorch.zeros(0, 3),
        "half": minitorch.full((3,), index, dtype=minitorch.float16),
        "bool": minitorch.tensor([True, False]),
        "turned": np.arange(6.0).reshape(2, 3).T,
        "text": f"number {index}",
        "large": np.full((1 << 20,), index, np.uint8),
        "nothing": b"",
    }


def as_it_is(samples):
    return samples


def first_tensor(samples):
    return minitorch.tensor([float(samples[0])], requires_grad=True)


def recorded_on_tape(samples):
    return first_tensor(samples) * 2


RECORD: dict[int, tuple] = {}


def init_fn(worker_id):
    RECORD[worker_id] = (get_worker_info().id, minitorch.initial_seed() % 2**63)


def broken_init_fn(worker_id):
    raise LookupError(f"worker {worker_id} has no disk")
