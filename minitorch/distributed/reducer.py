"""Averages gradients over the ranks while backward still computes others.

The parameters' gradients lie in flat buckets. When the last gradient of a bucket has been added into its ``grad``, the
bucket's sum over the ranks is started; at the end of backward all are waited for (Li et al., "PyTorch Distributed:
Experiences on Accelerating Data Parallel Training", 2020, section 3.2). Ranks may compute gradients in different
orders, but must start their sums in one: that of the buckets.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from ..autograd import queue_callback
from ..autograd.variable import RemovableHandle
from ..devices import on
from ..ops.creation import tensor
from ..tensor import Tensor
from .buckets import MIB, divide, flat_like, views
from .collectives import all_reduce
from .group import Group
from .work import Work


class _Bucket:
    """Some parameters, and one after the other their gradients, each divided by the number of ranks."""

    def __init__(self, params: Sequence[Tensor]) -> None:
        self.params = params
        self.flat = flat_like(params)
        self.parts = list(views(self.flat, params))
        self.missing = len(params)
        self.work: Work | None = None

    def start(self) -> None:
        self.work = all_reduce(self.flat, async_op=True)

    def wait(self) -> None:
        assert self.work is not None
        self.work.wait()
        self.work = None
        self.missing = len(self.params)


class Reducer:
    """Listens to the gradients of ``named`` parameters; :meth:`begin` is called before the forward of each step.

    ``as_views`` lets ``grad`` lie in the buckets. With ``find_unused``, parameters that had no gradient by the end of
    backward count as having one of zeros.
    """

    def __init__(
        self, named: Sequence[tuple[str, Tensor]], group: Group, bucket_mib: float, find_unused: bool, as_views: bool
    ) -> None:
        self.group = group
        self.find_unused = find_unused
        self.as_views = as_views
        self.is_paused = False  # inside of no_sync, now and
        self.began_paused = False  # when the forward began
        # Backward computes the gradients of the last layers first. A small bucket of these has the sums begin early.
        self.named = list(reversed(named))
        params = [param for _, param in self.named]
        positions = divide(params, min(1, bucket_mib) * MIB, bucket_mib * MIB)
        self.buckets = [_Bucket([params[i] for i in bucket]) for bucket in positions]
        self.places = {param: (bucket, i) for bucket in self.buckets for i, param in enumerate(bucket.params)}
        self.used: set[Tensor] = set()  # since the last sums, also while paused
        self.arrived: set[Tensor] = set()  # for the sums at hand
        self.started = 0  # so many buckets' sums have been
        weakref.finalize(self, _remove, self._listen(params))

    def _listen(self, params: Sequence[Tensor]) -> list[RemovableHandle]:
        reference = weakref.ref(self)  # a parameter must not hold what holds all parameters

        def hook(param: Tensor) -> None:
            reducer = reference()
            if reducer is not None:
                reducer.used.add(param)
                if not (reducer.is_paused and reducer.began_paused):
                    reducer.receive(param)

        return [param.register_post_accumulate_grad_hook(hook) for param in params]

    def name_of(self, param: Tensor) -> str:
        return next(name for name, other in self.named if other is param)

    def begin(self) -> None:
        """Raises:
        RuntimeError: the last backward left some gradients out.
        """
        if self.arrived:
            names = [name for name, param in reversed(self.named) if param not in self.arrived]
            raise RuntimeError(
                f"Expected to have finished reduction in the prior iteration before starting a new one. On rank "
                f"{self.group.rank}, {len(names)} parameters received no gradient: {', '.join(names)}. Either they "
                f"were not used in producing the loss (all outputs of forward must take part), which "
                f"find_unused_parameters=True allows for; or the last backward was interrupted."
            )

    def receive(self, param: Tensor) -> None:
        """A parameter has its gradient."""
        if param in self.arrived:
            raise RuntimeError(
                f"Expected to mark a variable ready only once: {self.name_of(param)} got a second gradient before all "
                f"parameters had their first. Call backward() several times inside no_sync(), and once after it."
            )
        if self.find_unused and not self.arrived:
            queue_callback(self._finish_with_unused)
        self._fill(param)
        self._start_buckets()
        if self.started == len(self.buckets) and not self.find_unused:
            queue_callback(self._finish)

    def _fill(self, param: Tensor) -> None:
        """Puts a parameter's share of the mean gradient into its bucket."""
        bucket, i = self.places[param]
        part = bucket.parts[i]
        with on(param.backend):
            if param._grad is None:
                part.data[...] = 0
            else:
                param.backend.xp.divide(param._grad.data, self.group.size, out=part.data)
                if self.as_views:
                    param._grad = part  # what it was before is free from here on
        self.arrived.add(param)
        bucket.missing -= 1

    def _start_buckets(self) -> None:
        """Starts the sums of the buckets whose turn it is, and lets those on their way move on."""
        for bucket in self.buckets[: self.started]:
            assert bucket.work is not None
            bucket.work.is_completed()
        while self.started < len(self.buckets) and self.buckets[self.started].missing == 0:
            self.buckets[self.started].start()
            self.started += 1

    def _finish_with_unused(self) -> None:
        """The end of a backward after which every parameter without a gradient was unused."""
        params = [param for _, param in self.named]
        used = tensor([int(param in self.used) for param in params], device=params[0].device)
        for param in params:
            if param not in self.arrived:
                self._fill(param)
        self._start_buckets()
        all_reduce(used)
        self._finish({param for param, ranks in zip(params, used.tolist(), strict=True) if ranks == 0})

    def _finish(self, unused: frozenset[Tensor] | set[Tensor] = frozenset()) -> None:
        """Waits for all sums; then every ``grad`` is the mean over the ranks, but of parameters that none used."""
        for bucket in self.buckets:
            bucket.wait()
            for param, part in zip(bucket.params, bucket.parts, strict=True):
                if param not in unused:
                    self._hand_out(param, part)
        self.used.clear()
        self.arrived.clear()
        self.started = 0

    def _hand_out(self, param: Tensor, mean: Tensor) -> None:
        grad = param._grad
        if self.as_views:
            param._grad = mean
        elif grad is None:
            param._grad = mean.clone()
        else:
            with on(param.backend):
                grad.data[...] = mean.data
            grad._bump_version()


def _remove(handles: list[RemovableHandle]) -> None:
    for handle in handles:
        handle.remove()
