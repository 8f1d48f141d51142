"""Tensors on a GPU that isn't the current one."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import cupy
import numpy as np
import pytest
from ops_table import TABLE

import minitorch
from minitorch import nn
from minitorch.backends.cuda import conv
from minitorch.backends.cuda import launch as launches
from minitorch.models import LeNet5
from minitorch.testing import assert_close
from minitorch.testing.suite import CHECKS

if cupy.cuda.runtime.getDeviceCount() < 2:
    pytest.skip("there is one GPU", allow_module_level=True)

THERE = minitorch.device("cuda:1")
_SOME = ("forward float32", "forward integers", "gradient float32")
CHECKED = [
    pytest.param(
        replace(op, device="cuda:1"), replace(check, share=0.0), id=f"{op.name}-{check.name.replace(' ', '-')}"
    )
    for check in CHECKS
    for op in TABLE
    if check.name in _SOME and check.applies(op)
]


@pytest.fixture(autouse=True)
def current_device():
    """Nothing changes the current device for good."""
    yield
    assert cupy.cuda.runtime.getDevice() == 0


@pytest.mark.parametrize(("op", "check"), CHECKED)
def test_the_table(op, check, monkeypatch):
    monkeypatch.setattr(conv, "fp32_precision", "ieee")
    check.search(op)


def there(*values, dtype=None):
    return minitorch.tensor(values, device="cuda:1", dtype=dtype)


def test_tensors_move_between_devices():
    x = minitorch.arange(6).reshape(2, 3).float()
    a, b = x.to("cuda:0"), x.to("cuda:1")
    assert (a.device.index, b.device.index) == (0, 1)
    assert b.device == THERE
    assert str(b.cuda().device) == "cuda:0"  # the current one
    assert b.to("cuda:1") is b
    for moved in (a.to("cuda:1"), b.cpu().cuda(1), minitorch.tensor(a, device="cuda:1"), a.t().to("cuda:1").t()):
        assert moved.device == THERE
        assert_close(moved, x)
    assert_close(b.to("cuda:0"), x)
    leaf = minitorch.ones(3, device="cuda:0", requires_grad=True)
    ((leaf * 2).to("cuda:1") * there(1.0, 2.0, 3.0)).sum().backward()
    assert str(leaf.grad.device) == "cuda:0"
    assert_close(leaf.grad, np.array([2, 4, 6], np.float32))


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: a + b,
        lambda a, b: minitorch.matmul(a, b),
        lambda a, b: minitorch.cat([a, b]),
        lambda a, b: nn.functional.linear(a, b),
        lambda a, b: minitorch.where(a > 0, a, b),
    ],
)
def test_two_gpus_in_one_call_raise(call):
    a, b = minitorch.ones(2, 2, device="cuda:0"), minitorch.ones(2, 2, device="cuda:1")
    with pytest.raises(RuntimeError, match=r"cuda:0.*cuda:1|cuda:1.*cuda:0"):
        call(a, b)


def test_creation():
    made = [
        minitorch.zeros(2, device=THERE),
        minitorch.ones(2, device=THERE),
        minitorch.empty(2, device=THERE),
        minitorch.full((2,), 3, device=THERE),
        minitorch.arange(3, device=THERE),
        minitorch.linspace(0, 1, 3, device=THERE),
        minitorch.eye(2, device=THERE),
        minitorch.tensor([1, 2], device=THERE),
        minitorch.tensor(np.ones(2), device=THERE),
        minitorch.tensor(cupy.ones(2), device=THERE),
        minitorch.rand(2, device=THERE),
        minitorch.randn(2, dtype=minitorch.float64, device=THERE),
        minitorch.randint(9, (2,), device=THERE),
        minitorch.randperm(4, device=THERE),
        minitorch.Tensor([1.0], device=THERE),
    ]
    x = made[0]
    made += [x.new_zeros(2), x.new_ones(2), x.new_empty(2), x.new_full((2,), 1), x.new_tensor([1.0])]
    made += [minitorch.zeros_like(x), minitorch.rand_like(x), minitorch.randn_like(x), minitorch.ones_like(x)]
    made += [
        minitorch.randint_like(x, 5),
        minitorch.bernoulli(x),
        minitorch.normal(x, 1.0),
        minitorch.normal(0, 1, (2,)).to(x),
    ]
    made += [pickle.loads(pickle.dumps(x)), copy.deepcopy(x), x.clone(), x.detach(), x.float(), x.double()]
    for tensor in made:
        assert tensor.device == THERE
        assert (tensor + tensor).device == THERE


def test_random_numbers_are_those_of_the_cpu():
    def numbers(device):
        minitorch.manual_seed(3)
        return [minitorch.randn(7, device=device), nn.functional.dropout(minitorch.ones(9, device=device)).cpu()]

    for a, b in zip(numbers("cuda:1"), numbers("cpu"), strict=True):
        np.testing.assert_array_equal(a.cpu().numpy(), b.numpy())


def test_numbers_and_printing():
    x = there(1.5, -2.0)
    assert repr(x) == "tensor([ 1.5000, -2.0000], device='cuda:1')"
    assert (x[0].item(), x.tolist(), float(x[1]), bool(x[0]), f"{x[0]:.2f}") == (1.5, [1.5, -2.0], -2.0, True, "1.50")
    assert [float(v) for v in x] == [1.5, -2.0]
    assert x.numpy(force=True).tolist() == [1.5, -2.0]
    assert minitorch.allclose(x, x)
    assert minitorch.equal(x, x.clone())


def test_in_place_and_indexing():
    x = minitorch.zeros(2, 3, device=THERE)
    x[0] = 1
    x[:, 1] = there(5.0, 6.0)
    x[x > 5] = 7
    x[[0, 1], [2, 2]] = there(8.0, 9.0)
    x[0, 0] = np.float32(4)
    x.add_(1).mul_(there(1.0, 10.0, 100.0))
    assert_close(x, np.array([[5, 60, 900], [1, 80, 1000]], np.float32))
    x.zero_()
    x.copy_(minitorch.ones(3))  # from the CPU
    x += minitorch.ones(2, 3, device="cuda:0").to(THERE)
    assert_close(x[[1]], np.full((1, 3), 2, np.float32))
    assert_close(x[minitorch.tensor([True, False], device=THERE)], np.full((1, 3), 2, np.float32))
    y = minitorch.ones(2, 3)
    assert_close(y.copy_(x * 2), np.full((2, 3), 4, np.float32))


@pytest.mark.parametrize(
    "name",
    [
        "uniform_",
        "normal_",
        "trunc_normal_",
        "constant_",
        "xavier_uniform_",
        "kaiming_normal_",
        "orthogonal_",
        "eye_",
        "sparse_",
    ],
)
def test_initialisation(name):
    options = {"constant_": {"val": 1.0}, "sparse_": {"sparsity": 0.5}}.get(name, {})
    results = []
    for device in ("cuda:1", "cpu"):
        minitorch.manual_seed(0)
        results.append(getattr(nn.init, name)(minitorch.empty(6, 4, device=device), **options))
    assert results[0].device == THERE
    assert_close(results[0], results[1], rtol=1e-4, atol=1e-5)


def test_jacobians_and_gradient_checks():
    x = there(1.0, 2.0, dtype=minitorch.float64)
    assert_close(minitorch.autograd.functional.jacobian(lambda x: x * x, x), np.diag([2.0, 4.0]))
    assert_close(minitorch.autograd.functional.hessian(lambda x: (x**3).sum(), x), np.diag([6.0, 12.0]))
    minitorch.autograd.gradcheck(lambda x: x.exp() * x, x.requires_grad_())
    minitorch.autograd.gradgradcheck(lambda x: x.exp() * x, x, fast_mode=True)


def test_several_gradients_of_one_tensor_are_summed_there():
    x = there(1.0, 2.0).requires_grad_()
    y = x * 2
    (y * x + y.detach() * y + x.expand(3, 2).sum(0)).sum().backward()
    assert x.grad.device == THERE
    assert_close(x.grad, np.array([11.0, 19.0], np.float32))


OPTIMIZERS = {
    "SGD": lambda p: minitorch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    "Adam": lambda p: minitorch.optim.Adam(p, lr=1e-3, amsgrad=True),
    "RMSprop": lambda p: minitorch.optim.RMSprop(p, lr=1e-3, centered=True),
    "NAdam": lambda p: minitorch.optim.NAdam(p, lr=1e-3),
    "Adagrad": lambda p: minitorch.optim.Adagrad(p, lr=1e-2, initial_accumulator_value=0.1),
    "Adadelta": lambda p: minitorch.optim.Adadelta(p),
    "LBFGS": lambda p: minitorch.optim.LBFGS(p, max_iter=3, line_search_fn="strong_wolfe"),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [minitorch.float32, minitorch.float16], ids=["float32", "float16"])
def test_optimizers(optimizer, dtype):
    if optimizer == "LBFGS" and dtype is minitorch.float16:
        pytest.skip("sums of squares of float16")
    results = []
    for device in ("cuda:1", "cpu"):
        x = minitorch.tensor([[1.0, -2.0], [0.5, 3.0]], device=device, dtype=dtype).t().requires_grad_()
        update = OPTIMIZERS[optimizer]([x])

        def loss(x=x, update=update):
            update.zero_grad()
            loss = (x.float() ** 2).sum()
            loss.backward()
            return loss

        for _ in range(2):
            update.step(loss)
        again = OPTIMIZERS[optimizer]([x])
        again.load_state_dict(update.state_dict())
        again.step(loss)
        results.append(x)
    assert results[0].device == THERE
    assert_close(results[0].float(), results[1].float(), rtol=1e-3, atol=1e-3)


def trained(device):
    minitorch.manual_seed(0)
    model = LeNet5().to(device)
    update = minitorch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(3):
        images, labels = minitorch.randn(4, 1, 32, 32, device=device), minitorch.randint(0, 10, (4,), device=device)
        update.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        update.step()
        losses.append(loss.item())
    return model, losses


def test_a_network_trains_there(tmp_path):
    (model, losses), (_, wanted) = trained("cuda:1"), trained("cpu")
    np.testing.assert_allclose(losses, wanted, rtol=2e-3)  # the convolutions compute in TensorFloat-32
    assert all(parameter.device == THERE for parameter in model.parameters())
    minitorch.save(model.state_dict(), tmp_path / "file")
    loaded = minitorch.load(tmp_path / "file", map_location="cuda:1")
    assert all(tensor.device == THERE for tensor in loaded.values())
    model.load_state_dict(minitorch.load(tmp_path / "file"))
    other = LeNet5().to("cuda:0")
    other.load_state_dict(loaded)
    image = minitorch.ones(1, 1, 32, 32)
    with minitorch.no_grad():
        np.testing.assert_array_equal(model(image.to("cuda:1")).cpu().numpy(), other(image.to("cuda:0")).cpu().numpy())


def test_each_device_has_its_own_modules():
    nn.functional.relu(minitorch.ones(1, device="cuda:0"))
    here = launches._kernel("elementwise", "relu<float>", 0)
    nn.functional.relu(minitorch.ones(1, device="cuda:1"))
    assert launches._kernel("elementwise", "relu<float>", 1) is not here


def test_a_function_of_a_users_own():
    class Double(minitorch.autograd.Function):
        @staticmethod
        def forward(ctx, input):
            return minitorch.tensor(input.data + input.data, device=input.device)

        @staticmethod
        def backward(ctx, grad_output):
            return minitorch.tensor(grad_output.data * 2, device=grad_output.device)

    x = there(1.0, 2.0).requires_grad_()
    Double.apply(x).sum().backward()
    assert_close(x.grad, np.array([2.0, 2.0], np.float32))
