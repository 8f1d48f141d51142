"""Operation: what the checks have to know of an operation, and how they run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import minitorch

from ..tensor import Tensor, backend_of, wrap
from .cases import Case, Source
from .strategies import Array


@dataclass(frozen=True)
class Operation:
    """An operation, the inputs it is tried with, and what its results are compared with.

    ``call(lib, *tensors, **kwargs)`` runs it, where ``lib`` is ``minitorch`` (or, for a comparison, PyTorch);
    ``reference(*arrays, **kwargs)`` computes the same from NumPy arrays in another way. A result is an array or a tuple
    of arrays.
    """

    name: str
    call: Callable[..., Any]
    reference: Callable[..., Any]
    case: Callable[[Source], Case]
    floats: bool = True  # whether it takes floating-point tensors
    differentiable: bool = True  # whether its results have a gradient, be it zero
    smooth: bool = True  # whether that gradient isn't zero everywhere, so that a second one can be asked for
    linear: bool = False  # in every tensor together; then <A u, v> = <u, Aᵀ v> is checked without any epsilon
    integers: tuple[Any, ...] = ()  # the integer dtypes (and bool) that it takes too
    special: bool = False  # the reference holds for NaN and infinities as well
    fast_mode: bool = False  # gradcheck of projections only, where the Jacobian is large
    rtol: float = 1e-5  # of float32 results
    atol: float = 1e-5
    device: str = "cpu"  # where it is run

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # what Hypothesis prints of a failing example
        printer.text(self.name)

    def run(self, case: Case, tensors: Sequence[Tensor]) -> tuple[Any, ...]:
        """Its results as a tuple, whatever it gives."""
        return _as_tuple(self.call(minitorch, *tensors, **case.named(self.tensor)))

    def tensor(self, array: Array) -> Tensor:
        """A tensor of an array: on the CPU of its very memory, elsewhere of memory with the same strides."""
        if self.device == "cpu":
            return minitorch.from_numpy(array)
        backend = backend_of(self.device)
        if array.size == 0:
            return wrap(backend.move(array), backend)
        # The elements in the order of memory, with what lies between them, and the array as a view of those.
        flipped: tuple[Any, ...] = (..., *[slice(None, None, -1 if stride < 0 else 1) for stride in array.strides])
        forward = array[flipped]
        first, end = np.lib.array_utils.byte_bounds(forward)
        as_strided = np.lib.stride_tricks.as_strided
        memory = as_strided(forward, ((end - first) // array.itemsize,), (array.itemsize,))
        view = backend.xp.lib.stride_tricks.as_strided(backend.move(memory), forward.shape, forward.strides)
        return wrap(view[flipped], backend)

    def leaves(self, case: Case) -> list[Any]:
        """The tensors of a call, those of floating point as leaves that require a gradient."""
        tensors = [self.tensor(array) for array in case.tensors]
        return [t.requires_grad_() if t.is_floating_point() else t for t in tensors]

    def expected(self, case: Case) -> tuple[Array, ...]:
        """The reference's results, of floating-point inputs computed in float64."""
        exact = case.converted(in_float64)
        with np.errstate(all="ignore"):
            return _as_tuple(self.reference(*exact.tensors, **exact.kwargs))


def in_float64(array: Array) -> Array:
    """Floating-point numbers as float64, others as they are."""
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)
