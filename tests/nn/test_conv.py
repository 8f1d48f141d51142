"""Layers of convolutions: against the functions, padding modes, the output size of transposed ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch import nn
from minitorch.testing import assert_close


def randn(*shape):
    return minitorch.from_numpy(np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32))


LAYERS = [
    (nn.Conv1d, F.conv1d, {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2, "groups": 2}),
    (nn.Conv2d, F.conv2d, {"kernel_size": (3, 2), "stride": (2, 1), "padding": (0, 1), "groups": 2}),
    (nn.Conv2d, F.conv2d, {"kernel_size": (3, 2), "padding": "same", "dilation": (1, 3)}),
    (nn.Conv2d, F.conv2d, {"kernel_size": 2, "padding": "valid", "stride": 2}),
    (nn.ConvTranspose1d, F.conv_transpose1d, {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}),
    (nn.ConvTranspose2d, F.conv_transpose2d, {"kernel_size": (3, 2), "stride": (2, 1), "dilation": 2, "groups": 2}),
]


@pytest.mark.parametrize(("make", "function", "options"), LAYERS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(2,), ()])
def test_a_layer_is_its_function(make, function, options, bias, batch):
    layer = make(4, 6, bias=bias, **options)
    assert set(layer.state_dict()) == ({"weight", "bias"} if bias else {"weight"})
    x = randn(*batch, 4, 8, 9) if make in (nn.Conv2d, nn.ConvTranspose2d) else randn(*batch, 4, 9)
    rest = {name: value for name, value in options.items() if name != "kernel_size"}
    assert_close(layer(x), function(x, layer.weight, layer.bias, **rest), rtol=0, atol=0)


def test_attributes_are_tuples():
    layer = nn.Conv2d(4, 6, 3, padding=1)
    assert (layer.kernel_size, layer.stride, layer.padding, layer.dilation) == ((3, 3), (1, 1), (1, 1), (1, 1))
    assert (layer.transposed, layer.output_padding, layer.groups, layer.padding_mode) == (False, (0, 0), 1, "zeros")
    assert nn.ConvTranspose1d(4, 6, 3).transposed
    assert tuple(nn.ConvTranspose1d(4, 6, 3, groups=2).weight.shape) == (4, 3, 3)


# Of the row 1 2 3 4, before and behind.
EDGES = {
    "zeros": ([0, 0], [0, 0]),
    "reflect": ([3, 2], [3, 2]),
    "replicate": ([1, 1], [4, 4]),
    "circular": ([3, 4], [1, 2]),
}


@pytest.mark.parametrize("mode", EDGES)
def test_padding_modes(mode):
    row = [1.0, 2.0, 3.0, 4.0]
    before, behind = EDGES[mode]
    layer = nn.Conv1d(1, 1, 2, padding=2, bias=False, padding_mode=mode)
    layer.weight.data[...] = [[[1, 10]]]
    padded = [*before, *row, *behind]
    expected = [a + 10 * b for a, b in itertools.pairwise(padded)]
    assert layer(minitorch.tensor([row])).tolist() == [expected]


@pytest.mark.parametrize("mode", EDGES)
def test_the_odd_element_of_same_padding_goes_to_the_end(mode):
    layer = nn.Conv1d(1, 1, 2, padding="same", bias=False, padding_mode=mode)
    layer.weight.data[...] = [[[0, 1]]]
    assert layer(minitorch.tensor([[1.0, 2.0, 3.0, 4.0]])).tolist() == [[2, 3, 4, EDGES[mode][1][0]]]


def test_dimensions_are_padded_by_their_own_number():
    layer = nn.Conv2d(2, 3, (2, 3), padding=(2, 1), padding_mode="circular")
    x = randn(2, 2, 4, 5)
    wrapped = minitorch.from_numpy(np.pad(x.numpy(), ((0, 0), (0, 0), (2, 2), (1, 1)), mode="wrap"))
    assert_close(layer(x), F.conv2d(wrapped, layer.weight, layer.bias), rtol=0, atol=0)


@pytest.mark.parametrize("size", [(11, 8), (12, 10), (13, 9), (13, 10)])
def test_output_size_chooses_the_output_padding(size):
    down = nn.Conv2d(2, 3, 3, stride=(3, 3), padding=(1, 2), dilation=(1, 2))
    up = nn.ConvTranspose2d(3, 2, 3, stride=(3, 3), padding=(1, 2), dilation=(1, 2))
    x = randn(4, 2, *size)
    hidden = down(x)
    assert up(hidden, size).shape == x.shape
    assert_close(up(hidden, x.shape), up(hidden, list(size)), rtol=0, atol=0)
    extra = tuple(n - m for n, m in zip(size, up(hidden).shape[2:], strict=True))
    layer = nn.ConvTranspose2d(3, 2, 3, stride=(3, 3), padding=(1, 2), dilation=(1, 2), output_padding=extra)
    layer.load_state_dict(up.state_dict())
    assert_close(layer(hidden), up(hidden, size), rtol=0, atol=0)


def test_output_sizes_that_no_output_padding_gives():
    up = nn.ConvTranspose2d(3, 2, 3, stride=2)
    with pytest.raises(ValueError, match=r"size of \[9, 10\], but valid sizes range from \[9, 11\] to \[10, 12\]"):
        up(randn(1, 3, 4, 5), (9, 10))
    with pytest.raises(ValueError, match=r"for 3D input, output_size must have 2 or 3 elements \(got 4\)"):
        up(randn(3, 4, 5), (1, 3, 9, 11))


def models(library):
    return library.Sequential(
        library.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"),
        library.ConvTranspose2d(6, 4, (3, 2), stride=2, output_padding=1),
        library.Flatten(2),
        library.Conv1d(4, 6, 4, padding="same", padding_mode="circular", groups=2),
        library.ConvTranspose1d(6, 2, 3, dilation=3, output_padding=2),
    )


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # PyTorch's, about its speed
def test_the_same_state_gives_the_same_results_in_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    minitorch.manual_seed(0)
    ours, theirs = models(nn), models(torch.nn)
    theirs.load_state_dict({name: torch.from_numpy(t.numpy().copy()) for name, t in ours.state_dict().items()})
    x = randn(3, 4, 5, 6)
    output, expected = ours(x), theirs(torch.from_numpy(x.numpy()))
    assert_close(output, expected, rtol=1e-4, atol=1e-5)
    (output**2).sum().backward()
    (expected**2).sum().backward()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-3, atol=1e-4)
