"""Four ways to compute a convolution and its two gradients.

``"auto"`` is the backend: kernels written for its machine. The others are array code, to be read and compared, and
best read in this order: ``direct``, ``im2col``, ``fft``. Each is a class with the backend's three functions
(``minitorch.backends.protocol``), one file each, and all give the same numbers but for rounding.

With N images of C channels, O output channels, a K × K kernel and P output pixels (groups divide C; where
``minitorch.backends.winograd`` is used, ``"auto"`` has less than half of the multiplications):

=============  =================================  =====================  ===========================================
algorithm      multiplications                    memory besides output  where it wins
=============  =================================  =====================  ===========================================
``"auto"``     N·O·C·K²·P                         a few blocks           nearly everywhere
``"direct"``   N·O·C·K²·P                         N·C·P                  where memory is scarce; it takes integers
``"im2col"``   N·O·C·K²·P, in one matrix product  N·C·K²·P               of the array code, for small kernels
``"fft"``      2·N·O·C·P, and the transforms      (N·C + O·C + N·O)·P    for large kernels: of the array code above
                                                                         about 7 × 7, of all above about 25 × 25
=============  =================================  =====================  ===========================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..geometry import Pair
from .direct import Direct
from .fft import Fft
from .im2col import Im2col

if TYPE_CHECKING:
    from ...backends.protocol import Backend

__all__ = ["ALGORITHMS", "ConvKernels", "kernels_of"]


class ConvKernels(Protocol):
    """What computes a convolution and its gradients: a backend, or one of the algorithms here. All are of arrays."""

    def conv2d(
        self, input: Any, weight: Any, bias: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Any: ...

    def conv2d_backward_input(
        self,
        grad_output: Any,
        weight: Any,
        input_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Any: ...

    def conv2d_backward_weight(
        self,
        input: Any,
        grad_output: Any,
        weight_shape: Sequence[int],
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Any: ...


ALGORITHMS: dict[str, Callable[[Backend], ConvKernels]] = {
    "auto": lambda backend: backend,
    "direct": Direct,
    "im2col": Im2col,
    "fft": Fft,
}


def kernels_of(algorithm: str, backend: Backend) -> ConvKernels:
    """What computes convolutions by ``algorithm`` on the arrays of ``backend``.

    Raises:
        ValueError: there is no algorithm of that name.
    """
    make = ALGORITHMS.get(algorithm)
    if make is None:
        names = ", ".join(map(repr, ALGORITHMS))
        raise ValueError(f"conv2d: algorithm must be one of {names}, got {algorithm!r}")
    return make(backend)
