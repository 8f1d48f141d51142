"""Normalisation that is the same in training and evaluation: layer, group and RMS norm, local response norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ops.creation import empty
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class _Affine(Module):
    """A layer whose ``weight`` begins as 1 and whose ``bias`` begins as 0, or which goes without them."""

    weight: Parameter | None
    bias: Parameter | None

    def _make(self, name: str, shape: tuple[int, ...], learnt: bool, device: Any, dtype: Any) -> None:
        self.register_parameter(name, Parameter(empty(shape, device=device, dtype=dtype)) if learnt else None)

    def reset_parameters(self) -> None:
        """Sets the weight to 1 and the bias to 0."""
        for name, parameter in self.named_parameters(recurse=False):
            (init.zeros_ if name == "bias" else init.ones_)(parameter)


class LayerNorm(_Affine):
    """(x - μ)/√(σ² + eps)·weight + bias, with μ and σ² over the last dimensions, whose sizes ``normalized_shape`` says.

    ``weight`` and ``bias`` have the shape ``normalized_shape``; they are learnt where ``elementwise_affine`` is set.

    >>> import minitorch
    >>> minitorch.nn.LayerNorm(2, elementwise_affine=False)(minitorch.tensor([[1., 3.], [10., 30.]]))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])

    Raises:
        RuntimeError: in the call, where the input's shape doesn't end in ``normalized_shape``.

    Ba, Kiros and Hinton, "Layer normalization" (2016).
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape_of(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make("weight", self.normalized_shape, elementwise_affine, device, dtype)
        self._make("bias", self.normalized_shape, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """x/√(⟨x²⟩ + eps)·weight, with the mean square ⟨x²⟩ over the last dimensions: layer norm without mean and bias.

    ``weight`` has the shape ``normalized_shape``; it is learnt where ``elementwise_affine`` is set. ``eps=None`` is the
    distance from 1 to the next number of the dtype.

    >>> import minitorch
    >>> minitorch.nn.RMSNorm(2, elementwise_affine=False)(minitorch.tensor([[1., 7.], [-10., 70.]]))
    tensor([[ 0.2000,  1.4000],
            [-0.2000,  1.4000]])

    Raises:
        RuntimeError: in the call, where the input's shape doesn't end in ``normalized_shape``.

    Zhang and Sennrich, "Root mean square layer normalization" (2019).
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape_of(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make("weight", self.normalized_shape, elementwise_affine, device, dtype)
        self.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """(x - μ)/√(σ² + eps)·weight + bias, with μ and σ² over groups of the channels of each sample of (N, C, …).

    ``weight`` and ``bias``, one number a channel, are learnt where ``affine`` is set.

    >>> import minitorch
    >>> minitorch.nn.GroupNorm(2, 4, affine=False)(minitorch.tensor([[1., 3., 10., 30.]]))
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])

    Raises:
        ValueError: ``num_groups`` isn't positive or doesn't divide ``num_channels``.

    Wu and He, "Group normalization" (2018).
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups <= 0 or num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._make("weight", (num_channels,), affine, device, dtype)
        self._make("bias", (num_channels,), affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """x / (k + alpha/size·Σ x²)^beta, with the sum over ``size`` neighbouring channels of (N, C, …).

    >>> import minitorch
    >>> layer = minitorch.nn.LocalResponseNorm(3, alpha=3, beta=0.5, k=0)
    >>> layer(minitorch.tensor([[[3.], [4.], [0.]]])).flatten()
    tensor([0.6000, 0.8000, 0.0000])

    Raises:
        ValueError: in the call, where the input has fewer than three dimensions.

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks" (2012), section
    3.3.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _shape_of(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
