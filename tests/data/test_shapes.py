from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

import minitorch
from minitorch.data import DataLoader, Shapes, shapes
from minitorch.data.shape_drawing import NUMBERS, SHAPES, draw
from minitorch.data.transforms import ToDtype

NAMES = ["circle", "square", "triangle", "star", "cross", "ring", "heart", "crescent", "semicircle", "bar"]


def corners(n, radius, first=90.0):
    """The corners of a polygon, by their angles in degrees."""
    return [
        (radius * math.cos(math.radians(first + 360 * k / n)), radius * math.sin(math.radians(first + 360 * k / n)))
        for k in range(n)
    ]


def in_polygon(x, y, polygon):
    """Whether a ray from (x, y) to the right crosses the outline an odd number of times."""
    crossings = 0
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y1 > y) != (y2 > y):
            crossings += x < x1 + (y - y1) / (y2 - y1) * (x2 - x1)
    return crossings % 2 == 1


def in_disc(x, y, radius, cx=0.0, cy=0.0):
    return math.hypot(x - cx, y - cy) < radius


def in_rectangle(x, y, right, top):
    return in_polygon(x, y, [(right, top), (-right, top), (-right, -top), (right, -top)])


# A star's inner corners are where the sides of a pentagram cross: φ² times nearer to the middle than the outer ones.
PHI = (1 + math.sqrt(5)) / 2
STAR = [point for pair in zip(corners(5, 1), corners(5, PHI**-2, 126), strict=True) for point in pair]

INSIDE = {
    "circle": lambda x, y: in_disc(x, y, 0.9),
    "square": lambda x, y: in_rectangle(x, y, 0.7, 0.7),
    "triangle": lambda x, y: in_polygon(x, y, corners(3, 1)),
    "star": lambda x, y: in_polygon(x, y, STAR),
    "cross": lambda x, y: in_rectangle(x, y, 0.95, 0.3) or in_rectangle(x, y, 0.3, 0.95),
    "ring": lambda x, y: in_disc(x, y, 0.97) and not in_disc(x, y, 0.53),
    "heart": lambda x, y: (
        in_polygon(x, y + 0.15, corners(4, 0.77)) or in_disc(abs(x), y, 0.77 / math.sqrt(2), 0.77 / 2, 0.77 / 2 - 0.15)
    ),
    "crescent": lambda x, y: in_disc(x, y, 0.9, -0.1) and not in_disc(x, y, 0.7, 0.4),
    "semicircle": lambda x, y: in_disc(x, y, 0.9, 0, -0.35) and y > -0.35,
    "bar": lambda x, y: in_rectangle(x, y, 0.95, 0.28),
}


def points(n=3000):
    return np.random.default_rng(0).uniform(-1.3, 1.3, (2, n)).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_the_sign_says_what_is_inside(shape):
    x, y = points()
    distance = shape(x, y)
    assert distance.dtype == np.float32
    inside = np.array([INSIDE[shape.__name__](a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)])
    clear = np.abs(distance) > 1e-5
    assert clear.mean() > 0.99
    np.testing.assert_array_equal((distance < 0)[clear], inside[clear])
    assert 0.05 < inside.mean() < 0.5


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_near_the_outline_it_is_the_distance(shape):
    x, y = points().astype(np.float64)  # for differences
    step = 1e-6
    slope = np.hypot(
        (shape(x + step, y) - shape(x - step, y)) / (2 * step), (shape(x, y + step) - shape(x, y - step)) / (2 * step)
    )
    assert slope.max() < 1 + 1e-6
    assert (np.abs(slope - 1) < 1e-6).mean() > 0.99  # but for ridges


@pytest.mark.parametrize("shape", SHAPES, ids=NAMES)
def test_shapes_fit_into_the_unit_circle(shape):
    angle = np.linspace(0, 2 * math.pi, 1000, dtype=np.float32)
    assert shape(np.cos(angle), np.sin(angle)).min() > -1e-6


def drawn(label, size=64, turn=0.0, scale=0.5, position=(0.5, 0.5)):
    """White on black, without shade and noise."""
    numbers = np.zeros((1, NUMBERS), np.float32)
    numbers[0, :4] = turn, scale, *position
    numbers[0, 7:10] = 1  # the colour
    numbers[0, 37] = 0.5  # no shade
    noise = np.zeros((1, 3, size, size), np.float32)
    (picture,) = draw(np.array([label]), numbers, noise)
    assert (picture == picture[0]).all()
    return picture[0] / 255


@pytest.mark.parametrize("label", range(10))
@pytest.mark.parametrize("turn", [0.0, 0.3])
@pytest.mark.parametrize("position", [(0.5, 0.5), (0.0, 1.0), (1.0, 0.0)])
def test_the_whole_shape_is_in_the_picture(label, turn, position):
    x, y = points(20000)
    area = (SHAPES[label](x, y) < 0).mean() * 2.6**2
    for scale in (0, 1):
        radius = (0.45 + 0.35 * scale) * 32
        pixels = drawn(label, 64, turn, scale, position).sum()
        assert pixels == pytest.approx(area * radius**2, rel=0.05)


def test_pictures_stand_upright_and_turn_against_the_clock():
    heart = drawn(NAMES.index("heart"))
    rows = np.flatnonzero(heart.any(1))
    assert heart[rows[-3]].sum() < heart[rows[2]].sum()  # its tip is below
    np.testing.assert_allclose(heart, heart[:, ::-1], atol=1 / 255)
    quarter = drawn(NAMES.index("heart"), turn=0.25)
    np.testing.assert_allclose(quarter, np.rot90(heart), atol=2 / 255)
    left = drawn(0, position=(0.0, 0.5)).sum(0)
    assert np.flatnonzero(left)[-1] < 50
    low = drawn(0, position=(0.5, 0.0)).sum(1)
    assert np.flatnonzero(low)[0] > 13


def test_dataset():
    train, test = Shapes(length=300), Shapes(train=False, length=50, size=20)
    assert repr(train) == "Shapes(300 images of 32×32, 10 classes)"
    assert repr(test) == "Shapes(50 images of 20×20, 10 classes)"
    assert train.classes == NAMES
    assert train.targets.tolist() == [i % 10 for i in range(300)]
    image, target = train[7]
    assert image.dtype == minitorch.uint8
    assert image.shape == (3, 32, 32)
    assert target == 7
    assert Shapes(length=7, num_classes=3).targets.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert len(Shapes(length=0)) == 0


def test_default_lengths(monkeypatch):
    monkeypatch.setattr(shapes, "draw", lambda labels, numbers, noise: 0)
    assert (len(Shapes(size=8)), len(Shapes(train=False, size=8))) == (10000, 2000)


def test_a_picture_depends_on_seed_split_and_index_alone(monkeypatch):
    pictures = Shapes(length=100).data.numpy()
    np.testing.assert_array_equal(Shapes(length=37).data.numpy(), pictures[:37])
    monkeypatch.setattr(shapes, "_PIXELS_AT_ONCE", 7 * 32 * 32)  # drawn in other portions
    np.testing.assert_array_equal(Shapes(length=100).data.numpy(), pictures)
    odd = Shapes(length=20, size=9).data.numpy()
    monkeypatch.setattr(shapes, "_PIXELS_AT_ONCE", 1)
    np.testing.assert_array_equal(Shapes(length=20, size=9).data.numpy(), odd)
    before = minitorch.get_rng_state()
    everything = np.concatenate(
        [pictures, Shapes(False, length=100).data.numpy(), Shapes(length=100, seed=1).data.numpy()]
    )
    assert minitorch.get_rng_state() == before
    assert len(np.unique(everything.reshape(300, -1), axis=0)) == 300


def test_the_pictures_are_the_same_on_every_machine():
    train, test = Shapes(length=200), Shapes(train=False, length=200, size=21, seed=-1)
    digest = hashlib.sha256(train.data.numpy().tobytes() + test.data.numpy().tobytes()).hexdigest()
    assert digest == "09f00db34e8a54f3a214afe77817b26e144364b22be53fc011229f02347aaa51"


def test_sizes_show_the_same_pictures():
    small = Shapes(length=40, size=16).data.numpy().astype(float)
    large = Shapes(length=40, size=64).data.numpy().reshape(40, 3, 16, 4, 16, 4).mean((3, 5))
    for a, b in zip(small, large, strict=True):
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.7
    assert np.abs(small - large).mean() < 20


def test_the_noise_is_nearly_normal():
    noise = Shapes(length=0)._noise(0, 200)
    assert noise.shape == (200, 3, 32, 32)
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 1) < 0.01
    assert abs((noise**4).mean() - 2.7) < 0.05  # 3 - 6/5 / 4 of four uniform numbers
    neighbours = np.corrcoef(noise[:, :, :, 1:].ravel(), noise[:, :, :, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.01


def test_shapes_are_lighter_than_their_backgrounds():
    dataset = Shapes(length=500)
    pictures = dataset.data.numpy().mean(1)
    assert pictures.max((1, 2)).min() > 100
    assert 60 < pictures.mean() < 130


def test_loaded_in_batches():
    dataset = Shapes(length=10, transform=ToDtype(minitorch.float32, scale=True))
    images, targets = next(iter(DataLoader(dataset, 4)))
    assert images.shape == (4, 3, 32, 32)
    assert minitorch.equal(images[3], dataset[3][0])
    assert targets.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 7}, "size should be 8 or more, got 7"),
        ({"length": -1}, "length should be 0 or more, got -1"),
        ({"num_classes": 0}, "num_classes should be from 1 to 10, got 0"),
        ({"num_classes": 11}, "num_classes should be from 1 to 10, got 11"),
        ({"seed": 2**64}, "expected a seed from"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Shapes(**arguments)
