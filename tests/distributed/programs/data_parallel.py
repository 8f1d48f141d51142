"""DistributedDataParallel in several processes, against one process that does the same with the whole batch."""

from __future__ import annotations

import gc
import weakref

import checks
import pytest

import minitorch
from minitorch import distributed, nn, optim
from minitorch.distributed import DistributedDataParallel
from minitorch.models import LeNet5
from minitorch.testing import assert_close

BATCH = 12  # for 2, 3 or 4 ranks


def lenet():
    minitorch.manual_seed(5)
    return LeNet5(num_classes=10).double()


def batches(count, seed=0):
    minitorch.manual_seed(seed)
    return [(minitorch.randn(BATCH, 1, 32, 32).double(), minitorch.randint(0, 10, (BATCH,))) for _ in range(count)]


def share(tensor, rank, size):
    each = len(tensor) // size
    return tensor[rank * each : (rank + 1) * each]


def loss_of(model, images, labels):
    return nn.functional.cross_entropy(model(images), labels)


def train_alone(model, data, parts=1):
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    for step in range(0, len(data), parts):
        optimizer.zero_grad()
        for images, labels in data[step : step + parts]:
            (loss_of(model, images, labels) / parts).backward()
        optimizer.step()


def train_together(model, data, rank, size, parts=1, set_to_none=True):
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    for step in range(0, len(data), parts):
        optimizer.zero_grad(set_to_none=set_to_none)
        shares = [[share(tensor, rank, size) for tensor in batch] for batch in data[step : step + parts]]
        *first, last = shares
        with model.no_sync():
            for images, labels in first:
                (loss_of(model, images, labels) / parts).backward()
        (loss_of(model, *last) / parts).backward()
        optimizer.step()


def assert_same_on_all_ranks(model, size):
    for tensor in (*model.parameters(), *model.buffers()):
        places = [minitorch.empty_like(tensor) for _ in range(size)]
        distributed.all_gather(places, tensor.detach())
        assert all(minitorch.equal(places[0], place) for place in places)


def assert_follows_the_whole_batch(rank, size, steps=6, parts=1, set_to_none=True, **options):
    data = batches(steps)
    alone, together = lenet(), lenet()
    train_alone(alone, data, parts)
    model = DistributedDataParallel(together, **options)
    train_together(model, data, rank, size, parts, set_to_none)
    for (name, expected), (_, found) in zip(alone.named_parameters(), together.named_parameters(), strict=True):
        assert_close(found, expected, rtol=0, atol=1e-6, msg=name)
    assert not minitorch.equal(lenet().fc1.weight, together.fc1.weight)
    assert_same_on_all_ranks(together, size)


def it_follows_one_process_with_the_whole_batch(rank, size):
    assert_follows_the_whole_batch(rank, size)


def it_does_with_many_small_buckets(rank, size):
    assert_follows_the_whole_batch(rank, size, bucket_cap_mb=0.01)


def it_does_with_gradients_in_the_buckets(rank, size):
    for set_to_none in (True, False):
        assert_follows_the_whole_batch(rank, size, set_to_none=set_to_none, gradient_as_bucket_view=True)


def it_does_with_batches_in_parts(rank, size):
    for as_view in (False, True):
        assert_follows_the_whole_batch(rank, size, steps=6, parts=3, gradient_as_bucket_view=as_view)


def it_does_while_looking_for_unused_parameters(rank, size):
    assert_follows_the_whole_batch(rank, size, find_unused_parameters=True)


def the_same_options_give_the_same_bits(rank, size):
    runs = []
    for _ in range(2):
        model = lenet()
        train_together(DistributedDataParallel(model, bucket_cap_mb=0.05), batches(3), rank, size)
        runs.append(list(model.parameters()))
    assert all(minitorch.equal(a, b) for a, b in zip(*runs, strict=True))


def all_ranks_begin_with_those_of_rank_0(rank, size):
    minitorch.manual_seed(100 + rank)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2).double())
    model[1].running_mean.fill_(rank)
    model[1].num_batches_tracked.fill_(7 - rank)
    DistributedDataParallel(model)
    assert_same_on_all_ranks(model, size)
    minitorch.manual_seed(100)
    assert_close(model[0].weight, nn.Linear(3, 4).weight)
    assert_close(model[1].running_mean, minitorch.zeros(4))
    assert model[1].num_batches_tracked.item() == 7


def dtypes_have_buckets_of_their_own(rank, size):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Parameter(minitorch.ones(3))
            self.b = nn.Parameter(minitorch.ones(2).double())
            self.c = nn.Parameter(minitorch.ones(()))

        def forward(self, x):
            return (self.a * x).sum() * self.c + (self.b * x).sum()

    model = DistributedDataParallel(Mixed())
    model(float(rank)).backward()
    mean = (size - 1) / 2
    assert_close(model.module.a.grad, minitorch.full((3,), mean))
    assert_close(model.module.b.grad, minitorch.full((2,), mean).double())
    assert_close(model.module.c.grad, minitorch.tensor(3 * mean))


def sums_begin_before_backward_ends(rank, size):
    layers = nn.Sequential(*(nn.Linear(50, 50) for _ in range(6)))
    model = DistributedDataParallel(layers, bucket_cap_mb=0.005)
    started = []
    layers[0].weight.register_hook(lambda grad: started.append(model._reducer.started))
    model(minitorch.ones(2, 50)).sum().backward()
    assert len(model._reducer.buckets) == 6  # a layer each
    assert started == [5]  # all but the first layer's


def the_order_of_gradients_may_differ(rank, size):
    class TwoWays(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(6))

        def forward(self, x, order):
            for i in order:
                x = self.layers[i](x).tanh()
            return x

    minitorch.manual_seed(0)
    model = DistributedDataParallel(TwoWays(), bucket_cap_mb=1e-5)
    order = list(range(6)) if rank % 2 else list(reversed(range(6)))
    for _ in range(3):
        model(minitorch.ones(2, 4), order).sum().backward()
    for param in model.parameters():
        places = [minitorch.empty_like(param.grad) for _ in range(size)]
        distributed.all_gather(places, param.grad)
        assert all(minitorch.equal(places[0], place) for place in places)


def buffers_follow_rank_0(rank, size):
    model = DistributedDataParallel(nn.BatchNorm1d(3))
    norm = model.module
    x = minitorch.full((4, 3), float(rank)) + minitorch.arange(4).float().unsqueeze(1)
    model(x).sum().backward()
    local = norm.running_mean.clone()
    assert_close(local, minitorch.full((3,), 0.1 * (rank + 1.5)))  # of this rank's share
    model(x)
    assert_close(norm.running_mean, 0.9 * minitorch.full((3,), 0.15) + 0.1 * minitorch.full((3,), rank + 1.5))
    assert norm.num_batches_tracked.item() == 2
    apart = DistributedDataParallel(nn.BatchNorm1d(3), broadcast_buffers=False)
    for _ in range(2):
        apart(x).sum().backward()
    assert_close(apart.module.running_mean, minitorch.full((3,), 0.19 * (rank + 1.5)))


class Branches(nn.Module):
    """Uses the layers that it is told."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2, 1, bias=False) for _ in range(3))

    def forward(self, x, used):
        return sum(self.layers[i](x).sum() for i in used)


def unused_parameters_are_found(rank, size):
    minitorch.manual_seed(0)
    for as_view in (False, True):
        model = DistributedDataParallel(Branches(), find_unused_parameters=True, gradient_as_bucket_view=as_view)
        x = minitorch.ones(1, 2)
        for _ in range(2):
            model.zero_grad()
            model(x, [0, 1] if rank == 0 else [0]).backward()
            grads = [layer.weight.grad for layer in model.module.layers]
            assert_close(grads[0], minitorch.ones(1, 2))
            assert_close(grads[1], minitorch.full((1, 2), 1 / size))
            assert grads[2] is None  # no rank used it
        with model.no_sync():
            model(rank * x, [2]).backward()  # counts as used in the sum that follows
        model(x, [0]).backward()
        assert_close(model.module.layers[2].weight.grad, minitorch.full((1, 2), (size - 1) / 2))


def a_parameter_without_gradient_is_named(rank, size):
    model = DistributedDataParallel(Branches())
    model(minitorch.ones(1, 2), [0, 2]).backward()
    message = rf"prior iteration .* On rank {rank}, 1 parameters received no gradient: layers\.1\.weight\."
    with pytest.raises(RuntimeError, match=message):
        model(minitorch.ones(1, 2), [0, 1, 2])


def models_that_differ_are_told(rank, size):
    last = rank == size - 1
    there = rf"on rank {size - 1}"
    for other, message in (
        (
            nn.Linear(3, 5),
            rf"weight is minitorch.float32 \(4, 3\), .* on rank 0, minitorch.float32 \(5, 3\), .* {there}",
        ),
        (nn.Linear(3, 4, bias=False), f"the ranks' Linear differ: parameter bias is .* on rank 0, missing {there}"),
        (nn.Linear(3, 4).double(), "parameter weight is minitorch.float32 .* minitorch.float64"),
        (nn.Linear(3, 4).requires_grad_(False), "requires_grad=True on rank 0, .*requires_grad=False"),
    ):
        if last and not any(param.requires_grad for param in other.parameters()):
            other.extra = nn.Parameter(minitorch.ones(1))
        with pytest.raises(RuntimeError, match=message):
            DistributedDataParallel(other if last else nn.Linear(3, 4))

    def with_order(*names):
        module = nn.Module()
        for name in names:
            module.register_parameter(name, nn.Parameter(minitorch.ones(2)))
        return module

    with pytest.raises(
        RuntimeError, match=f"another order on rank {size - 1} than on rank 0: parameter b, parameter a"
    ):
        DistributedDataParallel(with_order("b", "a") if last else with_order("a", "b"))


def nothing_remains_when_it_is_gone(rank, size):
    model = nn.Linear(2, 2)
    for _ in range(2):
        wrapped = DistributedDataParallel(model)
        wrapped(minitorch.ones(1, 2)).sum().backward()
        reducer = weakref.ref(wrapped._reducer)
        gc.disable()
        del wrapped
        gc.enable()
        assert reducer() is None
        assert all(not param._hooks.after for param in model.parameters())
    model.zero_grad()
    (model(minitorch.ones(1, 2)).sum() * rank).backward()  # not averaged
    assert_close(model.bias.grad, minitorch.full((2,), float(rank)))


if __name__ == "__main__":
    checks.run(
        [
            it_follows_one_process_with_the_whole_batch,
            it_does_with_many_small_buckets,
            it_does_with_gradients_in_the_buckets,
            it_does_with_batches_in_parts,
            it_does_while_looking_for_unused_parameters,
            the_same_options_give_the_same_bits,
            all_ranks_begin_with_those_of_rank_0,
            dtypes_have_buckets_of_their_own,
            sums_begin_before_backward_ends,
            the_order_of_gradients_may_differ,
            buffers_follow_rank_0,
            unused_parameters_are_found,
            a_parameter_without_gradient_is_named,
            models_that_differ_are_told,
            nothing_remains_when_it_is_gone,
        ]
    )
