"""The layers of normalisation and noise: modes, running statistics, state, reprs, and PyTorch's results."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch import nn
from minitorch.testing import assert_close

# How a layer is made, how it is shown, and the shapes that it takes.
LAYERS = {
    "nn.BatchNorm1d(4)": (
        "BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
        [(3, 4), (3, 4, 5)],
    ),
    "nn.BatchNorm2d(4, 0.1, None)": (
        "BatchNorm2d(4, eps=0.1, momentum=None, affine=True, bias=True, track_running_stats=True)",
        [(3, 4, 5, 2)],
    ),
    "nn.BatchNorm2d(4, affine=False)": (
        "BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=True)",
        [(3, 4, 5, 2)],
    ),
    "nn.BatchNorm1d(4, momentum=0.5, bias=False, track_running_stats=False)": (
        "BatchNorm1d(4, eps=1e-05, momentum=0.5, affine=True, bias=False, track_running_stats=False)",
        [(3, 4, 5)],
    ),
    "nn.InstanceNorm1d(4)": (
        "InstanceNorm1d(4, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)",
        [(4, 5), (3, 4, 5)],
    ),
    "nn.InstanceNorm2d(4, affine=True, track_running_stats=True)": (
        "InstanceNorm2d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
        [(4, 5, 2), (3, 4, 5, 2)],
    ),
    "nn.LayerNorm(5)": ("LayerNorm((5,), eps=1e-05, elementwise_affine=True, bias=True)", [(5,), (3, 4, 5)]),
    "nn.LayerNorm([4, 5], 0.1, bias=False)": (
        "LayerNorm((4, 5), eps=0.1, elementwise_affine=True, bias=False)",
        [(3, 4, 5)],
    ),
    "nn.LayerNorm((4, 5), elementwise_affine=False)": (
        "LayerNorm((4, 5), eps=1e-05, elementwise_affine=False, bias=False)",
        [(3, 4, 5)],
    ),
    "nn.RMSNorm(5)": ("RMSNorm((5,), eps=None, elementwise_affine=True)", [(2, 5), (3, 4, 5)]),
    "nn.RMSNorm((4, 5), 0.1, False)": ("RMSNorm((4, 5), eps=0.1, elementwise_affine=False)", [(3, 4, 5)]),
    "nn.GroupNorm(2, 4)": ("GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)", [(3, 4), (3, 4, 5, 2)]),
    "nn.GroupNorm(1, 4, bias=False)": ("GroupNorm(1, 4, eps=1e-05, affine=True, bias=False)", [(3, 4, 5)]),
    "nn.GroupNorm(4, 4, affine=False)": ("GroupNorm(4, 4, eps=1e-05, affine=False, bias=False)", [(3, 4, 5)]),
    "nn.LocalResponseNorm(3)": ("LocalResponseNorm(3, alpha=0.0001, beta=0.75, k=1.0)", [(3, 4, 5), (3, 4, 5, 2)]),
    "nn.LocalResponseNorm(2, 1, 0.5, 2)": ("LocalResponseNorm(2, alpha=1, beta=0.5, k=2)", [(3, 4, 5)]),
    "nn.Dropout(0.3)": ("Dropout(p=0.3, inplace=False)", []),
    "nn.Dropout1d(0.3, True)": ("Dropout1d(p=0.3, inplace=True)", []),
    "nn.Dropout2d()": ("Dropout2d(p=0.5, inplace=False)", []),
    "nn.AlphaDropout(p=0.1)": ("AlphaDropout(p=0.1, inplace=False)", []),
}


@pytest.mark.parametrize("source", LAYERS)
def test_repr(source):
    assert repr(eval(source)) == LAYERS[source][0]


@pytest.mark.parametrize("source", LAYERS)
def test_pytorch_computes_and_shows_the_same(source):
    """Two steps of training and one of evaluation, with weights that aren't all alike."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours, theirs = eval(source), eval(source, {"nn": torch.nn})
    shown, shapes = LAYERS[source]
    assert repr(theirs) == shown
    assert vars(ours).keys() >= {name for name in vars(theirs) if not name.startswith("_")}
    assert [(k, tuple(v.shape), str(v.dtype)[6:]) for k, v in theirs.state_dict().items()] == [
        (k, tuple(v.shape), str(v.dtype)[10:]) for k, v in ours.state_dict().items()
    ]
    rng = np.random.default_rng(0)
    with torch.no_grad(), minitorch.no_grad():
        for mine, their in zip(ours.parameters(), theirs.parameters(), strict=True):
            numbers = rng.standard_normal(tuple(their.shape)).astype(np.float32)
            mine.copy_(minitorch.tensor(numbers))
            their.copy_(torch.tensor(numbers))
    for training in (True, True, False):
        for shape in shapes:
            x = rng.standard_normal(shape).astype(np.float32)
            mine, their = ours.train(training)(minitorch.tensor(x)), theirs.train(training)(torch.tensor(x))
            assert_close(mine.detach(), their.detach().numpy(), rtol=1e-4, atol=1e-5)
    for name, buffer in theirs.named_buffers():
        assert_close(ours.get_buffer(name), buffer.numpy(), rtol=1e-5, atol=1e-6)


# ---- batch norm ------------------------------------------------------------------------------------------------------


def test_batch_norm_counts_batches_and_uses_what_it_kept():
    layer = nn.BatchNorm1d(2)
    assert list(layer.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    x = minitorch.tensor([[1.0, 10.0], [3.0, 30.0]])
    assert_close(layer(x).detach(), np.float32([[-1, -1], [1, 1]]), rtol=1e-4, atol=0)
    assert layer.num_batches_tracked.item() == 1
    assert layer.num_batches_tracked.dtype is minitorch.int64
    assert_close(layer.running_mean, np.float32([0.2, 2]))
    assert_close(layer.running_var, np.float32([1.1, 20.9]))
    wanted = (x.numpy() - [0.2, 2]) / np.sqrt([1.1 + 1e-5, 20.9 + 1e-5])
    assert_close(layer.eval()(x).detach(), wanted.astype(np.float32))
    assert layer.num_batches_tracked.item() == 1
    layer.reset_running_stats()
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([0, 0], [1, 1])
    assert layer.num_batches_tracked.item() == 0


def test_without_momentum_the_statistics_are_means_over_all_batches():
    layer = nn.BatchNorm1d(1, momentum=None)
    for numbers in ([[1.0], [3.0]], [[10.0], [14.0]], [[4.0], [4.0]]):
        layer(minitorch.tensor(numbers))
    assert layer.running_mean.item() == pytest.approx((2 + 12 + 4) / 3)
    assert layer.running_var.item() == pytest.approx((2 + 8 + 0) / 3)


def test_untracked_statistics_are_always_those_of_the_batch():
    layer = nn.BatchNorm2d(3, track_running_stats=False)
    assert list(layer.state_dict()) == ["weight", "bias"]
    x = minitorch.randn(2, 3, 4, 4)
    assert_close(layer.eval()(x), F.batch_norm(x, None, None, training=True))


def test_tracking_may_be_switched_off_for_a_while():
    layer = nn.BatchNorm1d(2)
    layer.track_running_stats = False
    layer(minitorch.randn(4, 2))
    assert (layer.running_mean.tolist(), layer.num_batches_tracked.item()) == ([0, 0], 0)
    x = minitorch.randn(4, 2)
    assert_close(layer.eval()(x).detach(), (x.numpy() / np.sqrt(1 + 1e-5)).astype(np.float32))


def test_state_goes_round():
    layer = nn.BatchNorm2d(3)
    for _ in range(3):
        layer(minitorch.randn(2, 3, 4, 4))
    other = nn.BatchNorm2d(3)
    other.load_state_dict(layer.state_dict())
    twin = copy.deepcopy(layer)
    layer(minitorch.randn(2, 3, 4, 4))
    x = minitorch.randn(2, 3, 4, 4)
    assert other.num_batches_tracked.item() == twin.num_batches_tracked.item() == 3
    assert_close(other.eval()(x), twin.eval()(x))
    double = copy.deepcopy(twin).double()
    assert double.running_mean.dtype is minitorch.float64
    assert double.num_batches_tracked.dtype is minitorch.int64
    assert_close(double(x.double()).float(), twin(x), rtol=1e-5, atol=1e-6)


def test_batch_norm_trains():
    """A layer that has to learn the mean 3 and the standard deviation 2."""
    minitorch.manual_seed(0)
    layer = nn.BatchNorm1d(1)
    optimizer = minitorch.optim.SGD(layer.parameters(), lr=0.1)
    target = None
    for _ in range(200):
        x = minitorch.randn(64, 1)
        target = 2 * (x - x.mean()) / x.std(correction=0) + 3
        optimizer.zero_grad()
        F.mse_loss(layer(x), target).backward()
        optimizer.step()
    assert layer.weight.item() == pytest.approx(2, abs=1e-3)
    assert layer.bias.item() == pytest.approx(3, abs=1e-3)


# ---- mistakes --------------------------------------------------------------------------------------------------------

MISTAKES = {
    "nn.BatchNorm1d(3)(ones(2, 3, 4, 5))": (ValueError, r"expected 2D or 3D input \(got 4D input"),
    "nn.BatchNorm2d(3)(ones(2, 3))": (ValueError, r"expected 4D input \(got 2D input"),
    "nn.BatchNorm2d(3)(ones(2, 4, 5, 5))": (RuntimeError, "running_mean should contain 4 elements not 3"),
    "nn.BatchNorm1d(3)(ones(1, 3))": (ValueError, "Expected more than 1 value per channel when training"),
    "nn.BatchNorm1d(10, eps=-1.0)(ones(2, 10))": (ValueError, "eps must be positive"),
    "nn.BatchNorm2d(10, eps=0.0)(ones(2, 10, 5, 5))": (ValueError, "eps must be positive"),
    "nn.InstanceNorm1d(3)(ones(2))": (ValueError, r"expected 2D or 3D input \(got 1D input"),
    "nn.InstanceNorm2d(3)(ones(2, 2))": (ValueError, r"expected 3D or 4D input \(got 2D input"),
    "nn.InstanceNorm1d(3, affine=True)(ones(2, 4, 5))": (
        ValueError,
        r"expected input's size at dim=1 to match num_features \(3\), but got: 4",
    ),
    "nn.InstanceNorm1d(3, affine=True)(ones(4, 5))": (ValueError, "size at dim=0 to match"),
    "nn.InstanceNorm1d(3)(ones(2, 3, 1))": (ValueError, "Expected more than 1 spatial element when training"),
    "nn.GroupNorm(3, 10)": (ValueError, r"num_channels \(10\) must be divisible by num_groups \(3\)"),
    "nn.GroupNorm(2, 4)(ones(2, 6, 3))": (RuntimeError, "weight"),
    "nn.LayerNorm(3)(ones(2, 4))": (RuntimeError, r"Given normalized_shape=\[3\]"),
    "nn.RMSNorm((2, 3))(ones(2, 4))": (RuntimeError, r"Given normalized_shape=\[2, 3\]"),
    "nn.LocalResponseNorm(3)(ones(2, 4))": (ValueError, "Expected 3D or higher"),
    "nn.Dropout1d(2.0)": (ValueError, "dropout probability has to be between 0 and 1, but got 2.0"),
    "nn.AlphaDropout(-1)": (ValueError, "dropout probability has to be between 0 and 1, but got -1"),
    "nn.Dropout1d()(ones(2))": (RuntimeError, "Expected 2D or 3D input, but received a 1D input"),
}


@pytest.mark.parametrize("source", MISTAKES)
@pytest.mark.parametrize("library", ["minitorch", "torch"])
def test_a_mistake_raises(library, source):
    lib = pytest.importorskip(library, reason="PyTorch is not installed")
    error, message = MISTAKES[source]
    with pytest.raises(error, match=message if lib is minitorch else "."):
        eval(source, {"nn": lib.nn, "ones": lib.ones})


def test_num_features_that_nothing_uses():
    with pytest.warns(UserWarning, match=r"to match num_features \(3\), but got: 4"):
        assert nn.InstanceNorm1d(3)(minitorch.ones(2, 4, 5)).shape == (2, 4, 5)


# ---- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [nn.Dropout(0.4), nn.Dropout1d(0.4), nn.Dropout2d(0.4), nn.AlphaDropout(0.4)])
def test_noise_follows_the_mode_and_the_seed(layer):
    function = getattr(F, {"AlphaDropout": "alpha_dropout"}.get(type(layer).__name__, type(layer).__name__.lower()))
    x = minitorch.randn(*((5, 6, 7) if isinstance(layer, nn.Dropout1d) else (5, 6, 7, 2)))
    minitorch.manual_seed(2)
    y = layer.train()(x)
    minitorch.manual_seed(2)
    assert_close(y, function(x, 0.4, True))
    assert layer.eval()(x) is x
