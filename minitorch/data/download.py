"""Downloads that either arrive whole and checked, or leave nothing behind."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

_CHUNK = 1 << 16
_TIMEOUT_SECONDS = 30


def download(urls: Sequence[str], path: str | os.PathLike[str], *, size: int, sha256: str) -> None:
    """Fetches a file from the first of ``urls`` that has it, and checks its size and SHA-256.

    What arrives goes into a temporary file beside ``path``, which takes its name at the end: at no time is there a
    file of that name that isn't whole. Where tqdm is installed and stderr is a terminal, a bar shows the progress.

    Raises:
        ConnectionError: no address had the file; the message says what was wrong with each.
        OSError: the file can't be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".", suffix=".part")
    os.close(handle)
    failures = []
    try:
        for url in urls:
            problem = _fetch(url, temporary, size, sha256)
            if problem is None:
                os.chmod(temporary, 0o644)  # mkstemp's files are for their owner only
                os.replace(temporary, path)
                return
            failures.append(f"{url}: {problem}")
    finally:
        Path(temporary).unlink(missing_ok=True)
    raise ConnectionError(f"could not download {path.name}:\n  " + "\n  ".join(failures))


def _fetch(url: str, temporary: str, size: int, sha256: str) -> str | None:
    """Writes what is at ``url`` into ``temporary``; returns what was wrong with it, or None."""
    digest = hashlib.sha256()
    received = 0
    with open(temporary, "wb") as file, _progress_bar(url.rpartition("/")[2], size) as bar:
        try:
            for chunk in _chunks(url):
                received += len(chunk)
                if received > size:
                    return f"expected {size} bytes, got more"
                digest.update(chunk)
                bar.update(len(chunk))
                file.write(chunk)
        except _NetworkError as error:
            return str(error)
        file.flush()
        os.fsync(file.fileno())
    if received != size:
        return f"expected {size} bytes, got {received}"
    if digest.hexdigest() != sha256:
        return f"the SHA-256 checksum is {digest.hexdigest()}, expected {sha256}"
    return None


class _NetworkError(Exception):
    """One address doesn't work; another may. (An error in writing the file is none of these.)"""


def _chunks(url: str) -> Iterator[bytes]:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            while chunk := response.read(_CHUNK):
                yield chunk
    except (OSError, http.client.HTTPException) as error:  # URLError and timeouts are OSErrors
        raise _NetworkError(str(getattr(error, "reason", None) or error or type(error).__name__)) from error


class _NoBar:
    """Stands in for tqdm where that isn't installed."""

    def update(self, n: int) -> None:
        pass

    def __enter__(self) -> _NoBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def _progress_bar(name: str, size: int) -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return _NoBar()
    return tqdm(desc=name, total=size, unit="B", unit_scale=True, disable=None)
