"""Comparisons, tests of elements, and logical and bitwise operators. None has a gradient.

Operands are tensors or numbers (else TypeError) that are broadcast (else RuntimeError) and promoted to one dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..devices import on_its_device
from ..tensor import Tensor, tensor_method, wrap
from .dispatch import check_kind, check_tensors, ieee, pair, same_device, ufunc


def _apply(name: str, input: Any, other: Any, xp_name: str) -> Tensor:
    return ufunc(xp_name, *pair(name, input, other))


@tensor_method("eq")
def eq(input: Any, other: Any) -> Tensor:
    """``input == other``, elementwise and broadcast. NaN equals nothing, not even itself.

    >>> import minitorch
    >>> minitorch.tensor([1., 2., 3.]) == minitorch.tensor([1, 0, 3])
    tensor([ True, False,  True])
    """
    return _apply("eq", input, other, "equal")


@tensor_method("ne", "not_equal")
def ne(input: Any, other: Any) -> Tensor:
    """``input != other``, elementwise and broadcast. NaN differs from itself, which is how to find it.

    >>> import minitorch
    >>> x = minitorch.tensor([1., float("nan")])
    >>> minitorch.ne(x, x)
    tensor([False,  True])
    """
    return _apply("ne", input, other, "not_equal")


@tensor_method("__eq__")
def is_equal(input: Tensor, other: Any) -> Any:
    """``input == other``; False where ``other`` is no tensor, array or number, as Python answers for unlike things."""
    try:
        return eq(input, other)
    except TypeError:
        return NotImplemented


@tensor_method("__ne__")
def is_unequal(input: Tensor, other: Any) -> Any:
    """``input != other``; True where ``other`` is no tensor, array or number."""
    try:
        return ne(input, other)
    except TypeError:
        return NotImplemented


@tensor_method("lt", "less", "__lt__")
def lt(input: Any, other: Any) -> Tensor:
    """``input < other``, elementwise and broadcast.

    >>> import minitorch
    >>> minitorch.tensor([1, 2, 3]) < 2
    tensor([ True, False, False])
    """
    return _apply("lt", input, other, "less")


@tensor_method("le", "less_equal", "__le__")
def le(input: Any, other: Any) -> Tensor:
    """``input <= other``, elementwise and broadcast.

    >>> import minitorch
    >>> minitorch.tensor([1, 2, 3]) <= 2
    tensor([ True,  True, False])
    """
    return _apply("le", input, other, "less_equal")


@tensor_method("gt", "greater", "__gt__")
def gt(input: Any, other: Any) -> Tensor:
    """``input > other``, elementwise and broadcast.

    >>> import minitorch
    >>> minitorch.tensor([[1], [2]]) > minitorch.tensor([0, 1])
    tensor([[ True, False],
            [ True,  True]])
    """
    return _apply("gt", input, other, "greater")


@tensor_method("ge", "greater_equal", "__ge__")
def ge(input: Any, other: Any) -> Tensor:
    """``input >= other``, elementwise and broadcast.

    >>> import minitorch
    >>> minitorch.tensor([1, 2, 3]) >= 2.5
    tensor([False, False,  True])
    """
    return _apply("ge", input, other, "greater_equal")


def _logical(name: str, input: Tensor, other: Tensor) -> Tensor:
    check_tensors(name, input=input, other=other)
    return _apply(name, input, other, name)


@tensor_method("logical_and")
def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Whether both elements are nonzero (NaN is), broadcast, as bool whatever the dtypes.

    >>> import minitorch
    >>> minitorch.logical_and(minitorch.tensor([0, 1, 2]), minitorch.tensor([True, True, False]))
    tensor([False,  True, False])

    Raises:
        TypeError: an operand is no tensor.
    """
    return _logical("logical_and", input, other)


@tensor_method("logical_or")
def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Whether one of the elements is nonzero, or both are (NaN is), broadcast, as bool whatever the dtypes.

    >>> import minitorch
    >>> minitorch.logical_or(minitorch.tensor([0, 1, 2]), minitorch.tensor([False, True, False]))
    tensor([False,  True,  True])

    Raises:
        TypeError: an operand is no tensor.
    """
    return _logical("logical_or", input, other)


@tensor_method("logical_xor")
def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Whether exactly one of the elements is nonzero (NaN is), broadcast, as bool whatever the dtypes.

    >>> import minitorch
    >>> minitorch.logical_xor(minitorch.tensor([0, 1, 2]), minitorch.tensor([False, True, False]))
    tensor([False, False,  True])

    Raises:
        TypeError: an operand is no tensor.
    """
    return _logical("logical_xor", input, other)


@tensor_method("logical_not")
def logical_not(input: Tensor) -> Tensor:
    """Whether each element is zero, as bool. NaN isn't zero.

    >>> import minitorch
    >>> minitorch.logical_not(minitorch.tensor([0., 0.5, 2.]))
    tensor([ True, False, False])
    """
    return ufunc("logical_not", input)


def _bitwise(name: str, input: Any, other: Any) -> Tensor:
    a, b = pair(name, input, other)
    check_kind(name, a, "bi")
    return ufunc(name, a, b)


@tensor_method("bitwise_and", "__and__", "__rand__")
def bitwise_and(input: Any, other: Any) -> Tensor:
    """``input & other`` of integers or bools: the bits that both have.

    >>> import minitorch
    >>> minitorch.tensor([0b1100]) & 0b1010  # 0b1000
    tensor([8])

    Raises:
        NotImplementedError: the operands are floating-point numbers.
    """
    return _bitwise("bitwise_and", input, other)


@tensor_method("bitwise_or", "__or__", "__ror__")
def bitwise_or(input: Any, other: Any) -> Tensor:
    """``input | other`` of integers or bools: the bits that one of them has.

    >>> import minitorch
    >>> minitorch.tensor([0b1100]) | 0b1010  # 0b1110
    tensor([14])

    Raises:
        NotImplementedError: the operands are floating-point numbers.
    """
    return _bitwise("bitwise_or", input, other)


@tensor_method("bitwise_xor", "__xor__", "__rxor__")
def bitwise_xor(input: Any, other: Any) -> Tensor:
    """``input ^ other`` of integers or bools: the bits in which they differ.

    >>> import minitorch
    >>> minitorch.tensor([0b1100]) ^ 0b1010  # 0b0110
    tensor([6])

    Raises:
        NotImplementedError: the operands are floating-point numbers.
    """
    return _bitwise("bitwise_xor", input, other)


@tensor_method("bitwise_not")
def bitwise_not(input: Tensor) -> Tensor:
    """``~input`` of integers or bools. Integers are in two's complement: ``~x = -x - 1``.

    >>> import minitorch
    >>> minitorch.bitwise_not(minitorch.tensor([0, 5])), ~minitorch.tensor([True, False])
    (tensor([-1, -6]), tensor([False,  True]))

    Raises:
        NotImplementedError: the elements are floating-point numbers.
    """
    check_kind("bitwise_not", input, "bi")
    return ufunc("invert", input)


@tensor_method("__invert__")
def invert(input: Tensor) -> Tensor:
    """``~input`` of integers or bools."""
    if input.data.dtype.kind == "f":
        raise TypeError(f"~ (operator.invert) is only implemented on integer and bool tensors, got {input.dtype}")
    return bitwise_not(input)


@on_its_device
def _shift(name: str, input: Any, other: Any) -> Tensor:
    a, b = pair(name, input, other)
    check_kind(name, a, "i")
    xp, bits = a.backend.xp, 8 * a.data.itemsize
    # C leaves open what a negative distance does, or one as large as the number of bits. All bits are shifted out.
    inside = (b.data >= 0) & (b.data < bits)
    outside = -(a.data < 0).astype(a.data.dtype) if name == "right_shift" else 0
    return wrap(xp.where(inside, getattr(xp, name)(a.data, b.data * inside), outside), a.backend)


@tensor_method("bitwise_left_shift", "__lshift__")
def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """``input << other`` of integers: ``input · 2ᵒᵗʰᵉʳ``, without the bits that don't fit.

    >>> import minitorch
    >>> minitorch.tensor([1, 3, -1]) << minitorch.tensor([4, 1, 64])
    tensor([16,  6,  0])
    """
    return _shift("left_shift", input, other)


@tensor_method("bitwise_right_shift", "__rshift__")
def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """``input >> other`` of integers: ``⌊input / 2ᵒᵗʰᵉʳ⌋``.

    >>> import minitorch
    >>> minitorch.tensor([16, -7, -1]) >> minitorch.tensor([4, 1, 64])
    tensor([ 1, -4, -1])
    """
    return _shift("right_shift", input, other)


@tensor_method("__rlshift__")
def rlshift(input: Any, other: Any) -> Tensor:
    """``other << input``."""
    return bitwise_left_shift(other, input)


@tensor_method("__rrshift__")
def rrshift(input: Any, other: Any) -> Tensor:
    """``other >> input``."""
    return bitwise_right_shift(other, input)


@tensor_method("isnan")
def isnan(input: Tensor) -> Tensor:
    """Whether each element is NaN; integers never are.

    >>> import minitorch
    >>> x = minitorch.tensor([0., 1., float("inf")])
    >>> minitorch.isnan(x - x)
    tensor([False, False,  True])
    """
    return ufunc("isnan", input)


@tensor_method("isinf")
def isinf(input: Tensor) -> Tensor:
    """Whether each element is +inf or -inf; integers never are.

    >>> import minitorch
    >>> minitorch.isinf(1 / minitorch.tensor([0., 2.]))
    tensor([ True, False])
    """
    return ufunc("isinf", input)


@tensor_method("isfinite")
def isfinite(input: Tensor) -> Tensor:
    """Whether each element is neither infinite nor NaN; integers always are.

    >>> import minitorch
    >>> minitorch.isfinite(minitorch.tensor([1., float("inf"), float("nan")]))
    tensor([ True, False, False])
    """
    return ufunc("isfinite", input)


@tensor_method("isclose")
@on_its_device
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """``|input - other| <= atol + rtol·|other|``, elementwise and broadcast; infinities are close to themselves only.

    Args:
        rtol, atol: the relative and the absolute tolerance.
        equal_nan: whether NaN is close to NaN.

    >>> import minitorch
    >>> minitorch.isclose(minitorch.tensor([1., 1e6]), minitorch.tensor([1.1, 1e6 + 1]))
    tensor([False,  True])

    Raises:
        TypeError: an argument is not a tensor.
        RuntimeError: the dtypes differ, a tolerance is negative, or the shapes don't broadcast.
    """
    check_tensors("isclose", input=input, other=other)
    if input.data.dtype != other.data.dtype:
        raise RuntimeError(f"isclose: expected tensors of one dtype, got {input.dtype} and {other.dtype}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise RuntimeError(f"isclose: {name} must be greater than or equal to zero, but got {tolerance}")
    a, b = pair("isclose", input, other)
    return wrap(ieee.run(_close, a.data, b.data, rtol, atol, equal_nan, a.backend.xp), a.backend)


def _close(a: Any, b: Any, rtol: float, atol: float, equal_nan: bool, xp: Any) -> Any:
    close = a == b
    if equal_nan:
        close = close | ((a != a) & (b != b))
    if rtol == 0 == atol:
        return close
    if a.dtype.kind != "f":
        a, b = a.astype(np.float64), b.astype(np.float64)  # where a difference doesn't wrap around
    difference = abs(a - b)
    return close | (xp.isfinite(difference) & (difference <= atol + abs(rtol * b)))


@tensor_method("allclose")
@on_its_device
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether :func:`isclose` holds for every element, as a Python bool. Its errors are those of :func:`isclose`.

    >>> import minitorch
    >>> x = minitorch.tensor([0.1, 0.2])
    >>> minitorch.allclose(x + 0.3 - 0.3, x)
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan).data.all())


@tensor_method("equal")
@on_its_device
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have one shape and equal elements, whatever their dtypes; NaN isn't equal to itself.

    >>> import minitorch
    >>> x = minitorch.tensor([1, 2])
    >>> minitorch.equal(x, minitorch.tensor([1., 2.])), minitorch.equal(x, x[:1])
    (True, False)

    Raises:
        TypeError: ``other`` is not a tensor.
        RuntimeError: they live on different devices.
    """
    check_tensors("equal", input=input, other=other)
    same_device("equal", input, other)
    return input.data.shape == other.data.shape and bool(eq(input, other).data.all())
