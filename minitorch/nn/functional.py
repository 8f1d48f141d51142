"""The operations of neural networks as functions, under PyTorch's names: ``import minitorch.nn.functional as F``."""

from ..ops.activation import dropout, leaky_relu, log_softmax, relu, sigmoid, softmax, tanh
from ..ops.conv import conv2d, conv_transpose2d
from ..ops.cross_entropy import cross_entropy, nll_loss
from ..ops.matmul import linear
from ..ops.pool import avg_pool2d, max_pool2d
from ..ops.regression_loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss

__all__ = [
    "avg_pool2d",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "huber_loss",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "smooth_l1_loss",
    "softmax",
    "tanh",
]
