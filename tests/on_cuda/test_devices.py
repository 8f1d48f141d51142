"""Tensors on device "cuda": how they get there, what they mix with, and a network that trains there."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import cupy
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from ops_table import TABLE

import minitorch
from minitorch import nn
from minitorch.backends.cuda import conv
from minitorch.backends.cuda import launch as launches
from minitorch.models import LeNet5
from minitorch.nn import functional
from minitorch.testing import assert_close
from minitorch.testing.suite import cases


def test_a_tensor_moves_there_and_back():
    x = minitorch.tensor([[1.0, 2.0], [3.0, 4.0]])
    y = x.to("cuda")
    assert isinstance(y.data, cupy.ndarray)
    assert (y.device, y.is_cuda, y.dtype) == (minitorch.device("cuda:0"), True, minitorch.float32)
    assert y.to("cuda") is y
    assert y.cuda() is y
    assert y.cpu().device == minitorch.device("cpu")
    assert_close(y.cpu(), x)
    assert_close(x.t().cuda(), x.t())
    for z in (x.cuda(), x.cuda(0), x.to(y), x.to("cuda:0", minitorch.float32, True), x.to(device="cuda")):
        assert z.backend is y.backend
    assert x.to("cuda", minitorch.float64, non_blocking=True).dtype is minitorch.float64
    assert minitorch.tensor(y, device="cpu").device == minitorch.device("cpu")
    assert minitorch.tensor(x, device="cuda").is_cuda


def test_the_gradient_goes_back_to_where_the_leaf_is():
    x = minitorch.tensor([1.0, 2.0], requires_grad=True)
    (x.cuda() * 3).sum().backward()
    assert x.grad.device == minitorch.device("cpu")
    assert_close(x.grad, np.array([3.0, 3.0], np.float32))


def test_numpy_needs_a_copy_to_the_cpu_first():
    x = minitorch.ones(2, device="cuda")
    with pytest.raises(TypeError, match=r"can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu\(\)"):
        x.numpy()
    with pytest.raises(TypeError, match="cuda:0"):
        np.asarray(x)
    assert_close(x.numpy(force=True), np.ones(2, np.float32))


def test_copies():
    x = minitorch.ones(2, device="cuda", requires_grad=True)
    for other in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert other.is_cuda
        assert other.requires_grad
        assert_close(other, x)
    assert repr(x) == "tensor([1., 1.], device='cuda:0', requires_grad=True)"


def several(op):
    """Calls with more than one tensor, of which at least one has dimensions and isn't alone."""
    return cases(op, np.float32).filter(lambda case: len(case.tensors) > 1 and any(map(np.ndim, case.tensors)))


def takes_several(op):
    """Whether such calls are among the first that Hypothesis makes."""
    found = []

    @settings(max_examples=10, database=None, derandomize=True, phases=[Phase.generate])
    @given(cases(op, np.float32))
    def look(case):
        found.append(len(case.tensors) > 1)

    look()
    return any(found)


@pytest.mark.parametrize("op", [op for op in TABLE if op.floats and takes_several(op)], ids=lambda op: op.name)
@given(data=st.data())
@settings(max_examples=5)
def test_two_devices_in_one_call_raise(op, data):
    """The message names both devices, whichever tensor is on the wrong one."""
    case = data.draw(several(op))
    wrong = data.draw(st.sampled_from([i for i, array in enumerate(case.tensors) if array.ndim]))
    there = replace(op, device="cuda")
    tensors = [(op if i == wrong else there).tensor(array) for i, array in enumerate(case.tensors)]
    with pytest.raises(RuntimeError, match=r"(?s)cuda:0.*cpu|cpu.*cuda:0"):
        there.run(case, tensors)


NUMBERS = {
    "add": lambda x, n: x + n,
    "rsub": lambda x, n: n - x,
    "pow": lambda x, n: x**n,
    "lt": lambda x, n: x < n,
    "where": lambda x, n: minitorch.where(x > 1, n, x),
    "where, condition": lambda x, n: minitorch.where(n > 1, x, -x),
    "masked_fill": lambda x, n: x.masked_fill(x > 1, n),
    "clamp": lambda x, n: x.clamp(max=n),
    "maximum": lambda x, n: minitorch.maximum(n, x),
    "lerp": lambda x, n: minitorch.lerp(x, -x, n),
}


@pytest.mark.parametrize("call", NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("shape", [(3,), ()])
def test_a_tensor_without_dimensions_on_the_cpu_counts_as_a_number(call, shape):
    x = minitorch.full(shape, 1.5, requires_grad=True)
    y = x.detach().cuda().requires_grad_()
    results, gradients = [], []
    for tensor in (x, y):
        n = minitorch.tensor(2.0, requires_grad=True)
        out = call(tensor, n)
        results.append(out)
        if out.requires_grad:
            out.sum().backward()
            assert n.grad is None or n.grad.device == minitorch.device("cpu")
            gradients.append((tensor.grad, n.grad))
    assert results[1].is_cuda
    assert_close(results[1].detach(), results[0].detach())
    for here, there in zip(*gradients, strict=True) if gradients else ():
        assert (here is None) == (there is None)
        if here is not None:
            assert_close(there, here)


def test_such_a_number_is_assigned():
    x = minitorch.zeros(3, device="cuda")
    x[1:] = minitorch.tensor(2.0)
    x[minitorch.tensor([0], device="cuda")] = minitorch.tensor(3.0)
    assert x.tolist() == [3, 2, 2]
    with pytest.raises(RuntimeError, match="cpu and cuda:0"):
        minitorch.zeros(())[...] = x[0]


def test_the_advice_is_to_use_the_gpu():
    here, there = minitorch.ones(2), minitorch.ones(2, device="cuda")
    for tensors in ((here, there), (there, here)):
        with pytest.raises(RuntimeError, match=r"move one with \.to\('cuda:0'\)"):
            minitorch.cat(tensors)


def test_in_place_operations():
    x = minitorch.zeros(3, device="cuda")
    x.copy_(minitorch.tensor([1.0, 2.0, 3.0]))
    x.add_(1).mul_(2)
    assert_close(x, np.array([4.0, 6.0, 8.0], np.float32))
    with pytest.raises(RuntimeError, match="read-only: an expanded view"):
        minitorch.zeros(1, device="cuda").expand(3).add_(1)
    y = minitorch.zeros(3)
    y.copy_(x)
    assert_close(y, x)


OVERLAPPING = {
    "copy_": lambda x: x[1:].copy_(x[:-1]),
    "setitem": lambda x: x.__setitem__(slice(1, None), x[:-1]),
    "flipped": lambda x: x.copy_(x.flip(0)),
    "transposed": lambda x: x[:3].copy_(x[:3].t()),
    "indexed": lambda x: x.__setitem__([4, 3, 2, 1, 0], x),
    "in place": lambda x: x[1:].add_(x[:-1]),
}


@pytest.mark.parametrize("change", OVERLAPPING.values(), ids=OVERLAPPING)
def test_what_is_written_may_lie_where_it_is_written(change):
    here, there = (minitorch.arange(15.0, device=device).reshape(5, 3) for device in ("cpu", "cuda"))
    change(here)
    change(there)
    assert there.tolist() == here.tolist()


def test_the_same_seed_gives_the_same_numbers():
    def numbers(device):
        minitorch.manual_seed(3)
        drawn = [minitorch.rand(5, device=device), minitorch.randn(5, device=device, dtype=minitorch.float64)]
        drawn += [minitorch.randint(0, 9, (5,), device=device), minitorch.randperm(5, device=device)]
        drawn += [functional.dropout(minitorch.ones(50, device=device), 0.3)]
        return drawn

    for a, b in zip(numbers("cuda"), numbers("cpu"), strict=True):
        assert a.is_cuda
        np.testing.assert_array_equal(a.cpu().numpy(), b.numpy())


def test_labels_out_of_range_are_found():
    logits = minitorch.zeros(2, 3, device="cuda")
    for target in ([0, 3], [-1, 0]):
        with pytest.raises(IndexError, match="out of bounds"):
            functional.cross_entropy(logits, minitorch.tensor(target, device="cuda"))


def trained(device, optimizer, steps=3):
    """LeNet after some steps on random images, and its losses."""
    minitorch.manual_seed(0)
    model = LeNet5().to(device)
    update = optimizer(model.parameters())
    losses = []
    for _ in range(steps):
        images = minitorch.randn(4, 1, 32, 32).to(device)
        labels = minitorch.randint(0, 10, (4,)).to(device)
        update.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        update.step()
        losses.append(loss.item())
    return model, losses


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda parameters: minitorch.optim.SGD(parameters, lr=0.05, momentum=0.9, nesterov=True),
        lambda parameters: minitorch.optim.Adam(parameters, lr=1e-3),
        lambda parameters: minitorch.optim.RMSprop(parameters, lr=1e-3, centered=True),
    ],
    ids=["SGD", "Adam", "RMSprop"],
)
@pytest.mark.parametrize(("precision", "tolerance"), [("ieee", 1e-4), ("tf32", 2e-2)])
def test_a_network_trains_as_on_the_cpu(optimizer, precision, tolerance, monkeypatch):
    monkeypatch.setattr(conv, "fp32_precision", precision)
    (there, losses), (here, wanted) = trained("cuda", optimizer), trained("cpu", optimizer)
    np.testing.assert_allclose(losses, wanted, rtol=tolerance / 10)
    for name, parameter in there.state_dict().items():
        assert parameter.is_cuda
        # In the norm: where a gradient is nearly 0, Adam's first steps depend on its sign alone.
        expected = here.state_dict()[name].numpy()
        error = np.linalg.norm(parameter.cpu().numpy() - expected)
        assert error <= tolerance * np.linalg.norm(expected), name
    here.load_state_dict(there.state_dict())  # across devices
    assert_close(here.state_dict()[name], parameter)


def test_a_file_remembers_the_device(tmp_path):
    minitorch.save({"x": minitorch.ones(2, device="cuda")}, tmp_path / "file")
    assert minitorch.load(tmp_path / "file", map_location="cpu")["x"].device == minitorch.device("cpu")
    assert minitorch.load(tmp_path / "file", map_location="cuda")["x"].is_cuda


def test_synchronous_launches_name_the_kernel(monkeypatch):
    class Broken:
        def is_capturing(self):
            return False

        def synchronize(self):
            raise cupy.cuda.runtime.CUDARuntimeError("an illegal memory access was encountered")

    monkeypatch.setattr(launches, "synchronous", True)
    functional.relu(minitorch.ones(1, device="cuda"))
    monkeypatch.setattr(cupy.cuda, "get_current_stream", Broken)
    with pytest.raises(RuntimeError, match=r"elementwise.cu: relu<float> failed: an illegal memory access"):
        functional.relu(minitorch.ones(1, device="cuda"))
