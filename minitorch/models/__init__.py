"""Models from the literature."""

from .alexnet import AlexNet, alexnet
from .lenet import LeNet5, LeNet5_1998

__all__ = ["AlexNet", "LeNet5", "LeNet5_1998", "alexnet"]
