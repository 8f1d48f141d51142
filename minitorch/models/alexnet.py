"""AlexNet as it is usually trained today: for one GPU, with torchvision's maps and names.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997 (2014), merged the two
towers of the network of 2012 (Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
networks") into one, without groups. torchvision also leaves out the local response normalisation, and has 256 maps in
the fourth convolution, where the paper has 384.
"""

from __future__ import annotations

from .. import nn
from ..ops.shape import flatten
from ..tensor import Tensor


class AlexNet(nn.Module):
    """AlexNet with one tower: (N, 3, 224, 224) → logits (N, num_classes), 61,100,840 parameters for 1000 classes.

    ::

        features    0  conv 11×11 / 4, padding 2, 64 maps    relu  max_pool 3 / 2    (N,  64, 27, 27)
                    3  conv  5×5, padding 2, 192 maps        relu  max_pool 3 / 2    (N, 192, 13, 13)
                    6  conv  3×3, padding 1, 384 maps        relu                    (N, 384, 13, 13)
                    8  conv  3×3, padding 1, 256 maps        relu                    (N, 256, 13, 13)
                   10  conv  3×3, padding 1, 256 maps        relu  max_pool 3 / 2    (N, 256,  6,  6)
        avgpool        the mean of each of 6×6 bins                                  (N, 256,  6,  6)
        classifier  1  9216 → 4096, after dropout            relu
                    4  4096 → 4096, after dropout            relu
                    6  4096 → num_classes

    Names and order of the parameters are torchvision's, so that its weights load. ``avgpool`` leaves the features of
    224×224 images as they are, and makes images of other sizes possible, from 63×63 on.

    >>> import minitorch
    >>> from minitorch.models import AlexNet
    >>> AlexNet(num_classes=10).eval()(minitorch.zeros(2, 3, 96, 64)).shape
    minitorch.Size([2, 10])

    Args:
        num_classes: how many logits an image gets.
        dropout: the probability with which each input of the first two layers of ``classifier`` is zero in training.

    Raises:
        RuntimeError, ValueError: in the call, where the images are smaller or don't have three channels; it names the
            layer.
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(64, 192, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(192, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, num_classes),
        )

    def forward(self, input: Tensor) -> Tensor:
        x = self.avgpool(self.features(input))
        return self.classifier(flatten(x, 1))  # type: ignore[no-any-return]


def alexnet(num_classes: int = 1000, dropout: float = 0.5) -> AlexNet:
    """An :class:`AlexNet` with random weights; torchvision's name for it.

    >>> from minitorch.models import alexnet
    >>> alexnet(num_classes=10).classifier[-1]
    Linear(in_features=4096, out_features=10, bias=True)
    """
    return AlexNet(num_classes, dropout)
