"""The operations of neural networks as functions, under PyTorch's names: ``import minitorch.nn.functional as F``."""

from ..ops.activation import dropout, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from ..ops.conv import conv2d, conv_transpose2d
from ..ops.loss import cross_entropy, mse_loss, nll_loss
from ..ops.matmul import linear
from ..ops.pool import avg_pool2d, max_pool2d

__all__ = [
    "avg_pool2d",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]
