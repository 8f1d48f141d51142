"""Compiles CUDA sources for the CPU: kernels into shared libraries, kept by a hash of all that goes into them."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ.get("MINITORCH_CUDA_ON_CPU_CACHE", HERE.parents[1] / "build" / "cuda_on_cpu"))
SOURCES = ("fibers.cpp", "twins.cpp", "memory.cpp", "races.cpp")
COMPILER = os.environ.get("CXX", "g++")

_FLAGS = ("-std=c++17", "-fPIC", "-shared", "-ffp-contract=off", "-fno-strict-aliasing", f"-I{HERE}")
# MINITORCH_CUDA_ON_CPU_PORTABLE=1 switches between fibers in the way of other processors than x86-64.
_RUNTIME_FLAGS = (*_FLAGS, "-O2", *(["-DMT_PORTABLE"] if os.environ.get("MINITORCH_CUDA_ON_CPU_PORTABLE") else []))
# A kernel that indexes outside a local or shared array, reads a float4 from an odd place, overflows an int or needs
# more stack than there is, stops there. Address sanitizer would add nothing: it doesn't know of memory that isn't
# malloc's, where arrays and shared memory have guard pages instead, has to be loaded before Python, and to be told of
# every switch between stacks. A kernel's symbols stay its own: two modules may define kernels of one name.
_KERNEL_FLAGS = (
    *_FLAGS,
    "-O1",
    "-w",
    "-fvisibility=hidden",
    "-fno-gnu-unique",
    "-fstack-clash-protection",
    "-fsanitize=bounds-strict,alignment,null,bool,shift,signed-integer-overflow,integer-divide-by-zero,return",
    "-fsanitize-undefined-trap-on-error",
)
# Every access to memory calls a function of races.cpp, instead of the sanitizer's library.
_RACES = ("-fsanitize=thread", "-nodefaultlibs", "--param=tsan-instrument-func-entry-exit=0")


@functools.cache
def runtime() -> ctypes.CDLL:
    """The library of fibers, of memory and of races, which kernels' libraries find their functions in."""
    source = "\n".join(f'#line 1 "{name}"\n{(HERE / name).read_text()}' for name in SOURCES)
    library = ctypes.CDLL(_compiled(source, _RUNTIME_FLAGS, (HERE / "shim.h").read_text()), mode=ctypes.RTLD_GLOBAL)
    library.mt_launch.restype = ctypes.c_char_p
    library.mt_launch.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_uint64,
    ]
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, result, arguments in (
        ("mt_map", pointer, [size]),
        ("mt_unmap", None, [pointer, size]),
        ("mt_poison", None, [pointer, size]),
        ("mt_place", pointer, [pointer, size, size, ctypes.c_bool, ctypes.c_bool]),
        ("mt_displace", None, [pointer]),
        ("mt_found", ctypes.c_int, []),
    ):
        getattr(library, name).restype, getattr(library, name).argtypes = result, arguments
    return library


def module(source: str, names: tuple[str, ...], races: bool = False) -> ctypes.CDLL:
    """The library of a CUDA source: ``body_i`` and ``signature_i`` for each kernel in ``names``.

    ``races``: the kernels look for them.
    """
    runtime()
    glue = "\n".join(
        f'extern "C" __attribute__((visibility("default"))) void body_{i}(void** args) {{ mt::call(&{name}, args); }}\n'
        f'extern "C" __attribute__((visibility("default"))) int signature_{i}(int* to) '
        f"{{ return mt::signature(&{name}, to); }}"
        for i, name in enumerate(names)
    )
    code = f'#include "shim.h"\n{shared_rewritten(source)}\n#line 1 "glue"\n{glue}\n'
    flags = (*_KERNEL_FLAGS, *_RACES) if races else _KERNEL_FLAGS
    return ctypes.CDLL(_compiled(code, flags, (HERE / "shim.h").read_text()))


def restricted(source: str, name: str) -> list[bool]:
    """For each parameter of a kernel, whether it is declared ``__restrict__``."""
    kernel = re.escape(name.partition("<")[0])
    declaration = re.search(rf"__global__[^;{{}}]*?\b{kernel}\s*\(([^)]*)\)\s*{{", source)
    assert declaration, f"no kernel {name}"
    return ["__restrict__" in parameter for parameter in declaration[1].split(",")]


def shared_rewritten(source: str) -> str:
    """``__shared__ T tile[8][9];`` becomes a reference to memory that the running block owns, which has guard pages
    around it and is poisoned for every block.

    Raises:
        ValueError: a declaration isn't one array or variable by itself.
    """
    declaration = re.compile(r"(?<!extern )__shared__\s+(?:__align__\(\d+\)\s*)?(\w+)\s+(\w+)\s*((?:\[[^\]]*\]\s*)*);")
    rewritten = declaration.sub(
        r"static char \2_key; typedef \1 \2_array\3; auto& \2 = mt::static_shared_as<\2_array>(&\2_key);", source
    )
    left = re.search(r"^(?!\s*(?://|extern\b)).*__shared__.*$", rewritten.split("#ifndef MT_ON_CPU")[-1], re.MULTILINE)
    if left and "extern __shared__" not in left[0]:
        raise ValueError(f"declare one shared array or variable in one statement: {left[0].strip()}")
    return rewritten


def _compiled(code: str, flags: tuple[str, ...], header: str) -> str:
    """The path of the shared library that the compiler makes of ``code``."""
    digest = hashlib.sha256("\0".join((code, header, COMPILER, *flags)).encode()).hexdigest()[:24]
    path = CACHE / f"{digest}.so"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            source, library = pathlib.Path(folder, "source.cpp"), pathlib.Path(folder, "library.so")
            source.write_text(code)
            done = subprocess.run([COMPILER, *flags, source, "-o", library], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"the C++ compiler refuses a CUDA source:\n{done.stderr[:6000]}")
            library.rename(path)  # whole or not at all, whoever else compiles it now
    return str(path)
