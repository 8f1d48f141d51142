"""``train_alexnet.py --device cuda``, from the options to the pictures, with a network that is quickly emulated."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch
from minitorch import nn

pytest.importorskip("tqdm")
pytest.importorskip("matplotlib")

SCRIPT = Path(__file__).parents[2] / "examples" / "train_alexnet.py"


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Runs the script in this process on 20 shapes, in steps of 8, 8 and 4; gives the weights of its checkpoint."""
    script = importlib.import_module("train_alexnet")

    def model(num_classes):
        layers = nn.Conv2d(3, 2, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(2 * 4 * 4, num_classes)
        return nn.Sequential(*layers)

    monkeypatch.setattr(script, "MODELS", {"alexnet_small": model})
    monkeypatch.chdir(tmp_path)

    def run(*options):
        common = ["--device", "cuda", "--length", 20, "--validation", 0, "--batch-size", 8, "--epochs", 2]
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, [*common, *options])])
        assert script.main() == 0
        weights = minitorch.load("out/shapes/checkpoint.safetensors")["model"]
        return {name: tensor.numpy().tolist() for name, tensor in weights.items()}

    return run


def test_from_the_options_to_the_pictures(train, tmp_path, capsys):
    train("--augment", "--ten-crop")
    assert "parameters, on cuda:0" in capsys.readouterr().out
    assert (tmp_path / "out/shapes/features.png").exists()


def test_a_graph_clips_gradients_too(train):
    options = ["--clip-grad", 0.1, "--optimizer", "sgd", "--lr", 1]
    clipped = train(*options)
    assert clipped == train(*options, "--cuda-graph")
    assert not np.allclose(clipped["4.bias"], train(*options[2:])["4.bias"])
