"""Convolutional layers: convolution and its transpose, over signals and images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..ops.creation import empty
from ..ops.geometry import check_at_least, sizes_of
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

Sizes = int | tuple[int, ...]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Layer(Module):
    """What the four layers share: their arguments, checked, and their parameters."""

    dims: int  # over how many dimensions the kernel slides
    padding: Any  # a number for each, "same" or "valid"
    transposed = False
    weight: Parameter
    bias: Parameter | None

    def _set_up(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        output_padding: Sizes,
        dilation: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        name = type(self).__name__
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = sizes_of(name, "kernel_size", kernel_size, self.dims)
        self.stride = sizes_of(name, "stride", stride, self.dims)
        self.padding = padding if isinstance(padding, str) else sizes_of(name, "padding", padding, self.dims)
        self.output_padding = sizes_of(name, "output_padding", output_padding, self.dims)
        self.dilation = sizes_of(name, "dilation", dilation, self.dims)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check(name)
        # The weight of a transposed convolution is that of the convolution the other way.
        inputs, outputs = (out_channels, in_channels) if self.transposed else (in_channels, out_channels)
        shape = (outputs, inputs // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def _check(self, name: str) -> None:
        """Raises for arguments that no input could fit."""
        if self.groups <= 0:
            raise ValueError(f"{name}: groups must be a positive integer, got {self.groups}")
        for argument, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels < 0 or channels % self.groups != 0:
                raise ValueError(f"{name}: {argument} must be divisible by groups, got {channels} and {self.groups}")
        check_at_least(name, 1, kernel_size=self.kernel_size, stride=self.stride, dilation=self.dilation)
        check_at_least(name, 0, output_padding=self.output_padding)
        if not isinstance(self.padding, str):
            check_at_least(name, 0, padding=self.padding)
        elif self.padding not in ("same", "valid"):
            raise ValueError(f"{name}: padding must be 'same', 'valid' or numbers, got {self.padding!r}")
        elif self.padding == "same" and max(self.stride) > 1:
            raise ValueError(
                f"{name}: padding='same' is not supported for strided convolutions, got stride={self.stride}"
            )
        if self.padding_mode not in PADDING_MODES:
            raise ValueError(f"{name}: padding_mode must be one of {PADDING_MODES}, got {self.padding_mode!r}")

    def reset_parameters(self) -> None:
        """Draws weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            init.uniform_bias_(self.bias, self.weight)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * self.dims:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self.dims:
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * self.dims:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


# ---- convolution -----------------------------------------------------------------------------------------------------


class _Conv(_Layer):
    _convolve: Callable[..., Tensor]  # the function of nn.functional

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = dilation, groups, bias, padding_mode, device, dtype
        self._set_up(in_channels, out_channels, kernel_size, stride, padding, 0, *options)

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._edges(), self.padding_mode), 0
        return self._convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _edges(self) -> list[int]:
        """The padding as ``F.pad`` takes it: (before, after) for each dimension, the last one first."""
        edges: list[int] = []
        for dim in range(self.dims):
            if isinstance(self.padding, str):
                zeros = self.dilation[dim] * (self.kernel_size[dim] - 1) if self.padding == "same" else 0
                edges = [zeros // 2, zeros - zeros // 2, *edges]
            else:
                edges = [self.padding[dim], self.padding[dim], *edges]
        return edges


class Conv1d(_Conv):
    """y[n, o] = b[o] + Σ_c w[o, c] ⋆ x[n, c], over signals: (N, in_channels, L) → (N, out_channels, OL).

    As :class:`Conv2d`, in one dimension. ``weight`` is (out_channels, in_channels/groups, K).

    >>> import minitorch
    >>> layer = minitorch.nn.Conv1d(2, 6, kernel_size=5, padding="same")
    >>> layer(minitorch.randn(8, 2, 100)).shape
    minitorch.Size([8, 6, 100])

    Raises:
        ValueError, RuntimeError: as :class:`Conv2d`.
    """

    dims = 1
    _convolve = staticmethod(F.conv1d)


class Conv2d(_Conv):
    """y[n, o] = b[o] + Σ_c w[o, c] ⋆ x[n, c]: (N, in_channels, H, W) → (N, out_channels, OH, OW).

    OH = ⌊(H + 2·padding - dilation·(KH - 1) - 1) / stride⌋ + 1, and OW likewise. ``weight`` is (out_channels,
    in_channels/groups, KH, KW), ``bias`` (out_channels); both start uniform in ±1/√(in_channels/groups·KH·KW).

    ``padding`` is a number, a pair, ``"valid"`` (none) or ``"same"`` (OH, OW = H, W; stride 1 only). What is padded
    are zeros, or with another ``padding_mode`` what :func:`minitorch.nn.functional.pad` takes from the image itself:
    ``"reflect"``, ``"replicate"`` or ``"circular"``.

    >>> import minitorch
    >>> layer = minitorch.nn.Conv2d(1, 6, kernel_size=5)
    >>> layer(minitorch.randn(8, 1, 32, 32)).shape
    minitorch.Size([8, 6, 28, 28])

    Raises:
        ValueError: ``groups`` doesn't divide the channels, or a padding is unknown.
        RuntimeError: a size is not positive; or in the call, where the input doesn't fit.
    """

    dims = 2
    _convolve = staticmethod(F.conv2d)


# ---- transposed convolution ------------------------------------------------------------------------------------------


class _ConvTranspose(_Layer):
    transposed = True
    _convolve: Callable[..., Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if padding_mode != "zeros":
            raise ValueError(f"{name}: padding_mode must be 'zeros', got {padding_mode!r}")
        padding = sizes_of(name, "padding", padding, self.dims)
        options = output_padding, dilation, groups, bias, padding_mode, device, dtype
        self._set_up(in_channels, out_channels, kernel_size, stride, padding, *options)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        extra = self.output_padding if output_size is None else self._output_padding(input, output_size)
        options = self.stride, self.padding, extra, self.groups, self.dilation
        return self._convolve(input, self.weight, self.bias, *options)

    def _output_padding(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output padding that makes the output as large as asked: H, W or with batch and channels before."""
        name, shape = type(self).__name__, input.data.shape
        if len(output_size) not in (self.dims, len(shape)):
            raise ValueError(
                f"{name}: for {len(shape)}D input, output_size must have {self.dims} or {len(shape)} elements (got "
                f"{len(output_size)})"
            )
        wanted = tuple(output_size)[-self.dims :]
        geometry = zip(shape[-self.dims :], self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        smallest = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in geometry]
        largest = [n + s - 1 for n, s in zip(smallest, self.stride, strict=True)]
        if any(not low <= n <= high for n, low, high in zip(wanted, smallest, largest, strict=True)):
            raise ValueError(
                f"{name}: requested an output size of {list(wanted)}, but valid sizes range from {smallest} to "
                f"{largest} (for an input of {list(shape[-self.dims :])})"
            )
        return tuple([n - low for n, low in zip(wanted, smallest, strict=True)])


class ConvTranspose1d(_ConvTranspose):
    """The adjoint of a :class:`Conv1d` the other way, with a bias: (N, in_channels, L) → (N, out_channels, OL).

    As :class:`ConvTranspose2d`, in one dimension. ``weight`` is (in_channels, out_channels/groups, K).

    >>> import minitorch
    >>> layer = minitorch.nn.ConvTranspose1d(6, 2, kernel_size=4, stride=2, padding=1)
    >>> layer(minitorch.randn(8, 6, 50)).shape
    minitorch.Size([8, 2, 100])

    Raises:
        ValueError, RuntimeError: as :class:`ConvTranspose2d`.
    """

    dims = 1
    _convolve = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """The adjoint of a :class:`Conv2d` the other way, with a bias: (N, in_channels, H, W) → (N, out_channels, OH, OW).

    OH = (H - 1)·stride - 2·padding + dilation·(KH - 1) + output_padding + 1, and OW likewise. ``weight`` is
    (in_channels, out_channels/groups, KH, KW), that of a convolution from ``out_channels`` to ``in_channels``;
    ``bias`` is (out_channels). Both start uniform in ±1/√(out_channels/groups·KH·KW).

    With a stride, a convolution gives images of several sizes the same output size, and ``output_padding`` chooses
    among them. The call may name the one that is meant: ``layer(input, output_size)``, in place of ``output_padding``.

    >>> import minitorch
    >>> down = minitorch.nn.Conv2d(1, 6, kernel_size=3, stride=2, padding=1)
    >>> up = minitorch.nn.ConvTranspose2d(6, 1, kernel_size=3, stride=2, padding=1)
    >>> image = minitorch.randn(8, 1, 12, 11)
    >>> up(down(image)).shape, up(down(image), output_size=image.shape).shape
    (minitorch.Size([8, 1, 11, 11]), minitorch.Size([8, 1, 12, 11]))

    Raises:
        ValueError: ``groups`` doesn't divide the channels, the padding mode isn't ``"zeros"``; or in the call, no
            output padding gives ``output_size``.
        RuntimeError: a size is not positive; or in the call, where the input doesn't fit.
    """

    dims = 2
    _convolve = staticmethod(F.conv_transpose2d)
