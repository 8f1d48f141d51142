"""LeNet-5, as it is usually written today and as it was published.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", Proceedings of the IEEE
86(11), 1998, section II.
"""

from __future__ import annotations

import math

from .. import nn
from ..nn import functional as F
from ..nn import init
from ..ops.creation import empty, tensor, zeros
from ..ops.join import cat
from ..ops.shape import flatten
from ..tensor import Tensor
from .checks import check_images


class LeNet5(nn.Module):
    """LeNet-5 with ReLU and max-pooling: (N, 1, 32, 32) → logits (N, num_classes), 61,706 parameters for 10 classes.

    ::

        conv1  5×5, 6 maps    relu  max_pool 2    (N,  6, 14, 14)
        conv2  5×5, 16 maps   relu  max_pool 2    (N, 16,  5,  5)
        fc1    400 → 120      relu
        fc2    120 → 84       relu
        fc3    84 → num_classes

    The names are those of PyTorch's tutorial, so that its weights load. Images of 28×28 (MNIST) are padded to 32×32,
    by the dataset or by ``padding=2``, which makes the first convolution do it.

    >>> import minitorch
    >>> from minitorch.models import LeNet5
    >>> LeNet5()(minitorch.zeros(8, 1, 32, 32)).shape
    minitorch.Size([8, 10])

    Raises:
        RuntimeError: in the call, where the images have another size or more than one channel.
    """

    def __init__(self, num_classes: int = 10, padding: int = 0) -> None:
        super().__init__()
        self.image_size = 32 - 2 * padding
        self.conv1 = nn.Conv2d(1, 6, 5, padding=padding)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, input: Tensor) -> Tensor:
        check_images("LeNet5", input, channels=1, size=self.image_size)
        x = F.max_pool2d(F.relu(self.conv1(input)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(flatten(x, 1)))
        x = F.relu(self.fc2(x))
        return self.fc3(x)  # type: ignore[no-any-return]


class ScaledTanh(nn.Module):
    """1.7159·tanh(2x/3), which maps ±1 to ±1 and is steepest where its argument usually is (appendix A)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input * (2 / 3)) * 1.7159


class Subsampling(nn.Module):
    """w[c] · (sum of each 2×2 window) + b[c]: one coefficient and one bias a map (layers S2 and S4)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.weight = nn.Parameter(empty(channels))
        self.bias = nn.Parameter(zeros(channels))
        _init_1998(self.weight, fan_in=4)

    def forward(self, input: Tensor) -> Tensor:
        total = F.avg_pool2d(input, 2, divisor_override=1)
        return total * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)

    def extra_repr(self) -> str:
        return str(self.channels)


# Table I: the maps of S2 that each of the 16 maps of C3 sees. The first six take three neighbours, the next six four
# neighbours, then three take four with gaps, and the last takes all.
CONNECTIONS_C3 = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)


class PartialConv2d(nn.Module):
    """A convolution whose output maps each see some of the input maps only (layer C3).

    There is one kernel a connection: ``weight`` is (number of connections, KH, KW), in the order of ``connections``.

    >>> from minitorch.models.lenet import CONNECTIONS_C3, PartialConv2d
    >>> PartialConv2d(6, CONNECTIONS_C3, 5).weight.shape
    minitorch.Size([60, 5, 5])
    """

    kernel_of: Tensor

    def __init__(self, in_channels: int, connections: tuple[tuple[int, ...], ...], kernel_size: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        count = sum(map(len, connections))
        self.weight = nn.Parameter(empty(count, kernel_size, kernel_size))
        self.bias = nn.Parameter(zeros(len(connections)))
        # Which kernel connects an input map to an output map: (O, C). No connection is kernel number `count`: zeros.
        kernel_of = [[count] * in_channels for _ in connections]
        number = 0
        for o, inputs in enumerate(connections):
            fan_in = len(inputs) * kernel_size**2
            _init_1998(self.weight.detach()[number : number + len(inputs)], fan_in)
            for c in inputs:
                kernel_of[o][c] = number
                number += 1
        self.register_buffer("kernel_of", tensor(kernel_of), persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        kernels = cat([self.weight, self.weight.new_zeros(1, *self.weight.shape[1:])])
        return F.conv2d(input, kernels[self.kernel_of], self.bias)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {len(self.bias)}, connections={len(self.weight)}"


class RadialBasis(nn.Module):
    """-Σⱼ (x[j] - code[i, j])²: how near x is to the code of each class (output layer).

    The paper's units give the distance, without the minus. Negative distances are logits: with ``CrossEntropyLoss``
    they make the paper's criterion, equation (9), but for its constant j.

    The codes are digits drawn in black (+1) and white (-1) on 7 by 12 dots, and are not trained. These were drawn
    after the description of figure 3; the dots of the paper's own figure are not published as numbers.
    """

    codes: Tensor

    def __init__(self, codes: Tensor) -> None:
        super().__init__()
        self.register_buffer("codes", codes, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        difference = input.unsqueeze(1) - self.codes
        return -(difference * difference).sum(2)

    def extra_repr(self) -> str:
        return f"{self.codes.shape[1]}, {self.codes.shape[0]}"


# The digits 0 to 9 beside each other, each 7 dots wide and 12 high.
_DIGITS = """
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
..###.. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.##.##. ..###.. ##...## ##...## ...###. ##..... .##.... .....## ##...## ##...##
##...## .####.. .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## .##.##. ######. ##..... ....##. ##...## ##...##
##...## ...##.. ....##. ..####. ##..##. .....## ######. ....##. .#####. ##...##
##...## ...##.. ...##.. .....## ##..##. .....## ##...## ...##.. ##...## .######
##...## ...##.. ..##... .....## ####### .....## ##...## ...##.. ##...## .....##
##...## ...##.. .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## ....##.
..###.. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
"""


def _digit_codes() -> list[list[float]]:
    """Each digit's dots, row after row, as +1 (black) and -1 (white): (10, 84)."""
    rows = [line.split() for line in _DIGITS.split("\n") if line]
    return [[1.0 if dot == "#" else -1.0 for row in rows for dot in row[digit]] for digit in range(10)]


class LeNet5_1998(nn.Module):
    """LeNet-5 as published in 1998: (N, 1, 32, 32) → logits (N, 10), with the paper's 60,000 trainable parameters.

    ===== ====================================================== ============ ==========
    layer                                                        output       parameters
    ===== ====================================================== ============ ==========
    c1    convolution 5×5                                        (6, 28, 28)         156
    s2    sum of 2×2, one coefficient and one bias a map         (6, 14, 14)          12
    c3    convolution 5×5 with the 60 connections of Table I     (16, 10, 10)      1,516
    s4    as s2                                                  (16, 5, 5)           32
    c5    convolution 5×5                                        (120, 1, 1)      48,120
    f6    full connection                                        84               10,164
    out   radial basis functions with fixed codes                10                    0
    ===== ====================================================== ============ ==========

    Each layer but the last is followed by 1.7159·tanh(2x/3). Weights begin uniform in ±2.4/fan_in (appendix A), biases
    at 0. The paper's images have white at -0.1 and black at 1.175, which makes mean 0 and variance 1 on MNIST.

    >>> import minitorch
    >>> from minitorch.models import LeNet5_1998
    >>> model = LeNet5_1998()
    >>> sum(p.numel() for p in model.parameters())
    60000
    >>> model(minitorch.zeros(8, 1, 32, 32)).shape
    minitorch.Size([8, 10])

    Raises:
        RuntimeError: in the call, where the images have another size or more than one channel.
    """

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = PartialConv2d(6, CONNECTIONS_C3, 5)
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.out = RadialBasis(tensor(_digit_codes()))
        self.squash = ScaledTanh()
        for layer in (self.c1, self.c5, self.f6):
            weight = layer.weight
            _init_1998(weight, fan_in=math.prod(weight.shape[1:]))
            init.zeros_(layer.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, input: Tensor) -> Tensor:
        check_images("LeNet5_1998", input, channels=1, size=32)
        x = self.squash(self.s2(self.squash(self.c1(input))))
        x = self.squash(self.s4(self.squash(self.c3(x))))
        x = flatten(self.squash(self.c5(x)), 1)
        return self.out(self.squash(self.f6(x)))  # type: ignore[no-any-return]


def _init_1998(weight: Tensor, fan_in: int) -> None:
    """Uniform in ±2.4/fan_in, in place (appendix A)."""
    init.uniform_(weight, -2.4 / fan_in, 2.4 / fan_in)
