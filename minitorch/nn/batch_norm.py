"""Normalisation by statistics of each channel: batch norm and instance norm."""

from __future__ import annotations

import warnings
from typing import Any

from ..dtypes import int64
from ..ops.creation import empty, ones, zeros
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class _ChannelNorm(Module):
    """What batch norm and instance norm have in common: parameters, running statistics, and how they are shown."""

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    ndims: tuple[int, int]  # of the inputs that a subclass takes

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name, learnt in (("weight", affine), ("bias", affine and bias)):
            parameter = Parameter(empty(num_features, device=device, dtype=dtype)) if learnt else None
            self.register_parameter(name, parameter)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", ones(num_features, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("num_batches_tracked", zeros((), device=device, dtype=int64) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forgets the running statistics: mean 0, variance 1, no batches."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forgets the running statistics and sets the weight to 1, the bias to 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.data.ndim not in self.ndims:
            expected = " or ".join(f"{n}D" for n in dict.fromkeys(self.ndims))
            raise ValueError(f"expected {expected} input (got {input.data.ndim}D input, {tuple(input.data.shape)})")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        momentum = self.momentum
        tracks = self.training and self.track_running_stats
        if tracks and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        if momentum is None:  # then the running statistics are the means over all batches so far
            momentum = 1 / float(self.num_batches_tracked) if tracks and self.num_batches_tracked is not None else 0.0
        # Statistics that aren't tracked must not be changed in training.
        keeps = tracks or not self.training
        return F.batch_norm(
            input,
            self.running_mean if keeps else None,
            self.running_var if keeps else None,
            self.weight,
            self.bias,
            self.training or (self.running_mean is None and self.running_var is None),
            momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """(x - μ)/√(σ² + eps)·weight + bias for each channel of (N, C) or (N, C, L).

    In training μ and σ² are those of the batch, and ``running_mean`` and ``running_var`` move by ``momentum`` towards
    them (with None: they are the means over all batches); in evaluation these are used. ``weight`` and ``bias``, one
    number a channel, are learnt where ``affine`` is set. Without ``track_running_stats`` the statistics are always
    those of the batch.

    >>> import minitorch
    >>> layer = minitorch.nn.BatchNorm1d(2, affine=False)
    >>> layer(minitorch.tensor([[1., 10.], [3., 30.]]))
    tensor([[-1.0000, -1.0000],
            [ 1.0000,  1.0000]])
    >>> layer.running_mean
    tensor([0.2000, 2.0000])

    Raises:
        ValueError: in the call, where the input has other dimensions, or in training only one number a channel.
        RuntimeError: in the call, where the input hasn't ``num_features`` channels.

    Ioffe and Szegedy, "Batch normalization" (2015).
    """

    ndims = 2, 3


class BatchNorm2d(_BatchNorm):
    """(x - μ)/√(σ² + eps)·weight + bias for each channel of (N, C, H, W): see :class:`BatchNorm1d`.

    >>> import minitorch
    >>> layer = minitorch.nn.BatchNorm2d(3)
    >>> layer(minitorch.randn(8, 3, 5, 5)).shape
    minitorch.Size([8, 3, 5, 5])
    >>> list(layer.state_dict())
    ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']

    Raises:
        ValueError: in the call, where the input has other dimensions, or in training only one number a channel.
        RuntimeError: in the call, where the input hasn't ``num_features`` channels.

    Ioffe and Szegedy, "Batch normalization" (2015).
    """

    ndims = 4, 4


class _InstanceNorm(_ChannelNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        batched = input.data.ndim == self.ndims[1]
        dim = 1 if batched else 0
        channels = input.data.shape[dim]
        if channels != self.num_features:
            found = f"input's size at dim={dim} to match num_features ({self.num_features}), but got: {channels}."
            if self.affine:
                raise ValueError(f"expected {found}")
            warnings.warn(
                f"expected {found} It is not used because affine=False; give the right one to silence this warning.",
                stacklevel=2,
            )
        output = F.instance_norm(
            input if batched else input.unsqueeze(0),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return output if batched else output.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """(x - μ)/√(σ² + eps)·weight + bias, with μ and σ² of each channel of each sample of (N, C, L) or (C, L).

    ``weight`` and ``bias`` are learnt where ``affine`` is set. With ``track_running_stats`` the means of μ and σ² over
    the batches are kept, and used in evaluation.

    >>> import minitorch
    >>> minitorch.nn.InstanceNorm1d(2)(minitorch.tensor([[1., 3.], [10., 30.]]))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])

    Raises:
        ValueError: in the call, where the input has other dimensions, another number of channels than the parameters
            or running statistics, or only one number in each channel of a sample.

    Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast stylization" (2016).
    """

    ndims = 2, 3


class InstanceNorm2d(_InstanceNorm):
    """(x - μ)/√(σ² + eps)·weight + bias, with μ and σ² of each channel of each sample of (N, C, H, W) or (C, H, W).

    See :class:`InstanceNorm1d`.

    >>> import minitorch
    >>> minitorch.nn.InstanceNorm2d(3, affine=True)(minitorch.randn(8, 3, 5, 5)).shape
    minitorch.Size([8, 3, 5, 5])

    Raises:
        ValueError: in the call, where the input has other dimensions, another number of channels than the parameters
            or running statistics, or only one number in each channel of a sample.

    Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast stylization" (2016).
    """

    ndims = 3, 4
