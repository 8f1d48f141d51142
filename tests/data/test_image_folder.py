from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import shutil
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch
from minitorch.data import DataLoader, ImageFolder, load_image

Image = pytest.importorskip("PIL.Image")

# Two classes of lossless pictures; in "dög" folders within folders, of names that sort around "/".
NAMES = [
    "cat/1.png",
    "cat/10.PNG",
    "cat/2.bmp",
    "dög/über.png",
    "dög/a/1.png",
    "dög/a-b/1.png",
    "dög/a/deep/er/1.png",
    "dög/日本.ppm",
]
OTHERS = ["cat/readme.txt", "dög/a/index.html", "list.txt"]


def write_images(folder, names=NAMES):
    """A picture of 4×6 pixels for each name, each its own."""
    rng = np.random.default_rng(0)
    for name in names:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)).save(path)


def pack(folder, archive, compression=zipfile.ZIP_DEFLATED, folders=True):
    """The folder as a zip archive, also the entries of folders if wanted."""
    with zipfile.ZipFile(archive, "w", compression) as file:
        for path in sorted(Path(folder).rglob("*")):
            if folders or path.is_file():
                file.write(path, path.relative_to(folder).as_posix())


@pytest.fixture
def photos(tmp_path):
    """A folder of pictures, and other files."""
    folder = tmp_path / "photos"
    write_images(folder)
    for name in OTHERS:
        (folder / name).write_text("no picture")
    return folder


@pytest.fixture
def archive(photos, tmp_path):
    pack(photos, tmp_path / "photos.zip")
    return tmp_path / "photos.zip"


def same(a, b):
    return len(a) == len(b) and all(
        target == other and minitorch.equal(image, second)
        for (image, target), (second, other) in zip(a, b, strict=True)
    )


def test_a_folder(photos):
    dataset = ImageFolder(photos)
    assert dataset.classes == ["cat", "dög"]
    assert dataset.class_to_idx == {"cat": 0, "dög": 1}
    names = [os.path.relpath(path, photos) for path, _ in dataset.samples]
    # As torchvision orders them: by class, then by the path of the folder, then by name.
    assert names == [
        *("cat/1.png", "cat/10.PNG", "cat/2.bmp"),
        *("dög/über.png", "dög/日本.ppm", "dög/a/1.png", "dög/a-b/1.png", "dög/a/deep/er/1.png"),
    ]
    assert dataset.targets == [0, 0, 0, 1, 1, 1, 1, 1]
    assert dataset.imgs is dataset.samples
    assert repr(dataset) == f"ImageFolder(8 images in 2 classes, '{photos}')"
    for (image, target), (path, expected) in zip(dataset, dataset.samples, strict=True):
        assert target == expected
        assert image.dtype == minitorch.uint8
        np.testing.assert_array_equal(image.numpy(), np.asarray(Image.open(path)).transpose(2, 0, 1))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("folders", [True, False])
def test_a_zip_archive_is_the_folder(photos, tmp_path, compression, folders):
    archive = tmp_path / "photos.zip"
    pack(photos, archive, compression, folders)
    packed, dataset = ImageFolder(archive), ImageFolder(photos)
    assert packed.classes == dataset.classes
    assert packed.targets == dataset.targets
    assert [path.replace("photos.zip", "photos") for path, _ in packed.samples] == [path for path, _ in dataset.samples]
    assert same(packed, dataset)


@pytest.mark.parametrize("inside", ["train", "a b/c", "ü"])
def test_a_folder_in_an_archive(photos, tmp_path, inside):
    other = tmp_path / "all"
    (other / inside).parent.mkdir(parents=True)
    photos.rename(other / inside)
    write_images(other / f"{inside}2", ["bird/1.png"])
    pack(other, tmp_path / "all.zip")
    assert same(ImageFolder(f"{tmp_path}/all.zip/{inside}/"), ImageFolder(other / inside))
    assert ImageFolder(tmp_path / "all.zip" / f"{inside}2").classes == ["bird"]
    with pytest.raises(FileNotFoundError, match=r"all\.zip: there is no folder 'test' in the archive, which has \["):
        ImageFolder(tmp_path / "all.zip" / "test")


def test_what_the_mac_adds_is_no_class_and_no_image(photos, archive):
    expected = ImageFolder(photos), ImageFolder(archive)
    write_images(photos, ["__MACOSX/cat/._1.png", "cat/._1.png"])
    pack(photos, archive)
    packed = ImageFolder(archive)
    assert packed.classes == ["cat", "dög"]
    assert packed.samples == expected[1].samples
    shutil.rmtree(photos / "__MACOSX")
    assert ImageFolder(photos).samples == expected[0].samples


@pytest.mark.parametrize("before", ["/", "./", ".//"])
def test_paths_in_an_archive_that_begin_strangely(photos, archive, before):
    expected = ImageFolder(archive)
    with zipfile.ZipFile(archive, "w") as file:
        for path in photos.rglob("*.*"):
            file.writestr(before + path.relative_to(photos).as_posix(), path.read_bytes())
    packed = ImageFolder(archive)
    assert packed.samples == expected.samples
    assert same(packed, ImageFolder(photos))
    assert ImageFolder(archive / "dög", allow_empty=True).classes == ["a", "a-b"]


letters = st.text("abZ09 .-_é日", min_size=1, max_size=4).map(lambda name: f"x{name}x")
trees = st.dictionaries(letters, st.sets(st.lists(letters, min_size=1, max_size=3).map("/".join), min_size=1))


@settings(max_examples=20)
@given(trees.filter(bool))
def test_any_archive_is_its_folder(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("tree")
    write_images(folder / "images", [f"{name}/{path}.png" for name, paths in tree.items() for path in paths])
    pack(folder / "images", folder / "images.zip")
    plain, packed = ImageFolder(folder / "images"), ImageFolder(folder / "images.zip")
    assert plain.classes == packed.classes == sorted(tree)
    assert len(plain) == sum(map(len, tree.values()))
    assert same(plain, packed)


def test_transforms(photos):
    dataset = ImageFolder(photos, transform=lambda image: image.shape, target_transform=lambda target: -target)
    assert dataset[-1] == ((3, 4, 6), -1)
    with pytest.raises(IndexError):
        dataset[8]


@pytest.mark.parametrize("root", ["photos", "photos.zip"])
def test_a_loader_of_ones_own(photos, archive, root):
    def grey(file):
        with Image.open(file) as image:
            return np.asarray(image.convert("L"))

    dataset = ImageFolder(photos.parent / root, loader=grey)
    assert dataset[0][0].shape == (4, 6)


@pytest.mark.parametrize("root", ["photos", "photos.zip"])
def test_is_valid_file_chooses(photos, archive, root):
    dataset = ImageFolder(photos.parent / root, is_valid_file=lambda path: path.endswith((".bmp", ".ppm")))
    assert [os.path.basename(path) for path, _ in dataset.samples] == ["2.bmp", "日本.ppm"]


@pytest.mark.parametrize("packed", [False, True])
def test_empty_classes(photos, tmp_path, packed):
    (photos / "ant").mkdir()
    (photos / "bee").mkdir()
    (photos / "bee" / "notes.txt").write_text("no picture")
    root = photos
    if packed:
        root = tmp_path / "photos.zip"
        pack(photos, root)
    with pytest.raises(FileNotFoundError, match=r"found no image for the classes ant, bee; files .* \.jpg, .*\.webp"):
        ImageFolder(root)
    dataset = ImageFolder(root, allow_empty=True)
    assert dataset.classes == ["ant", "bee", "cat", "dög"]
    assert dataset.targets == [2, 2, 2, 3, 3, 3, 3, 3]


def test_wrong_roots(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing: there is no such folder"):
        ImageFolder(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="couldn't find any class folder"):
        ImageFolder(tmp_path)
    (tmp_path / "file.zip").write_text("text")
    with pytest.raises(ValueError, match=r"file\.zip: expected a folder or a zip archive, and it is neither"):
        ImageFolder(tmp_path / "file.zip" / "train")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(FileNotFoundError, match=r"empty\.zip: couldn't find any class folder"):
        ImageFolder(tmp_path / "empty.zip")
    with zipfile.ZipFile(tmp_path / "bz2.zip", "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("cat/1.png", b"x")
    with pytest.raises(ValueError, match=r"bz2\.zip: cat/1\.png is compressed by method 12; only stored and deflated"):
        ImageFolder(tmp_path / "bz2.zip")
    with pytest.raises(ValueError, match="on_error should be 'raise' or 'skip', got 'ignore'"):
        ImageFolder(tmp_path, on_error="ignore")


def test_an_encrypted_archive_is_refused(archive):
    data = bytearray(archive.read_bytes())
    position = data.find(b"PK\1\2", data.find(b"PK\1\2") + 4)  # the second entry: the first is a folder's
    data[position + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(ValueError, match=r"photos\.zip: cat/1\.png is encrypted"):
        ImageFolder(archive)


def test_damage_is_named(photos):
    (photos / "cat" / "10.PNG").write_text("text")
    dataset = ImageFolder(photos)
    with pytest.raises(OSError, match=r"cat/10\.PNG: not an image that Pillow can identify: it begins with b'text'"):
        dataset[1]
    assert dataset.skipped == {}


def test_damage_in_the_archive_is_named(archive):
    intact = archive.read_bytes()
    with zipfile.ZipFile(archive) as file:
        info = file.getinfo("cat/1.png")
    content = info.header_offset + 30 + len("cat/1.png")
    for offset, message in ((content + 5, "is damaged"), (info.header_offset, "is damaged, or another one than when")):
        data = bytearray(intact)
        data[offset] ^= 0xFF
        archive.write_bytes(data)
        with pytest.raises(OSError, match=rf"photos\.zip/cat/1\.png: the archive {message}"):
            ImageFolder(archive)[0]
    archive.write_bytes(intact)
    dataset = ImageFolder(archive)
    archive.write_bytes(intact[: content + 5])
    with pytest.raises(OSError, match=r"photos\.zip/cat/1\.png: the archive is damaged"):
        dataset[0]
    archive.unlink()
    with pytest.raises(FileNotFoundError, match=r"photos\.zip"):
        dataset[0]


def test_extra_fields_come_before_the_content(photos, tmp_path):
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in NAMES:
            entry = zipfile.ZipInfo(name)
            entry.extra = b"UT\5\0\1\0\0\0\0"  # a time, as the program zip writes it
            file.writestr(entry, (photos / name).read_bytes())
    assert same(ImageFolder(archive), ImageFolder(photos))


def test_an_archive_behind_other_data(photos, archive):
    archive.write_bytes(b"#!/bin/sh: an archive that unpacks itself\n" + archive.read_bytes())
    assert same(ImageFolder(archive), ImageFolder(photos))


def test_a_stored_image_has_a_checksum(tmp_path):
    picture = b"P6 2 1 255 " + bytes(range(6))
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("cat/1.ppm", picture)
    archive.write_bytes(archive.read_bytes().replace(picture, picture[:-1] + b"x"))
    with pytest.raises(OSError, match=r"photos\.zip/cat/1\.ppm: the archive is damaged: the checksum is another one"):
        ImageFolder(archive)[0]


def damage(folder, *names):
    for name in names:
        (folder / name).write_text("text")


@pytest.mark.parametrize("packed", [False, True])
def test_skipping_takes_the_next_intact_one(photos, tmp_path, packed):
    intact = list(ImageFolder(photos))
    order = [os.path.relpath(path, photos) for path, _ in ImageFolder(photos).samples]
    damage(photos, order[1], order[2], order[7])
    root = photos
    if packed:
        root = tmp_path / "photos.zip"
        pack(photos, root)
    dataset = ImageFolder(root, on_error="skip")
    assert dataset.skipped == {}
    for _ in range(2):
        assert same(list(dataset), [intact[i] for i in (0, 3, 3, 3, 4, 5, 6, 0)])
        assert same([dataset[-1]], [intact[0]])
    assert list(dataset.skipped) == sorted(f"{root}/{order[i]}" for i in (1, 2, 7))
    assert all("not an image that Pillow can identify" in reason for reason in dataset.skipped.values())


def test_nothing_but_damage(photos):
    damage(photos, *NAMES)
    dataset = ImageFolder(photos, on_error="skip")
    with pytest.raises(OSError, match="none of the 8 images is intact"):
        dataset[3]
    assert len(dataset.skipped) == 8


def test_skipping_is_no_excuse_for_missing_files(photos):
    dataset = ImageFolder(photos, on_error="skip")
    (photos / "cat" / "1.png").unlink()
    with pytest.raises(FileNotFoundError):
        dataset[0]


def test_any_exception_of_ones_own_loader_is_skipped(photos):
    def loader(path):
        if path.endswith(".bmp"):
            raise LookupError("no bitmaps")
        return path

    dataset = ImageFolder(photos, loader=loader, on_error="skip")
    assert dataset[2] == dataset[3] == (str(photos / "dög" / "über.png"), 1)
    assert list(dataset.skipped.values()) == ["no bitmaps"]
    with pytest.raises(LookupError):
        ImageFolder(photos, loader=loader)[2]


def fingerprints(dataset, times):
    return [[(int(image.sum().item()), target) for image, target in dataset] for _ in range(times)]


def test_many_threads_read_one_archive(archive):
    dataset = ImageFolder(archive)
    (expected,) = fingerprints(dataset, 1)
    results = []
    threads = [threading.Thread(target=lambda: results.extend(fingerprints(dataset, 20))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 120


def work(dataset, times, queue):
    queue.put(fingerprints(dataset, times))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # from 3.12 on, where the process has threads
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("packed", [False, True])
def test_many_processes_read_and_skip(photos, tmp_path, method, packed):
    damage(photos, "cat/10.PNG", "dög/a/1.png")
    root = photos
    if packed:
        root = tmp_path / "photos.zip"
        pack(photos, root)
    dataset = ImageFolder(root, on_error="skip")
    (expected,) = fingerprints(ImageFolder(root, on_error="skip"), 1)
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    processes = [context.Process(target=work, args=(dataset, 10, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    assert [queue.get(timeout=120) for _ in processes] == [[expected] * 10] * 2
    for process in processes:
        process.join()
    # What the workers skipped, this process knows, though it has read nothing itself.
    assert [os.path.relpath(path, root) for path in dataset.skipped] == ["cat/10.PNG", "dög/a/1.png"]


def test_pickled(archive):
    dataset = ImageFolder(archive)
    assert same(pickle.loads(pickle.dumps(dataset)), dataset)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are listed in /proc")
def test_no_file_stays_open(photos, archive):
    before = len(os.listdir("/proc/self/fd"))
    damage(photos, "cat/1.png")
    datasets = [ImageFolder(photos, on_error="skip"), ImageFolder(archive)]
    for dataset in datasets:
        list(dataset)
        assert len(os.listdir("/proc/self/fd")) == before


def test_the_list_of_what_was_skipped_goes_with_the_dataset(photos, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    damage(photos, "cat/1.png")
    dataset = ImageFolder(photos, on_error="skip")
    assert list((tmp_path / "temporary").iterdir()) == []
    list(dataset)
    assert len(list((tmp_path / "temporary").iterdir())) == 1
    del dataset
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(("num_workers", "method"), [(0, None), (2, None), (2, "fork"), (2, "spawn")])
def test_loaded_in_batches(photos, num_workers, method):
    damage(photos, "cat/10.PNG")
    dataset = ImageFolder(photos, on_error="skip")
    batches = list(DataLoader(dataset, 3, num_workers=num_workers, multiprocessing_context=method))
    assert [images.shape for images, _ in batches] == [(3, 3, 4, 6), (3, 3, 4, 6), (2, 3, 4, 6)]
    assert batches[0][0].dtype == minitorch.uint8
    assert minitorch.equal(batches[0][0][1], load_image(photos / "cat" / "2.bmp"))
    assert len(dataset.skipped) == 1


def test_the_images_of_an_archive_are_files_to_a_loader(archive):
    dataset = ImageFolder(archive, loader=lambda file: isinstance(file, io.BytesIO))
    assert dataset[0] == (True, 0)
