"""A group of one process, and what is refused: everything that needs no second one."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pytest

import minitorch
from minitorch import distributed, nn
from minitorch.distributed import DistributedDataParallel, ReduceOp
from minitorch.distributed import mpi as transport
from minitorch.distributed.buckets import divide
from minitorch.models import LeNet5
from minitorch.testing import assert_close


def test_without_a_group():
    assert not distributed.is_initialized()
    assert distributed.get_node_local_rank(fallback_rank=3) == 3
    tensor = minitorch.ones(2)
    calls = (
        distributed.get_rank,
        distributed.get_world_size,
        distributed.get_node_local_rank,
        distributed.barrier,
        distributed.destroy_process_group,
        lambda: distributed.all_reduce(tensor),
        lambda: distributed.broadcast(tensor, 0),
        lambda: distributed.all_gather([tensor], tensor),
        lambda: DistributedDataParallel(nn.Linear(1, 1)),
    )
    for call in calls:
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            call()


def test_one_group_at_a_time(alone):
    assert distributed.is_initialized()
    assert distributed.get_node_local_rank() == 0
    with pytest.raises(ValueError, match="trying to initialize the default process group twice!"):
        distributed.init_process_group()
    distributed.destroy_process_group()
    with pytest.raises(ValueError, match="backend is 'gloo'; it can be 'mpi', 'nccl', or None for both"):
        distributed.init_process_group("gloo")
    assert not distributed.is_initialized()
    distributed.init_process_group("mpi", timeout=timedelta(seconds=5))


def test_a_group_of_one_leaves_the_process_as_it_is():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    before = sys.excepthook, minitorch.get_num_threads()
    distributed.init_process_group()
    assert (sys.excepthook, minitorch.get_num_threads()) == before
    distributed.destroy_process_group()
    assert (sys.excepthook, minitorch.get_num_threads()) == before


def test_the_operations_of_one(alone):
    tensor = minitorch.tensor([1.0, 2.0])
    for op in ReduceOp:
        work = distributed.all_reduce(tensor, op, async_op=True)
        assert work.wait()
        assert tensor.tolist() == [1.0, 2.0]
    distributed.broadcast(tensor, 0)
    place = minitorch.zeros(2)
    distributed.all_gather([place], tensor)
    assert place.tolist() == [1.0, 2.0]
    assert distributed.barrier() is None


def test_a_result_in_place_is_noticed_by_autograd(alone):
    x = minitorch.ones(2, requires_grad=True)
    y = x * 3
    z = y * y
    distributed.all_reduce(y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: distributed.all_reduce([1.0]), TypeError, "Expected parameter `tensor` of all_reduce .* got list"),
        (lambda t: distributed.all_reduce(t, "sum"), TypeError, "expected a ReduceOp such as ReduceOp.SUM, got 'sum'"),
        (lambda t: distributed.all_reduce(t.t()), ValueError, r"Tensors must be contiguous, got strides \(1, 3\)"),
        (lambda t: distributed.all_reduce(t > 0), RuntimeError, "ReduceOp.SUM of bool; convert .* ReduceOp.MAX"),
        (lambda t: distributed.all_reduce(t.long(), ReduceOp.AVG), RuntimeError, "floating-point tensor, got .*int64"),
        (lambda t: distributed.broadcast(t, 1), ValueError, "src is 1, expected a rank from 0 to 0"),
        (lambda t: distributed.broadcast(t, -1), ValueError, "src is -1"),
        (lambda t: distributed.all_gather([], t), ValueError, "has 0 tensors, expected one for each of the 1 ranks"),
        (lambda t: distributed.all_gather([1], t), TypeError, "parameter `tensor_list` of all_gather"),
        (
            lambda t: distributed.all_gather([t.double()], t),
            ValueError,
            r"holds minitorch.float64 \(2, 3\) on cpu, expected minitorch.float32 \(2, 3\) on cpu",
        ),
        (lambda t: distributed.all_gather([t[0]], t), ValueError, r"float32 \(3,\) on cpu, expected"),
    ],
)
def test_what_is_refused(alone, call, error, message):
    with pytest.raises(error, match=message):
        call(minitorch.ones(2, 3))


def test_read_only_memory_is_refused(alone):
    array = np.ones(3)
    array.flags.writeable = False
    with pytest.raises(ValueError, match="made of a read-only array; use a clone"):
        distributed.all_reduce(minitorch.from_numpy(array))


def test_a_backend_for_other_tensors_is_refused(alone):
    distributed.destroy_process_group()
    distributed.init_process_group("nccl")
    with pytest.raises(RuntimeError, match="backend 'nccl' is for tensors on GPUs, got one on cpu"):
        distributed.all_reduce(minitorch.ones(1))
    distributed.barrier()


# ---- what is missing -------------------------------------------------------------------------------------------------


def test_what_to_install_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    with pytest.raises(RuntimeError, match=r"mpi4py is not installed .*pip install 'minitorch\[mpi\]'"):
        distributed.init_process_group()
    assert not distributed.is_initialized()


def test_a_missing_mpi_is_said(monkeypatch):
    def fail(name):
        raise RuntimeError("cannot load MPI library")

    monkeypatch.setattr(transport.importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match=r"mpi4py can't load MPI \(cannot load MPI library\); pip install"):
        distributed.init_process_group()


@pytest.mark.parametrize("variable", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE"])
def test_an_mpiexec_of_another_mpi_is_said(monkeypatch, variable):
    monkeypatch.setenv(variable, "4")
    with pytest.raises(RuntimeError, match=f"{variable} says that 4 processes were started, but each is alone"):
        transport.check_launcher(1)
    transport.check_launcher(4)
    monkeypatch.setenv(variable, "1")
    transport.check_launcher(1)


def test_importing_it_needs_no_mpi():
    code = "import sys; sys.modules['mpi4py'] = None\nfrom minitorch import distributed as d; print(d.is_initialized())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.stdout == "False\n"


# ---- buckets ---------------------------------------------------------------------------------------------------------


def test_buckets_are_closed_by_the_tensor_that_fills_them():
    tensors = [minitorch.zeros(n) for n in (1, 2, 1, 5, 1, 1)]  # 4 bytes each
    assert divide(tensors, 8, 16) == [[0, 1], [2, 3], [4, 5]]
    assert divide(tensors, 1, 1) == [[0], [1], [2], [3], [4], [5]]
    assert divide(tensors, 1000, 1000) == [[0, 1, 2, 3, 4, 5]]
    assert divide([], 1, 1) == []


def test_each_dtype_has_buckets_of_its_own():
    tensors = [minitorch.zeros(2, dtype=d) for d in (minitorch.float32, minitorch.float64) for _ in range(2)]
    tensors = [tensors[i] for i in (0, 2, 1, 3)]
    assert divide(tensors, 16, 16) == [[0, 2], [1], [3]]


def test_buckets_are_those_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng = np.random.default_rng(0)
    for _ in range(50):
        sizes, doubles = rng.integers(1, 40, 12).tolist(), rng.integers(0, 2, 12).tolist()
        limits = rng.integers(1, 400, 2).tolist()
        theirs, _ = torch._C._distributed_c10d._compute_bucket_assignment_by_size(
            [torch.zeros(n, dtype=torch.float64 if d else torch.float32) for n, d in zip(sizes, doubles, strict=True)],
            limits,
        )
        ours = divide(
            [minitorch.zeros(n).double() if d else minitorch.zeros(n) for n, d in zip(sizes, doubles, strict=True)],
            *limits,
        )
        assert ours == theirs


# ---- DistributedDataParallel -----------------------------------------------------------------------------------------


def gradients(model, images):
    model.zero_grad()
    model(images).square().mean().backward()
    return [param.grad.clone() for param in model.parameters()]


@pytest.mark.parametrize("as_view", [False, True])
def test_one_process_computes_what_the_model_does(alone, as_view):
    model = LeNet5(num_classes=10)
    images = minitorch.randn(2, 1, 32, 32)
    expected = gradients(model, images)
    parallel = DistributedDataParallel(model, bucket_cap_mb=0.01, gradient_as_bucket_view=as_view)
    for _ in range(2):
        assert all(map(minitorch.equal, gradients(parallel, images), expected))
    assert_close(parallel(images), model(images))


def test_it_is_a_module_around_the_model(alone):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    parallel = DistributedDataParallel(model)
    assert parallel.module is model
    assert list(parallel.state_dict()) == [f"module.{name}" for name in model.state_dict()]
    parallel.load_state_dict({f"module.{name}": value + 1 for name, value in model.state_dict().items()})
    assert list(parallel.parameters()) == list(model.parameters())
    assert parallel.eval() is parallel
    assert not model.training
    with pytest.raises(RuntimeError, match=r"module\.0 \(Linear\): "):
        parallel(minitorch.ones(2, 5))


@pytest.mark.parametrize("as_view", [False, True])
def test_no_sync_starts_no_sums(alone, as_view):
    parallel = DistributedDataParallel(nn.Linear(2, 2), gradient_as_bucket_view=as_view)
    (bucket,) = parallel._reducer.buckets
    start, started = bucket.start, []
    bucket.start = lambda: (started.append(1), start())
    x = minitorch.ones(1, 2)
    with parallel.no_sync():
        with parallel.no_sync():
            parallel(x).sum().backward()
        parallel(x).sum().backward()
        assert started == []
    parallel(x).sum().backward()
    assert started == [1]
    assert_close(parallel.module.bias.grad, minitorch.full((2,), 3.0))


def test_a_backward_whose_forward_was_outside_of_no_sync_is_averaged(alone):
    parallel = DistributedDataParallel(nn.Linear(2, 2))
    finished = []
    parallel._reducer._finish = lambda unused=(): finished.append(1)
    loss = parallel(minitorch.ones(1, 2)).sum()
    with parallel.no_sync():
        loss.backward()
    assert finished == [1]


def test_a_gradient_in_its_bucket_shares_its_memory(alone):
    parallel = DistributedDataParallel(nn.Linear(2, 2), gradient_as_bucket_view=True)
    parallel(minitorch.ones(1, 2)).sum().backward()
    (bucket,) = parallel._reducer.buckets
    assert all(np.shares_memory(param.grad.data, bucket.flat.data) for param in parallel.parameters())
    apart = DistributedDataParallel(nn.Linear(2, 2))
    apart(minitorch.ones(1, 2)).sum().backward()
    (bucket,) = apart._reducer.buckets
    assert not any(np.shares_memory(param.grad.data, bucket.flat.data) for param in apart.parameters())


def test_parameters_that_share_a_loss_may_come_in_two_backwards(alone):
    layers = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = layers

        def forward(self, x):
            return [layer(x).sum() for layer in self.layers]

    parallel = DistributedDataParallel(Two())
    for _ in range(2):
        first, second = parallel(minitorch.ones(1, 2))
        first.backward()
        assert parallel._reducer.arrived
        second.backward()
        assert not parallel._reducer.arrived


def test_a_second_gradient_before_all_have_one_is_refused(alone):
    parallel = DistributedDataParallel(nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)]))
    loss = parallel.module[0](minitorch.ones(1, 2)).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match=r"ready only once: 0\.(weight|bias) got a second gradient"):
        loss.backward()


def test_frozen_parameters_take_no_part(alone):
    model = nn.Sequential(nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 2))
    parallel = DistributedDataParallel(model)
    parallel(minitorch.ones(1, 2)).sum().backward()
    assert model[0].weight.grad is None
    assert_close(model[1].bias.grad, minitorch.ones(2))
    parallel(minitorch.ones(1, 2))


def test_an_interrupted_backward_is_told_at_the_next_forward(alone):
    parallel = DistributedDataParallel(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))

    def fail(grad):
        raise KeyboardInterrupt

    handle = parallel.module[0].weight.register_hook(fail)
    with pytest.raises(KeyboardInterrupt):
        parallel(minitorch.ones(1, 2)).sum().backward()
    handle.remove()
    with minitorch.no_grad():
        parallel(minitorch.ones(1, 2))
    with pytest.raises(RuntimeError, match=r"received no gradient: 0\.weight.* or the last backward was interrupted"):
        parallel(minitorch.ones(1, 2))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: DistributedDataParallel(minitorch.ones(2)), TypeError, "expected a Module, got Tensor"),
        (lambda: DistributedDataParallel(nn.ReLU()), RuntimeError, "doesn't have any parameters that require a grad"),
        (lambda: DistributedDataParallel(nn.Linear(1, 1), bucket_cap_mb=0), ValueError, "bucket_cap_mb is 0, expected"),
    ],
)
def test_what_it_does_not_take(alone, make, error, message):
    with pytest.raises(error, match=message):
        make()
