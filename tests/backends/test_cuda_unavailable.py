"""Where no GPU can be used, the message says what is missing and how to mend it: each step has its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types

import pytest

import minitorch
from minitorch.backends import cuda
from minitorch.data import DataLoader, TensorDataset


class CUDARuntimeError(RuntimeError):
    pass


def fake_cupy(driver=13000, runtime=13000, devices=1, capability=(9, 0), supported=(75, 90), answer=42):
    """A CuPy as far as the steps look at it."""

    def count():
        if isinstance(devices, Exception):
            raise devices
        return devices

    class Device:
        def __init__(self, index):
            pass

        __enter__ = __exit__ = lambda *args: None

    class RawModule:
        def __init__(self, **kwargs):
            if isinstance(answer, Exception):
                raise answer

        def get_function(self, name):
            def kernel(grid, block, args):
                args[0][0] = answer

            return kernel

    def archs():
        if isinstance(supported, Exception):
            raise supported
        return supported

    properties = {"name": b"a GPU", "major": capability[0], "minor": capability[1]}
    return types.SimpleNamespace(
        int32="int32",
        zeros=lambda n, dtype: [0] * n,
        RawModule=RawModule,
        cuda=types.SimpleNamespace(
            Device=Device,
            nvrtc=types.SimpleNamespace(getVersion=lambda: (13, 0), getSupportedArchs=archs),
            runtime=types.SimpleNamespace(
                CUDARuntimeError=CUDARuntimeError,
                driverGetVersion=lambda: driver,
                runtimeGetVersion=lambda: runtime,
                getDeviceCount=count,
                getDevice=lambda: 0,
                getDeviceProperties=lambda index: properties,
            ),
        ),
    )


CACHES = (cuda.import_cupy, cuda._device_count, cuda.check_device, cuda._backend)


@pytest.fixture
def installed(monkeypatch):
    """A function that installs distributions and a module ``cupy``, or an error that importing it raises."""
    for cache in CACHES:
        cache.cache_clear()
    monkeypatch.setattr(cuda, "_initialized", None)

    def install(module, *distributions):
        found = [types.SimpleNamespace(metadata={"Name": name}) for name in ("numpy", *distributions)]
        monkeypatch.setattr(cuda.importlib.metadata, "distributions", lambda: found)

        def import_module(name):
            assert name == "cupy"
            if isinstance(module, Exception):
                raise module
            return module

        monkeypatch.setattr(cuda.importlib, "import_module", import_module)

    yield install
    for cache in CACHES:
        cache.cache_clear()


@pytest.mark.parametrize(
    ("module", "distributions", "message"),
    [
        (ModuleNotFoundError("no", name="cupy"), (), r"CuPy is not installed; pip install 'cupy-cuda13x\[ctk\]'"),
        (
            ModuleNotFoundError("No module named 'fastrlock'", name="fastrlock"),
            ("cupy-cuda13x",),
            "can't be imported.*fastrlock",
        ),
        (
            ImportError("libcudart.so"),
            ("cupy-cuda13x",),
            "libcudart.so; pip uninstall cupy-cuda13x, then pip",
        ),
        (fake_cupy(), ("cupy-cuda12x", "cupy-cuda13x"), "2 times.*pip uninstall cupy-cuda12x cupy-cuda13x"),
        (fake_cupy(driver=0), ("cupy-cuda13x",), "no NVIDIA driver"),
        (fake_cupy(driver=12040), ("cupy-cuda13x",), r"supports CUDA 12.4.*built for 13.0.*cuda12"),
        (fake_cupy(devices=0), ("cupy-cuda13x",), "but no GPU"),
        (fake_cupy(devices=CUDARuntimeError("no device")), ("cupy-cuda13x",), r"finds no GPU \(no device\)"),
        (
            fake_cupy(supported=OSError("libnvrtc.so.13")),
            ("cupy-cuda13x",),
            r"NVRTC.*libnvrtc.so.13.*cupy-cuda13x\[ctk\]",
        ),
        (fake_cupy(capability=(6, 1)), ("cupy-cuda13x",), "capability 6.1, below 7.5.*7.0 is needed at least"),
        (fake_cupy(capability=(7, 0)), ("cupy-cuda13x",), r"capability 7.0, below 7.5.*cupy-cuda12x\[ctk\]"),
        (fake_cupy(answer=ValueError("bad image")), ("cupy-cuda13x",), "can't run a kernel: bad image"),
        (fake_cupy(answer=41), ("cupy-cuda13x",), "result is wrong: 41"),
    ],
)
def test_each_step_says_what_is_missing(installed, module, distributions, message):
    installed(module, *distributions)
    assert re.search(message, cuda.why_unavailable())
    with pytest.raises(RuntimeError, match=f"'cuda:0' can't be used: .*{message}"):
        cuda.get_backend(0)


def test_hidden_devices(installed, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    installed(fake_cupy(devices=0))
    assert "CUDA_VISIBLE_DEVICES='-1' hides" in cuda.why_unavailable()


def test_a_device_that_works(installed):
    installed(fake_cupy(driver=13010), "cupy-cuda13x")
    assert cuda.why_unavailable() is None
    assert cuda.device_count() == 1
    with pytest.raises(RuntimeError, match="'cuda:1': there is 1 GPU here"):
        cuda.get_backend(1)


def test_what_is_mended_is_found(installed):
    """A failure isn't kept: somebody may load a driver, or install CuPy, while a notebook runs."""
    installed(ModuleNotFoundError("no", name="cupy"))
    assert "not installed" in cuda.why_unavailable()
    installed(fake_cupy(driver=0), "cupy-cuda13x")
    assert "no NVIDIA driver" in cuda.why_unavailable()
    cuda.import_cupy.cache_clear()  # the module that was imported stays the same: here it is another one
    installed(fake_cupy(answer=41), "cupy-cuda13x")
    assert "result is wrong" in cuda.why_unavailable()
    for cache in CACHES[:2]:
        cache.cache_clear()
    installed(fake_cupy(), "cupy-cuda13x")
    assert cuda.why_unavailable() is None


def test_a_forked_process_says_so(installed, monkeypatch):
    installed(fake_cupy(), "cupy-cuda13x")
    assert cuda.why_unavailable() is None
    monkeypatch.setattr(cuda, "_initialized", os.getpid() + 1)
    assert "forked" in cuda.why_unavailable()
    with pytest.raises(RuntimeError, match=r"'cuda:0' can't be used: .*get_context\('spawn'\)"):
        cuda.get_backend(0)


def test_a_fork_without_cuda_is_none(installed):
    installed(fake_cupy(driver=0), "cupy-cuda13x")
    assert "no NVIDIA driver" in cuda.why_unavailable()
    assert cuda._initialized is None  # nothing was initialised that a child couldn't use


def test_no_device_is_replaced_by_a_cpu():
    code = (
        "import minitorch\n"
        "try: print(minitorch.ones(1, device='cuda').device)\n"
        "except RuntimeError as error: print(error)\n"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith("device 'cuda' can't be used: ")


def test_pinned_memory_needs_a_gpu(installed):
    installed(fake_cupy(driver=0), "cupy-cuda13x")
    with pytest.raises(RuntimeError, match="pin_memory: no GPU can be used: there is no NVIDIA driver"):
        minitorch.ones(1).pin_memory()
    data = TensorDataset(minitorch.arange(4))
    with pytest.warns(UserWarning, match="pin_memory=True does nothing, because there is no GPU: .*no NVIDIA driver"):
        batches = list(DataLoader(data, batch_size=2, pin_memory=True))
    assert [batch[0].tolist() for batch in batches] == [[0, 1], [2, 3]]
