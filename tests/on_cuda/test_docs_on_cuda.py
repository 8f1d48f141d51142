"""The examples in docstrings of what needs CuPy."""

from __future__ import annotations

import doctest
import importlib

import pytest
from test_docs import FLAGS, ON_CUDA


@pytest.mark.parametrize("name", ON_CUDA)
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=FLAGS).failed == 0
