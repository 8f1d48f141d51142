from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest

import minitorch
from minitorch.data import MNIST, DataLoader, Digits, FashionMNIST, ImageDataset
from minitorch.data.digits import enlarge
from minitorch.data.mnist import _File
from minitorch.data.transforms import Transform


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("folder", ["", "MNIST/raw"])
def test_mnist_from_a_folder(tmp_path, write_mnist, compress, folder):
    write_mnist(tmp_path / folder, compress=compress)
    dataset = MNIST(tmp_path)
    assert len(dataset) == 40
    assert len(MNIST(tmp_path, train=False)) == 20
    assert repr(dataset) == "MNIST(40 images of 28×28, 10 classes)"
    assert dataset.classes == list("0123456789")
    image, target = dataset[13]
    assert target == 3
    assert image.shape == (1, 28, 28)
    assert image.dtype == minitorch.float32
    np.testing.assert_array_equal(image.numpy()[0], dataset.data[13].numpy() / np.float32(255))


def test_batches_are_the_samples(tmp_path, write_mnist):
    write_mnist(tmp_path)
    dataset = MNIST(tmp_path)
    images, targets = next(iter(DataLoader(dataset, 8)))
    assert images.shape == (8, 1, 28, 28)
    assert targets.tolist() == list(range(8))
    for i in range(8):
        np.testing.assert_array_equal(images[i].numpy(), dataset[i][0].numpy())
    everything, labels = dataset.tensors()
    np.testing.assert_array_equal(everything[:8].numpy(), images.numpy())
    assert labels is dataset.targets


def test_transforms_get_single_images(tmp_path, write_mnist):
    write_mnist(tmp_path)
    dataset = MNIST(tmp_path, transform=lambda image: image.reshape(784), target_transform=lambda target: -target)
    images, targets = next(iter(DataLoader(dataset, 8)))
    assert images.shape == (8, 784)
    assert targets.tolist() == [0, -1, -2, -3, -4, -5, -6, -7]


def test_missing_files_are_named(tmp_path, write_mnist):
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(RuntimeError) as caught:
        MNIST(tmp_path)
    message = str(caught.value)
    assert "t10k-labels-idx1-ubyte.gz" in message
    assert "train-images" not in message
    assert f"put them, compressed or not, into {tmp_path / 'MNIST' / 'raw'}\nor give download=True." in message


def test_without_a_network_the_files_are_named_too(tmp_path, monkeypatch):
    monkeypatch.setattr(FashionMNIST, "mirrors", ("http://127.0.0.1:9/",))
    with pytest.raises(RuntimeError) as caught:
        FashionMNIST(tmp_path, download=True)
    message = str(caught.value)
    assert "could not download train-images-idx3-ubyte.gz" in message
    assert "refused" in message
    for name in FashionMNIST.files:
        assert name in message
    assert str(tmp_path) in message


def test_missing_files_are_downloaded(tmp_path, write_mnist, monkeypatch):
    write_mnist(tmp_path / "server")
    files = {}
    for name in MNIST.files:
        content = (tmp_path / "server" / name).read_bytes()
        files[name] = _File(len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(MNIST, "files", files)
    monkeypatch.setattr(MNIST, "mirrors", ((tmp_path / "server").as_uri() + "/",))
    assert len(MNIST(tmp_path / "here", download=True)) == 40
    assert sorted(path.name for path in (tmp_path / "here" / "MNIST" / "raw").iterdir()) == sorted(files)
    monkeypatch.setattr(MNIST, "mirrors", ())  # now they are there
    assert len(MNIST(tmp_path / "here", train=False, download=True)) == 20


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((3, 28, 28), np.uint8), np.zeros(4, np.uint8), "3 images but 4 labels"),
        (np.zeros((3, 28), np.uint8), np.zeros(3, np.uint8), r"uint8 images \(N, H, W\), got uint8 of shape \(3, 28\)"),
        (np.zeros((3, 28, 28), np.float32), np.zeros(3, np.uint8), "got float32"),
        (np.zeros((3, 28, 28), np.uint8), np.zeros((3, 1), np.uint8), r"uint8 labels \(N,\)"),
        (np.zeros((3, 28, 28), np.uint8), np.array([1, 10, 2], np.uint8), "label 10 is out of range for 10 classes"),
    ],
)
def test_files_that_do_not_fit_together(tmp_path, write_mnist, idx_bytes, images, labels, message):
    write_mnist(tmp_path, compress=False)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(images))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    with pytest.raises(ValueError, match=message):
        MNIST(tmp_path)


@pytest.mark.parametrize("cls", [MNIST, FashionMNIST])
def test_the_checksums_are_complete(cls):
    assert len(cls.files) == 4
    for file in cls.files.values():
        assert len(file.sha256) == 64
        assert file.size > 4000
    assert len(cls.names) == 10


def test_the_real_mnist():
    folder = os.environ.get("MINITORCH_MNIST")
    if folder is None:
        pytest.skip("MINITORCH_MNIST does not name a folder with MNIST's files")
    train, test = MNIST(folder), MNIST(folder, train=False)
    assert (len(train), len(test)) == (60000, 10000)
    assert train.targets[:5].tolist() == [5, 0, 4, 1, 9]
    images, _ = train.tensors()
    assert abs(images.mean().item() - 0.1307) < 1e-4
    assert abs(images.std().item() - 0.3081) < 1e-4


def test_digits():
    train, test = Digits(), Digits(train=False)
    assert (len(train), len(test)) == (1347, 450)
    assert repr(test) == "Digits(450 images of 32×32, 10 classes)"
    images, targets = train.tensors()
    assert images.shape == (1347, 1, 32, 32)
    assert images.dtype == minitorch.float32
    assert 0 <= images.min().item() < images.max().item() <= 1
    # Every class is split alike, no image is in both parts, and the split is always the same.
    every = np.bincount(targets.numpy()) + np.bincount(test.targets.numpy())
    np.testing.assert_allclose(np.bincount(test.targets.numpy()), every / 4, atol=0.51)
    small_train, small_test = Digits(size=8), Digits(train=False, size=8)
    both = np.concatenate([small_train.data.numpy(), small_test.data.numpy()])
    assert len(np.unique(both.reshape(-1, 64), axis=0)) == 1797
    np.testing.assert_array_equal(Digits().data.numpy(), train.data.numpy())


def test_enlarge_interpolates_between_the_centres():
    row = np.array([[[0.0, 1.0], [0.0, 1.0]]], np.float32)
    np.testing.assert_allclose(enlarge(row, 4)[0, 0], [0, 0.25, 0.75, 1])
    rng = np.random.default_rng(0)
    images = rng.random((3, 8, 8), dtype=np.float32)
    np.testing.assert_array_equal(enlarge(images, 8), images)
    np.testing.assert_allclose(enlarge(np.ones((1, 8, 8), np.float32), 32), 1, rtol=1e-6)
    assert enlarge(images[:, :1, :1], 4).shape == (3, 4, 4)


class Count(Transform):
    """Adds one, and notes the shapes that it got."""

    def __init__(self):
        self.shapes = []

    def transform(self, images):
        self.shapes.append(tuple(images.shape))
        return images + 1


def coloured(n=5, **options):
    pixels = np.random.default_rng(0).integers(0, 256, (n, 3, 4, 6), dtype=np.uint8)
    classes = minitorch.arange(n) % 2
    return ImageDataset(minitorch.from_numpy(pixels), classes, ("even", "odd"), **options), pixels


def test_coloured_images_are_handed_out_as_they_are_stored():
    dataset, pixels = coloured()
    assert repr(dataset) == "ImageDataset(5 images of 4×6, 2 classes)"
    assert dataset.class_to_idx == {"even": 0, "odd": 1}
    image, target = dataset[3]
    assert image.dtype == minitorch.uint8
    np.testing.assert_array_equal(image.numpy(), pixels[3])
    assert target == 1
    images, targets = dataset.get_batch(np.array([4, 0, 4]))
    np.testing.assert_array_equal(images.numpy(), pixels[[4, 0, 4]])
    assert targets.tolist() == [0, 0, 0]
    everything, _ = dataset.tensors()
    np.testing.assert_array_equal(everything.numpy(), pixels)


@pytest.mark.parametrize("grey", [False, True])
def test_what_is_handed_out_is_a_copy(grey):
    dataset, _ = coloured()
    if grey:
        dataset = ImageDataset(dataset.data[:, 0].contiguous(), dataset.targets, dataset.classes)
    before = dataset.data.numpy().copy()
    for images in (dataset[0][0], dataset[-1][0], dataset.get_batch(np.arange(5))[0], dataset.tensors()[0]):
        images[:] = 0
    np.testing.assert_array_equal(dataset.data.numpy(), before)


def test_a_transform_gets_the_whole_batch():
    dataset, pixels = coloured(transform=Count())
    images, _ = next(iter(DataLoader(dataset, 4)))
    assert dataset.transform.shapes == [(4, 3, 4, 6)]
    np.testing.assert_array_equal(images.numpy(), pixels[:4] + np.uint8(1))
    assert minitorch.equal(dataset[2][0], images[2])


def test_a_transform_gets_the_whole_batch_of_grey_images(tmp_path, write_mnist):
    write_mnist(tmp_path)
    dataset = MNIST(tmp_path, transform=Count())
    next(iter(DataLoader(dataset, 8)))
    assert dataset.transform.shapes == [(8, 1, 28, 28)]


def test_other_functions_get_image_by_image():
    seen = []

    def transform(image):
        seen.append(tuple(image.shape))
        return image.sum(), "a string"

    dataset, pixels = coloured(transform=transform, target_transform=lambda target: 10 * target)
    (sums, strings), targets = next(iter(DataLoader(dataset, 4)))
    assert seen == [(3, 4, 6)] * 4
    assert sums.tolist() == pixels[:4].sum((1, 2, 3)).tolist()
    assert strings == ["a string"] * 4
    assert targets.tolist() == [0, 10, 0, 10]


def test_targets_alone_are_transformed():
    dataset, _ = coloured(transform=Count(), target_transform=lambda target: f"class {target}")
    _, targets = next(iter(DataLoader(dataset, 3)))
    assert dataset.transform.shapes == [(3, 3, 4, 6)]
    assert targets == ["class 0", "class 1", "class 0"]
