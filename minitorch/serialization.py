"""Saving and loading: ``minitorch.save(obj, path)`` and ``minitorch.load(path)``.

A file is in the safetensors format (https://huggingface.co/docs/safetensors): tensors under names, and a dictionary of
strings. No pickle is written or read, so that loading a file never runs code in it.

A ``state_dict`` is stored as its tensors under their names, which ``safetensors.torch.load_file`` reads; files that
``safetensors.torch.save_file`` wrote can be loaded here. For anything nested, such as a checkpoint::

    minitorch.save(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "rng": minitorch.get_rng_state(),
            "epoch": epoch,
        },
        "checkpoint.safetensors",
    )

the name of a tensor is its path as a JSON Pointer without the leading slash (RFC 6901: keys are joined by ``/``; ``~``
and ``/`` in a key are written ``~0`` and ``~1``): ``model/conv1.weight``, ``optimizer/state/0/exp_avg``. The metadata
then holds, as strings,

    ``minitorch``   the version that wrote the file,
    ``structure``   the object as JSON, in which ``{"$tensor": name}`` stands for a tensor, ``{"$tuple": […]}`` for a
                    tuple, ``{"$float": "nan"}`` for a float that JSON lacks, and ``{"$dict": [[key, value], …]}`` for
                    a dict whose keys are not all strings, or look like these,
    ``crc32``       of the structure and of all tensors in the order of their names, so that damage is noticed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from .dtypes import ALL
from .tensor import Tensor, backend_of, wrap
from .version import __version__

Arrays = dict[str, np.ndarray[Any, Any]]

_METADATA = {"minitorch", "structure", "crc32"}

# The names that safetensors has for dtypes.
_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I32": "int32",
    "I64": "int64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}


def save(obj: Any, f: str | os.PathLike[str]) -> None:
    """Writes tensors, numbers, strings, None, and dicts, lists and tuples of them to the file ``f``.

    The file appears under its name only when it is complete and on the disk: whatever happens on the way, what was
    there before stays. Parameters are stored as tensors; a tensor that ``obj`` holds twice is stored twice; every
    mapping becomes a dict.

    >>> import minitorch, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "checkpoint.safetensors")
    >>> minitorch.save({"weight": minitorch.ones(2), "epoch": 3}, path)
    >>> minitorch.load(path)
    {'weight': tensor([1., 1.]), 'epoch': 3}

    Raises:
        TypeError: ``obj`` holds something else; the message says where.
        OSError: the file can't be written.
    """
    from safetensors.numpy import save as to_bytes

    path = os.fsdecode(f)
    arrays: Arrays = {}
    structure = json.dumps(_encode(obj, (), arrays), allow_nan=False, separators=(",", ":"))
    metadata = {"minitorch": __version__, "structure": structure, "crc32": _checksum(structure, arrays)}
    _write_atomically(path, to_bytes(arrays, metadata))


def load(f: str | os.PathLike[str], map_location: Any = None) -> Any:
    """Reads what :func:`save` wrote, or the tensors of any other safetensors file as a dict.

    Unlike a pickle, the file can't make the program that reads it run code.

    Args:
        f: the file.
        map_location: the device that the tensors shall be on; the CPU by default.

    >>> import minitorch, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    >>> minitorch.save(minitorch.nn.Linear(2, 1).state_dict(), path)
    >>> minitorch.nn.Linear(2, 1).load_state_dict(minitorch.load(path))
    <All keys matched successfully>

    Raises:
        OSError: the file can't be read.
        RuntimeError: it is damaged, or something else than a safetensors file; the message says what it looks like.
        TypeError: a tensor in it is of a dtype that Minitorch doesn't have.
    """
    path = os.fsdecode(f)
    backend = backend_of(map_location)
    arrays, metadata = _read(path)
    tensors = {name: wrap(backend.move(array), backend) for name, array in arrays.items()}
    if not metadata.keys() & _METADATA:
        return tensors  # another program's file
    structure = metadata.get("structure", "")
    if metadata.keys() != _METADATA or metadata["crc32"] != _checksum(structure, arrays):
        raise RuntimeError(f"load: {path!r} is damaged: its checksum is wrong")
    try:
        return _decode(json.loads(structure), tensors)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise RuntimeError(f"load: {path!r} has a structure that this version doesn't understand: {error!r}") from error


# ---- objects as JSON -------------------------------------------------------------------------------------------------


def _encode(obj: Any, path: tuple[Any, ...], arrays: Arrays) -> Any:
    """``obj`` as what JSON can hold; its tensors are put into ``arrays``."""
    if obj is None or isinstance(obj, (bool, int, str)):
        return obj
    if isinstance(obj, float):
        return float(obj) if math.isfinite(obj) else {"$float": str(float(obj))}
    if isinstance(obj, Tensor):
        name = "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in path)
        if name in arrays or name == "__metadata__":
            raise ValueError(f"save: the name {name!r} is taken; rename the key that leads to this tensor")
        # safetensors writes the memory as it lies.
        arrays[name] = np.asarray(obj.numpy(force=True), order="C")
        return {"$tensor": name}
    if isinstance(obj, Mapping):
        items = [(key, _encode(value, (*path, key), arrays)) for key, value in obj.items()]
        if all(isinstance(key, str) and not key.startswith("$") for key in obj):
            return dict(items)
        return {"$dict": [[_encode_key(key, path), value] for key, value in items]}
    if isinstance(obj, (list, tuple)):
        values = [_encode(value, (*path, i), arrays) for i, value in enumerate(obj)]
        return {"$tuple": values} if isinstance(obj, tuple) else values
    hint = "; save its state_dict()" if hasattr(obj, "state_dict") else ""
    where = "/".join(map(str, path)) or "the object"
    raise TypeError(
        f"save: {where} is of type {type(obj).__name__}{hint}. Only tensors, numbers, strings, None, and dicts, lists "
        f"and tuples of them can be saved."
    )


def _encode_key(key: Any, path: tuple[Any, ...]) -> Any:
    if key is None or isinstance(key, (bool, int, str)):
        return key
    where = "/".join(map(str, path)) or "the object"
    raise TypeError(f"save: {where} has the key {key!r}; keys can be strings and ints")


def _decode(obj: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of :func:`_encode`."""
    if isinstance(obj, list):
        return [_decode(value, tensors) for value in obj]
    if not isinstance(obj, dict):
        return obj
    if len(obj) == 1:
        tag, value = next(iter(obj.items()))
        if tag == "$tensor":
            return tensors[value]
        if tag == "$tuple":
            return tuple(_decode(item, tensors) for item in value)
        if tag == "$float":
            return float(value)
        if tag == "$dict":
            return {key: _decode(item, tensors) for key, item in value}
    return {key: _decode(value, tensors) for key, value in obj.items()}


def _checksum(structure: str, arrays: Arrays) -> str:
    crc = zlib.crc32(structure.encode())
    for name in sorted(arrays):
        array = arrays[name]
        crc = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), crc)
        crc = zlib.crc32(array.reshape(-1).view(np.uint8).data, crc)
    return f"{crc:08x}"


# ---- files -----------------------------------------------------------------------------------------------------------


def _write_atomically(path: str, data: bytes) -> None:
    """Writes a temporary file beside ``path``, waits until it is on the disk, and gives it its name."""
    path = os.path.realpath(path)  # through a link, not in its place
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f".minitorch-{os.urandom(8).hex()}.tmp")
    try:
        # Unlike one of `tempfile`, this file gets the permissions that any new file gets.
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    # The new name is on the disk when the folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: str) -> tuple[Arrays, dict[str, str]]:
    """The arrays and the metadata of a safetensors file."""
    from safetensors import SafetensorError, safe_open

    with open(path, "rb") as file:  # its errors name the file
        beginning = file.read(16)
    try:
        with safe_open(path, framework="np") as file:
            names = file.keys()
            dtypes = {name: file.get_slice(name).get_dtype() for name in names}
            for name, dtype in dtypes.items():
                if dtype not in _DTYPES:
                    known = ", ".join(d.name for d in ALL)
                    raise TypeError(f"load: {path!r}: tensor {name!r} has dtype {dtype}; Minitorch has {known}")
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except SafetensorError as error:
        raise RuntimeError(f"load: {path!r} {_what_it_is(beginning)} ({error})") from error


def _what_it_is(beginning: bytes) -> str:
    """What a file that can't be read as safetensors looks like, from its first bytes."""
    if not beginning:
        return "is empty"
    if beginning.startswith(b"PK\x03\x04") or (beginning[0] == 0x80 and 2 <= beginning[1] <= 5):
        return (
            "looks like a pickle, as torch.save writes it. Minitorch loads none, because a pickle can run any code. "
            "Where PyTorch is installed, convert it with safetensors.torch.save_file(torch.load(path), new_path)"
        )
    if len(beginning) > 8 and beginning[8:9] == b"{":
        return "is a damaged or truncated safetensors file"
    return "is not a safetensors file"
