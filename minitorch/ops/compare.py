"""Comparisons, tests of elements, and logical and bitwise operators. None has a gradient."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor, tensor_method, wrap
from .dispatch import pair


def _apply(name: str, input: Any, other: Any, xp_name: str) -> Tensor:
    a, b = pair(name, input, other)
    return wrap(getattr(a.backend.xp, xp_name)(a.data, b.data), a.backend)


@tensor_method("eq")
def eq(input: Any, other: Any) -> Tensor:
    """``input == other``, elementwise and broadcast."""
    return _apply("eq", input, other, "equal")


@tensor_method("ne", "not_equal")
def ne(input: Any, other: Any) -> Tensor:
    """``input != other``, elementwise and broadcast."""
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
    """``input < other``, elementwise and broadcast."""
    return _apply("lt", input, other, "less")


@tensor_method("le", "less_equal", "__le__")
def le(input: Any, other: Any) -> Tensor:
    """``input <= other``, elementwise and broadcast."""
    return _apply("le", input, other, "less_equal")


@tensor_method("gt", "greater", "__gt__")
def gt(input: Any, other: Any) -> Tensor:
    """``input > other``, elementwise and broadcast."""
    return _apply("gt", input, other, "greater")


@tensor_method("ge", "greater_equal", "__ge__")
def ge(input: Any, other: Any) -> Tensor:
    """``input >= other``, elementwise and broadcast."""
    return _apply("ge", input, other, "greater_equal")


@tensor_method("logical_and")
def logical_and(input: Any, other: Any) -> Tensor:
    """Whether both elements are nonzero."""
    return _apply("logical_and", input, other, "logical_and")


@tensor_method("logical_or")
def logical_or(input: Any, other: Any) -> Tensor:
    """Whether one of the elements is nonzero."""
    return _apply("logical_or", input, other, "logical_or")


@tensor_method("logical_xor")
def logical_xor(input: Any, other: Any) -> Tensor:
    """Whether exactly one of the elements is nonzero."""
    return _apply("logical_xor", input, other, "logical_xor")


@tensor_method("logical_not")
def logical_not(input: Tensor) -> Tensor:
    """Whether each element is zero."""
    return wrap(input.backend.xp.logical_not(input.data), input.backend)


def _bitwise(name: str, input: Any, other: Any) -> Tensor:
    a, b = pair(name, input, other)
    if a.data.dtype.kind == "f":
        raise RuntimeError(f"{name}: expected integer or bool tensors, got {a.dtype}")
    return wrap(getattr(a.backend.xp, name)(a.data, b.data), a.backend)


@tensor_method("bitwise_and", "__and__", "__rand__")
def bitwise_and(input: Any, other: Any) -> Tensor:
    """``input & other`` of integers or bools."""
    return _bitwise("bitwise_and", input, other)


@tensor_method("bitwise_or", "__or__", "__ror__")
def bitwise_or(input: Any, other: Any) -> Tensor:
    """``input | other`` of integers or bools."""
    return _bitwise("bitwise_or", input, other)


@tensor_method("bitwise_xor", "__xor__", "__rxor__")
def bitwise_xor(input: Any, other: Any) -> Tensor:
    """``input ^ other`` of integers or bools."""
    return _bitwise("bitwise_xor", input, other)


@tensor_method("bitwise_not", "__invert__")
def bitwise_not(input: Tensor) -> Tensor:
    """``~input`` of integers or bools."""
    if input.data.dtype.kind == "f":
        raise TypeError(f"bitwise_not: expected an integer or bool tensor, got {input.dtype}")
    return wrap(input.backend.xp.invert(input.data), input.backend)


@tensor_method("isnan")
def isnan(input: Tensor) -> Tensor:
    """Whether each element is NaN."""
    return wrap(input.backend.xp.isnan(input.data), input.backend)


@tensor_method("isinf")
def isinf(input: Tensor) -> Tensor:
    """Whether each element is +inf or -inf."""
    return wrap(input.backend.xp.isinf(input.data), input.backend)


@tensor_method("isfinite")
def isfinite(input: Tensor) -> Tensor:
    """Whether each element is neither infinite nor NaN."""
    return wrap(input.backend.xp.isfinite(input.data), input.backend)


@tensor_method("isclose")
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """``|input - other| <= atol + rtol·|other|``, elementwise."""
    a, b = pair("isclose", input, other)
    return wrap(a.backend.xp.isclose(a.data, b.data, rtol=rtol, atol=atol, equal_nan=equal_nan), a.backend)


@tensor_method("allclose")
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether :func:`isclose` holds for every element."""
    return bool(isclose(input, other, rtol, atol, equal_nan).data.all())


@tensor_method("equal")
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have one shape and equal elements."""
    return input.data.shape == other.data.shape and bool(eq(input, other).data.all())
