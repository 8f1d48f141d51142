from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]

isa: str

def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> _Array: ...
def empty_cache() -> None: ...
def memory_allocated() -> int: ...
def memory_reserved() -> int: ...

# ---- gemm ----

def matmul(a: _Array, b: _Array, bias: _Array | None, relu: bool, output: _Array) -> None: ...

# ---- elementwise ----

def relu(input: _Array, output: _Array) -> None: ...
def relu_backward(grad_output: _Array, output: _Array, grad_input: _Array) -> None: ...

# ---- conv ----

_Pair = tuple[int, int]

def conv2d(
    input: _Array,
    weight: _Array,
    bias: _Array | None,
    output: _Array,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    groups: int,
) -> None: ...
def conv2d_backward_input(
    grad_output: _Array,
    weight: _Array,
    grad_input: _Array,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    groups: int,
) -> None: ...
def conv2d_backward_weight(
    input: _Array,
    grad_output: _Array,
    grad_weight: _Array,
    stride: _Pair,
    padding: _Pair,
    dilation: _Pair,
    groups: int,
) -> None: ...
