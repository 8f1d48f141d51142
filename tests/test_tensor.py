"""Tensors: how they are made, what they say of themselves, and how they meet Python and NumPy."""

from __future__ import annotations

import copy
import operator
import pickle

import numpy as np
import pytest
from hypothesis import given

import minitorch
from minitorch.testing import arrays, assert_close, shapes


def leaf(*values):
    return minitorch.tensor(values, dtype=minitorch.float64, requires_grad=True)


# ---- from data -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1.5, "float32", ()),
        (3, "int64", ()),
        (True, "bool", ()),
        ([], "float32", (0,)),
        ([[], []], "float32", (2, 0)),
        ([1, 2], "int64", (2,)),
        ([1, 2.5], "float32", (2,)),
        ([True, False], "bool", (2,)),
        ([True, 2], "int64", (2,)),
        (((1, 2), (3, 4)), "int64", (2, 2)),
        (range(3), "int64", (3,)),
        (np.float64(1.5), "float64", ()),
        (np.ones((2, 1), np.float64), "float64", (2, 1)),
        (np.array(3, np.int32), "int32", ()),
        ([np.float32(1.0), np.float32(2.0)], "float32", (2,)),
    ],
)
def test_tensor_of_data(data, dtype, shape):
    x = minitorch.tensor(data)
    assert x.dtype is getattr(minitorch, dtype)
    assert x.shape == shape
    assert isinstance(x.shape, minitorch.Size)


def test_tensor_copies():
    array = np.zeros(2)
    x = minitorch.tensor(array)
    array[0] = 1
    assert x.tolist() == [0.0, 0.0]
    y = minitorch.tensor(x)
    y[0] = 5.0
    assert x.tolist() == [0.0, 0.0]
    z = minitorch.tensor([minitorch.tensor(1.0), minitorch.tensor(2.0)])
    assert z.tolist() == [1.0, 2.0]


def test_from_numpy_and_as_tensor_share():
    array = np.zeros(2, np.float32)
    x = minitorch.from_numpy(array)
    array[0] = 1
    assert x.tolist() == [1.0, 0.0]
    x[1] = 2.0
    assert array.tolist() == [1.0, 2.0]
    assert np.shares_memory(minitorch.as_tensor(array).data, array)
    assert minitorch.as_tensor(x) is x
    assert minitorch.as_tensor(x, dtype=minitorch.float64).dtype is minitorch.float64
    assert not np.shares_memory(minitorch.as_tensor(array, dtype=minitorch.float64).data, array)
    assert minitorch.as_tensor([1, 2]).tolist() == [1, 2]


def test_the_class_makes_tensors_of_the_default_dtype():
    x = minitorch.Tensor([1, 2])
    assert x.dtype is minitorch.float32
    assert x.tolist() == [1.0, 2.0]
    assert minitorch.Tensor().shape == (0,)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([[1, 2], [3]], ValueError, "length|inhomogeneous|sequence"),
        ("text", TypeError, "not supported|str"),
        (["a"], TypeError, "not supported"),
        (None, TypeError, "not supported"),
        (1j, TypeError, "complex128.* is not supported"),
        (np.zeros(2, np.complex64), TypeError, "complex64.* is not supported"),
    ],
)
def test_data_that_makes_no_tensor(data, error, message):
    with pytest.raises(error, match=message):
        minitorch.tensor(data)


def test_from_numpy_takes_arrays_only():
    with pytest.raises(TypeError, match=r"expected np\.ndarray \(got list\)"):
        minitorch.from_numpy([1])


# ---- factories -------------------------------------------------------------------------------------------------------


def test_factories():
    assert minitorch.zeros(2, 3).tolist() == [[0.0] * 3] * 2
    assert (
        minitorch.zeros((2, 3)).shape == minitorch.zeros([2, 3]).shape == minitorch.zeros(minitorch.Size([2, 3])).shape
    )
    assert minitorch.ones(2, dtype=minitorch.int64).tolist() == [1, 1]
    assert minitorch.ones(()).item() == 1.0
    assert minitorch.empty(2, 0).shape == (2, 0)
    assert minitorch.eye(2).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert minitorch.eye(1, 2).tolist() == [[1.0, 0.0]]
    assert [minitorch.full((1,), v).dtype for v in (True, 2, 2.5)] == [
        minitorch.bool,
        minitorch.int64,
        minitorch.float32,
    ]
    assert minitorch.full((2,), 7, dtype=minitorch.float64).tolist() == [7.0, 7.0]
    assert minitorch.zeros(1, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    ("arguments", "expected", "dtype"),
    [
        ((4,), [0, 1, 2, 3], "int64"),
        ((1, 4), [1, 2, 3], "int64"),
        ((1, 8, 3), [1, 4, 7], "int64"),
        ((5, 0, -2), [5, 3, 1], "int64"),
        ((0,), [], "int64"),
        ((2.5,), [0.0, 1.0, 2.0], "float32"),
        ((0, 1, 0.25), [0.0, 0.25, 0.5, 0.75], "float32"),
        ((1, 0.0, -0.5), [1.0, 0.5], "float32"),
    ],
)
def test_arange(arguments, expected, dtype):
    x = minitorch.arange(*arguments)
    assert x.tolist() == expected
    assert x.dtype is getattr(minitorch, dtype)


def test_arange_is_exact_far_from_zero():
    assert minitorch.arange(2**24, 2**24 + 3).tolist() == [2**24, 2**24 + 1, 2**24 + 2]
    assert minitorch.arange(0, 1, 0.1, dtype=minitorch.float64).tolist() == [i * 0.1 for i in range(10)]


def test_linspace():
    assert minitorch.linspace(0, 1, 5).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert minitorch.linspace(3, 1, 3).tolist() == [3.0, 2.0, 1.0]
    assert minitorch.linspace(3, 9, 1).tolist() == [3.0]
    assert minitorch.linspace(0, 1, 0).shape == (0,)


def test_factories_like_another():
    x = minitorch.ones(2, 3, dtype=minitorch.float64)
    for made, value in [
        (minitorch.zeros_like(x), 0.0),
        (minitorch.ones_like(x), 1.0),
        (minitorch.full_like(x, 4), 4.0),
        (x.new_zeros(2, 3), 0.0),
        (x.new_ones((2, 3)), 1.0),
        (x.new_full((2, 3), 4), 4.0),
        (x.new_tensor([[5] * 3] * 2), 5.0),
    ]:
        assert made.dtype is minitorch.float64
        assert made.tolist() == [[value] * 3] * 2
    assert minitorch.zeros_like(x, dtype=minitorch.int64).dtype is minitorch.int64
    assert minitorch.empty_like(x).shape == x.new_empty(2, 3).shape == (2, 3)
    assert minitorch.rand_like(x).dtype is minitorch.randn_like(x).dtype is minitorch.float64
    assert minitorch.zeros_like(x, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda lib: lib.zeros(-1), "[Dd]imension"),
        (lambda lib: lib.arange(0, 5, 0), "step must be nonzero"),
        (lambda lib: lib.arange(0, 5, -1), "upper bound and lower bound inconsistent with step sign"),
        (lambda lib: lib.linspace(0, 1, -1), "number of steps must be non-negative"),
        (lambda lib: lib.randint(5, 5, (2,)), "'from' to be less than 'to', but got from=5 >= to=5"),
    ],
)
def test_wrong_arguments_of_factories(call, message):
    with pytest.raises(RuntimeError, match=message):
        call(minitorch)


# ---- what a tensor says of itself ------------------------------------------------------------------------------------


def test_properties():
    x = minitorch.zeros(2, 3, dtype=minitorch.float64)
    assert x.shape == x.size() == minitorch.Size([2, 3])
    assert x.size(1) == x.size(-1) == 3
    assert (x.ndim, x.dim(), x.numel(), x.itemsize, x.element_size(), x.nbytes) == (2, 2, 6, 8, 8, 48)
    assert repr(x.shape) == "minitorch.Size([2, 3])"
    assert x.shape.numel() == 6
    assert x.stride() == (3, 1)
    assert x.T.stride() == (1, 3)
    assert x.T.stride(0) == 1
    assert x.is_contiguous()
    assert not x.T.is_contiguous()
    assert x.is_floating_point()
    assert not x.is_cuda
    assert str(x.device) == "cpu"
    assert len(x) == 2
    with pytest.raises(IndexError, match="Dimension out of range"):
        x.size(2)


def test_requires_grad_and_leaves():
    x = leaf(1.0)
    assert x.is_leaf
    assert x.requires_grad
    assert not (x * 2).is_leaf
    assert x.detach().is_leaf
    y = (x * 2).detach_()
    assert y.is_leaf
    assert not y.requires_grad


def test_tensors_hash_by_identity():
    x, y = minitorch.ones(1), minitorch.ones(1)
    assert len({x, y, x}) == 2
    assert {x: "value"}[x] == "value"


# ---- to Python -------------------------------------------------------------------------------------------------------


def test_item_and_tolist():
    assert minitorch.tensor([[2.5]]).item() == 2.5
    assert type(minitorch.tensor([3]).item()) is int
    assert type(minitorch.tensor(True).item()) is bool
    assert minitorch.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert minitorch.tensor(1.5).tolist() == 1.5
    with pytest.raises(RuntimeError, match="a Tensor with 2 elements cannot be converted to Scalar"):
        minitorch.ones(2).item()


def test_numbers_of_tensors():
    assert float(minitorch.tensor([2.5])) == 2.5
    assert int(minitorch.tensor(2.9)) == 2
    assert [10, 11, 12][minitorch.tensor(1)] == 11
    assert f"{minitorch.tensor(1.23456):.2f}" == "1.23"
    assert f"{minitorch.tensor([1.0])}" == "tensor([1.])"
    with pytest.raises(TypeError, match="only integer tensors of a single element can be converted to an index"):
        _ = [0][minitorch.tensor(0.0)]


def test_truth():
    assert bool(minitorch.tensor([2.0]))
    assert not minitorch.tensor(0)
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
        bool(minitorch.ones(2))
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with no value"):
        bool(minitorch.ones(0))


def test_iteration():
    x = minitorch.arange(6).reshape(3, 2)
    assert [row.tolist() for row in x] == [[0, 1], [2, 3], [4, 5]]
    first, *_, last = x
    assert (first.tolist(), last.tolist()) == ([0, 1], [4, 5])
    assert 3 in minitorch.tensor([1, 3])
    y = leaf(1.0, 2.0)
    sum(v * v for v in y).backward()
    assert y.grad.tolist() == [2.0, 4.0]
    for call in (len, iter):
        with pytest.raises(TypeError, match="0-d tensor"):
            call(minitorch.tensor(1.0))


# ---- to NumPy --------------------------------------------------------------------------------------------------------


@given(arrays(shapes(), np.float32))
def test_numpy_gives_the_array(array):
    x = minitorch.from_numpy(array)
    assert x.numpy() is array
    assert np.asarray(x) is array
    assert x.stride() == tuple(s // 4 for s in array.strides)
    np.testing.assert_array_equal(np.array(x), array)


def test_numpy_refuses_what_has_a_gradient():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match=r"Use tensor\.detach\(\)\.numpy\(\) instead"):
        x.numpy()
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(x)
    assert x.detach().numpy().tolist() == x.numpy(force=True).tolist() == [1.0]


def test_array_converts_dtypes():
    x = minitorch.ones(2)
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.array(x, dtype=np.int32).tolist() == [1, 1]
    assert not np.shares_memory(np.array(x), x.data)
    with pytest.raises(ValueError, match="a copy is needed"):
        x.__array__(np.float64, copy=False)


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
def test_arrays_beside_tensors_become_tensors(operation):
    array, x = np.array([1.0, 2.0]), minitorch.tensor([3.0, 4.0], dtype=minitorch.float64)
    for a, b in [(array, x), (x, array), (np.float64(2.0), x), (x, np.float64(2.0))]:
        result = operation(a, b)
        assert isinstance(result, minitorch.Tensor)
        assert_close(result, operation(np.asarray(a), np.asarray(b)))
    assert isinstance(np.eye(2) @ x, minitorch.Tensor)
    assert isinstance(array < x, minitorch.Tensor)


def test_dlpack():
    x = minitorch.arange(3.0)
    assert np.shares_memory(np.from_dlpack(x), x.data)
    with pytest.raises(BufferError, match="require gradient"):
        np.from_dlpack(leaf(1.0))


# ---- operators -------------------------------------------------------------------------------------------------------

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow]
COMPARISON = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("operation", ARITHMETIC + COMPARISON)
def test_operators_with_numbers_on_either_side(operation):
    x = minitorch.tensor([1.0, 2.0, 4.0], dtype=minitorch.float64)
    assert operation(x, 2).tolist() == [operation(v, 2) for v in [1.0, 2.0, 4.0]]
    assert operation(2, x).tolist() == [operation(2, v) for v in [1.0, 2.0, 4.0]]


@pytest.mark.parametrize("operation", [operator.and_, operator.or_, operator.xor])
def test_bitwise_operators(operation):
    a, b = [True, True, False, False], [True, False, True, False]
    assert operation(minitorch.tensor(a), minitorch.tensor(b)).tolist() == list(map(operation, a, b))
    assert operation(minitorch.tensor([6, 3]), 5).tolist() == [operation(6, 5), operation(3, 5)]
    assert operation(5, minitorch.tensor([6, 3])).tolist() == [operation(5, 6), operation(5, 3)]


def test_unary_operators():
    x = minitorch.tensor([1, -2])
    assert (-x).tolist() == [-1, 2]
    assert (+x).tolist() == [1, -2]
    assert abs(x).tolist() == [1, 2]
    assert (~x).tolist() == [-2, 1]
    assert (~minitorch.tensor([True])).tolist() == [False]


def test_comparison_with_something_else():
    x = minitorch.ones(1)
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert x != "text"
    with pytest.raises(TypeError):
        _ = x < None


def test_methods_are_the_functions():
    x = minitorch.tensor([[1.0, 4.0]])
    assert_close(x.sqrt(), minitorch.sqrt(x))
    assert x.allclose(x + 1e-9)
    assert x.equal(x.clone())
    assert not x.equal(x.T)
    assert not minitorch.allclose(x, x + 1)
    assert minitorch.allclose(x * np.nan, x * np.nan, equal_nan=True)
    assert x.where(x > 2, 0).tolist() == [[0.0, 4.0]]
    assert x.view_as(x.T).shape == x.reshape_as(x.T).shape == (2, 1)
    assert x.expand_as(minitorch.ones(3, 2)).shape == (3, 2)


# ---- assignment ------------------------------------------------------------------------------------------------------


def test_setitem():
    x = minitorch.zeros(3, 3, dtype=minitorch.int64)
    x[0] = 1
    x[1:, 0] = minitorch.tensor([2, 3])
    x[..., 2] = np.array([7, 8, 9])
    x[minitorch.tensor([0, 2]), minitorch.tensor([1, 1])] = 5
    assert x.tolist() == [[1, 5, 7], [2, 0, 8], [3, 5, 9]]
    x[x > 6] = 0
    x[x == 0] = minitorch.tensor(-1)
    assert x.tolist() == [[1, 5, -1], [2, -1, -1], [3, 5, -1]]
    x[:] = 2.9
    assert x.sum().item() == 18
    with pytest.raises(RuntimeError, match=r"value of shape \[2\] cannot be broadcast to the indexed shape \[3\]"):
        x[0] = minitorch.tensor([1, 2])
    with pytest.raises(IndexError, match="out of bounds"):
        x[3] = 0


# ---- copies ----------------------------------------------------------------------------------------------------------


def test_deepcopy():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    y = copy.deepcopy(x)
    assert y.requires_grad
    assert not np.shares_memory(x.data, y.data)
    assert not np.shares_memory(x.grad.data, y.grad.data)
    assert_close(y.grad, x.grad)
    first, second = copy.deepcopy([x, x])
    assert first is second
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(x * 2)


def test_pickle():
    x = leaf(1.0, 2.0)
    y = pickle.loads(pickle.dumps(x))
    assert_close(y, x)
    assert y.requires_grad
    assert not np.shares_memory(x.data, y.data)
    with pytest.raises(RuntimeError, match="detach"):
        pickle.dumps(x * 2)


def test_devices():
    assert minitorch.ones(1, device="cpu").cpu().device == minitorch.device("cpu")
    with pytest.raises(RuntimeError, match="cuda"):
        minitorch.ones(1, device="cuda")
    with pytest.raises(RuntimeError, match="expected one of cpu, cuda, got 'tpu'"):
        minitorch.ones(1, device="tpu")
    assert minitorch.device("cuda:1") == minitorch.device("cuda", 1)
    assert hash(minitorch.device("cuda:1")) == hash(minitorch.device("cuda", 1))
    assert pickle.loads(pickle.dumps(minitorch.device("cuda:1"))) == minitorch.device("cuda:1")
    assert repr(minitorch.device("cpu")) == "device(type='cpu')"
    for wrong in ("cuda:", "cuda:x", "cuda:-1"):
        with pytest.raises(RuntimeError, match="expected a number after the colon"):
            minitorch.device(wrong)
    with pytest.raises(RuntimeError, match="index is given twice"):
        minitorch.device("cuda:1", 1)
