"""What all transforms do with batches, wrong inputs and gradients, and Compose."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch as mt
from minitorch.data import transforms
from minitorch.data.transforms.transform import draw


class Shapes(transforms.Transform):
    """Notes what it is given."""

    def __init__(self):
        self._seen = []

    def transform(self, images):
        self._seen.append(tuple(images.shape))
        return images


class Halves(transforms.Transform):
    """Two results for each image, as several crops are."""

    def transform(self, images):
        return mt.stack([images[..., :2], images[..., 2:]], 1)


@pytest.mark.parametrize(
    ("shape", "batch"),
    [((3, 4, 5), (1, 3, 4, 5)), ((2, 3, 4, 5), (2, 3, 4, 5)), ((0, 3, 4, 5), (0, 3, 4, 5)), ((2, 0, 1, 4, 5),) * 2],
)
def test_transform_gets_a_batch(shape, batch):
    record = Shapes()
    assert record(mt.zeros(shape)).shape == shape
    assert record._seen == [batch if len(batch) == 4 else (0, 1, 4, 5)]


def test_any_leading_dimensions():
    images = mt.arange(2 * 3 * 4 * 5 * 4).reshape(2, 3, 4, 5, 4)
    halves = Halves()(images)
    assert halves.shape == (2, 3, 2, 4, 5, 2)
    assert mt.equal(halves[1, 2, 1], images[1, 2, :, :, 2:])


def test_wrong_inputs():
    normalize = transforms.Normalize(0.0, 1.0)
    with pytest.raises(TypeError, match=r"Normalize: expected a tensor of images .* got ndarray"):
        normalize(np.zeros((3, 2, 2), np.float32))
    with pytest.raises(ValueError, match=r"Normalize: expected images \(..., C, H, W\), got .* of shape \(2, 2\)"):
        normalize(mt.zeros(2, 2))
    with pytest.raises(NotImplementedError, match=r"Transform does not define transform"):
        transforms.Transform()(mt.zeros(1, 2, 2))


def test_a_gradient_is_not_lost_silently():
    normalize = transforms.Normalize(0.0, 2.0)
    image = mt.ones(1, 2, 2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"Normalize: the input requires a gradient.*detach"):
        normalize(image)
    assert normalize(image.detach())[0, 0, 0] == 0.5
    with mt.no_grad():
        assert not normalize(image).requires_grad


def test_repr_names_the_options():
    compose = transforms.Compose([transforms.ToDtype(mt.float32, scale=True), transforms.Normalize(0.5, [1, 2, 4])])
    assert repr(compose) == (
        "Compose(transforms=[ToDtype(dtype=minitorch.float32, scale=True), Normalize(mean=[0.5], std=[1.0, 2.0, 4.0])])"
    )


@pytest.mark.parametrize("numbers", [1, 2, 3, 8])
def test_draws_of_a_batch_are_those_of_its_images(numbers):
    mt.manual_seed(3)
    batch = draw(5, numbers)
    state = mt.get_rng_state()
    mt.manual_seed(3)
    assert np.array_equal(batch, np.concatenate([draw(1, numbers) for _ in range(5)]))
    assert mt.get_rng_state() == state == (3, 5 * -(-numbers // 2))
    assert len(np.unique(batch)) == batch.size
    assert batch.shape == (5, numbers)
    assert draw(0, numbers).shape == (0, numbers)


def test_compose_in_order():
    compose = transforms.Compose([transforms.Normalize(1.0, 1.0), transforms.Normalize(0.0, 2.0)])
    assert mt.equal(compose(mt.full((1, 1, 2), 5.0)), mt.full((1, 1, 2), 2.0))


def test_compose_applies_other_functions_image_by_image():
    shapes = []

    def note(image):
        shapes.append(tuple(image.shape))
        return image - image.amax()

    record = Shapes()
    compose = transforms.Compose([record, note, record])
    images = mt.arange(12.0).reshape(2, 3, 1, 2, 1)
    out = compose(images)
    assert shapes == [(1, 2, 1)] * 6
    assert record._seen == [(6, 1, 2, 1)] * 2
    assert mt.equal(out, images - images.amax((2, 3, 4), keepdim=True))
    assert compose(images[0, 0]).shape == (1, 2, 1)


def test_compose_may_begin_with_something_else():
    compose = transforms.Compose([mt.from_numpy, transforms.Normalize(0.0, 0.5)])
    assert mt.equal(compose(np.ones((1, 1, 1), np.float32)), mt.full((1, 1, 1), 2.0))


def test_compose_rejects():
    with pytest.raises(ValueError, match=r"at least one"):
        transforms.Compose([])
    for wrong in (transforms.Normalize(0.0, 1.0), [1, 2]):
        with pytest.raises(TypeError, match=r"Compose: expected a sequence of callables"):
            transforms.Compose(wrong)


@pytest.mark.parametrize("num_workers", [1, 3])
def test_batches_are_the_same_for_any_number_of_workers(num_workers):
    prepare = transforms.Compose(
        [
            transforms.RandomCrop(4, padding=2),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(0.4, 0.4, 0.4, 0.1),
            transforms.PCALighting(),
            transforms.ToDtype(mt.float32, scale=True),
        ]
    )
    images = mt.randint(0, 256, (21, 3, 4, 4)).to(mt.uint8)
    dataset = mt.data.ImageDataset(images, mt.arange(21), [str(i) for i in range(21)], prepare)
    epochs = []
    for workers in (0, num_workers):
        loader = mt.data.DataLoader(dataset, 4, shuffle=True, num_workers=workers, generator=mt.Generator())
        epochs.append([batch for _ in range(2) for batch in loader])
    for (images, labels), (same_images, same_labels) in zip(*epochs, strict=True):
        assert mt.equal(labels, same_labels)
        assert mt.equal(images, same_images)
