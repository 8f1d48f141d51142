"""Random numbers: reproducible, independent of threads and backend, and of the right distribution."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest

import minitorch


def test_seed_and_state_repeat_the_stream() -> None:
    first = minitorch.rand(5)
    state = minitorch.get_rng_state()
    second = minitorch.randn(5)
    minitorch.manual_seed(0)
    assert minitorch.rand(5).equal(first)
    minitorch.set_rng_state(state)
    assert minitorch.randn(5).equal(second)
    assert minitorch.initial_seed() == 0


def test_generators_are_independent_of_each_other() -> None:
    a, b = minitorch.Generator().manual_seed(1), minitorch.Generator().manual_seed(1)
    x = minitorch.rand(7, generator=a)
    minitorch.rand(100)  # the default generator moves, a and b don't
    assert minitorch.rand(7, generator=b).equal(x)
    assert not minitorch.rand(7, generator=a).equal(x)
    assert a.seed() == a.initial_seed()


def test_consecutive_draws_share_no_number() -> None:
    draws = minitorch.cat([minitorch.rand(1000) for _ in range(20)])
    # 20,000 draws from 2²⁴ values: about 12 coincidences are expected, a repeated stretch would give hundreds.
    assert 20_000 - len(np.unique(draws.numpy())) < 40
    # A draw that ends inside a block of four words must leave the rest of the block behind.
    for n in (1, 2, 3, 5):
        draws = minitorch.cat([minitorch.rand(n) for _ in range(100)])
        assert len(np.unique(draws.numpy())) > 100 * n - 3


@pytest.mark.parametrize("dtype", [minitorch.float32, minitorch.float64, minitorch.float16])
def test_uniform_moments_and_bounds(dtype: minitorch.dtype) -> None:
    x = minitorch.rand(100_000, dtype=dtype)
    assert x.dtype is dtype
    values = x.numpy().astype(np.float64)
    assert values.min() >= 0
    assert values.max() < 1
    # Six standard errors: 1/√(12n) for the mean, and for the 20 bins of a histogram √(np(1-p)).
    assert abs(values.mean() - 0.5) < 6 / math.sqrt(12 * len(values)) + (2e-4 if dtype is minitorch.float16 else 0)
    counts = np.histogram(values, bins=20, range=(0, 1))[0]
    assert np.abs(counts - 5000).max() < 6 * math.sqrt(5000)


@pytest.mark.parametrize("dtype", [minitorch.float32, minitorch.float64])
def test_normal_moments(dtype: minitorch.dtype) -> None:
    values = minitorch.randn(100_000, dtype=dtype).numpy().astype(np.float64)
    n = len(values)
    assert abs(values.mean()) < 6 / math.sqrt(n)
    assert abs(values.var() - 1) < 6 * math.sqrt(2 / n)
    assert abs((values**3).mean()) < 6 * math.sqrt(15 / n)
    assert abs((values**4).mean() - 3) < 6 * math.sqrt(96 / n)
    assert abs(np.corrcoef(values[: n // 2], values[n // 2 :])[0, 1]) < 6 / math.sqrt(n / 2)
    assert minitorch.randn(3).shape == (3,)


def test_integers_and_permutations() -> None:
    x = minitorch.randint(-3, 4, (70_000,))
    counts = np.bincount(x.numpy() + 3)
    assert len(counts) == 7
    assert np.abs(counts - 10_000).max() < 6 * math.sqrt(10_000)
    assert minitorch.randint(5, (2, 3)).dtype is minitorch.int64
    p = minitorch.randperm(1000)
    assert sorted(p.tolist()) == list(range(1000))
    assert p.tolist() != list(range(1000))
    assert minitorch.randperm(0).shape == (0,)
    with pytest.raises(RuntimeError, match="expects 'from' to be less than 'to'"):
        minitorch.randint(3, 3, (2,))


def test_factories_reject_integer_dtypes() -> None:
    with pytest.raises(RuntimeError, match="rand: expected a floating-point dtype"):
        minitorch.rand(2, dtype=minitorch.int64)


def test_the_stream_is_the_same_for_every_backend_and_number_of_threads() -> None:
    code = (
        "import minitorch, hashlib; minitorch.manual_seed(3);"
        "print(hashlib.sha256(minitorch.rand(300_001).numpy().tobytes()).hexdigest())"
    )
    digests = set()
    for backend, threads in (("cpu", "1"), ("cpu", "2"), ("reference", "1")):
        environment = {**os.environ, "MINITORCH_BACKEND": backend, "OMP_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        digests.add(done.stdout.strip())
    assert len(digests) == 1
