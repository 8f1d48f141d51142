"""The CUDA backend: CuPy's arrays, and kernels of Minitorch's own, which CuPy compiles for the GPU that is there.

Whether it can be used is found in steps, each of which has its own message and remedy. Nothing here imports CuPy before
somebody asks for a CUDA device.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from typing import Any

from ... import devices
from ...precision import conv as conv
from ...precision import matmul as matmul
from ..protocol import Backend

_INSTALL = "pip install 'cupy-cuda13x[ctk]' (with an NVIDIA driver 580 or newer), or 'cupy-cuda12x[ctk]' (525 or newer)"

_MEND = "a newer driver may help; nvidia-smi -q shows errors of the GPU's memory"


class Unavailable(RuntimeError):
    """What stands between this process and its GPU, and how to mend it."""


def why_unavailable() -> str | None:
    """Why no CUDA device can be used, or None where one can."""
    try:
        device_count()
        check_device(0)
    except Unavailable as reason:
        return str(reason)
    return None


def get_backend(index: int | None = None) -> Backend:
    """The backend of GPU ``index``, or of the current one.

    Raises:
        RuntimeError: it can't be used; the message says why.
    """
    try:
        count = device_count()
        if index is None:
            index = import_cupy().cuda.runtime.getDevice()
        if index < count:
            return _backend(index)
        raise no_such_device(index)
    except Unavailable as reason:
        raise RuntimeError(f"device 'cuda{'' if index is None else f':{index}'}' can't be used: {reason}") from reason


@functools.cache
def _backend(index: int) -> Backend:
    check_device(index)
    from .backend import CudaBackend

    devices.several = device_count() > 1
    return CudaBackend(index)


def device_count() -> int:
    """The number of GPUs that the process sees.

    Raises:
        Unavailable: it can't see any.
    """
    if _initialized not in (None, os.getpid()):
        raise Unavailable(
            "CUDA can't be used in a process that was forked from one that had used it; start it with "
            "multiprocessing.get_context('spawn')"
        )
    return _device_count()


# The process in which CUDA was first asked for anything: its state doesn't survive a fork.
_initialized: int | None = None


@functools.cache
def _device_count() -> int:
    global _initialized
    cupy = import_cupy()
    runtime = cupy.cuda.runtime
    driver = runtime.driverGetVersion()  # 12040 for a driver that supports CUDA 12.4
    if driver == 0:
        raise Unavailable(
            "there is no NVIDIA driver on this machine, or this process can't see it (a container needs "
            "--gpus all); nvidia-smi tells"
        )
    needed = runtime.runtimeGetVersion()
    if driver // 1000 < needed // 1000:
        raise Unavailable(
            f"the NVIDIA driver supports CUDA {_version(driver)}, but this CuPy was built for {_version(needed)}: "
            f"install a newer driver, or a CuPy for the driver's CUDA: {_INSTALL}"
        )
    _initialized = os.getpid()
    try:
        count = int(runtime.getDeviceCount())
        problem = "there is an NVIDIA driver, but no GPU; nvidia-smi lists what the driver sees"
    except runtime.CUDARuntimeError as error:
        count, problem = 0, f"the driver finds no GPU ({error}); nvidia-smi lists what it sees"
    if count == 0:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        hint = "" if hidden is None else f"; CUDA_VISIBLE_DEVICES={hidden!r} hides what it doesn't list"
        raise Unavailable(f"{problem}{hint}")
    return count


def cupy() -> Any:
    """CuPy's module, where there is a GPU.

    Raises:
        Unavailable: there is none.
    """
    device_count()
    return import_cupy()


def pools() -> list[Any]:
    """The pools that arrays get their memory from: CuPy's, and one for each CUDA graph."""
    capture = sys.modules.get(f"{__name__}.capture")
    return [cupy().get_default_memory_pool(), *([] if capture is None else capture.pools())]


def index_of(device: Any = None) -> int:
    """The number of a GPU, given as a number, a device, its name, or None for the current one.

    Raises:
        RuntimeError: there is none, or none of that number.
        ValueError: the device isn't a GPU.
    """
    if not isinstance(device, int):
        device = devices.device("cuda" if device is None else device)
        if device.type != "cuda":
            raise ValueError(f"expected a cuda device, got {device}")
        device = device.index
    if device is None:
        return int(cupy().cuda.runtime.getDevice())
    if not 0 <= device < device_count():
        raise no_such_device(device)
    return int(device)


def pin(array: Any) -> Any:
    """A copy of a NumPy array in pinned memory.

    Raises:
        Unavailable: there is no GPU.
    """
    device_count()
    from . import pinned

    copy = pinned.empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def is_pinned(array: Any) -> bool:
    """Whether a NumPy array is in pinned memory."""
    pinned = sys.modules.get(f"{__name__}.pinned")  # where that wasn't imported, nothing was pinned
    return pinned is not None and bool(pinned.is_pinned(array))


def to_host(array: Any, non_blocking: bool = False) -> Any:
    """A CuPy array as a NumPy array. With ``non_blocking`` it may be read when the array's GPU has been waited for."""
    with array.device:  # its stream is the one that the array's numbers come from
        if not non_blocking:
            return array.get()
        from . import pinned

        return pinned.receive(array)


def no_such_device(index: int) -> RuntimeError:
    count = device_count()
    return RuntimeError(f"device 'cuda:{index}': there {'is 1 GPU' if count == 1 else f'are {count} GPUs'} here")


@functools.cache
def import_cupy() -> Any:
    """CuPy's module.

    Raises:
        Unavailable: it is missing, doubly installed or broken.
    """
    from importlib import metadata  # here, because importing it takes long

    installed = sorted(
        {
            distribution.metadata["Name"]
            for distribution in metadata.distributions()
            if (distribution.metadata["Name"] or "").lower().startswith("cupy")
        }
    )
    installed = [name for name in installed if name == "cupy" or name.startswith("cupy-cuda")]
    if len(installed) > 1:
        raise Unavailable(
            f"CuPy is installed {len(installed)} times ({', '.join(installed)}), which overwrite each other; "
            f"pip uninstall {' '.join(installed)}, then {_INSTALL}"
        )
    try:
        return importlib.import_module("cupy")
    except ModuleNotFoundError as error:
        if error.name == "cupy":
            raise Unavailable(f"CuPy is not installed; {_INSTALL}") from None
        problem: ImportError = error
    except ImportError as error:
        problem = error
    raise Unavailable(
        f"CuPy can't be imported: {problem}; pip uninstall {' '.join(installed) or 'cupy'}, then {_INSTALL}"
    ) from problem


@functools.cache
def check_device(index: int) -> None:
    """Tries whether GPU ``index`` compiles and runs a kernel.

    Raises:
        Unavailable: it doesn't.
    """
    cupy = import_cupy()
    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(index)
    name = properties["name"].decode()
    try:
        compiler = cupy.cuda.nvrtc
        version, supported = compiler.getVersion(), compiler.getSupportedArchs()
    except Exception as error:  # whatever the loader of a missing library raises
        major = runtime.runtimeGetVersion() // 1000
        raise Unavailable(
            f"NVRTC, the compiler of kernels, can't be loaded ({error}); pip install 'cupy-cuda{major}x[ctk]' brings it"
        ) from error
    capability = properties["major"] * 10 + properties["minor"]
    if capability < min(supported):
        raise Unavailable(
            f"device 'cuda:{index}' ({name}) has compute capability {capability / 10}, below {min(supported) / 10}, "
            f"the least that NVRTC {'.'.join(map(str, version))} compiles for; "
            + ("CUDA 12 knows it: pip install 'cupy-cuda12x[ctk]'" if capability >= 70 else "7.0 is needed at least")
        )
    try:
        with cupy.cuda.Device(index):
            cell = cupy.zeros(1, cupy.int32)
            module = cupy.RawModule(
                code="__global__ void probe(int* cell) { *cell = 42; }", name_expressions=("probe",)
            )
            module.get_function("probe")((1,), (1,), (cell,))
            answer = int(cell[0])
    except Exception as error:  # compiler, loader, driver: each has its own exceptions
        raise Unavailable(f"device 'cuda:{index}' ({name}) can't run a kernel: {error}; {_MEND}") from error
    if answer != 42:
        raise Unavailable(f"device 'cuda:{index}' ({name}) ran a kernel, but its result is wrong: {answer}; {_MEND}")


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
