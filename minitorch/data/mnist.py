"""MNIST and Fashion-MNIST from their original files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from ..tensor import Tensor
from .idx import read_idx
from .images import ImageDataset, labelled_images


class _File(NamedTuple):
    size: int
    sha256: str


class MNIST(ImageDataset):
    """Handwritten digits, 28×28: 60,000 for training and 10,000 for testing (LeCun, Cortes and Burges, 1998).

    Args:
        root: the folder with the four IDX files, compressed or not: in itself or, as torchvision lays them out, in
            ``MNIST/raw`` inside, which is also where downloads go.
        train: the training set, or else the test set.
        transform, target_transform: applied to each image and each class.
        download: fetch the files that are not there.

    Samples, ``data``, ``targets`` and ``classes`` are described in :class:`minitorch.data.ImageDataset`::

        train = MNIST("data", download=True)
        for images, targets in DataLoader(train, batch_size=64, shuffle=True):
            ...  # (64, 1, 28, 28) and (64,)

    Raises:
        RuntimeError: files are missing and aren't to be, or can't be, downloaded.
        ValueError: a file is damaged, or isn't what its name says.
    """

    names: ClassVar[tuple[str, ...]] = tuple("0123456789")
    mirrors: ClassVar[tuple[str, ...]] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
    files: ClassVar[dict[str, _File]] = {
        "train-images-idx3-ubyte.gz": _File(
            9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": _File(28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "t10k-images-idx3-ubyte.gz": _File(1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "t10k-labels-idx1-ubyte.gz": _File(4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    }

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root = Path(root)
        self.train = train
        paths = {name: self._find(name) for name in self.files}
        missing = [name for name, path in paths.items() if path is None]
        if missing and download:
            self._download(missing)
            paths = {name: self._find(name) for name in self.files}
        elif missing:
            raise RuntimeError(f"{self._missing(missing)}\nor give download=True.")
        split = "train" if train else "t10k"
        images, labels = [paths[name] for name in self.files if name.startswith(split)]
        assert images is not None
        assert labels is not None
        data, targets = labelled_images(
            read_idx(images), read_idx(labels), len(self.names), f"{images} and {labels.name}"
        )
        super().__init__(data, targets, self.names, transform, target_transform)

    @property
    def raw_folder(self) -> Path:
        """Where downloads go."""
        return self.root / type(self).__name__ / "raw"

    def _find(self, name: str) -> Path | None:
        for folder in (self.raw_folder, self.root):
            for candidate in (folder / name.removesuffix(".gz"), folder / name):
                if candidate.is_file():
                    return candidate
        return None

    def _download(self, names: list[str]) -> None:
        from .download import download as download_file  # what it imports of the network takes 30 ms

        try:
            for name in names:
                urls = [mirror + name for mirror in self.mirrors]
                download_file(urls, self.raw_folder / name, size=self.files[name].size, sha256=self.files[name].sha256)
        except ConnectionError as error:
            still_missing = [name for name in names if self._find(name) is None]
            raise RuntimeError(f"{error}\n{self._missing(still_missing)}.") from error

    def _missing(self, names: list[str]) -> str:
        return (
            f"{type(self).__name__}: these files are missing:\n  "
            + "\n  ".join(names)
            + f"\nGet them elsewhere (for instance from {self.mirrors[0]})"
            + f"\nand put them, compressed or not, into {self.raw_folder.absolute()}"
        )


class FashionMNIST(MNIST):
    """Articles of clothing in MNIST's format: 60,000 for training and 10,000 for testing (Xiao et al., 2017).

    Arguments and errors are those of :class:`MNIST`; downloads go into ``FashionMNIST/raw``::

        test = FashionMNIST("data", train=False, download=True)
        image, target = test[0]
        print(test.classes[target])
    """

    names = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
    mirrors = (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    )
    files: ClassVar[dict[str, _File]] = {
        "train-images-idx3-ubyte.gz": _File(
            26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": _File(29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        "t10k-images-idx3-ubyte.gz": _File(4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        "t10k-labels-idx1-ubyte.gz": _File(5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    }
