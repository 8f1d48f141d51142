"""CIFAR-10 and CIFAR-100 from the files of their binary version.

A file is a sequence of records without any header: one byte for each label, then 3072 bytes, which are the red, the
green and the blue plane of 32×32 pixels.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..ops.creation import from_numpy
from ..tensor import Tensor
from .images import ImageDataset

_PIXELS = 3 * 32 * 32


class _Archive(NamedTuple):
    name: str
    folder: str
    size: int
    sha256: str


class CIFAR10(ImageDataset):
    """Photographs of 32×32 pixels in ten classes: 50,000 for training and 10,000 for testing (Krizhevsky, 2009).

    Args:
        root: the folder with the files of the binary version (``data_batch_1.bin`` …): in itself, in
            ``cifar-10-batches-bin`` inside, or in ``cifar-10-binary.tar.gz``, which is also what is downloaded. From
            the archive they are read without unpacking it; that takes seconds, which unpacking it saves.
        train: the training set, or else the test set.
        transform, target_transform: applied to each image and each class.
        download: fetch the archive if it isn't there.

    Samples are ``(image, target)``: uint8 (3, 32, 32) from 0 to 255, and an int. Of ``data`` (N, 3, 32, 32),
    ``targets`` and ``classes``, and of how transforms meet batches, :class:`minitorch.data.ImageDataset` tells. The
    file of the Python version, torchvision's ``cifar-10-batches-py``, isn't read: it runs as a program (pickle)::

        train = CIFAR10("data", download=True)
        for images, targets in DataLoader(train, batch_size=128, shuffle=True):
            ...  # uint8 (128, 3, 32, 32) and (128,)

    Raises:
        RuntimeError: files are missing and aren't to be, or can't be, downloaded.
        ValueError: a file is damaged, or isn't what its name says.
    """

    names: ClassVar[tuple[str, ...]] = (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )
    mirrors: ClassVar[tuple[str, ...]] = ("https://www.cs.toronto.edu/~kriz/",)
    archive: ClassVar[_Archive] = _Archive(
        "cifar-10-binary.tar.gz",
        "cifar-10-batches-bin",
        170052171,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    )
    # The records in each file.
    train_files: ClassVar[dict[str, int]] = {f"data_batch_{i}.bin": 10000 for i in range(1, 6)}
    test_files: ClassVar[dict[str, int]] = {"test_batch.bin": 10000}
    # Bytes before the pixels; the last one is the class.
    labels: ClassVar[int] = 1

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root = Path(root).expanduser()
        self.train = train
        files = self.train_files if train else self.test_files
        sizes = {name: count * (self.labels + _PIXELS) for name, count in files.items()}
        missing = self._missing(files)
        if missing and download:
            self._download(files)
            missing = self._missing(files)
        if missing:
            raise RuntimeError(f"{self._advice(missing)}\nor give download=True.")
        found = [self._find(name) for name in files]
        if all(found):
            contents = {str(path): path.read_bytes() for path in found if path}
        else:
            contents = _members(self.root / self.archive.name, sizes)
        records = [
            self._records(path, content, size)
            for (path, content), size in zip(contents.items(), sizes.values(), strict=True)
        ]
        images = np.concatenate([part[:, self.labels :] for part in records]).reshape(-1, 3, 32, 32)
        targets = np.concatenate([part[:, self.labels - 1] for part in records]).astype(np.int64)
        super().__init__(from_numpy(images), from_numpy(targets), self.names, transform, target_transform)

    def _find(self, name: str) -> Path | None:
        for folder in (self.root / self.archive.folder, self.root):
            if (folder / name).is_file():
                return folder / name
        return None

    def _missing(self, names: Iterable[str]) -> list[str]:
        """Those of the files that are nowhere; none where the archive is."""
        if (self.root / self.archive.name).is_file():
            return []
        return [name for name in names if self._find(name) is None]

    def _download(self, files: Iterable[str]) -> None:
        from .download import download  # what it imports of the network takes 30 ms

        name, _, size, sha256 = self.archive
        try:
            download([mirror + name for mirror in self.mirrors], self.root / name, size=size, sha256=sha256)
        except ConnectionError as error:
            raise RuntimeError(f"{error}\n{self._advice(self._missing(files))}.") from error

    def _advice(self, missing: Iterable[str]) -> str:
        return (
            f"{type(self).__name__}: these files are missing:\n  "
            + "\n  ".join(missing)
            + f"\nGet {self.archive.name} elsewhere (for instance from {self.mirrors[0]})"
            + f"\nand put it, unpacked or not, into {self.root.absolute()}"
        )

    def _records(self, path: str, content: bytes, size: int) -> NDArray[np.uint8]:
        record = self.labels + _PIXELS
        if len(content) != size:
            raise ValueError(
                f"{path}: expected {size} bytes ({size // record} records of {record}), got {len(content)}; "
                f"get the file again"
            )
        records = np.frombuffer(content, np.uint8).reshape(-1, record)
        classes = records[:, self.labels - 1]
        if classes.max(initial=0) >= len(self.names):
            raise ValueError(f"{path}: label {classes.max()} is out of range for {len(self.names)} classes")
        return records


def _members(archive: Path, sizes: dict[str, int]) -> dict[str, bytes]:
    """The files of these names and sizes in an archive, by the paths that they would have.

    Nothing is written to disk: whatever else the archive holds, and wherever it would put it, doesn't matter.
    """
    contents = {}
    try:
        with gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                name = member.name.rpartition("/")[2]
                if name in sizes and member.isfile():
                    file = tar.extractfile(member)
                    assert file is not None
                    # One byte more than expected is enough to know.
                    contents[name] = file.read(sizes[name] + 1)
            while stream.read(1 << 20):
                pass  # to the end, where gzip finds its checksum
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{archive}: the archive is damaged or cut off ({error}); get the file again") from error
    missing = [name for name in sizes if name not in contents]
    if missing:
        raise ValueError(f"{archive}: the archive doesn't have {', '.join(missing)}; get the file again")
    return {f"{archive}/{name}": contents[name] for name in sizes}


class CIFAR100(CIFAR10):
    """Photographs of 32×32 pixels in a hundred classes: 500 of each for training and 100 for testing.

    Arguments and errors are those of :class:`CIFAR10`; the archive is ``cifar-100-binary.tar.gz``, its folder
    ``cifar-100-binary``. The 20 coarse classes, which the files also have, are not used::

        test = CIFAR100("data", train=False, download=True)
        image, target = test[0]
        print(test.classes[target])
    """

    names: ClassVar[tuple[str, ...]] = (
        *("apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle"),
        *("bicycle", "bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel"),
        *("can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud"),
        *("cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant"),
        *("flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard"),
        *("lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree"),
        *("motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter"),
        *("palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine"),
        *("possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea"),
        *("seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider"),
        *("squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television"),
        *("tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale"),
        *("willow_tree", "wolf", "woman", "worm"),
    )
    archive: ClassVar[_Archive] = _Archive(
        "cifar-100-binary.tar.gz",
        "cifar-100-binary",
        168513733,
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    )
    train_files: ClassVar[dict[str, int]] = {"train.bin": 50000}
    test_files: ClassVar[dict[str, int]] = {"test.bin": 10000}
    labels: ClassVar[int] = 2
