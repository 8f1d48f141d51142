"""CUDA graphs: replayed steps are the steps that would have been made without the graph, to the bit."""

from __future__ import annotations

import gc
import re
import weakref

import cupy
import numpy as np
import pytest
from trainings import SmallNet, Training, assert_same, batches

import minitorch
import minitorch.nn.functional as F
from minitorch import nn, optim
from minitorch.cuda import CUDAGraph
from minitorch.cuda import graph as capture
from minitorch.random import use_generator

ON_STAND_IN = hasattr(cupy, "_state")


def check(steps=5, **options):
    assert_same(Training(True, **options).train(batches(steps)), Training(False, **options).train(batches(steps)))


# ---- the same bits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda params: optim.SGD(params, lr=0.05),
        lambda params: optim.SGD(params, lr=0.05, momentum=0.9, dampening=0.1, weight_decay=0.01),
        lambda params: optim.Adam(params, lr=0.01, amsgrad=True),
        lambda params: optim.AdamW(params, lr=0.01),
        lambda params: optim.RMSprop(params, lr=0.001, momentum=0.5, centered=True),
    ],
    ids=["SGD", "SGD with momentum", "Adam", "AdamW", "RMSprop"],
)
def test_replays_are_steps(make_optimizer):
    check(make_optimizer=make_optimizer)


def test_dropout_and_running_statistics():
    check(make_model=SmallNet)


def test_float64_and_groups_with_options_of_their_own():
    def make(params):
        first, *rest = params
        groups = [{"params": [first], "lr": 0.1, "weight_decay": 0.1}, {"params": rest, "momentum": 0.5}]
        return optim.SGD(groups, lr=0.01, momentum=0.9)

    check(steps=3, make_optimizer=make)
    check(steps=3, make_model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(1024, 10)), make_optimizer=optim.Adam)


@pytest.mark.parametrize(
    "schedule",
    [
        lambda optimizer: optim.lr_scheduler.ExponentialLR(optimizer, 0.5),
        # It changes the momentum as well: Adam's first beta.
        lambda optimizer: optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=7),
    ],
    ids=["ExponentialLR", "OneCycleLR"],
)
def test_learning_rates_may_change(schedule):
    check(make_optimizer=optim.Adam, schedule=schedule)
    trained = [Training(True, schedule=s, make_optimizer=optim.Adam).train(batches(4)) for s in (schedule, None)]
    assert trained[0].losses != trained[1].losses


def test_clipped_and_accumulated_gradients():
    check(clip=0.1, accumulate=2)


def test_gradients_may_accumulate_over_replays():
    totals = []
    for graphed in (False, True):
        minitorch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(1024, 10)).cuda()
        images, labels = next(iter(batches(1)))

        def step(model=model, images=images, labels=labels):
            F.cross_entropy(model(images), labels).backward()

        step()
        replay = step
        if graphed:
            graph = CUDAGraph()
            with capture(graph):
                step()
            replay = graph.replay
        for new_images, new_labels in batches(3):
            images.copy_(new_images)
            labels.copy_(new_labels)
            replay()
        totals.append([p.grad.numpy(force=True).tobytes() for p in model.parameters()])
    assert totals[0] == totals[1]


def test_steps_without_the_graph_between_replays():
    """As for the last batch of an epoch, which is smaller: the graph goes on from there."""
    results = []
    for graphed in (False, True):
        training = Training(graphed, make_model=SmallNet, make_optimizer=optim.Adam).train(batches(3))
        whole = training.images, training.labels
        training.images, training.labels = next(iter(batches(1, size=3)))
        training.losses.append(training.step().item())
        training.images, training.labels = whole
        for images, labels in batches(2):
            training.images.copy_(images)
            training.labels.copy_(labels)
            if graphed:
                training.graph.replay()
                training.losses.append(training.loss.item())
            else:
                training.losses.append(training.step().item())
        results.append((training.losses, [p.numpy(force=True).tobytes() for p in training.model.parameters()]))
    assert results[0] == results[1]


def test_two_graphs():
    """Each has memory of its own, and both train the one model, in turn."""
    results = []
    for graphed in (False, True):
        minitorch.manual_seed(0)
        model = SmallNet().cuda()
        optimizer = optim.AdamW(model.parameters())
        data = list(batches(2)), list(batches(2, size=3))
        inputs = [tuple(tensor.clone() for tensor in some[0]) for some in data]

        def step(images, labels, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            return loss

        for static in inputs:
            step(*static)
        graphs = [CUDAGraph(), CUDAGraph()] if graphed else [None, None]
        losses, static_losses = [], [None, None]
        for graph, static, i in zip(graphs, inputs, range(2), strict=True):
            if graph is not None:
                with capture(graph):
                    static_losses[i] = step(*static)
        for turn in range(4):
            i = turn % 2
            for static, new in zip(inputs[i], data[i][turn // 2], strict=True):
                static.copy_(new)
            if graphed:
                graphs[i].replay()
                losses.append(static_losses[i].item())
            else:
                losses.append(step(*inputs[i]).item())
        results.append((losses, [p.numpy(force=True).tobytes() for p in model.parameters()]))
    assert results[0] == results[1]


def test_another_default_generator_is_captured():
    generator = minitorch.Generator()
    with use_generator(generator):
        minitorch.rand(5, device="cuda")
        graph = CUDAGraph()
        with capture(graph):
            drawn = minitorch.rand(5, device="cuda")
    before = minitorch.get_rng_state()
    generator.manual_seed(8)
    found = []
    for _ in range(2):
        graph.replay()
        found.append(drawn.tolist())
    generator.manual_seed(8)
    assert found == [minitorch.rand(5, generator=generator).tolist() for _ in range(2)]
    assert minitorch.get_rng_state() == before


def test_random_numbers_of_every_kind_go_on():
    """Of the default generator, of one that the graph was told of, and after a seed was set in between."""
    generator = minitorch.Generator().manual_seed(5)

    def draw():
        drawn = [minitorch.rand(5, device="cuda"), minitorch.randn(3, device="cuda", dtype=minitorch.float64)]
        drawn += [minitorch.randint(100, (7,), device="cuda", generator=generator)]
        return [*drawn, F.dropout(minitorch.ones(9, device="cuda"))]

    def numbers(drawn):
        return [tensor.tolist() for tensor in drawn]

    def reseed():
        minitorch.manual_seed(3)
        generator.manual_seed(6)

    draw()
    reseed()
    expected = [numbers(draw()) for _ in range(3)]
    last = minitorch.get_rng_state(), generator.get_state()
    graph = CUDAGraph()
    graph.register_generator_state(generator)
    minitorch.manual_seed(11)
    generator.manual_seed(12)
    state = minitorch.get_rng_state(), generator.get_state()
    with capture(graph):
        drawn = draw()
    assert (minitorch.get_rng_state(), generator.get_state()) == state  # nothing was drawn
    reseed()
    for numbers_of_step in expected:
        graph.replay()
        assert numbers(drawn) == numbers_of_step
    assert (minitorch.get_rng_state(), generator.get_state()) == last


def test_ignored_labels_are_counted_at_each_replay():
    logits, labels = minitorch.randn(6, 3, device="cuda"), minitorch.tensor([0, 1, 2, 0, 1, 2], device="cuda")

    def loss(reduction):
        return F.cross_entropy(logits, labels, reduction=reduction)

    loss("mean"), loss("sum")
    graph = CUDAGraph()
    with capture(graph):
        losses = [loss("mean"), loss("sum")]
    for values in ([0, 1, 2, 0, 1, 2], [-100, 1, -100, -100, -100, 2], [-100] * 6):
        labels.copy_(minitorch.tensor(values))
        graph.replay()
        mean, total = (loss.item() for loss in losses)
        np.testing.assert_array_equal([mean, total], [loss("mean").item(), loss("sum").item()])
        counted = sum(value >= 0 for value in values)
        np.testing.assert_allclose(mean, total / counted if counted else np.nan, rtol=1e-6)
    labels.copy_(minitorch.tensor([0, 1, 2, 0, 3, 2]))
    graph.replay()
    assert np.isnan(losses[0].item())


@pytest.mark.skipif(minitorch.cuda.device_count() < 2, reason="one GPU")
def test_on_another_device_than_the_current_one():
    x = minitorch.ones(3, device="cuda:1")
    x.mul_(2).add_(0 * minitorch.rand(3, device="cuda:1"))
    with pytest.raises(RuntimeError, match="on cuda:1, but a CUDA graph is being captured on"), capture(CUDAGraph()):
        x.mul_(2)
    graph = CUDAGraph()
    with capture(graph, stream=minitorch.cuda.Stream("cuda:1")):
        x.add_(minitorch.rand(3, device="cuda:1"))
    minitorch.manual_seed(7)
    graph.replay()
    graph.replay()
    minitorch.manual_seed(7)
    assert x.tolist() == (minitorch.full((3,), 2.0) + minitorch.rand(3) + minitorch.rand(3)).tolist()


def test_two_steps_in_one_graph():
    trainings = []
    for graphed in (True, False):
        training = Training(graphed, make_model=SmallNet, make_optimizer=optim.Adam)
        step = training.step
        training.step = lambda step=step: (step(), step())[1]
        trainings.append(training.train(batches(3)))
    assert_same(*trainings)


def test_on_the_stream_that_is_the_current_one():
    x = minitorch.zeros(3, device="cuda")
    x.add_(0)
    graph = CUDAGraph()
    with capture(graph):
        x.add_(1)
    stream = minitorch.cuda.Stream()
    stream.wait_stream(minitorch.cuda.current_stream())
    with stream:
        assert not minitorch.cuda.is_current_stream_capturing()
        graph.replay()
        graph.replay()
    stream.synchronize()
    assert x.tolist() == [2] * 3


@pytest.mark.skipif(not ON_STAND_IN, reason="the GPU's own description of a graph isn't read")
def test_a_step_of_lenet_is_a_few_kernels():
    """With 64 images: each kernel takes a microsecond or two to begin, however little it does."""
    training = Training(True, make_optimizer=optim.Adam)
    training.images, training.labels = next(iter(batches(1, size=64)))
    training.step()
    training.capture()
    nodes = re.findall(r'label="\d+\\n(.*?)\\n"', training.graph._capture.graph.debug_dot_str())
    assert len(nodes) <= 40, "\n".join(nodes)
    assert [name for name in nodes if "<" not in name] == ["ones"]  # the loss's gradient; no copies, no fills


# ---- memory ----------------------------------------------------------------------------------------------------------


def test_its_memory_is_its_own():
    """What the step needs between its kernels is neither given back to the GPU nor to arrays that are made later."""
    x = minitorch.ones(1000, device="cuda")

    def step():
        return F.relu(F.relu(F.relu(x)))

    step()
    graph = CUDAGraph()
    with capture(graph):
        result = step()
    minitorch.cuda.empty_cache()
    others = [minitorch.full((1000,), 7.0, device="cuda") for _ in range(20)]
    graph.replay()
    assert result.tolist() == [1] * 1000
    assert all(other.tolist() == [7] * 1000 for other in others)


def test_memory_is_freed_with_the_graph():
    before = minitorch.cuda.memory_allocated(), minitorch.cuda.memory_reserved()
    training = Training(True).train(batches(2))
    recording = weakref.ref(training.graph._capture)
    assert recording().pool.total_bytes() > 0
    assert minitorch.cuda.memory_reserved() - before[1] >= recording().pool.total_bytes()
    del training
    gc.collect()
    assert recording() is None
    assert minitorch.cuda.memory_allocated() == before[0]


def test_a_reset_graph_is_as_new():
    training = Training(True).train(batches(3))
    training.graph.reset()
    with pytest.raises(RuntimeError, match="nothing has been captured"):
        training.graph.replay()
    training.losses.clear()
    training.train(batches(3))
    assert len(training.losses) == 3
