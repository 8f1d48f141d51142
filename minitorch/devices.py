"""Where a tensor lives: ``device("cpu")``, ``device("cuda")``, ``device("cuda:1")``."""

from __future__ import annotations

from typing import Any

_TYPES = ("cpu", "cuda")


class device:
    """A kind of device and, for CUDA, its number.

    >>> import minitorch
    >>> minitorch.device("cuda:1")
    device(type='cuda', index=1)

    Raises:
        RuntimeError: the type is neither ``cpu`` nor ``cuda``, or the index is not a number.
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | device, index: int | None = None) -> None:
        # str(device("cuda:1")) is "cuda:1": a device is copied through its name.
        kind, colon, number = str(type).partition(":")
        if kind not in _TYPES:
            raise RuntimeError(f"device: expected one of {', '.join(_TYPES)}, got {type!r}")
        if colon:
            if index is not None:
                raise RuntimeError(f"device: the index is given twice, in {type!r} and as {index}")
            if not number.isdecimal():
                raise RuntimeError(f"device: expected a number after the colon, got {type!r}")
            index = int(number)
        self.type = kind
        self.index = index

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)
