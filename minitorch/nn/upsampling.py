"""Layers that make images larger, without parameters."""

from __future__ import annotations

from ..tensor import Tensor
from . import functional as F
from .module import Module


class Upsample(Module):
    """:func:`minitorch.nn.functional.interpolate` as a layer: signals, images or volumes in another size.

    Give ``size`` or ``scale_factor``; ``mode`` is ``"nearest"``, ``"linear"``, ``"bilinear"``, ``"trilinear"``,
    ``"bicubic"`` or another one of ``interpolate``.

    >>> import minitorch
    >>> layer = minitorch.nn.Upsample(scale_factor=2, mode="bilinear")
    >>> layer(minitorch.randn(8, 16, 14, 14)).shape
    minitorch.Size([8, 16, 28, 28])

    Raises:
        ValueError, RuntimeError, NotImplementedError: in the call, as ``interpolate``.
    """

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        self.scale_factor: float | tuple[float, ...] | None
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple([float(factor) for factor in scale_factor])
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        how = self.mode, self.align_corners, self.recompute_scale_factor
        return F.interpolate(input, self.size, self.scale_factor, *how)

    def extra_repr(self) -> str:
        if self.scale_factor is None:
            return f"size={self.size!r}, mode={self.mode!r}"
        return f"scale_factor={self.scale_factor!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """``Upsample(size, scale_factor, mode="nearest")``.

    >>> import minitorch
    >>> minitorch.nn.UpsamplingNearest2d(scale_factor=2)(minitorch.tensor([[[[1., 2.]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        scale_factor: float | tuple[float, float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """``Upsample(size, scale_factor, mode="bilinear", align_corners=True)``: the corners keep their values.

    >>> import minitorch
    >>> minitorch.nn.UpsamplingBilinear2d(size=(1, 4))(minitorch.tensor([[[[0., 3.]]]]))
    tensor([[[[0., 1., 2., 3.]]]])
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        scale_factor: float | tuple[float, float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
