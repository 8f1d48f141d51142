"""How tensors are made: from data, and by factories."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch

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
        ([np.float64(1.0), 2.0], "float64", (2,)),
        ([np.ones(2), np.ones(2)], "float64", (2, 2)),
        ([minitorch.tensor(1.0, dtype=minitorch.float64), 2], "float64", (2,)),
        ([minitorch.tensor(1), minitorch.tensor(2)], "int64", (2,)),
        ([minitorch.tensor(1.0), 2], "float32", (2,)),
        ([2, minitorch.tensor(1.0, dtype=minitorch.float16)], "float16", (2,)),
        ([[minitorch.tensor(1, dtype=minitorch.int32), 2.5]], "float32", (1, 2)),
        ([[2.5], [minitorch.tensor(1.0, dtype=minitorch.float64)]], "float64", (2, 1)),
        ([np.float32(1.0), 2.0], "float32", (2,)),
        ([2.0, np.float64(1.0)], "float64", (2,)),
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
    assert np.shares_memory(minitorch.as_tensor(array, device="cpu").data, array)
    assert minitorch.as_tensor(minitorch.ones(1, requires_grad=True), dtype=minitorch.float64).requires_grad


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
        (["a", 1], TypeError, "not supported"),
        (None, RuntimeError, "could not infer the dtype of NoneType"),
        ([1, None], RuntimeError, "could not infer the dtype of NoneType"),
        ({1: 2}, RuntimeError, "could not infer the dtype of dict"),
        (2**63, ValueError, "too large for int64"),
        ([2**70], ValueError, "too large for int64"),
        (1j, TypeError, "complex128.* is not supported"),
        (np.zeros(2, np.complex64), TypeError, "complex64.* is not supported"),
    ],
)
def test_data_that_makes_no_tensor(data, error, message):
    with pytest.raises(error, match=message):
        minitorch.tensor(data)


@pytest.mark.parametrize(
    ("data", "dtype", "values"),
    [
        ([1.9, -1.9], "int64", [1, -1]),
        ([-1, 255], "uint8", [255, 255]),
        ([0, 0.5], "bool", [False, True]),
        ([1e300, 1.0], "float16", [float("inf"), 1.0]),
        (2**70, "float32", float(2**70)),
        (2**24 + 1, "float64", 2.0**24 + 1),
        (np.array([300, -1]), "uint8", [44, 255]),  # an array is cast as .to(dtype) does it
    ],
)
def test_tensor_of_data_in_a_dtype(data, dtype, values):
    x = minitorch.tensor(data, dtype=dtype)
    assert x.dtype is getattr(minitorch, dtype)
    assert x.tolist() == values


@pytest.mark.parametrize(
    ("data", "dtype"),
    [([300], "uint8"), ([-256], "uint8"), ([2**31], "int32"), ([float("nan")], "int64"), ([1e30], "int64")],
)
def test_numbers_that_do_not_fit(data, dtype):
    with pytest.raises(RuntimeError, match=r"cannot be converted to \w+ without overflow"):
        minitorch.tensor(data, dtype=dtype)


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
    for factory in (minitorch.zeros, minitorch.ones, minitorch.empty, minitorch.rand, minitorch.randn):
        assert factory(size=(2, 0)).shape == factory(np.int64(2), minitorch.tensor(0)).shape == (2, 0)
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
        ((minitorch.tensor(3),), [0, 1, 2], "int64"),
    ],
)
def test_arange(arguments, expected, dtype):
    x = minitorch.arange(*arguments)
    assert x.tolist() == expected
    assert x.dtype is getattr(minitorch, dtype)


@pytest.mark.parametrize(
    ("arguments", "dtype", "expected"),
    [
        ((0, 3, 1.5), "int64", [0, 1, 2]),
        ((0, 3, 1.5), "int32", [0, 1]),  # PyTorch counts the elements before it drops fractions, but not for int64
        ((0, -8.000001, -4.0), "int64", [0, -4]),
        ((0, -8.000001, -4.0), "int32", [0, -4, -8]),
        ((1.5, 4.6), "int32", [1, 2, 3, 4]),
        ((3,), "float16", [0.0, 1.0, 2.0]),
    ],
)
def test_arange_in_a_dtype(arguments, dtype, expected):
    assert minitorch.arange(*arguments, dtype=dtype).tolist() == expected
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    assert torch.arange(*arguments, dtype=getattr(torch, dtype)).tolist() == expected


def test_arange_by_name():
    assert minitorch.arange(end=3).tolist() == [0, 1, 2]
    assert minitorch.arange(start=1, end=3).tolist() == [1, 2]
    assert minitorch.arange(3.0, requires_grad=True).requires_grad


def test_arange_is_exact_far_from_zero():
    assert minitorch.arange(2**24, 2**24 + 3).tolist() == [2**24, 2**24 + 1, 2**24 + 2]
    assert minitorch.arange(0, 1, 0.1, dtype=minitorch.float64).tolist() == [i * 0.1 for i in range(10)]


def test_linspace():
    assert minitorch.linspace(0, 1, 5).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert minitorch.linspace(3, 1, 3).tolist() == [3.0, 2.0, 1.0]
    assert minitorch.linspace(3, 9, 1).tolist() == [3.0]
    assert minitorch.linspace(0, 1, 0).shape == (0,)
    assert minitorch.linspace(minitorch.tensor(0.0), minitorch.tensor(1.0), 3).tolist() == [0.0, 0.5, 1.0]
    assert minitorch.linspace(-0.9, 5.7, 4, dtype=minitorch.int64).tolist() == [0, 1, 3, 5]
    assert minitorch.linspace(-10, 0, 4, dtype=minitorch.int64).tolist() == [-10, -6, -3, 0]
    x = minitorch.linspace(0.1, 0.7, 100, dtype=minitorch.float64)
    assert x.tolist() == minitorch.linspace(0.7, 0.1, 100, dtype=minitorch.float64).tolist()[::-1]
    assert (x[0].item(), x[-1].item()) == (0.1, 0.7)


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


def test_full_takes_the_number_of_a_tensor():
    assert minitorch.full((2,), minitorch.tensor(2.5, dtype=minitorch.float64)).dtype is minitorch.float32
    assert minitorch.full((1,), 1.7, dtype=minitorch.int64).tolist() == [1]
    assert minitorch.full((1,), -1, dtype=minitorch.uint8).tolist() == [255]
    assert minitorch.full((1,), 2.5, dtype=minitorch.bool).tolist() == [True]
    assert minitorch.tensor([1]).new_full((2,), minitorch.tensor(2.5)).tolist() == [2, 2]


def test_new_forms_take_dtype_device_and_requires_grad():
    x = minitorch.tensor([1, 2])
    options = {"dtype": minitorch.float64, "device": "cpu", "requires_grad": True}
    for made in (
        x.new_zeros(2, **options),
        x.new_ones(size=(2,), **options),
        x.new_empty((2,), **options),
        x.new_full((2,), 3, **options),
        x.new_tensor([1.5, 2], **options),
        minitorch.zeros_like(x, **options),
        minitorch.ones_like(x, **options),
        minitorch.empty_like(x, **options),
        minitorch.full_like(x, 3, **options),
        minitorch.rand_like(x, **options),
        minitorch.randn_like(x, **options),
        minitorch.randint_like(x, 3, **options),
    ):
        assert made.dtype is minitorch.float64
        assert made.shape == (2,)
        assert made.requires_grad
    assert x.new_tensor([1.5]).tolist() == [1]
    assert x.new_ones(()).dtype is minitorch.int64


MISTAKES = [
    (lambda lib: lib.zeros(-1), RuntimeError, "[Dd]imension"),
    (lambda lib: lib.zeros(2, -1), RuntimeError, r"negative dimension|negative dimension: \[2, -1\]"),
    (lambda lib: lib.zeros(2.0), TypeError, "int"),
    (lambda lib: lib.zeros((2.0,)), TypeError, "int"),
    (lambda lib: lib.zeros(True), TypeError, "int"),
    (lambda lib: lib.zeros("a"), TypeError, "int"),
    (lambda lib: lib.ones(2, (3,)), TypeError, "int"),
    (lambda lib: lib.zeros(), TypeError, "size"),
    (lambda lib: lib.zeros(1, dtype=lib.int64, requires_grad=True), RuntimeError, "floating point"),
    (lambda lib: lib.tensor([1], requires_grad=True), RuntimeError, "floating point"),
    (lambda lib: lib.zeros_like([1.0]), TypeError, "Tensor"),
    (lambda lib: lib.randint_like([1.0], 3), TypeError, "Tensor"),
    (lambda lib: lib.full(3, 1), TypeError, "tuple of ints"),
    (lambda lib: lib.full((2,), lib.ones(1)), TypeError, "[Nn]umber"),
    (lambda lib: lib.full((2,), [1]), TypeError, "[Nn]umber"),
    (lambda lib: lib.full((2,), 300, dtype=lib.uint8), RuntimeError, "without overflow"),
    (lambda lib: lib.full((2,), float("nan"), dtype=lib.int64), RuntimeError, "without overflow"),
    (lambda lib: lib.full((2,), 1e300, dtype=lib.float32), RuntimeError, "without overflow"),
    (lambda lib: lib.arange(0, 5, 0), RuntimeError, "step must be nonzero"),
    (lambda lib: lib.arange(0, 5, -1), RuntimeError, "upper bound and lower bound inconsistent with step sign"),
    (lambda lib: lib.arange(0, -3, 2), RuntimeError, "upper bound and lower bound inconsistent with step sign"),
    (lambda lib: lib.arange(0, float("inf"), 2), RuntimeError, "unsupported range"),
    (lambda lib: lib.arange(float("-inf"), 1, 2), RuntimeError, "unsupported range"),
    (lambda lib: lib.arange(float("nan")), RuntimeError, "unsupported range"),
    (lambda lib: lib.arange(0, 64, 0.5, dtype=lib.int64), ValueError, "step must be nonzero"),
    (lambda lib: lib.arange(2, dtype=lib.bool), NotImplementedError, "arange"),
    (lambda lib: lib.arange("a"), TypeError, "[Nn]umber"),
    (lambda lib: lib.arange(lib.tensor([3])), TypeError, "[Nn]umber"),
    (lambda lib: lib.linspace(0, 3, -1), RuntimeError, "number of steps must be non-negative"),
    (lambda lib: lib.linspace(0, 3, 1.0), TypeError, "float"),
    (lambda lib: lib.linspace(0, 1), TypeError, "steps|combination"),
    (lambda lib: lib.linspace("a", 1, 2), TypeError, "str"),
    (lambda lib: lib.linspace(lib.tensor([1, 1]), lib.tensor([3, 3]), 1), RuntimeError, "0-dimensional start and end"),
    (lambda lib: lib.linspace(0, 1, 3, dtype=lib.bool), NotImplementedError, "linspace"),
    (lambda lib: lib.eye(-1), RuntimeError, "n must be greater or equal to 0, got -1"),
    (lambda lib: lib.eye(-7, 42), RuntimeError, "n must be greater or equal to 0, got -7"),
    (lambda lib: lib.eye(0, -3), RuntimeError, "m must be greater or equal to 0, got -3"),
    (lambda lib: lib.eye(2.0), TypeError, "int"),
    (lambda lib: lib.rand(2, dtype=lib.int64), NotImplementedError, "rand: expected a floating-point dtype|uniform"),
    (lambda lib: lib.randn(2, dtype=lib.int64), NotImplementedError, "randn: expected a floating-point dtype|normal"),
    (lambda lib: lib.rand_like(lib.tensor([1])), NotImplementedError, "rand_like: expected a floating|uniform"),
    (lambda lib: lib.randint(5, 5, (2,)), RuntimeError, "'from' to be less than 'to', but got from=5 >= to=5"),
    (lambda lib: lib.randint(-5, (2,)), RuntimeError, "'from' to be less than 'to', but got from=0 >= to=-5"),
    (lambda lib: lib.randint(2.5, (2,)), TypeError, "int"),
    (lambda lib: lib.randint(5, 2), TypeError, "tuple of ints"),
    (lambda lib: lib.randint(0, 5, 2), TypeError, "int"),
    (lambda lib: lib.randint(5), TypeError, "size|combination"),
    (lambda lib: lib.randint(300, (2,), dtype=lib.uint8), RuntimeError, "out of bounds"),
    (lambda lib: lib.randint(-1, 2, (2,), dtype=lib.uint8), RuntimeError, "out of bounds"),
    (lambda lib: lib.randint(5, (2,), dtype=lib.bool), RuntimeError, "out of bounds"),
    (lambda lib: lib.randint(5, (2,), requires_grad=True), RuntimeError, "floating point"),
    (lambda lib: lib.randint_like(lib.ones(2), 0), RuntimeError, "'from' to be less than 'to'"),
    (lambda lib: lib.randperm(-1), RuntimeError, "negative"),
    (lambda lib: lib.randperm(3.0), TypeError, "int"),
    (lambda lib: lib.randperm(257, dtype=lib.uint8), RuntimeError, "too many|without overflow"),
    (lambda lib: lib.randperm(3000, dtype=lib.float16), RuntimeError, "too many|n cannot be greater than 2049"),
    (lambda lib: lib.randperm(3, dtype=lib.bool), NotImplementedError, "randperm"),
    (lambda lib: lib.bernoulli(lib.tensor([0.5, 2.0])), RuntimeError, "between 0 and 1|p_in <= 1"),
    (lambda lib: lib.bernoulli(lib.tensor([float("nan")])), RuntimeError, "between 0 and 1|p_in <= 1"),
    (lambda lib: lib.bernoulli(lib.tensor([1, 0])), NotImplementedError, "bernoulli"),
    (lambda lib: lib.bernoulli(lib.ones(2), 1.5), RuntimeError, "p to be .*got (p=)?1.5"),
    (lambda lib: lib.bernoulli(lib.ones(2), float("nan")), RuntimeError, "p to be .*got (p=)?nan"),
    (lambda lib: lib.bernoulli(0.5), TypeError, "input.* Tensor"),
    (lambda lib: lib.bernoulli(lib.ones(2), lib.ones(2)), TypeError, "number|combination"),
    (lambda lib: lib.normal(0.0, -1.0, (2,)), RuntimeError, "std >= 0.0, but found std -1"),
    (lambda lib: lib.normal(lib.ones(2), -1.0), RuntimeError, "std >= 0.0, but found std -1"),
    (lambda lib: lib.normal(lib.ones(2), float("nan")), RuntimeError, "std >= 0.0, but found std nan"),
    (lambda lib: lib.normal(lib.ones(2), lib.tensor([-1.0])), RuntimeError, "all elements of std >= 0.0"),
    (lambda lib: lib.normal(lib.tensor([1, 2]), 1.0), NotImplementedError, "normal"),
    (lambda lib: lib.normal(0.0, lib.tensor([1, 2])), NotImplementedError, "normal"),
    (lambda lib: lib.normal(0.0, 1.0, (2,), dtype=lib.int64), NotImplementedError, "normal|randn"),
    (lambda lib: lib.normal(lib.ones(2), lib.ones(3)), RuntimeError, "broadcast|must match"),
    (lambda lib: lib.normal(0.0, 1.0), TypeError, "size|combination"),
    (lambda lib: lib.normal("a", 1.0, (1,)), TypeError, "str"),
    (lambda lib: lib.normal(lib.ones(2), 1.0, (2,)), TypeError, "size|combination"),
    (lambda lib: lib.Generator("abc"), RuntimeError, "abc"),
    (lambda lib: lib.Generator().manual_seed(2**64), ValueError, "18446744073709551616|Overflow"),
    (lambda lib: lib.manual_seed("a"), ValueError, "invalid literal"),
    (lambda lib: lib.Generator().set_state([1]), TypeError, "expected"),
]


@pytest.mark.parametrize(("call", "error", "message"), MISTAKES)
def test_a_mistake_raises(call, error, message):
    with pytest.raises(error, match=message):
        call(minitorch)


@pytest.mark.parametrize(("call", "error", "message"), MISTAKES)
def test_a_mistake_raises_the_same_in_pytorch(call, error, message):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    with pytest.raises(error):
        call(torch)
