"""Which code a device is computed by."""

from __future__ import annotations

import pytest

from minitorch.backends import get_backend

new_backend = get_backend.__wrapped__  # without the cache, which the rest of the tests rely on


def test_the_cpu_is_computed_by_the_kernels(monkeypatch):
    monkeypatch.delenv("MINITORCH_BACKEND", raising=False)
    assert new_backend("cpu").name == "cpu"
    assert get_backend("cpu") is get_backend("cpu")


def test_the_reference_can_be_selected(monkeypatch):
    monkeypatch.setenv("MINITORCH_BACKEND", "reference")
    assert new_backend("cpu").name == "reference"


def test_an_unknown_backend_is_refused(monkeypatch):
    monkeypatch.setenv("MINITORCH_BACKEND", "fast")
    with pytest.raises(ValueError, match=r"'fast'.*'cpu'.*'reference'"):
        new_backend("cpu")


def test_devices_that_are_not_there():
    with pytest.raises(RuntimeError, match=r"'cuda:1'.*CUDA backend is not part of this version"):
        new_backend("cuda", 1)
    with pytest.raises(RuntimeError, match=r"'cpu:1'"):
        new_backend("cpu", 1)
    with pytest.raises(RuntimeError, match=r"'cpu' or 'cuda', got 'tpu'"):
        new_backend("tpu")
