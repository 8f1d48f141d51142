"""The pytest plugin says what was skipped, once, and only where Minitorch was used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_minitorch

pytest_plugins = "pytester"

HOME = Path(pytest_minitorch.__file__).parent
PROJECT = Path(__file__).parents[2]

TESTS = """
import pytest
import minitorch

@pytest.mark.parametrize("n", range(3))
def test_with_gpu(n):
    pytest.skip("no GPU")

@pytest.mark.skip(reason="another day")
def test_later():
    pass

def test_now():
    assert True
"""
SUMMARY = ["*= not tested =*", "3 skipped: no GPU", "1 skipped: another day", "4 skipped in all"]


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs the tests of the folder in another process, with or without the entry point of an installed Minitorch."""

    def run(*arguments, installed):
        path = [str(HOME), str(Path(__import__("minitorch").__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        if installed:
            (entry_point,) = re.findall(r'pytest11\]\n(minitorch = ".*")', (PROJECT / "pyproject.toml").read_text())
            info = pytester.mkdir("site") / "minitorch_standin-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\nName: minitorch-standin\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text("[pytest11]\n" + entry_point.replace('"', "") + "\n")
            path.insert(0, str(info.parent))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    return run


def sections(result):
    return sum("= not tested =" in line for line in result.outlines)


@pytest.mark.parametrize("installed", [True, False], ids=["installed", "not installed"])
def test_what_was_skipped_is_counted_once(pytester, run, installed):
    """As pytest finds the plugin, or as the conftest.py of Minitorch's own tests registers it."""
    pytester.makepyfile(TESTS)
    pytester.makeconftest((PROJECT / "tests" / "conftest.py").read_text())
    result = run(installed=installed)
    result.stdout.fnmatch_lines(SUMMARY, consecutive=True)
    assert sections(result) == 1


def test_it_needs_no_conftest_where_minitorch_is_installed(pytester, run):
    pytester.makepyfile(TESTS)
    result = run(installed=True)
    result.stdout.fnmatch_lines(SUMMARY, consecutive=True)
    assert sections(result) == 1


def test_a_whole_module_that_is_skipped_counts(pytester, run):
    pytester.makepyfile("import minitorch, pytest\npytest.importorskip('no_such_package', reason='not here')")
    run(installed=True).stdout.fnmatch_lines(["1 skipped: not here", "1 skipped in all"], consecutive=True)


def test_nothing_skipped_is_said_too(pytester, run):
    pytester.makepyfile("import minitorch\ndef test_nothing(): pass")
    run(installed=True).stdout.fnmatch_lines(["*= not tested =*", "0 skipped in all"], consecutive=True)


@pytest.mark.parametrize("installed", [True, False], ids=["installed", "not installed"])
def test_it_can_be_turned_off(pytester, run, installed):
    pytester.makepyfile(TESTS)
    pytester.makeconftest((PROJECT / "tests" / "conftest.py").read_text())
    result = run("-p", "no:minitorch", installed=installed)
    result.assert_outcomes(passed=1, skipped=4)
    assert sections(result) == 0


def test_it_is_silent_where_minitorch_is_not_used(pytester, run):
    pytester.makepyfile("import pytest\ndef test_later(): pytest.skip('later')")
    result = run(installed=True)
    result.assert_outcomes(skipped=1)
    assert sections(result) == 0


def test_it_works_with_xdist(pytester, run):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    pytester.makepyfile(TESTS)
    result = run("-n", "2", installed=True)
    result.stdout.fnmatch_lines(SUMMARY, consecutive=True)
    assert sections(result) == 1


def test_what_workers_imported_counts(pytester, run):
    """As with pytest-xdist, whose process that sums up imports no tests."""
    pytester.makepyfile("import pytest\ndef test_later(): pytest.skip('later')")
    pytester.makeconftest(
        """
        import pytest

        def pytest_sessionfinish(session):
            class Node:
                workeroutput = {"minitorch": True}

            session.config.pluginmanager.get_plugin("minitorch-not-tested").pytest_testnodedown(Node())
        """
    )
    run(installed=True).stdout.fnmatch_lines(["1 skipped: later", "1 skipped in all"], consecutive=True)


def test_it_imports_neither_minitorch_nor_numpy():
    script = "import sys, pytest_minitorch; print([name for name in ('minitorch', 'numpy') if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
