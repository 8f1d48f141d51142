"""How float32 products are computed: as the plain sum of IEEE 754 products, or faster and with larger errors.

On a GPU, tensor cores multiply in TensorFloat-32, which rounds both factors to 10 bits of mantissa, about three decimal
digits, and adds the products in float32; GPUs of capability 8.0 and later have units for it that are several times as
fast. Results have a relative error of about 10⁻³ of the largest terms instead of 10⁻⁶.

On a CPU, convolutions with 3×3 and 5×5 kernels may be computed by Winograd's algorithm (:class:`Winograd`), about twice
as fast. Results have an error of about 4·10⁻⁶ of their root mean square instead of 5·10⁻⁷.

The switches stand where PyTorch has them, and start as PyTorch's do: exact matrix products, fast convolutions.

>>> import minitorch
>>> minitorch.backends.cuda.matmul.fp32_precision, minitorch.backends.cudnn.conv.fp32_precision
('ieee', 'tf32')
>>> minitorch.backends.winograd.enabled
True

They concern float32 only: float64 is never rounded, nor is anything in ``autograd.gradcheck``. Setting a switch needs
no GPU. It counts when a kernel runs, which for gradients is during ``backward``.
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


class Winograd:
    """Whether convolutions on the CPU may use Winograd's algorithm: ``minitorch.backends.winograd``.

    It replaces the 9 or 25 products of each output by 49 for a tile of 25 or 9, at the cost of additions in which
    rounding errors grow to about 4·10⁻⁶ of the results' root mean square, 10⁻⁴ at most; relative to the largest numbers
    nearby, so a small number beside a large one loses more. It is used for float32, kernels of 3×3 and 5×5, a stride
    and dilation of 1, and as many channels and pixels as make it faster; never where numbers are infinite, NaN or near
    the ends of float32's range. PyTorch has no such switch: it has no such algorithm on CPUs, and cuDNN, which has
    one, asks nobody.

    >>> import minitorch
    >>> with minitorch.backends.winograd.flags(enabled=False):
    ...     minitorch.backends.winograd.enabled
    False
    >>> minitorch.backends.winograd.enabled
    True

    Raises:
        TypeError: something else than True or False is assigned.
        AttributeError: another attribute is assigned.

    Lavin and Gray, "Fast algorithms for convolutional neural networks" (2016).
    """

    __slots__ = ("_enabled",)

    def __init__(self) -> None:
        self._enabled = True

    @property
    def enabled(self) -> bool:
        """True or False."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"winograd.enabled can be True or False, got {value!r}")
        self._enabled = value

    @contextmanager
    def flags(self, enabled: bool = False) -> Iterator[None]:
        """A context in which ``enabled`` is this."""
        before = self._enabled
        self.enabled = enabled
        try:
            yield
        finally:
            self._enabled = before

    def __repr__(self) -> str:
        return f"<winograd: enabled={self._enabled}>"


winograd = Winograd()


@contextmanager
def ieee() -> Iterator[None]:
    """Everything in float32 itself, as plain sums of products."""
    before = matmul.fp32_precision, conv.fp32_precision
    matmul.fp32_precision = conv.fp32_precision = "ieee"
    try:
        with winograd.flags(enabled=False):
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
