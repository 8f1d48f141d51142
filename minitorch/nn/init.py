"""Filling parameters before training, as ``torch.nn.init``.

Every function fills its tensor in place, without recording, and returns it. The random ones draw from ``generator`` or
from the default generator, so that ``minitorch.manual_seed(0)`` makes a model the same every time.

>>> import minitorch
>>> from minitorch import nn
>>> nn.init.constant_(minitorch.empty(2), 0.5)
tensor([0.5000, 0.5000])
"""

from __future__ import annotations

import math
from typing import Any

from .. import random
from ..autograd import no_grad
from ..ops.inplace import check_in_place, store
from ..random import Generator
from ..tensor import Tensor

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


def _fill(name: str, tensor: Tensor, value: Any) -> Tensor:
    with no_grad():
        check_in_place(name, tensor)
    return store(tensor, value)


def _check_floating(name: str, tensor: Tensor) -> None:
    if tensor.data.dtype.kind != "f":
        raise RuntimeError(f"{name}: expected a tensor of a floating-point dtype, got {tensor.dtype}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Numbers from [a, b), each as likely as the others."""
    _check_floating("uniform_", tensor)
    if not a <= b:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}")
    unit = random.uniform(tensor.backend, tensor.data.size, tensor.data.dtype, generator)
    return _fill("uniform_", tensor, (unit * (b - a) + a).reshape(tensor.data.shape))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normally distributed numbers."""
    _check_floating("normal_", tensor)
    if not std >= 0:
        raise RuntimeError(f"normal_ expects std >= 0.0, but found std {std}")
    standard = random.normal(tensor.backend, tensor.data.size, tensor.data.dtype, generator)
    return _fill("normal_", tensor, (standard * std + mean).reshape(tensor.data.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """The same number everywhere."""
    return _fill("constant_", tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights must be larger for a nonlinearity to keep the size of what flows through it.

    1 for linear layers and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + param²)) for leaky_relu (param 0.01 unless
    given), 3/4 for selu.

    Raises:
        ValueError: the nonlinearity has no recommended gain here, or ``param`` is no number.
    """
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {slope} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output has, and how many outputs each input: (O, I, …) has I·… and O·…."""
    shape = tensor.data.shape
    if len(shape) < 2:
        raise ValueError(
            f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got shape {tuple(shape)}"
        )
    receptive_field = math.prod(shape[2:])
    return shape[1] * receptive_field, shape[0] * receptive_field


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform with variance gain²·2 / (fan_in + fan_out) (Glorot and Bengio, AISTATS 2010)."""
    a = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with variance gain²·2 / (fan_in + fan_out) (Glorot and Bengio, AISTATS 2010)."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    fans = sum(_calculate_fan_in_and_fan_out(tensor))
    return gain * math.sqrt(2.0 / fans) if fans else 0.0


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform with variance gain² / fan (He et al., ICCV 2015); ``a`` is the slope of a leaky ReLU.

    ``mode`` says whether the size of what flows forwards (``"fan_in"``) or backwards (``"fan_out"``) is kept.
    """
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with variance gain² / fan (He et al., ICCV 2015); see :func:`kaiming_uniform_`."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]
    # A tensor of no elements has nothing to be filled.
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def uniform_bias_(bias: Tensor, weight: Tensor, generator: Generator | None = None) -> Tensor:
    """Uniform in ±1/√fan_in of the layer's weight: the biases of linear and convolutional layers."""
    fan_in, _ = _calculate_fan_in_and_fan_out(weight)
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    return uniform_(bias, -bound, bound, generator)
