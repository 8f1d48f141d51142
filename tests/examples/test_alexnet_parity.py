"""The comparison of AlexNet with PyTorch: what it prints and when it fails, and all of it tiny."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


MIB = 2**20


def result(losses, imported, peak):
    return {"losses": losses, "imported": imported * MIB, "peak": peak * MIB}


def test_report(capsys):
    import alexnet_parity

    assert alexnet_parity.compare(result([2.0, 1.0], 50, 900), result([2.0, 1.0005], 200, 1100))
    printed = capsys.readouterr().out
    assert "    2    1.000500    1.000000  5.0e-04" in printed
    assert "largest relative difference: 5.0e-04" in printed
    assert "  the process                    1100        900" in printed
    assert "  more than after the import      900        850" in printed


@pytest.mark.parametrize(
    "ours",
    [
        result([2.0, 1.01], 50, 900),  # another loss
        result([2.0, float("nan")], 50, 900),
        result([2.0, 1.0], 300, 1101),  # more memory
    ],
)
def test_what_is_not_as_good_as_pytorch(ours):
    import alexnet_parity

    assert not alexnet_parity.compare(ours, result([2.0, 1.0], 200, 1100))


def test_peak_memory_is_the_processs_own():
    code = (
        "import numpy, alexnet_parity\n"
        "before = alexnet_parity.peak_memory()\n"
        "block = numpy.ones(100 << 17)\n"  # 100 MiB
        "del block\n"
        "print(before, alexnet_parity.peak_memory())\n"
    )
    block = np.ones(400 << 17)  # of this process, which the other one shouldn't count
    done = subprocess.run([sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert 10 * MIB < before < block.nbytes
    assert 90 * MIB < after - before < 130 * MIB


def test_tiny(tmp_path):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(3):
            image.fromarray(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(tmp_path / name / f"{i}.png")
    command = [sys.executable, str(BENCHMARKS / "alexnet_parity.py"), str(tmp_path)]
    command += ["--steps", "4", "--batch-size", "2", "--size", "64", "--width", "16", "--threads", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "4 steps of 2 from ImageFolder(6 images in 2 classes" in done.stdout
    difference = float(done.stdout.split("largest relative difference: ")[1].split()[0])
    assert difference < 1e-4
    command[-1:] = ["1", "--batch-size", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "has 6 images, too few for a batch of 7" in done.stderr
