"""Copies, other dtypes, other devices."""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..backends import cuda as _cuda
from ..devices import device as Device
from ..tensor import Function, Tensor, backend_of, tensor_method, wrap
from .dispatch import Move, cast


class Clone(Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        return wrap(input.data.copy(), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output


@tensor_method("clone")
def clone(input: Tensor) -> Tensor:
    """A copy with its own memory. Gradients flow back to ``input``; ``x.detach().clone()`` is a copy without history.

    >>> import minitorch
    >>> x = minitorch.tensor([1., 2.])
    >>> y = x.clone()
    >>> y[0] = 7
    >>> x, y
    (tensor([1., 2.]), tensor([7., 2.]))
    """
    return Clone.apply(input)


@tensor_method("contiguous")
def contiguous(input: Tensor) -> Tensor:
    """The tensor itself if its elements lie in C order, else a copy in which they do.

    >>> import minitorch
    >>> x = minitorch.zeros(2, 3)
    >>> x.contiguous() is x, x.T.stride(), x.T.contiguous().stride()
    (True, (1, 3), (2, 1))
    """
    return input if input.data.flags.c_contiguous else clone(input)


@tensor_method("to")
def to(
    input: Tensor, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False
) -> Tensor:
    """The tensor in another dtype, on another device, or both: ``x.to("cuda")``, ``x.to(minitorch.float64)``,
    ``x.to(device, dtype)``, ``x.to(other)``. Itself where nothing changes, unless ``copy``.

    Floats become integers by cutting off the fraction. Gradients come back in the input's dtype, to the input's device.
    With ``non_blocking`` a copy from pinned memory (:meth:`pin_memory`) to a GPU is made while Python goes on: the
    source must not be changed before it is done. A copy from a GPU then lands in pinned memory, and holds garbage until
    ``minitorch.cuda.synchronize()``. Without it, and from other memory, a tensor may be used and changed at once.

    >>> import minitorch
    >>> minitorch.tensor([1.7, -1.7]).to(minitorch.int32)
    tensor([ 1, -1], dtype=minitorch.int32)

    Raises:
        RuntimeError: the device can't be used; the message says what is missing.
    """
    flags = [arg for arg in args if isinstance(arg, bool)]  # non_blocking, copy
    non_blocking = non_blocking or flags[:1] == [True]
    copy = copy or flags[1:] == [True]
    for arg in args:
        if isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif isinstance(arg, (Device, str)):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            dtype = arg
    out = input if dtype is None else cast(input, dtypes.as_dtype(dtype))
    if device is not None:
        backend = backend_of(device)
        if backend is not input.backend:
            out = Move.apply(out, backend, non_blocking)
    return clone(out) if copy and out is input else out


@tensor_method("cpu")
def cpu(input: Tensor) -> Tensor:
    """The tensor on the CPU."""
    return to(input, device="cpu")


@tensor_method("cuda")
def cuda(input: Tensor, device: Any = "cuda", non_blocking: bool = False) -> Tensor:
    """The tensor on a GPU: the current one, or the one of a device or number."""
    where = Device("cuda", device) if isinstance(device, int) else device or "cuda"
    return to(input, device=where, non_blocking=non_blocking)


@tensor_method("pin_memory")
def pin_memory(input: Tensor) -> Tensor:
    """A copy of a CPU tensor in pinned memory, from which ``to("cuda", non_blocking=True)`` copies on its own.

    The operating system never moves pinned memory, so that a GPU can read it by itself. The tensor itself where it is
    pinned already.

    Raises:
        RuntimeError: the tensor is on a GPU, or no GPU can be used; the message says what is missing.
    """
    if input.is_cuda:
        raise RuntimeError(f"pin_memory: only CPU tensors can be pinned, got one on {input.device}")
    return input if is_pinned(input) else Pin.apply(input)


class Pin(Function):
    """A copy in pinned memory."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        try:
            return wrap(_cuda.pin(input.data), input.backend)
        except _cuda.Unavailable as reason:
            raise RuntimeError(f"pin_memory: no GPU can be used: {reason}") from reason

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output


@tensor_method("is_pinned")
def is_pinned(input: Tensor) -> bool:
    """Whether the tensor is in pinned memory.

    >>> import minitorch
    >>> minitorch.ones(3).is_pinned()
    False
    """
    return not input.is_cuda and _cuda.is_pinned(input.data)


def _conversion(name: str, d: dtypes.dtype) -> None:
    def method(input: Tensor) -> Tensor:
        return cast(input, d)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"The tensor as {d.name}, itself if it is that already: :meth:`to` with a dtype."
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
    """``input`` in the dtype of ``other``: itself if it has it.

    >>> import minitorch
    >>> minitorch.tensor([1, 2]).type_as(minitorch.zeros(1))
    tensor([1., 2.])
    """
    return cast(input, other.dtype)
