"""The examples in docstrings and in the README run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import minitorch

README = Path(__file__).parent.parent / "README.md"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = ["minitorch", *(info.name for info in pkgutil.walk_packages(minitorch.__path__, "minitorch."))]
# Those that need a GPU, or the stand-in for CuPy: tests/on_cuda has them.
ON_CUDA = [name for name in MODULES if name.startswith(("minitorch.backends.cuda.", "minitorch.cuda"))]
HERE = [name for name in MODULES if name not in ("minitorch._C", *ON_CUDA)]


@pytest.mark.parametrize("name", HERE)
def test_docstring_examples(name: str) -> None:
    if name.startswith("minitorch.distributed"):
        pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    minitorch.manual_seed(0)
    results = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert results.failed == 0


# What users import from. Of a part without __all__, the names that it defines itself.
PUBLIC = [
    "",
    "autograd",
    "data",
    "data.transforms",
    "distributed",
    "metrics",
    "models",
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "optim",
    "optim.lr_scheduler",
    "testing",
    "viz",
]
# Their examples are literal blocks, which nobody runs.
NOT_RUN = {f"data.{name}": "downloads files" for name in ("CIFAR10", "CIFAR100", "FashionMNIST", "MNIST")}


@pytest.fixture(scope="module")
def run() -> set[str]:
    """The docstrings whose examples ``test_docstring_examples`` runs."""
    tests = [test for name in HERE for test in doctest.DocTestFinder().find(importlib.import_module(name))]
    return {test.docstring for test in tests if test.examples}


def public_docstrings(part: str) -> dict[str, str]:
    """The docstring of every function and class of a part."""
    module = importlib.import_module(f"minitorch.{part}".rstrip("."))
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    names = getattr(module, "__all__", None) or [name for name in own if not name.startswith("_")]
    public = {f"{part}.{name}".lstrip("."): getattr(module, name) for name in names}
    return {name: value.__doc__ or "" for name, value in public.items() if callable(value)}


@pytest.mark.parametrize("part", PUBLIC)
def test_public_names_have_examples_that_are_run(part: str, run: set[str]) -> None:
    docs = public_docstrings(part)
    assert len(docs) >= 3
    assert [name for name, doc in docs.items() if doc not in run and name not in NOT_RUN] == []
    assert [name for name, doc in docs.items() if name in NOT_RUN and (doc in run or "::\n" not in doc)] == []


def readme_blocks(language: str, section: str = "") -> list[str]:
    text = README.read_text()
    if section:
        text = text.split(f"## {section}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_readme_examples_print_what_they_say() -> None:
    example = "\n".join(readme_blocks("pycon"))
    test = doctest.DocTestParser().get_doctest(example, {}, "README.md", str(README), 0)
    assert len(test.examples) >= 5
    assert doctest.DocTestRunner(optionflags=FLAGS).run(test).failed == 0


def test_readme_has_the_two_commands() -> None:
    blocks = readme_blocks("bash", "Two commands")
    assert [block.count("\n") for block in blocks] == [1, 1]
    assert "train_lenet.py" in blocks[0]
    assert blocks[1].rstrip().endswith("pytest")
