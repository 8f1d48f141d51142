"""Small files in MNIST's format."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

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
