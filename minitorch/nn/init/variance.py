"""Random weights whose variance depends on how many inputs and outputs a layer has (Xavier's and Kaiming's)."""

from __future__ import annotations

import math

from ...random import Generator
from ...tensor import Tensor
from .fill import normal_, uniform_

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights must be larger for a nonlinearity to keep the size of what flows through it.

    1 for linear layers and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + param²)) for leaky_relu (param 0.01 unless
    given), 3/4 for selu.

    >>> import minitorch
    >>> minitorch.nn.init.calculate_gain("leaky_relu", 1.0), minitorch.nn.init.calculate_gain("selu")
    (1.0, 0.75)

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
    """Uniform in ±gain·√(6 / (fan_in + fan_out)), which has the variance gain²·2 / (fan_in + fan_out).

    Activations and gradients then keep about the same size from layer to layer. fan_in is the number of inputs that
    make an output, fan_out that of outputs that an input goes to.

    >>> import minitorch
    >>> w = minitorch.nn.init.xavier_uniform_(minitorch.empty(2, 4))  # ±√(6 / (4 + 2)) = ±1
    >>> bool((w.abs() <= 1).all())
    True

    Raises:
        ValueError: the tensor has fewer than 2 dimensions.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), section 4.2.
    """
    a = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with variance gain²·2 / (fan_in + fan_out); see :func:`xavier_uniform_`, also for errors.

    >>> import minitorch
    >>> w = minitorch.nn.init.xavier_normal_(minitorch.empty(100, 100))
    >>> print(f"{w.std():.1f}")
    0.1
    """
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
    """Uniform in ±gain·√(3 / fan), which has the variance gain² / fan.

    Args:
        a: the slope of a leaky ReLU, which the gain of :func:`calculate_gain` depends on.
        mode: whether the size of what flows forwards (``"fan_in"``) or backwards (``"fan_out"``) is kept.
        nonlinearity: what follows the layer.

    >>> import minitorch
    >>> w = minitorch.nn.init.kaiming_uniform_(minitorch.empty(8, 6), nonlinearity="relu")  # ±√2·√(3 / 6) = ±1
    >>> bool((w.abs() <= 1).all())
    True

    Raises:
        ValueError: the tensor has fewer than 2 dimensions, or there is no such mode or nonlinearity.

    He et al., "Delving deep into rectifiers" (2015), section 2.2.
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
    """Normal with variance gain² / fan; see :func:`kaiming_uniform_`, also for arguments and errors.

    >>> import minitorch
    >>> w = minitorch.nn.init.kaiming_normal_(minitorch.empty(100, 200), nonlinearity="relu")
    >>> print(f"{w.std():.1f}")
    0.1
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]
    # A tensor of no elements has nothing to be filled.
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


def uniform_bias_(bias: Tensor, weight: Tensor, generator: Generator | None = None) -> Tensor:
    """Uniform in ±1/√fan_in of the layer's weight: the biases of linear and convolutional layers.

    >>> import minitorch
    >>> bias = minitorch.nn.init.uniform_bias_(minitorch.empty(8), minitorch.empty(8, 16))
    >>> bool((bias.abs() <= 0.25).all())
    True
    """
    fan_in, _ = _calculate_fan_in_and_fan_out(weight)
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    return uniform_(bias, -bound, bound, generator)
