"""dtypes, and how they meet: PyTorch's rules, from a table of what PyTorch 2.13 answers."""

from __future__ import annotations

import operator
import pickle

import numpy as np
import pytest

import minitorch
from minitorch.dtypes import ALL

# One letter a dtype; "-" where PyTorch raises.
LETTERS = {"b": "bool", "u": "uint8", "i": "int32", "l": "int64", "h": "float16", "f": "float32", "d": "float64"}
OPERATIONS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "==": operator.eq,
    "<": operator.lt,
    "where": lambda a, b: minitorch.where(minitorch.tensor(True), a, b),
}

# For two tensors: a word for each dtype of the first (in the order of LETTERS), in it a letter for each dtype of the
# second. The four lines are for tensors with dimensions, without dimensions in the second, in the first, and in both.
TENSORS = {
    "+": (
        "builhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
        "builhfd uuuuhfd iiiihfd llllhfd hhhhhhh fffffff ddddddd",
        "builhfd uuilhfd iuilhfd luilhfd hhhhhfd ffffhfd ddddhfd",
        "builhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
    ),
    "-": (
        "------- -uilhfd -iilhfd -lllhfd -hhhhfd -fffffd -dddddd",
        "------- -uuuhfd -iiihfd -lllhfd -hhhhhh -ffffff -dddddd",
        "------- -uilhfd -uilhfd -uilhfd -hhhhfd -fffhfd -dddhfd",
        "------- -uilhfd -iilhfd -lllhfd -hhhhfd -fffffd -dddddd",
    ),
    "*": (
        "builhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
        "builhfd uuuuhfd iiiihfd llllhfd hhhhhhh fffffff ddddddd",
        "builhfd uuilhfd iuilhfd luilhfd hhhhhfd ffffhfd ddddhfd",
        "builhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
    ),
    "/": (
        "ffffhfd ffffhfd ffffhfd ffffhfd hhhhhfd ffffffd ddddddd",
        "ffffhfd ffffhfd ffffhfd ffffhfd hhhhhhh fffffff ddddddd",
        "ffffhfd ffffhfd ffffhfd ffffhfd hhhhhfd ffffhfd ddddhfd",
        "ffffhfd ffffhfd ffffhfd ffffhfd hhhhhfd ffffffd ddddddd",
    ),
    "//": (
        "-uilhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
        "-uilhfd uuuuhfd iiiihfd llllhfd hhhhhhh fffffff ddddddd",
        "-uilhfd uuilhfd iuilhfd luilhfd hhhhhfd ffffhfd ddddhfd",
        "-uilhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
    ),
    "%": (
        "-uilhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
        "-uilhfd uuuuhfd iiiihfd llllhfd hhhhhhh fffffff ddddddd",
        "-uilhfd uuilhfd iuilhfd luilhfd hhhhhfd ffffhfd ddddhfd",
        "-uilhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
    ),
    "**": (
        "-uilhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
        "-uilhfd uuuuhfd iiiihfd llllhfd hhhhhhh fffffff ddddddd",
        "-uilhfd uuilhfd iuilhfd luilhfd hhhhhfd ffffhfd ddddhfd",
        "-uilhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
    ),
    "==": (
        "bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        "bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        "bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        "bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
    ),
    "<": (
        "bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        "bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        "bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        "bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
    ),
    "where": (
        "builhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
        "builhfd uuuuhfd iiiihfd llllhfd hhhhhhh fffffff ddddddd",
        "builhfd uuilhfd iuilhfd luilhfd hhhhhfd ffffhfd ddddhfd",
        "builhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
    ),
}
# For a tensor and True, 2 or 2.5: a letter for each dtype of the tensor. The four words are for `tensor op number`
# with and without dimensions, and for `number op tensor` with and without.
NUMBERS = {
    "+": {
        True: "builhfd builhfd builhfd builhfd",
        2: "luilhfd luilhfd luilhfd luilhfd",
        2.5: "ffffhfd ffffhfd ffffhfd ffffhfd",
    },
    "-": {
        True: "------- ------- ------- -------",
        2: "-uilhfd -uilhfd -uilhfd -uilhfd",
        2.5: "-fffhfd -fffhfd -fffhfd -fffhfd",
    },
    "*": {
        True: "builhfd builhfd builhfd builhfd",
        2: "luilhfd luilhfd luilhfd luilhfd",
        2.5: "ffffhfd ffffhfd ffffhfd ffffhfd",
    },
    "/": {
        True: "ffffhfd ffffhfd ffffhfd ffffhfd",
        2: "ffffhfd ffffhfd ffffhfd ffffhfd",
        2.5: "ffffhfd ffffhfd ffffhfd ffffhfd",
    },
    "//": {
        True: "-uilhfd -uilhfd -uilhfd -uilhfd",
        2: "luilhfd luilhfd luilhfd luilhfd",
        2.5: "ffffhfd ffffhfd ffffhfd ffffhfd",
    },
    "%": {
        True: "-uilhfd -uilhfd -uilhfd -uilhfd",
        2: "luilhfd luilhfd luilhfd luilhfd",
        2.5: "ffffhfd ffffhfd ffffhfd ffffhfd",
    },
    "**": {
        True: "builhfd builhfd -uilhfd -uilhfd",
        2: "luilhfd luilhfd luilhfd luilhfd",
        2.5: "ffffhfd ffffhfd ffffhfd ffffhfd",
    },
    "==": {
        True: "bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        2: "bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        2.5: "bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
    },
    "<": {
        True: "bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        2: "bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
        2.5: "bbbbbbb bbbbbbb bbbbbbb bbbbbbb",
    },
    "where": {
        True: "builhfd builhfd builhfd builhfd",
        2: "luilhfd luilhfd luilhfd luilhfd",
        2.5: "ffffhfd ffffhfd ffffhfd ffffhfd",
    },
}


def ones(letter, ndim):
    return minitorch.ones((1,) * ndim, dtype=LETTERS[letter])


def answer(operation, a, b):
    """The letter of the result's dtype, or "-" where the operation raises."""
    try:
        result = OPERATIONS[operation](a, b)
    except RuntimeError:
        return "-"
    return next(letter for letter, name in LETTERS.items() if result.dtype is getattr(minitorch, name))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_two_tensors(operation):
    for (first_ndim, second_ndim), line in zip([(1, 1), (1, 0), (0, 1), (0, 0)], TENSORS[operation], strict=True):
        for first, word in zip(LETTERS, line.split(), strict=True):
            found = "".join(answer(operation, ones(first, first_ndim), ones(second, second_ndim)) for second in LETTERS)
            assert found == word, f"{LETTERS[first]} {operation} each dtype, {first_ndim}-d and {second_ndim}-d"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_tensor_and_a_number(operation):
    for number, line in NUMBERS[operation].items():
        for k, word in enumerate(line.split()):
            pairs = [(ones(letter, 1 - k % 2), number) for letter in LETTERS]
            found = "".join(answer(operation, *(pair if k < 2 else pair[::-1])) for pair in pairs)
            assert found == word, f"{number} {operation}, case {k}"


def test_the_table_is_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    functions = {**OPERATIONS, "where": lambda a, b: torch.where(torch.tensor(True), a, b)}

    def answers(function, first, second):
        try:
            result = function(first, second)
        except RuntimeError:
            return "-"
        return next(letter for letter, name in LETTERS.items() if result.dtype is getattr(torch, name))

    def tensor(letter, ndim):
        return torch.ones((1,) * ndim, dtype=getattr(torch, LETTERS[letter]))

    for name, lines in TENSORS.items():
        for (i, j), line in zip([(1, 1), (1, 0), (0, 1), (0, 0)], lines, strict=True):
            words = ("".join(answers(functions[name], tensor(a, i), tensor(b, j)) for b in LETTERS) for a in LETTERS)
            assert " ".join(words) == line


@pytest.mark.parametrize("exponent", [2, 2.0, 3, 3.0, True])
def test_powers_of_each_dtype(exponent):
    """The short way for squares gives the dtype that the long way gives."""
    for letter in LETTERS:
        x = minitorch.tensor([0, 1, 3]).to(getattr(minitorch, LETTERS[letter]))
        result = x**exponent
        wanted = [float(v) ** exponent for v in x.tolist()]
        assert result.tolist() == wanted
        if letter in "hfd":
            assert result.dtype is x.dtype
        elif isinstance(exponent, float):
            assert result.dtype is minitorch.float32
        elif letter == "b":
            assert result.dtype is (minitorch.bool if exponent is True else minitorch.int64)
        else:
            assert result.dtype is x.dtype


def test_a_number_does_not_widen_but_wraps_around():
    x = minitorch.tensor([250], dtype=minitorch.uint8)
    assert (x + 10).tolist() == [4]
    assert (x * -1).tolist() == [6]
    half = minitorch.tensor([1.0], dtype=minitorch.float16)
    assert (half * 1e6).tolist() == [float("inf")]
    assert (minitorch.tensor([1.0]) + 1e-12).dtype is minitorch.float32


def test_promote_and_result_type():
    for first, word in zip(LETTERS, TENSORS["+"][0].split(), strict=True):
        for second, letter in zip(LETTERS, word, strict=True):
            wanted = getattr(minitorch, LETTERS[letter])
            a, b = getattr(minitorch, LETTERS[first]), getattr(minitorch, LETTERS[second])
            assert minitorch.promote_types(a, b) is wanted
            assert minitorch.result_type(ones(first, 1), ones(second, 1)) is wanted
    assert minitorch.result_type(ones("l", 1), 1.5) is minitorch.float32
    assert minitorch.result_type(1, 2.5) is minitorch.float32


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
