"""What a step of ``tests/gpu/run`` found: a list of checks, written after each, so that a stopped step leaves some."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any


class Step:
    """Collects checks, prints each, and keeps them in a file of JSON where one was asked for."""

    def __init__(self, name: str, out: str | None) -> None:
        self.name, self.out = name, out
        self.started = time.monotonic()
        self.checks: list[dict[str, Any]] = []
        self._write()

    def check(self, what: str, passed: bool | None, said: str = "", **numbers: Any) -> None:
        """``passed`` is None for what was left out; ``said`` then tells why."""
        self.checks.append({"what": what, "passed": passed, "said": said, **numbers})
        print(f"{self.name}: {what}: {VERDICTS[passed]}{': ' if said else ''}{said}", flush=True)
        self._write()

    def skip(self, what: str, reason: str) -> None:
        self.check(what, None, reason)

    def _write(self) -> None:
        if self.out is not None:
            found = {"seconds": round(time.monotonic() - self.started, 1), "checks": self.checks}
            Path(self.out).write_text(json.dumps(found, indent=1) + "\n")

    def status(self) -> int:
        """Of the process: 0 unless a check failed."""
        self._write()
        return int(any(check["passed"] is False for check in self.checks))


VERDICTS = {True: "ok", False: "FAILED", None: "left out"}


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options of every step."""
    made = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    made.add_argument("--out", metavar="FILE", help="where to write what was found, as JSON")
    made.add_argument("--rehearse", action="store_true", help="little work, to try the step itself")
    return made
