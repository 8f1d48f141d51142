"""Rows of the products of matrices and vectors, against ``numpy.einsum``, which sums over the indices by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from .row import INTEGERS_AND_BOOL, Array, Case, Mistake, Op, Source, named


def _matmul(s: Source) -> Case:
    batch_a, batch_b = s.broadcastable(2, max_dims=2)
    M, K, N = (s.integer(0, 4) if s.integer(0, 5) == 5 else s.integer(1, 4) for _ in range(3))
    a = s.one_of((K,), (*batch_a, M, K), (M, K))
    b = s.one_of((K,), (*batch_b, K, N), (K, N))
    return Case((s.array(a), s.array(b)))


def _product(a: Array, b: Array) -> Array:
    left = "k" if a.ndim == 1 else "...mk"
    right = "k" if b.ndim == 1 else "...kn"
    out = "..." * (a.ndim > 1 or b.ndim > 1) + "m" * (a.ndim > 1) + "n" * (b.ndim > 1)
    return np.einsum(f"{left},{right}->{out}", a, b)


def _shaped(first: str, second: str) -> Any:
    """Cases of two arrays whose shapes are named by letters: equal letters are equal sizes."""

    def case(s: Source) -> Case:
        sizes = {letter: s.integer(1, 4) for letter in first + second}
        if s.integer(0, 5) == 5:
            sizes[s.one_of(*sizes)] = 0
        return Case((s.array(tuple(sizes[c] for c in first)), s.array(tuple(sizes[c] for c in second))))

    return case


def _linear(s: Source) -> Case:
    batch = s.shape(max_dims=2)
    features, out = s.integer(1, 4), s.integer(1, 4)
    tensors = (s.array((*batch, features)), s.array((out, features)), s.array((out,)))
    return Case(tensors if s.flag() else tensors[:2])


def _linear_reference(input: Array, weight: Array, bias: Any = 0) -> Array:
    return np.einsum("...i,oi->...o", input, weight) + bias


def _call_linear(lib: Any, *tensors: Any) -> Any:
    return (lib.nn.functional if hasattr(lib, "nn") else lib.ops.matmul).linear(*tensors)


# ---- sums with products ----------------------------------------------------------------------------------------------


def _added(first: str, second: str) -> Any:
    """Cases of ``addmm`` and ``baddbmm``: a summand that broadcasts to the product of two others."""

    def case(s: Source) -> Case:
        a, b = _shaped(first, second)(s).tensors
        shape = (*a.shape[:-1], b.shape[-1])
        kept = shape[s.integer(0, len(shape)) :]
        summand = s.array(tuple(1 if s.integer(0, 3) == 3 else n for n in kept))
        beta, alpha = (
            s.one_of((1, 1), (2, 3), (0, 1), (1, 0)) if s.dtype.kind != "f" else s.one_of((1, 1), (0.5, -2), (0, 1))
        )
        return Case((summand, a, b), {"beta": beta, "alpha": alpha})

    return case


def _sum_with_product(summand: Array, a: Array, b: Array, beta: float, alpha: float) -> Array:
    return np.asarray(beta * summand + alpha * _product(a, b), a.dtype)


def _wrong(name: str, a: tuple[int, ...], b: tuple[int, ...], message: str) -> Mistake:
    return Mistake(lambda lib: getattr(lib, name)(lib.ones(*a), lib.ones(*b)), RuntimeError, message)


def _wrong_sum(name: str, *shapes_and_message: Any) -> Mistake:
    *shapes, message = shapes_and_message
    return Mistake(lambda lib: getattr(lib, name)(*[lib.ones(*shape) for shape in shapes]), RuntimeError, message)


INTEGERS = (np.int64, np.int32)

ROWS = [
    Op(
        "matmul",
        named("matmul"),
        _product,
        _matmul,
        integers=INTEGERS,
        mistakes=(
            _wrong(
                "matmul",
                (2, 3),
                (2, 3),
                r"shapes cannot be multiplied \(\(2, 3\) and \(2, 3\): the inner sizes are 3 and",
            ),
            _wrong("matmul", (2, 2, 3), (3, 3, 2), r"matmul: shapes \(2,\) and \(3,\) do not broadcast"),
            Mistake(lambda lib: lib.matmul(lib.ones(()), lib.ones(2)), RuntimeError, "need to be at least 1D"),
            Mistake(lambda lib: lib.ones(2, 2) @ lib.ones(2, 2, dtype=lib.float64), RuntimeError, "same dtype"),
            Mistake(lambda lib: lib.matmul(lib.ones(2), 3), TypeError, r"matmul\(\): expected Tensors, got int"),
        ),
    ),
    Op(
        "mm",
        named("mm"),
        _product,
        _shaped("mk", "kn"),
        integers=INTEGERS,
        mistakes=(_wrong("mm", (2, 3), (3,), "mm: expected 2-D and 2-D tensors"),),
    ),
    Op(
        "bmm",
        named("bmm"),
        _product,
        _shaped("bmk", "bkn"),
        integers=INTEGERS,
        mistakes=(
            _wrong("bmm", (2, 2, 3), (1, 3, 2), "bmm: batches must be of equal size"),
            _wrong("bmm", (2, 3), (3, 2), "bmm: expected 3-D and 3-D tensors"),
        ),
    ),
    Op(
        "mv",
        named("mv"),
        _product,
        _shaped("mk", "k"),
        integers=INTEGERS,
        mistakes=(_wrong("mv", (2, 3), (2,), "shapes cannot be multiplied"),),
    ),
    Op(
        "dot",
        named("dot"),
        _product,
        _shaped("k", "k"),
        integers=INTEGERS,
        mistakes=(
            _wrong("dot", (2,), (3,), "the inner sizes are 2 and 3"),
            _wrong("dot", (2, 2), (2, 2), "dot: expected 1-D and 1-D tensors"),
        ),
    ),
    Op(
        "linear",
        _call_linear,
        _linear_reference,
        _linear,
        mistakes=(
            Mistake(
                lambda lib: _call_linear(lib, lib.ones(2, 3), lib.ones(4, 2)),
                RuntimeError,
                r"linear: input of shape \(2, 3\) and weight of shape \(4, 2\) don't fit",
            ),
            Mistake(
                lambda lib: _call_linear(lib, lib.ones(2, 3), lib.ones(4, 3), lib.ones(3)),
                RuntimeError,
                r"linear: bias has shape \(3,\), expected \(4,\)",
            ),
        ),
    ),
    Op(
        "addmm",
        named("addmm"),
        _sum_with_product,
        _added("mk", "kn"),
        integers=INTEGERS,
        mistakes=(
            _wrong_sum("addmm", (2,), (2, 3), (2, 3), r"the inner sizes are 3 and 2"),
            _wrong_sum("addmm", (3,), (2, 3), (3, 2), r"\(3,\) does not broadcast to the product's \(2, 2\)"),
            _wrong_sum("addmm", (1, 2, 2), (2, 3), (3, 2), r"\(1, 2, 2\) does not broadcast to the product's"),
            _wrong_sum("addmm", (2,), (2, 3), (3,), r"addmm: expected 2-D and 2-D tensors"),
            Mistake(
                lambda lib: lib.ones(2, dtype=lib.float64).addmm(lib.ones(2, 2), lib.ones(2, 2)),
                RuntimeError,
                "addmm: expected operands of the same dtype",
            ),
            Mistake(lambda lib: lib.addmm(2, lib.ones(2, 2), lib.ones(2, 2)), TypeError, "Tensors, got int"),
        ),
    ),
    Op(
        "baddbmm",
        named("baddbmm"),
        _sum_with_product,
        _added("bmk", "bkn"),
        integers=INTEGERS,
        mistakes=(
            _wrong_sum("baddbmm", (2,), (4, 2, 3), (4, 2, 3), "the inner sizes are 3 and 2"),
            _wrong_sum("baddbmm", (2,), (4, 2, 3), (3, 3, 2), "batches must be of equal size"),
            _wrong_sum("baddbmm", (4, 2, 4), (4, 2, 3), (4, 3, 5), r"does not broadcast to .* \(4, 2, 5\)"),
        ),
    ),
    Op(
        "outer",
        named("outer"),
        lambda a, b: np.array([[x * y for y in b.tolist()] for x in a.tolist()], a.dtype).reshape(len(a), len(b)),
        _shaped("m", "n"),
        integers=INTEGERS_AND_BOOL,
        mistakes=(
            _wrong("outer", (2, 3), (3,), "Expected 1-D argument input, but got 2-D"),
            _wrong("outer", (3,), (1, 1), "Expected 1-D argument vec2, but got 2-D"),
        ),
    ),
    Op(
        "trace",
        named("trace"),
        lambda x: np.array(sum(x[i, i].item() for i in range(min(x.shape))), x.dtype if x.dtype.kind == "f" else None),
        lambda s: Case((s.array(s.shape(min_dims=2, max_dims=2)),)),
        linear=True,
        integers=INTEGERS,
        special=True,
        mistakes=(
            Mistake(lambda lib: lib.trace(lib.ones(2, 2, 2)), RuntimeError, "expected a matrix, .* 3 dimensions"),
            Mistake(lambda lib: lib.trace(lib.ones(2, 2).bool()), RuntimeError, "trace: not implemented for .*bool"),
        ),
    ),
]
