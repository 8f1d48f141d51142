"""The algorithms of conv2d: against the reference and each other, derivatives, errors."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import minitorch
from minitorch.autograd import gradcheck, gradgradcheck
from minitorch.backends.reference import ReferenceBackend
from minitorch.ops.conv import conv2d
from minitorch.ops.conv_algorithms import ALGORITHMS
from minitorch.testing import Conv2dCase, arrays, assert_close, conv2d_cases

reference = ReferenceBackend()
EXACT = ("auto", "direct", "im2col")
DTYPES = st.sampled_from([np.float32, np.float64])


def with_gradients(algorithm: str, case: Conv2dCase, x: Any, w: Any, b: Any, g: Any) -> tuple[Any, ...]:
    """The output of a convolution, and the gradients of input, weight and bias for ``g``, as arrays."""
    leaves = [minitorch.tensor(a, requires_grad=True) for a in (x, w, b)]
    output = conv2d(*leaves, *case.geometry, algorithm=algorithm)
    output.backward(minitorch.from_numpy(g))
    return output.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)


def expected(case: Conv2dCase, x: Any, w: Any, b: Any, g: Any) -> tuple[Any, ...]:
    return (
        reference.conv2d(x, w, b, *case.geometry),
        reference.conv2d_backward_input(g, w, x.shape, *case.geometry),
        reference.conv2d_backward_weight(x, g, w.shape, *case.geometry),
        g.sum((0, 2, 3)),
    )


@pytest.mark.parametrize("algorithm", EXACT)
@given(data=st.data(), case=conv2d_cases(), dtype=DTYPES)
def test_small_integers_are_exact(algorithm: str, data: st.DataObject, case: Conv2dCase, dtype: Any) -> None:
    shapes = case.input_shape, case.weight_shape, case.weight_shape[:1], case.output_shape
    operands = [data.draw(arrays(shape, dtype, values="integers")) for shape in shapes]
    for actual, wanted in zip(with_gradients(algorithm, case, *operands), expected(case, *operands), strict=True):
        assert actual.dtype == dtype
        np.testing.assert_array_equal(actual, wanted)


@given(data=st.data(), case=conv2d_cases(), dtype=DTYPES)
def test_fft_is_near(data: st.DataObject, case: Conv2dCase, dtype: Any) -> None:
    shapes = case.input_shape, case.weight_shape, case.weight_shape[:1], case.output_shape
    operands = [data.draw(arrays(shape, dtype)) for shape in shapes]
    exact = expected(case, *(a.astype(np.float64) for a in operands))
    for actual, wanted in zip(with_gradients("fft", case, *operands), exact, strict=True):
        assert actual.dtype == dtype
        tolerance = 100 * np.finfo(dtype).eps * max(1, abs(wanted).max(initial=0))  # of the largest, not of each
        np.testing.assert_allclose(actual, wanted, rtol=0, atol=tolerance)


GEOMETRIES = [
    {},
    {"stride": (2, 3), "padding": (0, 2), "dilation": (2, 1), "groups": 2},
    {"padding": "same", "groups": 4},
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("algorithm", ["direct", "im2col", "fft"])
def test_gradients_of_both_orders(algorithm: str, geometry: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    shapes = (2, 4, 5, 6), (4, 4 // geometry.get("groups", 1), 2, 3), (4,)
    operands = [minitorch.tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes]
    assert gradcheck(lambda *t: conv2d(*t, **geometry, algorithm=algorithm), operands)
    assert gradgradcheck(lambda *t: conv2d(*t, **geometry, algorithm=algorithm), operands, fast_mode=True)


@pytest.mark.parametrize("algorithm", ["direct", "im2col", "fft"])
def test_all_derivatives_are_computed_by_the_chosen_algorithm(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = (minitorch.rand(1, 2, 4, 4, requires_grad=True), minitorch.rand(2, 2, 3, 3, requires_grad=True))
    for name in ("conv2d", "conv2d_backward_input", "conv2d_backward_weight"):
        monkeypatch.setattr(type(x.backend), name, None)
    output = conv2d(x, w, algorithm=algorithm)
    first = minitorch.autograd.grad(output.square().sum(), (x, w), create_graph=True)
    second = minitorch.autograd.grad(sum(g.square().sum() for g in first), (x, w))
    assert all(abs(g.numpy()).max() > 0 for g in second)


@pytest.mark.parametrize("algorithm", EXACT)
def test_not_a_number_and_infinity_reach_their_windows_only(algorithm: str) -> None:
    x = minitorch.zeros(1, 1, 1, 6)
    x.data[..., 0], x.data[..., 4], x.data[..., 5] = np.nan, np.inf, -np.inf
    output = conv2d(x, minitorch.ones(1, 1, 1, 2), algorithm=algorithm)
    np.testing.assert_array_equal(output.numpy(), np.array([[[[np.nan, 0, 0, np.inf, np.nan]]]], np.float32))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_half_precision_and_single_images(algorithm: str) -> None:
    x, w = minitorch.arange(16.0).reshape(1, 4, 4).half(), minitorch.ones(2, 1, 3, 3).half()
    output = conv2d(x, w, algorithm=algorithm)
    assert output.dtype is minitorch.float16
    assert_close(output, np.array([[[45, 54], [81, 90]]] * 2, np.float16), rtol=0, atol=0)


def test_errors() -> None:
    x, w = minitorch.zeros(1, 1, 4, 4), minitorch.zeros(1, 1, 2, 2)
    with pytest.raises(ValueError, match="conv2d: algorithm must be one of 'auto', 'direct', 'im2col', 'fft', got 'fo"):
        conv2d(x, w, algorithm="fourier")
    with pytest.raises(RuntimeError, match=r"conv2d: expected floating-point tensors, got minitorch.int64"):
        conv2d(x.long(), w.long(), algorithm="fft")
    with pytest.raises(TypeError, match="algorithm"):
        minitorch.nn.functional.conv2d(x, w, algorithm="fft")  # type: ignore[call-arg]
