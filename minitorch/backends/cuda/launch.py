"""The one place where kernels are launched.

CUDA checks nothing of a launch: not the number of the arguments, nor their types, nor whether an array's elements lie
in C order; a Python int is passed as 8 bytes and a grid of zero blocks becomes one of one. Here everything is checked
against the kernel's own declaration, before the launch.

``MINITORCH_CUDA_SYNC=1`` waits for each kernel, so that an error that occurs while it runs names it. Without that, CUDA
reports it at some later call.
"""

from __future__ import annotations

import functools
import math
import os
from typing import Any

import cupy
import numpy as np

from . import source

_LIMITS = (2**31 - 1, 65535, 65535)  # blocks in a grid, in x, y and z
_STATIC_SHARED = 48 * 1024  # a kernel that takes more shared memory than this must say so first
_NULL = np.uint64(0)  # a pointer, by value: CuPy itself would pass None as no argument at all


class Strided:
    """An array for a kernel that gets its strides as well: it may lie in memory in any order."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = array


def launch(
    family: str, name: str, *, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...], shared: int = 0
) -> None:
    """Runs the instance ``name`` of a kernel in ``kernels/<family>.cu`` on its arrays' device, on the current stream.

    ``args`` are CuPy arrays in C order, or :class:`Strided` ones, or None, for pointers; NumPy scalars of exactly the
    parameter's type for numbers; what :func:`source.struct` makes for structs. ``shared`` is the dynamic shared memory
    in bytes. A grid of zero blocks launches nothing.

    Raises:
        TypeError: an argument isn't what the kernel's declaration says.
        ValueError: no such kernel; the arrays are on several devices; a grid or block that CUDA doesn't take.
    """
    values, device = _checked(family, name, args)
    if math.prod(grid) == 0:
        return
    threads = math.prod(block)
    if not 1 <= threads <= 1024 or any(n > limit for n, limit in zip(grid, _LIMITS, strict=False)):
        raise ValueError(f"{name}: grid {grid} of blocks {block} is more than CUDA takes: {_LIMITS}, 1024 threads")
    current = cupy.cuda.runtime.getDevice()
    if device in (-1, current):
        _run(family, name, current, grid, block, values, shared)
    else:
        with cupy.cuda.Device(device):
            _run(family, name, device, grid, block, values, shared)


def _run(family: str, name: str, device: int, grid: Any, block: Any, values: list[Any], shared: int) -> None:
    kernel = _kernel(family, name, device)
    if shared > _STATIC_SHARED:
        _allow_shared(family, name, device, shared)
    kernel(grid, block, values, shared_mem=shared)
    if synchronous and not cupy.cuda.get_current_stream().is_capturing():
        try:
            cupy.cuda.get_current_stream().synchronize()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise RuntimeError(f"the CUDA kernel {family}.cu: {name} failed: {error}") from error


synchronous = os.environ.get("MINITORCH_CUDA_SYNC", "0") not in ("", "0")


def _checked(family: str, name: str, args: tuple[Any, ...]) -> tuple[list[Any], int]:
    """The arguments as CuPy takes them, and the number of the device that the arrays are on, -1 without arrays."""
    parameters = source.parameters(family, name)
    if len(args) != len(parameters):
        raise TypeError(f"{name}: the kernel has {len(parameters)} parameters, got {len(args)} arguments")
    values = []
    device = -1
    for parameter, value in zip(parameters, args, strict=True):
        if not parameter.pointer:
            if not isinstance(value, (np.generic, np.ndarray)) or value.ndim or value.dtype != parameter.dtype:
                raise TypeError(f"{name}: {parameter.name} is one {parameter.dtype}, got {_described(value)}")
        elif value is None:
            value = _NULL
        else:
            strided = isinstance(value, Strided)
            if strided:
                value = value.array
            if not isinstance(value, cupy.ndarray) or value.dtype != parameter.dtype:
                raise TypeError(f"{name}: {parameter.name} points to {parameter.dtype}, got {_described(value)}")
            if not strided and not value.flags.c_contiguous:
                raise TypeError(f"{name}: {parameter.name} must lie in C order, got strides {value.strides}")
            number = value.data.device_id
            if device not in (-1, number):
                raise ValueError(f"{name}: the arrays are on several devices, cuda:{device} and cuda:{number}")
            device = number
        values.append(value)
    return values, device


def _described(value: Any) -> str:
    dtype = getattr(value, "dtype", None)
    return type(value).__name__ if dtype is None else f"{type(value).__name__} of {dtype}, shape {value.shape}"


@functools.cache
def _kernel(family: str, name: str, device: int) -> Any:
    """The compiled kernel, loaded on a device, which is the current one. CuPy keeps compiled kernels on disk."""
    module = cupy.RawModule(code=source.text(family), name_expressions=(name,))
    return module.get_function(name)


@functools.cache
def _allow_shared(family: str, name: str, device: int, shared: int) -> None:
    kernel = _kernel(family, name, device)
    kernel.max_dynamic_shared_size_bytes = max(shared, kernel.max_dynamic_shared_size_bytes)
