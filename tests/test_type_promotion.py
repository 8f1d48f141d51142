"""How dtypes meet under each operator: PyTorch 2.13's answers, from rules that are compared with it where it is."""

from __future__ import annotations

import itertools
import operator

import pytest

import minitorch

# One letter a dtype; "-" where PyTorch raises.
LETTERS = {"b": "bool", "u": "uint8", "i": "int32", "l": "int64", "h": "float16", "f": "float32", "d": "float64"}

# The common dtype of two tensors: a word for each dtype of the first (in the order of LETTERS), in it a letter for each
# dtype of the second; by the number of dimensions of the first and of the second.
COMMON = {
    (1, 1): "builhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
    (1, 0): "builhfd uuuuhfd iiiihfd llllhfd hhhhhhh fffffff ddddddd",
    (0, 1): "builhfd uuilhfd iuilhfd luilhfd hhhhhfd ffffhfd ddddhfd",
    (0, 0): "builhfd uuilhfd iiilhfd llllhfd hhhhhfd ffffffd ddddddd",
}
# The common dtype of a tensor of each dtype, with dimensions or without, and a Python number.
COMMON_WITH = {True: "builhfd", 2: "luilhfd", 2.5: "ffffhfd"}


def common(letter, a, b):
    return letter


def quotient(letter, a, b):
    """Integers are divided as floats."""
    return "f" if letter in "buil" else letter


def difference(letter, a, b):
    """Bools can't be subtracted, nor can anything be subtracted from them."""
    return "-" if "b" in (a, b) else letter


def of_numbers(letter, a, b):
    """Not for bools alone."""
    return "-" if letter == "b" else letter


def truth(letter, a, b):
    return "b"


def choose(first):
    """``where`` with the operands in this or the other order."""

    def call(lib, a, b):
        return lib.where(lib.tensor([True]), *((a, b) if first else (b, a)))

    return call


def plain(function):
    return lambda lib, a, b: function(a, b)


# Each operation with the rule for its result: a function of the common dtype and of those of the operands.
OPERATIONS = {
    "+": (plain(operator.add), common),
    "-": (plain(operator.sub), difference),
    "*": (plain(operator.mul), common),
    "/": (plain(operator.truediv), quotient),
    "//": (plain(operator.floordiv), of_numbers),
    "%": (plain(operator.mod), of_numbers),
    "**": (plain(operator.pow), of_numbers),
    "==": (plain(operator.eq), truth),
    "!=": (plain(operator.ne), truth),
    "<": (plain(operator.lt), truth),
    "<=": (plain(operator.le), truth),
    ">": (plain(operator.gt), truth),
    ">=": (plain(operator.ge), truth),
    "where": (choose(True), common),
    "where, the other way round": (choose(False), common),
}


def cases(name):
    """Every pair of operands and the letter of the result; an operand is a number, or a letter and dimensions."""
    rule = OPERATIONS[name][1]
    for (i, j), words in COMMON.items():
        for a, word in zip(LETTERS, words.split(), strict=True):
            for b, letter in zip(LETTERS, word, strict=True):
                yield (a, i), (b, j), rule(letter, a, b)
    for (number, word), ndim in itertools.product(COMMON_WITH.items(), (0, 1)):
        kind = {bool: "b", int: "l", float: "f"}[type(number)]
        for a, letter in zip(LETTERS, word, strict=True):
            flag_to_a_flag = (name, a, number) == ("**", "b", True)  # the one power of bools
            yield (a, ndim), number, "b" if flag_to_a_flag else rule(letter, a, kind)
            yield number, (a, ndim), rule(letter, kind, a)


def answer(lib, name, first, second):
    """The letter of the result's dtype, or "-" where the operation raises."""

    def operand(value):
        if not isinstance(value, tuple):
            return value
        return lib.ones((1,) * value[1], dtype=getattr(lib, LETTERS[value[0]]))

    try:
        result = OPERATIONS[name][0](lib, operand(first), operand(second))
    except RuntimeError:
        return "-"
    return next(letter for letter, dtype in LETTERS.items() if result.dtype is getattr(lib, dtype))


def wrong(lib, name):
    """The pairs for which ``lib`` gives another dtype than the rules say."""
    found = [(first, second, wanted, answer(lib, name, first, second)) for first, second, wanted in cases(name)]
    assert len(found) == 4 * 49 + 3 * 2 * 2 * 7
    return [case for case in found if case[2] != case[3]]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_pair_of_operands(name):
    assert wrong(minitorch, name) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_rules_are_pytorchs(name):
    assert wrong(pytest.importorskip("torch", reason="PyTorch is not installed"), name) == []


@pytest.mark.parametrize(("a", "b"), list(itertools.product((True, 2, 2.5), repeat=2)))
def test_where_of_two_numbers(a, b):
    wanted = {bool: minitorch.bool, int: minitorch.int64, float: minitorch.float32}[
        max(type(a), type(b), key=[bool, int, float].index)
    ]
    assert minitorch.where(minitorch.tensor([True]), a, b).dtype is wanted


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
    for first, word in zip(LETTERS, COMMON[1, 1].split(), strict=True):
        for second, letter in zip(LETTERS, word, strict=True):
            wanted = getattr(minitorch, LETTERS[letter])
            a, b = getattr(minitorch, LETTERS[first]), getattr(minitorch, LETTERS[second])
            assert minitorch.promote_types(a, b) is wanted
            assert minitorch.result_type(minitorch.ones(1, dtype=a), minitorch.ones(1, dtype=b)) is wanted
    assert minitorch.result_type(minitorch.tensor([1]), 1.5) is minitorch.float32
    assert minitorch.result_type(1, 2.5) is minitorch.float32
