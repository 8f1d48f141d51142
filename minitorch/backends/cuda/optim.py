"""Steps of optimisers on lists of parameters: the host side of ``kernels/optim.cu``."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from . import capture, source
from .arrays import Array, ceil_div, type_name
from .launch import launch

_THREADS = 256  # of a block
_ELEMENTS = 4 * _THREADS  # of a block
_MOST = 64  # parameters in a table
_COLUMNS = ("parameters", "gradients", "states_0", "states_1", "states_2")  # of a table


class OptimiserSteps:
    """These methods of ``minitorch.backends.protocol.Backend``, which describes them."""

    @staticmethod
    def sgd_step(
        params: list[Array],
        grads: list[Array],
        momentum_buffers: list[Array] | None,
        lr: float,
        momentum: float,
        dampening: float,
        weight_decay: float,
        nesterov: bool,
        maximize: bool,
        first_step: bool,
    ) -> None:
        numbers = lr, momentum, 1 - dampening, weight_decay
        _step("sgd", [params, grads], [momentum_buffers], numbers, (nesterov, maximize, first_step))

    @staticmethod
    def adam_step(
        params: list[Array],
        grads: list[Array],
        exp_avgs: list[Array],
        exp_avg_sqs: list[Array],
        max_exp_avg_sqs: list[Array] | None,
        step: int,
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        decoupled: bool,
        maximize: bool,
    ) -> None:
        step_size = lr / (1 - beta1**step)
        correction = 1 / math.sqrt(1 - beta2**step)
        decay = (0.0, 1 - lr * weight_decay) if decoupled else (weight_decay, 1.0)
        numbers = beta1, 1 - beta1, beta2, 1 - beta2, step_size, correction, eps, *decay
        _step("adam", [params, grads, exp_avgs, exp_avg_sqs], [max_exp_avg_sqs], numbers, (maximize,))

    @staticmethod
    def rmsprop_step(
        params: list[Array],
        grads: list[Array],
        square_avgs: list[Array],
        grad_avgs: list[Array] | None,
        momentum_buffers: list[Array] | None,
        lr: float,
        alpha: float,
        eps: float,
        weight_decay: float,
        momentum: float,
        maximize: bool,
    ) -> None:
        numbers = lr, alpha, 1 - alpha, eps, weight_decay, momentum
        _step("rmsprop", [params, grads, square_avgs], [grad_avgs, momentum_buffers], numbers, (maximize,))


def _step(
    kernel: str,
    lists: list[list[Array]],
    optional: list[list[Array] | None],
    numbers: tuple[float, ...],
    flags: tuple[bool, ...],
) -> None:
    """Launches a kernel on parameters, gradients and states.

    Which of the ``optional`` states there are is part of the kernel's name; those that are follow upon each other in
    the table. ``numbers`` are passed in the dtype of the parameters, which are taken by dtype, 64 a launch. While a
    graph is captured they have cells, because they may be others when it is replayed.
    """
    given = [arrays is not None for arrays in optional]
    asked = capture.asked()
    if asked is not None:
        asked.append(((kernel, *given, *flags), numbers))
        return
    present = [*lists, *(arrays for arrays in optional if arrays is not None)]
    rows = [row for row in zip(*present, strict=True) if row[0].size]
    dtypes = list(dict.fromkeys(row[0].dtype for row in rows))
    captured = capture.current()
    cells = {} if captured is None else captured.step((kernel, *given, *flags), numbers, dtypes)
    for dtype in dtypes:
        of_dtype = [row for row in rows if row[0].dtype == dtype]
        name = f"{kernel}<{','.join((type_name(dtype), *(str(is_given).lower() for is_given in given)))}>"
        with np.errstate(all="ignore"):
            scalars = [dtype.type(number) for number in numbers]
        for first in range(0, len(of_dtype), _MOST):
            chosen = of_dtype[first : first + _MOST]
            for row in chosen:
                _check(name, row)
            addresses = tuple([tuple([array.data.ptr for array in row]) for row in chosen])
            blocks, table = _table(addresses, tuple([row[0].size for row in chosen]))
            with chosen[0][0].device:
                launch(
                    "optim",
                    name,
                    grid=(blocks,),
                    block=(_THREADS,),
                    args=(table, *scalars, *map(np.bool_, flags), cells.get(dtype)),
                )


def _check(name: str, row: tuple[Array, ...]) -> None:
    """The launch gets addresses, and so can't see whether the arrays are what the kernel takes them for."""
    param = row[0]
    for array in row:
        if (array.dtype, array.shape, array.device) != (param.dtype, param.shape, param.device):
            raise ValueError(
                f"{name}: a parameter is {param.dtype} {param.shape} on {param.device}, "
                f"but its gradient or a state {array.dtype} {array.shape} on {array.device}"
            )
        if not array.flags.c_contiguous:
            raise ValueError(f"{name}: the arrays must lie in C order, got strides {array.strides}")


@functools.lru_cache(maxsize=256)
def _table(addresses: tuple[tuple[int, ...], ...], sizes: tuple[int, ...]) -> tuple[int, Any]:
    """How many blocks a launch has, and the table of its parameters. An allocator gives the arrays of a step the same
    places as those of the step before, so a training loop makes few tables."""
    columns = dict.fromkeys(_COLUMNS, np.zeros(_MOST, np.uint64))
    for column, of_column in zip(_COLUMNS, zip(*addresses, strict=True), strict=False):
        columns[column] = _padded(of_column, np.uint64)
    blocks = [ceil_div(size, _ELEMENTS) for size in sizes]
    table = source.struct(
        "optim",
        "Table",
        **columns,
        sizes=_padded(sizes, np.int64),
        first_blocks=_padded((0, *np.cumsum(blocks)[:-1]), np.int32),
        count=len(sizes),
    )
    return sum(blocks), table


def _padded(numbers: tuple[int, ...], dtype: Any) -> Any:
    column = np.zeros(_MOST, dtype)
    column[: len(numbers)] = numbers
    return column
