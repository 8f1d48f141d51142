from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]
_Pair = tuple[int, int]

isa: str

def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...

class Block:
    def __init__(self, bytes: int) -> None: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

def empty_cache() -> None: ...
def memory_allocated() -> int: ...
def memory_reserved() -> int: ...

# ---- gemm ----

def matmul(a: _Array, b: _Array, bias: _Array | None, relu: bool, output: _Array) -> None: ...

# ---- elementwise ----

def relu(input: _Array, output: _Array) -> None: ...
def relu_backward(grad_output: _Array, output: _Array, grad_input: _Array) -> None: ...
def philox(seed: int, offset: int, words: _Array) -> None: ...
def dropout(input: _Array, p: float, seed: int, offset: int, output: _Array) -> None: ...

# ---- loss ----

def softmax(input: _Array, output: _Array) -> None: ...
def log_softmax(input: _Array, output: _Array) -> None: ...
def cross_entropy(input: _Array, target: _Array, ignore_index: int, losses: _Array, logsumexp: _Array) -> None: ...
def cross_entropy_backward(
    grad_output: _Array, input: _Array, target: _Array, logsumexp: _Array, ignore_index: int, grad_input: _Array
) -> None: ...

# ---- norm ----

def standardize(
    input: _Array, eps: float, normalized: _Array, scale: _Array, mean: _Array | None, variance: _Array
) -> None: ...
def standardize_backward(
    grad_normalized: _Array, normalized: _Array, scale: _Array, centred: bool, grad_input: _Array
) -> None: ...
def affine(input: _Array, weight: _Array, bias: _Array | None, output: _Array) -> None: ...
def affine_backward(
    grad_output: _Array,
    input: _Array,
    weight: _Array,
    grad_input: _Array,
    grad_weight: _Array,
    grad_bias: _Array,
) -> None: ...
def local_response(
    input: _Array, before: int, after: int, factor: float, beta: float, k: float, output: _Array, base: _Array
) -> None: ...
def local_response_backward(
    grad_output: _Array,
    input: _Array,
    base: _Array,
    before: int,
    after: int,
    factor: float,
    beta: float,
    grad_input: _Array,
) -> None: ...

# ---- optim ----

def sgd_step(
    params: list[_Array],
    grads: list[_Array],
    momentum_buffers: list[_Array] | None,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    first_step: bool,
) -> None: ...
def adam_step(
    params: list[_Array],
    grads: list[_Array],
    exp_avgs: list[_Array],
    exp_avg_sqs: list[_Array],
    max_exp_avg_sqs: list[_Array] | None,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> None: ...
def rmsprop_step(
    params: list[_Array],
    grads: list[_Array],
    square_avgs: list[_Array],
    grad_avgs: list[_Array] | None,
    momentum_buffers: list[_Array] | None,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
) -> None: ...

# ---- pool ----

def max_pool2d(
    input: _Array,
    output: _Array,
    indices: _Array,
    kernel_size: _Pair,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
) -> None: ...
def max_pool2d_backward(
    grad_output: _Array,
    indices: _Array,
    grad_input: _Array,
    kernel_size: _Pair,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
) -> None: ...
def max_pool2d_gather(
    input: _Array,
    indices: _Array,
    output: _Array,
    kernel_size: _Pair,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
) -> None: ...
def avg_pool2d(
    input: _Array,
    output: _Array,
    kernel_size: _Pair,
    stride: _Pair,
    padding: _Pair,
    count_include_pad: bool,
    divisor: float,
) -> None: ...
def avg_pool2d_backward(
    grad_output: _Array,
    grad_input: _Array,
    kernel_size: _Pair,
    stride: _Pair,
    padding: _Pair,
    count_include_pad: bool,
    divisor: float,
) -> None: ...

# ---- conv ----

def conv2d(
    input: _Array,
    weight: _Array,
    bias: _Array | None,
    output: _Array,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    groups: int,
    winograd: bool = ...,
) -> None: ...
def conv2d_backward_input(
    grad_output: _Array,
    weight: _Array,
    grad_input: _Array,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    groups: int,
    winograd: bool = ...,
) -> None: ...
def conv2d_backward_weight(
    input: _Array,
    grad_output: _Array,
    grad_weight: _Array,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    groups: int,
    winograd: bool = ...,
) -> None: ...
