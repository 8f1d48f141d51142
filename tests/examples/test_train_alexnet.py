from __future__ import annotations

import csv
import subprocess
import sys

import numpy as np
import pytest

import minitorch

pytest.importorskip("tqdm")
image_reader = pytest.importorskip("matplotlib.image")

PICTURES = ["confusion.png", "curves.png", "features.png", "filters.png"]


def test_a_run_from_beginning_to_end(short_alexnet, scalars, tmp_path):
    pytest.importorskip("tensorboardX")
    command = [*short_alexnet, "--epochs", "2", "--ten-crop", "--tensorboard", "--augment"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
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


# ---- what is trained, and on what ------------------------------------------------------------------------------------


def test_gradients_of_several_batches_make_the_step_of_one(alexnet):
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
def test_schedules(train, alexnet, monkeypatch, schedule, rates):
    import training.loop
    from training.evaluation import Answers

    def answers(model, loader, device):
        return Answers(np.zeros(4, int), np.eye(4, 5, dtype=int), 1.0)

    monkeypatch.setattr(training.loop, "evaluate", answers)
    monkeypatch.setattr(alexnet, "report", lambda *arguments: None)
    assert train("--epochs", 4, "--lr", 0.1, "--schedule", schedule, "--patience", 0) == 0
    with open("out/shapes/metrics.csv", newline="") as file:
        np.testing.assert_allclose([float(row["learning_rate"]) for row in csv.DictReader(file)], rates)


def test_the_best_weights_are_kept(train, alexnet, monkeypatch):
    import training.loop
    from training.evaluation import Answers

    right = iter([2, 3, 1, 3])  # of four, while the loss grows

    def answers(model, loader, device):
        n = next(right)
        return Answers(np.arange(4), np.where(np.arange(4)[:, None] < n, np.arange(4)[:, None], 4), 10.0 - n)

    monkeypatch.setattr(training.loop, "evaluate", answers)
    monkeypatch.setattr(alexnet, "report", lambda *arguments: None)
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


def test_answers_of_several_crops(alexnet):
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
def test_only_what_is_learnt_from_is_augmented(alexnet, photos, large, monkeypatch, is_large):
    from training.images import MEAN, STD, load_images

    root = photos("train", "test")
    size = ["--model", "alexnet", "--image-size", "65"] if is_large else []
    monkeypatch.setattr(sys, "argv", ["train_alexnet.py", "--data", str(root), "--validation", "0.25", *size])
    images = load_images(alexnet.parse_options()[0])

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
