"""Copies, other dtypes, other devices."""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..devices import device as Device
from ..tensor import Function, Tensor, backend_of, tensor_method, wrap
from .dispatch import cast


class Clone(Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        return wrap(input.data.copy(), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output


@tensor_method("clone")
def clone(input: Tensor) -> Tensor:
    """A copy with its own memory; gradients flow back to ``input``."""
    return Clone.apply(input)


@tensor_method("contiguous")
def contiguous(input: Tensor) -> Tensor:
    """The tensor itself if its elements lie in C order, else a copy in which they do."""
    return input if input.data.flags.c_contiguous else clone(input)


@tensor_method("to")
def to(input: Tensor, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False) -> Tensor:
    """The tensor in another dtype, on another device, or both: ``x.to("cuda")``, ``x.to(minitorch.float64)``,
    ``x.to(device, dtype)``, ``x.to(other)``. Itself where nothing changes, unless ``copy``.

    Raises:
        RuntimeError: the device doesn't exist here; the message says what is missing.
    """
    for arg in args:
        if isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif isinstance(arg, (Device, str)):
            device = arg
        elif arg is not None:
            dtype = arg
    if device is not None and backend_of(device) is not input.backend:
        raise RuntimeError(f"to: cannot move a tensor from {input.device} to {device}")
    out = input if dtype is None else cast(input, dtypes.as_dtype(dtype))
    return clone(out) if copy and out is input else out


@tensor_method("cpu")
def cpu(input: Tensor) -> Tensor:
    """The tensor on the CPU."""
    return to(input, device="cpu")


@tensor_method("cuda")
def cuda(input: Tensor, device: Any = "cuda") -> Tensor:
    """The tensor on a GPU."""
    return to(input, device=device)


def _conversion(name: str, d: dtypes.dtype) -> None:
    def method(input: Tensor) -> Tensor:
        return cast(input, d)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The tensor as {d.name}."
    tensor_method(name)(method)


for _name, _dtype in (
    ("float", dtypes.float32),
    ("double", dtypes.float64),
    ("half", dtypes.float16),
    ("long", dtypes.int64),
    ("int", dtypes.int32),
    ("byte", dtypes.uint8),
    ("bool", dtypes.bool_),
):
    _conversion(_name, _dtype)


@tensor_method("type_as")
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """``input`` in the dtype of ``other``."""
    return cast(input, other.dtype)
