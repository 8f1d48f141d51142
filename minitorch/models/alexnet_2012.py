"""AlexNet as it was published.

Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", Advances in Neural
Information Processing Systems 25 (2012), section 3 and figure 2.
"""

from __future__ import annotations

from .. import nn
from ..nn import init
from ..ops.shape import flatten
from ..tensor import Tensor
from .checks import check_images


class AlexNet2012(nn.Module):
    """AlexNet of 2012: (N, 3, 227, 227) → logits (N, num_classes), 60,965,224 parameters for 1000 classes.

    ::

        features    0  conv 11×11 / 4, 96 maps              relu  norm  (N,  96, 55, 55)  max_pool 3 / 2  (27, 27)
                    4  conv  5×5, padding 2, 256 maps in 2  relu  norm  (N, 256, 27, 27)  max_pool 3 / 2  (13, 13)
                    8  conv  3×3, padding 1, 384 maps       relu        (N, 384, 13, 13)
                   10  conv  3×3, padding 1, 384 maps in 2  relu        (N, 384, 13, 13)
                   12  conv  3×3, padding 1, 256 maps in 2  relu        (N, 256, 13, 13)  max_pool 3 / 2  ( 6,  6)
        classifier  0  9216 → 4096                          relu  dropout
                    3  4096 → 4096                          relu  dropout
                    6  4096 → num_classes

    The outputs of these eight layers are the network's units: 659,272 for 1000 classes. The paper rounds them to
    650,000, and the parameters to 60 million.

    - **227**: the paper says that the images are 224×224, and 55×55 outputs of each map of the first layer, as in its
      figure 2. But (224 - 11)/4 + 1 is 54.25, and (227 - 11)/4 + 1 is 55: implementations since Caffe's take 227.
    - **2**: the network was spread over two GPUs. "In 2" are layers whose maps see only the half of the maps that lay
      on their GPU (``groups=2``); the first half of the maps is one GPU's.
    - **norm**: local response normalisation (section 3.3) with k = 2, n = 5, α = 10⁻⁴, β = 0.75.
    - Pools overlap: windows of 3 at a distance of 2 (section 3.4).
    - Weights begin normal with deviation 0.01; biases begin at 1 in the second, fourth and fifth convolution and the
      hidden layers of ``classifier``, where they give ReLU positive inputs, and at 0 elsewhere (section 5).
    - Dropout divides by 1 - p in training, where the paper multiplies by 0.5 in testing.

    >>> import minitorch
    >>> from minitorch.models import AlexNet2012
    >>> model = AlexNet2012(num_classes=10).eval()
    >>> model(minitorch.zeros(2, 3, 227, 227)).shape
    minitorch.Size([2, 10])
    >>> model.features[2]
    LocalResponseNorm(5, alpha=0.0005, beta=0.75, k=2)

    Args:
        num_classes: how many logits an image gets.
        dropout: the probability with which each unit of the two hidden layers of ``classifier`` is zero in training.

    Raises:
        RuntimeError: in the call, where the images have another size or number of channels.
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, kernel_size=11, stride=4),
            nn.ReLU(),
            _response_norm(),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=2),
            nn.ReLU(),
            _response_norm(),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(256, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, kernel_size=3, padding=1, groups=2),
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1, groups=2),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the weights and sets the biases as section 5 of the paper says."""
        convs = [layer for layer in self.features if isinstance(layer, nn.Conv2d)]
        hidden_1, hidden_2, output = (layer for layer in self.classifier if isinstance(layer, nn.Linear))
        ones = {convs[1], convs[3], convs[4], hidden_1, hidden_2}
        for layer in (*convs, hidden_1, hidden_2, output):
            init.normal_(layer.weight, std=0.01)
            init.constant_(layer.bias, 1.0 if layer in ones else 0.0)

    def forward(self, input: Tensor) -> Tensor:
        check_images("AlexNet2012", input, channels=3, size=227)
        return self.classifier(flatten(self.features(input), 1))  # type: ignore[no-any-return]


def _response_norm() -> nn.LocalResponseNorm:
    """b[i] = a[i] / (k + α·Σ_j a[j]²)^β, the sum over the n maps j around map i.

    PyTorch's layer takes the mean of n maps, with zeros beyond the first and the last, where the paper takes the sum:
    its alpha is n·α.
    """
    n = 5
    return nn.LocalResponseNorm(n, alpha=n * 1e-4, beta=0.75, k=2)


def alexnet_2012(num_classes: int = 1000, dropout: float = 0.5) -> AlexNet2012:
    """An :class:`AlexNet2012` with the paper's random weights.

    >>> from minitorch.models import alexnet_2012
    >>> alexnet_2012(num_classes=10).features[4]
    Conv2d(96, 256, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2), groups=2)
    """
    return AlexNet2012(num_classes, dropout)
