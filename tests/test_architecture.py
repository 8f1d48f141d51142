"""The layers of the library, and the promises that concern the whole of it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minitorch

PACKAGE = Path(minitorch.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each part of the package may import of the others. The leaves, which import nothing, may be used everywhere.
LEAVES = {"devices", "dtypes", "precision", "version"}
ALLOWED: dict[str, set[str]] = {
    "backends": {"_C"},
    "autograd": set(),
    "tensor": {"autograd", "backends", "tensor_methods"},
    "cuda": {"backends", "cuda_graphs", "cuda_streams", "random"},
    "cuda_streams": {"backends"},
    "cuda_graphs": {"backends", "optim", "random"},
    "printing": {"tensor"},
    "random": {"backends"},
    "threads": {"backends"},
    "ops": {"tensor", "autograd", "backends", "random"},
    "nn": {"ops", "tensor", "autograd", "backends", "random"},
    "optim": {"nn", "ops", "tensor", "autograd", "backends"},
    "serialization": {"tensor", "random"},
    "data": {"backends", "ops", "tensor", "random", "autograd", "distributed", "threads"},
    "distributed": {"nn", "ops", "tensor", "autograd", "backends", "threads"},
    "metrics": {"ops", "tensor"},
    "models": {"nn", "ops", "tensor", "random"},
    "testing": {"tensor", "autograd", "ops", "nn"},
    "viz": {"tensor"},
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[tuple[str, int]]:
    """The parts of minitorch, and other packages as ``!name``, that a file imports, each with the line."""
    found = set()
    package = list(path.relative_to(PACKAGE.parent).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from . import random` imports a module, `from .random import seed` a name of it.
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "minitorch" else [module]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            found.add((rest.split(".")[0] if top == "minitorch" else f"!{top}", node.lineno))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downwards(path: Path) -> None:
    part = part_of(path)
    if part == "__init__":
        return  # gathers everything
    assert part in ALLOWED or part in LEAVES, f"{part} has no place in the layers yet: add it to ALLOWED"
    for name, line in imported_parts(path):
        where = f"{path.relative_to(PACKAGE)}:{line}"
        if name.startswith("!"):
            assert name != "!cupy" or part == "backends", f"{where}: only backends/cuda may import cupy"
            assert name != "!torch", f"{where}: Minitorch never depends on PyTorch"
        elif name == "_C":
            assert path == PACKAGE / "backends" / "cpu.py", f"{where}: only backends/cpu.py may import minitorch._C"
        elif name:
            assert name == part or name in LEAVES or name in ALLOWED.get(part, set()), f"{where}: {part} imports {name}"


def test_the_walk_sees_imports() -> None:
    def parts(*path: str) -> set[str]:
        return {name for name, _ in imported_parts(PACKAGE.joinpath(*path))}

    assert {"autograd", "backends", "dtypes"} <= parts("tensor.py")
    assert {"autograd", "tensor", "ops"} <= parts("ops", "inplace.py")
    assert "_C" in parts("backends", "cpu.py")


def test_declared_methods_are_the_attached_ones() -> None:
    stub = ast.parse((PACKAGE / "tensor_methods.pyi").read_text())
    (methods,) = [node for node in stub.body if isinstance(node, ast.ClassDef)]
    declared = {node.name for node in methods.body if isinstance(node, ast.FunctionDef)}
    attached = set()
    for name, value in vars(minitorch.Tensor).items():
        function = value.fget if isinstance(value, property) else value
        if getattr(function, "__module__", "").startswith("minitorch.ops"):
            attached.add(name)
    assert declared - attached == set(), "declared in tensor_methods.pyi but not attached"
    assert attached - declared == set(), "attached but not declared in tensor_methods.pyi"


def test_import_loads_no_heavy_package() -> None:
    code = "import sys, minitorch; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "torch",
        "cupy",
        "hypothesis",
        "matplotlib",
        "sklearn",
        "scipy",
        "tqdm",
        "pytest",
        "safetensors",
        "mpi4py",
        "PIL",
    }
    assert not heavy & set(loaded)


def test_public_names_have_docstrings() -> None:
    undocumented = [
        name
        for name in minitorch.__all__
        if callable(getattr(minitorch, name)) and not getattr(minitorch, name).__doc__
    ]
    assert not undocumented
