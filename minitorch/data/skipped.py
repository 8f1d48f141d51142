"""A list of what was skipped, to which several processes add."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
import weakref
from pathlib import Path


class SkippedFiles:
    """Paths of files, each with the reason why it was skipped, shared by all processes that have a copy.

    A worker process (forked, or started anew with a pickled copy) can't write into its parent's memory. So each appends
    lines to a file that all of them know by name. There is no such file as long as nothing is skipped, and the process
    that made the list removes it.
    """

    def __init__(self) -> None:
        self._path = os.path.join(tempfile.gettempdir(), f"minitorch-skipped-{uuid.uuid4().hex}")
        self._known: set[str] = set()
        weakref.finalize(self, _remove, self._path, os.getpid())

    def __contains__(self, path: str) -> bool:
        """Whether this process has added ``path``."""
        return path in self._known

    def add(self, path: str, reason: str) -> None:
        self._known.add(path)
        line = json.dumps([path, reason]) + "\n"  # ASCII, whatever the path
        # One write at the end of the file: lines of several processes don't mix.
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def reasons(self) -> dict[str, str]:
        """Every path that any process has added."""
        try:
            lines = Path(self._path).read_text().splitlines()
        except FileNotFoundError:
            return {}
        return dict(sorted(json.loads(line) for line in lines))


def _remove(path: str, process: int) -> None:
    if os.getpid() == process:  # a forked process that ends has a copy of this finalizer
        Path(path).unlink(missing_ok=True)
