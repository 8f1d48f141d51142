"""Pictures to learn from, drawn shapes, CIFAR-10 or a folder (or zip) of photographs, and their transforms."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import minitorch
from minitorch.data import (
    CIFAR10,
    DataLoader,
    Dataset,
    ImageDataset,
    ImageFolder,
    Shapes,
    Subset,
    stratified_split,
    transforms,
)
from minitorch.data.file_tree import open_tree

# Of ImageNet's photographs, scaled to 0 … 1. Weights that come from elsewhere expect these; others learn with any.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SMALL = 64  # pictures up to this size are kept in memory, and cropped after CIFAR's manner, not ImageNet's


@dataclass
class Images:
    """What is learnt from, what chooses the learning rate and the best weights, and what neither of them has seen."""

    train: Dataset
    validation: Dataset
    test: Dataset
    crops: Dataset  # `test` again, each picture as ten
    classes: list[str]
    validation_is: str  # what the validation images are, in words
    folders: list[ImageFolder]  # where they were read from, if so

    def skipped(self) -> dict[str, str]:
        """The damaged files, and what is wrong with each."""
        return {path: reason for folder in self.folders for path, reason in folder.skipped.items()}


def load_images(options: argparse.Namespace) -> Images:
    """The pictures that `--data` names, transformed as the options say."""
    folders = open_folders(options)
    parts = {name: in_memory(part, options) for name, part in folders.items()} or built_in(options)
    train, test = parts["train"], parts.get("test") or parts["val"]
    for name, part in parts.items():
        if part.classes != train.classes:
            only = ", ".join(sorted({*part.classes} ^ {*train.classes})[:10])
            raise ValueError(f"{options.data}: train and {name} have different classes: only one of them has {only}")
    learnt, validation = train, parts.get("val", test)
    if "val" in parts:
        validation_is = "from val/" if "test" in parts else "from val/, which are the test images, too"
    elif options.validation == 0:
        validation_is = "which are the test images"
    else:
        validation_is = "a part of the training images"
        generator = minitorch.Generator().manual_seed(0)  # the same part whatever --seed is
        fractions = [1 - options.validation, options.validation]
        learnt, validation = stratified_split(train, fractions, targets=train.targets, generator=generator)
        if not len(learnt) or not len(validation):
            raise ValueError(
                f"--validation {options.validation} leaves {len(learnt)} of {len(train)} images to learn from, and "
                f"{len(validation)} for validation: it rounds to whole images of each class"
            )
    prepare = transforms.Compose(to_test(options) + to_floats())
    crop = transforms.Compose(to_crops(options) + to_floats())
    return Images(
        train=transformed(learnt, train_transform(options)),
        validation=transformed(validation, prepare),
        test=transformed(test, prepare),
        crops=transformed(test, crop),
        classes=train.classes,
        validation_is=validation_is,
        folders=list(folders.values()),
    )


# ---- where they come from --------------------------------------------------------------------------------------------


def built_in(options: argparse.Namespace) -> dict[str, Any]:
    if options.data == "shapes":
        train, test = options.length, max(1, options.length // 5)
        return {"train": Shapes(train=True, length=train), "test": Shapes(train=False, length=test)}
    return {
        "train": CIFAR10(options.data_dir, train=True, download=True),
        "test": CIFAR10(options.data_dir, train=False, download=True),
    }


def open_folders(options: argparse.Namespace) -> dict[str, ImageFolder]:
    """The folders train, val and test, of which train and one of the others must be there."""
    if options.data in ("shapes", "cifar10"):
        return {}
    root = Path(options.data).expanduser()
    found = open_tree(root).folders()
    if "train" not in found or not {"val", "test"} & {*found}:
        raise ValueError(
            f"{root}: expected the folders train and val (or test), and in each of them a folder of images for each "
            f"class; found {', '.join(found[:10]) or 'no folder'}{', …' if len(found) > 10 else ''}"
        )
    on_error = "skip" if options.skip_damaged else "raise"
    return {name: ImageFolder(root / name, on_error=on_error) for name in ("train", "val", "test") if name in found}


def in_memory(folder: ImageFolder, options: argparse.Namespace) -> Any:
    """All pictures of a folder, decoded and made small once; or the folder itself, where they are large."""
    if options.image_size > SMALL:
        return folder
    size = options.image_size
    small = transformed(folder, transforms.Compose(to_square(size)))
    batches = list(DataLoader(small, batch_size=256, num_workers=options.workers))
    images, targets = (minitorch.cat(list(tensors)) for tensors in zip(*batches, strict=True))
    return ImageDataset(images, targets, folder.classes)


def transformed(dataset: Any, transform: Callable[[Any], Any]) -> Any:
    """A dataset, or a part of one, with this transform. The pictures in memory are shared, not copied."""
    if isinstance(dataset, Subset):
        return Subset(transformed(dataset.dataset, transform), dataset.indices)
    dataset = copy.copy(dataset)
    dataset.transform = transform
    return dataset


# ---- what is done to them --------------------------------------------------------------------------------------------


def to_floats() -> list[transforms.Transform]:
    return [transforms.ToDtype(minitorch.float32, scale=True), transforms.Normalize(MEAN, STD)]


def enlarged(size: int) -> int:
    """The shorter side of a photograph of which a square of `size` is cut: 256 for 224 (the paper, section 2)."""
    return round(size * 256 / 224)


def train_transform(options: argparse.Namespace) -> transforms.Compose:
    """With --augment, another part of the picture every time, mirrored half of the time, in a slightly other light."""
    size, flip = options.image_size, transforms.RandomHorizontalFlip()
    if not options.augment:
        return transforms.Compose(to_test(options) + to_floats())
    if size <= SMALL:
        crop = [*to_square(size), transforms.RandomCrop(size, padding=size // 8)]
        return transforms.Compose([*crop, flip, *to_floats()])
    if options.model == "alexnet_2012":  # section 4.1 of the paper
        crop = [transforms.Resize(enlarged(size)), transforms.RandomCrop(size)]
    else:
        crop = [transforms.RandomResizedCrop(size)]
    floats, normalize = to_floats()
    return transforms.Compose([*crop, flip, floats, transforms.PCALighting(), normalize])


def to_square(size: int) -> list[transforms.Transform]:
    return [transforms.Resize(size), transforms.CenterCrop(size)]


def to_test(options: argparse.Namespace) -> list[transforms.Transform]:
    """The middle of the picture."""
    size = options.image_size
    return to_square(size) if size <= SMALL else [transforms.Resize(enlarged(size)), transforms.CenterCrop(size)]


def to_crops(options: argparse.Namespace) -> list[transforms.Transform]:
    """The corners and the middle, and their mirror images; of a small picture with the margin that --augment gives."""
    size = options.image_size
    if size <= SMALL:
        return [*to_square(size), transforms.Pad(size // 8), transforms.TenCrop(size)]
    return [transforms.Resize(enlarged(size)), transforms.TenCrop(size)]
