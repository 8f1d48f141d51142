"""dtypes, the default dtype, and the rules by which dtypes meet (PyTorch's, not NumPy's)."""

from __future__ import annotations

from typing import Any

import numpy as np


class dtype:
    """The type of a tensor's elements, such as ``minitorch.float32``.

    There is one object a type, so ``is`` compares them. Anything that NumPy takes as a dtype is accepted wherever
    Minitorch takes one; ``dtype.numpy`` is NumPy's name for it.

    >>> import minitorch
    >>> minitorch.float32.itemsize, minitorch.float32.is_floating_point
    (4, True)
    """

    __slots__ = ("category", "name", "numpy")

    def __init__(self, name: str, category: int) -> None:
        self.name = name
        self.numpy: np.dtype[Any] = np.dtype(name)
        self.category = category

    @property
    def itemsize(self) -> int:
        return self.numpy.itemsize

    @property
    def is_floating_point(self) -> bool:
        return self.category == _FLOATING

    def __repr__(self) -> str:
        return f"minitorch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)


# Type promotion knows three categories of numbers. A higher one always wins over a lower one.
_BOOL, _INTEGRAL, _FLOATING = 0, 1, 2

bool_ = dtype("bool", _BOOL)
uint8 = dtype("uint8", _INTEGRAL)
int32 = dtype("int32", _INTEGRAL)
int64 = dtype("int64", _INTEGRAL)
float16 = dtype("float16", _FLOATING)
float32 = dtype("float32", _FLOATING)
float64 = dtype("float64", _FLOATING)

# In order of promotion inside a category.
ALL = (bool_, uint8, int32, int64, float16, float32, float64)
_RANK = {d: i for i, d in enumerate(ALL)}
_BY_NUMPY: dict[Any, dtype] = {d.numpy: d for d in ALL}
_BY_NUMPY.update({bool: bool_, int: int64, float: float64})

_default = float32


def as_dtype(value: Any) -> dtype:
    """The ``minitorch.dtype`` that ``value`` names: a dtype of Minitorch or NumPy, a Python type, or a name."""
    if isinstance(value, dtype):
        return value
    try:
        found = _BY_NUMPY.get(value) or _BY_NUMPY.get(np.dtype(value))
    except TypeError:
        found = None
    if found is None:
        names = ", ".join(d.name for d in ALL)
        raise TypeError(f"dtype {value!r} is not supported; Minitorch has {names}")
    return found


def get_default_dtype() -> dtype:
    """The dtype of tensors made from Python floats; float32 unless :func:`set_default_dtype` changed it.

    >>> import minitorch
    >>> minitorch.get_default_dtype(), minitorch.tensor(1.5).dtype
    (minitorch.float32, minitorch.float32)
    """
    return _default


def set_default_dtype(d: Any) -> None:
    """Sets the dtype of tensors made from Python floats, and of factories that are given none.

    >>> import minitorch
    >>> minitorch.set_default_dtype(minitorch.float64)
    >>> minitorch.tensor(1.5).dtype
    minitorch.float64
    >>> minitorch.set_default_dtype(minitorch.float32)

    Raises:
        TypeError: ``d`` is not a floating-point dtype.
    """
    global _default
    d = as_dtype(d)
    if not d.is_floating_point:
        raise TypeError(f"set_default_dtype: only floating-point dtypes can be the default, got {d}")
    _default = d


def of_scalar(value: Any) -> dtype:
    """The dtype that a Python (or NumPy) number has when it meets tensors: bool, int64 or the default dtype."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (float, np.floating)):
        return _default
    raise TypeError(f"expected a tensor or a number, got {type(value).__name__}")


def promote_types(type1: Any, type2: Any) -> dtype:
    """The smallest dtype that both can be converted to without losing their kind.

    >>> import minitorch
    >>> minitorch.promote_types(minitorch.int64, minitorch.float16)
    minitorch.float16
    """
    a, b = as_dtype(type1), as_dtype(type2)
    # Every pair is ordered (uint8 < int32 < int64, float16 < float32 < float64), so the higher rank holds both.
    return a if _RANK[a] >= _RANK[b] else b


def result_dtype(*operands: Any) -> dtype:
    """The dtype of an operation on ``operands``: (dtype, priority) pairs.

    Priority 2 is a tensor with dimensions, 1 a tensor without, 0 a Python number. An operand of lower priority takes
    part only where its category is higher than that of every operand of higher priority: ``int64_tensor + 1.5`` is
    float32, ``float32_tensor + float64_zero_dim_tensor`` stays float32.
    """
    best: dtype | None = None
    for priority in (2, 1, 0):
        level: dtype | None = None
        for d, p in operands:
            if p == priority:
                level = d if level is None else promote_types(level, d)
        if level is not None and (best is None or level.category > best.category):
            best = level
    assert best is not None
    return best
