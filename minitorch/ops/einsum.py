"""Sums of products written with letters: ``einsum("ij,jk->ik", a, b)`` is the matrix product.

Every dimension has a label. Two operands at a time become one: labels that both have and nothing else needs are summed
over in a matrix product, for every value of the labels that both have and the result keeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import index
from typing import Any, NamedTuple

from ..tensor import Tensor, normalize_dim
from .diagonal import diagonal
from .dispatch import same_device
from .matmul import matmul, same_dtype
from .permute import permute
from .reduce import sum
from .shape import reshape, squeeze

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ELLIPSIS = "..."


class Labelled(NamedTuple):
    """A tensor and a label for each of its dimensions, none twice."""

    tensor: Tensor
    labels: tuple[str, ...]

    def size(self, label: str) -> int:
        return int(self.tensor.data.shape[self.labels.index(label)])

    def without(self, labels: set[str], remove: Callable[[Tensor, list[int]], Tensor]) -> Labelled:
        """``remove``, which is ``sum`` or ``squeeze``, applied to the dimensions with these labels."""
        dims = [d for d, label in enumerate(self.labels) if label in labels]
        kept = tuple([label for label in self.labels if label not in labels])
        return Labelled(remove(self.tensor, dims), kept) if dims else self

    def arranged(self, *groups: Sequence[str]) -> Tensor:
        """The tensor with a dimension for each group of labels, the labels of a group made one."""
        order = [self.labels.index(label) for group in groups for label in group]
        shape = [math.prod([self.size(label) for label in group]) for group in groups]
        return reshape(permute(self.tensor, order), shape)


# ---- contraction -----------------------------------------------------------------------------------------------------


def _multiplied(a: Labelled, b: Labelled, needed: set[str]) -> Labelled:
    """One operand instead of two: labels that aren't ``needed`` afterwards are summed over."""
    shared = set(a.labels) & set(b.labels)
    # A dimension of size 1 stands for any size: without it, the other operand's is the only one.
    single_a = {label for label in shared if a.size(label) == 1 != b.size(label)}
    single_b = {label for label in shared if b.size(label) == 1 != a.size(label)}
    shared -= single_a | single_b
    a, b = a.without(single_a, squeeze), b.without(single_b, squeeze)
    # What only one of them has is summed before they meet.
    a = a.without(set(a.labels) - shared - needed, sum)
    b = b.without(set(b.labels) - shared - needed, sum)

    batch = [label for label in a.labels if label in shared and label in needed]
    inner = [label for label in a.labels if label in shared and label not in needed]
    rows = [label for label in a.labels if label not in shared]
    columns = [label for label in b.labels if label not in shared]
    sizes = [*map(a.size, batch + rows), *map(b.size, columns)]
    if inner:
        same_dtype("einsum", a.tensor, b.tensor)
        product = matmul(a.arranged(batch, rows, inner), b.arranged(batch, inner, columns))
    else:
        product = a.arranged(batch, rows, ()) * b.arranged(batch, (), columns)
    return Labelled(reshape(product, sizes), (*batch, *rows, *columns))


def _contracted(operands: Sequence[Labelled], output: Sequence[str]) -> Tensor:
    """The product of all operands, from the left, summed over every label that ``output`` lacks."""
    result = operands[0]
    for i, operand in enumerate(operands[1:], 2):
        needed = set(output).union(*[later.labels for later in operands[i:]])
        result = _multiplied(result, operand, needed)
    result = result.without(set(result.labels) - set(output), sum)
    return permute(result.tensor, [result.labels.index(label) for label in output])


# ---- the equation ----------------------------------------------------------------------------------------------------


def _parsed(equation: str) -> tuple[list[list[str]], list[str] | None]:
    """The labels of each operand and those of the result, None where there is no ``->``.

    >>> _parsed("i...j, j -> ...i")
    ([['i', '...', 'j'], ['j']], ['...', 'i'])
    """
    terms: list[list[str]] = [[]]
    inputs = None
    position = 0
    while position < len(equation):
        character, length = equation[position], 1
        if character in LETTERS:
            terms[-1].append(character)
        elif character == ",":
            if inputs is not None:
                raise RuntimeError(f"einsum(): the output has a comma at index {position} of {equation!r}")
            terms.append([])
        elif equation[position : position + 2] == "->" and inputs is None:
            inputs, terms, length = terms, [[]], 2
        elif character == ".":
            where = f"operand {len(terms) - 1}" if inputs is None else "the output"
            if equation[position : position + 3] != ELLIPSIS:
                raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis (...)")
            terms[-1].append(ELLIPSIS)
            length = 3
        elif character != " ":
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {position} in the equation string, subscripts must be in "
                f"[a-zA-Z]; got {character!r} in {equation!r}"
            )
        position += length
    return (terms, None) if inputs is None else (inputs, terms[0])


def _of_sublist(sublist: Sequence[Any]) -> list[str]:
    """``[0, ..., 2]`` as letters: 0 … 25 are A … Z, 26 … 51 are a … z."""
    numbers = [ELLIPSIS if item is Ellipsis else index(item) for item in sublist]
    for n in numbers:
        if not isinstance(n, str) and not 0 <= n < len(LETTERS):
            raise ValueError(f"einsum(): subscript {n} in subscript list is not within the valid range [0, 52)")
    return [n if isinstance(n, str) else LETTERS[n] for n in numbers]


def _spelled_out(labels: list[str], covered: int, where: str) -> list[str]:
    """``labels`` with the ellipsis replaced by the labels of the ``covered`` dimensions, numbered from the right."""
    if labels.count(ELLIPSIS) > 1:
        raise RuntimeError(f"einsum(): found '.' for {where} for which an ellipsis was already found")
    if ELLIPSIS not in labels:
        return labels
    at = labels.index(ELLIPSIS)
    return [*labels[:at], *[f"{ELLIPSIS}{i}" for i in reversed(range(covered))], *labels[at + 1 :]]


def _labelled(tensor: Tensor, labels: list[str], number: int) -> Labelled:
    """Operand ``number`` with its labels; of those that it has twice, the diagonal."""
    ndim, letters = tensor.data.ndim, [label for label in labels if label != ELLIPSIS]
    if len(letters) > ndim or (len(letters) < ndim and ELLIPSIS not in labels):
        given = "more than" if ELLIPSIS in labels else "not"
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(letters)}) is {given} the number of dimensions "
            f"({ndim}) for operand {number}{'' if ELLIPSIS in labels else ' and no ellipsis was given'}"
        )
    labels = _spelled_out(labels, ndim - len(letters), f"operand {number}")
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            sizes = tensor.data.shape[first], tensor.data.shape[second]
            if sizes[0] != sizes[1]:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {number} but the sizes don't match, "
                    f"{sizes[1]} != {sizes[0]}"
                )
            tensor = diagonal(tensor, 0, first, second)  # its dimension is the last
            labels = [other for d, other in enumerate(labels) if d not in (first, second)] + [label]
    return Labelled(tensor, tuple(labels))


def _check_sizes(operands: Sequence[Labelled]) -> None:
    """Raises RuntimeError where two dimensions of one label have different sizes and neither is 1."""
    seen: dict[str, int] = {}
    for number, operand in enumerate(operands):
        for label, size in zip(operand.labels, operand.tensor.data.shape, strict=True):
            if size != 1 and seen.setdefault(label, size) != size:
                what = f"subscript {label}" if label in LETTERS else "a dimension covered by ellipsis"
                raise RuntimeError(
                    f"einsum(): {what} has size {size} for operand {number} which does not broadcast with previously "
                    f"seen size {seen[label]}"
                )


def _result_labels(given: list[str] | None, terms: list[list[str]], operands: Sequence[Labelled]) -> list[str]:
    """The labels of the result: those after ``->``, or the ellipsis and all letters that occur once, in their order."""
    seen = {label for operand in operands for label in operand.labels}
    covered = len([label for label in seen if label.startswith(ELLIPSIS)])
    if given is None:
        letters = [label for term in terms for label in term if label != ELLIPSIS]
        given = [ELLIPSIS, *sorted(label for label in letters if letters.count(label) == 1)]
    output = _spelled_out(given, covered, "the output")
    for label in output:
        if output.count(label) > 1:
            raise RuntimeError(f"einsum(): output subscript {label} appears more than once in the output")
        if label not in seen:
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input operand"
            )
    return output


def _read(args: tuple[Any, ...]) -> tuple[Sequence[Any], list[list[str]], list[str] | None]:
    """The operands, the labels of each, and those given for the result, from either form of the arguments."""
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if isinstance(args[0], Tensor):
        end = len(args) // 2 * 2
        given = _of_sublist(args[-1]) if len(args) > end else None
        return args[:end:2], [_of_sublist(sublist) for sublist in args[1:end:2]], given
    equation, *tensors = args
    if not isinstance(equation, str):
        raise TypeError(f"einsum(): argument 'equation' (position 1) must be str, not {type(equation).__name__}")
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = list(tensors[0])
    return tensors, *_parsed(equation)


def einsum(*args: Any) -> Tensor:
    """``einsum(equation, *operands)``: sums of products of elements, in the notation of Einstein.

    The equation gives each dimension of each operand a letter, and after ``->`` those of the result. Elements are
    multiplied where equal letters have equal indices, and summed over the letters that the result lacks:
    ``"ij,jk->ik"`` is ``out[i, k] = Σ_j a[i, j]·b[j, k]``. Further:

    - A letter that one operand has twice takes its diagonal: ``"ii->i"``, and ``"ii->"`` is the trace.
    - ``...`` stands for all dimensions without a letter; they broadcast: ``"...ij->...ji"``.
    - Without ``->``, the result has the dimensions of ``...`` and the letters that occur once, in alphabetic order
      (capitals first).
    - Dimensions of size 1 broadcast.

    Operands are multiplied two at a time from the left, which with more than two may not be the cheapest order.
    Instead of an equation, lists may follow the operands: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``, where ``...`` is
    ``Ellipsis``.

    >>> import minitorch
    >>> a, b = minitorch.arange(6).reshape(2, 3), minitorch.arange(3)
    >>> minitorch.einsum("ij,j->i", a, b), minitorch.einsum("ij->j", a)
    (tensor([ 5, 14]), tensor([3, 5, 7]))

    Raises:
        RuntimeError: the equation can't be read, it has another number of operands or of dimensions, or sizes, dtypes
            or devices don't fit.
        TypeError: an operand isn't a tensor, or the equation isn't a string.
        ValueError: there are no operands.
    """
    tensors, terms, given = _read(args)
    for number, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"einsum(): expected Tensor as operand {number}, but got {type(tensor).__name__}")
    if len(tensors) != len(terms):
        which = "fewer" if len(tensors) < len(terms) else "more"
        raise RuntimeError(
            f"einsum(): {which} operands were provided ({len(tensors)}) than specified in the equation ({len(terms)})"
        )
    same_device("einsum", *tensors)
    operands = [_labelled(*both, number) for number, both in enumerate(zip(tensors, terms, strict=True))]
    _check_sizes(operands)
    return _contracted(operands, _result_labels(given, terms, operands))


# ---- tensordot -------------------------------------------------------------------------------------------------------


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """The product of two tensors, summed over pairs of their dimensions: the others follow, those of ``a`` first.

    Args:
        a: the left operand.
        b: the right operand.
        dims: a number n: the last n dimensions of ``a`` and the first n of ``b``; or two lists, the dimensions of
            ``a`` and the ones of ``b`` that go with them.

    >>> import minitorch
    >>> a, b = minitorch.ones(2, 3, 4), minitorch.ones(4, 3, 5)
    >>> minitorch.tensordot(a, b, dims=([1, 2], [1, 0])).shape
    minitorch.Size([2, 5])

    Raises:
        RuntimeError: ``dims`` has lists of different lengths, names a dimension twice or more of them than there are,
            or sizes or dtypes don't fit.
        IndexError: a dimension is out of range.
    """
    same_dtype("tensordot", a, b)
    left, right = _pairs(a, b, dims)
    sizes = [(a.data.shape[i], b.data.shape[j]) for i, j in zip(left, right, strict=True)]
    for i, j, (m, n) in zip(left, right, sizes, strict=True):
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"tensordot: contracted dimensions need to match, but first has size {m} in dim {i} and second has "
                f"size {n} in dim {j}"
            )
        # A dimension of size 1 stands for any size. Integers keep their dtype, as in a product: sum would widen them.
        if m == 1 != n:
            b = sum(b, j, keepdim=True, dtype=b.dtype)
        elif n == 1 != m:
            a = sum(a, i, keepdim=True, dtype=a.dtype)
    labels_a = [f"a{i}" for i in range(a.data.ndim)]
    labels_b = [labels_a[left[right.index(j)]] if j in right else f"b{j}" for j in range(b.data.ndim)]
    output = [label for label in (*labels_a, *labels_b) if (label in labels_a) != (label in labels_b)]
    return _contracted([Labelled(a, tuple(labels_a)), Labelled(b, tuple(labels_b))], output)


def _pairs(a: Tensor, b: Tensor, dims: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The dimensions of both operands that are summed over together, counted from the front."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.data.ndim, b.data.ndim):
            raise RuntimeError(
                f"tensordot: dims must lie between 0 and the number of dimensions of both tensors ({a.data.ndim} and "
                f"{b.data.ndim}), got dims={dims}"
            )
        return tuple(range(a.data.ndim - dims, a.data.ndim)), tuple(range(dims))
    if not isinstance(dims, (tuple, list)) or len(dims) != 2:
        raise RuntimeError(f"tensordot: dims must be an int or two lists of ints, got dims={dims!r}")
    left, right = ([normalize_dim(index(d), t.data.ndim) for d in named] for t, named in zip((a, b), dims, strict=True))
    if len(left) != len(right):
        raise RuntimeError(f"tensordot: both dimension lists should have same length, got {left} and {right}")
    for named in (left, right):
        if len(set(named)) != len(named):
            raise RuntimeError(f"tensordot: one dimension appears multiple times in the list of dims {named}")
    return tuple(left), tuple(right)
