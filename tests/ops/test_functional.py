"""What holds for ``minitorch.nn.functional`` as a whole."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import minitorch
import minitorch.nn.functional as F


@pytest.mark.parametrize("name", F.__all__)
def test_names_are_those_of_torch(torch: Any, name: str) -> None:
    assert hasattr(torch.nn.functional, name)


def test_graphs_are_freed_without_the_garbage_collector() -> None:
    x = minitorch.rand(2, 1, 8, 8, requires_grad=True)
    w = minitorch.rand(1, 1, 3, 3, requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        hidden = F.relu(F.avg_pool2d(F.max_pool2d(F.conv2d(x, w), 2, 1), 2))
        hidden = F.dropout(F.sigmoid(F.tanh(F.leaky_relu(hidden))), 0.1)
        scores = F.log_softmax(F.softmax(minitorch.flatten(hidden, 1), 1), 1)
        loss = F.cross_entropy(scores, minitorch.tensor([0, 1])) + F.nll_loss(scores, minitorch.tensor([1, 1]))
        (gradient,) = minitorch.autograd.grad(loss, x, create_graph=True)
        alive = [weakref.ref(t.grad_fn) for t in (hidden, scores, loss, gradient)]
        del hidden, scores, loss, gradient
        assert [reference() for reference in alive] == [None] * 4
    finally:
        gc.enable()
