"""Batch, instance, group, layer and RMS norm, and vectors of norm 1.

They differ in which elements share a mean and a variance: of (N, C, H, W) batch norm takes those of a channel, layer
norm those of a sample, group norm those of some channels of a sample, instance norm those of one channel of one sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor
from .dispatch import cast, check_floating, in_float32, is_half
from .inplace import store
from .reduce import Dim
from .shape import reshape
from .standardize import Standardize, affine, check_parameters, wide
from .vector_norm import norm

# ---- over channels ---------------------------------------------------------------------------------------------------


def _check_channels(name: str, input: Tensor) -> None:
    check_floating(name, input)
    if input.data.ndim < 2:
        raise RuntimeError(
            f"{name}: Expected at least 2 dimensions for input tensor but received {input.data.ndim}, shape "
            f"{tuple(input.data.shape)}; it is (N, C, …)"
        )


def _channel_shape(input: Tensor) -> tuple[int, ...]:
    """The shape in which one number a channel broadcasts over (N, C, …)."""
    return 1, int(input.data.shape[1]), *(1,) * (input.data.ndim - 2)


def _with_running_statistics(
    input: Tensor, mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """(x - μ)·(w/√(σ² + ε)) + b with given μ and σ²: the factor is computed once a channel."""
    shape = _channel_shape(input)
    scale = (reshape(wide(variance), shape) + eps).rsqrt()
    if weight is not None:
        scale = scale * reshape(wide(weight), shape)
    return affine(wide(input) - reshape(wide(mean), shape), scale, bias, shape)


def _update(running: Tensor, statistic: Any, momentum: float) -> None:
    """Moves a running statistic towards that of this batch."""
    store(running, (1 - momentum) * running.data + momentum * statistic.reshape(running.data.shape))


def _by_channel(
    name: str,
    input: Tensor,
    dims: tuple[int, ...],
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """Batch norm and instance norm, which differ in the ``dims`` that have their statistics in common."""
    channels = (input.data.shape[1],)
    running = {"running_mean": running_mean, "running_var": running_var}
    check_parameters(name, input, channels, **running, weight=weight, bias=bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            missing = " and ".join(role for role, tensor in running.items() if tensor is None)
            raise RuntimeError(f"{name}: {missing} must be defined in evaluation mode, got None")
        output = _with_running_statistics(input, running_mean, running_var, weight, bias, eps)
        return cast(output, input.dtype)
    if (running_mean is None) != (running_var is None):
        raise ValueError(f"{name}: running_mean and running_var must either both be None or neither be None")
    normalized, _, mean, variance = Standardize.apply(wide(input), dims, eps, True)
    count = math.prod([input.data.shape[d] for d in dims])
    if running_mean is not None and running_var is not None and input.data.size:
        # Of the variance an estimate without bias is kept: it is for other data than those that gave the mean.
        unbiased = variance.data * (count / (count - 1))
        if 0 not in dims:  # each sample has its own statistics
            mean, unbiased = mean.mean(0), unbiased.mean(axis=0)
        _update(running_mean, mean.data, momentum)
        _update(running_var, unbiased, momentum)
    return cast(affine(normalized, weight, bias, _channel_shape(input)), input.dtype)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """``(x - μ)/√(σ² + eps)·weight + bias``: each channel gets mean ``bias`` and standard deviation ``weight``.

    In training μ and σ² are those of the batch, over all dimensions but the second, and the running ones move towards
    them: ``running = (1 - momentum)·running + momentum·new``, with the unbiased estimate of σ². Else μ and σ² are
    ``running_mean`` and ``running_var``.

    Args:
        input: (N, C, …).
        running_mean: (C); in training changed in place, or None.
        running_var: (C); in training changed in place, or None.
        weight: (C), or None for 1.
        bias: (C), or None for 0.
        training: whether to use the statistics of this batch.
        momentum: how far the running statistics move.
        eps: keeps the root from 0.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.batch_norm(minitorch.tensor([[1., 10.], [3., 30.]]), None, None, training=True)
    tensor([[-1.0000, -1.0000],
            [ 1.0000,  1.0000]])

    Raises:
        ValueError: in training there is only one number a channel, or only one running statistic, or ``eps`` isn't
            positive (else: is negative).
        RuntimeError: a tensor hasn't C elements, the dtypes or devices differ, a running statistic requires grad or,
            out of training, is missing.

    Ioffe and Szegedy, "Batch normalization" (2015), algorithms 1 and 2.
    """
    if isinstance(input, Tensor) and input.data.shape == (0,):  # no channels and nothing to normalise
        return input
    _check_channels("batch_norm", input)
    shape = tuple(input.data.shape)
    if training and math.prod(shape[:1] + shape[2:]) == 1:
        raise ValueError(f"batch_norm: Expected more than 1 value per channel when training, got input size {shape}")
    if eps < 0 or (training and eps == 0):
        wanted = "positive during training" if training else "non-negative"
        raise ValueError(f"batch_norm eps must be {wanted}, but got {eps}")
    dims = (0, *range(2, len(shape)))
    return _by_channel("batch_norm", input, dims, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch norm of each sample on its own: ``(x - μ)/√(σ² + eps)·weight + bias``, with μ and σ² of one channel of it.

    The running statistics, where there are any, move towards the means over the batch; without ``use_input_stats``
    they are what μ and σ² are. All arguments are those of :func:`batch_norm`.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.instance_norm(minitorch.tensor([[[1., 3.], [10., 30.]]]))
    tensor([[[-1.0000,  1.0000],
             [-1.0000,  1.0000]]])

    Raises:
        ValueError: there is only one number in each channel of a sample, or only one running statistic.
        RuntimeError: a tensor hasn't C elements, the dtypes or devices differ, a running statistic requires grad or,
            without ``use_input_stats``, is missing.

    Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast stylization" (2016).
    """
    _check_channels("instance_norm", input)
    shape = tuple(input.data.shape)
    if use_input_stats and math.prod(shape[2:]) == 1:
        raise ValueError(f"instance_norm: Expected more than 1 spatial element when training, got input size {shape}")
    dims = tuple(range(2, len(shape)))
    return _by_channel(
        "instance_norm", input, dims, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Standardizes each of ``num_groups`` groups of channels of each sample, then ``x̂·weight + bias`` by channel.

    Args:
        input: (N, C, …).
        num_groups: divides C. 1 makes one group of all channels, C is instance norm.
        weight: (C), or None for 1.
        bias: (C), or None for 0.
        eps: is added to the variance.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.group_norm(minitorch.tensor([[1., 3., 10., 30.]]), num_groups=2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])

    Raises:
        ValueError: there is only one number in a group, and one sample.
        RuntimeError: ``num_groups`` isn't positive or doesn't divide C, weight or bias isn't (C), the dtypes or devices
            differ, or the input has fewer than two dimensions.

    Wu and He, "Group normalization" (2018).
    """
    _check_channels("group_norm", input)
    shape = tuple(input.data.shape)
    N, C, *places = shape
    if num_groups <= 0:
        raise RuntimeError(f"group_norm: Expected num groups to be greater than 0, got {num_groups}")
    if N * C // num_groups * math.prod(places) == 1:
        raise ValueError(
            f"group_norm: Expected more than 1 value per channel when training, got input size {shape} and "
            f"num_groups={num_groups}"
        )
    if C % num_groups:
        raise RuntimeError(
            f"group_norm: Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{shape} and num_groups={num_groups}"
        )
    for role, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.data.shape != (C,):
            raise RuntimeError(
                f"group_norm: Expected {role} to be a vector of size equal to the number of channels in input, but got "
                f"{role} of shape {tuple(tensor.data.shape)} and input of shape {shape}"
            )
    check_parameters("group_norm", input, (C,), weight=weight, bias=bias)
    groups = reshape(wide(input), (N, num_groups, C // num_groups * math.prod(places)))
    normalized = reshape(Standardize.apply(groups, (2,), eps, True)[0], shape)
    return cast(affine(normalized, weight, bias, _channel_shape(input)), input.dtype)


# ---- over the last dimensions ----------------------------------------------------------------------------------------


def _last_dims(
    name: str, input: Tensor, normalized_shape: Sequence[int], **parameters: Tensor | None
) -> tuple[int, ...]:
    """The dimensions that ``normalized_shape`` names, which the parameters have too."""
    check_floating(name, input)
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(f"{name}: normalized_shape must be tuple of ints, not {type(normalized_shape).__name__}")
    wanted, shape = tuple(normalized_shape), tuple(input.data.shape)
    if not wanted:
        raise RuntimeError(
            f"{name}: Expected normalized_shape to be at least 1-dimensional, but got normalized_shape = []"
        )
    for role, tensor in parameters.items():
        if tensor is not None and tensor.data.shape != wanted:
            raise RuntimeError(
                f"{name}: Expected {role} to be of same shape as normalized_shape, but got {role} of shape "
                f"{list(tensor.data.shape)} and normalized_shape = {list(wanted)}"
            )
    if shape[-len(wanted) :] != wanted:
        expected = ", ".join(["*", *map(str, wanted)])
        raise RuntimeError(
            f"{name}: Given normalized_shape={list(wanted)}, expected input with shape [{expected}], but got input of "
            f"size {list(shape)}"
        )
    check_parameters(name, input, wanted, **parameters)
    return tuple(range(len(shape) - len(wanted), len(shape)))


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """``(x - μ)/√(σ² + eps)·weight + bias``, with μ and σ² over the last dimensions.

    Args:
        input: (…, normalized_shape).
        normalized_shape: the sizes of the dimensions to standardize together.
        weight: a factor for each element of ``normalized_shape``, or None for 1.
        bias: a summand for each element of ``normalized_shape``, or None for 0.
        eps: is added to the variance.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.layer_norm(minitorch.tensor([[1., 3.], [10., 30.]]), (2,))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])

    Raises:
        RuntimeError: the input's shape doesn't end in ``normalized_shape``, that is empty, or weight or bias has
            another shape; or the dtypes or devices differ.

    Ba, Kiros and Hinton, "Layer normalization" (2016).
    """
    dims = _last_dims("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    normalized = Standardize.apply(wide(input), dims, eps, True)[0]
    return cast(affine(normalized, weight, bias, tuple(normalized_shape)), input.dtype)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """``x/√(⟨x²⟩ + eps)·weight``, with the mean square ⟨x²⟩ over the last dimensions: layer norm without the mean.

    Args:
        input: (…, normalized_shape).
        normalized_shape: the sizes of the dimensions to scale together.
        weight: a factor for each element of ``normalized_shape``, or None for 1.
        eps: is added to the mean square; None is the distance from 1 to the next number (of float32 for float16).

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.rms_norm(minitorch.tensor([[1., 7.], [-10., 70.]]), (2,))
    tensor([[ 0.2000,  1.4000],
            [-0.2000,  1.4000]])

    Raises:
        RuntimeError: the input's shape doesn't end in ``normalized_shape``, that is empty, or weight has another
            shape; or the dtypes or devices differ.

    Zhang and Sennrich, "Root mean square layer normalization" (2019).
    """
    dims = _last_dims("rms_norm", input, normalized_shape, weight=weight)
    x = wide(input)
    if eps is None:
        eps = float(np.finfo(x.data.dtype).eps)
    return cast(affine(Standardize.apply(x, dims, eps, False)[0], weight, None, tuple(normalized_shape)), input.dtype)


# ---- of vectors ------------------------------------------------------------------------------------------------------


def normalize(input: Tensor, p: float = 2.0, dim: Dim = 1, eps: float = 1e-12) -> Tensor:
    """``x / max(‖x‖, eps)`` for each vector x along ``dim``: its p-norm becomes 1, unless that is below ``eps``.

    Args:
        input: floating-point numbers.
        p: which norm: see :func:`minitorch.norm`.
        dim: the dimension, or dimensions, of the vectors; None makes one of all elements.
        eps: keeps the divisor from 0.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.normalize(minitorch.tensor([[3., 4.], [0., 0.]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])

    Raises:
        RuntimeError: the dtype is no floating one.
        IndexError: there is no such dimension.
    """
    if is_half(input):  # in which the usual eps would be 0
        return in_float32(normalize, input, p, dim, eps)
    return input / norm(input, p, dim, True).clamp(min=eps)
