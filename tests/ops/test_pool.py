"""Max-pool and average pool: results, indices, first and second derivatives, adjointness, errors."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import gradcheck, gradgradcheck
from minitorch.backends.reference import ReferenceBackend
from minitorch.testing import Pool2dCase, arrays, assert_close, pool2d_cases

reference = ReferenceBackend()


def distinct(*shape: int) -> Any:
    """Numbers that differ by 1/8 at least: no maximum changes while differences are taken."""
    size = int(np.prod(shape))
    return np.random.default_rng(size).permutation(size).reshape(shape) / 8 - size / 16


def double(*shape: int) -> minitorch.Tensor:
    return minitorch.tensor(distinct(*shape), requires_grad=True)


def max_names(case: Pool2dCase) -> dict[str, Any]:
    return {
        "kernel_size": case.kernel_size,
        "stride": case.stride,
        "padding": case.padding,
        "dilation": case.dilation,
        "ceil_mode": case.ceil_mode,
    }


def avg_names(case: Pool2dCase) -> dict[str, Any]:
    return {name: value for name, value in max_names(case).items() if name != "dilation"}


@given(data=st.data(), case=pool2d_cases())
def test_max_pool2d_is_the_references(data: st.DataObject, case: Pool2dCase) -> None:
    x = data.draw(arrays(case.input_shape, np.float32, values="special"))
    before = x.copy()
    output = F.max_pool2d(minitorch.from_numpy(x), **max_names(case))
    expected, _ = reference.max_pool2d(x, case.kernel_size, case.stride, case.padding, case.dilation, case.output_size)
    np.testing.assert_array_equal(output.numpy(), expected)
    np.testing.assert_array_equal(x, before)


@given(case=pool2d_cases(max_size=16))
def test_max_pool2d_like_torch(torch: Any, assert_like_torch: Any, case: Pool2dCase) -> None:
    if case.input_shape[1] == 0:
        return  # PyTorch refuses no channels
    x = distinct(*case.input_shape)
    theirs = torch.nn.functional.max_pool2d
    output, indices = F.max_pool2d(minitorch.tensor(x), **max_names(case), return_indices=True)
    expected, positions = theirs(torch.tensor(x), **max_names(case), return_indices=True)
    assert_close(output, expected)
    assert indices.dtype is minitorch.int64
    inside = np.isfinite(output.numpy())
    np.testing.assert_array_equal(indices.numpy()[inside], positions.numpy()[inside])
    if inside.all():
        assert_like_torch(lambda t: F.max_pool2d(t, **max_names(case)), lambda t: theirs(t, **max_names(case)), x)
    else:
        # Dilation can leave a window without elements. PyTorch's index is then outside the plane, and its backward
        # writes there.
        assert (indices.numpy()[~inside] == -1).all()


@given(
    case=pool2d_cases(max_size=16, max_dilation=1),
    count_include_pad=st.booleans(),
    divisor_override=st.sampled_from([None, 3, -2]),
)
def test_avg_pool2d_like_torch(
    torch: Any, assert_like_torch: Any, case: Pool2dCase, count_include_pad: bool, divisor_override: int | None
) -> None:
    if case.input_shape[1] == 0:
        return  # PyTorch refuses no channels
    options = {**avg_names(case), "count_include_pad": count_include_pad, "divisor_override": divisor_override}
    theirs = torch.nn.functional.avg_pool2d
    assert_like_torch(lambda t: F.avg_pool2d(t, **options), lambda t: theirs(t, **options), distinct(*case.input_shape))


@given(data=st.data(), case=pool2d_cases(max_dilation=1), count_include_pad=st.booleans())
def test_avg_pool2d_is_the_references(data: st.DataObject, case: Pool2dCase, count_include_pad: bool) -> None:
    x = data.draw(arrays(case.input_shape, np.float64))
    output = F.avg_pool2d(minitorch.from_numpy(x), **avg_names(case), count_include_pad=count_include_pad)
    window = case.kernel_size, case.stride, case.padding
    assert_close(output, reference.avg_pool2d(x, *window, case.output_size, count_include_pad, None))


GEOMETRIES = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0), "ceil_mode": True},
]


@pytest.mark.parametrize("geometry", [*GEOMETRIES, {"kernel_size": 2, "stride": 1, "dilation": (2, 3)}], ids=str)
def test_max_pool2d_gradcheck(geometry: dict[str, Any]) -> None:
    x = double(2, 2, 5, 6)
    assert gradcheck(lambda t: F.max_pool2d(t, **geometry), x)
    assert gradgradcheck(lambda t: F.max_pool2d(t, **geometry), x)


@pytest.mark.parametrize("geometry", [*GEOMETRIES, {"kernel_size": 3, "divisor_override": 5}], ids=str)
def test_avg_pool2d_gradcheck(geometry: dict[str, Any]) -> None:
    x = double(2, 2, 5, 6)
    assert gradcheck(lambda t: F.avg_pool2d(t, **geometry), x)
    assert gradgradcheck(lambda t: F.avg_pool2d(t, **geometry), x)


@given(data=st.data(), average=st.booleans())
def test_the_gradient_is_the_adjoint(data: st.DataObject, average: bool) -> None:
    """A pool is linear in the gradient it is given, and J·u (by differentiating twice) is adjoint to Jᵀ·v."""
    case = data.draw(pool2d_cases(max_size=16, max_dilation=1 if average else 2))
    x = double(*case.input_shape)
    output = F.avg_pool2d(x, **avg_names(case)) if average else F.max_pool2d(x, **max_names(case))
    v = minitorch.tensor(distinct(*output.shape), requires_grad=True)
    (back,) = minitorch.autograd.grad(output, x, v, create_graph=True)
    u = minitorch.tensor(distinct(*x.shape), requires_grad=True)
    (forward,) = minitorch.autograd.grad(back, v, u, create_graph=True)
    assert_close((back * u).sum().item(), (forward * v).sum().item(), rtol=1e-9, atol=1e-9)
    (again,) = minitorch.autograd.grad(forward, u, v)
    assert_close(again, back)


def test_the_first_of_equal_maxima_gets_the_gradient() -> None:
    x = minitorch.zeros(1, 1, 2, 4, requires_grad=True)
    output, indices = F.max_pool2d(x, 2, return_indices=True)
    assert indices.tolist() == [[[[0, 2]]]]
    output.backward(minitorch.tensor([[[[3.0, 5.0]]]]))
    assert x.grad.tolist() == [[[[3.0, 0.0, 5.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]


def test_overlapping_windows_add_their_gradients() -> None:
    x = minitorch.tensor([[[0.0, 9.0, 0.0]]], requires_grad=True)
    F.max_pool2d(x, (1, 2), 1).backward(minitorch.tensor([[[3.0, 5.0]]]))
    assert x.grad.tolist() == [[[0.0, 8.0, 0.0]]]


def test_padding_never_wins() -> None:
    x = minitorch.full((1, 1, 2, 2), -np.inf, requires_grad=True)
    output, indices = F.max_pool2d(x, 2, padding=1, return_indices=True)
    assert indices.tolist() == [[[[0, 1], [2, 3]]]]
    output.sum().backward()
    assert x.grad.tolist() == [[[[1.0, 1.0], [1.0, 1.0]]]]
    assert F.max_pool2d(minitorch.full((1, 1, 2, 2), -5.0), 2, padding=1).tolist() == [[[[-5.0, -5.0], [-5.0, -5.0]]]]


def test_not_a_number_wins() -> None:
    x = minitorch.tensor([[[1.0, np.nan, np.inf, 2.0]]])
    output, indices = F.max_pool2d(x, (1, 4), return_indices=True)
    assert np.isnan(output.item())
    assert indices.item() == 1
    assert np.isnan(F.avg_pool2d(x, (1, 4)).item())


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_unbatched_empty_and_half_precision(pool: Any) -> None:
    x = minitorch.tensor(distinct(3, 4, 6).astype(np.float32))
    assert_close(pool(x, 2), pool(x.reshape(1, 3, 4, 6), 2)[0])
    for shape in ((0, 3, 4, 6), (2, 0, 4, 6)):
        empty = minitorch.zeros(shape, requires_grad=True)
        output = pool(empty, 2)
        assert output.shape == (*shape[:2], 2, 3)
        output.sum().backward()
        assert empty.grad.shape == shape
    half = x.half().requires_grad_()
    output = pool(half, 2)
    assert_close(output, pool(x.half().float(), 2).half(), rtol=0, atol=0)
    output.sum().backward()
    assert half.grad.dtype is minitorch.float16


def test_indices_of_one_image_have_its_shape() -> None:
    output, indices = F.max_pool2d(minitorch.tensor(distinct(3, 4, 6)).half(), 2, return_indices=True)
    assert output.shape == indices.shape == (3, 2, 3)
    assert not indices.requires_grad


x = (2, 3, 8, 8)


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize(
    ("input", "options", "message"),
    [
        ((8, 8), {"kernel_size": 2}, "expected input of shape (N, C, H, W) or (C, H, W), got (8, 8)"),
        ((2, 3, 0, 8), {"kernel_size": 1}, "expected at least one element to pool, got input (2, 3, 0, 8)"),
        (x, {"kernel_size": 0}, "kernel_size must be positive, got (0, 0)"),
        (x, {"kernel_size": (1, 2, 3)}, "kernel_size must be an int or a tuple of two ints, got (1, 2, 3)"),
        (x, {"kernel_size": 2, "stride": 0}, "stride must be positive, got (0, 0)"),
        (x, {"kernel_size": 2, "padding": -1}, "padding must be non-negative, got (-1, -1)"),
        (x, {"kernel_size": (5, 3), "padding": 2}, "padding (2, 2) is over half of kernel_size (5, 3)"),
        (x, {"kernel_size": 9}, "kernel_size (9, 9) with dilation (1, 1) is larger than the padded input (8, 8)"),
        (x, {"kernel_size": 11, "padding": 1}, "is larger than the padded input (10, 10) (input (2, 3, 8, 8), padding"),
    ],
)
def test_errors_say_what_is_wrong(pool: Any, input: tuple[int, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(RuntimeError) as error:
        pool(minitorch.zeros(input), **options)
    assert str(error.value).startswith(f"{pool.__name__}: ")
    assert message in str(error.value)


def test_other_errors() -> None:
    tensor = minitorch.zeros(x)
    with pytest.raises(RuntimeError, match=r"max_pool2d: dilation must be positive, got \(0, 0\)"):
        F.max_pool2d(tensor, 2, dilation=0)
    with pytest.raises(RuntimeError, match="avg_pool2d: divisor_override must not be 0"):
        F.avg_pool2d(tensor, 2, divisor_override=0)
    for pool in (F.max_pool2d, F.avg_pool2d):
        with pytest.raises(RuntimeError, match=r"expected floating-point tensors, got minitorch\.bool"):
            pool(tensor.bool(), 2)
        with pytest.raises(TypeError, match=r"kernel_size must be an int or a tuple of two ints, got 2\.0"):
            pool(tensor, 2.0)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="expected a Tensor, got list"):
            pool([1.0], 2)  # type: ignore[arg-type]


def test_integers() -> None:
    """Exact, also where no float would be; -1 and the lowest number where a window sees nothing."""
    large = 2**60
    x = minitorch.tensor([[large + 1, large, -large, -large - 3]])
    output, indices = F.max_pool1d(x, 2, return_indices=True)
    assert (output.tolist(), indices.tolist()) == ([[large + 1, -large]], [[0, 2]])
    assert F.avg_pool1d(x, 2).tolist() == [[large, -large - 1]]  # rounded towards 0
    assert F.avg_pool2d(minitorch.tensor([[[1, -8]]]), (1, 2), divisor_override=-2).tolist() == [[[3]]]
    output, indices = F.max_pool1d(minitorch.zeros(1, 1).byte() + 7, 2, padding=1, dilation=2, return_indices=True)
    assert (output.tolist(), indices.tolist()) == ([[0]], [[-1]])
    assert not output.requires_grad


def test_no_gradient_passes_where_a_norm_is_zero() -> None:
    for norm_type in (1, 2, 3):
        x = minitorch.tensor([[0.0, 0.0, 1.0, 0.0]], requires_grad=True)
        F.lp_pool1d(x, norm_type, 2).sum().backward()
        assert x.grad.tolist() == [[0.0, 0.0, 1.0, 1.0 if norm_type == 1 else 0.0]]


def test_a_norm_that_is_none() -> None:
    """An odd power keeps the sign of a sum, whose root is NaN then; ±inf looks at absolute values."""
    x = minitorch.tensor([[-1.0, -2.0, 3.0, -1.0]])
    y = F.lp_pool1d(x, 3, 2)
    assert np.isnan(y[0, 0].item())
    assert_close(y[0, 1].item(), 26 ** (1 / 3), rtol=1e-6, atol=0)
    assert F.lp_pool1d(x, np.inf, 2).tolist() == [[2.0, 3.0]]
    assert F.lp_pool1d(x, -np.inf, 2).tolist() == [[1.0, 1.0]]
