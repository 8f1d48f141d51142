"""``minitorch.cuda``: devices, streams, events and memory; pinned memory; and a kernel's failure by environment."""

from __future__ import annotations

import collections
import gc
import os
import subprocess
import sys
import weakref

import cupy
import numpy as np
import pytest

import minitorch
from minitorch import nn
from minitorch.backends.cuda import pinned
from minitorch.data import DataLoader, TensorDataset
from minitorch.testing import assert_close

COUNT = cupy.cuda.runtime.getDeviceCount()
needs_two = pytest.mark.skipif(COUNT < 2, reason="there is one GPU")


def test_what_there_is():
    assert minitorch.cuda.is_available()
    assert minitorch.cuda.why_unavailable() is None
    assert minitorch.cuda.device_count() == COUNT
    properties = minitorch.cuda.get_device_properties("cuda:0")
    assert properties == minitorch.cuda.get_device_properties(minitorch.device("cuda"))
    assert minitorch.cuda.get_device_name(0) == properties.name
    assert minitorch.cuda.get_device_capability() == (properties.major, properties.minor)
    assert properties.multi_processor_count > 0
    free, total = minitorch.cuda.mem_get_info()
    assert 0 < free <= total


@pytest.mark.parametrize(
    "function",
    [
        minitorch.cuda.get_device_name,
        minitorch.cuda.get_device_properties,
        minitorch.cuda.set_device,
        minitorch.cuda.device,
        minitorch.cuda.synchronize,
        minitorch.cuda.mem_get_info,
        minitorch.cuda.memory_allocated,
        minitorch.cuda.current_stream,
        minitorch.cuda.Stream,
    ],
)
def test_devices_that_are_none(function):
    for device in (COUNT, f"cuda:{COUNT}"):
        with pytest.raises(RuntimeError, match=f"'cuda:{COUNT}': there (is 1 GPU|are {COUNT} GPUs) here"):
            function(device)
    with pytest.raises(ValueError, match="expected a cuda device, got cpu"):
        function("cpu")


@needs_two
def test_the_current_device():
    assert minitorch.cuda.current_device() == 0
    with minitorch.cuda.device(1) as there:
        assert minitorch.cuda.current_device() == 1
        assert minitorch.ones(1, device="cuda").device.index == 1
        with minitorch.cuda.device(None), minitorch.cuda.device("cuda:0"), there:
            assert minitorch.cuda.current_device() == 1
        assert minitorch.cuda.current_device() == 1
        assert (minitorch.ones(2, device="cuda:0") + 1).device.index == 0
        assert minitorch.cuda.current_device() == 1
    assert minitorch.cuda.current_device() == 0
    minitorch.cuda.set_device(minitorch.device("cuda:1"))
    try:
        assert minitorch.ones(1).cuda().device.index == 1
    finally:
        minitorch.cuda.set_device(0)
    with pytest.raises(KeyError), minitorch.cuda.device(1):
        raise KeyError
    assert minitorch.cuda.current_device() == 0


def test_streams_and_events():
    main, side = minitorch.cuda.current_stream(), minitorch.cuda.Stream()
    assert main == minitorch.cuda.current_stream()
    assert side != main
    assert side.device == main.device == minitorch.device("cuda:0")
    start, end = (minitorch.cuda.Event(enable_timing=True) for _ in range(2))
    x = minitorch.ones(4, device="cuda")
    side.wait_stream(main)
    with minitorch.cuda.stream(side):
        assert minitorch.cuda.current_stream() == side
        start.record()
        y = x * 2
        side.record_event(end)
    assert minitorch.cuda.current_stream() == main
    end.wait(main)
    end.synchronize()
    assert end.query()
    assert start.elapsed_time(end) >= 0
    side.synchronize()
    assert side.query()
    assert y.tolist() == [2.0] * 4
    with pytest.raises(ValueError, match="both events must be made with enable_timing=True"):
        start.elapsed_time(minitorch.cuda.Event())
    assert repr(side).startswith("<minitorch.cuda.Stream device=cuda:0 cuda_stream=0x")
    assert len({side, main, minitorch.cuda.current_stream()}) == 2


@needs_two
def test_a_stream_of_another_device_makes_that_current():
    side = minitorch.cuda.Stream("cuda:1")
    assert side.device.index == 1
    event = minitorch.cuda.Event(enable_timing=True)  # belongs to the GPU where it is first recorded
    assert event.query()
    event.synchronize()
    event.wait(side)
    with pytest.raises(RuntimeError, match="both events must be recorded first"):
        event.elapsed_time(event)
    event.record(side)
    side.record_event().synchronize()
    assert event.elapsed_time(event) == 0
    with side, side:
        assert minitorch.cuda.current_device() == 1
        assert minitorch.ones(2, device="cuda").device.index == 1
    assert minitorch.cuda.current_device() == 0


def test_memory():
    minitorch.cuda.empty_cache()
    gc.collect()
    before = minitorch.cuda.memory_allocated()
    minitorch.cuda.reset_peak_memory_stats()
    x = minitorch.ones(1000, device="cuda")
    now = minitorch.cuda.memory_allocated()
    assert 4000 <= now - before < 20000
    assert minitorch.cuda.memory_reserved() >= now
    del x
    assert minitorch.cuda.memory_allocated() == before
    assert minitorch.cuda.max_memory_allocated() >= now
    minitorch.cuda.reset_peak_memory_stats("cuda:0")
    assert minitorch.cuda.max_memory_allocated() == before
    minitorch.cuda.synchronize()


def test_seeds():
    minitorch.cuda.manual_seed(5)
    a = minitorch.rand(3, device="cuda")
    minitorch.cuda.manual_seed_all(5)
    assert_close(minitorch.rand(3), a.cpu())


# ---- pinned memory ---------------------------------------------------------------------------------------------------


def test_pinned_memory():
    x = minitorch.arange(6.0).reshape(2, 3)
    assert not x.is_pinned()
    y = x.pin_memory()
    assert y.is_pinned()
    assert y.pin_memory() is y
    assert y[1:].is_pinned()
    assert y.view(3, 2).is_pinned()
    assert not (y + 1).is_pinned()
    assert_close(y, x)
    assert x.t().pin_memory().is_contiguous()
    assert minitorch.zeros(0, 3).pin_memory().shape == (0, 3)
    x.requires_grad_().pin_memory().sum().backward()
    assert_close(x.grad, np.ones((2, 3), np.float32))
    there = y.to("cuda")
    assert not there.is_pinned()
    with pytest.raises(RuntimeError, match="only CPU tensors can be pinned, got one on cuda:0"):
        there.pin_memory()


@pytest.mark.parametrize(
    "send",
    [
        lambda x: x.to("cuda", non_blocking=True),
        lambda x: x.to("cuda", minitorch.float32, True),
        lambda x: x.cuda(non_blocking=True),
        lambda x: minitorch.zeros(3, device="cuda").copy_(x, non_blocking=True),
    ],
)
def test_a_copy_from_pinned_memory_is_sent_and_its_source_kept(send, monkeypatch):
    class NotReached(cupy.cuda.Event):
        done = False

    monkeypatch.setattr(cupy.cuda, "Event", NotReached)
    monkeypatch.setattr(pinned, "_in_flight", collections.deque())
    x = minitorch.arange(3.0).pin_memory()
    memory = weakref.ref(x.data)
    there = send(x)
    del x
    assert memory() is not None  # the GPU may still read it
    assert there.tolist() == [0.0, 1.0, 2.0]
    monkeypatch.setattr(NotReached, "done", True)
    minitorch.ones(1).pin_memory().to("cuda", non_blocking=True)
    assert memory() is None


def test_copies_that_wait(monkeypatch):
    monkeypatch.setattr(pinned, "send", None)
    x = minitorch.arange(3.0)
    for source in (x.pin_memory(), x):  # without being asked to, and from other memory
        there = source.to("cuda", non_blocking=source is x)
        source.zero_()
        assert there.tolist() == [0.0, 1.0, 2.0]
    columns = minitorch.arange(4.0).reshape(2, 2).pin_memory().t()
    assert_close(columns.to("cuda", non_blocking=True), columns)


def test_a_copy_to_the_cpu_that_does_not_wait():
    x = minitorch.arange(6.0, device="cuda").reshape(2, 3).t()
    y = x.to("cpu", non_blocking=True)
    assert y.is_pinned()
    minitorch.cuda.synchronize()
    assert_close(y, x)
    assert not x.cpu().is_pinned()


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_loader_pins_its_batches(num_workers):
    data = TensorDataset(minitorch.arange(6.0), minitorch.arange(6))
    for pin in (True, False):
        loader = DataLoader(data, batch_size=4, num_workers=num_workers, pin_memory=pin)
        batches = list(loader)
        assert [tensor.is_pinned() for batch in batches for tensor in batch] == [pin] * 4
        assert batches[1][1].tolist() == [4, 5]


def test_a_loader_pins_what_is_nested():
    Pair = collections.namedtuple("Pair", "a b")
    one = minitorch.ones(1)
    batch = DataLoader([0], collate_fn=lambda _: {"x": Pair([one], (one, "text"))}, pin_memory=True)
    (found,) = batch
    assert isinstance(found["x"], Pair)
    assert found["x"].a[0].is_pinned()
    assert found["x"].b[0].is_pinned()
    assert found["x"].b[1] == "text"


def test_a_module_moves():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    weight = model[0].weight
    model.to("cuda", minitorch.float64, True)
    assert model[0].weight is weight
    assert weight.is_cuda
    assert weight.dtype is minitorch.float64
    assert model[1].num_batches_tracked.is_cuda
    assert model[1].num_batches_tracked.dtype is minitorch.int64
    assert not model.cpu()[0].weight.is_cuda
    assert model.cuda()[0].weight.device.index == 0
    assert model.cuda(COUNT - 1)[0].weight.device.index == COUNT - 1
    assert model.to(device="cpu", non_blocking=False)[0].weight.dtype is minitorch.float64


# ---- a failing kernel ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(cupy, "_state"), reason="a GPU is of no use after a kernel's failure")
@pytest.mark.parametrize("value", ["1", "0", None])
def test_the_environment_names_the_kernel_that_failed(value):
    code = (
        "import cupy, minitorch\n"
        "def broken(self): raise cupy.cuda.runtime.CUDARuntimeError('illegal memory access')\n"
        "x = minitorch.ones(1, device='cuda')\n"
        "cupy.cuda.Stream.synchronize = broken\n"
        "try: minitorch.nn.functional.relu(x); print('not noticed')\n"
        "except RuntimeError as error: print(error)\n"
    )
    environment = {name: text for name, text in os.environ.items() if name != "MINITORCH_CUDA_SYNC"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    if value is not None:
        environment["MINITORCH_CUDA_SYNC"] = value
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    named = "the CUDA kernel elementwise.cu: relu<float> failed: illegal memory access"
    assert done.stdout.strip() == (named if value == "1" else "not noticed")
