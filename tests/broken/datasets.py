"""Mistakes in data sets: what files hold, in which order they come, and what is drawn."""

from __future__ import annotations

from .variant import Variant

CIFAR = "minitorch/data/cifar.py"
DECODE = "minitorch/data/decode.py"
DRAWING = "minitorch/data/shape_drawing.py"
FOLDER = "minitorch/data/image_folder.py"
IMAGES = "minitorch/data/images.py"
SHAPES = "minitorch/data/shapes.py"
TREE = "minitorch/data/file_tree.py"

VARIANTS = [
    Variant(
        "datasets: rows and columns of a photograph swapped",
        "the picture is turned over its diagonal",
        DECODE,
        "pixels.transpose(2, 0, 1)",
        "pixels.transpose(2, 1, 0)",
        "tests/data/test_decode.py -k lossless",
    ),
    Variant(
        "datasets: running out of memory is damage",
        "an intact image is skipped where memory is short",
        DECODE,
        "    except MemoryError:\n        raise  # says nothing of the file\n    except Unidentified",
        "    except Unidentified",
        "tests/data/test_decode.py -k memory",
    ),
    Variant(
        "datasets: a damaged image keeps its class",
        "the image that takes a damaged one's place gets that one's class",
        FOLDER,
        "            path, target = self.samples[i % n]\n",
        "            path, target = self.samples[i % n][0], self.samples[index][1]\n",
        "tests/data/test_image_folder.py -k next_intact",
    ),
    Variant(
        "datasets: skipping stops at the last image",
        "a damaged last image has nothing in its place",
        FOLDER,
        "for i in range(first, first + n):",
        "for i in range(first, n):",
        "tests/data/test_image_folder.py -k next_intact",
    ),
    Variant(
        "datasets: each process has its own list of what was skipped",
        "what a worker process skips, is not known where it is asked for",
        "minitorch/data/skipped.py",
        "json.loads(line) for line in lines)",
        "json.loads(line) for line in lines if json.loads(line)[0] in self._known)",
        "tests/data/test_image_folder.py -k many_processes",
    ),
    Variant(
        "datasets: names of local headers have no extra field",
        "the content of a file is taken to begin too early in archives that note times",
        TREE,
        "file.seek(name_length + extra_length, os.SEEK_CUR)",
        "file.seek(name_length, os.SEEK_CUR)",
        "tests/data/test_image_folder.py -k extra_fields",
    ),
    Variant(
        "datasets: no checksum",
        "damage in a stored file of an archive is handed on",
        TREE,
        "if len(data) != member.size or zlib.crc32(data) != member.crc:",
        "if len(data) != member.size:",
        "tests/data/test_image_folder.py -k checksum",
    ),
    Variant(
        "datasets: paths in the order of letters",
        "files of an archive or folder come in another order than torchvision's",
        TREE,
        "for folder, name in sorted(files)]",
        "for folder, name in sorted(files, key=lambda pair: os.path.join(*pair))]",
        "tests/data/test_image_folder.py -k test_a_folder",
    ),
    Variant(
        "datasets: CIFAR-100's coarse classes",
        "the first label is taken, of which there are twenty",
        CIFAR,
        "np.concatenate([part[:, self.labels - 1] for part in records])",
        "np.concatenate([part[:, 0] for part in records])",
        "tests/data/test_cifar.py -k test_files",
    ),
    Variant(
        "datasets: CIFAR's planes taken for pixels",
        "red, green and blue alternate",
        CIFAR,
        ".reshape(-1, 3, 32, 32)",
        ".reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)",
        "tests/data/test_cifar.py -k planes",
    ),
    Variant(
        "datasets: an archive is left before its checksum",
        "damage in the archive of CIFAR-10 goes unnoticed",
        CIFAR,
        "            while stream.read(1 << 20):\n                pass  # to the end, where gzip finds its checksum\n",
        "",
        "tests/data/test_cifar.py -k damaged_archives",
    ),
    Variant(
        "datasets: images are views",
        "what is done to an image in place is done to the dataset",
        IMAGES,
        "return wrap(images.copy(), self.data.backend)",
        "return wrap(images, self.data.backend)",
        "tests/data/test_images.py -k copy",
    ),
    Variant(
        "datasets: pictures depend on their portion",
        "the noise of every portion begins at the same place of the stream",
        SHAPES,
        "self._generator(1, first * taken // 4)",
        "self._generator(1, 0)",
        "tests/data/test_shapes.py -k depends_on_seed",
    ),
    Variant(
        "datasets: the test set is the training set",
        "both are drawn from the same numbers",
        SHAPES,
        "(stream if self.train else stream + 2)",
        "stream",
        "tests/data/test_shapes.py -k depends_on_seed",
    ),
    Variant(
        "datasets: a star is a pentagon",
        "a point must be on the inner side of all five lines",
        DRAWING,
        "np.sort(planes, axis=0)[-2]",
        "np.sort(planes, axis=0)[-1]",
        "tests/data/test_shapes.py -k sign",
    ),
    Variant(
        "datasets: shapes leave the picture",
        "the place of a shape doesn't depend on its size",
        DRAWING,
        "(2 * position - 1) * (1 - radius[:, None])",
        "(2 * position - 1) * 0.55",
        "tests/data/test_shapes.py -k whole_shape",
    ),
]
