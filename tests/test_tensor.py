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
    m = np.array([[0.0, 2.0], [3.0, 5.0]], x.numpy().dtype)
    assert (m @ minitorch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=x.dtype)).tolist() == [[6.0, 8.0], [18.0, 26.0]]
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
