"""Filling parameters before training, as ``torch.nn.init``.

Every function fills its tensor in place, without recording, and returns it. The random ones draw from ``generator`` or
from the default generator, so that ``minitorch.manual_seed(0)`` makes a model the same every time.
"""

from .fill import (
    constant_,
    dirac_,
    eye_,
    normal_,
    ones_,
    orthogonal_,
    sparse_,
    trunc_normal_,
    uniform_,
    zeros_,
)
from .variance import _calculate_fan_in_and_fan_out as _calculate_fan_in_and_fan_out  # PyTorch programs use it
from .variance import (
    calculate_gain,
    kaiming_normal_,
    kaiming_uniform_,
    uniform_bias_,
    xavier_normal_,
    xavier_uniform_,
)

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "uniform_bias_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
