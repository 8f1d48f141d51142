"""What ``import minitorch`` imports, and what waits until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import minitorch


def test_packages_are_imported_when_they_are_used():
    script = (
        "import sys, minitorch\n"
        "for name in ('minitorch.data', 'minitorch.models', 'minitorch.nn', 'minitorch.optim', 'minitorch.testing',\n"
        "             'safetensors', 'hypothesis'):\n"
        "    assert name not in sys.modules, name\n"
        "assert minitorch.nn.Linear and minitorch.nn.functional.relu and minitorch.optim.lr_scheduler.StepLR\n"
        "assert minitorch.models.LeNet5 and minitorch.data.DataLoader\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_they_are_listed():
    assert {"data", "models", "nn", "optim", "testing", "tensor"} <= set(dir(minitorch))


def test_other_names_are_missing():
    with pytest.raises(AttributeError, match="module 'minitorch' has no attribute 'nothing'"):
        minitorch.nothing  # noqa: B018
