"""Points without a derivative, ties, and the numbers that IEEE 754 sets apart: PyTorch 2.13's answers, as literals."""

from __future__ import annotations

import math
import sys

import pytest

import minitorch
from minitorch.autograd import grad

NAN, INF = math.nan, math.inf


def same(found, wanted):
    return len(found) == len(wanted) and all(a == b or (a != a and b != b) for a, b in zip(found, wanted, strict=True))


# A function, the points, its values there, and the gradients of their sum.
POINTS = {
    "abs": (lambda x: x.abs(), [-2.0, 0.0, -0.0, NAN, -INF], [2.0, 0.0, 0.0, NAN, INF], [-1.0, 0.0, 0.0, 0.0, -1.0]),
    "sqrt": (lambda x: x.sqrt(), [0.0, -1.0, INF], [0.0, NAN, INF], [INF, NAN, 0.0]),
    "log": (lambda x: x.log(), [0.0, -1.0, INF], [-INF, NAN, INF], [INF, -1.0, 0.0]),
    "exp": (lambda x: x.exp(), [INF, -INF, NAN, 1000.0], [INF, 0.0, NAN, INF], [INF, 0.0, NAN, INF]),
    "rsqrt": (lambda x: x.rsqrt(), [0.0, INF, -1.0], [INF, 0.0, NAN], [-INF, -0.0, NAN]),
    "reciprocal": (lambda x: x.reciprocal(), [0.0, -0.0, INF], [INF, -INF, 0.0], [-INF, -INF, -0.0]),
    "sign": (lambda x: x.sign(), [-2.0, 0.0, INF, NAN], [-1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]),
    "floor": (lambda x: x.floor(), [-0.5, 2.0, INF], [-1.0, 2.0, INF], [0.0, 0.0, 0.0]),
    "round": (lambda x: x.round(), [0.5, 1.5, 2.5, -0.5], [0.0, 2.0, 2.0, -0.0], [0.0, 0.0, 0.0, 0.0]),
    "round to tens": (lambda x: x.round(decimals=-1), [14.0, 15.0, 25.0, -INF], [10.0, 20.0, 20.0, -INF], [0.0] * 4),
    "round to hundredths": (lambda x: x.round(decimals=2), [0.125, 1e308, NAN], [0.12, INF, NAN], [0.0] * 3),
    "exp2": (lambda x: x.exp2(), [-INF, 1024.0, 3.0], [0.0, INF, 8.0], [0.0, INF, 8 * math.log(2)]),
    "expm1": (lambda x: x.expm1(), [-0.0, 1e-20, -INF, 1000.0], [-0.0, 1e-20, -1.0, INF], [1.0, 1.0, 0.0, INF]),
    "log1p": (
        lambda x: x.log1p(),
        [-0.0, 1e-20, -1.0, -2.0, INF],
        [-0.0, 1e-20, -INF, NAN, INF],
        [1.0, 1.0, INF, -1.0, 0.0],
    ),
    "log2": (
        lambda x: x.log2(),
        [0.0, -0.0, 8.0, -1.0],
        [-INF, -INF, 3.0, NAN],
        [INF, -INF, 0.125 / math.log(2), -1 / math.log(2)],
    ),
    "log10": (lambda x: x.log10(), [0.0, 1000.0, INF], [-INF, 3.0, INF], [INF, 1 / (1000 * math.log(10)), 0.0]),
    "tan": (lambda x: x.tan(), [0.0, INF], [0.0, NAN], [1.0, NAN]),
    "asin": (lambda x: x.asin(), [1.0, -1.0, 2.0], [math.pi / 2, -math.pi / 2, NAN], [INF, INF, NAN]),
    "acos": (lambda x: x.acos(), [1.0, -1.0, 2.0], [0.0, math.pi, NAN], [-INF, -INF, NAN]),
    "atan": (lambda x: x.atan(), [INF, -INF, 1e300], [math.pi / 2, -math.pi / 2, math.pi / 2], [0.0, 0.0, 0.0]),
    "sinh": (lambda x: x.sinh(), [1000.0, -INF], [INF, -INF], [INF, INF]),
    "cosh": (lambda x: x.cosh(), [1000.0, -INF], [INF, INF], [INF, -INF]),
    "nan_to_num": (
        lambda x: x.nan_to_num(nan=2.0, posinf=3.0),
        [NAN, INF, -INF, 1.0],
        [2.0, 3.0, -sys.float_info.max, 1.0],
        [0.0, 0.0, 0.0, 1.0],
    ),
    "masked_fill with -inf": (lambda x: x.masked_fill(x > 1, -INF), [1.0, 2.0, NAN], [1.0, -INF, NAN], [1.0, 0.0, 1.0]),
    "clamp to NaN": (lambda x: x.clamp(NAN, 1.0), [0.0, 2.0], [NAN, NAN], [0.0, 0.0]),
    "clamp between crossed bounds": (lambda x: x.clamp(2, 1), [0.0, 1.0, 1.5, 3.0], [1.0] * 4, [0.0] * 4),
    "relu": (lambda x: minitorch.relu(x), [-1.0, 0.0, INF], [0.0, 0.0, INF], [0.0, 0.0, 1.0]),
    "clamp": (
        lambda x: x.clamp(0, 1),
        [0.0, 1.0, -1.0, 2.0, NAN],
        [0.0, 1.0, 0.0, 1.0, NAN],
        [1.0, 1.0, 0.0, 0.0, 0.0],
    ),
    "x ** 2": (lambda x: x**2, [0.0, -3.0, INF], [0.0, 9.0, INF], [0.0, -6.0, INF]),
    "x ** 0": (lambda x: x**0, [0.0, NAN, INF], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]),
    "x ** 0.5": (lambda x: x**0.5, [0.0, 4.0, -1.0], [0.0, 2.0, NAN], [INF, 0.25, NAN]),
    "x ** -1": (lambda x: x**-1, [0.0, 2.0], [INF, 0.5], [-INF, -0.25]),
    "x ** 3": (lambda x: x**3, [0.0, -2.0], [0.0, -8.0], [0.0, 12.0]),
    "0 ** x": (lambda x: 0.0**x, [0.0, 2.0, -1.0], [1.0, 0.0, INF], [0.0, 0.0, -INF]),
    "x / 0": (lambda x: x / 0, [1.0, -1.0, 0.0], [INF, -INF, NAN], [INF, INF, INF]),
    "0 / x": (lambda x: 0 / x, [0.0, 2.0], [NAN, 0.0], [NAN, -0.0]),
    "maximum of ties": (lambda x: minitorch.maximum(x, x.detach() * 1), [1.0, 2.0], [1.0, 2.0], [0.5, 0.5]),
    "max of ties": (lambda x: x.max(), [3.0, 1.0, 3.0], [3.0], [0.5, 0.0, 0.5]),
    "amax of ties": (lambda x: x.amax(0), [3.0, 1.0, 3.0, 3.0], [3.0], [1 / 3, 0.0, 1 / 3, 1 / 3]),
    "max(dim) of ties": (lambda x: x.max(0)[0], [3.0, 1.0, 3.0], [3.0], [1.0, 0.0, 0.0]),
    "min of NaN": (lambda x: x.min(), [3.0, NAN, 1.0], [NAN], [0.0, 1.0, 0.0]),
    "max(dim) of NaN": (lambda x: x.max(0)[0], [3.0, NAN, NAN], [NAN], [0.0, 1.0, 0.0]),
    "std of a constant": (lambda x: x.std(), [2.0, 2.0], [0.0], [0.0, 0.0]),
    "std of one": (lambda x: x.std(), [2.0], [NAN], [NAN]),
    "var of one": (lambda x: x.var(), [2.0], [NAN], [NAN]),
    "mean of none": (lambda x: x.mean(), [], [NAN], []),
    "sum of none": (lambda x: x.sum(), [], [0.0], []),
    "logsumexp of -inf": (lambda x: x.logsumexp(0), [-INF, -INF], [-INF], [NAN, NAN]),
    "logsumexp of inf": (lambda x: x.logsumexp(0), [INF, 1.0], [INF], [NAN, 0.0]),
    "logsumexp of large": (lambda x: x.logsumexp(0), [1000.0, -1000.0], [1000.0], [1.0, 0.0]),
    "prod with a zero": (lambda x: x.prod(), [2.0, 0.0, 3.0], [0.0], [0.0, 6.0, 0.0]),
    "prod with two zeros": (lambda x: x.prod(0), [0.0, 0.0, 3.0], [0.0], [0.0, 0.0, 0.0]),
    "prod of none": (lambda x: x.prod(), [], [1.0], []),
    "cumprod with a zero": (lambda x: x.cumprod(0), [2.0, 0.0, 3.0], [2.0, 0.0, 0.0], [1.0, 8.0, 0.0]),
    "cumprod with two zeros": (lambda x: x.cumprod(0), [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
    "norm at 0": (lambda x: x.norm(), [0.0, 0.0], [0.0], [0.0, 0.0]),
    "norm(1) at 0": (lambda x: x.norm(1), [0.0, -2.0], [2.0], [0.0, -1.0]),
    "norm(0.5) at 0": (lambda x: x.norm(0.5), [0.0, 4.0], [4.0], [0.0, 1.0]),
    "norm(3) at 0": (lambda x: x.norm(3), [0.0, 0.0], [0.0], [0.0, 0.0]),
    "norm(-1) at 0": (lambda x: x.norm(-1), [0.0, 2.0], [0.0], [0.0, 0.0]),
    "norm(inf) of ties": (lambda x: x.norm(INF), [3.0, -3.0, 1.0], [3.0], [0.5, -0.5, 0.0]),
    "norm(-inf) of ties": (lambda x: x.norm(-INF), [3.0, -1.0, 1.0], [1.0], [0.0, -0.5, 0.5]),
    "median of ties": (lambda x: x.median(), [2.0, 1.0, 2.0, 3.0], [2.0], [0.5, 0.0, 0.5, 0.0]),
    "median of NaN": (lambda x: x.median(), [NAN, 1.0, NAN], [NAN], [0.5, 0.0, 0.5]),
    "median of none": (lambda x: x.median(), [], [NAN], []),
    "median(dim) of NaN": (lambda x: x.median(0)[0], [1.0, NAN, NAN], [NAN], [0.0, 1.0, 0.0]),
    "sort of NaN": (
        lambda x: x.sort()[0] * x.detach(),
        [INF, NAN, -INF, 1.0],
        [-INF, NAN, -INF, NAN],
        [-INF, 1.0, INF, NAN],
    ),
    "topk of NaN": (lambda x: x.topk(2)[0], [1.0, NAN, INF], [NAN, INF], [0.0, 1.0, 1.0]),
    "var of infinity": (lambda x: x.var(), [INF, 1.0], [NAN], [NAN, -INF]),
    "where hides": (lambda x: minitorch.where(x > 0, x.sqrt(), 0.0), [0.0, 4.0], [0.0, 2.0], [NAN, 0.25]),
}


@pytest.mark.parametrize("name", POINTS)
def test_values_and_gradients(name):
    function, points, values, gradients = POINTS[name]
    x = minitorch.tensor(points, dtype=minitorch.float64, requires_grad=True)
    y = function(x)
    found = y.detach().reshape(-1).tolist()
    assert same(found, values)
    assert [math.copysign(1, v) for v in found if v == v] == [math.copysign(1, v) for v in values if v == v]
    assert same(grad(y.sum(), x)[0].tolist(), gradients)


@pytest.mark.filterwarnings("ignore:.*degrees of freedom:UserWarning")  # PyTorch's, of one element's variance
@pytest.mark.parametrize("name", POINTS)
def test_pytorch_agrees(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    function, points, values, gradients = POINTS[name]
    x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    with pytest.MonkeyPatch.context() as patch:
        for lib_function in ("relu", "maximum", "where"):
            patch.setattr(minitorch, lib_function, getattr(torch, lib_function))
        y = function(x)
    assert same(y.detach().reshape(-1).tolist(), values)
    assert same(torch.autograd.grad(y.sum(), x)[0].tolist(), gradients)


# A function of several numbers, the points, its values, and its gradients with respect to each.
POINTS_OF_SEVERAL = {
    "atan2": (
        lambda y, x: y.atan2(x),
        [[0.0, 0.0, -0.0, 1.0, INF, 0.0], [0.0, -0.0, -1.0, 0.0, 1.0, 1e-200]],
        [0.0, math.pi, -math.pi, math.pi / 2, math.pi / 2, 0.0],
        [[0.0, 0.0, -1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, -1.0, NAN, 0.0]],
    ),
    "maximum": (
        lambda a, b: a.maximum(b),
        [[1.0, 2.0, 3.0, NAN, 1.0, INF], [1.0, 3.0, 2.0, 1.0, NAN, INF]],
        [1.0, 3.0, 3.0, NAN, NAN, INF],
        [[0.5, 0.0, 1.0, 1.0, 1.0, 0.5], [0.5, 1.0, 0.0, 1.0, 1.0, 0.5]],
    ),
    "minimum": (
        lambda a, b: a.minimum(b),
        [[1.0, 2.0, 3.0, NAN, 1.0, INF], [1.0, 3.0, 2.0, 1.0, NAN, INF]],
        [1.0, 2.0, 2.0, NAN, NAN, INF],
        [[0.5, 1.0, 0.0, 1.0, 1.0, 0.5], [0.5, 0.0, 1.0, 1.0, 1.0, 0.5]],
    ),
    "div": (
        lambda a, b: a / b,
        [[0.0, 1.0, 0.0, 1.0], [1e-310, 1e200, 0.0, INF]],
        [0.0, 1e-200, NAN, 0.0],
        [[INF, 1e-200, INF, 0.0], [0.0, 0.0, NAN, 0.0]],
    ),
    "logaddexp": (
        lambda a, b: a.logaddexp(b),
        [[INF, -INF, INF, -INF, 1000.0, NAN], [INF, -INF, 1.0, 1.0, -1000.0, 1.0]],
        [INF, -INF, INF, 1.0, 1000.0, NAN],
        [[NAN, NAN, 1.0, 0.0, 1.0, NAN], [NAN, NAN, 0.0, 1.0, 0.0, NAN]],
    ),
    "lerp": (
        lambda a, b, w: a.lerp(b, w),
        [[1.0, 1.0, 0.1, 1.0], [2.0, 2.0, 0.7, INF], [0.5, 1.0, 1.0, 0.0]],
        [1.5, 2.0, 0.7, NAN],
        [[0.5, 0.0, 0.0, 1.0], [0.5, 1.0, 1.0, 0.0], [1.0, 1.0, 0.6, INF]],
    ),
    "clamp": (
        lambda x, low, high: x.clamp(low, high),
        [
            [-1.0, 0.0, 0.5, 1.0, 2.0, NAN, 3.0, 0.5, 0.5, 0.0, 2.0, NAN],
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, NAN, 0.0, 1.0, 1.0, 3.0],
            [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, NAN, 1.0, 1.0, 1.0],
        ],
        [0.0, 0.0, 0.5, 1.0, 1.0, NAN, 1.0, NAN, NAN, 1.0, 1.0, NAN],
        [
            [0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0],
        ],
    ),
    "clamp_min": (
        lambda x, low: x.clamp_min(low),
        [[-1.0, 0.0, 1.0, NAN, 1.0], [0.0, 0.0, 0.0, 0.0, NAN]],
        [0.0, 0.0, 1.0, NAN, NAN],
        [[0.0, 1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]],
    ),
    "clamp_max": (
        lambda x, high: x.clamp_max(high),
        [[-1.0, 0.0, 1.0, NAN, 1.0], [0.0, 0.0, 0.0, 0.0, NAN]],
        [-1.0, 0.0, 0.0, NAN, NAN],
        [[1.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0]],
    ),
    "remainder": (
        lambda a, b: a % b,
        [[7.0, -7.0, 5.0, -5.0, INF, 1.0], [2.0, 2.0, INF, INF, 1.0, 0.0]],
        [1.0, 1.0, 5.0, INF, NAN, NAN],
        [[1.0] * 6, [-3.0, 4.0, 0.0, 1.0, NAN, -INF]],
    ),
    "div(floor)": (
        lambda a, b: a.div(b, rounding_mode="floor"),
        [[7.0, -7.0, 1.0, -5.0], [2.0, 2.0, 0.0, INF]],
        [3.0, -4.0, INF, -1.0],
        [[0.0] * 4, [0.0] * 4],
    ),
    "div(trunc)": (
        lambda a, b: a.div(b, rounding_mode="trunc"),
        [[7.0, -7.0, 1.0, -5.0], [2.0, 2.0, 0.0, INF]],
        [3.0, -3.0, INF, -0.0],
        [[0.0] * 4, [0.0] * 4],
    ),
}


def check_several(lib, grad, name):
    function, points, values, gradients = POINTS_OF_SEVERAL[name]
    leaves = [lib.tensor(numbers, dtype=lib.float64, requires_grad=True) for numbers in points]
    y = function(*leaves)
    assert same(y.detach().tolist(), values)
    found = grad(y.sum(), leaves)
    assert [same(g.tolist(), wanted) for g, wanted in zip(found, gradients, strict=True)] == [True] * len(leaves)


@pytest.mark.parametrize("name", POINTS_OF_SEVERAL)
def test_values_and_gradients_of_several(name):
    check_several(minitorch, grad, name)


@pytest.mark.parametrize("name", POINTS_OF_SEVERAL)
def test_pytorch_agrees_about_several(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    check_several(torch, torch.autograd.grad, name)


def test_the_gradient_of_the_gradient_of_atan2_at_the_origin_is_0():
    y = minitorch.zeros(1, dtype=minitorch.float64, requires_grad=True)
    x = minitorch.zeros(1, dtype=minitorch.float64, requires_grad=True)
    first = grad(minitorch.atan2(y, x).sum(), (y, x), create_graph=True)
    for g in first:
        assert [h.tolist() for h in grad(g.sum(), (y, x), retain_graph=True, materialize_grads=True)] == [[0.0], [0.0]]


def test_floor_divide_has_a_gradient_of_0():
    x = minitorch.tensor([7.0, -7.0], requires_grad=True)
    ((x // 2) * 3 + x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert (9 // x).requires_grad


def test_rounding_integers_gives_a_copy():
    x = minitorch.tensor([1, -2])
    for name in ("floor", "ceil", "trunc", "round"):
        y = getattr(x, name)()
        y.zero_()
        assert x.tolist() == [1, -2]


def test_numbers_keep_the_dtype_that_alpha_multiplies():
    flags = minitorch.tensor([True, False])
    assert minitorch.add(flags, flags, alpha=2).dtype is minitorch.bool
    assert minitorch.add(minitorch.tensor([1.0]), minitorch.tensor([1]), alpha=1.5).tolist() == [2.5]
    small = minitorch.tensor([1], dtype=minitorch.uint8)
    assert minitorch.sub(small, small, alpha=3).tolist() == [254]


def test_arg_of_ties_and_nan_is_the_first():
    x = minitorch.tensor([1.0, 3.0, 3.0, 1.0])
    assert (x.argmax().item(), x.argmin().item()) == (1, 0)
    assert (x.max(0)[1].item(), x.min(0)[1].item()) == (1, 0)
    x = minitorch.tensor([1.0, NAN, 3.0, NAN])
    assert (x.argmax().item(), x.argmin().item()) == (1, 1)


def test_comparisons_with_nan_are_false():
    x = minitorch.tensor([NAN, 1.0])
    for name, wanted in {"eq": False, "ne": True, "lt": False, "le": False, "gt": False, "ge": False}.items():
        assert getattr(x, name)(NAN)[0].item() is wanted


def test_integer_division_rounds_as_asked():
    x, y = minitorch.tensor([7, -7, 7, -7]), minitorch.tensor([2, 2, -2, -2])
    assert minitorch.div(x, y, rounding_mode="trunc").tolist() == [3, -3, -3, 3]
    assert (x // y).tolist() == [3, -4, -4, 3]
    assert (x % y).tolist() == [1, 1, -1, -1]
    assert (x / y).tolist() == [3.5, -3.5, -3.5, 3.5]


def test_no_warning_escapes_from_ieee_arithmetic():
    """Warnings are errors in these tests: overflow, invalid operations and divisions by zero must be silent."""
    x = minitorch.tensor([1e300, INF, -INF, NAN, 0.0], dtype=minitorch.float64, requires_grad=True)
    y = (x * x - x / 0 + x.exp().log().sqrt() - x.float().half().double()).sum()
    y.backward()
    (x.max() + x.amin() + x.var() + x.std() + x.logsumexp(0)).backward()
    x.expand(2, 5).sum_to_size(5)
    with minitorch.no_grad():
        minitorch.zeros(5, dtype=minitorch.float16).copy_(x)
    _ = minitorch.tensor([1.0], dtype=minitorch.float16) * 1e300


def test_of_elements_scattered_to_one_place_the_last_stays():
    """And it alone has a gradient; PyTorch, whose order isn't fixed, gives one to all."""
    x = minitorch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    src = minitorch.tensor([5.0, 6.0, 7.0], requires_grad=True)
    out = x.scatter(0, minitorch.tensor([1, 1, 0]), src)
    assert out.tolist() == [7.0, 6.0, 3.0]
    found = grad(out, (x, src), minitorch.tensor([10.0, 20.0, 30.0]))
    assert [gradient.tolist() for gradient in found] == [[0.0, 0.0, 30.0], [0.0, 20.0, 10.0]]
