"""The comparison of what networks learn in both frameworks, on a few pictures."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch
from minitorch import nn
from minitorch.models import alexnet_small

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"
OPTIONS = argparse.Namespace(threads=2, classes=2, lr=1e-3, weight_decay=0.05, epochs=3, batch_size=16)


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def data(tmp_path):
    """Pictures of noise, some reddish and some bluish: 40 to learn, 10 to test."""
    Image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 5)):
        for name, faint in (("blue", 0), ("red", 2)):
            folder = tmp_path / "data" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                picture = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                picture[:, :, faint] //= 2
                Image.fromarray(picture).save(folder / f"{number}.png")
    return tmp_path / "data"


@pytest.fixture
def pictures(data, tmp_path):
    from cifar_pictures import Pictures

    return Pictures(str(data), tmp_path, OPTIONS.batch_size)


def written(folder, part):
    with np.load(folder / f"{part}.npz") as arrays:
        return dict(arrays)


def test_the_network_is_the_one_in_models():
    import networks

    ours, same = alexnet_small(7).eval(), networks.alexnet_small(minitorch, 7).eval()
    same.load_state_dict(ours.state_dict())  # the names are the same
    x = minitorch.randn(2, 3, 32, 32)
    assert (same(x) == ours(x)).all()
    assert [m.p for m in same.modules() if isinstance(m, nn.Dropout)] == [0.5, 0.5]


def test_pictures(pictures, tmp_path):
    test = written(tmp_path, "test")
    assert test["images"].shape == (10, 3, 32, 32)
    assert test["labels"].tolist() == [0] * 5 + [1] * 5
    epochs = []
    for seed in (0, 0, 1):
        pictures.seed(seed)
        for _ in range(2):
            pictures.next_epoch()
            epochs.append(written(tmp_path, "train"))
    for first, second in ((0, 2), (1, 3)):
        np.testing.assert_array_equal(epochs[first]["images"], epochs[second]["images"])
        np.testing.assert_array_equal(epochs[first]["labels"], epochs[second]["labels"])
    for first, second in ((0, 1), (0, 4)):
        assert (epochs[first]["images"] != epochs[second]["images"]).any()
        assert (epochs[first]["labels"] != epochs[second]["labels"]).any()
    assert sorted(epochs[0]["labels"]) == [0] * 20 + [1] * 20
    # A picture stays beside its label.
    red = epochs[0]["images"].astype(float).mean((2, 3))
    np.testing.assert_array_equal(red[:, 0] > red[:, 2], epochs[0]["labels"] == 1)
    # What the networks get is standardised.
    originals = pictures.dataset.data.numpy() / np.float32(255)
    standardised = (originals - epochs[0]["mean"]) / epochs[0]["std"]
    np.testing.assert_allclose(standardised.mean((0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(standardised.std((0, 2, 3)), 1, atol=1e-4)


def test_both_frameworks_do_the_same_without_dropout(pictures, tmp_path):
    pytest.importorskip("torch")
    from cifar_parity import Training

    trainings = [Training(framework, tmp_path, OPTIONS) for framework in ("minitorch", "torch")]
    pictures.seed(0)
    for training in trainings:
        assert training.answer(["start", 0]) is None
        for module in training.model.modules():
            if isinstance(module, training.fw.nn.Dropout):
                module.p = 0.0
    losses = []
    for epoch in range(OPTIONS.epochs):
        pictures.next_epoch()
        losses.append([training.answer(["train", epoch])["loss"] for training in trainings])
    ours, theirs = np.array(losses).T
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    assert ours[-1] < ours[0]
    assert [training.optimizer.param_groups[0]["lr"] for training in trainings] == [0, 0]
    assert trainings[0].answer(["test", 0]) == trainings[1].answer(["test", 0]) > 0.5


@pytest.mark.parametrize(("within", "status"), [("100", 0), ("-1", 1)])
def test_the_whole_script(data, within, status):
    pytest.importorskip("torch")
    command = [sys.executable, str(BENCHMARKS / "cifar_parity.py"), "--data", str(data), "--seeds", "3", "5"]
    command += ["--epochs", "1", "--batch-size", "16", "--within", within]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("40 pictures, 1 epochs; minitorch ")
    assert [line.split()[0] for line in lines[1:]] == ["seed", "3", "5", "mean"]
    assert lines[-1].endswith(f"points (goal: within {within})")
