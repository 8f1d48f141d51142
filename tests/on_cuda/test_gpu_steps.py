"""The steps of ``tests/gpu/run`` that use a GPU: that each works, and that it finds what it is there for."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import cupy
import numpy as np
import pytest
from gpu import compile_kernels, every_kernel, layer_by_layer

import minitorch
from minitorch.backends.cuda import conv, conv2d, launch, matmul

PROJECT = Path(__file__).parents[2]


# ---- every kernel ----------------------------------------------------------------------------------------------------


def test_every_kernel_is_launched_by_some_call():
    calls = every_kernel.plan(list(every_kernel.FAMILIES))
    assert [kernel for kernel in every_kernel.wanted() if kernel not in calls] == []


def test_planning_launches_nothing(monkeypatch):
    monkeypatch.setattr(launch, "_kernel", lambda *_: pytest.fail("a kernel was compiled"))
    assert ("elementwise", "relu<float>") in every_kernel.plan(["elementwise"])


@pytest.mark.parametrize("family", ["reduce", "cells"])
def test_the_calls_in_earnest(family, monkeypatch, capsys):
    monkeypatch.setattr(cupy.cuda, "set_allocator", lambda allocator: None)
    monkeypatch.setattr(sys, "argv", ["every_kernel", "--family", family])
    assert every_kernel.main() == 0
    assert "every kernel: launches: ok: " in capsys.readouterr().out


def test_a_kernel_that_nothing_launches_and_calls_that_fail(monkeypatch, capsys):
    def calls():
        yield every_kernel.Call("bad", lambda: 1 / 0)
        yield every_kernel.Call("worse", lambda: launch._run("elementwise", "philox"))  # without arguments

    monkeypatch.setitem(every_kernel.FAMILIES, "elementwise", calls)
    monkeypatch.setattr(cupy.cuda, "set_allocator", lambda allocator: None)
    monkeypatch.setattr(sys, "argv", ["every_kernel", "--family", "elementwise"])
    assert every_kernel.main() == 1
    printed = capsys.readouterr().out
    assert "bad: ZeroDivisionError" in printed
    assert "elementwise.cu: relu<float>: FAILED: nothing here launches it" in printed
    assert "every kernel: worse: FAILED: TypeError" in printed
    assert "every kernel: launches: FAILED: 0 of " in printed


def test_compiling():
    kernel = compile_kernels.compile_one(("elementwise", "relu<float>"))
    assert not kernel.error
    assert "Error: " in compile_kernels.compile_one(("elementwise", "relu<half>")).error
    assert compile_kernels.instances() == every_kernel.wanted()


# ---- layer by layer --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def case():
    minitorch.manual_seed(0)
    network = layer_by_layer.NETWORKS["lenet"]
    return network.make(), *layer_by_layer.random_batch(network, 2)


@pytest.mark.parametrize(("precision", "least", "most"), [("ieee", 0, 2e-6), ("tf32", 1e-4, 1e-3)])
def test_lenet_is_the_same_on_both(case, precision, least, most):
    compared = list(layer_by_layer.compare(*case, precision, "cuda"))
    assert layer_by_layer.first_divergence(compared) is None
    assert [layer.name for layer in compared][-2:] == ["fc3", "loss"]
    assert len(compared) == 13
    by_name = {layer.name: layer for layer in compared}
    assert list(by_name["conv1"].errors) == [
        "output", "gradient of the input", "gradient of weight", "gradient of bias",
    ]  # fmt: skip
    assert least <= by_name["conv2"].errors["output"] < most
    assert by_name["relu1"].errors == {"output": 0, "gradient of the input": 0}
    assert 0 < by_name["fc3"].in_network < 20 * most
    assert (conv.fp32_precision, matmul.fp32_precision) == ("tf32", "ieee")  # as before


def test_a_wrong_gradient_is_found_where_it_is(case, monkeypatch):
    backward = conv2d.Conv2d.conv2d_backward_weight

    def wrong(input, grad_output, weight_shape, *rest):
        gradient = backward(input, grad_output, weight_shape, *rest)
        if weight_shape[0] == 16:  # in conv2 alone
            gradient[3, 2, 1, 1] *= 1.01
        return gradient

    monkeypatch.setattr(type(minitorch.ones(1, device="cuda").backend), "conv2d_backward_weight", staticmethod(wrong))
    parting = layer_by_layer.first_divergence(list(layer_by_layer.compare(*case, "ieee", "cuda")))
    assert parting.startswith("conv2 (Conv2d), gradient of weight: ")
    assert parting.endswith(", allowed 1e-05")


def test_an_error_that_only_the_network_shows():
    def layers(in_network):
        errors = {"output": 1e-7}
        return [layer_by_layer.Compared(f"fc{i}", "Linear", errors, 1e-5, e) for i, e in enumerate(in_network)]

    assert layer_by_layer.first_divergence(layers([1e-7, 1e-4])) is None
    parting = layer_by_layer.first_divergence(layers([1e-7, 0.5, 0.6]))
    assert parting == "fc1 (Linear), in the network: 5.0e-01, allowed 1e-03"
    assert layer_by_layer.first_divergence(layers([1e-7, math.nan])).startswith("fc1 (Linear), in the network: nan")


def test_differences():
    a = np.array([3.0, 4.0])
    assert layer_by_layer.difference(a, a) == 0
    assert layer_by_layer.difference(np.array([3, 4.5]), a) == pytest.approx(0.1)
    assert layer_by_layer.difference(np.array([3, np.nan]), a) == np.inf
    assert layer_by_layer.difference(a[None], a) == np.inf
    assert layer_by_layer.difference(np.array([0.5]), np.array([0.0])) == 0.5


# ---- all of it -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(cupy, "_state"), reason="this is what runs on a GPU already")
def test_a_rehearsal_of_the_script(tmp_path, write_mnist):
    """Every step runs, with the stand-in for CuPy and a stand-in for compute-sanitizer."""
    write_mnist(tmp_path / "mnist", n_train=64, n_test=20)
    tool = tmp_path / "bin" / "compute-sanitizer"
    tool.parent.mkdir()
    found = "========= ERROR SUMMARY: 0 errors"
    tool.write_text(f'#!/bin/sh\nwhile [ "$1" != "$PYTHON" ]; do shift; done\n"$@" || exit\necho "{found}"\n')
    tool.chmod(0o755)
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "PYTHONPATH": "",
        "MINITORCH_MNIST": str(tmp_path / "mnist"),
        "PATH": f"{tool.parent}:{os.environ['PATH']}",
    }
    command = [str(PROJECT / "tests" / "gpu" / "run"), "--rehearse", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    log = (tmp_path / "out" / "log.txt").read_text()
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    failed = [check for step in results["steps"].values() for check in step["checks"] if check["passed"] is False]
    assert failed == [], log
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing failed" in done.stdout
    passed = {name for name, step in results["steps"].items() for check in step["checks"] if check["passed"]}
    assert passed >= {"build", "compile", "suite", "fragments", "layers", "sanitizer", "mnist"}
    assert results["benchmarks"]["cases"]["copy"]["minitorch"]["device"]
