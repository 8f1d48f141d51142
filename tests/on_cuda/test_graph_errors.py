"""What can't be captured in a CUDA graph says so, and leaves everything as it was."""

from __future__ import annotations

import functools
import gc

import cupy
import numpy as np
import pytest
from trainings import SmallNet, Training, batches

import minitorch
import minitorch.nn.functional as F
from minitorch import optim
from minitorch.backends.cuda import launch
from minitorch.cuda import CUDAGraph
from minitorch.cuda import graph as capture

ON_STAND_IN = hasattr(cupy, "_state")


def assert_works():
    """Capturing, and everything else."""
    assert not minitorch.cuda.is_current_stream_capturing()
    assert gc.isenabled()
    x = minitorch.zeros(2, device="cuda")
    (x + 1).tolist()
    graph = CUDAGraph()
    with capture(graph):
        assert minitorch.cuda.is_current_stream_capturing()
        y = x + 1
    graph.replay()
    assert y.tolist() == [1, 1]


SYNCHRONISING = {
    "item": lambda x: x.sum().item(),
    "bool": lambda x: bool(x[0] > 0),
    "float": lambda x: float(x[0]),
    "print": lambda x: repr(x),
    "cpu": lambda x: x.cpu(),
    "numpy": lambda x: x.numpy(force=True),
    "mask": lambda x: x[x > 0],
    "nonzero": lambda x: x.nonzero(),
    "from the CPU": lambda x: x.copy_(minitorch.ones(3)),
    "a new tensor": lambda x: x + minitorch.tensor([1.0, 2.0, 3.0], device="cuda"),
    "a list of indices": lambda x: x[[0, 2]],
    "a pinned tensor": lambda x: x.copy_(minitorch.ones(3).pin_memory(), non_blocking=True),
    "synchronize": lambda x: minitorch.cuda.synchronize(),
    "an event": lambda x: minitorch.cuda.current_stream().record_event().synchronize(),
}


@pytest.mark.parametrize("name", SYNCHRONISING)
def test_what_waits_for_the_gpu_or_copies_from_the_cpu_is_refused(name):
    x = minitorch.ones(3, device="cuda")
    SYNCHRONISING[name](x.add_(1))
    x.fill_(1)
    graph = CUDAGraph()
    with pytest.raises(RuntimeError, match="can't be captured in a CUDA graph"), capture(graph):
        SYNCHRONISING[name](x.add_(1))
    with pytest.raises(RuntimeError, match="nothing has been captured"):
        graph.replay()
    assert x.tolist() == [1] * 3
    assert_works()


@pytest.mark.skipif(not ON_STAND_IN, reason="CUDA may load kernels while capturing, or not")
def test_a_kernel_used_for_the_first_time(monkeypatch):
    monkeypatch.setattr(launch, "_kernel", functools.cache(launch._kernel.__wrapped__))
    x = minitorch.ones(3, device="cuda")
    with pytest.raises(RuntimeError, match="make one step before"), capture(CUDAGraph()):
        F.relu(x)
    assert_works()


def test_an_error_that_does_not_end_the_capture_by_itself():
    x = minitorch.ones(3, device="cuda").add_(1)
    graph = CUDAGraph()

    def fail():
        x.add_(1)
        raise type("CUDARuntimeError", (RuntimeError,), {})("cudaErrorCapturedEvent: an event was captured")

    with pytest.raises(RuntimeError, match="can't be captured in a CUDA graph"), capture(graph):
        fail()
    with pytest.raises(RuntimeError, match="nothing has been captured"):
        graph.replay()
    assert_works()


def test_another_exception_ends_the_capture_as_well():
    x = minitorch.ones(3, device="cuda")
    F.dropout(x)
    state = minitorch.get_rng_state()
    graph = CUDAGraph()

    def fail():
        F.dropout(x)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"), capture(graph):
        fail()
    assert minitorch.get_rng_state() == state
    with pytest.raises(RuntimeError, match="nothing has been captured"):
        graph.replay()
    assert_works()


def test_a_failed_capture_counts_no_steps():
    training = Training(True, make_optimizer=optim.Adam).train(batches(1))
    before = training.state()
    with pytest.raises(RuntimeError, match="can't be captured"), capture(CUDAGraph()):
        training.step().item()
    training.step()  # computes gradients anew
    assert training.state()[1][0] == [n + 1 for n in before[1][0]]
    assert_works()


def test_a_capture_computes_nothing():
    training = Training(True, make_model=SmallNet, make_optimizer=optim.Adam).train(batches(1))
    before = training.state()
    training.capture()
    after = training.state()
    gradients = len(list(training.model.parameters()))
    tensors = len(training.model.state_dict())
    for a, b in zip(before[0][:tensors], after[0][:tensors], strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(before[0][tensors + gradients :], after[0][tensors + gradients :], strict=True):
        np.testing.assert_array_equal(a, b)
    assert before[1] == after[1]


def test_one_capture_at_a_time():
    x = minitorch.ones(3, device="cuda")
    x + 1
    graph = CUDAGraph()
    with capture(graph):
        with pytest.raises(RuntimeError, match="inside another"):
            CUDAGraph().capture_begin()
        y = x + 1
        with pytest.raises(RuntimeError, match="captured already"):
            graph.capture_begin()
    graph.replay()
    assert y.tolist() == [2] * 3
    with pytest.raises(RuntimeError, match="captured already"), capture(graph):
        pass
    with pytest.raises(RuntimeError, match="captured already"):
        graph.register_generator_state(minitorch.Generator())
    other = CUDAGraph()
    with pytest.raises(RuntimeError, match="can't be replayed while another"), capture(other):
        graph.replay()
    with pytest.raises(RuntimeError, match="no capture to end"):
        CUDAGraph().capture_end()
    assert_works()


def test_nothing_captured():
    with pytest.raises(RuntimeError, match="empty"), capture(CUDAGraph()):
        minitorch.ones(3) + 1  # on the CPU
    assert_works()


def test_a_generator_that_the_graph_does_not_know():
    generator = minitorch.Generator()
    minitorch.rand(3, generator=generator, device="cuda")
    with pytest.raises(RuntimeError, match="register_generator_state"), capture(CUDAGraph()):
        minitorch.rand(3, generator=generator, device="cuda")
    assert_works()


# ---- optimisers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [optim.Adagrad, optim.Adadelta, optim.NAdam, optim.LBFGS])
def test_optimisers_that_cannot_be_captured(make):
    p = minitorch.ones(3, device="cuda", requires_grad=True)
    optimizer = make([p])

    def step():
        def loss():
            optimizer.zero_grad()
            result = (p * p).sum()
            result.backward()
            return result

        optimizer.step(loss)

    step()
    with pytest.raises(RuntimeError, match=f"a step of {make.__name__} can't be captured"), capture(CUDAGraph()):
        step()
    step()
    assert_works()


class Mine(optim.SGD):
    def _update(self, batch, group):
        super()._update(batch, group)


def test_an_optimiser_of_the_users_own_cannot_be_captured():
    p = minitorch.ones(3, device="cuda", requires_grad=True)
    p.sum().backward()
    with pytest.raises(RuntimeError, match="a step of Mine can't"), capture(CUDAGraph()):
        Mine([p]).step()


def test_an_optimiser_before_its_first_step_or_on_the_cpu():
    p = minitorch.ones(3, device="cuda", requires_grad=True)
    p.sum().backward()
    with pytest.raises(RuntimeError, match="before its state is there"), capture(CUDAGraph()):
        optim.Adam([p]).step()
    q = minitorch.ones(3, requires_grad=True)
    q.sum().backward()
    with pytest.raises(RuntimeError, match="parameters are on the CPU"), capture(CUDAGraph()):
        optim.SGD([q]).step()
    assert q.tolist() == [1] * 3
    assert_works()


def test_options_that_are_no_numbers_are_fixed():
    training = Training(True, make_optimizer=lambda params: optim.SGD(params, lr=0.1, momentum=0.9)).train(batches(2))
    (group,) = training.optimizer.param_groups
    before = training.state()
    group["nesterov"] = True
    with pytest.raises(RuntimeError, match="capture the step again"):
        training.graph.replay()
    assert training.state()[1] == before[1]
    group["nesterov"] = False
    training.graph.replay()


def test_a_state_that_was_loaded_needs_a_new_capture():
    training = Training(True, make_optimizer=optim.Adam).train(batches(2))
    training.optimizer.load_state_dict(training.optimizer.state_dict())
    with pytest.raises(RuntimeError, match="a state was loaded"):
        training.graph.replay()
    training.graph.reset()
    training.capture()
    training.graph.replay()


def test_parameters_at_different_steps():
    training = Training(True, make_optimizer=optim.Adam).train(batches(2))
    training.step()
    training.optimizer.zero_grad()
    next(iter(training.model.parameters())).sum().backward()
    training.optimizer.step()
    with pytest.raises(RuntimeError, match="at different steps"):
        training.graph.replay()


def test_tensors_that_a_replay_changes_have_new_versions():
    """What was recorded without the graph before the replay would compute with the new parameters."""
    training = Training(True).train(batches(2))
    loss = F.cross_entropy(training.model(training.images), training.labels)
    training.graph.replay()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
