"""The code that computes: one object a device, with the methods of ``protocol.Backend``."""

from __future__ import annotations

import functools
import os

from .. import precision
from . import cuda
from .protocol import Backend

# The switch of convolutions is where PyTorch has it; that of matrix products in ``backends.cuda``.
cudnn = precision.Cudnn()
winograd = precision.winograd


def get_backend(device_type: str, index: int | None = None) -> Backend:
    """The one backend object of a device; without an index, of the current one of its type.

    ``"cpu"`` is computed by the C++ kernels, or by plain NumPy where the environment variable ``MINITORCH_BACKEND`` is
    ``reference`` when the first tensor is made.
    """
    if device_type == "cpu":
        if index:
            raise RuntimeError(f"device 'cpu:{index}': the CPU is one device, write 'cpu'")
        return _cpu_backend()
    if device_type == "cuda":
        return cuda.get_backend(index)
    raise RuntimeError(f"expected a device of type 'cpu' or 'cuda', got {device_type!r}")


@functools.cache
def _cpu_backend() -> Backend:
    # Imported here, because a process needs only one of them.
    choice = os.environ.get("MINITORCH_BACKEND", "cpu")
    if choice == "cpu":
        from .cpu import CpuBackend

        return CpuBackend()
    if choice == "reference":
        from .reference import ReferenceBackend

        return ReferenceBackend()
    raise ValueError(f"MINITORCH_BACKEND is {choice!r}; it can be 'cpu' (the C++ kernels) or 'reference' (plain NumPy)")
