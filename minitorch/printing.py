"""How tensors are shown."""

from typing import Any
import numpy as np


def tensor_repr(t: Any) -> str:
    body = np.array2string(np.asarray(t.data), separator=", ", precision=4)
    return f"tensor({body})"
