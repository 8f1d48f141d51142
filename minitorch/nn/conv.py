"""Convolutional layers."""

from __future__ import annotations

import math
from typing import Any

from ..ops.creation import empty
from ..ops.geometry import Pair, check_at_least, pair_of
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class Conv2d(Module):
    """y[n, o] = b[o] + Σ_c w[o, c] ⋆ x[n, c]: (N, in_channels, H, W) → (N, out_channels, OH, OW).

    OH = ⌊(H + 2·padding - dilation·(KH - 1) - 1) / stride⌋ + 1, and OW likewise. ``weight`` is (out_channels,
    in_channels/groups, KH, KW), ``bias`` (out_channels); both start uniform in ±1/√(in_channels/groups·KH·KW).

    ``padding`` is a number, a pair, ``"valid"`` (none) or ``"same"`` (OH, OW = H, W; stride 1 only). What is padded
    are zeros, the only ``padding_mode`` there is.

    >>> import minitorch
    >>> layer = minitorch.nn.Conv2d(1, 6, kernel_size=5)
    >>> layer(minitorch.randn(8, 1, 32, 32)).shape
    minitorch.Size([8, 6, 28, 28])

    Raises:
        ValueError: ``groups`` doesn't divide the channels, or a padding is unknown.
        RuntimeError: a size is not positive; or in the call, where the input doesn't fit.
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | str = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair_of("Conv2d", "kernel_size", kernel_size)
        self.stride = pair_of("Conv2d", "stride", stride)
        self.padding = padding if isinstance(padding, str) else pair_of("Conv2d", "padding", padding)
        self.dilation = pair_of("Conv2d", "dilation", dilation)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check()
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def _check(self) -> None:
        """Raises for arguments that no input could fit."""
        if self.groups <= 0:
            raise ValueError(f"Conv2d: groups must be a positive integer, got {self.groups}")
        for name, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels < 0 or channels % self.groups != 0:
                raise ValueError(f"Conv2d: {name} must be divisible by groups, got {channels} and {self.groups}")
        check_at_least("Conv2d", 1, kernel_size=self.kernel_size, stride=self.stride, dilation=self.dilation)
        if not isinstance(self.padding, str):
            check_at_least("Conv2d", 0, padding=self.padding)
        elif self.padding not in ("same", "valid"):
            raise ValueError(f"Conv2d: padding must be 'same', 'valid' or numbers, got {self.padding!r}")
        elif self.padding == "same" and self.stride != (1, 1):
            raise ValueError(f"Conv2d: padding='same' is not supported for strided convolutions, got {self.stride=}")
        if self.padding_mode != "zeros":
            raise ValueError(f"Conv2d: padding_mode must be 'zeros', got {self.padding_mode!r}")

    def reset_parameters(self) -> None:
        """Draws weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            init.uniform_bias_(self.bias, self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text if self.bias is not None else f"{text}, bias=False"
