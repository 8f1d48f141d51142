"""Rows of ``einsum`` and ``tensordot``. The reference adds one product after the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .row import Array, Case, Mistake, Op, Source, named


def _einsum(s: Source) -> Case:
    """One to three operands with letters of their own and in common, some twice, some of size 1, some behind dots."""
    sizes = {letter: s.integer(1, 3) for letter in "ijkM"} | {"...0": s.integer(1, 2), "...1": s.integer(1, 2)}
    if s.integer(0, 5) == 5:
        sizes[s.one_of("i", "j", "...0")] = 0
    terms, arrays = [], []
    for _ in range(s.integer(1, 3)):
        letters = [s.one_of(*"ijkM") for _ in range(s.integer(0, 3))]
        single = {letter for letter in letters if s.integer(0, 4) == 4}
        covered = s.one_of([], [], [], ["...0"], ["...1", "...0"])
        labels = [*letters[:1], *covered, *letters[1:]]
        arrays.append(s.array(tuple(1 if label in single else sizes[label] for label in labels)))
        terms.append("".join([*letters[:1], *(["..."] if covered or s.flag() else []), *letters[1:]]))
    equation = s.one_of(",", ", ").join(terms)
    if s.flag():
        output = [letter for letter in dict.fromkeys(equation) if letter.isalpha() and s.flag()]
        at = s.integer(0, len(output))
        equation += "->" + "".join([*output[:at], *s.one_of([], ["..."]), *output[at:]])
    return Case(tuple(arrays), {"equation": equation})


def _named(term: str, ndim: int) -> list[str]:
    """The names of dimensions that a term gives, a number from the right for each that the dots stand for."""
    before, dots, after = term.partition("...")
    covered = ndim - len(before) - len(after)
    return [*before, *[str(i) for i in reversed(range(covered)) if dots], *after]


def _einsum_reference(*arrays: Array, equation: str) -> Array:
    """For every value of every index, one product added to one element of the result."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = [_named(term, array.ndim) for term, array in zip(inputs.split(","), arrays, strict=True)]
    sizes: dict[str, int] = {}
    for term, array in zip(terms, arrays, strict=True):
        for name, size in zip(term, array.shape, strict=True):
            sizes[name] = size if sizes.get(name, 1) == 1 else sizes[name]
    dots = sorted((name for name in sizes if name.isdigit()), reverse=True)
    if arrow:
        before, found, after = output.partition("...")
        result = [*before, *(dots if found else []), *after]
    else:
        result = [*dots, *sorted(name for name in sizes if name.isalpha() and inputs.count(name) == 1)]
    out = np.zeros([sizes[name] for name in result], arrays[0].dtype)
    for values in np.ndindex(*sizes.values()):
        at = dict(zip(sizes, values, strict=True))
        factors = [
            array[tuple(at[name] if size > 1 else 0 for name, size in zip(term, array.shape, strict=True))].item()
            for term, array in zip(terms, arrays, strict=True)
        ]
        out[tuple(at[name] for name in result)] += math.prod(factors)
    return out


def _tensordot(s: Source) -> Case:
    """Two tensors that share the sizes of some dimensions, paired by number or by name; one of them may be 1."""
    common = s.shape(max_dims=2)
    only_a, only_b = s.shape(max_dims=2), s.shape(max_dims=2)
    n = len(common)
    if s.flag():
        return Case((s.array((*only_a, *common)), s.array((*common, *only_b))), {"dims": n})
    dims_a = s.dims(len(only_a) + n, at_least=n)[:n]
    dims_b = s.dims(len(only_b) + n, at_least=n)[:n]
    shapes = []
    for only, dims in ((only_a, dims_a), (only_b, dims_b)):
        ndim = len(only) + n
        sizes = {d % ndim: size if s.integer(0, 5) else 1 for d, size in zip(dims, common, strict=True)}
        rest = iter(only)
        shapes.append(tuple(sizes[d] if d in sizes else next(rest) for d in range(ndim)))
    return Case((s.array(shapes[0]), s.array(shapes[1])), {"dims": (list(dims_a), list(dims_b))})


def _tensordot_reference(a: Array, b: Array, dims: Any) -> Array:
    if isinstance(dims, int):
        dims = (list(range(a.ndim - dims, a.ndim)), list(range(dims)))
    letters_a, letters_b = list("abcdefg"[: a.ndim]), list("opqrstu"[: b.ndim])
    for i, j in zip(*dims, strict=True):
        letters_b[j] = letters_a[i]
    free = [x for x in letters_a if x not in letters_b] + [x for x in letters_b if x not in letters_a]
    return _einsum_reference(a, b, equation=f"{''.join(letters_a)},{''.join(letters_b)}->{''.join(free)}")


# An equation, the shapes of the operands, and what is wrong with them.
WRONG = (
    ("ij,jk->ik", [(2, 3)], r"fewer operands were provided \(1\) than specified in the equation \(2\)"),
    ("ij->ij", [(2, 3), (2, 3)], r"more operands were provided \(2\)"),
    ("ij", [(2,)], r"number of subscripts in the equation \(2\) is not the number of dimensions \(1\)"),
    ("ij", [(2, 3, 4)], r"\(3\) for operand 0 and no ellipsis was given"),
    ("i...j", [(2,)], r"\(2\) is more than the number of dimensions \(1\) for operand 0"),
    ("ii", [(2, 3)], "subscript i is repeated for operand 0 but the sizes don't match, 3 != 2"),
    ("ij,kj", [(2, 3), (3, 4)], "subscript j has size 4 for operand 1 .* previously seen size 3"),
    ("...a,b...", [(2, 3), (3, 4)], "covered by ellipsis has size 4 for operand 1 .* seen size 2"),
    ("ij->ik", [(2, 3)], "output subscript k does not appear in the equation for any input"),
    ("ij->ii", [(2, 3)], "output subscript i appears more than once in the output"),
    ("i.j", [(2, 3, 4)], "found '.' for operand 0 that is not part of any ellipsis"),
    ("ij->i..", [(2, 3)], "found '.' for the output that is not part of any ellipsis"),
    ("...i...", [(2, 3, 4)], "operand 0 for which an ellipsis was already found"),
    ("i1", [(2, 3)], r"index 1 in the equation string, subscripts must be in \[a-zA-Z\]; got '1'"),
    ("ij->i->j", [(2, 3)], "index 5 in the equation string, .* got '-'"),
    ("ij->i,j", [(2, 3)], "the output has a comma at index 5"),
)


def _mistake(equation: str, shapes: list[tuple[int, ...]], message: str) -> Mistake:
    return Mistake(lambda lib: lib.einsum(equation, *[lib.ones(*s) for s in shapes]), RuntimeError, message)


ROWS = [
    Op(
        "einsum",
        lambda lib, *tensors, equation: lib.einsum(equation, *tensors),
        _einsum_reference,
        _einsum,
        integers=(np.int64,),
        mistakes=(
            *[_mistake(*wrong) for wrong in WRONG],
            Mistake(
                lambda lib: lib.einsum("ij,jk", lib.ones(2, 2), lib.ones(2, 2, dtype=lib.float64)),
                RuntimeError,
                "einsum: expected operands of the same dtype",
            ),
            Mistake(lambda lib: lib.einsum("ij"), ValueError, "must specify the equation string and at least one"),
            Mistake(lambda lib: lib.einsum("ij", [1]), TypeError, "expected Tensor as operand 0, but got int"),
            Mistake(lambda lib: lib.einsum(3, lib.ones(2)), TypeError, "must be str, not int"),
            Mistake(lambda lib: lib.einsum(lib.ones(2), [52]), ValueError, "subscript 52 .* range"),
        ),
    ),
    Op(
        "tensordot",
        named("tensordot"),
        _tensordot_reference,
        _tensordot,
        integers=(np.int64,),
        mistakes=(
            Mistake(lambda lib: lib.tensordot(lib.ones(2, 3), lib.ones(2, 3), 1), RuntimeError, "size 3 in dim 1 and"),
            Mistake(lambda lib: lib.tensordot(lib.ones(2), lib.ones(2), 2), RuntimeError, r"\(1 and 1\), got dims=2"),
            Mistake(lambda lib: lib.tensordot(lib.ones(2), lib.ones(2), -1), RuntimeError, "got dims=-1"),
            Mistake(lambda lib: lib.tensordot(lib.ones(2), lib.ones(2), "a"), RuntimeError, "got dims='a'"),
            Mistake(lambda lib: lib.tensordot(lib.ones(2), lib.ones(2), (0, 0)), TypeError, "not iterable"),
            Mistake(
                lambda lib: lib.tensordot(lib.ones(2, 2), lib.ones(2, 2), ([0, 1], [0])), RuntimeError, "same length"
            ),
            Mistake(
                lambda lib: lib.tensordot(lib.ones(2, 2), lib.ones(2, 2), ([0, 0], [0, 1])),
                RuntimeError,
                r"multiple times in the list of dims \[0, 0\]",
            ),
            Mistake(lambda lib: lib.tensordot(lib.ones(2), lib.ones(2), ([1], [0])), IndexError, "but got dim=1"),
            Mistake(
                lambda lib: lib.tensordot(lib.ones(2), lib.ones(2, dtype=lib.float64), 1),
                RuntimeError,
                "tensordot: expected operands of the same dtype",
            ),
        ),
    ),
]
