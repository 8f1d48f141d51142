"""One batch: forward, loss, backward, and the optimiser's step."""

from __future__ import annotations

from contextlib import nullcontext

import minitorch
from minitorch import nn, optim
from minitorch.distributed import DistributedDataParallel


class Step:
    """`step(images, labels, of)` trains on a batch of the `of` images of an optimiser's step, and gives its loss.

    Where a batch isn't all of them, the gradients of several batches are added up, each weighted by its share of the
    images: the step is that of the one large batch, in the memory of a small one. Where several ranks train, each does
    so with its own images, and the last batch's backward averages what was added up.
    """

    def __init__(self, model: nn.Module, optimizer: optim.Optimizer, clip_grad: float | None = None) -> None:
        self.model, self.optimizer, self.clip_grad = model, optimizer, clip_grad
        self.loss_fn = nn.CrossEntropyLoss()
        self.not_averaging = model.no_sync if isinstance(model, DistributedDataParallel) else nullcontext
        self.seen = 0  # images whose gradients wait for the optimiser

    def __call__(self, images: minitorch.Tensor, labels: minitorch.Tensor, of: int) -> minitorch.Tensor:
        if not self.seen:
            self.optimizer.zero_grad()
        self.seen += len(labels)
        is_last = self.seen == of
        with nullcontext() if is_last else self.not_averaging():
            loss = self.loss_fn(self.model(images), labels)
            (loss if len(labels) == of else loss * (len(labels) / of)).backward()
        if is_last:
            if self.clip_grad is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_grad)
            self.optimizer.step()
            self.seen = 0
        return loss  # type: ignore[no-any-return]


class GraphedStep(Step):
    """The same step as a CUDA graph, which is captured at the second batch and then replayed.

    The first batch is trained without it, which compiles the kernels. So is a batch of another size, as an epoch's last
    one often is: a graph has fixed shapes.
    """

    def __init__(
        self, model: nn.Module, optimizer: optim.Optimizer, batch_size: int, clip_grad: float | None = None
    ) -> None:
        super().__init__(model, optimizer, clip_grad)
        self.batch_size = batch_size
        self.inputs: tuple[minitorch.Tensor, minitorch.Tensor] | None = None  # what the graph reads
        self.graph: minitorch.cuda.CUDAGraph | None = None

    def __call__(self, images: minitorch.Tensor, labels: minitorch.Tensor, of: int) -> minitorch.Tensor:
        if len(images) != self.batch_size:
            return super().__call__(images, labels, of)
        if self.inputs is None:
            self.inputs = images.clone(), labels.clone()
            return super().__call__(images, labels, of)
        self.inputs[0].copy_(images)
        self.inputs[1].copy_(labels)
        if self.graph is None:
            self.graph = minitorch.cuda.CUDAGraph()
            with minitorch.cuda.graph(self.graph, stream=minitorch.cuda.Stream(images.device)):
                self.loss = super().__call__(*self.inputs, of)
        self.graph.replay()
        return self.loss
