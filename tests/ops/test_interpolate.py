"""interpolate: examples, where each element is taken from, half precision, gradients of repeated elements."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch.testing import assert_close

IMAGE = minitorch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
# As PyTorch's documentation of Upsample has them.
BILINEAR = [
    [1.0, 1.25, 1.75, 2.0],
    [1.5, 1.75, 2.25, 2.5],
    [2.5, 2.75, 3.25, 3.5],
    [3.0, 3.25, 3.75, 4.0],
]
CORNERS = [[1 + (j + 2 * i) / 3 for j in range(4)] for i in range(4)]


def test_doubled_images() -> None:
    nearest = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert F.interpolate(IMAGE, scale_factor=2)[0, 0].tolist() == nearest
    assert F.interpolate(IMAGE, size=4, mode="bilinear")[0, 0].tolist() == BILINEAR
    corners = F.interpolate(IMAGE, scale_factor=(2, 2), mode="bilinear", align_corners=True)[0, 0]
    assert_close(corners, np.array(CORNERS, np.float32), rtol=1e-6, atol=1e-6)


def test_what_stays() -> None:
    """All modes keep constants; the linear ones keep linear functions, away from the edges."""
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        constant = F.interpolate(minitorch.full((1, 1, 5, 4), 3.0), (7, 9), mode=mode)
        assert_close(constant, minitorch.full((1, 1, 7, 9), 3.0))
    plane = minitorch.arange(8, dtype=minitorch.float64).reshape(1, 1, 1, 8).expand(1, 1, 8, 8)
    row = F.interpolate(plane, scale_factor=3, mode="bilinear")[0, 0, 0, 3:21]
    assert_close(row, (np.arange(3, 21) + 0.5) / 3 - 0.5, rtol=1e-12, atol=1e-12)


def test_scale_factors_and_their_recomputation() -> None:
    x = minitorch.arange(5.0).reshape(1, 1, 5)
    assert F.interpolate(x, scale_factor=0.7, mode="linear").shape == (1, 1, 3)
    given, ratio = (F.interpolate(x, scale_factor=0.7, mode="linear", recompute_scale_factor=r) for r in (False, True))
    assert_close(given, (np.arange(3, dtype=np.float32)[None, None] + 0.5) / 0.7 - 0.5, rtol=1e-6, atol=1e-6)
    assert_close(ratio, (np.arange(3, dtype=np.float32)[None, None] + 0.5) * 5 / 3 - 0.5, rtol=1e-6, atol=1e-6)


def test_gradients_add_up_where_elements_are_repeated() -> None:
    x = minitorch.zeros(1, 1, 3, requires_grad=True)
    F.interpolate(x, size=7).backward(minitorch.tensor([[[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]]]))
    assert x.grad.tolist() == [[[7, 24, 96]]]  # from 0 0 0 1 1 2 2


def test_half_precision_is_rounded_once() -> None:
    x = minitorch.tensor([[[0.0, 0.1, 3.0]]]).half().requires_grad_()
    for mode in ("nearest", "linear"):
        output = F.interpolate(x, size=1000, mode=mode)
        assert output.dtype is minitorch.float16
        assert_close(output, F.interpolate(x.detach().float(), size=1000, mode=mode).half(), rtol=0, atol=0)
        (gradient,) = minitorch.autograd.grad(output.float().sum(), x)
        assert gradient.dtype is minitorch.float16
        assert gradient.float().sum().item() == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_elements_taken_are_those_of_pytorch(torch: Any, mode: str, dtype: str) -> None:
    """Of images, for every size up to 24, whatever is left over when sizes and factors don't divide."""
    for n in range(1, 25):
        row = np.broadcast_to(np.arange(n, dtype=dtype), (1, 3, 2, n))
        ours, theirs = minitorch.from_numpy(row), torch.tensor(row)
        options = [{"size": (2, out)} for out in range(1, 60)]
        options += [{"scale_factor": (1, f)} for f in (0.1, 0.3, 0.7, 1.1, 1.3, 1.7, 2.1, 3.3, np.pi) if n * f >= 1]
        for option in options:
            result = F.interpolate(ours, mode=mode, **option)
            expected = torch.nn.functional.interpolate(theirs, mode=mode, **option)
            np.testing.assert_array_equal(result.numpy(), expected.numpy(), err_msg=f"{n} {option}")


@pytest.mark.parametrize("mode", ["linear", "bilinear", "trilinear", "bicubic", "area"])
@pytest.mark.parametrize("corners", [None, True])
def test_numbers_in_between_like_pytorch(torch: Any, assert_like_torch: Any, mode: str, corners: bool | None) -> None:
    rng = np.random.default_rng(0)
    dims = {"linear": 1, "trilinear": 3}.get(mode, 2)
    options: list[dict[str, Any]] = [{"size": n} for n in (1, 2, 5, 6, 13)]
    options += [{"scale_factor": f, "recompute_scale_factor": r} for f in (0.3, 0.7, 1.3, 2.6) for r in (None, True)]
    for option in options:
        how = {"mode": mode, "align_corners": None if mode == "area" else corners, **option}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, about defaults that changed
            assert_like_torch(
                lambda x, how=how: F.interpolate(x, **how),
                lambda x, how=how: torch.nn.functional.interpolate(x, **how),
                rng.standard_normal((2, 3, *(6, 4, 5)[-dims:])),
            )
