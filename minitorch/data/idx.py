"""The IDX file format of MNIST: a header, then the elements of an array, big-endian.

bytes 0-1    zero
byte  2      type of the elements
byte  3      number of dimensions, D
4·D bytes    size of each dimension
the rest     the elements, the last dimension varying fastest
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array in an IDX file, compressed with gzip or not (its first bytes tell).

    >>> import minitorch, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "labels")
    >>> with open(path, "wb") as file:  # bytes (type 8), one dimension, of size 3; 5, 0, 4
    ...     count = file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
    >>> minitorch.data.read_idx(path)
    array([5, 0, 4], dtype=uint8)

    Raises:
        ValueError: the file is damaged, truncated, has something behind the array, or isn't an IDX file at all.
        OSError: it can't be read.
    """
    with open(path, "rb") as raw:
        compressed = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        try:
            # GzipFile is an IO[bytes] in all but its declared type.
            return _parse(cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if compressed else raw, path)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: the gzip data is damaged or cut off ({error}); get the file again") from error


def _parse(file: IO[bytes], path: str | os.PathLike[str]) -> NDArray[Any]:
    magic = file.read(4)
    if len(magic) < 4:
        raise ValueError(f"{path}: not an IDX file: it has only {len(magic)} bytes")
    dtype, ndim = _TYPES.get(magic[2]), magic[3]
    if magic[:2] != b"\0\0" or dtype is None:
        raise ValueError(f"{path}: not an IDX file: it begins with {magic!r} instead of two zero bytes and a type")
    header = file.read(4 * ndim)
    if len(header) < 4 * ndim:
        raise ValueError(f"{path}: truncated: {ndim} dimensions are announced, the file ends before their sizes")
    shape = struct.unpack(f">{ndim}I", header)
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    # One byte more than expected is enough to know; a damaged header must not make us read a whole disk.
    data = file.read(expected + 1) if expected < 1 << 40 else b""
    if len(data) < expected:
        raise ValueError(f"{path}: truncated: {len(data)} bytes of data, but shape {shape} needs {expected}")
    if len(data) > expected:
        raise ValueError(f"{path}: damaged: there is more data than the {expected} bytes of shape {shape}")
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="))
