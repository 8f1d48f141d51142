"""A copy of the project in which variants are made, compiled and tested."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from .variant import PROJECT, Variant

# The copy must be imported, whatever is installed: an editable installation puts a finder of its own before the path.
RUN_TESTS = """
import importlib.machinery, sys
folder, *arguments = sys.argv[1:]
standard = ("BuiltinImporter", "FrozenImporter", "PathFinder")
sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, "__name__", "") in standard]
sys.path.insert(0, folder)
import pytest, minitorch
assert minitorch.__file__.startswith(folder), minitorch.__file__
sys.exit(pytest.main(arguments))
"""
# What a mistake in Python or in a CUDA source raises before anything is tested. A variant that does so tests nothing.
STILLBORN = (
    "SyntaxError",
    "ImportError",
    "ModuleNotFoundError",
    "NameError",
    "UnboundLocalError",
    "IndentationError",
    "the C++ compiler refuses a CUDA source",
)
# Tests of device "cuda", which need a process of their own.
ON_CUDA = ("tests/on_cuda/", "tests/cuda_on_cpu/")


@dataclass(frozen=True)
class Verdict:
    """What the tests said of a variant."""

    caught: bool
    by: str  # the test that failed, as pytest names it, or why none counts


PASSED = Verdict(False, "all tests passed")


class Workshop:
    """The copy, in a folder that is kept between runs so that only what changed is compiled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.build = folder / "cmake"

    def prepare(self, native: bool) -> None:
        """Brings the copy up to date with the project; ``native`` says whether its kernels will be changed."""
        wanted = ["CMakeLists.txt", "pytest_minitorch.py"]
        sources = {"minitorch": {".py", ".cu", ".cuh"}, "cpp": {".h", ".cpp"}, "examples": {".py"}}
        for folder, suffixes in sources.items():
            wanted += [str(p.relative_to(PROJECT)) for p in (PROJECT / folder).rglob("*") if p.suffix in suffixes]
            for path in (self.folder / folder).rglob("*"):
                if path.suffix in suffixes and str(path.relative_to(self.folder)) not in wanted:
                    path.unlink()  # it was removed from the project
        for path in wanted:
            self._restore(path)
        if native:
            self.compile()
        else:
            installed = importlib.util.find_spec("minitorch._C")
            assert installed is not None
            assert installed.origin is not None
            shutil.copyfile(installed.origin, self.folder / "minitorch" / Path(installed.origin).name)

    def _restore(self, path: str) -> None:
        """Copies one file, unless it is the same: the time of its last change tells what has to be compiled."""
        source, copy = PROJECT / path, self.folder / path
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)

    def compile(self) -> None:
        """Compiles what has changed, for the plainest instruction set alone: its kernels share their source."""
        if not (self.build / "build.ninja").exists():
            nanobind = subprocess.run([sys.executable, "-m", "nanobind", "--cmake_dir"], capture_output=True, text=True)
            options = {
                "CMAKE_BUILD_TYPE": "Release",
                "SKBUILD_PROJECT_VERSION": "0",
                "Python_EXECUTABLE": sys.executable,
                "nanobind_DIR": nanobind.stdout.strip(),
            }
            defined = [f"-D{name}={value}" for name, value in options.items()]
            self._call("cmake", "-S", str(self.folder), "-B", str(self.build), "-G", "Ninja", *defined)
        self._call("cmake", "--build", str(self.build))
        (built,) = self.build.glob("_C.*.so")
        shutil.copyfile(built, self.folder / "minitorch" / built.name)

    def _call(self, *command: str) -> None:
        # cmake and ninja may be installed beside the Python that runs this, without its environment being active.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")

    def test(self, variant: Variant) -> Verdict:
        """Makes one mistake, runs its tests, and mends the copy."""
        variant.apply(self.folder)
        try:
            if variant.is_native:
                self.compile()
            return self.run(shlex.split(variant.tests))
        finally:
            self._restore(variant.file)

    def check(self, tests: list[str]) -> Verdict:
        """Runs tests that must pass: the verdict on those that don't, if any."""
        with_cuda = [test for test in tests if test.startswith(ON_CUDA)]
        without = [test for test in tests if test not in with_cuda]
        verdicts = [self.run(chosen) for chosen in (without, with_cuda) if chosen]
        return next((verdict for verdict in verdicts if verdict != PASSED), PASSED)

    def run(self, tests: list[str]) -> Verdict:
        """Runs some tests of the project against the copy."""
        report = self.folder / "report.xml"
        report.unlink(missing_ok=True)
        written = ["-o", "junit_family=xunit1", f"--junitxml={report}"]
        paths = ["-o", f"pythonpath=tests {shlex.quote(str(self.folder / 'examples'))}"]
        arguments = ["-x", "-q", "--tb=line", "-p", "no:cacheprovider", *written, *paths]
        environment = {
            **os.environ,
            "HYPOTHESIS_PROFILE": "ci",
            "PYTHONDONTWRITEBYTECODE": "1",
            # The broken CUDA kernels, compiled for the CPU, don't belong among those that are right.
            "MINITORCH_CUDA_ON_CPU_CACHE": str(self.folder / "cuda_on_cpu"),
        }
        done = subprocess.run(
            [sys.executable, "-c", RUN_TESTS, str(self.folder), *arguments, *tests],
            cwd=PROJECT, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode == 0:
            return PASSED
        if done.returncode != 1 or not report.exists():
            said = (done.stdout + done.stderr)[-1000:]
            return Verdict(False, f"pytest ended with status {done.returncode} instead of a failed test:\n{said}")
        return judge(report.read_text())


def judge(report: str) -> Verdict:
    """Whether a test failed by what it asserts, from a report in JUnit's format."""
    for case in ElementTree.fromstring(report).iter("testcase"):
        name = f"{case.get('file')}::{case.get('name')}"
        if (failure := case.find("failure")) is not None:
            stillborn = [error for error in STILLBORN if f"{error}:" in failure.get("message", "")]
            return Verdict(not stillborn, f"{name} raised {stillborn[0]}: nothing was tested" if stillborn else name)
        if (error := case.find("error")) is not None:
            return Verdict(False, f"{name} could not be run: {error.get('message')}")
    return Verdict(False, "no test failed")
