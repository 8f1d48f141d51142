from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest

import minitorch
from minitorch.data import CIFAR10, CIFAR100, DataLoader
from minitorch.data.cifar import _Archive

RECORDS = 6  # in each file, instead of 10,000


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    for dataset in (CIFAR10, CIFAR100):
        for files in ("train_files", "test_files"):
            monkeypatch.setattr(dataset, files, dict.fromkeys(getattr(dataset, files), RECORDS))


def contents(dataset):
    """The files of a small CIFAR, by name, and their images and labels."""
    rng = np.random.default_rng(0)
    files, images, labels = {}, {}, {}
    for name in [*dataset.train_files, *dataset.test_files]:
        images[name] = rng.integers(0, 256, (RECORDS, 3, 32, 32), dtype=np.uint8)
        labels[name] = rng.integers(0, len(dataset.names), (RECORDS, dataset.labels), dtype=np.uint8)
        files[name] = b"".join(
            label.tobytes() + image.tobytes() for label, image in zip(labels[name], images[name], strict=True)
        )
    return files, images, labels


def pack(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def write(root, dataset, how):
    files, _, _ = contents(dataset)
    if how == "archive":
        pack(root / dataset.archive.name, {f"{dataset.archive.folder}/{name}": data for name, data in files.items()})
        return
    folder = root / dataset.archive.folder if how == "folder" else root
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("how", ["folder", "files", "archive"])
@pytest.mark.parametrize("dataset", [CIFAR10, CIFAR100])
@pytest.mark.parametrize("train", [True, False])
def test_files(tmp_path, how, dataset, train):
    write(tmp_path, dataset, how)
    _, images, labels = contents(dataset)
    loaded = dataset(tmp_path, train=train)
    names = dataset.train_files if train else dataset.test_files
    np.testing.assert_array_equal(loaded.data.numpy(), np.concatenate([images[name] for name in names]))
    np.testing.assert_array_equal(loaded.targets.numpy(), np.concatenate([labels[name][:, -1] for name in names]))
    assert loaded.targets.dtype == minitorch.int64
    n = RECORDS * len(names)
    assert repr(loaded) == f"{dataset.__name__}({n} images of 32×32, {len(dataset.names)} classes)"
    image, target = loaded[n - 1]
    assert image.shape == (3, 32, 32)
    assert image.dtype == minitorch.uint8
    assert type(target) is int


def test_the_planes_are_red_green_and_blue(tmp_path):
    write(tmp_path, CIFAR10, "files")
    planes = b"".join(bytes([value]) * 1024 for value in (200, 100, 50))
    (tmp_path / "test_batch.bin").write_bytes((b"\x08" + planes) * RECORDS)
    image, target = CIFAR10(tmp_path, train=False)[2]
    assert image[:, 31, 0].tolist() == [200, 100, 50]
    assert target == 8
    assert CIFAR10(tmp_path).class_to_idx["ship"] == 8


def test_missing_files_are_named(tmp_path):
    write(tmp_path, CIFAR10, "folder")
    (tmp_path / CIFAR10.archive.folder / "data_batch_3.bin").unlink()
    with pytest.raises(RuntimeError) as caught:
        CIFAR10(tmp_path)
    message = str(caught.value)
    assert message.startswith("CIFAR10: these files are missing:\n  data_batch_3.bin\nGet cifar-10-binary.tar.gz ")
    assert message.endswith(f"and put it, unpacked or not, into {tmp_path}\nor give download=True.")
    assert len(CIFAR10(tmp_path, train=False)) == RECORDS


def test_download(tmp_path, monkeypatch):
    (tmp_path / "server").mkdir()
    write(tmp_path / "server", CIFAR10, "archive")
    content = (tmp_path / "server" / CIFAR10.archive.name).read_bytes()
    archive = _Archive(*CIFAR10.archive[:2], len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(CIFAR10, "archive", archive)
    monkeypatch.setattr(CIFAR10, "mirrors", ((tmp_path / "server").as_uri() + "/",))
    assert len(CIFAR10(tmp_path / "here", download=True)) == 5 * RECORDS
    monkeypatch.setattr(CIFAR10, "mirrors", ())  # now it is there
    assert len(CIFAR10(tmp_path / "here", train=False, download=True)) == RECORDS


def test_without_a_network_the_files_are_named_too(tmp_path, monkeypatch):
    monkeypatch.setattr(CIFAR100, "mirrors", ("http://127.0.0.1:9/",))
    with pytest.raises(RuntimeError) as caught:
        CIFAR100(tmp_path, download=True)
    message = str(caught.value)
    assert "could not download cifar-100-binary.tar.gz" in message
    assert "refused" in message
    assert "these files are missing:\n  train.bin\nGet" in message


@pytest.mark.parametrize("change", [-1, 1, -3073, 3073])
@pytest.mark.parametrize("how", ["files", "archive"])
def test_files_of_another_size(tmp_path, change, how):
    files, _, _ = contents(CIFAR10)
    files["data_batch_2.bin"] = (files["data_batch_2.bin"] + bytes(4000))[: RECORDS * 3073 + change]
    if how == "archive":
        pack(tmp_path / CIFAR10.archive.name, files)
    else:
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
    with pytest.raises(
        ValueError, match=r"data_batch_2\.bin: expected 18438 bytes \(6 records of 3073\), got \d+; get"
    ):
        CIFAR10(tmp_path)


def test_a_label_out_of_range(tmp_path):
    write(tmp_path, CIFAR10, "files")
    (tmp_path / "test_batch.bin").write_bytes((b"\x0a" + bytes(3072)) * RECORDS)
    with pytest.raises(ValueError, match=r"test_batch\.bin: label 10 is out of range for 10 classes"):
        CIFAR10(tmp_path, train=False)


def test_damaged_archives(tmp_path):
    write(tmp_path, CIFAR10, "archive")
    path = tmp_path / CIFAR10.archive.name
    intact = path.read_bytes()
    flipped = bytearray(intact)
    flipped[len(intact) // 2] ^= 0xFF
    for data in (intact[: len(intact) // 2], b"", b"<html>", gzip.compress(b"no tar" * 200), bytes(flipped)):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"cifar-10-binary\.tar\.gz: .*get the file again"):
            CIFAR10(tmp_path, train=False)


def test_an_archive_writes_nothing(tmp_path):
    files, _, _ = contents(CIFAR10)
    hostile = {f"../../{name}": data for name, data in files.items()}
    with tarfile.open(tmp_path / CIFAR10.archive.name, "w:gz") as tar:
        link = tarfile.TarInfo("test_batch.bin")  # no file: must not be followed
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, data in hostile.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    assert len(CIFAR10(tmp_path, train=False)) == RECORDS
    assert [path.name for path in tmp_path.iterdir()] == [CIFAR10.archive.name]


def test_an_archive_without_the_files(tmp_path):
    pack(tmp_path / CIFAR10.archive.name, {"test_batch.bin": b"", "readme.html": b""})
    with pytest.raises(ValueError, match=r"the archive doesn't have data_batch_1\.bin, .*data_batch_5\.bin; get"):
        CIFAR10(tmp_path)


def test_what_is_known_of_the_archives():
    for dataset, classes in ((CIFAR10, 10), (CIFAR100, 100)):
        assert len(dataset.names) == len(set(dataset.names)) == classes
        assert list(dataset.names) == sorted(dataset.names)
        assert len(dataset.archive.sha256) == 64


def test_loaded_in_batches(tmp_path):
    write(tmp_path, CIFAR10, "files")
    dataset = CIFAR10(tmp_path)
    images, targets = next(iter(DataLoader(dataset, 4)))
    assert minitorch.equal(images, dataset.data[:4])
    assert minitorch.equal(targets, dataset.targets[:4])
