"""Filling parameters before training, as ``torch.nn.init``.

Every function fills its tensor in place, without recording, and returns it. The random ones draw from ``generator`` or
from the default generator, so that ``minitorch.manual_seed(0)`` makes a model the same every time.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from .. import random
from ..autograd import no_grad
from ..devices import on_its_device
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


@on_its_device
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Numbers from [a, b), each as likely as the others.

    >>> import minitorch
    >>> w = minitorch.nn.init.uniform_(minitorch.empty(1000), -1, 1)
    >>> bool((w >= -1).all() and (w < 1).all())
    True

    Raises:
        RuntimeError: a > b, or the dtype is no floating one.
    """
    _check_floating("uniform_", tensor)
    if not a <= b:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}")
    unit = random.uniform(tensor.backend, tensor.data.size, tensor.data.dtype, generator)
    return _fill("uniform_", tensor, (unit * (b - a) + a).reshape(tensor.data.shape))


@on_its_device
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normally distributed numbers with this mean and standard deviation.

    >>> import minitorch
    >>> w = minitorch.nn.init.normal_(minitorch.empty(10_000), mean=5, std=0.1)
    >>> print(f"{w.mean():.1f} {w.std():.1f}")
    5.0 0.1

    Raises:
        RuntimeError: ``std`` is negative, or the dtype is no floating one.
    """
    _check_floating("normal_", tensor)
    if not std >= 0:
        raise RuntimeError(f"normal_ expects std >= 0.0, but found std {std}")
    standard = random.normal(tensor.backend, tensor.data.size, tensor.data.dtype, generator)
    return _fill("normal_", tensor, (standard * std + mean).reshape(tensor.data.shape))


@on_its_device
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normally distributed numbers of which those outside [a, b] were drawn again; ``std`` is that before.

    Where that would take long, uniform numbers from [a, b] are kept as often as their density says: rejection sampling
    (von Neumann, 1951) either way.

    >>> import minitorch
    >>> w = minitorch.nn.init.trunc_normal_(minitorch.empty(10_000), std=0.02, a=-0.04, b=0.04)
    >>> bool((w.abs() <= 0.04).all())
    True

    Raises:
        ValueError: ``std`` is not positive, or a > b.
        RuntimeError: the dtype is no floating one.
    """
    _check_floating("trunc_normal_", tensor)
    if not std > 0:
        raise ValueError(f"trunc_normal_ expects std > 0, but found std {std}")
    if not a <= b:
        raise ValueError(f"trunc_normal_ expects a <= b, but found a={a} > b={b}")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be "
            "incorrect.",
            stacklevel=2,
        )
    xp, n, dtype = tensor.backend.xp, tensor.data.size, tensor.data.dtype
    mode = min(max(mean, a), b)  # the likeliest number in [a, b]
    # Numbers further than ten deviations from it are at least e⁵⁰ times less likely.
    low, high = max(a, mode - 10 * std), min(b, mode + 10 * std)
    inside = (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))) / 2
    values, missing = xp.empty(n, dtype), xp.arange(n)
    while missing.size:
        if inside > 0.3:
            drawn = random.normal(tensor.backend, missing.size, dtype, generator) * std + mean
            kept = (drawn >= a) & (drawn <= b)
        else:
            drawn = random.uniform(tensor.backend, missing.size, dtype, generator) * (high - low) + low
            log_density = (((mode - mean) / std) ** 2 - ((drawn - mean) / std) ** 2) / 2
            kept = random.uniform(tensor.backend, missing.size, dtype, generator) < xp.exp(log_density)
        values[missing[kept]] = drawn[kept]
        missing = missing[~kept]
    return _fill("trunc_normal_", tensor, values.reshape(tensor.data.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """The same number everywhere.

    >>> import minitorch
    >>> minitorch.nn.init.constant_(minitorch.empty(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    return _fill("constant_", tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones, as the weights of normalising layers start.

    >>> import minitorch
    >>> minitorch.nn.init.ones_(minitorch.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros. Right for biases; weights of zero would all get the same gradient, and stay alike for ever.

    >>> import minitorch
    >>> minitorch.nn.init.zeros_(minitorch.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0)


@on_its_device
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, as far as the sides allow: a linear layer then passes its inputs on.

    >>> import minitorch
    >>> minitorch.nn.init.eye_(minitorch.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])

    Raises:
        ValueError: the tensor is no matrix.
    """
    _check_matrix("eye_", tensor)
    return _fill("eye_", tensor, tensor.backend.xp.eye(*tensor.data.shape))


@on_its_device
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """1 in the middle of the window from each channel to the same channel, else 0: a convolution is the identity.

    Args:
        tensor: the weight of a convolution, (O, C/groups, …) with one to three dimensions of space.
        groups: each of them passes its first channels on.

    >>> import minitorch
    >>> minitorch.nn.init.dirac_(minitorch.empty(1, 2, 3))
    tensor([[[0., 1., 0.],
             [0., 0., 0.]]])

    Raises:
        ValueError: the tensor has another number of dimensions, or ``groups`` doesn't divide O.
    """
    shape = tensor.data.shape
    if len(shape) not in (3, 4, 5):
        raise ValueError(f"dirac_: only tensors with 3, 4, or 5 dimensions are supported, got shape {shape}")
    if groups < 1 or shape[0] % groups:
        raise ValueError(f"dirac_: dim 0 must be divisible by groups, got {shape[0]} and {groups=}")
    xp = tensor.backend.xp
    outputs = xp.arange(shape[0])
    inputs = outputs % max(shape[0] // groups, 1)  # the number of each channel within its group
    there = inputs < shape[1]
    value = xp.zeros(shape, tensor.data.dtype)
    middles = (outputs[there], inputs[there], *(side // 2 for side in shape[2:]))
    value[middles] = 1
    return _fill("dirac_", tensor, value)


def _check_matrix(name: str, tensor: Tensor) -> None:
    if tensor.data.ndim != 2:
        raise ValueError(f"{name}: only tensors with 2 dimensions are supported, got shape {tensor.data.shape}")


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


@on_its_device
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """A random orthogonal matrix times ``gain``: its rows, or columns if it has fewer, are orthogonal and of length 1.

    Further dimensions count as columns. It is Q of the QR decomposition of a matrix of normally distributed numbers,
    with the signs that make every rotation equally likely (Mezzadri, 2007).

    >>> import minitorch
    >>> w = minitorch.nn.init.orthogonal_(minitorch.empty(2, 5))
    >>> minitorch.allclose(w @ w.T, minitorch.eye(2), atol=1e-6)
    True

    Raises:
        ValueError: the tensor has fewer than 2 dimensions.

    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks"
    (2014).
    """
    shape = tensor.data.shape
    if len(shape) < 2:
        raise ValueError(f"orthogonal_: only tensors with 2 or more dimensions are supported, got shape {shape}")
    _check_floating("orthogonal_", tensor)
    if tensor.data.size == 0:
        return tensor
    xp, rows, columns = tensor.backend.xp, shape[0], math.prod(shape[1:])
    dtype = "float64" if tensor.data.dtype.itemsize == 8 else "float32"
    matrix = random.normal(tensor.backend, rows * columns, dtype, generator).reshape(rows, columns)
    q, r = xp.linalg.qr(matrix if rows >= columns else matrix.T)
    q = q * xp.sign(xp.diagonal(r)) * gain
    return _fill("orthogonal_", tensor, (q if rows >= columns else q.T).reshape(shape))


@on_its_device
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Normally distributed numbers, and in each column ``sparsity`` of the rows, rounded up, are 0.

    >>> import minitorch
    >>> w = minitorch.nn.init.sparse_(minitorch.empty(4, 3), sparsity=0.75)
    >>> (w == 0).sum(dim=0)
    tensor([3, 3, 3])

    Raises:
        ValueError: the tensor is no matrix, or ``sparsity`` isn't between 0 and 1.

    Martens, "Deep learning via Hessian-free optimization" (2010), section 5.
    """
    _check_matrix("sparse_", tensor)
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_ expects sparsity between 0 and 1, but found sparsity {sparsity}")
    normal_(tensor, 0, std, generator)
    rows, columns = tensor.data.shape
    xp = tensor.backend.xp
    keys = random.uniform(tensor.backend, rows * columns, "float64", generator).reshape(rows, columns)
    chosen = xp.argsort(keys, axis=0)[: math.ceil(sparsity * rows)]  # a random order of the rows for each column
    value = tensor.data.copy()
    value[chosen, xp.arange(columns)] = 0
    return _fill("sparse_", tensor, value)


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
