"""AlexNet for pictures of 32×32, such as CIFAR-10's, which learns on a laptop in minutes."""

from __future__ import annotations

from .. import nn
from ..ops.shape import flatten
from ..tensor import Tensor
from .checks import check_images


class AlexNetSmall(nn.Module):
    """A small AlexNet: (N, 3, 32, 32) → logits (N, num_classes), 1,472,426 parameters for 10 classes.

    ::

        features    0  conv 5×5, padding 2,  32 maps         relu  max_pool 3 / 2    (N,  32, 15, 15)
                    3  conv 5×5, padding 2,  96 maps         relu  max_pool 3 / 2    (N,  96,  7,  7)
                    6  conv 3×3, padding 1, 192 maps         relu                    (N, 192,  7,  7)
                    8  conv 3×3, padding 1, 128 maps         relu                    (N, 128,  7,  7)
                   10  conv 3×3, padding 1, 128 maps         relu  max_pool 3 / 2    (N, 128,  3,  3)
        classifier  1  1152 → 512, after dropout             relu
                    4   512 → 512, after dropout             relu
                    6   512 → num_classes

    It is :class:`AlexNet` with half as many maps in each layer, and a first convolution that keeps the size of the
    image: 5×5 at each pixel, where pictures of 224×224 have 11×11 at every fourth. The overlapping pools (3×3 at a
    distance of 2), the order of the layers and the names of the parameters are the same.

    >>> import minitorch
    >>> from minitorch.models import AlexNetSmall
    >>> AlexNetSmall()(minitorch.zeros(2, 3, 32, 32)).shape
    minitorch.Size([2, 10])

    Args:
        num_classes: how many logits an image gets.
        dropout: the probability with which each input of the first two layers of ``classifier`` is zero in training.

    Raises:
        RuntimeError: in the call, where the images have another size or number of channels.
    """

    def __init__(self, num_classes: int = 10, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(32, 96, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(96, 192, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(192, 128, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 128, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(128 * 3 * 3, 512),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, num_classes),
        )

    def forward(self, input: Tensor) -> Tensor:
        check_images("AlexNetSmall", input, channels=3, size=32)
        return self.classifier(flatten(self.features(input), 1))  # type: ignore[no-any-return]


def alexnet_small(num_classes: int = 10, dropout: float = 0.5) -> AlexNetSmall:
    """An :class:`AlexNetSmall` with random weights.

    >>> from minitorch.models import alexnet_small
    >>> alexnet_small(num_classes=4).classifier[-1]
    Linear(in_features=512, out_features=4, bias=True)
    """
    return AlexNetSmall(num_classes, dropout)
