"""Compiles every kernel that the GPU can run, in parallel processes, into the folder where CuPy keeps what it compiled.

Later steps then find each kernel there (``CUPY_CACHE_DIR``), instead of compiling it when it is first launched.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from typing import NamedTuple

from .step import Step, parser


class Compiled(NamedTuple):
    family: str
    name: str
    seconds: float
    error: str


def instances() -> list[tuple[str, str]]:
    """Every kernel instance that the current GPU can run, with its family."""
    import cupy

    from minitorch.backends.cuda import source

    capability = int(cupy.cuda.Device().compute_capability)
    return [
        (family, name)
        for family in source.families()
        for name, needed in source.instances(family).items()
        if needed <= capability
    ]


def compile_one(instance: tuple[str, str]) -> Compiled:
    """As :mod:`minitorch.backends.cuda.launch` does before the first launch."""
    from minitorch.backends.cuda import launch

    started = time.perf_counter()
    try:
        launch._kernel(*instance, 0)
        error = ""
    except Exception as raised:  # the compiler's, the loader's and the driver's have nothing in common
        error = f"{type(raised).__name__}: {raised}"
    return Compiled(*instance, time.perf_counter() - started, error)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = arguments.parse_args()
    step = Step("compile", options.out)
    todo = instances()
    if options.rehearse:
        todo = [instance for instance in todo if instance[0] == "elementwise"]
    started = time.perf_counter()
    # New processes, because one that has used CUDA can't be forked.
    with multiprocessing.get_context("spawn").Pool(min(options.processes, len(todo))) as pool:
        compiled = list(pool.imap_unordered(compile_one, todo))
    for kernel in compiled:
        if kernel.error:
            step.check(f"{kernel.family}.cu: {kernel.name}", False, kernel.error[:2000])
    slowest = max(compiled, key=lambda kernel: kernel.seconds)
    step.check(
        f"{len(compiled)} kernels",
        not any(kernel.error for kernel in compiled),
        f"{time.perf_counter() - started:.1f} s, {sum(kernel.seconds for kernel in compiled):.1f} s in all processes, "
        f"at most {slowest.seconds:.1f} s ({slowest.name})",
    )
    return step.status()


if __name__ == "__main__":
    sys.exit(main())
