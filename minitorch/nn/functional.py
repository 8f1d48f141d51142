"""The operations of neural networks as functions, under PyTorch's names: ``import minitorch.nn.functional as F``."""

from ..ops import conv as _conv
from ..ops.activation import hardsigmoid, hardswish, hardtanh, leaky_relu, prelu, relu, relu6, threshold
from ..ops.adaptive_pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
)
from ..ops.avg_pool import avg_pool1d, avg_pool2d
from ..ops.conv import conv1d
from ..ops.conv_transpose import conv_transpose1d, conv_transpose2d
from ..ops.cross_entropy import cross_entropy, nll_loss
from ..ops.distance_loss import (
    cosine_embedding_loss,
    cosine_similarity,
    hinge_embedding_loss,
    margin_ranking_loss,
    pairwise_distance,
    triplet_margin_loss,
)
from ..ops.dropout import alpha_dropout, dropout, dropout1d, dropout2d
from ..ops.embedding import embedding, one_hot
from ..ops.fold import fold, unfold
from ..ops.geometry import Pair
from ..ops.interpolate import interpolate
from ..ops.local_response import local_response_norm
from ..ops.lp_pool import lp_pool1d, lp_pool2d
from ..ops.matmul import linear
from ..ops.max_pool import max_pool1d, max_pool1d_with_indices, max_pool2d, max_pool2d_with_indices
from ..ops.max_unpool import max_unpool1d, max_unpool2d
from ..ops.normalization import batch_norm, group_norm, instance_norm, layer_norm, normalize, rms_norm
from ..ops.pad import pad
from ..ops.pixel_shuffle import pixel_shuffle, pixel_unshuffle
from ..ops.probability_loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    kl_div,
    poisson_nll_loss,
)
from ..ops.regression_loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from ..ops.smooth_activation import elu, gelu, glu, logsigmoid, mish, selu, sigmoid, silu, softplus, softsign, tanh
from ..tensor import Tensor
from .softmax import log_softmax, softmax, softmin

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "embedding",
    "fold",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "mish",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softplus",
    "softsign",
    "tanh",
    "threshold",
    "triplet_margin_loss",
    "unfold",
]


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    """:func:`minitorch.ops.conv.conv2d`, which says all about it, with the arguments that PyTorch has.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.conv2d(minitorch.ones(8, 3, 28, 28), minitorch.ones(6, 3, 5, 5), padding="same").shape
    minitorch.Size([8, 6, 28, 28])
    """
    return _conv.conv2d(input, weight, bias, stride, padding, dilation, groups)
