"""Operations on a tensor of every rank. All ranks call the same ones in the same order, with tensors of one shape and
dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..devices import on
from ..ops.creation import empty
from ..tensor import Tensor
from .group import the_group
from .work import ReduceOp, Work


def _check(tensor: Any, what: str, name: str = "tensor") -> Tensor:
    """Raises:
    TypeError: it is no tensor.
    ValueError: its memory isn't contiguous, or can't be written.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of {what} to be of type minitorch.Tensor, got "
            f"{type(tensor).__name__}"
        )
    if not tensor.is_contiguous():
        raise ValueError(f"{what}: Tensors must be contiguous, got strides {tensor.stride()} of {tuple(tensor.shape)}")
    if isinstance(tensor.data, np.ndarray) and not tensor.data.flags.writeable:
        raise ValueError(f"{what}: the tensor is made of a read-only array; use a clone()")
    return tensor


def _plain(array: Any) -> Any:
    """The array as the transports take it: they have no bool."""
    return array.view(np.uint8) if array.dtype == np.bool_ else array


def _done(work: Work, async_op: bool) -> Work | None:
    if async_op:
        return work
    work.wait()
    return None


def all_reduce(tensor: Tensor, op: ReduceOp = ReduceOp.SUM, async_op: bool = False) -> Work | None:
    """Makes every rank's ``tensor`` the sum (or mean, product, minimum, maximum) of all, element by element, in place.

    The bits are the same on all ranks, and every time with the same number of ranks.

    Args:
        tensor: contiguous; not recorded by autograd.
        op: how the elements are put together.
        async_op: return at once a :class:`Work` to wait for.

    >>> import minitorch
    >>> from minitorch import distributed
    >>> distributed.init_process_group()
    >>> loss = minitorch.tensor([0.25])
    >>> distributed.all_reduce(loss, distributed.ReduceOp.AVG)
    >>> loss
    tensor([0.2500])
    >>> distributed.destroy_process_group()

    Raises:
        RuntimeError: sums of bool, means of integers; no backend for the tensor's device; no answer in time.
        TypeError, ValueError: the arguments aren't a contiguous tensor and a ReduceOp, or there is no group.
    """
    group, array = the_group(), _check(tensor, "all_reduce").data
    if not isinstance(op, ReduceOp):
        raise TypeError(f"all_reduce: expected a ReduceOp such as ReduceOp.SUM, got {op!r}")
    if array.dtype == np.bool_ and op in (ReduceOp.SUM, ReduceOp.AVG):
        raise RuntimeError(f"all_reduce: {op} of bool; convert the tensor to an integer, or use ReduceOp.MAX (any)")
    if op is ReduceOp.AVG and array.dtype.kind != "f":
        raise RuntimeError(f"all_reduce: ReduceOp.AVG needs a floating-point tensor, got {tensor.dtype}")
    average = op is ReduceOp.AVG
    tensor._bump_version()
    operation = ReduceOp.SUM.value if average else op.value
    transfer = group.transport(tensor, "all_reduce").all_reduce(_plain(array), operation)

    def divide() -> None:
        with on(tensor.backend):
            tensor.backend.xp.divide(array, group.size, out=array)

    return _done(Work(transfer, divide if average else None), async_op)


def broadcast(tensor: Tensor, src: int, async_op: bool = False) -> Work | None:
    """Makes every rank's ``tensor`` a copy of rank ``src``'s, in place.

    >>> import minitorch
    >>> from minitorch import distributed
    >>> distributed.init_process_group()
    >>> seed = minitorch.tensor(42)
    >>> distributed.broadcast(seed, src=0)
    >>> distributed.destroy_process_group()

    Raises:
        RuntimeError: no backend for the tensor's device; no answer in time.
        TypeError, ValueError: the arguments aren't a contiguous tensor and a rank, or there is no group.
    """
    group, array = the_group(), _check(tensor, "broadcast").data
    if not 0 <= src < group.size:
        raise ValueError(f"broadcast: src is {src}, expected a rank from 0 to {group.size - 1}")
    if src != group.rank:
        tensor._bump_version()
    return _done(Work(group.transport(tensor, "broadcast").broadcast(_plain(array), src)), async_op)


def all_gather(tensor_list: Sequence[Tensor], tensor: Tensor, async_op: bool = False) -> Work | None:
    """Copies every rank's ``tensor`` into ``tensor_list``, which has a tensor of that shape and dtype for each rank.

    >>> import minitorch
    >>> from minitorch import distributed
    >>> distributed.init_process_group()
    >>> answers = [minitorch.zeros(2) for _ in range(distributed.get_world_size())]
    >>> distributed.all_gather(answers, minitorch.tensor([0.5, 0.75]))
    >>> answers
    [tensor([0.5000, 0.7500])]
    >>> distributed.destroy_process_group()

    Raises:
        RuntimeError: no backend for the tensor's device; no answer in time.
        TypeError, ValueError: the arguments aren't contiguous tensors of one shape, dtype and device, as many as ranks;
            or there is no group.
    """
    group = the_group()
    _check(tensor, "all_gather")
    if len(tensor_list) != group.size:
        raise ValueError(
            f"all_gather: tensor_list has {len(tensor_list)} tensors, expected one for each of the {group.size} ranks"
        )
    for place in tensor_list:
        _check(place, "all_gather", "tensor_list")
        if (place.shape, place.dtype, place.device) != (tensor.shape, tensor.dtype, tensor.device):
            raise ValueError(
                f"all_gather: tensor_list holds {place.dtype} {tuple(place.shape)} on {place.device}, expected "
                f"{tensor.dtype} {tuple(tensor.shape)} on {tensor.device} as the tensor"
            )
    gathered = empty((group.size, *tensor.shape), dtype=tensor.dtype, device=tensor.device)
    transport = group.transport(tensor, "all_gather")
    transfer = transport.all_gather(_plain(gathered.data), _plain(tensor.data))
    for place in tensor_list:
        place._bump_version()

    def hand_out() -> None:
        with on(tensor.backend):
            for place, array in zip(tensor_list, gathered.data, strict=True):
                place.data[...] = array

    return _done(Work(transfer, hand_out), async_op)


def barrier(async_op: bool = False) -> Work | None:
    """Waits until every rank has come here. Work that was started on GPUs may still go on.

    >>> from minitorch import distributed
    >>> distributed.init_process_group()
    >>> distributed.barrier()
    >>> distributed.destroy_process_group()

    Raises:
        RuntimeError: a rank didn't come in time.
        ValueError: there is no group.
    """
    return _done(Work(the_group().mpi.barrier()), async_op)
