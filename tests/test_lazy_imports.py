"""What ``import minitorch`` imports, and what waits until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import minitorch


def test_nn_and_optim_come_at_once_and_the_rest_when_used():
    script = (
        "import sys, minitorch\n"
        "assert minitorch.nn.Linear and minitorch.optim.lr_scheduler.StepLR\n"
        "for name in ('data', 'models'):\n"
        "    assert f'minitorch.{name}' not in sys.modules, name\n"
        "for name in ('safetensors', 'hypothesis'):\n"
        "    assert name not in sys.modules, name\n"
        "assert minitorch.models.LeNet5 and minitorch.data.DataLoader\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_other_names_are_missing():
    with pytest.raises(AttributeError, match="module 'minitorch' has no attribute 'nothing'"):
        minitorch.nothing  # noqa: B018
