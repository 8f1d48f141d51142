"""Compiles every CUDA kernel for every architecture, as CuPy would for a GPU that is there; needs none.

    python tests/cuda_on_cpu/compile_all.py [--architectures 75 90] [--families gemm] [--jobs 2] [--keep FOLDER]

Each instance is compiled by itself, as at its first use, and then: nothing may be kept in local memory (no spills, no
stack frame), nothing may be warned of, and a block with as many threads as the kernel allows must fit a multiprocessor.
Each kernel of a family must have instances. Prints a table and fails if anything doesn't hold.

CuPy (with NVRTC: ``cupy-cuda13x[ctk]``, or ``cupy-cuda12x[ctk]`` for architecture 70) must be installed beside
Minitorch.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import multiprocessing
import os
import pathlib
import re
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from cupy._core import core
from cupy_backends.cuda.libs import nvrtc

from minitorch.backends.cuda import source, tiles

ARCHITECTURES = (75, 80, 86, 89, 90, 100, 120)


class Limits(NamedTuple):
    """What a multiprocessor has (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability")."""

    shared_a_block: int
    shared: int
    threads: int
    blocks: int
    registers: int = 65536


LIMITS = {
    70: Limits(96 << 10, 96 << 10, 2048, 32),
    75: Limits(64 << 10, 64 << 10, 1024, 16),
    80: Limits(163 << 10, 164 << 10, 2048, 32),
    86: Limits(99 << 10, 100 << 10, 1536, 16),
    89: Limits(99 << 10, 100 << 10, 1536, 24),
    90: Limits(227 << 10, 228 << 10, 2048, 32),
    100: Limits(227 << 10, 228 << 10, 2048, 32),
    120: Limits(99 << 10, 100 << 10, 1536, 24),
}


class Compiled(NamedTuple):
    """What the compiler says of one instance for one architecture."""

    family: str
    name: str
    architecture: int
    registers: int
    threads: int  # of the largest block
    static_shared: int
    dynamic_shared: int
    seconds: float  # of processor time
    complaints: tuple[str, ...]

    @property
    def blocks(self) -> int:
        """How many blocks a multiprocessor holds at a time."""
        limits = LIMITS[self.architecture]
        reserved = 1024 if self.architecture >= 80 else 0
        shared = self.static_shared + self.dynamic_shared
        if self.registers == 0 or shared > limits.shared_a_block:  # it doesn't compile, or asks for too much
            return 0
        registers_a_warp = -(-self.registers * 32 // 256) * 256
        return min(
            limits.blocks,
            limits.threads // self.threads,
            limits.registers // registers_a_warp // -(-self.threads // 32),
            limits.shared // (shared + reserved) if shared else limits.blocks,
        )


def compiled(family: str, name: str, architecture: int, keep: pathlib.Path | None = None) -> Compiled:
    """Compiles one instance with the options that CuPy's RawModule gives NVRTC."""
    program = nvrtc.createProgram(source.text(family), f"{family}.cu", (), ())
    nvrtc.addNameExpression(program, name)
    options = (
        *core.assemble_cupy_compiler_options(()),
        "-ftz=true",
        f"-arch=sm_{architecture}",
        "--device-as-default-execution-space",
        "--ptxas-options=-v",
    )
    start = time.process_time()
    try:
        nvrtc.compileProgram(program, options)
    except nvrtc.NVRTCError as error:
        complaint = f"doesn't compile: {error}\n{nvrtc.getProgramLog(program)}"
        return Compiled(family, name, architecture, 0, 1, 0, 0, time.process_time() - start, (complaint,))
    seconds = time.process_time() - start
    log, ptx, cubin = nvrtc.getProgramLog(program), nvrtc.getPTX(program).decode(), nvrtc.getCUBIN(program)
    nvrtc.destroyProgram(program)
    if keep is not None:
        path = keep / f"{re.sub('[<>,]+', '_', name).strip('_')}.sm_{architecture}.cubin"
        path.write_bytes(cubin + b"\0")  # CuPy leaves out the last byte

    # One instance by itself leaves constants of the file unused (warning 177); CUDA 12 warns of architecture 70.
    expected = re.compile("#177-D|Architectures prior to|warnings can be suppressed")
    complaints = [line.strip() for line in log.splitlines() if " warning" in line and not expected.search(line)]
    kept = re.finditer(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", log)
    complaints += [match[0] for match in kept if any(map(int, match.groups()))]
    used = re.search(r"Used (\d+) registers", log)
    static = re.search(r"(\d+) bytes smem", log)
    threads = re.search(r"\.maxntid (\d+)", ptx)  # of __launch_bounds__; a block without may have 1024
    dynamic = tiles.shared(name)  # of matrix products; what others ask for depends on the shapes, and is small
    if dynamic and ".extern .shared" not in ptx:
        complaints.append(f"the host asks for {dynamic} bytes of dynamic shared memory, which the kernel doesn't use")
    assert used, log
    result = Compiled(
        family,
        name,
        architecture,
        int(used[1]),
        int(threads[1]) if threads else 1024,
        int(static[1]) if static else 0,
        dynamic,
        seconds,
        tuple(complaints),
    )
    if result.blocks == 0:
        too_much = f"no block of {result.threads} threads fits: {result.registers} registers a thread, "
        too_much += f"{result.static_shared} + {dynamic} bytes of shared memory"
        result = result._replace(complaints=(*complaints, too_much))
    return result


def launched(name: str, architecture: int) -> bool:
    """Whether the host may launch an instance on an architecture: not if its tile isn't for that."""
    memory = LIMITS[architecture].shared_a_block
    used = [argument for argument in re.split("[<>,]", name) if tiles.is_tile(argument)]
    usual = {tile.name for p in ("ieee", "tf32") for c in "fd" for tile in tiles.suitable(p, c, architecture, memory)}
    return usual.issuperset(used)


def missing(family: str) -> list[str]:
    """The kernels of a family that have no instance."""
    return sorted(set(source.kernels(family)) - {name.partition("<")[0] for name in source.instances(family)})


def table(results: Sequence[Compiled]) -> str:
    """A row an instance, a column an architecture: a thread's registers, and the blocks that a multiprocessor holds."""
    architectures = sorted({result.architecture for result in results})
    head = f"{'registers a thread / blocks a multiprocessor':<52}{'threads':>8}{'shared':>8}{'dynamic':>8} "
    lines = [head + "".join(f"{f'sm_{architecture}':>8}" for architecture in architectures)]
    for name, group in itertools.groupby(results, key=lambda result: result.name):
        cells = {result.architecture: result for result in group}
        one = next(iter(cells.values()))
        shared = max(result.static_shared for result in cells.values())
        row = f"{name:<52}{one.threads:>8}{shared:>8}{one.dynamic_shared:>8} "
        for architecture in architectures:
            cell = cells.get(architecture)
            row += f"{f'{cell.registers}/{cell.blocks}' if cell else '-':>8}"
        lines.append(row)
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--architectures", type=int, nargs="+", default=ARCHITECTURES, choices=LIMITS, metavar="N")
    parser.add_argument("--families", nargs="+", default=source.families(), choices=source.families())
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=pathlib.Path, help="keep the machine code in this folder, for nvdisasm")
    options = parser.parse_args(arguments)
    version = ".".join(map(str, nvrtc.getVersion()))
    unknown = sorted(set(options.architectures) - set(map(int, nvrtc.getSupportedArchs())))
    if unknown:
        sys.exit(f"NVRTC {version} doesn't compile for {unknown}: CUDA 12 (cupy-cuda12x) does for 70, CUDA 13 from 75")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)

    tasks = [
        (family, name, architecture, options.keep)
        for family in options.families
        for name, capability in source.instances(family).items()
        for architecture in options.architectures
        if architecture >= capability and launched(name, architecture)
    ]
    start = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(compiled, *zip(*tasks, strict=True), chunksize=8))
    print(table(results))

    for family in options.families:
        seconds = [result.seconds for result in results if result.family == family]
        print(f"{family}: {len(seconds)} compilations, {sum(seconds):.0f} s, the longest {max(seconds):.1f} s")
    failures = [f"{family}.cu: {name} has no instance" for family in options.families for name in missing(family)]
    for result in results:
        failures += [f"{result.name} for sm_{result.architecture}: {complaint}" for complaint in result.complaints]
    print(*failures, sep="\n")
    took = f"{time.monotonic() - start:.0f} s with {options.jobs} processes"
    print(f"NVRTC {version}: {len(results)} compilations in {took}, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
