from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

isa: str

def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...

# ---- elementwise ----

def relu(input: _Array, output: _Array) -> None: ...
def relu_backward(grad_output: _Array, output: _Array, grad_input: _Array) -> None: ...
