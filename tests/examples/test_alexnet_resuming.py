"""Runs of ``examples/train_alexnet.py`` that are interrupted in every way, and go on to the bit."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import time

import pytest

import minitorch

pytest.importorskip("tqdm")
pytest.importorskip("matplotlib")


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


def test_killed_at_any_moment_it_resumes_to_the_bit(short_alexnet, trained, scalars, tmp_path):
    pytest.importorskip("tensorboardX")
    start = [*short_alexnet, "--epochs", "3", "--accumulate", "2", "--augment", "--clip-grad", "1", "--tensorboard"]
    start += ["--patience", "0", "--schedule", "plateau", "--checkpoint-minutes", "0", "--log-every", "1"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    assert run_and_kill(start, whole, after=None)

    checkpoint = "out/shapes/checkpoint.safetensors"
    resume = [*start[:2], "--resume", checkpoint]
    kills, steps = 0, random.Random(0)
    while not run_and_kill(
        resume if (parts / checkpoint).exists() else start, parts, after=steps.randint(2, 5) if kills < 4 else None
    ):
        kills += 1
    assert kills >= 2

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
def test_after_a_crash_it_resumes_to_the_bit(train, trained, monkeypatch, at):
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
def test_ctrl_c_saves_and_resuming_goes_on_to_the_bit(train, trained, monkeypatch, capsys, at):
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


def test_workers_change_nothing(train, trained, photos, large):
    photos("train", "val")
    for workers in (0, 2):
        assert train(*large, "--model", "alexnet", "--workers", workers, "--out", workers) == 0
    assert trained("0/checkpoint.safetensors") == trained("2/checkpoint.safetensors")
