"""What a wheel and a source distribution hold: the CUDA sources are read at run time, so they must be in both."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

import pytest

import minitorch

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "minitorch"

build = pytest.importorskip("scikit_build_core.build", reason="scikit-build-core is not installed")


def sources(*suffixes):
    """The package's files, as paths from the root."""
    return {str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.suffix in suffixes}


@pytest.fixture
def at_the_root(monkeypatch):
    if Path(minitorch.__file__).parent != PACKAGE:
        pytest.skip("the tests of an installed package have no project to build")
    monkeypatch.chdir(ROOT)


def test_the_wheel_holds_the_kernels(at_the_root, tmp_path):
    # Without the compiled module, whose compilation takes minutes and isn't what is asked for.
    name = build.build_wheel(str(tmp_path), {"wheel.cmake": "false", "build-dir": str(tmp_path / "build")})
    with zipfile.ZipFile(tmp_path / name) as wheel:
        held = set(wheel.namelist())
        metadata = next(wheel.read(name).decode() for name in held if name.endswith("METADATA"))
    wanted = sources(".py", ".pyi", ".cu", ".cuh", ".typed")
    assert any(name.endswith("gemm.cu") for name in wanted)
    assert wanted - held == set()
    for cuda in ("12", "13"):
        assert f'Requires-Dist: cupy-cuda{cuda}x[ctk]>=14; extra == "cuda{cuda}"' in metadata
    cupy = [line for line in metadata.splitlines() if line.startswith("Requires-Dist: cupy")]
    assert all("; extra ==" in line for line in cupy)


def test_the_source_distribution_holds_them_and_their_tests(at_the_root, tmp_path):
    name = build.build_sdist(str(tmp_path))
    with tarfile.open(tmp_path / name) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    wanted = sources(".py", ".pyi", ".cu", ".cuh", ".typed")
    for folder in ("cpp", os.path.join("tests", "cuda_on_cpu"), os.path.join("tests", "on_cuda")):
        wanted |= {
            str(p.relative_to(ROOT)) for p in (ROOT / folder).rglob("*") if p.suffix in (".py", ".cpp", ".h", ".json")
        }
    wanted |= {"CMakeLists.txt", "pyproject.toml", "pytest_minitorch.py", "LICENSE", "tests/gpu/run"}
    assert wanted - held == set()
