"""Photographs in folders named for what they show."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .dataset import Dataset
from .decode import DamagedImage, decode
from .file_tree import DiskTree, open_tree
from .skipped import SkippedFiles

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


class ImageFolder(Dataset):
    """Images in a folder for each class, as torchvision's ``ImageFolder``: ``root/cat/1.jpg``, ``root/dog/a/b.png``.

    Sample i is ``(image, target)``: the image a uint8 tensor (3, H, W) with values from 0 to 255 that went through
    ``transform``, the target the number of its class, through ``target_transform``. Images have different sizes as a
    rule: a batch needs a transform that makes them equal. How colours other than red, green and blue are taken, is
    written at :func:`minitorch.data.load_image`. Needs Pillow.

    Args:
        root: the folder. It may be in a zip archive, which is read without unpacking: ``"photos.zip"``, or
            ``"photos.zip/train"`` for a folder inside. Threads and processes may read the same archive.
        transform, target_transform: applied to each image and each class.
        loader: makes an image of its path, or, in an archive, of an open binary file (``PIL.Image.open`` takes both).
            By default :func:`minitorch.data.load_image`.
        is_valid_file: which files are images, by their path; by default those with a usual ending, such as ``.jpg``,
            but not ``._x.jpg``, which on a Mac goes along with ``x.jpg``.
        allow_empty: a class may have no image.
        on_error: what to do with a damaged image: ``"raise"`` an error, or ``"skip"`` it. In its place comes the next
            intact one of ``samples`` (after the last one the first), with that one's class. So a batch keeps its size
            and is the same every time, with however many workers. (In a test set the substitute counts twice.) With a
            ``loader`` of your own, every exception in it counts as damage. A file that is missing or must not be read
            is an error in any case.

    Attributes:
        classes: the names of the folders, sorted.
        class_to_idx: the number of each class.
        samples: path and class of each image: by class, by folder, by name. ``imgs`` is the same list.
        targets: the class of each image.

    >>> import minitorch, os, tempfile
    >>> root = tempfile.mkdtemp()
    >>> for name, color in [("blue", (0, 0, 255)), ("red", (255, 0, 0))]:
    ...     os.mkdir(os.path.join(root, name))
    ...     with open(os.path.join(root, name, "pixel.ppm"), "wb") as file:
    ...         count = file.write(b"P6 1 1 255 " + bytes(color))
    >>> dataset = minitorch.data.ImageFolder(root)
    >>> len(dataset), dataset.classes, dataset.targets
    (2, ['blue', 'red'], [0, 1])
    >>> dataset[1]
    (tensor([[[255]],
    <BLANKLINE>
            [[  0]],
    <BLANKLINE>
            [[  0]]], dtype=minitorch.uint8), 1)

    Raises:
        FileNotFoundError: ``root`` isn't there or has no folders, or a class has no image.
        ValueError: a part of ``root`` is a file, but no zip archive, or one that can't be read without a password.
        OSError: where a sample is asked for, and it is damaged; the message names the file and says what is wrong.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        loader: Callable[[Any], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
        on_error: str = "raise",
    ) -> None:
        if on_error not in ("raise", "skip"):
            raise ValueError(f"ImageFolder: on_error should be 'raise' or 'skip', got {on_error!r}")
        self.root = Path(root).expanduser()
        self.transform = transform
        self.target_transform = target_transform
        self.loader = loader
        self.on_error = on_error
        self._tree = open_tree(self.root)
        self._skipped = SkippedFiles() if on_error == "skip" else None
        self.classes = self._tree.folders()
        if not self.classes:
            raise FileNotFoundError(f"{self.root}: couldn't find any class folder; expected one folder for each class")
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.samples: list[tuple[str, int]] = []
        empty = []
        for target, name in enumerate(self.classes):
            paths = list(filter(is_valid_file or _is_image, self._tree.files(name)))
            self.samples += [(path, target) for path in paths]
            if not paths:
                empty.append(name)
        if empty and not allow_empty:
            what = "" if is_valid_file else f"; files are taken that end with {', '.join(IMG_EXTENSIONS)}"
            raise FileNotFoundError(
                f"{self.root}: found no image for the classes {', '.join(empty)}{what} (allow_empty=True lets them be)"
            )
        self.targets = [target for _, target in self.samples]
        self.imgs = self.samples

    @property
    def skipped(self) -> dict[str, str]:
        """The damaged images that were met so far, also by worker processes, and what is wrong with each.

        Empty where ``on_error`` is ``"raise"``. ``len(dataset.skipped)`` counts them; each counts once.
        """
        return self._skipped.reasons() if self._skipped else {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, target = self._intact(index) if self._skipped else self._load(*self.samples[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def _load(self, path: str, target: int) -> tuple[Any, Any]:
        if self.loader is None:
            return decode(self._tree.read(path), path), target
        if isinstance(self._tree, DiskTree):
            return self.loader(path), target
        with io.BytesIO(self._tree.read(path)) as file:
            return self.loader(file), target

    def _intact(self, index: int) -> tuple[Any, Any]:
        """The image at ``index``, or the next one that is intact."""
        assert self._skipped is not None
        damage = DamagedImage if self.loader is None else Exception
        first, n = range(len(self))[index], len(self)
        for i in range(first, first + n):
            path, target = self.samples[i % n]
            if path in self._skipped:
                continue
            try:
                return self._load(path, target)
            except MemoryError:
                raise  # says nothing of the file
            except damage as error:
                self._skipped.add(path, str(error))
        raise OSError(f"{self.root}: none of the {n} images is intact")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} images in {len(self.classes)} classes, {str(self.root)!r})"


def _is_image(path: str) -> bool:
    # Where it can't do otherwise, the Mac puts a companion ._x.jpg beside x.jpg, which is no image.
    return path.lower().endswith(IMG_EXTENSIONS) and not os.path.basename(path).startswith("._")
