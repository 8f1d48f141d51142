"""``examples/train_lenet.py --device cuda``: with a CUDA graph the weights are the same, also after an interruption."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch

pytest.importorskip("tqdm")

SCRIPT = Path(__file__).parents[2] / "examples" / "train_lenet.py"


@pytest.fixture
def train(tmp_path, write_mnist, monkeypatch):
    """Runs the script in this process on 20 images, in steps of 8, 8 and 4, without pictures; gives its checkpoint."""
    script = importlib.import_module("train_lenet")
    monkeypatch.setattr(script, "report", lambda *arguments: None)
    write_mnist(tmp_path / "data", n_train=20, n_test=5)
    common = ["--data-dir", tmp_path / "data", "--dataset", "mnist", "--batch-size", 8, "--device", "cuda"]

    def run(*arguments, resume=None):
        options = ["--resume", resume] if resume else common
        file = tmp_path / f"checkpoint{len(list(tmp_path.iterdir()))}"
        arguments = [*options, *arguments, "--save", file, "--out", tmp_path / "out"]
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
        try:
            assert script.main() == 0
        except SystemExit as error:
            return error.code
        return file

    return run


def trained(file):
    checkpoint = minitorch.load(file)
    history = [{**row, "seconds": None} for row in checkpoint["progress"]["history"]]
    states = [checkpoint["model"], *checkpoint["optimizer"]["state"].values()]
    return history, [np.asarray(value).tolist() for state in states for value in state.values()]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_graph_changes_nothing(train, optimizer):
    eager = train("--epochs", 2, "--optimizer", optimizer)
    graphed = train("--epochs", 2, "--optimizer", optimizer, "--cuda-graph")
    assert trained(eager) == trained(graphed)


def test_a_graph_after_resuming(train):
    whole = train("--epochs", 2)
    part = train("--epochs", 1, "--cuda-graph")
    assert trained(whole) == trained(train("--epochs", 2, "--cuda-graph", resume=part))


def test_a_graph_is_for_gpus(train, capsys):
    assert train("--cuda-graph", "--device", "cpu") == 2
    assert "--cuda-graph needs --device cuda, got cpu" in capsys.readouterr().err
