"""What the collective operations promise, in so many processes as there are."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import checks
import numpy as np
from mpi4py import MPI

import minitorch
from minitorch import distributed
from minitorch.distributed import ReduceOp
from minitorch.distributed.group import the_group
from minitorch.testing import assert_close

DTYPES = [minitorch.float16, minitorch.float32, minitorch.float64, minitorch.int32, minitorch.int64, minitorch.uint8]
REFERENCES = {
    ReduceOp.SUM: np.sum,
    ReduceOp.PRODUCT: np.prod,
    ReduceOp.MIN: np.min,
    ReduceOp.MAX: np.max,
    ReduceOp.AVG: np.mean,
}


def shares(size, shape, dtype):
    """An array for each rank, small integers, which every rank knows."""
    return np.random.default_rng(1).integers(1, 4, (size, *shape)).astype(dtype)


def all_reduce_is_what_numpy_says(rank, size):
    for dtype in DTYPES:
        for op, reference in REFERENCES.items():
            if op is ReduceOp.AVG and not dtype.is_floating_point:
                continue
            for shape in ((), (0,), (1,), (5, 3), (70_001,)):
                arrays = shares(size, shape, dtype.numpy)
                tensor = minitorch.tensor(arrays[rank])
                assert distributed.all_reduce(tensor, op) is None
                expected = reference(arrays, axis=0).astype(dtype.numpy)
                assert tensor.dtype is dtype
                assert_close(tensor, np.asarray(expected))


def all_reduce_of_bool_is_any_and_all(rank, size):
    flags = [True, False, rank == 0]
    for op, expected in ((ReduceOp.MAX, [True, False, True]), (ReduceOp.MIN, [True, False, size == 1])):
        tensor = minitorch.tensor(flags)
        distributed.all_reduce(tensor, op)
        assert tensor.tolist() == expected


def all_reduce_has_the_same_bits_on_all_ranks_every_time(rank, size):
    rng = np.random.default_rng(rank)
    for count in (3, 1000, 300_000):
        mine = rng.standard_normal(count).astype(np.float32) * 10.0 ** rng.integers(-5, 5, count)
        results = []
        for repetition in range(10):
            tensor = minitorch.tensor(mine, dtype=minitorch.float32)
            time.sleep(0.002 * ((rank + repetition) % size))  # who comes first must not matter
            distributed.all_reduce(tensor)
            results.append(tensor)
        assert all(minitorch.equal(results[0], other) for other in results)
        everywhere = [minitorch.zeros(count) for _ in range(size)]
        distributed.all_gather(everywhere, results[0])
        assert all(minitorch.equal(results[0], other) for other in everywhere)


def broadcast_copies_from_any_rank(rank, size):
    for src in range(size):
        for shape in ((), (0,), (2, 3), (100_001,)):
            tensor = minitorch.full(shape, float(rank))
            before = tensor._version
            assert distributed.broadcast(tensor, src) is None
            assert_close(tensor, minitorch.full(shape, float(src)))
            assert tensor._version == before + (rank != src)
    flag = minitorch.tensor(rank == 0)
    distributed.broadcast(flag, 0)
    assert flag.item() is True


def all_gather_is_in_the_order_of_the_ranks(rank, size):
    for shape in ((), (0,), (3, 2)):
        places = [minitorch.zeros(shape) for _ in range(size)]
        assert distributed.all_gather(places, minitorch.full(shape, float(rank))) is None
        for number, place in enumerate(places):
            assert_close(place, minitorch.full(shape, float(number)))
    flags = [minitorch.tensor([False]) for _ in range(size)]
    distributed.all_gather(flags, minitorch.tensor([rank == 1]))
    assert [flag.item() for flag in flags] == [number == 1 for number in range(size)]


def several_may_be_under_way(rank, size):
    tensors = [minitorch.full((20_000 * (i % 3) + 1,), float(rank + i)) for i in range(12)]
    works = [distributed.all_reduce(tensor, ReduceOp.AVG, async_op=True) for tensor in tensors]
    gathered = [minitorch.zeros(2) for _ in range(size)]
    works.append(distributed.all_gather(gathered, minitorch.full((2,), float(rank)), async_op=True))
    order = reversed(works) if rank % 2 else works  # each rank waits as it likes
    assert all(work.wait() for work in order)
    assert all(work.is_completed() and work.wait() for work in works)
    for i, tensor in enumerate(tensors):
        assert_close(tensor, minitorch.full(tensor.shape, (size - 1) / 2 + i))  # divided once
    assert [place.tolist() for place in gathered] == [[number, number] for number in range(size)]


def work_may_be_forgotten(rank, size):
    for _ in range(20):
        distributed.all_reduce(minitorch.ones(100_000), async_op=True)
    total = minitorch.ones(3)
    distributed.all_reduce(total)
    assert_close(total, minitorch.full((3,), float(size)))


def work_can_be_asked_until_it_is_done(rank, size):
    tensor = minitorch.ones(1000)
    last = size - 1
    if rank == last:  # begins when all others have seen that it hasn't
        for other in range(last):
            MPI.COMM_WORLD.recv(source=other)
    work = distributed.all_reduce(tensor, ReduceOp.AVG, async_op=True)
    if rank != last:
        assert not work.is_completed()
        MPI.COMM_WORLD.send(None, last)
    while not work.is_completed():
        time.sleep(0.001)
    assert_close(tensor, minitorch.ones(1000))


def a_barrier_waits_for_the_last(rank, size):
    for last in range(size):
        if rank == last:
            time.sleep(0.1)
        arrived = minitorch.tensor(time.time(), dtype=minitorch.float64)  # the processes of a machine have one clock
        distributed.barrier()
        left = time.time()
        distributed.all_reduce(arrived, ReduceOp.MAX)
        assert left >= arrived.item()
    work = distributed.barrier(async_op=True)
    assert work.wait()


def objects_are_shared(rank, size):
    assert the_group().mpi.share({"rank": rank, "text": "x" * rank * 1000}) == [
        {"rank": number, "text": "x" * number * 1000} for number in range(size)
    ]


def ranks_of_one_machine_share_its_processors(rank, size):
    assert distributed.get_node_local_rank() == rank
    assert minitorch.get_num_threads() == max(1, len(os.sched_getaffinity(0)) // size)


def the_group_can_be_made_again(rank, size):
    distributed.destroy_process_group()
    assert not distributed.is_initialized()
    distributed.init_process_group("mpi", timeout=timedelta(seconds=60))
    assert (distributed.get_rank(), distributed.get_world_size()) == (rank, size)


if __name__ == "__main__":
    checks.run(
        [
            all_reduce_is_what_numpy_says,
            all_reduce_of_bool_is_any_and_all,
            all_reduce_has_the_same_bits_on_all_ranks_every_time,
            broadcast_copies_from_any_rank,
            all_gather_is_in_the_order_of_the_ranks,
            several_may_be_under_way,
            work_may_be_forgotten,
            work_can_be_asked_until_it_is_done,
            a_barrier_waits_for_the_last,
            objects_are_shared,
            ranks_of_one_machine_share_its_processors,
            the_group_can_be_made_again,
        ]
    )
