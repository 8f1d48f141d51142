"""Mistakes in transforms of images."""

from __future__ import annotations

from .variant import Variant

FOLDER = "minitorch/data/transforms"
PLACES = "tests/data/transforms/test_places.py"
RESIZE = "tests/data/transforms/test_resize.py"
COLOURS = "tests/data/transforms/test_colours.py"


VARIANTS = [
    Variant(
        "transforms: images share a block of random numbers",
        "what an image gets depends on where in the batch it is",
        f"{FOLDER}/transform.py",
        "    even = numbers + numbers % 2 ",
        "    even = numbers ",
        "tests/data/transforms/test_transform.py -k draws",
    ),
    Variant(
        "transforms.ToDtype: 255 is only what is exactly 1",
        "fractions from 0 to 1 become 255 parts and a point",
        f"{FOLDER}/to_dtype.py",
        "else 255.999)",
        "else 255.0)",
        "tests/data/transforms/test_values.py -k fractions",
    ),
    Variant(
        "transforms.Normalize: in place",
        "the dataset's own memory is normalised, again in every epoch",
        f"{FOLDER}/normalize.py",
        "        output = images.data - mean\n",
        "        output = images.data\n        output -= mean\n",
        "tests/data/transforms/test_values.py -k normalize",
    ),
    Variant(
        "transforms.Pad: top for left",
        "a border that should be beside the image is above it",
        f"{FOLDER}/pad.py",
        "    left, top, right, bottom = borders\n",
        "    top, left, bottom, right = borders\n",
        f"{PLACES} -k 'test_pad and not rejects'",
    ),
    Variant(
        "transforms.CenterCrop: always the pixel before the middle",
        "odd margins aren't rounded as torchvision does",
        f"{FOLDER}/crop.py",
        "round((H - height) / 2), round((W - width) / 2)",
        "(H - height) // 2, (W - width) // 2",
        f"{PLACES} -k middle",
    ),
    Variant(
        "transforms.RandomCrop: never at the far edges",
        "the last place of a crop is left out",
        f"{FOLDER}/crop.py",
        "(H - height + 1, W - width + 1)",
        "(max(H - height, 1), max(W - width, 1))",
        f"{PLACES} -k anywhere",
    ),
    Variant(
        "transforms.RandomCrop: rows and columns go together",
        "crops lie on the diagonal",
        f"{FOLDER}/crop.py",
        "np.floor(draw(N, 2) * (",
        "np.floor(draw(N, 1) * (",
        f"{PLACES} -k anywhere",
    ),
    Variant(
        "transforms.RandomHorizontalFlip: all or none",
        "one draw decides for the whole batch",
        f"{FOLDER}/flip.py",
        "np.flatnonzero(draw(len(images.data), 1)[:, 0] < self.p)",
        "np.flatnonzero(draw(1, 1).repeat(len(images.data)) < self.p)",
        f"{PLACES} -k test_flips",
    ),
    Variant(
        "transforms.TenCrop: corners by columns",
        "bottom left comes before top right",
        f"{FOLDER}/multi_crop.py",
        "for top in (0, H - height) for left in (0, W - width)",
        "for left in (0, W - width) for top in (0, H - height)",
        f"{PLACES} -k five_and_ten",
    ),
    Variant(
        "transforms.average_over_crops: the softmax of the mean",
        "scores are averaged, not what the softmax makes of them",
        f"{FOLDER}/multi_crop.py",
        "    probabilities = softmax(model(crops.reshape(math.prod(shape[:-3]), *shape[-3:])), -1)\n"
        "    return probabilities.reshape(*shape[:-3], probabilities.data.shape[-1]).mean(-2)\n",
        "    scores = model(crops.reshape(math.prod(shape[:-3]), *shape[-3:]))\n"
        "    return softmax(scores.reshape(*shape[:-3], scores.data.shape[-1]).mean(-2), -1)\n",
        f"{PLACES} -k average",
    ),
    Variant(
        "transforms.Resize: width and height exchanged",
        "Pillow's sizes are (width, height)",
        f"{FOLDER}/resize.py",
        "picture.resize(size[::-1], ",
        "picture.resize(size, ",
        f"{RESIZE} -k test_bilinear",
    ),
    Variant(
        "transforms.Resize: fractions cut off",
        "uint8 images grow darker by half a level whenever they are resized without antialiasing",
        f"{FOLDER}/resize.py",
        ".round().clamp(0, 255)",
        ".clamp(0, 255)",
        f"{RESIZE} -k test_bilinear",
    ),
    Variant(
        "transforms.RandomResizedCrop: high for wide",
        "the ratio is height divided by width",
        f"{FOLDER}/resized_crop.py",
        "np.rint(np.sqrt(area * ratio)), np.rint(np.sqrt(area / ratio))",
        "np.rint(np.sqrt(area / ratio)), np.rint(np.sqrt(area * ratio))",
        f"{RESIZE} -k areas",
    ),
    Variant(
        "transforms.RandomResizedCrop: always the last attempt",
        "parts that don't fit are taken where a later one would fit",
        f"{FOLDER}/resized_crop.py",
        "fits.argmax(1)",
        "np.full(N, ATTEMPTS - 1)",
        f"{RESIZE} -k first_that_fits",
    ),
    Variant(
        "transforms, contrast: the mean of the batch",
        "an image's contrast depends on its neighbours",
        f"{FOLDER}/color.py",
        ".mean((1, 2, 3), ",
        ".mean((0, 1, 2, 3), ",
        f"{COLOURS} -k 'seed and ColorJitter'",
    ),
    Variant(
        "transforms, hue: the other way round",
        "red turns to blue where it should turn to green",
        f"{FOLDER}/color.py",
        "sixths += 6 * factors[:, 0]",
        "sixths -= 6 * factors[:, 0]",
        f"{COLOURS} -k third",
    ),
    Variant(
        "transforms.ColorJitter: always in one order",
        "brightness comes first, hue last",
        f"{FOLDER}/color_jitter.py",
        "order = numbers[:, :4].argsort(1)",
        "order = np.sort(numbers[:, :4].argsort(1), 1)",
        f"{COLOURS} -k order",
    ),
    Variant(
        "transforms.PCALighting: rows for columns",
        "the eigenvectors are taken from the wrong side of their matrix",
        f"{FOLDER}/lighting.py",
        "np.array(self.eigenvectors).T",
        "np.array(self.eigenvectors)",
        f"{COLOURS} -k covariance_of_the_paper",
    ),
    Variant(
        "transforms.PCALighting.fit: the mean stays in",
        "moments about zero are taken for the covariance",
        f"{FOLDER}/lighting.py",
        "products / count - np.outer(mean, mean)",
        "products / count",
        f"{COLOURS} -k fit",
    ),
]
