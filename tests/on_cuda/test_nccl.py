"""Tensors of several processes' GPUs. With the stand-in, ranks are threads; on a GPU there is a group of one."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import cupy
import numpy as np
import pytest

import minitorch
from minitorch import distributed, nn
from minitorch.backends.cuda import Unavailable
from minitorch.backends.cuda import nccl as transport
from minitorch.distributed import DistributedDataParallel, ReduceOp
from minitorch.models import LeNet5
from minitorch.testing import assert_close

ON_STANDIN = hasattr(cupy, "_state")
threads = pytest.mark.skipif(not ON_STANDIN, reason="ranks are threads of the stand-in")
DTYPES = [np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8]


def together(function, nodes=("here", "here"), devices=(0, 1)):
    """Calls ``function(transport, rank)`` in two threads with a device each; gives the results."""
    nccl = cupy.cuda.nccl
    clique, results = nccl.Clique(2), {}

    def run(rank):
        with nccl.turn:
            try:
                with cupy.cuda.Device(devices[rank]):
                    there = transport.Nccl(devices[rank], rank, 2, lambda v: clique.exchange(rank, v), nodes[rank])
                    results[rank] = function(there, rank)
                    there.destroy()
            except Exception as error:
                results[rank] = error
            cupy._state.device, cupy._state.stream = 0, cupy.cuda.Stream.null

    ranks = [threading.Thread(target=run, args=(rank,)) for rank in range(2)]
    for thread in ranks:
        thread.start()
    for thread in ranks:
        thread.join()
    for result in results.values():
        if isinstance(result, Exception) and not isinstance(result, Unavailable):
            raise result
    return [results[rank] for rank in range(2)]


@threads
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("operation", "expected"), [("sum", [3, 7, 5]), ("product", [2, 10, 0]), ("min", [1, 2, 0]), ("max", [2, 5, 5])]
)
def test_all_reduce(dtype, operation, expected):
    shares = [[1, 2, 5], [2, 5, 0]]

    def run(there, rank):
        mine = cupy.asarray(np.array(shares[rank], dtype))
        work = there.all_reduce(mine, operation)
        assert mine.get().tolist() == shares[rank]  # not before it is waited for
        work.wait()
        assert mine.dtype == dtype
        assert work.is_completed()
        return mine.get().tolist()

    assert together(run) == [expected, expected]


@threads
def test_broadcast_and_all_gather():
    def run(there, rank):
        mine = cupy.asarray(np.array([[rank, 5 + rank]], np.float32))
        everyone = cupy.empty((2, 1, 2), np.float32)
        works = [there.all_gather(everyone, mine), there.broadcast(mine, 1)]
        while not works[1].is_completed():
            pass
        works[0].wait()
        return mine.get().tolist(), everyone.get().tolist()

    assert together(run) == [([[1.0, 6.0]], [[[0.0, 5.0]], [[1.0, 6.0]]])] * 2


@threads
def test_ranks_on_the_same_gpu_are_told():
    for error in together(lambda there, rank: None, devices=(1, 1)):
        assert isinstance(error, Unavailable)
        assert str(error).startswith("ranks 0 and 1 use the same GPU (0000:01:00.0 of here), but each needs its own")
    assert together(lambda there, rank: rank, nodes=("here", "there"), devices=(0, 1)) == [0, 1]


@threads
def test_a_missing_nccl_is_told(monkeypatch):
    monkeypatch.setattr(transport, "nccl", SimpleNamespace(available=False))
    for error in together(lambda there, rank: None):
        assert isinstance(error, Unavailable)
        assert "CuPy can't load on rank 0, 1; pip install nvidia-nccl-cu13" in str(error)


# ---- a group of one --------------------------------------------------------------------------------------------------


@pytest.fixture(params=[None, "nccl"])
def group(request):
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if not transport.nccl.available:
        pytest.skip("NCCL is not installed")
    distributed.init_process_group(request.param)
    yield
    distributed.destroy_process_group()


def test_operations(group):
    for dtype in DTYPES:
        tensor = minitorch.tensor([1, 2], device="cuda").to(minitorch.from_numpy(np.zeros(1, dtype)).dtype)
        for op in ReduceOp:
            if op is not ReduceOp.AVG or tensor.is_floating_point():
                distributed.all_reduce(tensor, op)
        distributed.broadcast(tensor, 0)
        place = minitorch.zeros_like(tensor)
        work = distributed.all_gather([place], tensor, async_op=True)
        assert work.wait()
        assert work.is_completed()
        assert place.tolist() == tensor.tolist() == [1, 2]
    flag = minitorch.tensor([True, False], device="cuda")
    distributed.all_reduce(flag, ReduceOp.MAX)
    assert flag.tolist() == [True, False]
    distributed.barrier()


@pytest.mark.parametrize("as_view", [False, True])
def test_a_model_is_trained_as_without_it(group, as_view):
    model = LeNet5(num_classes=10).to("cuda")
    parallel = DistributedDataParallel(model, bucket_cap_mb=0.01, gradient_as_bucket_view=as_view)
    images = minitorch.randn(2, 1, 32, 32).to("cuda")

    def gradients(network):
        model.zero_grad()
        network(images).square().mean().backward()
        return [param.grad.clone() for param in model.parameters()]

    expected = gradients(model)
    for _ in range(2):
        for found, wanted in zip(gradients(parallel), expected, strict=True):
            assert_close(found.cpu(), wanted.cpu(), rtol=0, atol=0)


def test_buffers_and_unused_parameters(group):
    model = nn.ModuleDict({"norm": nn.BatchNorm1d(2), "spare": nn.Linear(2, 2)}).to("cuda")
    parallel = DistributedDataParallel(model, find_unused_parameters=True)
    model.forward = lambda x: model["norm"](x)
    for _ in range(2):
        parallel(minitorch.ones(3, 2, device="cuda")).sum().backward()
    assert model["spare"].weight.grad is None
    assert model["norm"].num_batches_tracked.item() == 2


def test_one_gpu_a_process(group):
    distributed.all_reduce(minitorch.ones(1, device="cuda:0"))
    if cupy.cuda.runtime.getDeviceCount() > 1:
        with pytest.raises(RuntimeError, match=r"rank 0 uses cuda:0 since its first .* got a tensor on cuda:1"):
            distributed.all_reduce(minitorch.ones(1, device="cuda:1"))


def test_mpi_takes_no_tensor_on_a_gpu():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    distributed.init_process_group("mpi")
    with pytest.raises(RuntimeError, match="backend 'mpi' is for tensors on a CPU, got one on cuda:0"):
        distributed.all_reduce(minitorch.ones(1, device="cuda"))
    distributed.destroy_process_group()
