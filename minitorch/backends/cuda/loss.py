"""Softmax, log-softmax and cross-entropy of rows: the host side of ``kernels/loss.cu``."""

from __future__ import annotations

from typing import Any

import cupy
import numpy as np

from .arrays import Array, ceil_div, contiguous, type_name
from .launch import launch

_THREADS = 256  # of a block
_WARPS = _THREADS // 32


class Rows:
    """These methods of ``minitorch.backends.protocol.Backend``, which describes them."""

    @staticmethod
    def softmax(input: Array) -> Array:
        output = cupy.empty(input.shape, input.dtype)
        _launch_rows("softmax", input, contiguous(input), output)
        return output

    @staticmethod
    def log_softmax(input: Array) -> Array:
        output = cupy.empty(input.shape, input.dtype)
        _launch_rows("log_softmax", input, contiguous(input), output)
        return output

    @staticmethod
    def cross_entropy(input: Array, target: Array, ignore_index: int) -> tuple[Array, Array]:
        losses, logsumexp = (cupy.empty(target.shape, input.dtype) for _ in range(2))
        labels = contiguous(target), np.int64(ignore_index)
        _launch_rows("cross_entropy", input, contiguous(input), *labels, losses, logsumexp)
        return losses, logsumexp

    @staticmethod
    def reduce_losses(losses: Array, target: Array, ignore_index: int, mean: bool) -> tuple[Array, Array]:
        loss, divisor = (cupy.empty((), losses.dtype) for _ in range(2))
        launch(
            "loss",
            f"reduce_losses<{type_name(losses.dtype)}>",
            grid=(1,),
            block=(_THREADS,),
            args=(
                contiguous(losses),
                contiguous(target),
                np.int64(ignore_index),
                np.bool_(mean),
                loss,
                divisor,
                np.int64(losses.size),
            ),
        )
        return loss, divisor

    @staticmethod
    def cross_entropy_backward(
        grad_output: Array,
        input: Array,
        target: Array,
        logsumexp: Array,
        ignore_index: int,
        divisor: Array | None = None,
    ) -> Array:
        grad_input = cupy.empty(input.shape, input.dtype)
        rows, columns = input.shape
        # The threads of a block stand in as many columns as a row has, rounded up to a power of two, and in as many
        # rows as they reach for. Long rows are shared by blocks, eight elements a thread.
        width = min(_THREADS, 1 << max(columns - 1, 0).bit_length())
        height = _THREADS // width
        launch(
            "loss",
            f"cross_entropy_backward<{type_name(input.dtype)}>",
            grid=(ceil_div(rows, height), min(ceil_div(columns, 8 * width), 65535)),
            block=(width, height),
            args=(
                contiguous(grad_output),
                contiguous(input),
                contiguous(target),
                contiguous(logsumexp),
                np.int64(ignore_index),
                divisor,
                grad_input,
                np.int64(rows),
                np.int64(columns),
            ),
        )
        return grad_input


def _launch_rows(kernel: str, input: Array, *args: Any) -> None:
    """A warp for each row, whose lanes hold up to 1, 8 or 32 elements; a block for rows that are longer."""
    rows, columns = input.shape
    per_lane = next((n for n in (1, 8, 32) if columns <= 32 * n), 0)
    launch(
        "loss",
        f"{kernel}<{type_name(input.dtype)},{per_lane}>",
        grid=(ceil_div(rows, _WARPS) if per_lane else rows,),
        block=(_THREADS,),
        args=(*args, np.int64(rows), np.int64(columns)),
    )
