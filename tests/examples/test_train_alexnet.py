from __future__ import annotations

import csv
import importlib.util
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minitorch

pytest.importorskip("tqdm")
image_reader = pytest.importorskip("matplotlib.image")

SCRIPT = Path(__file__).parents[2] / "examples" / "train_alexnet.py"
PICTURES = ["confusion.png", "curves.png", "features.png", "filters.png"]
# 30 pictures in batches of 7, 7, 7, 7 and 2; 10 for validation, 8 for the test.
TINY = ["--length", "40", "--validation", "0.25", "--batch-size", "7", "--threads", "1"]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("train_alexnet", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_alexnet"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def train(script, tmp_path, monkeypatch):
    """Runs the script in this process, without pictures; gives its exit status."""
    monkeypatch.setattr(script, "draw", lambda *arguments, **keywords: None)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        common = [] if "--resume" in arguments else TINY
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *common, *map(str, arguments)])
        try:
            return script.main()
        except SystemExit as error:
            return error.code

    threads = minitorch.get_num_threads()
    yield run
    minitorch.set_num_threads(threads)


def trained(file):
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


@pytest.fixture
def large(script, monkeypatch):
    """Options for large pictures, and a quick model for them."""

    def model(num_classes):
        nn = minitorch.nn
        return nn.Sequential(nn.Conv2d(3, 4, 11, stride=8), nn.Flatten(), nn.Linear(4 * 7 * 7, num_classes))

    monkeypatch.setattr(script, "MODELS", {**script.MODELS, "alexnet": model, "alexnet_2012": model})
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


def test_a_run_from_beginning_to_end(tmp_path):
    pytest.importorskip("tensorboardX")
    options = [*TINY, "--epochs", "2", "--ten-crop", "--tensorboard", "--augment"]
    process = subprocess.run([sys.executable, SCRIPT, *options], cwd=tmp_path, capture_output=True, check=True)
    assert process.stderr == b""
    output = process.stdout.decode()
    for text in (
        "shapes: 10 classes\n    30 images to learn from\n",
        "    10 for validation, a part of the training images\n    8 for the test\n",
        "alexnet_small: 1,472,426 parameters, on cpu",
        "epoch  2/2  loss ",
        "the weights after epoch ",
        "ten parts of each picture",
        "precision  recall",
    ):
        assert text in output
    out = tmp_path / "out" / "shapes"
    files = {"checkpoint.safetensors", "best.safetensors", "metrics.csv", "tensorboard", *PICTURES}
    assert {path.name for path in out.iterdir()} == files
    with open(out / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    for name in PICTURES:
        assert np.ptp(image_reader.imread(out / name)) > 0.5, name
    assert scalars(out / "tensorboard") == {
        (column, int(row["epoch"])): pytest.approx(float(row[column]), rel=1e-6)
        for row in rows
        for column in row
        if column != "epoch"
    }


def scalars(folder):
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


# ---- killed, and resumed ---------------------------------------------------------------------------------------------


def run_and_kill(command, folder, after):
    """Runs the script and kills it a moment after it has printed so many steps; True if it was done before."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        output = []
        for line in process.stdout:
            output.append(line)
            if len([line for line in output if "  step " in line]) == after:
                time.sleep(random.Random(after).uniform(0, 0.03))  # within the step, or while the checkpoint is written
                process.kill()
    assert process.returncode in (0, -signal.SIGKILL), "".join(output)
    return process.returncode == 0


def test_killed_at_any_moment_it_resumes_to_the_bit(tmp_path):
    pytest.importorskip("tensorboardX")
    options = [*TINY, "--epochs", "3", "--accumulate", "2", "--augment", "--clip-grad", "1", "--tensorboard"]
    options += ["--patience", "0", "--schedule", "plateau", "--checkpoint-minutes", "0", "--log-every", "1"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    assert run_and_kill([sys.executable, str(SCRIPT), *options], whole, after=None)

    checkpoint = "out/shapes/checkpoint.safetensors"
    kills, steps = 0, random.Random(0)
    while not run_and_kill(
        [sys.executable, str(SCRIPT), *(["--resume", checkpoint] if (parts / checkpoint).exists() else options)],
        parts,
        after=steps.randint(2, 6) if kills < 4 else None,
    ):
        kills += 1
    assert kills == 4

    assert trained(whole / checkpoint) == trained(parts / checkpoint)
    a, b = (minitorch.load(folder / "out/shapes/best.safetensors") for folder in (whole, parts))
    assert all(minitorch.equal(a[name], b[name]) for name in a)
    tables = [
        list(csv.DictReader((folder / "out/shapes/metrics.csv").read_text().splitlines())) for folder in (whole, parts)
    ]
    events = [scalars(folder / "out/shapes/tensorboard") for folder in (whole, parts)]
    for rows in tables:
        for row in rows:
            del row["seconds"]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 3
    for shown in events:
        for epoch in (1, 2, 3):
            del shown["seconds", epoch]
    assert events[0] == events[1]


@pytest.mark.parametrize("at", [3, 4, 5, 6])
def test_after_a_crash_it_resumes_to_the_bit(train, monkeypatch, at):
    from training.step import Step

    options = ["--epochs", 2, "--accumulate", 2, "--checkpoint-minutes", 0]
    assert train(*options, "--out", "one") == 0
    step, batches = Step.__call__, 0

    def crashing_step(self, *arguments):
        nonlocal batches
        batches += 1
        if batches == at:
            raise ZeroDivisionError
        return step(self, *arguments)

    monkeypatch.setattr(Step, "__call__", crashing_step)
    with pytest.raises(ZeroDivisionError):
        train(*options, "--out", "two")
    monkeypatch.setattr(Step, "__call__", step)
    assert train("--resume", "two/checkpoint.safetensors") == 0
    assert trained("one/checkpoint.safetensors") == trained("two/checkpoint.safetensors")


@pytest.mark.parametrize("at", [1, 3, 7])
def test_ctrl_c_saves_and_resuming_goes_on_to_the_bit(train, tmp_path, monkeypatch, capsys, at):
    options = ["--epochs", 3, "--accumulate", 2, "--augment", "--optimizer", "sgd"]
    assert train(*options, "--out", "one") == 0
    step, steps = minitorch.optim.SGD.step, 0

    def interrupted_step(self):
        nonlocal steps
        steps += 1
        if steps == at:
            signal.raise_signal(signal.SIGINT)
        step(self)

    monkeypatch.setattr(minitorch.optim.SGD, "step", interrupted_step)
    assert train(*options, "--out", "two") == 130
    assert "--resume two/checkpoint.safetensors" in capsys.readouterr().out
    assert steps == at
    assert train("--resume", "two/checkpoint.safetensors") == 0
    assert trained("one/checkpoint.safetensors") == trained("two/checkpoint.safetensors")


def test_resuming_into_another_folder(train, tmp_path):
    assert train("--epochs", 2, "--schedule", "none") == 0
    for name, age in (("old", 100), ("new", 0)):
        unfinished = tmp_path / "out" / f".minitorch-{name}.tmp"
        unfinished.touch()
        os.utime(unfinished, (time.time() - age,) * 2)
    (tmp_path / "out" / "best.safetensors").write_text("another run's")
    options = ["--epochs", 3, "--lr", "1e-3", "--save", "out/checkpoint", "--out", "out"]
    assert train("--resume", "out/shapes/checkpoint.safetensors", *options) == 0
    assert minitorch.load("out/best.safetensors").keys() == minitorch.load("out/shapes/best.safetensors").keys()
    assert [path.name for path in (tmp_path / "out").glob(".minitorch*")] == [".minitorch-new.tmp"]


def test_a_finished_run_can_report_again(train, capsys):
    assert train("--epochs", 1) == 0
    report = capsys.readouterr().out.partition("\nTest of ")[2]
    assert report
    assert train("--resume", "out/shapes/checkpoint.safetensors") == 0
    assert capsys.readouterr().out.partition("\nTest of ")[2] == report


def test_workers_change_nothing(train, photos, large):
    photos("train", "val")
    for workers in (0, 2):
        assert train(*large, "--model", "alexnet", "--workers", workers, "--out", workers) == 0
    assert trained("0/checkpoint.safetensors") == trained("2/checkpoint.safetensors")


# ---- what is trained, and on what ------------------------------------------------------------------------------------


def test_gradients_of_several_batches_make_the_step_of_one(script):
    from training.step import Step

    weights = []
    for sizes in ([20], [8, 8, 4]):
        minitorch.manual_seed(0)
        model = minitorch.nn.Linear(5, 3).double()
        images, labels = minitorch.randn(20, 5, dtype=minitorch.float64), minitorch.arange(20) % 3
        optimizer = minitorch.optim.SGD(model.parameters(), lr=1.0)
        step = Step(model, optimizer, clip_grad=0.01)
        for part, targets in zip(images.split(sizes), labels.split(sizes), strict=True):
            step(part, targets, of=20)
        assert not step.seen
        weights.append(model.weight.detach().numpy())
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-12)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("none", [0.1, 0.1, 0.1, 0.1]),
        ("step", [0.1, 0.1, 0.01, 0.01]),  # a third of four epochs are two
        ("cosine", [0.1, 0.1 * (1 + 0.5**0.5) / 2, 0.05, 0.1 * (1 - 0.5**0.5) / 2]),
        ("plateau", [0.1, 0.1, 0.01, 0.001]),  # with --patience 0, where nothing gets better
    ],
)
def test_schedules(train, script, monkeypatch, schedule, rates):
    import training.loop
    from training.evaluation import Answers

    def answers(model, loader, device):
        return Answers(np.zeros(4, int), np.eye(4, 5, dtype=int), 1.0)

    monkeypatch.setattr(training.loop, "evaluate", answers)
    monkeypatch.setattr(script, "report", lambda *arguments: None)
    assert train("--epochs", 4, "--lr", 0.1, "--schedule", schedule, "--patience", 0) == 0
    with open("out/shapes/metrics.csv", newline="") as file:
        np.testing.assert_allclose([float(row["learning_rate"]) for row in csv.DictReader(file)], rates)


def test_the_best_weights_are_kept(train, script, monkeypatch):
    import training.loop
    from training.evaluation import Answers

    right = iter([2, 3, 1, 3])  # of four, while the loss grows

    def answers(model, loader, device):
        n = next(right)
        return Answers(np.arange(4), np.where(np.arange(4)[:, None] < n, np.arange(4)[:, None], 4), 10.0 - n)

    monkeypatch.setattr(training.loop, "evaluate", answers)
    monkeypatch.setattr(script, "report", lambda *arguments: None)
    options = ["--schedule", "plateau", "--patience", 0, "--lr", 0.01, "--optimizer", "sgd"]
    assert train("--epochs", 2, *options, "--out", "two") == 0
    right = iter([2, 3, 1, 3])
    assert train("--epochs", 4, *options, "--out", "four") == 0
    checkpoint, best = minitorch.load("four/checkpoint.safetensors"), minitorch.load("four/best.safetensors")
    assert checkpoint["progress"]["best_epoch"] == 2
    assert checkpoint["progress"]["best_accuracy"] == 0.75
    after_two = minitorch.load("two/checkpoint.safetensors")["model"]
    assert all(minitorch.equal(best[name], after_two[name]) for name in best)
    assert not minitorch.equal(best["features.0.weight"], checkpoint["model"]["features.0.weight"])
    rates = [row["learning_rate"] for row in checkpoint["progress"]["history"]]
    np.testing.assert_allclose(rates, [0.01, 0.01, 0.01, 0.001])  # the accuracy stalls in the third epoch


def test_answers_of_several_crops(script):
    from training.evaluation import evaluate

    class Logits(minitorch.nn.Module):
        """Takes the six pixels of a picture for the logits of six classes."""

        def forward(self, images):
            return images.flatten(1)

    def batches(images, labels):
        return minitorch.data.DataLoader(minitorch.data.TensorDataset(images, labels), batch_size=2)

    minitorch.manual_seed(0)
    crops, labels = 3 * minitorch.randn(5, 10, 1, 2, 3), minitorch.tensor([0, 1, 2, 3, 4])
    logits = crops.flatten(3).flatten(2).numpy().astype(np.float64)
    softmax = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for images, probabilities in ((crops[:, 0], softmax[:, 0]), (crops, softmax.mean(1))):
        answers = evaluate(Logits(), batches(images, labels), "cpu")
        order = np.argsort(-probabilities)
        np.testing.assert_array_equal(answers.ranking, order[:, :5])
        assert answers.accuracy() == np.mean(order[:, 0] == np.arange(5))
        assert answers.accuracy(best=5) == np.mean(order[:, 5] != np.arange(5))
        np.testing.assert_allclose(answers.loss, -np.log(probabilities[np.arange(5), np.arange(5)]).mean(), rtol=1e-5)


@pytest.mark.parametrize("is_large", [False, True])
def test_only_what_is_learnt_from_is_augmented(script, photos, large, monkeypatch, is_large):
    from training.images import MEAN, STD, load_images

    root = photos("train", "test")
    size = ["--model", "alexnet", "--image-size", "65"] if is_large else []
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--data", str(root), "--validation", "0.25", *size])
    images = load_images(script.parse_options()[0])

    def twice(dataset):
        return [next(iter(minitorch.data.DataLoader(dataset, batch_size=4)))[0] for _ in range(2)]

    assert not minitorch.equal(*twice(images.train))
    assert minitorch.equal(*twice(images.validation))
    assert minitorch.equal(*twice(images.test))
    assert minitorch.equal(*twice(images.crops))
    side = 65 if is_large else 32
    assert twice(images.crops)[0].shape == (4, 10, 3, side, side)
    # Reds lie between 100 and 199, and are scaled as ImageNet's.
    red = images.test[len(images.test) - 1][0][0]  # the last class
    mean = (red.mean().item() * STD[0] + MEAN[0]) * 255
    assert 140 < mean < 160


@pytest.mark.parametrize(
    ("folders", "options", "said"),
    [
        (
            ("train", "val"),
            [],
            ["16 images to learn", "16 for validation, from val/, which are the test images, too", "16 for the test"],
        ),
        (("train", "val", "test"), [], ["16 images to learn", "16 for validation, from val/\n", "16 for the test"]),
        (
            ("train", "test"),
            ["--validation", 0.25],
            ["12 images to learn", "4 for validation, a part of the training images", "16 for the test"],
        ),
        (
            ("train", "test"),
            ["--validation", 0],
            ["16 images to learn", "16 for validation, which are the test images", "16 for the test"],
        ),
    ],
)
def test_folders(train, photos, capsys, folders, options, said):
    photos(*folders)
    assert train("--data", "photos", "--epochs", 1, "--ten-crop", *options) == 0
    output = capsys.readouterr().out
    assert all(text in output for text in said)


@pytest.mark.parametrize(
    "options", [["--model", "alexnet"], ["--model", "alexnet_2012"], ["--model", "alexnet", "--no-augment"]]
)
def test_large_photographs(train, photos, large, options, capsys):
    photos("train", "test")
    assert train(*large, *options, "--validation", 0.25, "--ten-crop") == 0
    assert "ten parts of each picture     100.00%" in capsys.readouterr().out


def test_weights_to_begin_with(train, photos, capsys):
    photos("train", "test")
    assert train("--epochs", 1, "--out", "first") == 0
    options = ["--data", "photos", "--epochs", 1, "--init", "first/best.safetensors", "--lr", 1e-30]
    assert train(*options, "--out", "second") == 0
    assert "best.safetensors, except classifier.6.weight and classifier.6.bias" in capsys.readouterr().out
    first, second = (minitorch.load(f"{name}/best.safetensors") for name in ("first", "second"))
    assert minitorch.equal(first["features.0.weight"], second["features.0.weight"])
    assert second["classifier.6.weight"].shape == (2, 512)


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "nowhere"], "nowhere: there is no such folder"),
        (["--data", "."], "expected the folders train and val (or test)"),
        (["--validation", "0.1"], "--validation 0.1 leaves 40 of 40 images to learn from, and 0 for validation"),
        (["--validation", "1"], "expected a number from 0 to less than 1, got 1"),
        (["--workers", "-1"], "expected 0 or more, got -1"),
        (["--weight-decay", "-1"], "expected 0 or more, got -1"),
        (["--image-size", "64"], "32"),
        (["--optimizer", "adam", "--momentum", "0.9"], "--momentum is an option of sgd and rmsprop"),
        (["--init", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--device", "tpu"], "expected one of cpu, cuda, got 'tpu'"),
    ],
)
def test_wrong_options(train, capsys, options, message):
    assert train(*options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_folders_that_are_wrong(train, photos, capsys):
    root = photos("train", "val")
    (root / "val" / "blue").rename(root / "val" / "green")
    assert train("--data", "photos") == 2
    assert "train and val have different classes: only one of them has blue, green" in capsys.readouterr().err
    (root / "val" / "green").rename(root / "val" / "blue")
    for picture in (root / "train" / "blue").iterdir():
        picture.unlink()
    assert train("--data", "photos") == 2
    assert "found no image for the classes blue" in capsys.readouterr().err


@pytest.mark.parametrize("is_large", [False, True])
def test_damaged_pictures(train, photos, large, capsys, is_large):
    root = photos("train", "val")
    (root / "train" / "blue" / "3.png").write_bytes(b"no picture")
    options = [*large, "--model", "alexnet"] if is_large else ["--data", "photos", "--epochs", 1]
    assert train(*options) == (1 if is_large else 2)
    error = capsys.readouterr().err
    assert "photos/train/blue/3.png" in error
    assert "Traceback" not in error
    assert train(*options, "--skip-damaged") == 0
    output = capsys.readouterr().out
    assert "1 damaged pictures were skipped" in output
    assert "photos/train/blue/3.png" in output


def test_without_tensorboardx(train, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert train("--tensorboard") == 2
    assert "--tensorboard needs tensorboardX: pip install '.[tensorboard]'" in capsys.readouterr().err


def test_checkpoints_that_cannot_be_continued(train, capsys):
    assert train("--epochs", 1, "--schedule", "step") == 0
    checkpoint = "out/shapes/checkpoint.safetensors"
    for options, message in (
        (["--lr", 0.5], "was trained with --lr 0.001; it can't go on with 0.5"),
        (["--accumulate", 2], "was trained with --accumulate 1; it can't go on with 2"),
        (["--no-augment", "--weight-decay", 1], "was trained with --weight-decay 0.05; it can't go on with 1.0"),
        (["--epochs", 3], "was trained with --epochs 1, for which its --schedule step is made; it can't go on to 3"),
    ):
        assert train("--resume", checkpoint, *options) == 2
        assert message in capsys.readouterr().err
    minitorch.save({"options": {"lr": 1.0}}, "foreign")
    assert train("--resume", "foreign") == 2
    assert "foreign is no checkpoint of this script" in capsys.readouterr().err


def test_other_pictures_than_before(train, photos, capsys):
    root = photos("train", "val")
    assert train("--data", "photos", "--epochs", 1, "--schedule", "none") == 0
    (root / "train" / "blue" / "0.png").unlink()
    assert train("--resume", "out/photos/checkpoint.safetensors", "--epochs", 2) == 1
    assert "16" in capsys.readouterr().err
