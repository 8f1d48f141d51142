"""How fast is Minitorch beside PyTorch? Steps of LeNet-5 and AlexNet, layers, matrix products, small operations.

    python examples/benchmarks/compare_torch.py --torch-python /path/to/python/with/torch

Each framework runs in a process of its own, with the same number of threads. In every round one measures, then the
other, the first alternating, so that whatever else the machine does meets both. A line shows the medians of both times
and the median over the rounds of their ratio: Minitorch's time / PyTorch's, below 1 where Minitorch is faster.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from networks import alexnet, lenet5, load, step
from pairs import FRAMEWORKS, Worker, WorkerEnded, median_ratio, serve, turns

BATCH_SIZES = (64, 256)
GEMM_SIZES = (512, 1024)
SECONDS = 0.1  # what a framework measures of a case in one round


# ---- in the process of one framework ---------------------------------------------------------------------------------


class Case(NamedTuple):
    """`run(prepare())` is done again and again; only `run` is timed."""

    run: Callable[[Any], Any]
    prepare: Callable[[], Any] = lambda: None


def make_cases(fw: Any) -> dict[str, Case]:
    """Everything that is measured, by name; the same code for both frameworks."""
    cases = {}
    for n in GEMM_SIZES:
        a, b = fw.randn(n, n), fw.randn(n, n)
        cases[f"matmul {n}³"] = Case(lambda _, a=a, b=b: a @ b)
    cases.update(overhead_cases(fw))
    for batch_size in BATCH_SIZES:
        cases.update(
            {f"LeNet-5, batch {batch_size}: {name}": case for name, case in lenet_cases(fw, batch_size).items()}
        )
    cases.update({f"AlexNet, {name}": case for name, case in alexnet_cases(fw).items()})
    return cases


def overhead_cases(fw: Any) -> dict[str, Case]:
    """What an operation costs beside its arithmetic: tensors of four numbers."""
    x, c = fw.ones(4, requires_grad=True), fw.ones(4)

    def additions(_: Any) -> None:
        for _ in range(1000):
            x + c

    def chain(_: Any) -> None:
        y = x
        for _ in range(100):
            y = y * c
        y.backward(c)
        x.grad = None

    return {"1000 recorded additions": Case(additions), "a chain of 100, forward and backward": Case(chain)}


def lenet_cases(fw: Any, batch_size: int) -> dict[str, Case]:
    fw.manual_seed(0)
    model = lenet5(fw)
    images, labels = fw.randn(batch_size, 1, 32, 32), fw.randint(0, 10, (batch_size,))
    loss_fn = fw.nn.CrossEntropyLoss()
    optimizers = {
        "SGD": fw.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9),
        "Adam": fw.optim.Adam(model.parameters(), lr=1e-3),
    }
    cases = {}
    for name, optimizer in optimizers.items():
        cases[f"step, {name}"] = Case(lambda _, o=optimizer: step(model, loss_fn, o, images, labels))

    def inference(_: Any) -> Any:
        with fw.no_grad():
            return model(images)

    cases["inference"] = Case(inference)
    # Each layer alone, on the input that it has in the network.
    input = images
    for number, layer in enumerate([*model, loss_fn]):
        name = f"{number} {type(layer).__name__}"
        x = input.detach().requires_grad_(number > 0)  # nobody needs the gradient of the images
        forward = (lambda layer=layer, x=x: layer(x)) if layer is not loss_fn else (lambda x=x: loss_fn(x, labels))
        output = forward()
        wanted = [x] * (number > 0) + list(layer.parameters())
        grad_output = fw.ones_like(output)
        cases[f"forward {name}"] = Case(lambda _, forward=forward: forward())
        cases[f"backward {name}"] = Case(
            lambda y, wanted=wanted, grad_output=grad_output: fw.autograd.grad(y, wanted, grad_output), forward
        )
        input = output.detach()
    step(model, loss_fn, optimizers["SGD"], images, labels)  # leaves gradients
    for name, optimizer in optimizers.items():
        cases[f"optimiser {name}"] = Case(lambda _, optimizer=optimizer: optimizer.step())
    return cases


def alexnet_cases(fw: Any) -> dict[str, Case]:
    fw.manual_seed(0)
    model, loss_fn = alexnet(fw), fw.nn.CrossEntropyLoss()
    optimizer = fw.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    images, labels = fw.randn(32, 3, 224, 224), fw.randint(0, 1000, (32,))

    def infer(images: Any) -> Any:
        with fw.no_grad():
            return model(images)

    return {
        "step, batch 32": Case(lambda _: step(model, loss_fn, optimizer, images, labels), model.train),
        "inference, batch 32": Case(lambda _: infer(images), model.eval),
        "inference, batch 1": Case(lambda _: infer(images[:1]), model.eval),
    }


def work(framework: str, threads: int) -> None:
    """Answers names of cases with the seconds that they take."""
    fw = load(framework, threads)
    cases = make_cases(fw)
    serve({"version": fw.__version__, "cases": list(cases)}, lambda case: median_time(cases[case]))


def median_time(case: Case) -> float:
    """The median of the repetitions that SECONDS have room for, after one that isn't counted."""
    case.run(case.prepare())
    times = []
    end = time.perf_counter() + SECONDS
    while not times or time.perf_counter() < end:
        prepared = case.prepare()
        started = time.perf_counter()
        case.run(prepared)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


# ---- in the process that compares ------------------------------------------------------------------------------------


def start(framework: str, python: str, threads: int) -> Worker:
    command = [python, __file__, "--worker", framework, "--threads", str(threads)]
    return Worker(framework, command, {"OMP_NUM_THREADS": str(threads)})


def compare(workers: dict[str, Worker], rounds: int, only: str) -> dict[str, dict[str, list[float]]]:
    """Seconds of each case and framework, one number a round."""
    cases = [case for case in workers["minitorch"].about["cases"] if only in case]
    if not cases:
        raise SystemExit(f"no case has a name that contains {only!r}")
    seconds: dict[str, dict[str, list[float]]] = {case: {name: [] for name in FRAMEWORKS} for case in cases}
    for i in range(rounds):
        for case in cases:
            for name in turns(i, FRAMEWORKS):
                seconds[case][name].append(workers[name].measure(case))
    return seconds


def print_table(table: dict[str, dict[str, list[float]]]) -> None:
    width = max(map(len, table))
    print(f"{'':{width}}  Minitorch    PyTorch   ratio  (rounds' quartiles)")
    for case, times in table.items():
        ours, theirs = times["minitorch"], times["torch"]
        ratio, low, high = median_ratio(ours, theirs)
        print(
            f"{case:{width}}  {1e3 * statistics.median(ours):6.3f} ms  {1e3 * statistics.median(theirs):6.3f} ms  "
            f"{ratio:6.2f}  ({low:.2f} … {high:.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--torch-python", default=sys.executable, help="a Python with PyTorch (default: this one)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="measure the cases whose name contains this")
    parser.add_argument("--worker", choices=FRAMEWORKS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.threads)
        return
    pythons = {"minitorch": sys.executable, "torch": options.torch_python}
    workers: dict[str, Worker] = {}
    try:
        for name, python in pythons.items():
            workers[name] = start(name, python, options.threads)
        seconds = compare(workers, options.rounds, options.only)
    except WorkerEnded as error:
        raise SystemExit(f"compare_torch.py: {error}") from None
    finally:
        for worker in workers.values():
            worker.stop()
    versions = {name: worker.about["version"] for name, worker in workers.items()}
    print(
        f"Minitorch {versions['minitorch']}, PyTorch {versions['torch']}, {options.threads} threads, float32, "
        f"{platform.machine()}; medians of {options.rounds} rounds\n"
    )
    print_table(seconds)


if __name__ == "__main__":
    main()
