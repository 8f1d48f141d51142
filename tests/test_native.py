"""The extension module: instruction sets, memory, threads and forks."""

from __future__ import annotations

import ast
import concurrent.futures
import math
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch.backends
from minitorch import _C
from minitorch.backends.cpu import CpuBackend

ROOT = Path(__file__).parent.parent
FLOAT32 = np.dtype(np.float32)


def test_objects_of_one_instruction_set_share_no_code():
    """A weak symbol in two objects is merged into one: an AVX-512 copy could then run on a machine without it."""
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    objects = [str(path) for path in ROOT.glob(f"build/{version}-*/CMakeFiles/kernels_*.dir/**/*.o")]
    nm = shutil.which("nm")
    if nm is None or not objects:
        pytest.skip("needs nm and a build directory")
    listing = subprocess.run([nm, "-C", *objects], capture_output=True, text=True, check=True).stdout
    symbols = [line.split(maxsplit=2)[1:] for line in listing.splitlines() if line[:1].isdigit()]
    assert symbols
    # DW.ref.* are the compiler's own pointers to the exception handler, the same for every instruction set.
    shared = {name for kind, name in symbols if kind in "WVu" and not name.startswith("DW.ref.")}
    assert not shared
    exported = {name for kind, name in symbols if kind in "TDRB"}
    assert exported
    for name in exported:
        assert name.rsplit("_", 1)[-1] in {"baseline", "avx2", "avx512", "neon"}, name


def import_with_isa(isa):
    environment = {**os.environ, "MINITORCH_ISA": isa}
    command = [sys.executable, "-c", "from minitorch import _C; print(_C.isa)"]
    # Not in the root, where Python would find the sources first, which have no extension module if it is installed.
    directory = Path(__file__).parent
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def test_instruction_set_is_chosen_by_the_environment():
    assert import_with_isa("baseline").stdout.strip() == "baseline"
    assert import_with_isa("").stdout.strip() in {"baseline", "avx2", "avx512", "neon"}
    unknown = import_with_isa("avx1024")
    assert unknown.returncode != 0
    assert "ImportError" in unknown.stderr
    assert "MINITORCH_ISA=avx1024" in unknown.stderr
    assert "available: " in unknown.stderr
    assert "baseline" in unknown.stderr.split("available: ")[1]


def test_stub_lists_what_the_module_has():
    stub = ast.parse((Path(minitorch.backends.__file__).parent.parent / "_C.pyi").read_text())
    named = {node.name for node in stub.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    named |= {node.target.id for node in stub.body if isinstance(node, ast.AnnAssign)}
    assert named == {name for name in dir(_C) if not name.startswith("_")}


def test_number_of_threads():
    before = _C.get_num_threads()
    try:
        _C.set_num_threads(3)
        assert _C.get_num_threads() == 3
        with pytest.raises(ValueError, match="at least 1"):
            _C.set_num_threads(0)
        assert _C.get_num_threads() == 3
    finally:
        _C.set_num_threads(before)


def product_in_child(connection, a, b):
    _C.set_num_threads(4)
    connection.send((_C.get_num_threads(), CpuBackend().matmul(a, b)))


@pytest.mark.parametrize(("given", "used"), [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_idle_threads_sleep_soon(given, used):
    """Spinning threads make two programs on the same processors a hundred times slower."""
    without = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "LD_PRELOAD")}
    environment = {**without, **given, "OMP_DISPLAY_ENV": "VERBOSE"}
    code = "import os, minitorch.backends.cpu; print(os.environ.get('GOMP_SPINCOUNT'))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    if "GOMP_SPINCOUNT" not in done.stderr:
        pytest.skip("the kernels don't run on GNU's OpenMP")
    assert f"GOMP_SPINCOUNT = '{used}'" in done.stderr
    assert done.stdout.strip() == str(given.get("GOMP_SPINCOUNT"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_computes():
    """The parent's threads don't exist in the child: it must neither wait for them nor for a lock that they hold."""
    a = np.random.default_rng(0).standard_normal((300, 300)).astype(np.float32)
    expected = CpuBackend().matmul(a, a)  # starts the threads
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=product_in_child, args=(sender, a, a))
    child.start()
    try:
        assert receiver.poll(60), "the child hangs"
        threads, product = receiver.recv()
    finally:
        child.kill()
        child.join()
    assert threads == 1
    np.testing.assert_array_equal(product, expected)


def array_on_block(size):
    return np.ndarray((size,), FLOAT32, _C.Block(4 * size))


def test_blocks_hold_arrays_of_every_kind():
    for shape in [(), (0,), (3, 0, 5), (7,), (2, 3, 4), (1 << 20,)]:
        for dtype in [np.float32, np.float64, np.float16, np.uint8, np.int32, np.int64, np.bool_]:
            array = np.ndarray(shape, dtype, _C.Block(math.prod(shape) * np.dtype(dtype).itemsize))
            assert array.flags.c_contiguous
            assert array.flags.writeable
            assert array.ctypes.data % 64 == 0
            array[...] = 1
    with pytest.raises(TypeError, match="too small"):
        np.ndarray((101,), np.uint8, _C.Block(100))
    for size in [1 << 58, 1 << 63]:
        with pytest.raises(MemoryError):
            _C.Block(size)


def test_outputs_are_ordinary_arrays():
    for shape in [(), (0,), (3, 0, 5), (7,), (2, 3, 4), (1 << 10, 1 << 10)]:
        array = CpuBackend().empty(list(shape), np.float32)
        assert type(array) is np.ndarray
        assert array.shape == shape
        assert array.dtype == np.float32
        array[...] = 1
        np.testing.assert_array_equal(array, np.ones(shape))


@pytest.mark.parametrize("size", [1000, 100_000, 3_000_000])
def test_memory_is_reused(size):
    _C.empty_cache()
    allocated, reserved = _C.memory_allocated(), _C.memory_reserved()
    array = array_on_block(size)
    held = _C.memory_allocated() - allocated
    assert array.nbytes <= held <= 1.125 * (array.nbytes + 64)
    assert _C.memory_reserved() - reserved == held
    part, address = array[5:], array.ctypes.data
    del array
    assert _C.memory_allocated() - allocated == held, "a view keeps the memory"
    del part
    assert _C.memory_allocated() == allocated
    assert _C.memory_reserved() - reserved == held, "kept for the next array"
    again = array_on_block(size)
    assert again.ctypes.data == address
    del again
    _C.empty_cache()
    assert _C.memory_reserved() == reserved


def test_every_size_fits_its_block():
    allocated = _C.memory_allocated()
    for size in {n for power in range(22) for n in range((1 << power) - 66, (1 << power) + 2) if n > 0}:
        array = np.ndarray((size,), np.uint8, _C.Block(size))
        assert _C.memory_allocated() - allocated >= size + 64
        array[-1] = 1
        del array
    assert _C.memory_allocated() == allocated


def test_arrays_of_many_threads_do_not_overlap():
    def fill(number):
        arrays = [array_on_block(size) for size in range(1000, 60_000, 1000)]
        for index, array in enumerate(arrays):
            array[...] = number * 1000 + index
        product = CpuBackend().matmul(np.ones((50, 600), np.float32), np.ones((600, 40), np.float32))
        return (product == 600).all() and all((a == number * 1000 + i).all() for i, a in enumerate(arrays))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(fill, range(40)))


def test_kernels_leave_denormals_as_they_were():
    tiny = np.full(200_000, 1e-40, np.float32)
    CpuBackend().relu(tiny)
    assert (tiny * np.float32(0.5)).any()
