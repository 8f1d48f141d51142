"""PyTorch as a second opinion on results, gradients and second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minitorch
from minitorch.testing import assert_close


@pytest.fixture(scope="session")
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.fixture(scope="session")
def assert_like_torch(torch: Any) -> Callable[..., None]:
    """``check(ours, theirs, *arrays)`` calls both functions with float64 tensors of the arrays.

    The results must be equal, and so must the gradients in a random direction, and the gradients of those gradients.
    """

    def check(ours: Any, theirs: Any, *arrays: Any) -> None:
        rng = np.random.default_rng(0)
        mine = [minitorch.tensor(a.astype(np.float64), requires_grad=True) for a in arrays]
        his = [torch.tensor(a.astype(np.float64), requires_grad=True) for a in arrays]
        output, expected = ours(*mine), theirs(*his)
        assert_close(output, expected, rtol=1e-10, atol=1e-10, equal_nan=True)
        if not expected.requires_grad:
            assert not output.requires_grad
            return

        v = rng.standard_normal(output.shape)
        my_v, his_v = minitorch.tensor(v, requires_grad=True), torch.tensor(v, requires_grad=True)
        gradients = minitorch.autograd.grad(output, mine, my_v, create_graph=True)
        expected = torch.autograd.grad(expected, his, his_v, create_graph=True)
        for g, e in zip(gradients, expected, strict=True):
            assert_close(g, e, rtol=1e-9, atol=1e-9, equal_nan=True)

        directions = [rng.standard_normal(a.shape) for a in arrays]
        my_sum = sum((g * minitorch.tensor(u)).sum() for g, u in zip(gradients, directions, strict=True))
        his_sum = sum((g * torch.tensor(u)).sum() for g, u in zip(expected, directions, strict=True))
        second = minitorch.autograd.grad(my_sum, [*mine, my_v], materialize_grads=True)
        expected = torch.autograd.grad(his_sum, [*his, his_v], materialize_grads=True)
        for g, e in zip(second, expected, strict=True):
            assert_close(g, e, rtol=1e-9, atol=1e-9, equal_nan=True)

    return check
