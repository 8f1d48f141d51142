"""Writes what CuPy has into standin/cupy/names.json, so that the stand-in offers no more. Run it where CuPy is.

CuPy can be imported without a GPU. A function's entry is its parameters, "ufunc", or null where Python can't tell.
"""

from __future__ import annotations

import inspect
import json
import pathlib

import cupy


def parameters(function):
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    starred = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [starred.get(p.kind, "") + p.name for p in signature.parameters.values()]


def names(module):
    found = {}
    for name in sorted(dir(module)):
        value = getattr(module, name)
        if name.startswith("_") or inspect.ismodule(value) or isinstance(value, type) or not callable(value):
            continue
        found[name] = "ufunc" if isinstance(value, cupy.ufunc) else parameters(value)
    return found


described = {
    "version": cupy.__version__,
    "cupy": names(cupy),
    "linalg": names(cupy.linalg),
    "fft": names(cupy.fft),
    "ndarray": [name for name in dir(cupy.ndarray) if not name.startswith("_")],
}
path = pathlib.Path(__file__).with_name("standin") / "cupy" / "names.json"
path.write_text(json.dumps(described, indent=0) + "\n")
