from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from minitorch.data import read_idx


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("shape", [(3, 4, 5), (7,), (), (0, 28, 28)])
def test_reads_what_was_written(tmp_path, idx_bytes, dtype, compressed, shape):
    array = np.asarray(np.random.default_rng(0).integers(-100, 100, shape)).astype(dtype)
    data = idx_bytes(array)
    # The name says nothing about the compression: the first bytes do.
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(data) if compressed else data)
    result = read_idx(path)
    np.testing.assert_array_equal(result, array)
    assert result.dtype == array.dtype
    assert result.dtype.isnative
    assert result.flags.writeable


IMAGES = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 3, 4) + bytes(24)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an IDX file: it has only 0 bytes"),
        (b"\0\0\x08", "not an IDX file: it has only 3 bytes"),
        (b"<html><body>Sign in to the network", "not an IDX file: it begins with b'<htm'"),
        (b"\0\0\x07\x01\0\0\0\0", "not an IDX file"),
        (b"\0\x01\x08\x01\0\0\0\0", "not an IDX file"),
        (IMAGES[:10], "truncated: 3 dimensions are announced"),
        (IMAGES[:-1], r"truncated: 23 bytes of data, but shape \(2, 3, 4\) needs 24"),
        (IMAGES + b"\0", "damaged: there is more data than the 24 bytes"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "truncated: 0 bytes of data"),
        (gzip.compress(IMAGES)[:-9], "gzip data is damaged or cut off"),
        (gzip.compress(IMAGES)[:12], "gzip data is damaged or cut off"),
        (gzip.compress(IMAGES)[:10] + b"\xff" * 30, "gzip data is damaged or cut off"),
        (gzip.compress(IMAGES)[:-8] + bytes(8), "gzip data is damaged or cut off"),
    ],
)
def test_damaged_files_are_refused(tmp_path, data, message):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing")
