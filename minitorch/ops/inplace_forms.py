"""The in-place forms of pointwise operations: ``add_`` and its like, and ``+=``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd import no_grad
from ..tensor import Tensor, tensor_method
from . import (
    arithmetic,
    binary,
    compare,
    elementwise,
    exponential,
    rounding,
    selection,
    smooth_activation,
    special,
    trigonometric,
)
from .inplace import check_in_place, store

_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}

# Each form is named as the operation with an underscore.
FORMS: dict[Any, str] = {
    arithmetic: "add sub mul div floor_divide remainder pow",
    elementwise: "neg abs_ sqrt rsqrt square reciprocal sign",
    exponential: "exp exp2 expm1 log log1p log2 log10",
    special: "erf",
    trigonometric: "sin cos tan asin acos atan atan2 sinh cosh",
    smooth_activation: "tanh sigmoid",
    rounding: "floor ceil trunc round_",
    selection: "clamp clamp_min clamp_max masked_fill nan_to_num",
    binary: "lerp",
    compare: "bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift "
    "logical_and logical_or logical_xor logical_not",
}
OPERATORS = {
    "add_": "__iadd__",
    "sub_": "__isub__",
    "mul_": "__imul__",
    "div_": "__itruediv__",
    "floor_divide_": "__ifloordiv__",
    "remainder_": "__imod__",
    "pow_": "__ipow__",
    "bitwise_and_": "__iand__",
    "bitwise_or_": "__ior__",
    "bitwise_xor_": "__ixor__",
    "bitwise_left_shift_": "__ilshift__",
    "bitwise_right_shift_": "__irshift__",
}


def in_place_form(name: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The in-place form of an operation: the same numbers, written into the first operand.

    >>> import minitorch
    >>> x = minitorch.tensor([1., 4.])
    >>> x.sqrt_().mul_(10)
    tensor([10., 20.])
    >>> x
    tensor([10., 20.])
    """

    def method(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_in_place(name, input, *args, *kwargs.values())
        with no_grad():
            result = function(input, *args, **kwargs).data
        if result.shape != input.data.shape:
            raise RuntimeError(
                f"{name}: output with shape {list(input.data.shape)} doesn't match the broadcast shape "
                f"{list(result.shape)}"
            )
        if _RANK[result.dtype.kind] > _RANK[input.data.dtype.kind]:
            raise RuntimeError(
                f"{name}: result type {result.dtype} can't be cast to the desired output type {input.data.dtype}"
            )
        return store(input, result)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"""In-place form of :func:`minitorch.{name.rstrip("_")}`: overwrites the tensor and returns it.

    Raises:
        RuntimeError: the result has another shape, or a dtype that can't be cast to the tensor's; or the tensor is
            read-only; or the change would have to be recorded: under :func:`minitorch.no_grad` it need not.
    """
    return method


for _module, _names in FORMS.items():
    for _name in _names.split():
        _form = _name.removesuffix("_") + "_"
        _method = in_place_form(_form, getattr(_module, _name))
        tensor_method(_form)(_method)
        if _form in OPERATORS:
            tensor_method(OPERATORS[_form])(_method)
