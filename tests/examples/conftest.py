"""A short run of ``examples/train_alexnet.py``, in this process or another."""

from __future__ import annotations

import importlib
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

import minitorch

SCRIPT = Path(__file__).parents[2] / "examples" / "train_alexnet.py"
# 30 pictures in batches of 7, 7, 7, 7 and 2; 10 for validation, 8 for the test.
TINY = ["--length", "40", "--validation", "0.25", "--batch-size", "7", "--threads", "1"]


@pytest.fixture(scope="session")
def short_alexnet():
    """The command line of a short run in a process of its own."""
    return [sys.executable, str(SCRIPT), *TINY]


@pytest.fixture(scope="module")
def alexnet():
    return importlib.import_module("train_alexnet")


@pytest.fixture
def train(alexnet, tmp_path, monkeypatch):
    """Runs the script in this process, without pictures; gives its exit status."""
    monkeypatch.setattr(alexnet, "draw", lambda *arguments, **keywords: None)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        common = [] if "--resume" in arguments else TINY
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *common, *map(str, arguments)])
        try:
            return alexnet.main()
        except SystemExit as error:
            return error.code

    threads = minitorch.get_num_threads()
    yield run
    minitorch.set_num_threads(threads)


@pytest.fixture(scope="session")
def trained():
    return _trained


@pytest.fixture(scope="session")
def scalars():
    return _scalars


def _trained(file):
    """Everything in a checkpoint but the options and the time that it took, as bytes and numbers."""
    checkpoint = minitorch.load(file)
    checkpoint["progress"]["history"] = [{**row, "seconds": None} for row in checkpoint["progress"]["history"]]
    del checkpoint["options"]
    tensors = {}

    def without_tensors(value, path):
        if isinstance(value, minitorch.Tensor):
            tensors[path] = value.numpy().tobytes()
            return None
        if isinstance(value, dict):
            return {key: without_tensors(item, (*path, key)) for key, item in value.items()}
        return value

    return without_tensors(checkpoint, ()), tensors


def _scalars(folder):
    """What TensorBoard shows: {(tag, step): value}. A start purges what comes later; nothing is doubled."""
    from tensorboardX.proto.event_pb2 import Event, SessionLog

    shown = {}
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        while len(data) >= 12:
            (length,) = struct.unpack_from("<Q", data)
            record, data = data[12 : 12 + length], data[16 + length :]
            if len(record) < length:
                break  # it was being written when the process was killed
            event = Event.FromString(record)
            if event.session_log.status == SessionLog.START:
                shown = {(tag, step): value for (tag, step), value in shown.items() if step < event.step}
            for value in event.summary.value:
                assert (value.tag, event.step) not in shown
                shown[value.tag, event.step] = value.simple_value
    return shown


@pytest.fixture
def large(alexnet, monkeypatch):
    """Options for large pictures, and a quick model for them."""

    def model(num_classes):
        nn = minitorch.nn
        return nn.Sequential(nn.Conv2d(3, 4, 11, stride=8), nn.Flatten(), nn.Linear(4 * 7 * 7, num_classes))

    monkeypatch.setattr(alexnet, "MODELS", {**alexnet.MODELS, "alexnet": model, "alexnet_2012": model})
    return ["--data", "photos", "--epochs", 1, "--image-size", 65, "--batch-size", 3]


@pytest.fixture
def photos(tmp_path):
    """Writes an image folder with pictures of various sizes, red ones and blue ones."""
    image = pytest.importorskip("PIL.Image")

    def write(*folders, each=8, size=40):
        randoms = np.random.default_rng(0)
        for folder in folders:
            for channel, name in ((0, "red"), (2, "blue")):
                path = tmp_path / "photos" / folder / name
                path.mkdir(parents=True)
                for i in range(each):
                    pixels = randoms.integers(0, 100, (size + i, size + 2 * i, 3), dtype=np.uint8)
                    pixels[..., channel] += 100
                    image.fromarray(pixels).save(path / f"{i}.png")
        return tmp_path / "photos"

    return write
