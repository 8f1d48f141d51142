"""Random tensors. All take ``generator``; without one they draw from the default generator (``manual_seed``).

Elements are drawn in C order: the same seed gives the same numbers on every device.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import random
from ..devices import on, on_its_device
from ..dtypes import as_dtype, bool_, int64
from ..dtypes import dtype as Dtype
from ..random import Generator
from ..tensor import Tensor, backend_of, tensor_method
from .creation import integer, made, number, numpy_dtype, shape_of
from .dispatch import Constant, broadcast_shape, check_kind, check_tensors, same_device
from .like import place


def _floating(name: str, array_dtype: Any) -> Any:
    """A dtype that numbers with fractions can be drawn in."""
    if array_dtype.kind != "f":
        raise NotImplementedError(f"{name}: expected a floating-point dtype, got {as_dtype(array_dtype)}")
    return array_dtype


def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform random numbers from [0, 1): ``rand(2, 3)``, ``rand((2, 3))`` or ``rand(size=(2, 3))``.

    >>> import minitorch
    >>> minitorch.rand(3, generator=minitorch.Generator().manual_seed(0))
    tensor([0.3990, 0.8805, 0.7357])

    Raises:
        TypeError: a size is no int.
        RuntimeError: a size is negative.
        NotImplementedError: the dtype is no floating one.
    """
    backend, shape = backend_of(device), shape_of("rand", sizes, size)
    array = random.uniform(backend, math.prod(shape), _floating("rand", numpy_dtype(dtype)), generator)
    return made(array.reshape(shape), backend, requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform random numbers from [0, 1) in the shape (and the dtype and device) of ``input``.

    >>> import minitorch
    >>> x = minitorch.zeros(2, 3, dtype=minitorch.float64)
    >>> minitorch.rand_like(x).shape, minitorch.rand_like(x).dtype
    (minitorch.Size([2, 3]), minitorch.float64)

    Raises:
        TypeError: ``input`` is no tensor.
        NotImplementedError: the dtype is no floating one.
    """
    check_tensors("rand_like", input=input)
    backend, d = place(input, dtype, device)
    array = random.uniform(backend, input.data.size, _floating("rand_like", d), generator)
    return made(array.reshape(input.data.shape), backend, requires_grad)


def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers of the normal distribution with mean 0 and variance 1; sizes as :func:`rand` takes them.

    For another mean and variance write ``mean + std * randn(…)``.

    >>> import minitorch
    >>> minitorch.randn(3, generator=minitorch.Generator().manual_seed(0))
    tensor([-0.0905, -1.6250, -1.0051])

    Raises:
        TypeError, RuntimeError, NotImplementedError: as :func:`rand`.
    """
    backend, shape = backend_of(device), shape_of("randn", sizes, size)
    array = random.normal(backend, math.prod(shape), _floating("randn", numpy_dtype(dtype)), generator)
    return made(array.reshape(shape), backend, requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Standard normal random numbers in the shape (and the dtype and device) of ``input``.

    >>> import minitorch
    >>> image = minitorch.ones(3, 8, 8)
    >>> noisy = image + 0.1 * minitorch.randn_like(image)

    Raises:
        TypeError: ``input`` is no tensor.
        NotImplementedError: the dtype is no floating one.
    """
    check_tensors("randn_like", input=input)
    backend, d = place(input, dtype, device)
    array = random.normal(backend, input.data.size, _floating("randn_like", d), generator)
    return made(array.reshape(input.data.shape), backend, requires_grad)


def randint(
    low: Any = None,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random integers from [low, high), each as likely: ``randint(10, (2, 3))`` or ``randint(5, 10, (2, 3))``.

    >>> import minitorch
    >>> dice = minitorch.randint(1, 7, (1000,))
    >>> dice.min(), dice.max()
    (tensor(1), tensor(6))

    Raises:
        TypeError: a bound is no int, or ``size`` no tuple of ints.
        RuntimeError: ``low`` is not less than ``high``, or the dtype can't hold the bounds.
    """
    if size is None:  # randint(high, size)
        low, high, size = None, low, high
    if high is None:  # randint(high, size=size)
        low, high = None, low
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint: expected size to be a tuple of ints, got {type(size).__name__}")
    backend, d = backend_of(device), as_dtype(int64 if dtype is None else dtype)
    first, last = _bounds("randint", low, high, d)
    shape = shape_of("randint", (size,))
    array = random.integers(backend, first, last, math.prod(shape), generator)
    with on(backend):
        return made(array.reshape(shape).astype(d.numpy), backend, requires_grad)


def randint_like(
    input: Tensor,
    low: Any = None,
    high: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random integers from [low, high) in the shape (and the dtype and device) of ``input``.

    ``randint_like(x, 10)`` or ``randint_like(x, 5, 10)``; errors as those of :func:`randint`.

    >>> import minitorch
    >>> x = minitorch.randint_like(minitorch.zeros(2, 3), 10)
    >>> x.shape, x.dtype
    (minitorch.Size([2, 3]), minitorch.float32)
    """
    check_tensors("randint_like", input=input)
    if high is None:
        low, high = None, low
    backend, d = place(input, dtype, device)
    first, last = _bounds("randint_like", low, high, as_dtype(d))
    array = random.integers(backend, first, last, input.data.size, generator)
    with on(backend):
        return made(array.reshape(input.data.shape).astype(d), backend, requires_grad)


def _bounds(name: str, low: Any, high: Any, d: Dtype) -> tuple[int, int]:
    """The bounds of random integers of dtype ``d``."""
    first, last = 0 if low is None else integer(name, "low", low), integer(name, "high", high)
    if first >= last:
        raise RuntimeError(f"{name}: random_ expects 'from' to be less than 'to', but got from={first} >= to={last}")
    if d.is_floating_point:
        smallest, largest = -float(np.finfo(d.numpy).max), float(np.finfo(d.numpy).max)
    else:
        smallest, largest = (0, 1) if d is bool_ else (np.iinfo(d.numpy).min, np.iinfo(d.numpy).max)
    if first < smallest or last - 1 > largest:
        raise RuntimeError(f"{name}: the integers from {first} to {last - 1} are out of bounds for {d}")
    return first, last


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The integers from 0 to n - 1 in random order, each order as likely as any other.

    >>> import minitorch
    >>> order = minitorch.randperm(5)
    >>> order.sort().values
    tensor([0, 1, 2, 3, 4])

    Raises:
        TypeError: ``n`` is no int.
        RuntimeError: ``n`` is negative, or the dtype can't hold so many different integers.
        NotImplementedError: the dtype is bool.
    """
    n = integer("randperm", "n", n)
    backend, d = backend_of(device), as_dtype(int64 if dtype is None else dtype)
    if n < 0:
        raise RuntimeError(f"randperm: expected a number that isn't negative, got {n}")
    if d is bool_:
        raise NotImplementedError("randperm: not implemented for minitorch.bool")
    # A significand of p bits holds every integer up to 2ᵖ.
    largest = 2 ** (np.finfo(d.numpy).nmant + 1) if d.is_floating_point else np.iinfo(d.numpy).max
    if n - 1 > largest:
        raise RuntimeError(f"randperm: the integers below {n} are too many for {d}, which holds those up to {largest}")
    with on(backend):
        return made(random.permutation(backend, n, generator).astype(d.numpy), backend, requires_grad)


@tensor_method("bernoulli")
@on_its_device
def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """1 with probability ``input``, else 0, element by element; with ``p``, a number, 1 with that probability.

    The result has the shape and dtype of ``input``. Its gradient is 0: being random, it has none.

    >>> import minitorch
    >>> minitorch.bernoulli(minitorch.tensor([0., 1.]))
    tensor([0., 1.])

    Raises:
        RuntimeError: a probability is not between 0 and 1.
        NotImplementedError: the probabilities are integers or bools.
    """
    check_tensors("bernoulli", input=input)
    xp, d = input.backend.xp, input.data.dtype
    if p is None:
        check_kind("bernoulli", input, "f")
        if not bool(((input.data >= 0) & (input.data <= 1)).all()):
            raise RuntimeError(
                f"bernoulli: expected probabilities between 0 and 1 in every element of input, got numbers from "
                f"{input.data.min()} to {input.data.max()}"
            )
    elif not 0 <= number("bernoulli", "p", p) <= 1:
        raise RuntimeError(f"bernoulli: expected p to be between 0 and 1, got {p}")
    precise = np.float64 if d.itemsize == 8 else np.float32
    draws = random.uniform(input.backend, input.data.size, precise, generator).reshape(input.data.shape)
    return Constant.apply(xp.less(draws, input.data if p is None else p).astype(d), input)


@on_its_device
def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normally distributed numbers: ``normal(mean, std, size)`` with numbers, or one for each element of tensors.

    With tensors, ``mean`` and ``std`` are broadcast, the dtype is that of ``mean`` (or of ``std`` where ``mean`` is a
    number), and their gradients are 0. For samples that can be differentiated write ``mean + std * randn(…)``.

    >>> import minitorch
    >>> minitorch.normal(minitorch.tensor([1., 2.]), 0.)
    tensor([1., 2.])

    Raises:
        TypeError: ``size`` is missing, or given beside tensors.
        RuntimeError: a standard deviation is negative, or the shapes don't broadcast.
        NotImplementedError: a dtype is no floating one.

    Box and Muller, "A note on the generation of random normal deviates" (1958).
    """
    sources = [t for t in (mean, std) if isinstance(t, Tensor)]
    centre, scale = (
        t.data if isinstance(t, Tensor) else number("normal", name, t) for name, t in (("mean", mean), ("std", std))
    )
    if not isinstance(std, Tensor) and not scale >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    if not sources:
        if size is None:
            raise TypeError("normal: expected a size beside the numbers mean and std")
        unit = randn(size=size, generator=generator, dtype=dtype, device=device)
        return made(unit.data * scale + centre, unit.backend, requires_grad)
    if size is not None or dtype is not None or device is not None:
        raise TypeError("normal: size, dtype and device are those of the tensors mean and std")
    for tensor in sources:
        check_kind("normal", tensor, "f")
    same_device("normal", *sources)
    if isinstance(std, Tensor) and not bool((scale >= 0).all()):
        raise RuntimeError("normal expects all elements of std >= 0.0")
    shape = broadcast_shape("normal", *[t.data.shape for t in sources])
    d = sources[0].data.dtype
    numbers = random.normal(sources[0].backend, math.prod(shape), d, generator).reshape(shape)
    return Constant.apply((numbers * scale + centre).astype(d), *sources)
