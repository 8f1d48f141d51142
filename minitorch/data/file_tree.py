"""The files in the folders of a folder, which may be inside of a zip archive."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from .decode import DamagedImage


class FileTree(Protocol):
    """A folder of folders of files. Paths are those that a user would write; all names come sorted."""

    def folders(self) -> list[str]:
        """The names of the folders directly inside."""

    def files(self, folder: str) -> list[str]:
        """The paths of all files in one of them, however deep: folder by folder in the order of their paths."""

    def read(self, path: str) -> bytes:
        """The content of a file that :meth:`files` names."""


def open_tree(root: Path) -> FileTree:
    """The folder ``root``: on disk, or ``archive.zip`` or ``archive.zip/folder/inside``.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: a part of the path is a file, but no zip archive.
    """
    if root.is_dir():
        return DiskTree(root)
    for archive in (root, *root.parents):
        if archive.is_file():
            if not zipfile.is_zipfile(archive):
                raise ValueError(f"{archive}: expected a folder or a zip archive, and it is neither")
            return ZipTree(archive, root.relative_to(archive).as_posix())
    raise FileNotFoundError(f"{root}: there is no such folder")


class DiskTree:
    """A folder on disk."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def folders(self) -> list[str]:
        return sorted(entry.name for entry in os.scandir(self.root) if entry.is_dir())

    def files(self, folder: str) -> list[str]:
        walk = os.walk(os.path.join(self.root, folder), followlinks=True)
        return _ordered((parent, name) for parent, _, names in walk for name in names)

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()


def _ordered(files: Iterable[tuple[str, str]]) -> list[str]:
    """The paths of (folder, name) pairs, sorted by folder first: ``a.jpg`` and ``z.jpg`` come before ``b/c.jpg``."""
    return [os.path.join(folder, name) for folder, name in sorted(files)]


class _Member(NamedTuple):
    """Where a file is in an archive."""

    offset: int
    compressed_size: int
    size: int
    crc: int
    method: int


def _tidy(name: str) -> str:
    """The path of an entry; some programs that pack archives begin it with ``/`` or ``./``."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "/".join(parts) + "/" * name.endswith("/")


class ZipTree:
    """A folder in a zip archive, read without unpacking it.

    ``zipfile`` reads the archive's directory once. After that every file is read by opening the archive anew: there is
    no open file whose position threads would have to share, that forked processes would share without knowing, that
    pickling would have to leave out, or that would have to be closed.
    """

    _HEADER = struct.Struct("<4s22xHH")  # before the content: signature, …, lengths of the name and the extra field

    def __init__(self, archive: Path, inside: str) -> None:
        self.archive = str(archive)
        self.root = self.archive if inside == "." else f"{self.archive}/{inside}"
        prefix = "" if inside == "." else f"{inside}/"
        with zipfile.ZipFile(archive) as file:
            # The Mac adds a folder of this name with an invisible companion of every file.
            entries = {_tidy(entry.filename): entry for entry in file.infolist()}
            entries = {path: entry for path, entry in entries.items() if not path.startswith("__MACOSX/")}
        self._files: dict[str, dict[str, _Member]] = {}
        for path, entry in entries.items():
            folder, slash, name = path[len(prefix) :].partition("/")
            if not (path.startswith(prefix) and folder and slash):
                continue  # not below the folder inside, or directly in it
            members = self._files.setdefault(folder, {})
            if not entry.is_dir():
                members[name] = self._member(entry)
        if prefix and not any(path.startswith(prefix) for path in entries):
            there = sorted({path.partition("/")[0] for path in entries})
            raise FileNotFoundError(f"{self.archive}: there is no folder {inside!r} in the archive, which has {there}")

    def _member(self, entry: zipfile.ZipInfo) -> _Member:
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            how = "encrypted" if entry.flag_bits & 1 else f"compressed by method {entry.compress_type}"
            raise ValueError(f"{self.archive}: {entry.filename} is {how}; only stored and deflated files can be read")
        return _Member(entry.header_offset, entry.compress_size, entry.file_size, entry.CRC, entry.compress_type)

    def folders(self) -> list[str]:
        return sorted(self._files)

    def files(self, folder: str) -> list[str]:
        return _ordered(os.path.split(f"{self.root}/{folder}/{name}") for name in self._files[folder])

    def read(self, path: str) -> bytes:
        """Raises :class:`DamagedImage` where the archive is damaged at this file."""
        folder, _, name = path[len(self.root) + 1 :].partition("/")
        member = self._files[folder][name]
        with open(self.archive, "rb") as file:
            file.seek(member.offset)
            header = file.read(self._HEADER.size)
            if len(header) < self._HEADER.size or not header.startswith(b"PK\3\4"):
                raise DamagedImage(f"{path}: the archive is damaged, or another one than when it was opened")
            _, name_length, extra_length = self._HEADER.unpack(header)
            file.seek(name_length + extra_length, os.SEEK_CUR)
            data = file.read(member.compressed_size)
        if member.method == zipfile.ZIP_DEFLATED:
            try:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.size + 1)
            except zlib.error as error:
                raise DamagedImage(f"{path}: the archive is damaged: {error}") from error
        if len(data) != member.size or zlib.crc32(data) != member.crc:
            raise DamagedImage(f"{path}: the archive is damaged: the checksum is another one")
        return data
