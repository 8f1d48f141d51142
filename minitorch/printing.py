"""How tensors are shown: PyTorch's format, and ``set_printoptions`` to change it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dtypes import bool_, get_default_dtype, int64
from .tensor import Tensor, tensor_method

Array = NDArray[Any]


@dataclasses.dataclass
class _PrintOptions:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_options = _PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors are shown.

    Args:
        precision: digits after the decimal point (4).
        threshold: tensors of more elements are abbreviated (1000).
        edgeitems: how many elements an abbreviated dimension shows at its beginning and at its end (3).
        linewidth: characters in a line (80).
        profile: ``"default"``, ``"short"`` or ``"full"`` (nothing abbreviated); the others override it.
        sci_mode: scientific notation always (True), never (False), or as the numbers need it (None). Unlike the
            others, it is reset by every call that doesn't give it.

    >>> import minitorch
    >>> minitorch.set_printoptions(precision=2)
    >>> minitorch.tensor([1.12345])
    tensor([1.12])
    >>> minitorch.set_printoptions(profile="default")

    Raises:
        ValueError: there is no such profile.
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    chosen = {} if profile is None else _PROFILES[profile]
    for name, value in (chosen | {name: value for name, value in given.items() if value is not None}).items():
        setattr(_options, name, value)
    _options.sci_mode = sci_mode


class _Formatter:
    """One format for all numbers of a tensor: as integers, with a fixed precision, or in scientific notation."""

    def __init__(self, array: Array) -> None:
        self.spec = ""  # what format() takes; "" for str()
        self.dot = ""  # after whole floats: "1."
        self.width = 1
        if array.dtype.kind != "f":
            self.width = max((len(str(value)) for value in array.ravel().tolist()), default=1)
            return
        self.spec = ".0f"
        numbers = array[np.isfinite(array) & (array != 0)]
        self.dot = "."
        if not numbers.size:
            return
        sizes = abs(numbers.astype(np.float64))
        with np.errstate(over="ignore"):
            wide = sizes.max() / sizes.min() > 1000.0 or sizes.max() > 1.0e8 or sizes.min() < 1.0e-4
        if wide if _options.sci_mode is None else _options.sci_mode:
            self.spec, self.dot = f".{_options.precision}e", ""
        elif (numbers != np.ceil(numbers)).any():
            self.spec, self.dot = f".{_options.precision}f", ""
        self.width = max(1, *(len(format(value, self.spec) + self.dot) for value in numbers.tolist()))

    def format(self, value: Any) -> str:
        if not self.spec:
            return str(value).rjust(self.width)
        # Infinities and NaN have no dot, and don't count for the width.
        text = format(value, self.spec) + (self.dot if math.isfinite(value) else "")
        return text.rjust(self.width)


def _edges(array: Array) -> Array:
    """What an abbreviated tensor shows: the first and last elements of every long dimension."""
    n = _options.edgeitems
    for axis, size in enumerate(array.shape):
        if size > 2 * n:
            array = np.take(array, [*range(n), *range(size - n, size)], axis)
    return array


def _vector(array: Array, indent: int, summarize: bool, formatter: _Formatter) -> str:
    n = _options.edgeitems
    if summarize and not n:
        items = ["..."]
    elif summarize and len(array) > 2 * n:
        shown = [formatter.format(value) for value in _edges(array).tolist()]
        items = [*shown[:n], " ...", *shown[n:]]
    else:
        items = [formatter.format(value) for value in array.tolist()]
    per_line = max(1, (_options.linewidth - indent) // (formatter.width + 2))
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(array: Array, indent: int, summarize: bool, formatter: _Formatter) -> str:
    """``array`` in brackets, indented by ``indent`` after its first line."""
    if array.ndim == 0:
        return formatter.format(array.item())
    if array.ndim == 1:
        return _vector(array, indent, summarize, formatter)
    n = _options.edgeitems
    if summarize and len(array) > 2 * n:
        shown = [_nested(part, indent + 1, summarize, formatter) for part in (*array[:n], *array[len(array) - n :])]
        parts = [*shown[:n], "...", *shown[n:]]
    else:
        parts = [_nested(part, indent + 1, summarize, formatter) for part in array]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _suffixes(t: Tensor) -> list[str]:
    """What is said after the numbers: only what they and the defaults leave open."""
    suffixes = []
    if t.is_cuda:
        suffixes.append(f"device='{t.device}'")
    if (t.data.size == 0 and t.data.ndim != 1) or (t.data.size and not _options.edgeitems):
        suffixes.append(f"size={tuple(t.data.shape)}")
    # Of an empty tensor there are no numbers that would show int64 or bool.
    obvious = (get_default_dtype(), int64, bool_) if t.data.size else (get_default_dtype(),)
    if t.dtype not in obvious:
        suffixes.append(f"dtype={t.dtype}")
    if t.grad_fn is not None:
        suffixes.append(f"grad_fn=<{t.grad_fn.name()}>")
    elif t.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


@tensor_method("__repr__")
def tensor_repr(t: Tensor) -> str:
    """What ``repr(t)`` gives.

    >>> import minitorch
    >>> minitorch.tensor([1., 2.5], requires_grad=True)
    tensor([1.0000, 2.5000], requires_grad=True)
    """
    prefix = "tensor("
    array = t.detach().numpy(force=True)
    if array.size:
        summarize = array.size > _options.threshold
        formatter = _Formatter(_edges(array) if summarize else array)
        text = prefix + _nested(array, len(prefix), summarize, formatter)
    else:
        text = prefix + "[]"
    length = len(text) - text.rfind("\n") + 1  # of the last line, as PyTorch counts it
    for suffix in _suffixes(t):
        if length + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * len(prefix) + suffix
            length = len(prefix) + len(suffix)
        else:
            text += ", " + suffix
            length += len(suffix) + 2
    return text + ")"
