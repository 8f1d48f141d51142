"""DistributedDataParallel: a model of which every rank has a copy, trained together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..autograd import is_grad_enabled
from ..nn import Module
from ..tensor import Tensor
from .buckets import broadcast_together
from .group import the_group
from .reducer import Reducer


class DistributedDataParallel(Module):
    """Trains ``module`` on all ranks at once, each with its own share of every batch.

    It starts with rank 0's parameters and buffers on all ranks. ``backward`` leaves the *mean over the ranks* in every
    ``grad``, so that their optimisers make the same step. Where the loss is a mean over the batch, and all ranks have
    shares of one size, this is the step that one process makes with the whole batch. Gradients travel in flat buckets,
    those of the last layers first, while the others are still being computed.

    Batch norm takes its statistics from the rank's own share, as in PyTorch. The running ones, and all other buffers,
    are copied from rank 0 before each forward that follows one with gradients.

    The model is the attribute ``module``: its ``state_dict`` is ``ddp.module.state_dict()``, while ``ddp``'s own has
    ``module.`` before each name, as in PyTorch. Don't move or convert the model, or change ``requires_grad``,
    afterwards. :func:`minitorch.autograd.grad` averages nothing, and CUDA graphs can't capture it.

    Args:
        module: the same model on all ranks, on a CPU or on this rank's GPU.
        broadcast_buffers: copy buffers from rank 0 before forward.
        bucket_cap_mb: how many MiB of gradients travel together; of those that come first, 1.
        find_unused_parameters: parameters that have no gradient after a backward take part with zeros; one that no rank
            used keeps its ``grad``. Then a backward can't be made in several parts, and all buckets behind that of an
            unused parameter wait for the end.
        gradient_as_bucket_view: ``grad`` lies in the bucket, which saves a copy of all gradients in memory and in time.
            Don't keep one beyond the next backward then.

    >>> import minitorch
    >>> from minitorch import distributed, nn, optim
    >>> distributed.init_process_group()
    >>> model = distributed.DistributedDataParallel(nn.Linear(2, 1))
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> model(minitorch.ones(4, 2)).mean().backward()
    >>> optimizer.step()
    >>> list(model.state_dict())
    ['module.weight', 'module.bias']
    >>> distributed.destroy_process_group()

    Raises:
        RuntimeError: no parameter requires a gradient, or the ranks' models differ (the message says where). In
            ``forward``: a parameter was not used in the step before, unless ``find_unused_parameters``.
        TypeError, ValueError: ``module`` is no Module; there is no process group; ``bucket_cap_mb`` isn't positive.
    """

    def __init__(
        self,
        module: Module,
        *,
        broadcast_buffers: bool = True,
        bucket_cap_mb: float = 25,
        find_unused_parameters: bool = False,
        gradient_as_bucket_view: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise TypeError(f"DistributedDataParallel: expected a Module, got {type(module).__name__}")
        if not bucket_cap_mb > 0:
            raise ValueError(f"DistributedDataParallel: bucket_cap_mb is {bucket_cap_mb}, expected a positive number")
        learnt = [(name, param) for name, param in module.named_parameters() if param.requires_grad]
        if not learnt:
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameters that require a "
                "gradient."
            )
        group = the_group()
        _check_same(module, group.mpi.share(_described(module)))
        self.module = module
        self.broadcast_buffers = broadcast_buffers
        self._rank = group.rank
        self._buffers_differ = False  # they will after the first forward
        broadcast_together([*module.parameters(), *module.buffers()], group.rank)
        self._reducer = Reducer(learnt, group, bucket_cap_mb, find_unused_parameters, gradient_as_bucket_view)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        reducer = self._reducer
        averages = is_grad_enabled() and not reducer.is_paused
        if is_grad_enabled():
            reducer.began_paused = reducer.is_paused
        if averages:
            reducer.begin()
        if self._buffers_differ and self.broadcast_buffers:
            broadcast_together(list(self.module.buffers()), self._rank)
        self._buffers_differ = averages
        return self.module(*args, **kwargs)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Inside, gradients are summed up on each rank by itself; the first step outside averages the sums.

        For a batch in several parts, with forward and backward of all but the last inside::

            with model.no_sync():
                loss_fn(model(first), first_labels).backward()
            loss_fn(model(second), second_labels).backward()
            optimizer.step()
        """
        before, self._reducer.is_paused = self._reducer.is_paused, True
        try:
            yield
        finally:
            self._reducer.is_paused = before


Description = dict[str, str]


def _described(module: Module) -> Description:
    """What must be the same on all ranks."""

    def described(tensor: Tensor) -> str:
        return f"{tensor.dtype} {tuple(tensor.shape)}, requires_grad={tensor.requires_grad}"

    parameters = {f"parameter {name}": described(param) for name, param in module.named_parameters()}
    return parameters | {f"buffer {name}": described(buffer) for name, buffer in module.named_buffers()}


def _check_same(module: Module, ranks: list[Description]) -> None:
    """Raises:
    RuntimeError: two ranks' models differ; all ranks raise the same.
    """
    first = ranks[0]
    for rank, other in enumerate(ranks):
        if list(other.items()) == list(first.items()):
            continue
        names = [*first, *(name for name in other if name not in first)]
        for name in names:
            if first.get(name) != other.get(name):
                raise RuntimeError(
                    f"DistributedDataParallel: the ranks' {type(module).__name__} differ: {name} is "
                    f"{first.get(name, 'missing')} on rank 0, {other.get(name, 'missing')} on rank {rank}"
                )
        raise RuntimeError(
            f"DistributedDataParallel: the parameters of {type(module).__name__} come in another order on rank {rank} "
            f"than on rank 0: {', '.join(other)} instead of {', '.join(first)}"
        )
