"""``einsum`` in its other forms, and what the table's rows of products can't reach."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch
from minitorch.autograd import grad
from minitorch.testing import assert_close

RNG = np.random.default_rng(0)
A, B, C = (minitorch.tensor(RNG.standard_normal(shape)) for shape in ((2, 3), (3, 4), (4, 4)))


@pytest.mark.parametrize(
    ("found", "equation", "operands"),
    [
        (lambda: minitorch.einsum(A, [0, 1], B, [1, 2], [0, 2]), "ij,jk->ik", (A, B)),
        (lambda: minitorch.einsum(A, [0, 1], B, [1, 2]), "ij,jk", (A, B)),
        (lambda: minitorch.einsum(A, [0, ...], [..., 0]), "i...->...i", (A,)),
        (lambda: minitorch.einsum(A, [51, 0]), "zA", (A,)),
        (lambda: minitorch.einsum("ij,jk->ik", [A, B]), "ij,jk->ik", (A, B)),
        (lambda: minitorch.einsum(" i j , j k -> i k ", A, B), "ij,jk->ik", (A, B)),
        (lambda: minitorch.einsum("bA", A), "bA", (A,)),
        (lambda: minitorch.einsum("ij,jk,kk,k->i", A, B, C, C[0]), "ij,jk,kk,k->i", (A, B, C, C[0])),
        (lambda: minitorch.einsum("ij->...", A), "ij->", (A,)),
    ],
)
def test_einsum_against_numpy(found, equation, operands):
    assert_close(found(), np.asarray(np.einsum(equation, *[t.data for t in operands])), rtol=1e-12, atol=1e-12)


def test_a_letter_three_times():
    x = minitorch.arange(27).reshape(3, 3, 3)
    assert minitorch.einsum("iii", x).item() == 0 + 13 + 26
    assert minitorch.einsum("iii->i", x).tolist() == [0, 13, 26]
    y = minitorch.arange(54).reshape(3, 3, 2, 3)
    assert minitorch.einsum("iiji->ji", y).tolist() == [[0, 25, 50], [3, 28, 53]]


def test_einsum_of_numbers():
    assert minitorch.einsum("", minitorch.tensor(2.0)).item() == 2
    assert minitorch.einsum(",i->i", minitorch.tensor(2.0), minitorch.ones(2)).tolist() == [2, 2]


def test_einsum_promotes_only_where_it_multiplies():
    x, y = minitorch.ones(2, 2), minitorch.ones(2, 2, dtype=minitorch.float64)
    assert minitorch.einsum("ij,ij->ij", x, y).dtype is minitorch.float64
    with pytest.raises(RuntimeError, match="einsum: expected operands of the same dtype"):
        minitorch.einsum("ij,ij", x, y)
    assert minitorch.einsum("ij->i", x.bool()).dtype is minitorch.int64
    assert minitorch.einsum("ij,ij->ij", x.bool(), x.bool()).dtype is minitorch.bool


def test_tensordot_takes_a_tensor_of_dimensions():
    assert_close(minitorch.tensordot(A, A, minitorch.tensor([[1], [1]])), A.data @ A.data.T)
    assert_close(minitorch.tensordot(A, B, minitorch.tensor(1)), A.data @ B.data)
    assert minitorch.tensordot(A, B, 0).shape == (2, 3, 3, 4)


@pytest.mark.parametrize("name", ["addmm", "baddbmm"])
def test_nothing_of_the_summand_is_read_with_a_beta_of_zero(name):
    a, b = (A, B) if name == "addmm" else (A[None], B[None])
    summand = minitorch.tensor([[math.nan]], dtype=minitorch.float64, requires_grad=True)
    out = getattr(summand, name)(a, b, beta=0, alpha=2)
    assert_close(out, 2 * (a.data @ b.data))
    assert grad(out.sum(), summand)[0].tolist() == [[0]]


def test_integers_are_scaled_by_integers():
    x = minitorch.tensor([[1, 2], [3, 4]])
    assert x.addmm(x, x, beta=1.9, alpha=1.9).tolist() == [[8, 12], [18, 26]]


def test_linear_with_one_bias():
    x = minitorch.ones(3, 2)
    bias = minitorch.tensor(5.0, requires_grad=True)
    out = minitorch.nn.functional.linear(x, minitorch.ones(4, 2), bias)
    assert out.tolist() == [[7] * 4] * 3
    assert grad(out.sum(), bias)[0].item() == 12


def test_linear_with_one_output():
    x = minitorch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert minitorch.nn.functional.linear(x, minitorch.tensor([1.0, 10.0])).tolist() == [21, 43]
    assert minitorch.nn.functional.linear(x[0], x[1]).item() == 11


def test_half_precision_is_multiplied_in_single():
    x = minitorch.ones(1, 5000, dtype=minitorch.float16)
    assert (x @ x.T).item() == 5000
    assert minitorch.nn.functional.linear(x, x, x[0, :1]).item() == 5000  # 5001 lies between two float16
    assert minitorch.addmm(x[:, :1] * 3, x, x.T).item() == 5004
    assert minitorch.einsum("ij,ij", x, x).dtype is minitorch.float16


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_tensordot_keeps_integers_where_a_size_of_one_stands_for_another(dtype):
    a = minitorch.arange(24).reshape(2, 3, 4).to(getattr(minitorch, dtype))
    for shape, rows in (((1, 4), a.numpy().sum((1, 2))), ((1, 1), a.numpy().sum((1, 2)))):
        for found in (
            minitorch.tensordot(a, minitorch.ones(shape, dtype=a.dtype), ([1, 2], [0, 1])),
            minitorch.tensordot(minitorch.ones(shape, dtype=a.dtype), a, ([0, 1], [1, 2])),
        ):
            assert found.dtype is a.dtype
            assert found.tolist() == rows.tolist()
