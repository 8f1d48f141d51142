"""How tensors are made: from data, and by factories."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch


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
