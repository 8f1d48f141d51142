"""The comparison with PyTorch on a GPU: its report on made-up numbers, its processes, all of it tiny on the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def results(**cases):
    """Results of two rounds: for each case its limit, work, and the seconds of both frameworks."""
    found = {}
    for name, (limit, work, ours, theirs) in cases.items():
        flops = work if limit in ("ieee", "tf32") else 0
        times = {
            framework: {"device": seconds, "clock": [2 * s for s in seconds]} if isinstance(seconds, list) else seconds
            for framework, seconds in (("minitorch", ours), ("torch", theirs))
        }
        found[name] = {"flops": flops, "bytes": work if limit == "copy" else 0, "limit": limit, **times}
    return {
        "date": "2030-01-02T03:04:05+00:00",
        "device": "A GPU",
        "machine": "a machine",
        "rounds": 2,
        "tiny": False,
        "frameworks": {"minitorch": {"version": "1"}, "torch": {"version": "2"}},
        "cases": found,
        "left out": [],
    }


MEASURED = {
    "LeNet-5, batch 64, eager": ("", 0, [3e-4, 3e-4], [4e-4, 6e-4]),
    "LeNet-5, batch 64, graphed": ("", 0, [1e-4, 1e-4], [2e-4, 1e-4]),
    "matmul 4096×4096×4096, IEEE": ("ieee", 1e11, [5e-3, 5e-3], [4e-3, 4e-3]),
    "matmul 8192×8192×8192, IEEE": ("ieee", 8e11, [4e-2, 4e-2], [2e-2, 2e-2]),
    "AlexNet conv 1 forward, IEEE": ("ieee", 1e10, [1e-3, 1e-3], {"error": "RuntimeError: no"}),
    "copy": ("copy", 8e9, [4e-3, 4e-3], [2e-3, 2e-3]),
    "sum": ("copy", 4e9, [1e-3, 1e-3], [2e-3, 4e-3]),
    "add": ("copy", 12e9, [4e-3, 4e-3], [4e-3, 4e-3]),
}


def test_rates_and_shares_of_the_cards_limits():
    import cuda_report

    table = {row.case: row for row in cuda_report.rows(results(**MEASURED))}
    most = cuda_report.limits(list(table.values()))
    assert most == {"ieee": pytest.approx(40), "copy": pytest.approx(4000)}
    lenet, conv, adding = table["LeNet-5, batch 64, eager"], table["AlexNet conv 1 forward, IEEE"], table["add"]
    assert lenet.ours == [6e-4, 6e-4]  # by the clock
    assert lenet.rate(lenet.ours) is None
    assert cuda_report.share(lenet, most) is None
    assert conv.rate(conv.ours) == pytest.approx(10)
    assert cuda_report.share(conv, most) == pytest.approx(0.25)
    assert conv.errors == ("torch: RuntimeError: no",)
    assert cuda_report.share(adding, most) == pytest.approx(0.75)

    alone = results(**{case: (*rest, {"error": "none"}) for case, (*rest, _) in MEASURED.items()})
    assert cuda_report.limits(cuda_report.rows(alone)) == {"ieee": pytest.approx(20), "copy": pytest.approx(2000)}


def test_aims():
    import cuda_report

    aims = cuda_report.aims(cuda_report.rows(results(**MEASURED)))
    measured = {aim.what: (aim.measured, aim.wanted) for aim in aims}
    assert measured == {
        "LeNet-5, batch 64: a graphed step, times PyTorch's eager speed": (pytest.approx(5), 5),
        "the same, times PyTorch's graphed speed": (pytest.approx(1.5), 1),
        "AlexNet, batch 128: times PyTorch's speed, defaults": (None, 1),
        "matmul of 4096³, IEEE: share of PyTorch's speed": (pytest.approx(0.8), 0.85),
        "matmul of 4096³, TF32: share of PyTorch's speed": (None, 0.55),
        "bandwidth, share of a copy's: the least, add": (pytest.approx(0.75), 0.85),
    }


def test_the_page():
    import cuda_report

    text = cuda_report.as_text({**results(**MEASURED), "left out": ["Adam step"]})
    assert text.startswith("# A GPU, 2030-01-02\n\nminitorch 1, torch 2; a machine; medians of 2 rounds.\n\n| ")
    (line,) = [line for line in text.splitlines() if line.startswith("| sum")]
    assert len(line) == len(text.splitlines()[4])  # as wide as the head
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        "sum", "1.000", "3.000", "0.38", "0.31 … 0.44", "4000 GB/s", "1333 GB/s", "100%",
    ]  # fmt: skip
    assert "\nAlexNet conv 1 forward, IEEE: torch: RuntimeError: no\n" in text
    assert "- the same, times PyTorch's graphed speed: 1.50 (aim: 1, reached)\n" in text
    assert "- matmul of 4096³, IEEE: share of PyTorch's speed: 0.80 (aim: 0.85, not reached)\n" in text
    assert "The card's limit, a copy: 4000 GB/s, read and written.\n" in text
    assert text.endswith("No time was left for: Adam step.\n")
    alone = {**results(**MEASURED), "frameworks": {"minitorch": {"version": "1"}, "torch": {"missing": "no module"}}}
    assert "minitorch 1, no torch (no module); a machine" in cuda_report.as_text(alone)
    assert "RuntimeError: no" not in cuda_report.as_text(alone)  # said once, above
    assert "not measured" in cuda_report.as_text(results())


# What a process does with the names that it gets: sleep, end, lose its GPU, fail, or answer.
PROCESS = """
import os, time
from pairs import serve
def measure(case):
    if case == "sleep": time.sleep(60)
    if case == "end": os._exit(3)
    if case in ("lose", "fail"): return {"error": case, "lost": case == "lose"}
    return {"device": 1.0, "clock": float(os.getpid())}
serve({"version": "0", "cases": {}}, measure)
"""


@pytest.fixture
def framework(monkeypatch):
    import compare_torch_cuda
    from pairs import Worker

    def start(name, command, environment, patience):
        return Worker(name, [sys.executable, "-c", PROCESS], {"PYTHONPATH": str(BENCHMARKS)}, 2.0)

    monkeypatch.setattr(compare_torch_cuda, "Worker", start)
    framework = compare_torch_cuda.Framework("torch", "python", "cuda", True)
    yield framework
    framework.stop()


def test_a_process_that_ends_is_started_again(framework):
    first = framework.measure("case")["clock"]
    assert framework.measure("case")["clock"] == first
    assert framework.measure("fail") == {"error": "fail"}
    assert framework.measure("case")["clock"] == first
    for case, error in (
        ("lose", "lose"),
        ("end", "the process of torch ended with 3"),
        ("sleep", "the process of torch ended with -9"),
    ):
        assert framework.measure(case) == {"error": error}
        assert framework.measure("case")["clock"] != first
    framework.measure("lose")
    framework.measure("lose")
    gone = "5 errors ended its process, the last one with lose"
    assert framework.measure("case") == {"error": gone}
    assert framework.described() == {"version": "0", "missing": gone}


def test_turns_alternate_and_an_error_ends_a_framework_in_a_case():
    import compare_torch_cuda

    asked = []

    class Fake:
        def __init__(self, name):
            self.name = name

        def measure(self, case):
            asked.append(self.name)
            return {"error": "no"} if self.name == "torch" and len(asked) > 3 else {"device": 1.0, "clock": 2.0}

    found = compare_torch_cuda.compare({name: Fake(name) for name in ("minitorch", "torch")}, "case", 4)
    assert asked == ["minitorch", "torch", "torch", "minitorch", "minitorch", "torch", "minitorch"]
    assert found == {"minitorch": {"device": [1.0] * 4, "clock": [2.0] * 4}, "torch": {"error": "no"}}


def test_everything_runs_on_the_cpu(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "compare_torch_cuda.py"), "--tiny", "--device", "cpu"]
    command += ["--torch-device", "cpu", "--rounds", "1", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("20??-??-??-cpu.json")
    found = json.loads(path.read_text())
    errors = {case: about["minitorch"].get("error") for case, about in found["cases"].items()}
    graphed = {case for case in errors if case.endswith("graphed")}
    assert {case for case, error in errors.items() if error} == graphed
    assert {errors[case] for case in graphed} == {"RuntimeError: device 'cpu' has no graphs"}
    assert len(errors) > 40
    assert path.with_suffix(".md").read_text() in done.stdout
    if "version" in found["frameworks"]["torch"]:
        assert {case for case, about in found["cases"].items() if "error" in about["torch"]} == graphed


def test_only_some_and_no_time(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "compare_torch_cuda.py"), "--tiny", "--device", "cpu", "--rounds", "1"]
    command += ["--torch-device", "cpu", "--out", str(tmp_path), "--only", "^(copy|add)$", "--seconds", "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "No time was left for: copy, add." in done.stdout
