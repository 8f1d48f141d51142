"""``--distributed`` in the training scripts."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch
from minitorch import nn
from minitorch.data import TensorDataset

pytest.importorskip("tqdm", reason="tqdm is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from training.checkpoint import Progress, Run
from training.loop import CtrlC, make_loader, train_epoch

# Those beside the package under test, which may be a broken copy; an installed package has none.
BESIDE = Path(minitorch.__file__).parents[1] / "examples"
EXAMPLES = BESIDE if BESIDE.is_dir() else Path(__file__).parents[2] / "examples"


@pytest.fixture
def train(start, tmp_path, write_mnist):
    """Starts train_lenet.py on a small MNIST: 96 images, 6 steps of 16 an epoch. Results go into a folder of a name."""
    write_mnist(tmp_path / "data", n_train=96, n_test=31)

    def run(name, *options, ranks=2, **others):
        common = ["--dataset", "mnist", "--data-dir", tmp_path / "data", "--batch-size", "16", "--distributed"]
        options = [*([] if "--resume" in options else common), "--out", tmp_path / name, *options]
        return start(EXAMPLES / "train_lenet.py", *options, ranks=ranks, **others)

    return run


@pytest.fixture
def checkpoint(tmp_path):
    return lambda name: minitorch.load(tmp_path / name / "checkpoint.safetensors")


def bits(checkpoint):
    """What must be the same in two runs that did the same."""
    state = {
        f"{i} {name}": value for i, values in checkpoint["optimizer"]["state"].items() for name, value in values.items()
    }
    arrays = {name: np.asarray(value).tobytes() for name, value in {**checkpoint["model"], **state}.items()}
    history = [{**row, "seconds": 0} for row in checkpoint["progress"]["history"]]
    return arrays, history, checkpoint["train_loader"], checkpoint["rng_state"]


def test_two_ranks_follow_one(train, checkpoint, tmp_path):
    programs = {ranks: train(f"{ranks}", "--epochs", 2, "--optimizer", "sgd", ranks=ranks) for ranks in (1, 2)}
    for program in programs.values():
        assert program.wait() == 0, program.errors
        assert program.output.count("epoch  2/2  train loss") == 1  # rank 0 prints
        assert program.output.count("precision  recall") == 1
        assert program.errors == ""
    one, two = checkpoint("1"), checkpoint("2")
    assert (one["processes"], two["processes"]) == (1, 2)
    for name, expected in one["model"].items():
        np.testing.assert_allclose(two["model"][name].numpy(), expected.numpy(), rtol=0, atol=2e-5, err_msg=name)
    for a, b in zip(one["progress"]["history"], two["progress"]["history"], strict=True):
        assert abs(a["train_loss"] - b["train_loss"]) < 1e-5
        assert abs(a["test_accuracy"] - b["test_accuracy"]) <= 1 / 31
    assert {path.name for path in (tmp_path / "2").iterdir()} == {path.name for path in (tmp_path / "1").iterdir()}


def test_ctrl_c_stops_all_ranks_and_resuming_goes_on_to_the_bit(train, checkpoint, tmp_path):
    options = ["--epochs", 12, "--accumulate", 2, "--log-every", 1]
    whole = train("whole", *options)
    assert whole.wait() == 0, whole.errors
    stopped = train("stopped", *options)
    while "step 4/6" not in stopped.process.stdout.readline():
        pass
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.wait() == 130, stopped.errors
    assert "Traceback" not in stopped.errors
    to_go_on = shlex.split(stopped.output.rpartition("To go on:\n")[2])
    file = str(tmp_path / "stopped" / "checkpoint.safetensors")
    script = str(EXAMPLES / "train_lenet.py")
    assert to_go_on == ["mpiexec", "-n", "2", sys.executable, "-m", "mpi4py", script, "--resume", file]
    assert checkpoint("stopped")["progress"]["epoch"] < 12
    resumed = train("stopped", "--resume", file)
    assert resumed.wait() == 0, resumed.errors
    assert bits(checkpoint("stopped")) == bits(checkpoint("whole"))


def test_each_epoch_has_an_order_of_its_own(alone, tmp_path):
    images = minitorch.arange(12).float()
    loader = make_loader(TensorDataset(images, images), batch_size=4, shuffle=True)
    options = argparse.Namespace(device="cpu", accumulate=1, log_every=None, checkpoint_minutes=10)
    run = Run(options, nn.Linear(1, 1), None, loader, held_out=None, held_out_name="test", columns={})

    class Seen:
        seen = 0

        def __call__(self, images, labels, of):
            order.extend(labels.tolist())
            return minitorch.tensor(0.0)

    orders = []
    for epoch in (0, 1, 0):
        order = []
        run.progress = Progress(epoch=epoch)
        assert train_epoch(run, Seen(), CtrlC())
        orders.append(order)
    assert sorted(orders[0]) == images.tolist()
    assert orders[0] != orders[1]
    assert orders[0] == orders[2]


def test_what_cannot_be_shared(train, tmp_path):
    uneven = train("a", "--epochs", 1, "--batch-size", 15)
    assert uneven.wait() == 2
    assert "2 processes can't share --batch-size 15 evenly" in uneven.errors
    assert train("b", "--epochs", 1).wait() == 0
    file = tmp_path / "b" / "checkpoint.safetensors"
    alone = train("b", "--resume", file, "--epochs", 2, ranks=1)
    assert alone.wait() == 2
    assert "was trained by 2 processes; it can't go on with 1. Start it with mpiexec -n 2" in alone.errors
