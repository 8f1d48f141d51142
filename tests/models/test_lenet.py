"""LeNet-5: sizes, the paper's numbers, weights of others, and that both learn."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch import nn, optim
from minitorch.models import LeNet5, LeNet5_1998
from minitorch.models.lenet import CONNECTIONS_C3, PartialConv2d, RadialBasis, ScaledTanh, Subsampling


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_lenet5_has_the_usual_names_and_shapes():
    assert {name: tuple(tensor.shape) for name, tensor in LeNet5().state_dict().items()} == {
        "conv1.weight": (6, 1, 5, 5),
        "conv1.bias": (6,),
        "conv2.weight": (16, 6, 5, 5),
        "conv2.bias": (16,),
        "fc1.weight": (120, 400),
        "fc1.bias": (120,),
        "fc2.weight": (84, 120),
        "fc2.bias": (84,),
        "fc3.weight": (10, 84),
        "fc3.bias": (10,),
    }
    assert count(LeNet5()) == 61706
    assert LeNet5(num_classes=26)(minitorch.zeros(0, 1, 32, 32)).shape == (0, 26)


def test_padding_in_the_model_is_padding_in_the_data():
    minitorch.manual_seed(0)
    model, padded = LeNet5(), LeNet5(padding=2)
    padded.load_state_dict(model.state_dict())
    x = minitorch.randn(2, 1, 28, 28)
    around = minitorch.from_numpy(np.pad(x.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2))))
    np.testing.assert_allclose(padded(x).detach().numpy(), model(around).detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("model", "size"), [(LeNet5(), 32), (LeNet5(padding=2), 28), (LeNet5_1998(), 32)])
def test_images_of_another_size(model, size):
    name = type(model).__name__
    for shape in ((2, 1, 30, 30), (2, 3, size, size), (1, size, size), (size, size)):
        with pytest.raises(RuntimeError, match=rf"{name}: expected images \(N, 1, {size}, {size}\), got "):
            model(minitorch.zeros(shape))


def test_errors_name_the_layer():
    model = LeNet5().double()
    with pytest.raises(RuntimeError, match=r"^conv1 \(Conv2d\): conv2d: "):
        model(minitorch.zeros(1, 1, 32, 32))


# ---- 1998 ----------------------------------------------------------------------------------------------------------


def test_the_papers_numbers_of_parameters():
    model = LeNet5_1998()
    assert {name: count(module) for name, module in model.named_children() if count(module)} == {
        "c1": 156,
        "s2": 12,
        "c3": 1516,
        "s4": 32,
        "c5": 48120,
        "f6": 10164,
    }
    assert count(model) == 60000


def test_the_papers_sizes_of_maps():
    model, shapes = LeNet5_1998(), {}
    for name, module in model.named_children():
        module.register_forward_hook(lambda m, args, output, name=name: shapes.update({name: tuple(output.shape[1:])}))
    model(minitorch.zeros(1, 1, 32, 32))
    del shapes["squash"]
    assert shapes == {
        "c1": (6, 28, 28),
        "s2": (6, 14, 14),
        "c3": (16, 10, 10),
        "s4": (16, 5, 5),
        "c5": (120, 1, 1),
        "f6": (84,),
        "out": (10,),
    }


def test_the_table_of_connections():
    # The paper's text: six maps see every three contiguous maps, six every four, three some four that are not
    # contiguous, one all six.
    contiguous = [frozenset((i + k) % 6 for k in range(n)) for n in (3, 4) for i in range(6)]
    table = [frozenset(inputs) for inputs in CONNECTIONS_C3]
    assert set(table[:6]) == set(contiguous[:6])
    assert set(table[6:12]) == set(contiguous[6:])
    assert [len(inputs) for inputs in table[12:]] == [4, 4, 4, 6]
    assert not set(table[12:15]) & set(contiguous)
    assert sum(map(len, CONNECTIONS_C3)) == 60
    assert [sum(c in inputs for inputs in table) for c in range(6)] == [10] * 6


def test_partial_conv_is_a_convolution_with_zeros():
    minitorch.manual_seed(0)
    layer = PartialConv2d(6, CONNECTIONS_C3, 5).double()
    dense = nn.Conv2d(6, 16, 5, dtype=minitorch.float64)
    weight = np.zeros((16, 6, 5, 5))
    kernels = iter(layer.weight.detach().numpy())
    for o, inputs in enumerate(CONNECTIONS_C3):
        for c in inputs:
            weight[o, c] = next(kernels)
    dense.load_state_dict({"weight": minitorch.from_numpy(weight), "bias": layer.bias.detach()})
    x = minitorch.randn(2, 6, 8, 8, dtype=minitorch.float64)
    np.testing.assert_allclose(layer(x).detach().numpy(), dense(x).detach().numpy(), rtol=1e-12, atol=1e-12)
    (layer(x) ** 2).sum().backward()
    (dense(x) ** 2).sum().backward()
    expected = [dense.weight.grad.numpy()[o, c] for o, inputs in enumerate(CONNECTIONS_C3) for c in inputs]
    np.testing.assert_allclose(layer.weight.grad.numpy(), expected, rtol=1e-9)


def test_subsampling_squashing_and_radial_basis():
    layer = Subsampling(2)
    layer.load_state_dict({"weight": minitorch.tensor([1.0, -2.0]), "bias": minitorch.tensor([0.5, 0.0])})
    x = minitorch.arange(16.0).view(1, 2, 2, 4)
    assert layer(x).tolist() == [[[[0 + 1 + 4 + 5 + 0.5, 2 + 3 + 6 + 7 + 0.5]], [[-2 * 42, -2 * 50]]]]
    # The paper chose the constants so that f(1) = 1 and f(-1) = -1.
    np.testing.assert_allclose(ScaledTanh()(minitorch.tensor([-1.0, 0.0, 1.0])).numpy(), [-1, 0, 1], atol=1e-4)
    units = RadialBasis(minitorch.tensor([[1.0, -1.0], [1.0, 1.0]]))
    assert units(minitorch.tensor([[1.0, 0.0]])).tolist() == [[-1, -1]]
    assert units(minitorch.tensor([[0.0, 3.0]])).tolist() == [[-17, -5]]


def test_repr():
    text = repr(LeNet5_1998())
    for line in ("(s2): Subsampling(6)", "(c3): PartialConv2d(6, 16, connections=60)", "(out): RadialBasis(84, 10)"):
        assert line in text


def test_the_codes_are_ten_different_digits():
    codes = LeNet5_1998().out.codes.numpy()
    assert codes.shape == (10, 84)
    assert set(codes.ravel().tolist()) == {-1, 1}
    distances = (codes[:, None] != codes[None]).sum(2)
    assert (distances + 99 * np.eye(10) >= 3).all()
    assert "codes" not in {name.split(".")[-1] for name in LeNet5_1998().state_dict()}


def test_weights_begin_in_the_papers_range():
    model = LeNet5_1998()
    for layer, fan_in in ((model.c1, 25), (model.c5, 400), (model.f6, 120), (model.s2, 4)):
        largest = np.abs(layer.weight.detach().numpy()).max()
        assert 0.5 * 2.4 / fan_in < largest <= 2.4 / fan_in
        assert not layer.bias.detach().numpy().any()
    kernels = np.abs(model.c3.weight.detach().numpy())
    assert kernels[:18].max() <= 2.4 / 75
    assert kernels[54:].max() <= 2.4 / 150


@pytest.mark.parametrize("make", [LeNet5, LeNet5_1998])
def test_it_learns(make):
    minitorch.manual_seed(0)
    x = minitorch.randn(20, 1, 32, 32)
    target = minitorch.arange(20) % 10
    model = make()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(x), target)
        loss.backward()
        optimizer.step()
    assert (model(x).argmax(1) == target).all()


def test_weights_made_by_pytorch_load(tmp_path):
    torch = pytest.importorskip("torch")
    safetensors_torch = pytest.importorskip("safetensors.torch")
    theirs = torch.nn.Sequential()
    for name, module in (
        ("conv1", torch.nn.Conv2d(1, 6, 5)),
        ("conv2", torch.nn.Conv2d(6, 16, 5)),
        ("fc1", torch.nn.Linear(400, 120)),
        ("fc2", torch.nn.Linear(120, 84)),
        ("fc3", torch.nn.Linear(84, 10)),
    ):
        theirs.add_module(name, module)
    path = tmp_path / "lenet.safetensors"
    safetensors_torch.save_file(theirs.state_dict(), path)
    model = LeNet5()
    model.load_state_dict(minitorch.load(path))

    x = np.random.default_rng(0).standard_normal((3, 1, 32, 32)).astype(np.float32)
    y = torch.from_numpy(x)
    for conv in (theirs.conv1, theirs.conv2):
        y = torch.nn.functional.max_pool2d(torch.relu(conv(y)), 2)
    y = theirs.fc3(torch.relu(theirs.fc2(torch.relu(theirs.fc1(y.flatten(1))))))
    np.testing.assert_allclose(
        model(minitorch.from_numpy(x)).detach().numpy(), y.detach().numpy(), rtol=1e-4, atol=1e-5
    )

    back = tmp_path / "back.safetensors"
    minitorch.save(model.state_dict(), back)
    theirs.load_state_dict(safetensors_torch.load_file(back))
