"""conv2d and conv_transpose2d: results, first and second derivatives, adjointness, errors."""

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
from minitorch.testing import Conv2dCase, arrays, assert_close, conv2d_cases

reference = ReferenceBackend()


def randn(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def double(*shape: int) -> minitorch.Tensor:
    return minitorch.tensor(randn(*shape), requires_grad=True)


def names(case: Conv2dCase) -> dict[str, Any]:
    return {"stride": case.stride, "padding": case.padding, "dilation": case.dilation, "groups": case.groups}


@given(data=st.data(), case=conv2d_cases(), with_bias=st.booleans())
def test_forward_is_exact_on_small_integers(data: st.DataObject, case: Conv2dCase, with_bias: bool) -> None:
    x = data.draw(arrays(case.input_shape, np.float32, values="integers"))
    w = data.draw(arrays(case.weight_shape, np.float32, values="integers"))
    b = data.draw(arrays(case.weight_shape[:1], np.float32, values="integers")) if with_bias else None
    x_before, w_before = x.copy(), w.copy()
    bias = None if b is None else minitorch.from_numpy(b)
    output = F.conv2d(minitorch.from_numpy(x), minitorch.from_numpy(w), bias, **names(case))
    np.testing.assert_array_equal(output.numpy(), reference.conv2d(x, w, b, *case.geometry))
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(w, w_before)


@given(case=conv2d_cases(max_channels=6, max_size=16), with_bias=st.booleans())
def test_gradients_of_both_orders_like_torch(
    torch: Any, assert_like_torch: Any, case: Conv2dCase, with_bias: bool
) -> None:
    if 0 in case.input_shape or 0 in case.weight_shape:
        return  # PyTorch refuses empty channels
    operands = [randn(*case.input_shape), randn(*case.weight_shape)]
    if with_bias:
        operands.append(randn(case.weight_shape[0]))
    assert_like_torch(
        lambda *t: F.conv2d(*t, **names(case)), lambda *t: torch.nn.functional.conv2d(*t, **names(case)), *operands
    )


GEOMETRIES = [
    {},
    {"stride": 2, "padding": 1},
    {"stride": (2, 3), "padding": (0, 2), "dilation": (2, 1)},
    {"groups": 2, "padding": 3},
    {"groups": 4, "stride": (3, 2)},
    {"padding": "same"},
    {"padding": "same", "dilation": (1, 3)},
    {"padding": "valid", "stride": 2},
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_gradcheck(geometry: dict[str, Any]) -> None:
    operands = double(2, 4, 5, 6), double(4, 4 // geometry.get("groups", 1), 2, 3), double(4)
    assert gradcheck(lambda *t: F.conv2d(*t, **geometry), operands)
    assert gradgradcheck(lambda *t: F.conv2d(*t, **geometry), operands, fast_mode=True)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # PyTorch's, about its speed
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("kernel", [(1, 1), (2, 3), (3, 4)])
def test_named_padding_and_unbatched_like_torch(
    torch: Any, assert_like_torch: Any, geometry: dict[str, Any], kernel: tuple[int, int]
) -> None:
    weight = randn(4, 4 // geometry.get("groups", 1), *kernel)
    assert_like_torch(
        lambda *t: F.conv2d(*t, **geometry),
        lambda *t: torch.nn.functional.conv2d(*t, **geometry),
        randn(4, 7, 8),
        weight,
        randn(4),
    )


@given(case=conv2d_cases(max_channels=6, max_size=16))
def test_the_transposed_convolution_is_the_adjoint(case: Conv2dCase) -> None:
    x, w = (minitorch.tensor(randn(*shape)) for shape in (case.input_shape, case.weight_shape))
    g = minitorch.tensor(randn(*case.output_shape))
    smallest = [
        (case.output_shape[i] - 1) * case.stride[i - 2]
        - 2 * case.padding[i - 2]
        + case.dilation[i - 2] * (case.weight_shape[i] - 1)
        + 1
        for i in (2, 3)
    ]
    if min(smallest) < 1:
        return  # all of the smallest input would be padding
    output_padding = case.input_shape[2] - smallest[0], case.input_shape[3] - smallest[1]
    back = F.conv_transpose2d(g, w, output_padding=output_padding, **names(case))
    assert back.shape == case.input_shape
    forward = (F.conv2d(x, w, **names(case)) * g).sum().item()
    assert_close(forward, (x * back).sum().item(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"stride": 2, "padding": 1, "output_padding": 1},
        {"stride": (2, 3), "padding": (0, 2), "output_padding": (0, 2), "dilation": (2, 1)},
        {"groups": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("batch", [(2,), ()])
def test_conv_transpose2d_like_torch(
    torch: Any, assert_like_torch: Any, geometry: dict[str, Any], batch: tuple[int, ...]
) -> None:
    assert_like_torch(
        lambda *t: F.conv_transpose2d(*t, **geometry),
        lambda *t: torch.nn.functional.conv_transpose2d(*t, **geometry),
        randn(*batch, 4, 3, 5),
        randn(4, 3, 3, 2),
        randn(3 * geometry.get("groups", 1)),
    )


def test_conv_transpose2d_gradcheck() -> None:
    operands = double(2, 4, 3, 2), double(4, 2, 3, 2), double(4)

    def function(*t: minitorch.Tensor) -> minitorch.Tensor:
        return F.conv_transpose2d(*t, stride=2, padding=1, output_padding=1, groups=2)

    assert gradcheck(function, operands)
    assert gradgradcheck(function, operands, fast_mode=True)


def test_only_needed_gradients_are_computed() -> None:
    x, w, b = minitorch.ones(1, 1, 3, 3), minitorch.ones(1, 1, 2, 2, requires_grad=True), minitorch.ones(1)
    F.conv2d(x, w, b).sum().backward()
    assert_close(w.grad, np.full((1, 1, 2, 2), 4, np.float32))
    assert x.grad is None
    assert b.grad is None
    assert not F.conv2d(x, w.detach(), b).requires_grad


def test_a_kernel_that_fits_into_padding_alone() -> None:
    x = minitorch.zeros(2, 3, 0, 4, requires_grad=True)
    output = F.conv2d(x, minitorch.ones(5, 3, 2, 2), minitorch.arange(5.0), padding=1)
    assert_close(output, np.broadcast_to(np.arange(5, dtype=np.float32)[:, None, None], (2, 5, 1, 5)))
    output.sum().backward()
    assert x.grad.shape == (2, 3, 0, 4)


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 0, 4, 4)])
def test_empty_batch_and_no_channels(shape: tuple[int, ...]) -> None:
    x = minitorch.zeros(shape, requires_grad=True)
    w = minitorch.ones(5, shape[1], 3, 3, requires_grad=True)
    b = minitorch.arange(5.0).requires_grad_()
    output = F.conv2d(x, w, b)
    expected = np.broadcast_to(np.arange(5, dtype=np.float32)[:, None, None], (shape[0], 5, 2, 2))
    assert_close(output, expected)
    output.sum().backward()
    assert_close(x.grad, np.zeros(shape, np.float32))
    assert_close(w.grad, np.zeros(w.shape, np.float32))
    assert_close(b.grad, np.full(5, shape[0] * 4.0, np.float32))


def test_half_precision_is_computed_in_float32() -> None:
    x, w, b = (minitorch.tensor(randn(*s)).half().requires_grad_() for s in ((2, 3, 6, 6), (4, 3, 3, 3), (4,)))
    output = F.conv2d(x, w, b, padding=1)
    assert output.dtype is minitorch.float16
    wide = F.conv2d(x.detach().float(), w.detach().float(), b.detach().float(), padding=1)
    assert_close(output, wide.half(), rtol=0, atol=0)
    output.sum().backward()
    assert [t.grad.dtype for t in (x, w, b)] == [minitorch.float16] * 3
    assert F.conv_transpose2d(x.detach(), minitorch.ones(3, 1, 2, 2).half()).dtype is minitorch.float16


def test_not_a_number_and_infinity_reach_their_windows_only() -> None:
    x = minitorch.zeros(1, 1, 1, 5)
    x.data[..., 0], x.data[..., 4] = np.nan, np.inf
    output = F.conv2d(x, minitorch.ones(1, 1, 1, 2))
    np.testing.assert_array_equal(output.numpy(), np.array([[[[np.nan, 0, 0, np.inf]]]], np.float32))


x, w = (8, 3, 28, 28), (6, 3, 5, 5)
ERRORS = [
    (x, (6, 1, 5, 5), {}, "input has 3 channels but weight expects 1 (input (8, 3, 28, 28), weight (6, 1, 5, 5), gro"),
    ((8, 28), w, {}, "expected input of shape (N, C, H, W) or (C, H, W), got (8, 28)"),
    (x, (6, 3, 5), {}, "expected weight of 4 dimensions and a kernel of at least 1 × 1, got (6, 3, 5)"),
    (x, (6, 3, 0, 5), {}, "a kernel of at least 1 × 1, got (6, 3, 0, 5)"),
    (x, w, {"bias": (5,)}, "bias has shape (5,), expected (6,) for weight (6, 3, 5, 5)"),
    (x, w, {"bias": (6, 1)}, "bias has shape (6, 1), expected (6,)"),
    (x, w, {"stride": 0}, "stride must be positive, got (0, 0)"),
    (x, w, {"stride": (1, -1)}, "stride must be positive, got (1, -1)"),
    (x, w, {"stride": 2**31}, "stride must be below 2**31, got (2147483648, 2147483648)"),
    (x, w, {"stride": (1, 2, 3)}, "stride must be an int or a tuple of two ints, got (1, 2, 3)"),
    (x, w, {"dilation": 0}, "dilation must be positive, got (0, 0)"),
    (x, w, {"padding": -1}, "padding must be non-negative, got (-1, -1)"),
    (x, w, {"padding": "full"}, "padding must be 'valid', 'same', or numbers, got 'full'"),
    (x, w, {"padding": "same", "stride": 2}, "padding='same' is not supported for strided convolutions, got stride (2"),
    (x, w, {"groups": 0}, "groups must be positive, got 0"),
    ((8, 4, 9, 9), (5, 2, 5, 5), {"groups": 2}, "groups=2 does not divide the 5 channels of weight (5, 2, 5, 5)"),
    ((8, 3, 4, 4), w, {}, "the kernel (5, 5) with dilation (1, 1) is larger than the padded input (4, 4)"),
    ((8, 3, 4, 4), (6, 3, 2, 2), {"dilation": (3, 5), "padding": 0}, "with dilation (3, 5) is larger"),
]


@pytest.mark.parametrize(("input", "weight", "options", "message"), ERRORS, ids=lambda v: v if type(v) is str else "")
def test_errors_say_what_is_wrong(
    input: tuple[int, ...], weight: tuple[int, ...], options: dict[str, Any], message: str
) -> None:
    bias = options.get("bias")
    rest = {name: value for name, value in options.items() if name != "bias"}
    with pytest.raises(RuntimeError) as error:
        F.conv2d(
            minitorch.zeros(input), minitorch.zeros(weight), None if bias is None else minitorch.zeros(bias), **rest
        )
    assert str(error.value).startswith("conv2d: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("input", "weight", "options", "message"),
    [
        ((2, 3, 4, 4), (4, 5, 3, 3), {}, "input has 3 channels but weight expects 4"),
        ((2, 3, 4, 4), (3, 5, 3, 3), {"groups": 2}, "groups=2 does not divide the 3 channels of weight"),
        (
            (2, 3, 4, 4),
            (3, 5, 3, 3),
            {"stride": 2, "output_padding": 2},
            "output_padding must be smaller than stride or dilation, got (2, 2)",
        ),
        ((2, 3, 4, 4), (3, 5, 3, 3), {"output_padding": -1}, "output_padding must be non-negative, got (-1, -1)"),
        ((2, 3, 1, 1), (3, 5, 3, 3), {"padding": 2}, "the output size (-1, -1) of input (2, 3, 1, 1)"),
        ((2, 3, 0, 4), (3, 5, 3, 3), {}, "is too small"),
        ((2, 3, 4, 4), (3, 5, 3), {}, "expected weight of 4 dimensions"),
    ],
)
def test_errors_of_conv_transpose2d(
    input: tuple[int, ...], weight: tuple[int, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RuntimeError) as error:
        F.conv_transpose2d(minitorch.zeros(input), minitorch.zeros(weight), **options)
    assert str(error.value).startswith("conv_transpose2d: ")
    assert message in str(error.value)
    with pytest.raises(RuntimeError, match=r"bias has shape \(3,\), expected \(5,\)"):
        F.conv_transpose2d(minitorch.zeros(2, 3, 4, 4), minitorch.zeros(3, 5, 3, 3), minitorch.zeros(3))


def test_errors_of_dtypes_and_types() -> None:
    x, w = minitorch.zeros(1, 1, 4, 4), minitorch.zeros(1, 1, 2, 2)
    with pytest.raises(RuntimeError, match=r"conv2d: expected tensors of one dtype, got .*float32 and .*float64"):
        F.conv2d(x, w.double())
    with pytest.raises(RuntimeError, match=r"conv2d: expected tensors of numbers, got minitorch.bool"):
        F.conv2d(x.bool(), w.bool())
    with pytest.raises(RuntimeError, match=r"conv2d: expected tensors of one dtype"):
        F.conv2d(x, w, minitorch.zeros(1).double())
    with pytest.raises(TypeError, match=r"conv2d: expected a Tensor, got ndarray"):
        F.conv2d(x.numpy(), w)  # type: ignore[arg-type]
    for _ in range(2):  # checks are remembered by their arguments, and 1.0 == 1
        with pytest.raises(TypeError, match=r"conv2d: stride must be an int or a tuple of two ints, got 1.0"):
            F.conv2d(x, w, stride=1.0)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"conv2d: groups must be an int, got 1.0"):
            F.conv2d(x, w, groups=1.0)  # type: ignore[arg-type]
        F.conv2d(x, w, stride=1, groups=1)


def test_errors_of_devices() -> None:
    x, w = minitorch.zeros(1, 1, 4, 4), minitorch.zeros(1, 1, 2, 2)
    w.backend = ReferenceBackend()
    with pytest.raises(RuntimeError, match="conv2d: expected all tensors to be on the same device"):
        F.conv2d(x, w)
