"""Times training steps of one batch that several processes share; start it with one process, and with several.

    mpiexec -n 1 python -m mpi4py examples/benchmarks/processes.py
    mpiexec -n 2 python -m mpi4py examples/benchmarks/processes.py

It prints the shortest time and the median, also of steps whose gradients are not averaged.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import minitorch
from minitorch import distributed, nn, optim
from minitorch.models import LeNet5, alexnet, alexnet_small

MODELS: dict[str, tuple[Callable[[], nn.Module], int, tuple[int, ...], int]] = {
    "alexnet": (alexnet, 16, (3, 224, 224), 6),
    "alexnet_small": (alexnet_small, 64, (3, 32, 32), 12),
    "LeNet5": (LeNet5, 256, (1, 32, 32), 40),
}


def times(function: Callable[[], None], count: int) -> list[float]:
    """The milliseconds that each call takes on the slowest rank; the first one is left out."""
    found = []
    for _ in range(count + 1):
        distributed.barrier()
        start = time.perf_counter()
        function()
        slowest = minitorch.tensor(1000 * (time.perf_counter() - start))
        distributed.all_reduce(slowest, distributed.ReduceOp.MAX)
        found.append(float(slowest))
    return found[1:]


def main() -> None:
    distributed.init_process_group()
    ranks = distributed.get_world_size()
    for name, (make, batch, shape, count) in MODELS.items():
        minitorch.manual_seed(0)
        model = distributed.DistributedDataParallel(make(), gradient_as_bucket_view=True)
        optimizer = optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
        images, labels = minitorch.randn(batch // ranks, *shape), minitorch.randint(0, 10, (batch // ranks,))

        def step(model=model, optimizer=optimizer, images=images, labels=labels) -> None:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

        def step_apart(model=model, step=step) -> None:
            with model.no_sync():
                step()

        both = times(step, count), times(step_apart, count)
        if distributed.get_rank() == 0:
            shown = [f"{min(found):.1f} (median {statistics.median(found):.1f}) ms" for found in both]
            threads = minitorch.get_num_threads()
            print(
                f"{name}, batch {batch}, {ranks} × {threads} threads: {shown[0]}; not averaged {shown[1]}", flush=True
            )
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
