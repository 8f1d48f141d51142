"""Models from the literature."""

from .alexnet import AlexNet, alexnet
from .alexnet_2012 import AlexNet2012, alexnet_2012
from .alexnet_small import AlexNetSmall, alexnet_small
from .blocks import BasicBlock, Bottleneck, DepthwiseSeparableConv2d, Inception, projection
from .lenet import LeNet5, LeNet5_1998

__all__ = [
    "AlexNet",
    "AlexNet2012",
    "AlexNetSmall",
    "BasicBlock",
    "Bottleneck",
    "DepthwiseSeparableConv2d",
    "Inception",
    "LeNet5",
    "LeNet5_1998",
    "alexnet",
    "alexnet_2012",
    "alexnet_small",
    "projection",
]
