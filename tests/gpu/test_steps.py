"""The steps of ``tests/gpu/run`` that need no GPU: sharing a suite, judging what tools print, summing up."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from gpu import build_extension, fragments, sanitize, suite, summary
from gpu.shard import read
from gpu.step import Step

# Ends its process, loses its GPU, or hangs; the fake GPU is lost once a test says so.
TOY = """
import os, sys, time, types, pytest
class CUDARuntimeError(RuntimeError): pass
lost = []
def synchronize():
    if lost: raise CUDARuntimeError("an illegal memory access")
runtime = types.SimpleNamespace(deviceSynchronize=synchronize, CUDARuntimeError=CUDARuntimeError)
sys.modules["cupy"] = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime))
def test_a(): pass
def test_b(): assert 1 == 2, "one isn't two"
def test_c(): pytest.skip("not here")
def test_d(): os._exit(9)
def test_e(): pass
def test_f(): lost.append(True); assert False, "lost"
def test_g(): pass
@pytest.fixture
def broken():
    yield
    raise ValueError("when it ended")
def test_h(broken): pass
"""


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "test_toy.py"
    path.write_text(TOY)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return path


def shards(tmp_path, path, count):
    return [suite.Shard([str(path)], number, count, tmp_path, {}) for number in range(count)]


def test_processes_share_a_suite_and_survive_what_ends_them(tmp_path, toy, capsys):
    started = shards(tmp_path, toy, 2)
    suite.run(started, 60)
    step = Step("suite", str(tmp_path / "suite.json"))
    suite.judge(step, "tests", started)
    said = {check["what"].rpartition("::")[2]: (check["passed"], check["said"]) for check in step.checks}
    assert said.pop("tests") == (False, "3 passed, 4 failed, 1 skipped")
    assert {name: text.split(" (process")[0] for name, (_, text) in said.items()} == {
        "test_b": "AssertionError: one isn't two\nassert 1 == 2",
        "test_d": "it began and didn't end",
        "test_f": "AssertionError: lost\nassert False",
        "test_h": "ValueError: when it ended",
    }
    assert step.status() == 1
    assert json.loads((tmp_path / "suite.json").read_text())["checks"][-1]["skipped"] == {"Skipped: not here": 1}
    printed = capsys.readouterr().out
    assert "---- process 1" in printed
    assert "---- process 0" not in printed  # where all passed
    begun = [line["test"] for shard in started for line in read(str(shard.log)) if line["outcome"] == "begun"]
    assert len(begun) == len(set(begun)) == 8


def test_what_is_not_ready_in_time_is_stopped(tmp_path, monkeypatch):
    path = tmp_path / "test_slow.py"
    path.write_text("import time\ndef test_a(): pass\ndef test_b(): time.sleep(60)\ndef test_c(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    started = shards(tmp_path, path, 1)
    suite.run(started, 5)
    for patience, expected in (
        (60.0, [(None, "1 of 1 processes weren't ready in time"), (True, "1 passed, 0 failed, 0 skipped")]),
        (0.0, [(False, "it began and didn't end (process 0)"), (None, "1 of 1 processes weren't ready in time"),
               (False, "1 passed, 1 failed, 0 skipped")]),
    ):  # fmt: skip
        monkeypatch.setattr(suite, "LONG", patience)
        step = Step("suite", None)
        suite.judge(step, "tests", started)
        assert [(check["passed"], check["said"]) for check in step.checks] == expected


def test_a_suite_that_runs_no_test_fails(tmp_path):
    path = tmp_path / "test_nothing.py"
    path.write_text("")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    started = shards(tmp_path, path, 1)
    suite.run(started, 60)
    step = Step("suite", None)
    suite.judge(step, "tests", started)
    assert step.status() == 1


def test_a_file_that_cannot_be_imported_fails_once_and_the_others_run(tmp_path):
    (tmp_path / "test_bad.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "test_good.py").write_text("def test_a(): pass\ndef test_b(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    started = shards(tmp_path, tmp_path, 2)
    suite.run(started, 60)
    step = Step("suite", None)
    suite.judge(step, "tests", started)
    (bad, whole) = step.checks
    assert "No module named 'nothing_of_that_name'" in bad["said"]
    assert whole["said"] == "2 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("pass", [(True, "1 of 1 passed, pytest's status is 0")]),
        ("assert 0", [(False, "assert 0"), (False, "0 of 1 passed, pytest's status is 1")]),
        ("import pytest; pytest.skip('no tensor cores')", [(None, "Skipped: no tensor cores")]),
    ],
)
def test_fragments_are_reported(test, expected, tmp_path, monkeypatch):
    path = tmp_path / "test_toy.py"
    path.write_text(f"def test_toy():\n    {test}\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setattr(fragments, "TESTS", str(path))
    monkeypatch.setattr(sys, "argv", ["fragments", "--out", str(tmp_path / "out.json")])
    assert fragments.main() == (expected[0][0] is False)
    checks = json.loads((tmp_path / "out.json").read_text())["checks"]
    assert [(check["passed"], check["said"]) for check in checks] == expected


RACES = "========= RACECHECK SUMMARY: {} hazards displayed ({} errors, {} warnings)\n"
ERRORS = "========= ERROR SUMMARY: {} errors\n"
LAUNCHED = "every kernel: launches: ok: 7 of 9 kernels\n"


@pytest.mark.parametrize(
    ("status", "output", "passed", "said"),
    [
        (0, LAUNCHED + ERRORS.format(0), True, "7 kernels"),
        (0, LAUNCHED + RACES.format(0, 0, 0), True, "7 kernels"),
        (0, LAUNCHED + RACES.format(2, 0, 2), True, "7 kernels"),
        (86, LAUNCHED + "========= Invalid __global__ read\n" + ERRORS.format(3), False, "status 86, 3 errors: "),
        (86, LAUNCHED + RACES.format(2, 1, 1), False, "status 86, 1 errors: "),
        (0, LAUNCHED, False, "status 0, 0 errors: "),
        (0, ERRORS.format(0), False, "status 0, 0 errors: "),
        (1, "every kernel: launches: FAILED\n" + ERRORS.format(0), False, "status 1, 0 errors: "),
        (1, "========= Error: Device not supported", None, "compute-sanitizer doesn't support this machine"),
        (None, "========= COMPUTE-SANITIZER", None, "not ready in time"),
    ],
)
def test_what_a_sanitizer_says(status, output, passed, said):
    step = Step("sanitizer", None)
    sanitize.judge(step, "memcheck", status, output)
    (check,) = step.checks
    assert check["passed"] is passed
    assert check["said"].startswith(said)


def test_a_sanitizer_is_run_and_stopped(tmp_path, monkeypatch, capsys):
    tool = tmp_path / "compute-sanitizer"
    monkeypatch.setattr(sanitize.shutil, "which", lambda name: str(tool))
    tool.write_text(f"#!/bin/sh\necho '{LAUNCHED.strip()}'; echo '{ERRORS.format(0).strip()}'\n")
    tool.chmod(0o755)
    out = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", ["sanitize", "--out", str(out), "--processes", "1"])
    assert sanitize.main() == 0
    checks = [(check["what"], check["passed"]) for check in json.loads(out.read_text())["checks"]]
    assert checks == [("memcheck, part 1 of 1", True), ("racecheck, part 1 of 1", True)]
    tool.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(sys, "argv", ["sanitize", "--out", str(out), "--processes", "1", "--seconds", "0"])
    assert sanitize.main() == 0
    assert {check["passed"] for check in json.loads(out.read_text())["checks"]} == {None}
    monkeypatch.setattr(sanitize.shutil, "which", lambda name: None)
    assert sanitize.main() == 0
    assert json.loads(out.read_text())["checks"][0]["said"] == "it is not installed"


def test_the_summary(tmp_path, monkeypatch, capsys):
    def leave(name, status, *checks):
        (tmp_path / f"{name}.status").write_text(f"{status} 12\n")
        if checks:
            lines = [{"what": what, "passed": passed, "said": "so"} for what, passed in checks]
            (tmp_path / f"{name}.json").write_text(json.dumps({"checks": lines}))

    leave("build", 0, ("kernels", True))
    leave("compile", 139, ("some", True))
    leave("suite", 1, *[(f"test {i}", False) for i in range(12)])
    leave("layers", 124, ("lenet", True))
    leave("sanitizer", 0, ("memcheck", None))
    leave("benchmarks", 0)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "2030-01-01-gpu.json").write_text('{"device": "GPU"}')
    (tmp_path / "benchmarks" / "2030-01-01-gpu.md").write_text("# GPU\n")
    monkeypatch.setattr(sys, "argv", ["summary", str(tmp_path), str(tmp_path / "results.json")])
    assert summary.main() == 1
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["benchmarks"] == {"device": "GPU"}
    assert results["machine"]["packages"]["numpy"]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "# GPU"
    assert printed[-1] == "failed: compile, suite, layers"
    for line in (
        "build (12 s)         ok       kernels: so",
        "                     FAILED   compile: ended with status 139; see the log",
        "                     FAILED   and 2 more",
        "                     FAILED   layers: stopped after 12 s",
        "fragments (0 s)      left out fragments: it was not run",
        "sanitizer (12 s)     left out memcheck: so",
    ):
        assert line in printed, line
    assert sum("FAILED   test " in line for line in printed) == 10


def test_the_extension_works_or_is_built(tmp_path, monkeypatch):
    assert build_extension.works()[0]
    monkeypatch.setattr(build_extension, "IMPORT", "raise SystemExit('no kernels')")
    assert build_extension.works() == (False, "no kernels")
    out = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", ["build", "--out", str(out)])
    monkeypatch.setattr(build_extension, "build", lambda folder: (_ for _ in ()).throw(RuntimeError("no cmake")))
    assert build_extension.main() == 1
    assert json.loads(out.read_text())["checks"] == [{"what": "C++ kernels", "passed": False, "said": "no cmake"}]


def test_without_a_gpu_the_script_says_so_at_once(tmp_path):
    command = [str(build_extension.PROJECT / "tests" / "gpu" / "run"), str(tmp_path)]
    environment = {**os.environ, "PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("tests/gpu/run: there is nothing to confirm here: ")
