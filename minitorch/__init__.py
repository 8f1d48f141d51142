"""Minitorch: tensors, automatic differentiation and convolutional networks, small enough to read in a weekend.

>>> import minitorch
>>> x = minitorch.tensor([1., 2., 3.], requires_grad=True)
>>> (x ** 2).sum().backward()
>>> x.grad
tensor([2., 4., 6.])
"""

# isort: skip_file
# The order is that of the layers: dtypes and devices, autograd, tensors, operations.
from typing import TYPE_CHECKING as _TYPE_CHECKING

from .version import __version__
from .dtypes import (
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
)
from .devices import device
from .autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .tensor import Size, Tensor
from .random import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .ops.creation import arange, as_tensor, empty, eye, from_numpy, full, linspace, ones, tensor, zeros
from .ops.like import empty_like, full_like, ones_like, zeros_like
from .ops.sampling import bernoulli, normal, rand, rand_like, randint, randint_like, randn, randn_like, randperm
from .ops.compare import (
    allclose,
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    eq,
    equal,
    ge,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
)
from .ops.compare import ge as greater_equal, gt as greater, le as less_equal, lt as less, ne as not_equal
from .ops.convert import clone
from .ops.dispatch import result_type
from .ops.arithmetic import add, div, floor_divide, mul, pow, remainder, sub
from .ops.arithmetic import div as divide, div as true_divide, mul as multiply, sub as subtract
from .ops.binary import lerp, logaddexp
from .ops.elementwise import abs_ as abs, neg, positive, reciprocal, rsqrt, sign, sqrt, square
from .ops.elementwise import abs_ as absolute, neg as negative
from .ops.exponential import exp, exp2, expm1, log, log1p, log2, log10
from .ops.rounding import ceil, floor, round_ as round, trunc
from .ops.rounding import trunc as fix
from .ops.special import erf
from .ops.trigonometric import acos, asin, atan, atan2, cos, cosh, sin, sinh, tan
from .ops.trigonometric import acos as arccos, asin as arcsin, atan as arctan, atan2 as arctan2
from .ops.conv import conv1d, conv2d
from .ops.conv_transpose import conv_transpose1d, conv_transpose2d
from .ops.adaptive_pool import adaptive_avg_pool1d
from .ops.adaptive_pool import adaptive_max_pool1d_with_indices as adaptive_max_pool1d  # as torch has it
from .ops.avg_pool import avg_pool1d
from .ops.max_pool import max_pool1d, max_pool1d_with_indices, max_pool2d
from .ops.activation import prelu, relu
from .ops.dropout import dropout
from .ops.smooth_activation import sigmoid, tanh
from .ops.softmax import log_softmax, softmax
from .ops.distance_loss import cosine_similarity, pairwise_distance
from .ops.diagonal import diag, diagonal, tril, triu
from .ops.gather import gather, index_select, scatter, scatter_add, take_along_dim
from .ops.selection import clamp, clamp_max, clamp_min, masked_fill, maximum, minimum, nan_to_num, where
from .ops.selection import clamp as clip
from .ops.pixel_shuffle import pixel_shuffle, pixel_unshuffle
from .ops.matmul import bmm, dot, matmul, mm, mv
from .ops.products import addmm, baddbmm, outer, trace
from .ops.einsum import einsum, tensordot
from .ops import return_types
from .ops.reduce import all, any, count_nonzero, logsumexp, mean, std, sum, var
from .ops.extremes import amax, amin, argmax, argmin, max, min
from .ops.counting import bincount, unique
from .ops.order import argsort, median, sort, topk
from .ops.scan import cumprod, cumsum, prod
from .ops.vector_norm import norm
from .ops.index import masked_select, nonzero
from .ops.arrange import flip, meshgrid, roll, tile
from .ops.join import cat, chunk, concat, concatenate, narrow, select, split, stack, unbind
from .ops.permute import movedim, permute, swapaxes, t, transpose
from .ops.permute import movedim as moveaxis, transpose as swapdims
from .ops.shape import broadcast_to, flatten, reshape, squeeze, unflatten, unsqueeze
from .precision import get_float32_matmul_precision, set_float32_matmul_precision
from .printing import set_printoptions
from .serialization import load, save
from .threads import get_num_threads, set_num_threads
from . import autograd, ops
from .dtypes import bool_ as bool
from .dtypes import float16 as half, float32 as float, float64 as double, int32 as int, int64 as long

_PACKAGES = ("cuda", "data", "distributed", "metrics", "models", "nn", "optim", "testing", "viz")
if _TYPE_CHECKING:
    from . import cuda, data, distributed, metrics, models, nn, optim, testing, viz


__all__ = [
    "Generator",
    "Size",
    "Tensor",
    "__version__",
    "abs",
    "absolute",
    "acos",
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
    "add",
    "addmm",
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "arange",
    "arccos",
    "arcsin",
    "arctan",
    "arctan2",
    "argmax",
    "argmin",
    "argsort",
    "as_tensor",
    "asin",
    "atan",
    "atan2",
    "autograd",
    "avg_pool1d",
    "baddbmm",
    "bernoulli",
    "bincount",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "bmm",
    "bool",
    "broadcast_to",
    "cat",
    "ceil",
    "chunk",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "clone",
    "concat",
    "concatenate",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cos",
    "cosh",
    "cosine_similarity",
    "count_nonzero",
    "cuda",
    "cumprod",
    "cumsum",
    "data",
    "device",
    "diag",
    "diagonal",
    "distributed",
    "div",
    "divide",
    "dot",
    "double",
    "dropout",
    "dtype",
    "einsum",
    "empty",
    "empty_like",
    "enable_grad",
    "eq",
    "equal",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "eye",
    "fix",
    "flatten",
    "flip",
    "float",
    "float16",
    "float32",
    "float64",
    "floor",
    "floor_divide",
    "from_numpy",
    "full",
    "full_like",
    "gather",
    "ge",
    "get_default_dtype",
    "get_float32_matmul_precision",
    "get_num_threads",
    "get_rng_state",
    "greater",
    "greater_equal",
    "gt",
    "half",
    "index_select",
    "initial_seed",
    "int",
    "int32",
    "int64",
    "is_grad_enabled",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "lerp",
    "less",
    "less_equal",
    "linspace",
    "load",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "long",
    "lt",
    "manual_seed",
    "masked_fill",
    "masked_select",
    "matmul",
    "max",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "maximum",
    "mean",
    "median",
    "meshgrid",
    "metrics",
    "min",
    "minimum",
    "mm",
    "models",
    "moveaxis",
    "movedim",
    "mul",
    "multiply",
    "mv",
    "nan_to_num",
    "narrow",
    "ne",
    "neg",
    "negative",
    "nn",
    "no_grad",
    "nonzero",
    "norm",
    "normal",
    "not_equal",
    "ones",
    "ones_like",
    "ops",
    "optim",
    "outer",
    "pairwise_distance",
    "permute",
    "pixel_shuffle",
    "pixel_unshuffle",
    "positive",
    "pow",
    "prelu",
    "prod",
    "promote_types",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "reciprocal",
    "relu",
    "remainder",
    "reshape",
    "result_type",
    "return_types",
    "roll",
    "round",
    "rsqrt",
    "save",
    "scatter",
    "scatter_add",
    "seed",
    "select",
    "set_default_dtype",
    "set_float32_matmul_precision",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softmax",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "swapdims",
    "t",
    "take_along_dim",
    "tan",
    "tanh",
    "tensor",
    "tensordot",
    "testing",
    "tile",
    "topk",
    "trace",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "uint8",
    "unbind",
    "unflatten",
    "unique",
    "unsqueeze",
    "var",
    "viz",
    "where",
    "zeros",
    "zeros_like",
]


def __getattr__(name: str) -> object:
    """Imports a package above the operations when it is first used: ``import minitorch`` stays quick."""
    if name in _PACKAGES:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'minitorch' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PACKAGES})
