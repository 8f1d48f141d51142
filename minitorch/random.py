"""Random numbers from a counter-based generator: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", 2011).

Word i of a stream depends on the seed and on i alone, so the numbers are the same on every device and for every number
of threads. A :class:`Generator` is a seed and the number of the next block of four words.
"""

from __future__ import annotations

import math
import operator
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .backends.protocol import Backend
from .devices import device as Device
from .devices import on_its_device


class Generator:
    """A source of random numbers: ``Generator().manual_seed(0)``.

    >>> import minitorch
    >>> g = minitorch.Generator().manual_seed(7)
    >>> a = minitorch.rand(3, generator=g)
    >>> bool((minitorch.rand(3, generator=g.manual_seed(7)) == a).all())
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.device = Device(device)
        self._lock = threading.Lock()
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream of ``seed`` from its beginning; returns the generator.

        Raises:
            ValueError: ``seed`` is not in [-2⁶³, 2⁶⁴). Negative ones count from 2⁶⁴ downwards.
        """
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed: expected a seed from -2**63 to 2**64 - 1, got {seed}")
        self._seed = seed & 0xFFFF_FFFF_FFFF_FFFF
        self._offset = 0
        return self

    def seed(self) -> int:
        """Starts a stream that the operating system chooses; returns its seed."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def initial_seed(self) -> int:
        """The seed of this stream."""
        return self._seed

    def get_state(self) -> tuple[int, int]:
        """Where the stream stands, for :meth:`set_state`: its seed and the number of the next block."""
        return self._seed, self._offset

    def set_state(self, state: tuple[int, int]) -> Generator:
        """Continues where :meth:`get_state` was called.

        Raises:
            TypeError: ``state`` is not what :meth:`get_state` gives.
        """
        try:
            self._seed, self._offset = map(operator.index, state)
        except (TypeError, ValueError):
            raise TypeError(f"set_state: expected the two ints that get_state() gave, got {state!r}") from None
        return self

    def clone_state(self) -> Generator:
        """Another generator at the same place of the same stream."""
        return Generator(self.device).set_state(self.get_state())

    def reserve(self, words: int) -> tuple[int, int]:
        """Takes ``words`` words out of the stream: its seed, and the number of the block where they begin."""
        with self._lock:
            offset = self._offset
            self._offset = (offset + -(-words // 4)) & 0xFFFF_FFFF_FFFF_FFFF
        return self._seed, offset


default_generator = Generator()


class _Current(threading.local):
    """What a thread draws from where it is given no generator."""

    generator = default_generator


_current = _Current()


def current_generator() -> Generator:
    """The generator that stands for the default one in this thread."""
    return _current.generator


@contextmanager
def use_generator(generator: Generator) -> Iterator[Generator]:
    """Inside a ``with`` block, ``generator`` is the default one of this thread: what is given no generator draws from
    it, and :func:`manual_seed`, :func:`initial_seed` and the like are about it. Blocks can be nested.

    >>> import minitorch
    >>> from minitorch.random import use_generator
    >>> before = minitorch.get_rng_state()
    >>> with use_generator(minitorch.Generator().manual_seed(7)):
    ...     x = minitorch.rand(3)
    >>> minitorch.equal(x, minitorch.rand(3, generator=minitorch.Generator().manual_seed(7)))
    True
    >>> minitorch.get_rng_state() == before
    True

    Raises:
        TypeError: ``generator`` is no Generator.
    """
    if not isinstance(generator, Generator):
        raise TypeError(f"use_generator: expected a Generator, got {type(generator).__name__}")
    before = _current.generator
    _current.generator = generator
    try:
        yield generator
    finally:
        _current.generator = before


def _unlock_after_fork() -> None:
    # Another thread may have held it, which the child doesn't have.
    default_generator._lock = threading.Lock()


os.register_at_fork(after_in_child=_unlock_after_fork)


def manual_seed(seed: int) -> Generator:
    """Seeds the default generator, which everything random uses that is given none; returns it.

    >>> import minitorch
    >>> generator = minitorch.manual_seed(0)
    >>> first = minitorch.rand(3)
    >>> generator = minitorch.manual_seed(0)
    >>> minitorch.equal(minitorch.rand(3), first)
    True

    Raises:
        ValueError: ``seed`` is not in [-2⁶³, 2⁶⁴).
    """
    return _current.generator.manual_seed(seed)


def seed() -> int:
    """Seeds the default generator with a number that the operating system chooses; returns it.

    >>> import minitorch
    >>> seed = minitorch.seed()  # note it down to repeat an experiment
    >>> minitorch.initial_seed() == seed
    True
    """
    return _current.generator.seed()


def initial_seed() -> int:
    """The seed of the default generator, however many numbers were drawn since.

    >>> import minitorch
    >>> generator = minitorch.manual_seed(42)
    >>> minitorch.initial_seed()
    42
    """
    return _current.generator.initial_seed()


def get_rng_state() -> tuple[int, int]:
    """Where the default generator stands, for :func:`set_rng_state`: its seed and the number of its next block.

    >>> import minitorch
    >>> generator = minitorch.manual_seed(42)
    >>> minitorch.get_rng_state()
    (42, 0)
    """
    return _current.generator.get_state()


def set_rng_state(state: tuple[int, int]) -> None:
    """Continues the default generator where :func:`get_rng_state` was called.

    >>> import minitorch
    >>> state = minitorch.get_rng_state()
    >>> first = minitorch.rand(3)
    >>> minitorch.set_rng_state(state)
    >>> minitorch.equal(minitorch.rand(3), first)
    True

    Raises:
        TypeError: ``state`` is not what :func:`get_rng_state` gives.
    """
    _current.generator.set_state(state)


@on_its_device
def words(backend: Backend, n: int, generator: Generator | None) -> Any:
    """``n`` random 32-bit words as a uint32 array."""
    seed, offset = (generator or _current.generator).reserve(n)
    return backend.philox(seed, offset, n)


@on_its_device
def uniform(backend: Backend, n: int, dtype: Any, generator: Generator | None) -> Any:
    """``n`` numbers from [0, 1): 24 random bits for float32 and float16, 53 for float64."""
    if np.dtype(dtype).itemsize == 8:
        pairs = words(backend, 2 * n, generator).astype(np.uint64).reshape(n, 2)
        return ((pairs[:, 0] << np.uint64(21)) ^ (pairs[:, 1] >> np.uint64(11))).astype(np.float64) * 2.0**-53
    bits = 24 if np.dtype(dtype).itemsize == 4 else 11
    kept = words(backend, n, generator) >> np.uint32(32 - bits)
    return kept.astype(dtype) * np.dtype(dtype).type(2.0**-bits)


@on_its_device
def normal(backend: Backend, n: int, dtype: Any, generator: Generator | None) -> Any:
    """``n`` standard normal numbers, by Box and Muller (1958): √(-2 ln u)·cos 2πv and √(-2 ln u)·sin 2πv."""
    xp = backend.xp
    drawn = np.float64 if np.dtype(dtype).itemsize == 8 else np.float32
    half = -(-n // 2)
    # In float64: the functions of two devices differ in the last digit, of which rounding leaves no trace in float32.
    uv = uniform(backend, 2 * half, drawn, generator).astype(np.float64).reshape(2, half)
    radius = xp.sqrt(-2 * xp.log1p(-uv[0]))  # 1 - u lies in (0, 1]: the logarithm is finite
    angle = 2 * math.pi * uv[1]
    return xp.concatenate([radius * xp.cos(angle), radius * xp.sin(angle)])[:n].astype(dtype)


@on_its_device
def integers(backend: Backend, low: int, high: int, n: int, generator: Generator | None) -> Any:
    """``n`` integers from [low, high) as int64.

    64 random bits modulo the range: a number's probability is off by less than range·2⁻⁶⁴.
    """
    pairs = words(backend, 2 * n, generator).astype(np.uint64).reshape(n, 2)
    bits = (pairs[:, 0] << np.uint64(32)) | pairs[:, 1]
    return (bits % np.uint64(high - low)).astype(np.int64) + low


@on_its_device
def permutation(backend: Backend, n: int, generator: Generator | None) -> Any:
    """The integers below ``n`` in random order, as int64: in the order of n random 64-bit keys."""
    pairs = words(backend, 2 * n, generator).astype(np.uint64).reshape(n, 2)
    keys = (pairs[:, 0] << np.uint64(32)) | pairs[:, 1]
    return backend.xp.argsort(keys, kind="stable").astype(np.int64)
