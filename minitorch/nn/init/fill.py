"""Numbers, matrices and distributions that are given as they are."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ... import random
from ...autograd import no_grad
from ...devices import on_its_device
from ...ops.inplace import check_in_place, store
from ...random import Generator
from ...tensor import Tensor, backend_of


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
    return _fill("trunc_normal_", tensor, _drawn_between(tensor, mean, std, a, b, generator))


@on_its_device
def _drawn_between(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None) -> Any:
    """An array of the tensor's shape of normally distributed numbers in [a, b]."""
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
    return values.reshape(tensor.data.shape)


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
    rows, columns = shape[0], math.prod(shape[1:])
    dtype = "float64" if tensor.data.dtype.itemsize == 8 else "float32"
    # On the CPU wherever the tensor is: another library's Q, rounded in other ways, would be other weights of one seed.
    matrix = random.normal(backend_of("cpu"), rows * columns, dtype, generator).reshape(rows, columns)
    q, r = np.linalg.qr(matrix if rows >= columns else matrix.T)
    q = q * np.sign(np.diagonal(r)) * gain
    return _fill("orthogonal_", tensor, tensor.backend.move((q if rows >= columns else q.T).reshape(shape)))


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
