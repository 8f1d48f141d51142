"""The backend of one GPU: its arrays, and the families of kernels put together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

import cupy

from ...devices import on
from . import array_module, capture, pinned
from .conv2d import Conv2d
from .elementwise import Elementwise
from .gemm import MatMul
from .local_response import LocalResponse
from .loss import Rows
from .norm import Normalization
from .optim import OptimiserSteps
from .pool import Pooling
from .reduce import Reductions
from .scatter import Scatter

Array = Any  # cupy.ndarray


class CudaBackend(
    MatMul, Conv2d, Pooling, Elementwise, Rows, Reductions, Normalization, LocalResponse, Scatter, OptimiserSteps
):
    """Implements ``minitorch.backends.protocol.Backend``, which describes every method."""

    name: str = "cuda"
    xp: ModuleType = array_module

    def __init__(self, index: int) -> None:
        self.index = index

    @property
    def capturing(self) -> bool:
        return capture.current() is not None

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        with on(self):
            return cupy.empty(tuple(shape), dtype)

    def scalar(self, number: Any, dtype: Any) -> Array:
        with on(self):
            return cupy.asarray(number, dtype)

    def move(self, array: Array, non_blocking: bool = False) -> Array:
        if isinstance(array, cupy.ndarray) and array.data.device_id == self.index:
            return array
        if self.capturing and not isinstance(array, cupy.ndarray) and array.ndim:  # a number is a kernel's argument
            raise RuntimeError(
                "a copy from the CPU can't be captured in a CUDA graph: make the tensor before, and copy_() into it "
                "between replays"
            )
        with cupy.cuda.Device(self.index):
            if non_blocking and pinned.is_pinned(array) and array.flags.c_contiguous:
                return pinned.send(array)
            # Between two GPUs, a copy is made on the current one.
            return array.copy() if isinstance(array, cupy.ndarray) else cupy.asarray(array)

    def elsewhere(self) -> AbstractContextManager[Any] | None:
        current = cupy.cuda.runtime.getDevice()
        if current == self.index:
            return None
        if self.capturing:
            raise RuntimeError(
                f"a tensor is on cuda:{self.index}, but a CUDA graph is being captured on cuda:{current}; "
                f"graph(g, stream=minitorch.cuda.Stream('cuda:{self.index}')) captures on the other"
            )
        return cupy.cuda.Device(self.index)  # type: ignore[no-any-return]
