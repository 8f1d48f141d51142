"""Random numbers: reproducible, independent of threads and backend, and of the right distribution."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import minitorch
from minitorch.random import use_generator


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


def test_integers_by_every_spelling() -> None:
    calls = {
        "randint(high, size)": lambda: minitorch.randint(5, (100,)),
        "randint(high, size=)": lambda: minitorch.randint(5, size=(100,)),
        "randint(high=, size=)": lambda: minitorch.randint(high=5, size=(100,)),
        "randint(low, high, size)": lambda: minitorch.randint(0, 5, (100,)),
        "randint(low=, high=, size=)": lambda: minitorch.randint(low=0, high=5, size=(100,)),
        "randint_like(input, high)": lambda: minitorch.randint_like(minitorch.zeros(100), 5),
        "randint_like(input, low, high)": lambda: minitorch.randint_like(minitorch.zeros(100), 0, 5),
        "randint_like(input, high=)": lambda: minitorch.randint_like(minitorch.zeros(100), high=5),
        "randint_like(input, tensor)": lambda: minitorch.randint_like(minitorch.zeros(100), minitorch.tensor(5)),
    }
    drawn = {}
    for name, call in calls.items():
        minitorch.manual_seed(0)
        drawn[name] = call().tolist()
    assert all(numbers == drawn["randint(high, size)"] for numbers in drawn.values())
    assert set(drawn["randint(high, size)"]) == set(range(5))
    assert minitorch.randint_like(minitorch.zeros(1), 5).dtype is minitorch.float32
    assert minitorch.randint(2, (100,), dtype=minitorch.bool).numpy().mean() not in (0, 1)


def test_integers_of_the_widest_range() -> None:
    x = minitorch.randint(-(2**63), 2**63 - 1, (10_000,)).numpy()
    # A uniform number is below the middle with probability 1/2: six standard errors.
    assert abs((x < 0).mean() - 0.5) < 6 * 0.5 / math.sqrt(len(x))
    assert x.min() < -(2**62)
    assert x.max() > 2**62


def test_permutations_in_a_dtype_that_just_holds_them() -> None:
    assert sorted(minitorch.randperm(256, dtype=minitorch.uint8).tolist()) == list(range(256))
    assert sorted(minitorch.randperm(2049, dtype=minitorch.float16).tolist()) == list(range(2049))


@pytest.mark.parametrize("dtype", [minitorch.float16, minitorch.float32, minitorch.float64])
def test_bernoulli(dtype: minitorch.dtype) -> None:
    n = 20_000
    p = minitorch.tensor([0.0, 1.0, 0.5, 0.1, 1e-3], dtype=dtype).reshape(5, 1).expand(5, n)
    x = minitorch.bernoulli(p)
    assert x.dtype is dtype
    values, wanted = x.numpy().astype(np.float64), p[:, 0].numpy().astype(np.float64)
    assert set(np.unique(values)) == {0, 1}
    # Six standard errors of a mean of n, √(p(1-p)/n): 0 for the probabilities 0 and 1.
    assert (np.abs(values.mean(1) - wanted) <= 6 * np.sqrt(wanted * (1 - wanted) / n)).all()
    # Neighbours are independent of each other: their correlation has the standard error 1/√n.
    assert abs(np.corrcoef(values[2, :-1], values[2, 1:])[0, 1]) < 6 / math.sqrt(n)


def test_bernoulli_with_one_probability() -> None:
    for input in (minitorch.ones(30_000, dtype=minitorch.int64), minitorch.full((30_000,), 7.0)):
        x = minitorch.bernoulli(input, 0.25)
        assert x.dtype is input.dtype
        assert abs(x.numpy().mean() - 0.25) < 6 * math.sqrt(0.25 * 0.75 / 30_000)
    assert minitorch.ones(3).bernoulli(p=0).tolist() == [0.0, 0.0, 0.0]
    assert minitorch.ones(3).bernoulli(1).tolist() == [1.0, 1.0, 1.0]
    assert minitorch.ones(2, 0).bernoulli().shape == (2, 0)


def test_normal_of_numbers_and_of_tensors() -> None:
    n = 50_000
    mean = minitorch.tensor([-3.0, 0.0, 100.0], dtype=minitorch.float64).reshape(3, 1)
    std = minitorch.tensor([2.0, 0.0, 10.0], dtype=minitorch.float64).reshape(3, 1)
    wide = mean.expand(3, n)
    for x, means, deviations in (
        (minitorch.normal(wide, std), [-3, 0, 100], [2, 0, 10]),
        (minitorch.normal(wide, 3), [-3, 0, 100], [3, 3, 3]),
        (minitorch.normal(5, std.expand(3, n)), [5, 5, 5], [2, 0, 10]),
        (minitorch.normal(5.0, 2.0, (3, n), dtype=minitorch.float64), [5, 5, 5], [2, 2, 2]),
    ):
        assert x.dtype is minitorch.float64
        assert x.shape == (3, n)
        means, deviations = np.array(means), np.array(deviations)
        # Six standard errors: σ/√n of a mean, and σ²√(2/n) of a variance.
        assert (np.abs(x.numpy().mean(1) - means) <= 6 * deviations / math.sqrt(n)).all()
        assert (np.abs(x.numpy().var(1) - deviations**2) <= 6 * deviations**2 * math.sqrt(2 / n)).all()


def test_the_dtype_of_normal_is_that_of_the_mean() -> None:
    single, double = minitorch.ones(2), minitorch.ones(2, dtype=minitorch.float64)
    assert minitorch.normal(single, double).dtype is minitorch.float32
    assert minitorch.normal(double, single).dtype is minitorch.float64
    assert minitorch.normal(0.0, double).dtype is minitorch.float64
    assert minitorch.normal(minitorch.ones(2, dtype=minitorch.float16), np.float64(1.0)).dtype is minitorch.float16
    assert minitorch.normal(0, np.float64(1.0), (2,)).dtype is minitorch.float32


def test_random_results_have_a_gradient_of_zero() -> None:
    p = minitorch.full((3,), 0.5, requires_grad=True)
    std = minitorch.ones(2, 1, requires_grad=True)
    (minitorch.bernoulli(p).sum() + minitorch.normal(p, std).sum() + (p * std).sum()).backward()
    assert p.grad.tolist() == [2.0, 2.0, 2.0]
    assert std.grad.tolist() == [[1.5], [1.5]]


def test_every_random_function_takes_a_generator() -> None:
    x = minitorch.full((5,), 0.5)
    for draw in (
        lambda g: minitorch.rand(5, generator=g),
        lambda g: minitorch.randn(5, generator=g),
        lambda g: minitorch.rand_like(x, generator=g),
        lambda g: minitorch.randn_like(x, generator=g),
        lambda g: minitorch.randint(1000, (5,), generator=g),
        lambda g: minitorch.randint_like(x, 1000, generator=g),
        lambda g: minitorch.randperm(50, generator=g),
        lambda g: minitorch.bernoulli(x.expand(40, 5), generator=g),
        lambda g: minitorch.normal(x, 1.0, generator=g),
        lambda g: minitorch.normal(0.0, 1.0, (5,), generator=g),
    ):
        before = minitorch.get_rng_state()
        first = draw(minitorch.Generator().manual_seed(3))
        assert minitorch.get_rng_state() == before
        assert draw(minitorch.Generator().manual_seed(3)).equal(first)
        assert not draw(minitorch.Generator().manual_seed(4)).equal(first)


def test_generators_know_their_device_and_can_be_cloned() -> None:
    g = minitorch.Generator(device="cpu").manual_seed(5)
    assert g.device == minitorch.device("cpu")
    minitorch.rand(3, generator=g)
    copy = g.clone_state()
    assert copy.get_state() == g.get_state()
    assert minitorch.rand(3, generator=copy).equal(minitorch.rand(3, generator=g))
    other = minitorch.Generator()
    other.set_state(list(copy.get_state()))
    assert minitorch.rand(3, generator=other).equal(minitorch.rand(3, generator=copy))


def test_seeds() -> None:
    g = minitorch.Generator()
    assert g.initial_seed() == minitorch.Generator().initial_seed() == 67280421310721  # PyTorch's
    assert g.manual_seed(-1).initial_seed() == 2**64 - 1
    assert g.manual_seed(-(2**63)).initial_seed() == 2**63
    assert minitorch.seed() == minitorch.initial_seed()
    assert minitorch.seed() != minitorch.seed()


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


# ---- another default generator ---------------------------------------------------------------------------------------


def test_another_default_generator_is_what_everything_draws_from() -> None:
    before = minitorch.get_rng_state()
    other, same = (minitorch.Generator().manual_seed(5) for _ in range(2))
    with use_generator(other) as generator:
        assert generator is other
        assert minitorch.initial_seed() == 5
        assert minitorch.rand(3).equal(minitorch.rand(3, generator=same))
        assert minitorch.randperm(9).equal(minitorch.randperm(9, generator=same))
        dropped = minitorch.nn.functional.dropout(minitorch.ones(50))
        assert minitorch.get_rng_state() == other.get_state() != same.get_state()
        minitorch.set_rng_state((5, 0))
        assert minitorch.rand(3).equal(minitorch.rand(3, generator=same.manual_seed(5)))
        minitorch.manual_seed(6)
        assert other.initial_seed() == 6
        assert minitorch.seed() == other.initial_seed()
    assert minitorch.get_rng_state() == before
    assert minitorch.initial_seed() == 0
    # What dropout draws depends on the generator alone.
    other.manual_seed(5)
    minitorch.rand(3, generator=other)
    minitorch.randperm(9, generator=other)
    minitorch.set_rng_state(other.get_state())
    assert minitorch.nn.functional.dropout(minitorch.ones(50)).equal(dropped)


def test_other_default_generators_can_be_nested_and_left_by_an_exception() -> None:
    a, b = minitorch.Generator().manual_seed(1), minitorch.Generator().manual_seed(2)
    with use_generator(a):
        with use_generator(b):
            assert minitorch.initial_seed() == 2
        assert minitorch.initial_seed() == 1
        with pytest.raises(ValueError, match="expected a seed"), use_generator(b):
            minitorch.manual_seed(2**64)
        assert minitorch.initial_seed() == 1
    assert minitorch.initial_seed() == 0
    with pytest.raises(TypeError, match="expected a Generator, got int"), use_generator(3):  # type: ignore[arg-type]
        pass


def test_another_default_generator_is_one_threads_own() -> None:
    seeds = []
    with use_generator(minitorch.Generator().manual_seed(5)):
        thread = threading.Thread(target=lambda: seeds.append(minitorch.initial_seed()))
        thread.start()
        thread.join()
    assert seeds == [0]


def test_the_default_generator_can_be_used_after_a_fork() -> None:
    """Even if another thread was just drawing from it, which the child doesn't have."""
    script = (
        "import os, sys, minitorch\n"
        "from minitorch.random import default_generator\n"
        "default_generator._lock.acquire()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    minitorch.rand(3)\n"
        "    os._exit(7)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 7
