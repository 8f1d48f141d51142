"""What CuPy's ``fft`` has, computed by NumPy's."""

from __future__ import annotations

import numpy as _np

from ._array import NAMES as _NAMES
from ._array import calling as _calling

for _name, _parameters in _NAMES["fft"].items():
    if hasattr(_np.fft, _name):
        globals()[_name] = _calling(getattr(_np.fft, _name), _name, _parameters)
