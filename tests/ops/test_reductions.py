"""Reductions: dtypes, forms of the arguments, half precision, long products."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch.autograd import grad
from minitorch.testing import assert_close


def test_dtype_converts_before_reducing():
    x = minitorch.tensor([1.7, 1.7])
    assert x.sum(dtype=minitorch.int64).item() == 2
    assert x.prod(dtype=minitorch.int32).dtype is minitorch.int32
    assert x.cumsum(0, dtype=minitorch.float64).dtype is minitorch.float64
    assert x.norm(dtype=minitorch.float64).dtype is minitorch.float64
    assert minitorch.tensor([1, 2]).mean(dtype=minitorch.float64).item() == 1.5
    assert minitorch.tensor([200, 100], dtype=minitorch.uint8).sum().item() == 300
    assert minitorch.tensor([200, 100], dtype=minitorch.uint8).sum(dtype=minitorch.uint8).item() == 44
    assert minitorch.tensor([2, 3]).sum(dtype=minitorch.bool).tolist() is True
    assert minitorch.tensor([2, 0]).prod(dtype=minitorch.bool).tolist() is False


@pytest.mark.parametrize("dim", [0, (0,), None])
def test_half_precision_is_summed_in_single(dim):
    """In float16, 2048 + 1 is 2048."""
    x = minitorch.ones(5000, 2, dtype=minitorch.float16)[:, :1].requires_grad_()
    assert x.sum(dim).item() == 5000
    assert x.mean(dim).item() == 1
    assert x.cumsum(0)[-1].item() == 5000
    assert (x * 20).mean().item() == 20  # the sum is larger than any float16
    assert (x * 200).norm(dim=dim).dtype is minitorch.float16
    assert x.sum().dtype is minitorch.float16
    assert grad(x.sum(), x)[0].dtype is minitorch.float16


def test_the_gradient_of_broadcasting_half_precision_is_summed_in_single():
    x = minitorch.ones(1, 2, dtype=minitorch.float16, requires_grad=True)
    x.expand(5000, 2).backward(minitorch.ones(5000, 2, dtype=minitorch.float16))
    assert x.grad.tolist() == [[5000, 5000]]


@pytest.mark.parametrize("name", ["var", "std", "logsumexp", "norm", "prod", "cumprod"])
def test_half_precision_is_rounded_once(name):
    array = np.random.default_rng(0).uniform(0.5, 1.5, (300,)).astype(np.float16)
    arguments = (0,) if name in ("logsumexp", "cumprod") else ()
    single = getattr(minitorch.tensor(array.astype(np.float32)), name)(*arguments)
    half = getattr(minitorch.tensor(array), name)(*arguments)
    np.testing.assert_array_equal(half.data, single.data.astype(np.float16))


@pytest.mark.parametrize(
    ("shape", "dim"), [((1_000_000, 2), 0), ((2, 1_000_000), 1), ((100_000, 1), 0), ((2, 300_000, 2), 1)]
)
@pytest.mark.parametrize("transposed", [False, True])
def test_sums_of_float32_do_not_drift(shape, dim, transposed):
    """Along whichever dimension, however it lies in memory: NumPy adds in pairs along one of them only."""
    x = minitorch.full(shape[::-1] if transposed else shape, 0.1)
    x = x.T if transposed else x
    wanted = pytest.approx(shape[dim] / 10, rel=1e-6)
    assert x.sum(dim).reshape(-1)[0].item() == wanted
    assert x.mean(dim).reshape(-1)[0].item() == pytest.approx(0.1, rel=1e-6)
    assert (x * 10).norm(dim=dim).reshape(-1)[0].item() == pytest.approx(shape[dim] ** 0.5, rel=1e-6)
    size = [1 if d == dim else n for d, n in enumerate(shape)]
    assert x.sum_to_size(size).reshape(-1)[0].item() == wanted


def test_running_sums_of_float32_do_not_drift():
    x = minitorch.full((1_000_000,), 0.1)
    assert x.cumsum(0)[-1].item() == pytest.approx(100_000, rel=1e-6)


@pytest.mark.parametrize("name", ["var", "std"])
def test_the_forms_of_var(name):
    array = np.random.default_rng(0).standard_normal((3, 4))
    x = minitorch.tensor(array)
    function, numpy = getattr(x, name), getattr(np, name)
    for found, wanted in (
        (function(), numpy(array, ddof=1)),
        (function(False), numpy(array)),
        (function(True), numpy(array, ddof=1)),
        (function(unbiased=False), numpy(array)),
        (function(0), numpy(array, 0, ddof=1)),
        (function(0, False), numpy(array, 0)),
        (function(0, False, True), numpy(array, 0, keepdims=True)),
        (function((0, -1), unbiased=False), numpy(array)),
        (function(None, False), numpy(array)),
        (function(dim=1, correction=2, keepdim=True), numpy(array, 1, ddof=2, keepdims=True)),
        (function(keepdim=True), numpy(array, ddof=1, keepdims=True)),
    ):
        assert_close(found, np.asarray(wanted), rtol=1e-12, atol=1e-12)


def test_the_variance_of_few_is_nan_or_infinite():
    x = minitorch.tensor([1.0, 3.0])
    assert x.var(correction=2).item() == float("inf")
    assert minitorch.isnan(x[:1].var())
    assert minitorch.isnan(x[:0].var(correction=0))


def test_the_variance_of_numbers_with_a_large_mean():
    """One pass, with the sum of squares, would be left without a digit."""
    x = minitorch.tensor([1e4 + i for i in range(4)])
    assert x.var().item() == pytest.approx(5 / 3, rel=1e-6)


def test_max_and_min_are_three_functions():
    x, y = minitorch.tensor([[1.0, 5.0], [7.0, 2.0]]), minitorch.tensor([[4.0], [4.0]])
    assert x.max().item() == 7
    assert x.max(y).tolist() == minitorch.max(x, other=y).tolist() == [[4, 5], [7, 4]]
    assert x.min(other=y).tolist() == [[1, 4], [4, 2]]
    pair = x.max(1)
    assert type(pair) is minitorch.return_types.max
    assert repr(pair) == "minitorch.return_types.max(\nvalues=tensor([5., 7.]),\nindices=tensor([1, 0]))"
    assert (x.min(0, True).values.tolist(), x.min(dim=0).indices.tolist()) == ([[1, 2]], [0, 1])
    for name in ("max", "min", "median"):
        with pytest.raises(TypeError, match="keepdim=True needs a dim"):
            getattr(x, name)(keepdim=True)


def test_an_infinite_gradient_goes_to_the_chosen_alone():
    x = minitorch.tensor([1.0, 3.0], requires_grad=True)
    for out in (x.max(), x.amax(0), x.max(0).values, x.median(0).values, x.sort().values[1]):
        wanted = [float("inf"), 0] if out.item() == 1 else [0, float("inf")]
        assert grad(out * float("inf"), x)[0].tolist() == wanted


def test_tensors_without_dimensions_count_as_one():
    x = minitorch.tensor(2.0, requires_grad=True)
    for name in ("sum", "mean", "prod", "amax", "amin", "logsumexp", "norm", "cumsum", "cumprod"):
        for dim in (0, -1):
            out = getattr(x, name)(dim=dim)
            assert (out.shape, out.item()) == ((), 2)
            assert grad(out, x)[0].item() == 1
    for name in ("max", "min", "median", "sort"):
        values, indices = getattr(x, name)(0)
        assert (values.item(), indices.tolist()) == (2, 0)
        assert values is not x
    assert x.topk(1).values.item() == x.topk(0).values.item() == 2
    for name in ("sum", "prod", "amax", "max", "sort", "cumsum", "all", "count_nonzero", "argmax"):
        with pytest.raises(IndexError, match=r"range of \[-1, 0\], but got dim=1"):
            getattr(x, name)(1)
    with pytest.raises(RuntimeError, match="multiple times"):
        x.sum((0, -1))


def test_empty_reductions():
    x = minitorch.ones(2, 0, 3)
    assert (x.sum().item(), x.prod().item(), x.norm().item()) == (0, 1, 0)
    assert x.prod(1).tolist() == [[1, 1, 1]] * 2
    assert x.logsumexp((0, 1)).tolist() == [-float("inf")] * 3
    assert (x.all().item(), x.any().item(), x.count_nonzero().item()) == (True, False, 0)
    assert minitorch.isnan(x.mean(1)).all()
    assert x.amax(0).shape == x.max(0).values.shape == x.argmax(0).shape == (0, 3)


@pytest.mark.parametrize("zeros", [0, 1, 3])
@pytest.mark.parametrize("n", [37, 64])
def test_the_gradient_of_long_products(n, zeros):
    """Against the products of all but one factor; PyTorch's answer where zeros and lengths are more than a few."""
    rng = np.random.default_rng(n + zeros)
    array = rng.uniform(0.7, 1.4, n)
    array[rng.choice(n, zeros, replace=False)] = 0
    weights = rng.standard_normal(n)
    x = minitorch.tensor(array, requires_grad=True)

    def without(k, i):
        return np.prod([array[j] for j in range(k + 1) if j != i])

    wanted = [sum(weights[k] * without(k, i) for k in range(i, n)) for i in range(n)]
    (found,) = grad((x.cumprod(0) * minitorch.tensor(weights)).sum(), x)
    assert_close(found, np.array(wanted), rtol=1e-10, atol=1e-12)
    (found,) = grad(x.prod(), x)
    assert_close(found, np.array([without(n - 1, i) for i in range(n)]), rtol=1e-10, atol=1e-12)


def test_second_derivatives_of_a_product_with_zeros():
    x = minitorch.tensor([0.0, 0.0, 3.0, 2.0], requires_grad=True)
    (first,) = grad(x.prod(), x, create_graph=True)
    assert first.tolist() == [0, 0, 0, 0]
    assert grad(first[0], x)[0].tolist() == [0, 6, 0, 0]
