"""What the numbers of ``compare_torch_cuda.py`` say: a table, the card's limits, and how far its aims are reached."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any, NamedTuple

from pairs import median_ratio

Results = dict[str, Any]
Seconds = list[float]  # a number a round; [] where it wasn't measured


@dataclass(frozen=True)
class Row:
    """One case."""

    case: str
    flops: float
    bytes: float
    limit: str  # of the card, that keeps it from being faster: "ieee", "tf32" or "copy"; "" for a training step
    ours: Seconds
    theirs: Seconds
    errors: tuple[str, ...]

    @property
    def unit(self) -> str:
        return {"": "", "copy": "GB/s"}.get(self.limit, "TFLOP/s")

    def rate(self, times: Seconds) -> float | None:
        """What passes in a second, in :attr:`unit`."""
        if not times or not self.limit:
            return None
        return (self.bytes / 1e9 if self.limit == "copy" else self.flops / 1e12) / statistics.median(times)


def rows(results: Results) -> list[Row]:
    table = []
    for case, found in results["cases"].items():
        # A training step is timed by the clock, with all that Python does meanwhile, a kernel on the device.
        timer = "device" if found["limit"] else "clock"
        ours, theirs = (list(found.get(name, {}).get(timer, [])) for name in ("minitorch", "torch"))
        errors = [
            f"{name}: {found[name]['error']}"
            for name, about in results["frameworks"].items()
            if "error" in found.get(name, {}) and "missing" not in about
        ]
        table.append(Row(case, found["flops"], found["bytes"], found["limit"], ours, theirs, tuple(errors)))
    return table


def limits(table: list[Row]) -> dict[str, float]:
    """What the card can do: the fastest matrix products in TFLOP/s and a copy in GB/s, read and written.

    PyTorch's where it was measured, else Minitorch's.
    """
    found: dict[str, float] = {}
    for choose in (lambda row: row.ours, lambda row: row.theirs):
        best: dict[str, float] = {}
        for row in table:
            speed = row.rate(choose(row))
            if speed is not None and (row.case == "copy" or row.case.startswith("matmul ")):
                best[row.limit] = max(speed, best.get(row.limit, 0.0))
        found.update(best)
    return found


def share(row: Row, most: dict[str, float]) -> float | None:
    """Our rate as a share of the card's limit."""
    speed = row.rate(row.ours)
    return speed / most[row.limit] if speed is not None and row.limit in most else None


class Aim(NamedTuple):
    """Something that Minitorch aims at on a large GPU, and what was measured (None: it wasn't)."""

    what: str
    wanted: float
    measured: float | None


def aims(table: list[Row]) -> list[Aim]:
    named = {row.case: row for row in table}

    def faster(ours: str, theirs: str) -> float | None:
        """How many times faster our case is than PyTorch's."""
        if ours not in named or theirs not in named:
            return None
        a, b = named[theirs].theirs, named[ours].ours
        return median_ratio(a, b)[0] if a and b else None

    def as_fast(case: str) -> float | None:
        return faster(case, case)

    shares = {row.case: share(row, limits(table)) for row in table if row.limit == "copy" and row.case != "copy"}
    least = min(((value, case) for case, value in shares.items() if value is not None), default=(None, "not measured"))
    return [
        Aim(
            "LeNet-5, batch 64: a graphed step, times PyTorch's eager speed",
            5,
            faster("LeNet-5, batch 64, graphed", "LeNet-5, batch 64, eager"),
        ),
        Aim("the same, times PyTorch's graphed speed", 1, as_fast("LeNet-5, batch 64, graphed")),
        Aim("AlexNet, batch 128: times PyTorch's speed, defaults", 1, as_fast("AlexNet, batch 128, defaults, eager")),
        Aim("matmul of 4096³, IEEE: share of PyTorch's speed", 0.85, as_fast("matmul 4096×4096×4096, IEEE")),
        Aim("matmul of 4096³, TF32: share of PyTorch's speed", 0.55, as_fast("matmul 4096×4096×4096, TF32")),
        Aim(f"bandwidth, share of a copy's: the least, {least[1]}", 0.85, least[0]),
    ]


# ---- the page --------------------------------------------------------------------------------------------------------


def as_text(results: Results) -> str:
    """Everything as one Markdown page, which is also readable as it is."""
    table = rows(results)
    frameworks = [
        f"{name} {about['version']}"
        if "version" in about
        else f"no {name} ({about.get('missing', 'it did not start')})"
        for name, about in results["frameworks"].items()
    ]
    lines = [f"# {results['device']}, {results['date'][:10]}", ""]
    lines += [f"{', '.join(frameworks)}; {results['machine']}; medians of {results['rounds']} rounds."]
    if results["tiny"]:
        lines += ["", "At these sizes the numbers mean nothing."]
    lines += ["", *_table(table)]
    lines += [f"\n{row.case}: {error}" for row in table for error in row.errors]
    for limit, speed in limits(table).items():
        lines += ["", f"The card's limit, {_LIMITS[limit].format(speed)}."]
    lines += ["", *map(_aim, aims(table))]
    if results["left out"]:
        lines += ["", f"No time was left for: {', '.join(results['left out'])}."]
    return "\n".join(lines) + "\n"


_LIMITS = {
    "copy": "a copy: {:.4g} GB/s, read and written",
    "ieee": "matrix products, IEEE: {:.4g} TFLOP/s",
    "tf32": "matrix products, TF32: {:.4g} TFLOP/s",
}


def _table(table: list[Row]) -> list[str]:
    most = limits(table)
    cells = [["", "Minitorch ms", "PyTorch ms", "ratio", "quartiles", "Minitorch", "PyTorch", "of the limit"]]
    cells += [_cells(row, share(row, most)) for row in table]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    return [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in cells]


def _cells(row: Row, of_limit: float | None) -> list[str]:
    ratio = quartiles = ""
    if row.ours and row.theirs:
        middle, low, high = median_ratio(row.ours, row.theirs)
        ratio, quartiles = f"{middle:.2f}", f"{low:.2f} … {high:.2f}"
    times = [f"{1e3 * statistics.median(seconds):.3f}" if seconds else "" for seconds in (row.ours, row.theirs)]
    speeds = [row.rate(seconds) for seconds in (row.ours, row.theirs)]
    rates = ["" if speed is None else f"{speed:.4g} {row.unit}" for speed in speeds]
    return [row.case, *times, ratio, quartiles, *rates, "" if of_limit is None else f"{of_limit:.0%}"]


def _aim(aim: Aim) -> str:
    if aim.measured is None:
        return f"- {aim.what}: not measured (aim: {aim.wanted:g})"
    verdict = "reached" if aim.measured >= aim.wanted else "not reached"
    return f"- {aim.what}: {aim.measured:.2f} (aim: {aim.wanted:g}, {verdict})"
