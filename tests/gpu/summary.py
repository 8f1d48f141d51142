"""Puts what the steps of ``tests/gpu/run`` found into one ``results.json``, and prints the table."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .step import VERDICTS

STEPS = ("build", "compile", "suite", "fragments", "layers", "sanitizer", "mnist", "benchmarks")
PACKAGES = ("numpy", "cupy-cuda13x", "cupy-cuda12x", "torch", "pytest", "hypothesis", "nanobind")
TIMED_OUT = (124, 137)  # the statuses of timeout(1)
LONGEST = 160  # characters of a line of the table


def machine() -> dict[str, Any]:
    """What ran: the GPU and its driver as nvidia-smi names them, processor, Python, versions of packages."""
    found: dict[str, Any] = {"platform": platform.platform(), "python": platform.python_version()}
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.max.sm", "--format=csv,noheader"]
    try:
        found["gpu"] = subprocess.run(query, capture_output=True, text=True, timeout=30).stdout.strip() or None
    except (OSError, subprocess.TimeoutExpired):
        found["gpu"] = None
    installed = {
        distribution.metadata["Name"]: distribution.version for distribution in importlib.metadata.distributions()
    }
    found["packages"] = {name: installed[name] for name in PACKAGES if name in installed}
    return found


def read(folder: Path, name: str) -> dict[str, Any]:
    """What a step left: its checks, its exit status and its seconds; a step that was stopped or crashed fails."""
    part, status = folder / f"{name}.json", folder / f"{name}.status"
    if not status.exists():
        return {"status": None, "seconds": 0, "checks": [{"what": name, "passed": None, "said": "it was not run"}]}
    code, seconds = map(int, status.read_text().split())
    checks = json.loads(part.read_text())["checks"] if part.exists() else []
    if code in TIMED_OUT:
        checks.append({"what": name, "passed": False, "said": f"stopped after {seconds} s"})
    elif code and not any(check["passed"] is False for check in checks):
        checks.append({"what": name, "passed": False, "said": f"ended with status {code}; see the log"})
    return {"status": code, "seconds": seconds, "checks": checks}


def gather(folder: Path) -> dict[str, Any]:
    steps = {name: read(folder, name) for name in STEPS}
    benchmarks = sorted(folder.glob("benchmarks/*.json"))
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "steps": steps,
        "benchmarks": json.loads(benchmarks[-1].read_text()) if benchmarks else None,
    }


def lines(results: dict[str, Any]) -> list[str]:
    """A line a check; of a step's failures the first ten."""
    table = []
    for name, step in results["steps"].items():
        checks = step["checks"]
        failed = [check for check in checks if check["passed"] is False]
        shown = [check for check in checks if check["passed"] is not False or check in failed[:10]]
        for number, check in enumerate(shown):
            label = f"{name} ({step['seconds']} s)" if number == 0 else ""
            said = " ".join(str(check["said"]).split())
            table.append(f"{label:20} {VERDICTS[check['passed']]:8} {check['what']}: {said}"[:LONGEST])
        if len(failed) > 10:
            table.append(f"{'':20} FAILED   and {len(failed) - 10} more")
    return table


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("folder", type=Path, help="with the steps' files")
    arguments.add_argument("out", type=Path, help="the file to write")
    options = arguments.parse_args()
    results = gather(options.folder)
    options.out.write_text(json.dumps(results, indent=1) + "\n")
    for page in sorted(options.folder.glob("benchmarks/*.md")):
        print(page.read_text())
    print(results["machine"]["gpu"] or "no GPU that nvidia-smi knows of")
    print("\n".join(lines(results)))
    failed = [name for name, step in results["steps"].items() if any(c["passed"] is False for c in step["checks"])]
    print(f"failed: {', '.join(failed)}" if failed else "nothing failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
