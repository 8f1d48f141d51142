"""The dtypes, conversions between them, and the default dtype. How they meet is in test_type_promotion.py."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import minitorch
from minitorch.dtypes import ALL


def test_the_default_dtype_is_what_integers_become():
    n = minitorch.tensor([1, 2])
    minitorch.set_default_dtype(minitorch.float64)
    try:
        assert minitorch.get_default_dtype() is minitorch.float64
        made = (n / 2, n * 1.5, n.exp(), minitorch.tensor(1.5), minitorch.zeros(1), minitorch.rand(1))
        assert [x.dtype for x in made] == [minitorch.float64] * len(made)
        assert (n.float() * 1.5).dtype is minitorch.float32
    finally:
        minitorch.set_default_dtype(minitorch.float32)
    with pytest.raises(TypeError, match=r"only floating-point dtypes can be the default, got minitorch\.int64"):
        minitorch.set_default_dtype(minitorch.int64)


# ---- the objects -----------------------------------------------------------------------------------------------------


def test_each_dtype_is_one_object():
    for d in ALL:
        assert getattr(minitorch, d.name) is d
        assert repr(d) == f"minitorch.{d.name}"
        assert pickle.loads(pickle.dumps(d)) is d
        assert d.itemsize == np.dtype(d.name).itemsize
        assert minitorch.zeros(1, dtype=d).dtype is d
        assert minitorch.zeros(1, dtype=d.name).dtype is d
        assert minitorch.zeros(1, dtype=d.numpy).dtype is d
    assert minitorch.float is minitorch.float32
    assert minitorch.double is minitorch.float64
    assert minitorch.half is minitorch.float16
    assert minitorch.long is minitorch.int64
    assert minitorch.int is minitorch.int32
    assert [d.is_floating_point for d in ALL] == [False] * 4 + [True] * 3


def test_python_types_name_dtypes_as_in_pytorch():
    assert [minitorch.zeros(1, dtype=t).dtype for t in (bool, int, float)] == [
        minitorch.bool,
        minitorch.int64,
        minitorch.float64,
    ]


@pytest.mark.parametrize("wrong", ["complex64", np.complex128, "S3", object(), 3, np.int16])
def test_other_dtypes_are_refused(wrong):
    with pytest.raises(TypeError, match=r"is not supported; Minitorch has bool, uint8, int32, int64, float16"):
        minitorch.zeros(1, dtype=wrong)


# ---- conversions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["float", "double", "half", "long", "int", "byte", "bool"])
def test_conversions(name):
    wanted = {"byte": "uint8"}.get(name, name)
    for d in ALL:
        x = minitorch.tensor([0, 1, 2]).to(d)
        y = getattr(x, name)()
        assert y.dtype is getattr(minitorch, wanted)
        assert y.tolist() == ([False, True, True] if name == "bool" else [0, 1, 1 if d is minitorch.bool else 2])
        assert (y is x) == (d is y.dtype)


def test_gradients_flow_through_conversions():
    x = minitorch.ones(2, requires_grad=True)
    y = x.double()
    assert y.requires_grad
    (y * 3).sum().backward()
    assert x.grad.dtype is minitorch.float32
    assert x.grad.tolist() == [3.0, 3.0]
    assert not x.long().requires_grad
    z = minitorch.ones(2, dtype=minitorch.float64, requires_grad=True)
    (z.half().float() * x.detach()).sum().backward()
    assert z.grad.dtype is minitorch.float64


def test_to_takes_dtypes_devices_and_tensors():
    x = minitorch.ones(2)
    assert x.to(minitorch.float64).dtype is minitorch.float64
    assert x.to("cpu") is x
    assert x.to("cpu", minitorch.int64).dtype is minitorch.int64
    assert x.to(dtype=minitorch.int32, device="cpu").dtype is minitorch.int32
    assert x.to(minitorch.ones(1, dtype=minitorch.float16)).dtype is minitorch.float16
    assert x.type_as(minitorch.tensor([1])).dtype is minitorch.int64
    copy = x.to(minitorch.float32, copy=True)
    assert copy is not x
    assert not np.shares_memory(copy.data, x.data)
    with pytest.raises(RuntimeError, match="cuda"):
        x.to("cuda")
