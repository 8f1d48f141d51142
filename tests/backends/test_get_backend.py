"""Which code a device is computed by."""

from __future__ import annotations

import pytest

from minitorch import backends
from minitorch.backends import get_backend


@pytest.fixture
def new_cpu_backend():
    """Makes a backend without the cache, which the other tests rely on."""
    return backends._cpu_backend.__wrapped__


def test_the_cpu_is_computed_by_the_kernels(monkeypatch, new_cpu_backend):
    monkeypatch.delenv("MINITORCH_BACKEND", raising=False)
    assert new_cpu_backend().name == "cpu"
    assert get_backend("cpu") is get_backend("cpu", 0)


def test_the_reference_can_be_selected(monkeypatch, new_cpu_backend):
    monkeypatch.setenv("MINITORCH_BACKEND", "reference")
    assert new_cpu_backend().name == "reference"


def test_an_unknown_backend_is_refused(monkeypatch, new_cpu_backend):
    monkeypatch.setenv("MINITORCH_BACKEND", "fast")
    with pytest.raises(ValueError, match=r"'fast'.*'cpu'.*'reference'"):
        new_cpu_backend()


def test_devices_that_are_not_there():
    with pytest.raises(RuntimeError, match=r"'cuda:99'"):
        get_backend("cuda", 99)
    with pytest.raises(RuntimeError, match=r"'cpu:1'"):
        get_backend("cpu", 1)
    with pytest.raises(RuntimeError, match=r"'cpu' or 'cuda', got 'tpu'"):
        get_backend("tpu")
