"""How float32 products are computed on a GPU: in float32 as IEEE 754 has it, or on tensor cores in TensorFloat-32.

TensorFloat-32 rounds both factors to 10 bits of mantissa, about three decimal digits, and adds the products in float32;
GPUs of capability 8.0 and later have units for it that are several times as fast. Results have a relative error of
about 10⁻³ of the largest terms instead of 10⁻⁶.

The switches stand where PyTorch has them, and start as PyTorch's do: exact matrix products, fast convolutions.

>>> import minitorch
>>> minitorch.backends.cuda.matmul.fp32_precision, minitorch.backends.cudnn.conv.fp32_precision
('ieee', 'tf32')

They concern float32 on GPUs. float64 is never rounded, nor is anything in ``autograd.gradcheck``; CPUs have no
TensorFloat-32. Setting a switch needs no GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Switch:
    """The precision of one kind of product, in its attribute ``fp32_precision``.

    >>> import minitorch
    >>> minitorch.backends.cuda.matmul.fp32_precision = "tf32"
    >>> minitorch.backends.cuda.matmul
    <matmul: fp32_precision='tf32'>
    >>> minitorch.backends.cuda.matmul.fp32_precision = "ieee"

    Raises:
        ValueError: another value than ``"ieee"`` or ``"tf32"`` is assigned.
        AttributeError: another attribute is assigned.
    """

    __slots__ = ("_name", "_precision")

    def __init__(self, name: str, precision: str) -> None:
        self._name = name
        self._precision = precision

    @property
    def fp32_precision(self) -> str:
        """``"ieee"`` or ``"tf32"``."""
        return self._precision

    @fp32_precision.setter
    def fp32_precision(self, value: str) -> None:
        if value not in ("ieee", "tf32"):
            raise ValueError(f"{self._name}.fp32_precision can be 'ieee' or 'tf32', got {value!r}")
        self._precision = value

    @property
    def allow_tf32(self) -> bool:
        """PyTorch's older name for ``fp32_precision == "tf32"``."""
        return self._precision == "tf32"

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        self.fp32_precision = "tf32" if value else "ieee"

    def __repr__(self) -> str:
        return f"<{self._name}: fp32_precision={self._precision!r}>"


matmul = Switch("matmul", "ieee")
conv = Switch("conv", "tf32")


class Cudnn:
    """Where PyTorch users look for the precision of convolutions: ``minitorch.backends.cudnn.conv.fp32_precision``.

    Minitorch's convolutions are its own kernels. They give the same bits every time, and nothing is to be tried out
    beforehand; so ``deterministic`` and ``benchmark`` don't exist.
    """

    __slots__ = ()

    conv = conv

    @property
    def allow_tf32(self) -> bool:
        """PyTorch's older name for ``conv.fp32_precision == "tf32"``."""
        return conv.allow_tf32

    @allow_tf32.setter
    def allow_tf32(self, value: bool) -> None:
        conv.allow_tf32 = value


@contextmanager
def ieee() -> Iterator[None]:
    """Everything in float32 itself."""
    before = matmul.fp32_precision, conv.fp32_precision
    matmul.fp32_precision = conv.fp32_precision = "ieee"
    try:
        yield
    finally:
        matmul.fp32_precision, conv.fp32_precision = before


def set_float32_matmul_precision(precision: str) -> None:
    """Sets ``backends.cuda.matmul.fp32_precision``: ``"highest"`` means ``"ieee"``, ``"high"`` and ``"medium"``
    ``"tf32"``.

    >>> import minitorch
    >>> minitorch.set_float32_matmul_precision("high")
    >>> minitorch.backends.cuda.matmul.fp32_precision
    'tf32'
    >>> minitorch.set_float32_matmul_precision("highest")

    Raises:
        ValueError: ``precision`` is none of these.
    """
    if precision not in ("highest", "high", "medium"):
        raise ValueError(f"set_float32_matmul_precision: expected 'highest', 'high' or 'medium', got {precision!r}")
    matmul.fp32_precision = "ieee" if precision == "highest" else "tf32"


def get_float32_matmul_precision() -> str:
    """``"highest"`` where products of float32 matrices are computed in float32, ``"high"`` where in TensorFloat-32.

    >>> import minitorch
    >>> minitorch.get_float32_matmul_precision()
    'highest'
    """
    return "high" if matmul.allow_tf32 else "highest"
