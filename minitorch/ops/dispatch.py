"""How operands meet: dtypes by PyTorch's promotion rules, devices that must agree, numbers that become tensors."""

from __future__ import annotations

import contextvars
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import devices
from ..backends.protocol import Backend
from ..dtypes import (
    as_dtype,
    bool_,
    dtype,
    float16,
    float32,
    get_default_dtype,
    int64,
    of_scalar,
    result_dtype,
    uint8,
)
from ..tensor import Function, Tensor, tensor_method, wrap
from .summation import total


class _Ieee(threading.local):
    """``ieee.run(ufunc, *arrays)``: arithmetic as IEEE 754 says, without NumPy's warnings about infinities and NaN.

    NumPy keeps that setting in a context variable. ``np.errstate`` takes three times as long as a small addition;
    running in a context where it is set once is quick and changes nothing for the user's own NumPy code.
    """

    def __init__(self) -> None:
        context = contextvars.copy_context()
        context.run(np.seterr, all="ignore")
        self.run = context.run


ieee = _Ieee()


class Cast(Function):
    """The same numbers in another dtype."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, d: dtype) -> Tensor:
        ctx.dtype = input.data.dtype
        return wrap(ieee.run(input.data.astype, d.numpy), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return cast(grad_output, as_dtype(ctx.dtype)), None


def cast(input: Tensor, d: dtype) -> Tensor:
    """``input`` in dtype ``d``; itself where it has that dtype already."""
    return input if input.data.dtype == d.numpy else Cast.apply(input, d)


class Move(Function):
    """The same numbers on another device; the gradient goes back to where the input is."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, backend: Backend, non_blocking: bool = False) -> Tensor:
        ctx.backend = input.backend
        return wrap(backend.move(input.data, non_blocking), backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return Move.apply(grad_output, ctx.backend), None, None


def scalar(value: Any, d: dtype, like: Tensor) -> Tensor:
    """A number as a 0-d tensor of dtype ``d`` on the device of ``like``."""
    if d.name == "uint8" and not isinstance(value, bool):
        value = int(value) & 0xFF  # wraps around, as arithmetic on the tensor's elements does
    return wrap(ieee.run(like.backend.scalar, value, d.numpy), like.backend)


def fitting_number(value: Any, d: dtype) -> Any:
    """A number as the array module takes it for dtype ``d``: an integer dtype truncates it, uint8 wraps negative ones.

    Raises:
        TypeError: ``value`` is no number.
        RuntimeError: it is too large for ``d``.
    """
    of_scalar(value)
    fits = True
    if d.is_floating_point:
        fits = not math.isfinite(value) or abs(value) <= float(np.finfo(d.numpy).max)
    elif d is not bool_:
        limits = np.iinfo(d.numpy)
        fits = (-limits.max if d is uint8 else limits.min) <= value <= limits.max
    if not fits:
        raise RuntimeError(f"value {value} cannot be converted to type {d} without overflow")
    if d.is_floating_point or d is bool_:
        return value
    return int(value) & 0xFF if d is uint8 else int(value)


def fitting(value: Any, d: dtype, like: Tensor) -> Tensor:
    """:func:`fitting_number` as a 0-d tensor on the device of ``like``."""
    return scalar(fitting_number(value, d), d, like)


def promotion_of(operand: Any) -> tuple[dtype, int]:
    """An operand's dtype and priority, as :func:`minitorch.dtypes.result_dtype` takes them."""
    if isinstance(operand, Tensor):
        return operand.dtype, 2 if operand.data.ndim else 1
    return of_scalar(operand), 0


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of an operation on two tensors or numbers, by the promotion rules.

    >>> import minitorch
    >>> minitorch.result_type(minitorch.tensor([1, 2]), 1.0)
    minitorch.float32
    """
    return result_dtype(promotion_of(tensor1), promotion_of(tensor2))


def same_device(name: str, *tensors: Tensor) -> None:
    """Raises RuntimeError, naming both devices, where the tensors aren't all on one."""
    first = tensors[0]
    for other in tensors[1:]:
        if other.backend is not first.backend:
            wanted = first if first.is_cuda else other  # who has a GPU means to use it
            raise RuntimeError(
                f"{name}: expected all tensors to be on the same device, but found at least two devices, "
                f"{first.device} and {other.device}; move one with .to({str(wanted.device)!r})"
            )


def with_scalars_moved(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """``values`` with their tensors on one device: one without dimensions on the CPU counts as a number, as in PyTorch,
    and goes to the GPU on which the others are.

    Raises:
        RuntimeError: others are on two devices.
    """
    tensors = [v for v in values if isinstance(v, Tensor)]
    backends = {t.backend for t in tensors}
    if len(backends) == 1:
        return values
    numbers = [t for t in tensors if not t.data.ndim and not t.is_cuda]
    others = [t for t in tensors if not any(t is n for n in numbers)]
    same_device(name, *others)
    return [Move.apply(v, others[0].backend) if any(v is n for n in numbers) else v for v in values]


def as_tensor_operand(value: Any, like: Tensor, name: str) -> Any:
    """Arrays and NumPy scalars next to a tensor count as tensors; numbers stay numbers."""
    if isinstance(value, (Tensor, bool, int, float)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return wrap(np.asarray(value), like.backend) if isinstance(value, np.ndarray) else value.item()
    raise TypeError(f"{name}: expected a tensor or a number, got {type(value).__name__}")


def broadcast_shape(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that ``shapes`` broadcast to.

    Raises:
        RuntimeError: two of them don't fit, with the numbers.
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        pass
    ndim = max(map(len, shapes))
    for dim in range(ndim):
        sizes = {s[dim - ndim] for s in shapes if len(s) >= ndim - dim} - {1}
        if len(sizes) > 1:
            a, b = sorted(sizes)[:2]
            break
    listed = " and ".join(str(tuple(s)) for s in shapes)
    raise RuntimeError(
        f"{name}: shapes {listed} do not broadcast: the sizes {a} and {b} at dimension {dim} are neither equal nor 1"
    )


def operands(name: str, *given: Any) -> list[Tensor]:
    """``given`` (tensors and numbers, at least one tensor) as tensors of their common dtype on one device."""
    like = next((v for v in given if isinstance(v, Tensor)), None)
    if like is None:
        raise TypeError(f"{name}: expected at least one tensor, got {', '.join(type(v).__name__ for v in given)}")
    values = with_scalars_moved(name, [as_tensor_operand(v, like, name) for v in given])
    tensors = [v for v in values if isinstance(v, Tensor)]
    d = result_dtype(*[promotion_of(v) for v in values])
    shape = tensors[0].data.shape
    if any(t.data.shape != shape for t in tensors):
        broadcast_shape(name, *[t.data.shape for t in tensors])
    return [cast(v, d) if isinstance(v, Tensor) else scalar(v, d, like) for v in values]


def pair(name: str, input: Any, other: Any) -> tuple[Tensor, Tensor]:
    """:func:`operands` for two, with a short way for the usual case: tensors of one dtype, shape and device."""
    if isinstance(input, Tensor):
        a = input.data
        if isinstance(other, Tensor):
            b = other.data
            if a.dtype is b.dtype and input.backend is other.backend and a.shape == b.shape:
                return input, other
        elif isinstance(other, (int, float)) and (a.dtype.kind == "f" or (type(other) is int and a.dtype.kind == "i")):
            # The number's category is not above the tensor's: the tensor's dtype holds the result.
            return input, wrap(ieee.run(input.backend.scalar, other, a.dtype), input.backend)
    first, second = operands(name, input, other)
    return first, second


def floating(input: Tensor) -> Tensor:
    """Integers and bools in the default floating dtype, as PyTorch's ``exp``, ``mean`` and ``div`` take them."""
    return input if input.data.dtype.kind == "f" else cast(input, get_default_dtype())


def check_floating(name: str, *tensors: Tensor, integers: bool = False) -> None:
    """Checks the tensors that a kernel gets: of one floating dtype (or with ``integers``, a dtype of numbers), on one
    device.

    Raises:
        TypeError: one isn't a tensor.
        RuntimeError: one is of bools or integers, or their dtypes or devices differ.
    """
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}: expected a Tensor, got {type(tensor).__name__}")
        if tensor.data.dtype.kind not in ("fiu" if integers else "f"):
            wanted = "tensors of numbers" if integers else "floating-point tensors"
            raise RuntimeError(f"{name}: expected {wanted}, got {tensor.dtype}; convert it with .to(minitorch.float32)")
        if tensor.data.dtype != tensors[0].data.dtype:
            listed = " and ".join(str(t.dtype) for t in tensors)
            raise RuntimeError(f"{name}: expected tensors of one dtype, got {listed}; convert with .to({tensor.dtype})")
        if tensor.backend is not tensors[0].backend:
            same_device(name, *tensors)


_KINDS = {"b": "bool", "i": "integer", "f": "floating-point"}


def check_kind(name: str, tensor: Tensor, kinds: str) -> None:
    """Raises NotImplementedError, as PyTorch where it has no kernel, unless the tensor's dtype is of one of ``kinds``.

    Kinds are ``"b"`` (bool), ``"i"`` (integers) and ``"f"`` (floating-point numbers).
    """
    if tensor.data.dtype.kind.replace("u", "i") not in kinds:
        wanted = " and ".join([_KINDS[kind] for kind in kinds])
        raise NotImplementedError(
            f"{name}: not implemented for {tensor.dtype} tensors, only for {wanted} ones; convert with .to(dtype)"
        )


def check_tensors(name: str, **arguments: Any) -> None:
    """Raises TypeError where an argument isn't a tensor."""
    for argument, value in arguments.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}: expected {argument} to be a Tensor, got {type(value).__name__}")


def ufunc(name: str, *inputs: Tensor) -> Tensor:
    """A function of the array module, by its name, of tensors of one dtype."""
    if devices.several:
        context = devices.elsewhere(inputs)
        if context is not None:
            with context:
                return ufunc(name, *inputs)
    backend = inputs[0].backend
    return wrap(ieee.run(getattr(backend.xp, name), *[t.data for t in inputs]), backend)


class Constant(Function):
    """An array that was computed from ``sources`` by a piecewise constant function: their gradients are 0."""

    @staticmethod
    def forward(ctx: Any, array: Any, *sources: Tensor) -> Tensor:
        return wrap(array, sources[0].backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        zero = grad_output.new_zeros(()).expand(grad_output.data.shape)
        return tuple([zero if needed else None for needed in ctx.needs_input_grad])


def is_half(tensor: Tensor) -> bool:
    """Whether the tensor is float16, the only dtype of two bytes."""
    return bool(tensor.data.dtype.itemsize == 2)


def in_float32(function: Callable[..., Tensor], *args: Any) -> Tensor:
    """``function(*args)`` of float16 tensors, computed in float32 and rounded once: kernels have no half precision."""
    wider = [cast(a, float32) if isinstance(a, Tensor) and a.data.dtype == float16.numpy else a for a in args]
    return cast(function(*wider), float16)


class SumToSize(Function):
    """Sums the dimensions over which ``shape`` was broadcast: the adjoint of broadcasting."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, shape: tuple[int, ...]) -> Tensor:
        ctx.shape = input.data.shape
        extra = input.data.ndim - len(shape)
        axes = tuple(range(extra)) + tuple(
            i + extra for i, n in enumerate(shape) if n == 1 and input.data.shape[i + extra] != 1
        )
        return wrap(ieee.run(total, input.backend, input.data, axes).reshape(shape), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output.expand(ctx.shape), None


@tensor_method("sum_to_size")
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Sums ``input`` to ``size``, a shape that broadcasts to its own: the gradient of broadcasting.

    >>> import minitorch
    >>> minitorch.ones(4, 3).sum_to_size(1, 3)
    tensor([[4., 4., 4.]])

    Raises:
        RuntimeError: ``size`` does not broadcast to the shape of ``input``.
    """
    shape = tuple(size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size)
    if shape == input.data.shape:
        return input
    got = input.data.shape
    extra = len(got) - len(shape)
    if extra < 0 or any(n not in (1, g) for n, g in zip(shape, got[extra:], strict=True)):
        raise RuntimeError(f"sum_to_size: size {list(shape)} is not expandable to size {list(got)}")
    if is_half(input):
        return in_float32(SumToSize.apply, input, shape)
    return SumToSize.apply(input if input.data.dtype.kind == "f" else cast(input, int64), shape)
