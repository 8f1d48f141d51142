"""The CPU backend: allocates the outputs and calls the C++ kernels in ``minitorch._C``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minitorch import _C

Array = NDArray[Any]


def _contiguous(array: Array) -> Array:
    """The array itself if it is C-contiguous, else a copy (unlike ``np.ascontiguousarray``, 0-d stays 0-d)."""
    return np.asarray(array, order="C")


class CpuBackend:
    """Implements ``minitorch.backends.protocol.Backend``, which describes every method."""

    name = "cpu"
    xp = np

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        return np.empty(shape, dtype)

    # ---- elementwise ----------------------------------------------------------------------------------------------

    def relu(self, input: Array) -> Array:
        input = _contiguous(input)
        output = self.empty(input.shape, input.dtype)
        _C.relu(input, output)
        return output

    def relu_backward(self, grad_output: Array, output: Array) -> Array:
        grad_input = self.empty(output.shape, output.dtype)
        _C.relu_backward(_contiguous(grad_output), _contiguous(output), grad_input)
        return grad_input
