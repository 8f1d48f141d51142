from __future__ import annotations

import csv
import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch
from minitorch import optim
from minitorch.data import MNIST

pytest.importorskip("tqdm")
pytest.importorskip("sklearn")
image_reader = pytest.importorskip("matplotlib.image")

SCRIPT = Path(__file__).parents[2] / "examples" / "train_lenet.py"
PICTURES = ["confusion.png", "curves.png", "features.png", "filters.png"]


@pytest.fixture(scope="module")
def script():
    return importlib.import_module("train_lenet")


@pytest.fixture
def train(script, tmp_path, write_mnist, monkeypatch):
    """Runs the script in this process on a small MNIST, without pictures: 100 images, 7 steps of 16 an epoch."""
    write_mnist(tmp_path / "data", n_train=100, n_test=30)
    monkeypatch.setattr(script, "report", lambda *arguments: None)

    def run(*arguments, dataset="mnist"):
        common = ["--data-dir", str(tmp_path / "data"), "--batch-size", "16", "--dataset", dataset]
        if "--resume" in arguments:
            common = []
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *common, *map(str, arguments)])
        try:
            return script.main()
        except SystemExit as error:
            return error.code

    return run


def assert_same_training(first, second):
    """Both checkpoints hold the same bits, but for the options and the time that it took."""
    a, b = minitorch.load(first), minitorch.load(second)
    assert a["model"].keys() == b["model"].keys()
    for name in a["model"]:
        assert a["model"][name].numpy().tobytes() == b["model"][name].numpy().tobytes(), name
    assert a["optimizer"]["state"].keys() == b["optimizer"]["state"].keys()
    for i, state in a["optimizer"]["state"].items():
        for name, value in state.items():
            assert np.asarray(value).tobytes() == np.asarray(b["optimizer"]["state"][i][name]).tobytes(), (i, name)
    for checkpoint in (a, b):
        for row in checkpoint["progress"]["history"]:
            del row["seconds"]
    assert a["progress"] == b["progress"]


def test_a_run_from_beginning_to_end(tmp_path, write_mnist):
    write_mnist(tmp_path / "data", n_train=100, n_test=30)
    options = ["--dataset", "mnist", "--data-dir", "data", "--epochs", "2", "--threads", "1"]
    process = subprocess.run([sys.executable, SCRIPT, *options], cwd=tmp_path, capture_output=True, check=True)
    out = tmp_path / "out" / "mnist"
    assert {path.name for path in out.iterdir()} == {"checkpoint.safetensors", "metrics.csv", *PICTURES}
    # Neither stdout nor stderr is a terminal: plain lines, no bar.
    assert process.stderr == b""
    output = process.stdout.decode()
    assert all(character.isprintable() or character == "\n" for character in output)
    for text in ("epoch  2/2  train loss", "precision  recall", "true \\ predicted"):
        assert text in output
    with open(out / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert list(rows[0]) == ["epoch", "train_loss", "test_accuracy", "seconds"]
    assert float(rows[1]["train_loss"]) < float(rows[0]["train_loss"])
    for name in PICTURES:
        picture = image_reader.imread(out / name)
        assert min(picture.shape[:2]) > 150, name
        assert np.ptp(picture) > 0.5, name


def test_the_loss_is_logged(train, tmp_path, capsys):
    assert train("--epochs", 1, "--log-every", 3, "--out", tmp_path / "out") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "step" in line]
    assert [line.rpartition("  loss ")[0] for line in lines] == ["epoch 1  step 3/7", "epoch 1  step 6/7"]


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adamw"])
def test_resuming_continues_to_the_bit(train, tmp_path, optimizer):
    assert train("--epochs", 4, "--optimizer", optimizer, "--save", tmp_path / "one", "--out", tmp_path) == 0
    assert train("--epochs", 2, "--optimizer", optimizer, "--save", tmp_path / "two", "--out", tmp_path) == 0
    assert train("--resume", tmp_path / "two", "--epochs", 4) == 0
    assert_same_training(tmp_path / "one", tmp_path / "two")


def test_the_result_depends_on_the_seed_but_not_on_the_threads(train, tmp_path):
    threads = minitorch.get_num_threads()
    for name, *options in (("a", "--threads", 1), ("b", "--threads", 2), ("c", "--seed", 1)):
        assert train("--epochs", 1, "--save", tmp_path / name, "--out", tmp_path, *options) == 0
    minitorch.set_num_threads(threads)
    assert_same_training(tmp_path / "a", tmp_path / "b")
    a, c = minitorch.load(tmp_path / "a"), minitorch.load(tmp_path / "c")
    assert not minitorch.equal(a["model"]["fc1.weight"], c["model"]["fc1.weight"])


@pytest.mark.parametrize("at", [1, 7, 10])
def test_ctrl_c_saves_and_resuming_goes_on_to_the_bit(train, tmp_path, monkeypatch, capsys, at):
    assert train("--epochs", 3, "--save", tmp_path / "one", "--out", tmp_path) == 0
    steps = 0
    step = optim.Adam.step

    def interrupted_step(self):
        nonlocal steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGINT)
        step(self)

    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(optim.Adam, "step", interrupted_step)
    capsys.readouterr()
    assert train("--epochs", 3, "--save", tmp_path / "two", "--out", tmp_path) == 130
    assert signal.getsignal(signal.SIGINT) is handler
    output = capsys.readouterr().out
    assert f"Stopped after {at // 7} epochs and {at % 7} steps. To go on:" in output
    assert f"--resume {tmp_path / 'two'}" in output
    assert steps == at
    assert train("--resume", tmp_path / "two") == 0
    assert_same_training(tmp_path / "one", tmp_path / "two")


def test_ctrl_c_from_outside(tmp_path, write_mnist):
    write_mnist(tmp_path / "data", n_train=100, n_test=30)
    options = ["--dataset", "mnist", "--data-dir", "data", "--epochs", "1000000", "--threads", "1"]
    with subprocess.Popen(
        [sys.executable, SCRIPT, *options], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("epoch  2/"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert "--resume out/mnist/checkpoint.safetensors" in rest.splitlines()[-1]
    assert minitorch.load(tmp_path / "out/mnist/checkpoint.safetensors")["progress"]["epoch"] >= 2


def test_digits_need_no_files(train, tmp_path, capsys):
    assert train("--epochs", 1, "--batch-size", 449, "--out", tmp_path / "out", dataset="digits") == 0
    assert "1347 images to learn from, 450 held out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset", "cifar"], "invalid choice: 'cifar'"),
        (["--epochs", "0"], "expected 1 or more, got 0"),
        (["--epochs", "many"], "invalid positive value: 'many'"),
        (["--lr", "-1"], "expected a positive number, got -1"),
        (["--lr", "nan"], "expected a positive number, got nan"),
        (["--optimizer", "magic"], "invalid choice: 'magic'"),
        (["--device", "tpu"], "expected one of cpu, cuda, got 'tpu'"),
        (["--resume", "/nowhere/checkpoint"], "/nowhere/checkpoint"),
        (["--out", "/dev/null/out"], "/dev/null"),
    ],
)
def test_wrong_options(train, capsys, options, message):
    assert train(*options) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert "Traceback" not in output.err


def test_cuda_where_there_is_none(train, capsys):
    reason = ""
    try:
        minitorch.zeros(1, device="cuda")
    except RuntimeError as error:
        reason = str(error)
    if not reason:
        pytest.skip("there is a CUDA device")
    assert train("--device", "cuda") == 2
    assert reason in capsys.readouterr().err


def test_files_that_are_missing_or_damaged(train, tmp_path, monkeypatch, capsys):
    images = tmp_path / "data" / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:-100])
    assert train() == 2
    assert "train-images-idx3-ubyte.gz: the gzip data is damaged or cut off" in capsys.readouterr().err
    images.unlink()
    monkeypatch.setattr(MNIST, "mirrors", ("http://127.0.0.1:9/",))
    assert train() == 2
    error = capsys.readouterr().err
    assert "these files are missing:\n  train-images-idx3-ubyte.gz\n" in error
    assert f"put them, compressed or not, into {tmp_path / 'data'}" in error


def test_checkpoints_that_cannot_be_continued(train, tmp_path, capsys):
    checkpoint = tmp_path / "checkpoint"
    assert train("--epochs", 2, "--save", checkpoint, "--out", tmp_path) == 0
    for options, message in (
        (["--epochs", 2], f"{checkpoint} has 2 epochs already; --epochs counts them all: give 3 or more"),
        (["--epochs", 3, "--lr", 0.5], "was trained with --lr 0.001; it can't go on with 0.5"),
        (["--epochs", 3, "--batch-size", 8], "was trained with --batch-size 16; it can't go on with 8"),
    ):
        assert train("--resume", checkpoint, *options) == 2
        assert message in capsys.readouterr().err
    minitorch.save({"weight": minitorch.ones(3)}, tmp_path / "foreign")
    assert train("--resume", tmp_path / "foreign") == 2
    assert "foreign is no checkpoint of this script" in capsys.readouterr().err
    checkpoint.write_bytes(checkpoint.read_bytes()[:-50])
    assert train("--resume", checkpoint) == 2
    assert str(checkpoint) in capsys.readouterr().err
