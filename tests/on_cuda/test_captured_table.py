"""The table of operations in CUDA graphs: a replay computes what the operation and its gradient compute without it."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ops_table import TABLE

import minitorch
from minitorch.autograd import grad
from minitorch.cuda import CUDAGraph
from minitorch.cuda import graph as capture
from minitorch.testing.suite import cases

# What depends on numbers in its shape, or checks indices, which CuPy would take modulo the size; on a GPU that waits.
WAITING = re.compile(
    r"where\(condition\)|unique|nonzero|masked_select|(get|set)item\(.*(indices|mask|bool)|index_select|gather|scatter"
    r"|take_along_dim|embedding|max_unpool|interpolate\b|gaussian_nll_loss"
)


def results(op, case, tensors, weights):
    """What the operation computes, and the gradient of a weighted sum of it; without weights, they are made."""
    outputs = op.run(case, tensors)
    leaves = [tensor for tensor in tensors if tensor.requires_grad]
    reached = [output for output in outputs if output.requires_grad]
    if not weights:
        weights += [minitorch.arange(1, end.numel() + 1).to(end).reshape(end.shape) for end in reached]
    if not (leaves and reached):
        return list(outputs)
    gradients = grad(reached, leaves, weights, allow_unused=True)
    return [*outputs, *(gradient for gradient in gradients if gradient is not None)]


@pytest.mark.parametrize("op", [replace(op, device="cuda") for op in TABLE if op.floats], ids=lambda op: op.name)
@settings(max_examples=1, phases=(Phase.generate,))
@given(data=st.data())
def test_replay(op, data):
    case = data.draw(cases(op, np.float32, max_side=4))
    case = replace(case, kwargs=case.named(op.tensor))  # copied to the GPU before
    tensors = op.leaves(case) if op.differentiable else [op.tensor(array) for array in case.tensors]
    weights = []
    expected = [tensor.numpy(force=True) for tensor in results(op, case, tensors, weights)]
    graph = CUDAGraph()
    if WAITING.match(op.name):
        with contextlib.suppress(RuntimeError), capture(graph):
            results(op, case, tensors, weights)
        return
    try:
        with capture(graph):
            captured = results(op, case, tensors, weights)
    except RuntimeError as error:
        if "is empty" not in str(error):  # of views, or of no elements
            raise
        return
    for _ in range(2):
        graph.replay()
        for tensor, array in zip(captured, expected, strict=True):
            np.testing.assert_array_equal(tensor.numpy(force=True), array)
