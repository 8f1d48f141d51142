"""The backend protocol in plain NumPy: the place to read what every kernel computes.

One short module a family: ``conv`` and ``pool`` (both on ``windows``: read that first), ``elementwise``,
``reduce``, ``norm``, ``local_response``, ``loss``, ``scatter``, ``optim``. Nothing in them is clever, and they share
no code with the other backends, which are tested against them.

``MINITORCH_BACKEND=reference`` selects this backend, so that a model can be followed with a debugger without leaving
Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from .. import cuda
from . import conv, elementwise, local_response, loss, norm, optim, pool, reduce, scatter
from .windows import Array, ieee


class ReferenceBackend:
    """``minitorch.backends.protocol.Backend`` on NumPy arrays; its methods are the functions of the modules here."""

    name: str = "reference"
    xp: ModuleType = np
    capturing: bool = False

    @staticmethod
    def empty(shape: Sequence[int], dtype: Any) -> Array:
        return np.empty(shape, dtype)

    scalar = staticmethod(np.asarray)

    @staticmethod
    def move(array: Any, non_blocking: bool = False) -> Array:
        if not hasattr(array, "get"):
            return array
        return cuda.to_host(array, non_blocking)

    @staticmethod
    def elsewhere() -> None:
        return None

    @staticmethod
    @ieee
    def matmul(a: Array, b: Array, bias: Array | None = None, activation: str | None = None) -> Array:
        output = np.matmul(a, b, order="C")  # (..., M, K) × (..., K, N) → (..., M, N)
        if bias is not None:
            output += bias  # (N,), to every row
        return elementwise.relu(output) if activation == "relu" else output

    conv2d = staticmethod(conv.conv2d)
    conv2d_backward_input = staticmethod(conv.conv2d_backward_input)
    conv2d_backward_weight = staticmethod(conv.conv2d_backward_weight)

    max_pool2d = staticmethod(pool.max_pool2d)
    max_pool2d_backward = staticmethod(pool.max_pool2d_backward)
    max_pool2d_gather = staticmethod(pool.max_pool2d_gather)
    avg_pool2d = staticmethod(pool.avg_pool2d)
    avg_pool2d_backward = staticmethod(pool.avg_pool2d_backward)

    relu = staticmethod(elementwise.relu)
    relu_backward = staticmethod(elementwise.relu_backward)
    philox = staticmethod(elementwise.philox)
    dropout = staticmethod(elementwise.dropout)

    sum = staticmethod(reduce.sum)

    standardize = staticmethod(norm.standardize)
    standardize_backward = staticmethod(norm.standardize_backward)
    affine = staticmethod(norm.affine)
    affine_backward = staticmethod(norm.affine_backward)
    local_response_norm = staticmethod(local_response.local_response_norm)
    local_response_norm_backward = staticmethod(local_response.local_response_norm_backward)

    softmax = staticmethod(loss.softmax)
    log_softmax = staticmethod(loss.log_softmax)
    cross_entropy = staticmethod(loss.cross_entropy)
    reduce_losses = staticmethod(loss.reduce_losses)
    cross_entropy_backward = staticmethod(loss.cross_entropy_backward)

    index_add = staticmethod(scatter.index_add)
    index_put = staticmethod(scatter.index_put)

    sgd_step = staticmethod(optim.sgd_step)
    adam_step = staticmethod(optim.adam_step)
    rmsprop_step = staticmethod(optim.rmsprop_step)
