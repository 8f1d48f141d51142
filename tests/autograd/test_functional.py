"""jacobian, hessian and their products with vectors: against derivatives by hand, against each other, and PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch.autograd import gradcheck
from minitorch.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp
from minitorch.testing import assert_close

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((2, 3)), rng.standard_normal(3)


def tensors(*arrays, library=minitorch, **kwargs):
    return tuple(library.tensor(array, **kwargs) for array in arrays)


x, y = tensors(X, Y)


def two(x, y):
    """Two outputs of two inputs, (2, 3) and (3): of the shapes (2) and ()."""
    return (x * x * y).sum(1), (y * y * y).sum()


# The Jacobians of ``two``: J[output][input].
JACOBIAN = (
    (np.einsum("ij,ik->ikj", 2 * X * Y, np.eye(2)).reshape(2, 2, 3), X * X),
    (np.zeros((2, 3)), 3 * Y * Y),
)


def energy(x, y):
    """One number: Σ x²y."""
    return (x * x * y).sum()


# The Hessian of ``energy``: H[first input][second input].
XX = np.einsum("ik,jl,j->ijkl", np.eye(2), np.eye(3), 2 * Y)
XY = np.einsum("ij,jk->ijk", 2 * X, np.eye(3))
HESSIAN = ((XX, XY), (np.moveaxis(XY, 2, 0), np.zeros((3, 3))))

# Written so that they run in PyTorch too.
FUNCTIONS = [two, energy, lambda x, y: x, lambda x, y: (y.exp(),), lambda x, y: (x * y).exp() / (1 + y * y)]


def assert_like(found, expected):
    """Both have one structure of tuples, and equal arrays in it."""
    assert isinstance(found, tuple) == isinstance(expected, tuple)
    if isinstance(found, tuple):
        assert len(found) == len(expected)
        for a, e in zip(found, expected, strict=True):
            assert_like(a, e)
        return
    array = expected if isinstance(expected, np.ndarray) else expected.detach().numpy()
    assert tuple(found.shape) == array.shape
    assert_close(found.detach(), array, rtol=1e-12, atol=1e-12)


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_jacobian():
    assert_like(jacobian(two, (x, y)), JACOBIAN)
    assert_like(jacobian(lambda y: y * y, y), np.diag(2 * Y))
    assert_like(jacobian(lambda y: (y * y,), y), (np.diag(2 * Y),))
    assert_like(jacobian(lambda y: y * y, (y,)), (np.diag(2 * Y),))
    assert_like(jacobian(lambda y: y.sum(), y), np.ones(3))


def test_hessian():
    assert_like(hessian(energy, (x, y)), HESSIAN)
    assert_like(hessian(lambda y: energy(x, y), y), HESSIAN[1][1])
    assert_like(hessian(lambda x: energy(x, y), x), HESSIAN[0][0])
    assert_like(hessian(lambda y: (y * y).sum().reshape(1, 1), (y,)), ((2 * np.eye(3),),))


def test_products():
    v = rng.standard_normal(2), rng.standard_normal(())
    outputs, product = vjp(two, (x, y), tensors(*v))
    assert_like(outputs, two(x, y))
    assert_like(product, tuple(np.tensordot(v[0], JACOBIAN[0][i], 1) + v[1] * JACOBIAN[1][i] for i in (0, 1)))
    w = rng.standard_normal((2, 3)), rng.standard_normal(3)
    outputs, product = jvp(two, (x, y), tensors(*w))
    assert_like(outputs, two(x, y))
    assert_like(product, tuple(np.asarray(np.tensordot(a, w[0], 2) + b @ w[1]) for a, b in JACOBIAN))
    expected = tuple(np.tensordot(a, w[0], 2) + np.tensordot(b, w[1], 1) for a, b in HESSIAN)
    for function in (hvp, vhp):
        output, product = function(energy, (x, y), tensors(*w))
        assert_like(output, energy(x, y))
        assert_like(product, expected)


def test_a_vector_may_be_left_out_where_there_is_one_number():
    one = minitorch.tensor([3.0])
    cube = lambda x: x * x * x  # noqa: E731
    for function, value in ((vjp, 27), (jvp, 27), (hvp, 18), (vhp, 18)):
        output, product = function(cube, one)
        assert (output.tolist(), product.tolist()) == ([27], [value])


def test_inputs_and_vectors_stay_as_they_are():
    a = minitorch.tensor(Y, requires_grad=True)
    for result in (jacobian(lambda y: y * y, a), *vjp(lambda y: y * y, a, y), hessian(lambda y: (y * y).sum(), a)):
        assert not result.requires_grad
    assert a.grad is None
    assert a.is_leaf
    # The function's own use of the input is a constant, as in PyTorch.
    assert_like(jacobian(lambda y: y * a, a), np.diag(Y))


def test_nothing_is_recorded_outside_but_the_function_is():
    with minitorch.no_grad():
        assert_like(jacobian(lambda y: y * y, y), np.diag(2 * Y))
        assert_like(hessian(lambda y: (y * y * y).sum(), y), np.diag(6 * Y))
        assert not minitorch.is_grad_enabled()


@pytest.mark.parametrize(
    "derivative",
    [
        lambda y: jacobian(lambda y: y.exp() * y.sum(), y, create_graph=True),
        lambda y: hessian(lambda y: (y.exp() * y.sum()).sum(), y, create_graph=True),
        lambda y: vjp(lambda y: y.exp() * y.sum(), y, y * y, create_graph=True),
        lambda y: jvp(lambda y: y.exp() * y.sum(), y, y * y, create_graph=True),
        lambda y: hvp(lambda y: (y.exp() * y.sum()).sum(), y, y * y, create_graph=True),
        lambda y: vhp(lambda y: (y.exp() * y.sum()).sum(), y, y * y, create_graph=True),
    ],
)
def test_create_graph_differentiates_through_inputs_and_vectors(derivative):
    assert gradcheck(derivative, minitorch.tensor(Y, requires_grad=True))


def test_what_does_not_depend_is_zero():
    constant = minitorch.ones(2)
    assert_like(jacobian(lambda x, y: (y, constant), (x, y))[0], (np.zeros((3, 2, 3)), np.eye(3)))
    assert_like(jacobian(lambda x, y: (y, constant), (x, y))[1], (np.zeros((2, 2, 3)), np.zeros((2, 3))))
    assert_like(hessian(lambda x, y: y.sum(), (x, y))[0], (np.zeros((2, 3, 2, 3)), np.zeros((2, 3, 3))))
    assert_like(vjp(lambda x, y: constant, (x, y), constant)[1], (np.zeros((2, 3)), np.zeros(3)))
    assert_like(jvp(lambda x, y: constant, (x, y), (x, y))[1], np.zeros(2).astype(np.float32))
    for function in (hvp, vhp):
        assert_like(function(lambda x, y: y.sum(), (x, y), (x, y))[1], (np.zeros((2, 3)), np.zeros(3)))


def test_empty_tensors():
    empty = minitorch.zeros(0, 2)
    assert jacobian(lambda x: x * x, empty).shape == (0, 2, 0, 2)
    assert jacobian(lambda x: x.sum(), empty).shape == (0, 2)
    assert jacobian(lambda x: x * minitorch.zeros(0, 1), minitorch.ones(1, 3)).shape == (0, 3, 1, 3)
    assert hessian(lambda x: x.sum(), empty).shape == (0, 2, 0, 2)


# ---- what is refused -------------------------------------------------------------------------------------------------

INDEPENDENT = "independent of input 0"
STRICT = [
    (jacobian, lambda x, y: (y, y.detach()), (x, y), "Output 1 .* does not require gradients"),
    (jacobian, lambda x, y: y, (x, y), INDEPENDENT),
    (vjp, lambda x, y: y.sum(), (x, y), INDEPENDENT),
    (jvp, lambda x, y: y.sum(), (x, y), INDEPENDENT),
    (jvp, lambda x: x.detach(), x, "Output 0 .* does not require gradients"),
    (hessian, lambda x, y: y.sum(), (x, y), INDEPENDENT),
    (hessian, lambda x: x.sum(), x, "jacobian .* with respect to input 0 is independent"),
    (hvp, lambda x: x.sum(), x, "jacobian .* with respect to input 0 is independent"),
    (vhp, lambda x: x.sum(), x, "jacobian .* with respect to input 0 is independent"),
    (hessian, lambda x, y: (x * x).sum() + (y * y).sum(), (x, y), "Output 0 .* is independent of input 1"),
]


@pytest.mark.parametrize(("function", "func", "inputs", "message"), STRICT)
def test_strict_mode(function, func, inputs, message):
    v = {jvp: inputs, hvp: inputs, vhp: inputs}.get(function)
    args = () if v is None else (v,)
    function(func, inputs, *args if function is not vjp else (minitorch.tensor(1.0),))  # not strict
    with pytest.raises(RuntimeError, match=message):
        function(func, inputs, *args, strict=True)


def test_strict_mode_of_a_graph_that_ends():
    """With create_graph the derivative itself must depend on the inputs."""
    a = minitorch.tensor(Y, requires_grad=True)
    for function, func in ((jacobian, lambda y: 2 * y), (vjp, lambda y: 2 * y.sum())):
        function(func, a, strict=True)
        with pytest.raises(RuntimeError, match=r"independent of input 0.*create_graph=True"):
            function(func, a, strict=True, create_graph=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: jacobian(lambda x: x, [x]),
            TypeError,
            r"inputs given to jacobian must .* given inputs has type .*list",
        ),
        (lambda: vjp(lambda x: x, (x, 3.0)), TypeError, "the value at index 1 has type <class 'float'>"),
        (lambda: jvp(lambda x: 3.0, x, x), TypeError, "outputs of the user-provided function given to jvp must be"),
        (lambda: vjp(lambda x: x, x, [x]), TypeError, "The v given to vjp must be either a Tensor or a tuple"),
        (
            lambda: vjp(lambda x: x, x),
            RuntimeError,
            "v can only be None if the user-provided function returns a single",
        ),
        (lambda: jvp(lambda x: x.sum(), x), RuntimeError, "v can only be None if the input to the user-provided"),
        (lambda: hvp(lambda x: x.sum(), x), RuntimeError, "v can only be None if the input to the user-provided"),
        (lambda: vjp(lambda x: x, x, y), RuntimeError, r"^v has invalid size: should be .*\[2, 3\].* but got .*\[3\]"),
        (lambda: jvp(two, (x, y), (x, x)), RuntimeError, "Entry 1 in v has invalid size"),
        (lambda: jvp(two, (x, y), x), RuntimeError, "v is a tuple of invalid length: should be 2 but got 1"),
        (lambda: vjp(lambda x: x, x, (x, x)), RuntimeError, "The given v should contain a single Tensor"),
        (lambda: hessian(lambda x: (x.sum(),), x), RuntimeError, "given to hessian should return a single Tensor"),
        (lambda: hessian(lambda x: x, x), RuntimeError, r"should contain a single element, but its shape is \[2, 3\]"),
        (lambda: vhp(lambda x: x, x, x), RuntimeError, "given to vhp should contain a single element"),
        (lambda: jacobian(lambda x: x, x, vectorize=True), NotImplementedError, "leave vectorize=False"),
        (lambda: hessian(lambda x: x, x, vectorize=True), NotImplementedError, "leave vectorize=False"),
        (lambda: jacobian(lambda x: x, x, strategy="forward-mode"), NotImplementedError, "no forward mode"),
        (lambda: jacobian(lambda x: x, x, strategy="backward"), AssertionError, "either .* got 'backward'"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- against PyTorch -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.mark.parametrize("func", FUNCTIONS)
def test_like_pytorch(torch, func):
    theirs = torch.autograd.functional
    ours, other = tensors(X, Y), tensors(X, Y, library=torch)
    assert_like(jacobian(func, ours), theirs.jacobian(func, other))
    outputs = func(*ours)
    shapes = [out.shape for out in outputs] if isinstance(outputs, tuple) else [outputs.shape]
    v = [rng.standard_normal(shape) for shape in shapes]
    mine, yours = tensors(*v), tensors(*v, library=torch)
    if not isinstance(outputs, tuple):
        (mine,), (yours,) = mine, yours
    assert_like(vjp(func, ours, mine), theirs.vjp(func, other, yours))
    assert_like(jvp(func, ours, ours), theirs.jvp(func, other, other))

    def number(x, y):
        outputs = func(x, y)
        return sum((out * out).sum() for out in outputs) if isinstance(outputs, tuple) else (outputs**3).sum()

    assert_like(hessian(number, ours), theirs.hessian(number, other))
    assert_like(hvp(number, ours, ours), theirs.hvp(number, other, other))
    assert_like(vhp(number, ours, ours), theirs.vhp(number, other, other))


@pytest.mark.parametrize(("function", "func", "inputs", "message"), STRICT)
def test_strict_mode_like_pytorch(torch, function, func, inputs, message):
    def convert(value):
        return tuple(map(convert, value)) if isinstance(value, tuple) else torch.tensor(value.numpy())

    args = (convert(inputs),) * (2 if function in (jvp, hvp, vhp) else 1)
    with pytest.raises(RuntimeError):
        getattr(torch.autograd.functional, function.__name__)(func, *args, strict=True)
