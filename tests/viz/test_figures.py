from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import minitorch
from minitorch import metrics, viz

pytest.importorskip("matplotlib")


def pixels(figure, path):
    """Writes the figure and reads it back: (height, width, 4)."""
    from matplotlib.image import imread

    figure.savefig(path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n")
    image = imread(path)
    assert np.ptp(image) > 0.5
    return image


@pytest.mark.parametrize("epochs", [[], [1], [1, 2, 3], list(range(1, 101))])
def test_curves(tmp_path, epochs):
    figure = viz.plot_curves(epochs, [1.0 / e for e in epochs], [1 - 0.5 / e for e in epochs], "LeNet-5")
    pixels(figure, tmp_path / "curves.png")
    left, right = figure.axes
    assert left.get_ylabel()
    assert right.get_xlabel() == "epoch"


@pytest.mark.parametrize("classes", [list("0123456789"), ["T-shirt/top", "Bag"], ["only"]])
def test_confusion_matrix(tmp_path, classes):
    n = len(classes)
    confusion = metrics.confusion_matrix(np.arange(50) % n, np.arange(50) * 7 % n, n)
    figure = viz.plot_confusion_matrix(confusion, classes)
    pixels(figure, tmp_path / "confusion.png")
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == classes


@pytest.mark.parametrize("shape", [(6, 1, 5, 5), (16, 6, 5, 5), (1, 1, 3, 3), (20, 1, 1, 1)])
def test_filters(tmp_path, shape):
    minitorch.manual_seed(0)
    pixels(viz.plot_filters(minitorch.randn(*shape)), tmp_path / "filters.png")


def test_filters_of_three_channels_are_colored():
    weight = minitorch.zeros(20, 3, 2, 2)
    weight[0, 0], weight[1, 1] = 2.0, -1.0  # all red; without green
    (image,) = viz.plot_filters(weight).axes[0].images
    colors = np.asarray(image.get_array())
    side = next(x for x in range(100) if (colors[0, x] == 1).all())  # up to the white gap
    np.testing.assert_array_equal(colors[0, 0], [1, 0.5, 0.5])
    np.testing.assert_array_equal(colors[0, side + side // 4], [0.5, 0.25, 0.5])
    assert (colors[-1, -1] == 1).all()  # 20 filters don't fill the second row


def test_feature_maps_of_a_colored_image(tmp_path):
    image = minitorch.zeros(3, 8, 8)
    image[2] = 1.0
    figure = viz.plot_feature_maps(image, {"conv1": minitorch.rand(6, 8, 8)})
    pixels(figure, tmp_path / "maps.png")
    colors = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_array_equal(colors[0, 0], [0, 0, 1])


def test_curves_say_of_which_images():
    assert viz.plot_curves([1], [1.0], [0.5], split="validation").axes[1].get_title() == "Validation accuracy"


def test_feature_maps(tmp_path):
    layers = {"conv1": minitorch.rand(6, 28, 28), "conv2": minitorch.rand(20, 10, 10)}
    figure = viz.plot_feature_maps(minitorch.rand(32, 32), layers)
    pixels(figure, tmp_path / "maps.png")
    assert "conv2: 20 maps of 10×10" in [axes.get_title(loc="left") for axes in figure.axes]


def test_wrong_shapes():
    with pytest.raises(ValueError, match=r"expected a weight \(O, C, KH, KW\), got shape \(3, 4\)"):
        viz.plot_filters(minitorch.zeros(3, 4))
    with pytest.raises(ValueError, match=r"expected an image \(H, W\)"):
        viz.plot_feature_maps(minitorch.zeros(1, 3, 4), {})
    with pytest.raises(ValueError, match=r"expected maps \(C, H, W\) for conv1"):
        viz.plot_feature_maps(minitorch.zeros(3, 4), {"conv1": minitorch.zeros(3, 4)})


def test_matplotlib_is_imported_only_for_pictures():
    code = "import sys, minitorch.viz; assert not any(m.startswith('matplotlib') for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
