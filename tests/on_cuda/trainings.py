"""Small trainings with a CUDA graph and without one."""

from __future__ import annotations

import numpy as np

import minitorch
import minitorch.nn.functional as F
from minitorch import nn, optim
from minitorch.cuda import CUDAGraph
from minitorch.cuda import graph as capture
from minitorch.models import LeNet5

BATCH = 4


class SmallNet(nn.Module):
    """Convolution, batch norm, dropout of elements and of channels."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 5, stride=3)
        self.norm = nn.BatchNorm2d(3)
        self.channels = nn.Dropout2d(0.3)
        self.dropout = nn.Dropout(0.5)
        self.linear = nn.Linear(300, 10)

    def forward(self, images):
        x = self.channels(F.relu(self.norm(self.conv(images))))
        return self.linear(self.dropout(minitorch.flatten(x, 1)))


def batches(count, size=BATCH):
    generator = minitorch.Generator().manual_seed(1)
    for _ in range(count):
        images = minitorch.randn(size, 1, 32, 32, generator=generator)
        yield images.cuda(), minitorch.randint(10, (size,), generator=generator).cuda()


class Training:
    """The same training with a graph and without it: by calls of ``step``, or replays after the first of them."""

    def __init__(self, graphed, make_model=LeNet5, make_optimizer=optim.SGD, accumulate=1, clip=None, schedule=None):
        minitorch.manual_seed(0)
        self.model = make_model().cuda()
        self.optimizer = make_optimizer(self.model.parameters())
        self.schedule = schedule and schedule(self.optimizer)
        self.accumulate, self.clip = accumulate, clip
        self.images, self.labels = (tensor.clone() for tensor in next(iter(batches(1))))
        self.graph = CUDAGraph() if graphed else None
        self.losses = []

    def step(self):
        self.optimizer.zero_grad()
        for _ in range(self.accumulate):
            loss = F.cross_entropy(self.model(self.images), self.labels)
            loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        return loss

    def capture(self):
        with capture(self.graph):
            self.loss = self.step()

    def train(self, data, eager=1):
        """The first ``eager`` batches without the graph."""
        for i, (images, labels) in enumerate(data):
            self.images.copy_(images)
            self.labels.copy_(labels)
            if self.graph is None or i < eager:
                loss = self.step()
            else:
                if i == eager:
                    self.capture()
                self.graph.replay()
                loss = self.loss
            self.losses.append(loss.item())
            if self.schedule is not None:
                self.schedule.step()
        return self

    def state(self):
        """Everything that training changes."""
        states = [state for _, state in sorted(self.optimizer.state_dict()["state"].items())]
        tensors = [*self.model.state_dict().values(), *(p.grad for p in self.model.parameters())]
        tensors += [value for state in states for value in state.values() if isinstance(value, minitorch.Tensor)]
        numbers = [state.get("step") for state in states], minitorch.get_rng_state(), self.losses
        return [tensor.numpy(force=True) for tensor in tensors], numbers


def assert_same(one, other):
    (arrays, numbers), (other_arrays, other_numbers) = one.state(), other.state()
    assert numbers == other_numbers
    for array, other_array in zip(arrays, other_arrays, strict=True):
        assert array.tobytes() == other_array.tobytes()
    assert np.isfinite(one.losses).all()
