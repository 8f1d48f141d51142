"""Training on the GPU: optimisers, data, and LeNet on digits, as on the CPU, and to the same bits every time."""

from __future__ import annotations

import re

import cupy
import numpy as np
import pytest

import minitorch
from minitorch import metrics, nn, optim
from minitorch.backends.cuda import conv
from minitorch.data import DataLoader, Digits, TensorDataset
from minitorch.models import LeNet5
from minitorch.nn.utils import clip_grad_norm_, clip_grad_value_
from minitorch.testing import assert_close

OPTIMISERS = {
    "Adadelta": lambda p: optim.Adadelta(p, lr=0.5),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "LBFGS": lambda p: optim.LBFGS(p, lr=0.5, max_iter=4, line_search_fn="strong_wolfe"),
    "NAdam": lambda p: optim.NAdam(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
}


def test_no_optimiser_is_left_out():
    assert {name for name in optim.__all__ if name[0].isupper()} - {"Optimizer"} == set(OPTIMISERS)


def steps(device, make, dtype):
    """A small network after some steps, with its optimiser's state."""
    minitorch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1)).to(dtype).to(device)
    optimiser = make(model.parameters())
    x = minitorch.randn(8, 4, dtype=dtype).to(device)
    target = minitorch.randn(8, 1, dtype=dtype).to(device)

    def closure():
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(model(x), target)
        loss.backward()
        return loss

    for _ in range(5):
        optimiser.step(closure)
    return model, optimiser


@pytest.mark.parametrize("dtype", [minitorch.float64, minitorch.float32], ids=str)
@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_steps_as_on_the_cpu(name, dtype):
    (there, state), (here, wanted) = (steps(device, OPTIMISERS[name], dtype) for device in ("cuda", "cpu"))
    tolerance = 1e-9 if dtype is minitorch.float64 else 1e-3
    for a, b in zip(there.parameters(), here.parameters(), strict=True):
        assert_close(a.detach(), b.detach(), rtol=tolerance, atol=tolerance)
    # What is saved on one device goes on on the other.
    again = OPTIMISERS[name](here.parameters())
    again.load_state_dict(state.state_dict())
    for param, kept in again.state.items():
        for value in kept.values():
            assert not isinstance(value, minitorch.Tensor) or value.device == param.device
    assert again.state_dict()["state"].keys() == wanted.state_dict()["state"].keys()


def test_gradients_are_clipped_as_on_the_cpu():
    for clip in (lambda p: clip_grad_norm_(p, 0.5), lambda p: clip_grad_norm_(p, 0.1, float("inf")),
                 lambda p: clip_grad_value_(p, 0.2)):  # fmt: skip
        gradients = []
        for device in ("cuda", "cpu"):
            p = [minitorch.arange(n, device=device).float().requires_grad_() for n in (3, 5)]
            sum((x * x).sum() for x in p).backward()
            clip(p)
            gradients.append([x.grad for x in p])
        for a, b in zip(*gradients, strict=True):
            assert_close(a, b)


def test_batches_go_to_the_device_and_are_shuffled_alike():
    images, labels = minitorch.arange(30.0).reshape(10, 3), minitorch.arange(10)
    drawn = []
    for device in ("cpu", "cuda"):
        minitorch.manual_seed(4)
        on_device = TensorDataset(images.to(device), labels.to(device))
        whole = [(x.cpu(), y.cpu()) for x, y in DataLoader(on_device, 4, shuffle=True)]
        minitorch.manual_seed(4)
        moved = [(x.to(device), y.to(device)) for x, y in DataLoader(TensorDataset(images, labels), 4, shuffle=True)]
        assert all(x.device == minitorch.device(device if device == "cpu" else "cuda:0") for x, _ in moved)
        drawn += [whole, [(x.cpu(), y.cpu()) for x, y in moved]]
    for other in drawn[1:]:
        for (x, y), (a, b) in zip(drawn[0], other, strict=True):
            assert x.tolist() == a.tolist()
            assert y.tolist() == b.tolist()


def test_metrics_take_tensors_of_any_device():
    target, prediction = minitorch.tensor([0, 1, 1]), minitorch.tensor([0, 1, 0])
    wanted = metrics.confusion_matrix(target, prediction, 2)
    assert metrics.confusion_matrix(target.cuda(), prediction.cuda(), 2).tolist() == wanted.tolist()
    assert metrics.accuracy(wanted.cuda()) == metrics.accuracy(wanted)
    assert metrics.precision_recall_f1(wanted.cuda()).f1.tolist() == metrics.precision_recall_f1(wanted).f1.tolist()


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (40, 40)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_printing(shape, dtype):
    x = (minitorch.arange(int(np.prod(shape))).reshape(shape) / 3).to(getattr(minitorch, dtype))
    text = repr(x.cuda())
    assert "device='cuda:0'" in text
    # What follows the numbers, where the device is too, may be on a line of its own.
    assert text.startswith(re.split(r",\s+(?:dtype|size)=", repr(x))[0].removesuffix(")"))


def digits(count):
    """Some of scikit-learn's digits at LeNet's size, with mean 0 and variance 1."""
    data, labels = Digits(train=True, size=32).tensors()
    data = (data - data.mean()) / data.std()
    return data[:count], labels[:count]


def lenet(device, count=64, batch=16, epochs=5, dropout=False):
    """LeNet trained on digits: the losses, and the bits of all its parameters."""
    minitorch.manual_seed(7)
    model = LeNet5().to(device)
    optimiser = optim.Adam(model.parameters(), lr=3e-3)
    images, labels = digits(count)
    losses = []
    for _ in range(epochs):
        for x, y in DataLoader(TensorDataset(images, labels), batch, shuffle=True):
            x, y = x.to(device), y.to(device)
            optimiser.zero_grad()
            hidden = nn.functional.dropout(x, 0.1) if dropout else x
            loss = nn.functional.cross_entropy(model(hidden), y)
            loss.backward()
            clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            losses.append(loss.item())
    return losses, b"".join(p.detach().cpu().numpy().tobytes() for p in model.parameters())


def test_lenet_learns_digits_as_on_the_cpu(monkeypatch):
    (losses, _), (wanted, _) = lenet("cuda"), lenet("cpu")
    assert np.mean(losses[-4:]) < 0.75 * np.mean(losses[:4])
    np.testing.assert_allclose(losses, wanted, rtol=0.03)  # the convolutions are in TensorFloat-32
    monkeypatch.setattr(conv, "fp32_precision", "ieee")
    np.testing.assert_allclose(lenet("cuda", epochs=1)[0], wanted[:4], rtol=1e-5)


def test_two_trainings_give_the_same_bits():
    assert lenet("cuda", 32, epochs=1, dropout=True) == lenet("cuda", 32, epochs=1, dropout=True)


@pytest.mark.skipif(not hasattr(cupy, "_state"), reason="a GPU chooses the order by itself")
def test_a_training_step_has_the_same_bits_in_any_order_of_threads(monkeypatch):
    """What depends on which thread comes first would show: an atomic sum, a missing barrier."""
    found = []
    for order in range(3):
        monkeypatch.setattr(cupy._state, "thread_order", order)
        found.append(lenet("cuda", 8, batch=4, epochs=1, dropout=True))
        found.append(sparse_step())
    assert found[2:4] == found[:2]
    assert found[4:] == found[:2]


def sparse_step():
    """The bits of gradients that are summed where an index names a place more than once."""
    rng = np.random.default_rng(0)
    weight = minitorch.from_numpy(rng.standard_normal((5, 3)).astype(np.float32)).cuda().requires_grad_()
    index = minitorch.from_numpy(rng.integers(0, 5, 64)).cuda()
    out = nn.functional.embedding(index, weight)
    out = out[index[:40]].index_select(0, index[:30]).gather(0, index[:60].reshape(20, 3) % 30)
    (out * minitorch.arange(60.0, device="cuda").reshape(20, 3)).sum().backward()
    return weight.grad.cpu().numpy().tobytes()
