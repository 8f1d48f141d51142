"""Reads the CUDA sources: their text, which kernels they define, and what each kernel's parameters are.

Nothing here needs CuPy or a GPU. What a launch can't check by itself (a wrong argument is memory garbage, not an
error) is checked against what is read here.
"""

from __future__ import annotations

import functools
import itertools
import pathlib
import re
from typing import Any, NamedTuple

import numpy as np

KERNELS = pathlib.Path(__file__).with_name("kernels")

# The types that kernels' parameters and the fields of their structs may have; device.cuh defines the short ones.
_TYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "bool": np.dtype(np.bool_),
    "int": np.dtype(np.int32),
    "u8": np.dtype(np.uint8),
    "u16": np.dtype(np.uint16),
    "u32": np.dtype(np.uint32),
    "i64": np.dtype(np.int64),
    "u64": np.dtype(np.uint64),
}


class Parameter(NamedTuple):
    """One parameter of a kernel: its name, the dtype of what it is or points to, and whether it is a pointer."""

    name: str
    dtype: np.dtype[Any]
    pointer: bool


@functools.cache
def families() -> tuple[str, ...]:
    """The names of the files of kernels."""
    return tuple(sorted(path.stem for path in KERNELS.glob("*.cu")))


@functools.cache
def text(family: str) -> str:
    """What the compiler gets: ``device.cuh``, then the family's file with the files that it includes in their place.

    So the caches of compiled kernels, which know a kernel by its source, notice a change in any."""
    source = (KERNELS / f"{family}.cu").read_text()
    included = re.findall(r'^#include "(.*)"$', source, re.MULTILINE)
    source = re.sub(r'^#include ".*"$', "", source, flags=re.MULTILINE)
    parts = {name: (KERNELS / name).read_text() for name in ("device.cuh", *included)} | {f"{family}.cu": source}
    return "\n".join(f'#line 1 "{name}"\n{part}' for name, part in parts.items())


@functools.cache
def instances(family: str) -> dict[str, int]:
    """The instances of the family's kernels that may be launched, each with the compute capability that it needs.

    Lines ``//! instances: relu<float> relu<double>`` list them, so that all can be compiled before any is needed. With
    ``//! instances(80): ...`` they need capability 8.0.
    """
    found: dict[str, int] = {}
    for line in re.finditer(r"^//! instances(?:\((\d+)\))?: (.*)$", text(family), re.MULTILINE):
        for name in line[2].split():
            if name in found:
                raise ValueError(f"{family}.cu lists {name} twice")
            found[name] = int(line[1] or 0)
    return found


@functools.cache
def parameters(family: str, name: str) -> tuple[Parameter, ...]:
    """The parameters of the kernel instance ``name``, such as ``relu<float>``.

    Raises:
        ValueError: there is no such instance, or a parameter has a type that can't be checked.
    """
    if name not in instances(family):
        raise ValueError(f"{family}.cu lists no instance {name!r}, only {', '.join(instances(family)) or 'none'}")
    kernel, _, arguments = name.partition("<")
    if kernel not in kernels(family):
        raise ValueError(f"{family}.cu defines no kernel {kernel!r}")
    variables, declarations = kernels(family)[kernel]
    values = dict(itertools.zip_longest(variables, arguments.removesuffix(">").split(",") if arguments else ()))
    if len(values) != len(variables) or None in values.values():
        raise ValueError(f"{family}.cu: {name} doesn't fit template <{', '.join(variables)}>")
    return tuple([_parameter(family, declaration, values) for declaration in declarations])


def struct(family: str, name: str, **fields: Any) -> np.ndarray[Any, Any]:
    """A value of a struct that the family's source defines, as a 0-d structured array, which launches pass by value.

    Raises:
        ValueError: the fields aren't those of the struct.
    """
    dtype = struct_dtype(family, name)
    if fields.keys() != set(dtype.names or ()):
        raise ValueError(f"{family}.cu: struct {name} has the fields {dtype.names}, got {tuple(fields)}")
    value = np.zeros((), dtype)
    for field, number in fields.items():
        value[field] = number
    return value


@functools.cache
def struct_dtype(family: str, name: str) -> np.dtype[Any]:
    """The layout of a struct of numbers that the family's source defines."""
    found = re.search(rf"\bstruct\s+{name}\s*{{(.*?)}}\s*;", _without_comments(text(family)), re.DOTALL)
    if not found:
        raise ValueError(f"{family}.cu defines no struct {name!r}")
    fields: list[Any] = []
    for declaration in filter(None, map(str.strip, found[1].split(";"))):
        kind, _, names = declaration.partition(" ")
        for field in names.split(","):
            part = re.fullmatch(r"\s*(\w+)\s*(?:\[(\d+)\])?\s*", field)
            if kind not in _TYPES or not part:
                raise ValueError(f"{family}.cu: struct {name}: a field that can't be checked: {declaration!r}")
            fields.append((part[1], _TYPES[kind], (int(part[2]),)) if part[2] else (part[1], _TYPES[kind]))
    return np.dtype(fields, align=True)


def _without_comments(source: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", source, flags=re.DOTALL)


@functools.cache
def kernels(family: str) -> dict[str, tuple[list[str], list[str]]]:
    """For each kernel, the names of its template's parameters and the declarations of its own."""
    source = _without_comments((KERNELS / f"{family}.cu").read_text())
    found: dict[str, tuple[list[str], list[str]]] = {}
    for match in re.finditer(r"(?:template\s*<([^>]*)>\s*)?__global__\b", source):
        variables = [part.split("=")[0].split()[-1] for part in (match[1] or "").split(",") if part.strip()]
        # void, __launch_bounds__(...) and the name: the parameters are in the first parentheses after a plain name.
        position = match.end()
        while True:
            word = re.compile(r"\s*(\w+)\s*").match(source, position)
            if word is None:
                raise ValueError(f"{family}.cu: no name after __global__: {source[position : position + 40]!r}")
            position = word.end()
            if source[position] == "(":
                inside, position = _parenthesized(source, position)
                if word[1] != "__launch_bounds__":
                    found[word[1]] = variables, [part.strip() for part in inside.split(",") if part.strip()]
                    break
    return found


def _parenthesized(source: str, start: int) -> tuple[str, int]:
    """What stands in the parentheses that open at ``start``, and the position after them."""
    depth = 0
    for position in range(start, len(source)):
        depth += {"(": 1, ")": -1}.get(source[position], 0)
        if depth == 0:
            return source[start + 1 : position], position + 1
    raise ValueError("a parenthesis isn't closed")


def _parameter(family: str, declaration: str, values: dict[str, str]) -> Parameter:
    words = re.sub(r"\b(const|__restrict__)\b", " ", declaration).replace("*", " * ").split()
    pointer = "*" in words
    kind, name = words[0], words[-1]
    kind = values.get(kind, kind)
    if len(words) != 2 + pointer or words[1:-1] != ["*"] * pointer:
        raise ValueError(f"{family}.cu: a parameter that can't be read: {declaration!r}")
    return Parameter(name, _TYPES[kind] if kind in _TYPES else struct_dtype(family, kind), pointer)
