"""Hypothesis profiles, the plugin that counts what was not tested, and small files in MNIST's format."""

from __future__ import annotations

import gzip
import os
import struct

import hypothesis
import numpy as np
import pytest

import minitorch
import pytest_minitorch

# An example may be slow the first time (imports, page faults) or because the machine is busy: time never makes a test
# fail. Under CI the examples are the same every time. HYPOTHESIS_PROFILE=long searches much further, with fresh random
# examples; quick is for the runs under other instruction sets.
timeless = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("default", max_examples=50, **timeless)
hypothesis.settings.register_profile("ci", max_examples=50, derandomize=True, **timeless)
hypothesis.settings.register_profile("quick", max_examples=20, derandomize=True, **timeless)
hypothesis.settings.register_profile("long", max_examples=2000, print_blob=True, **timeless)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Counts what is skipped also where Minitorch isn't installed, so that pytest doesn't find the plugin itself."""
    if not config.pluginmanager.has_plugin("minitorch"):
        config.pluginmanager.register(pytest_minitorch, "minitorch")


def pytest_runtest_setup() -> None:
    """No test depends on which ones ran before."""
    minitorch.manual_seed(0)


_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def _idx_bytes(array):
    header = bytes([0, 0, _CODES[array.dtype.str[1:]], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def idx_bytes():
    """A function that gives the bytes of an array's IDX file."""
    return _idx_bytes


@pytest.fixture
def write_mnist():
    """A function that writes the four files of a small MNIST into a folder."""

    def write(folder, n_train=40, n_test=20, compress=True):
        rng = np.random.default_rng(0)
        folder.mkdir(parents=True, exist_ok=True)
        for split, n in (("train", n_train), ("t10k", n_test)):
            labels = np.arange(n, dtype=np.uint8) % 10
            images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
            for name, array in ((f"{split}-images-idx3-ubyte", images), (f"{split}-labels-idx1-ubyte", labels)):
                data = _idx_bytes(array)
                path = folder / (name + ".gz" if compress else name)
                path.write_bytes(gzip.compress(data) if compress else data)

    return write
