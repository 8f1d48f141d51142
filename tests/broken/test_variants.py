"""The list of broken variants fits the project; ``python -m tests.broken`` proves that the tests notice them."""

from __future__ import annotations

import shlex

import pytest

from broken import VARIANTS
from broken.variant import PROJECT
from broken.workshop import judge


@pytest.mark.parametrize("variant", VARIANTS, ids=[variant.name for variant in VARIANTS])
def test_a_variant_changes_one_place(variant):
    text = (PROJECT / variant.file).read_text()
    broken = variant.broken(text)  # raises unless the old text occurs exactly once
    assert broken != text
    if variant.is_python:
        compile(broken, variant.file, "exec")
    paths = [word for word in shlex.split(variant.tests) if word.startswith("tests/")]
    assert paths
    assert all((PROJECT / path).exists() for path in paths)


def test_names_are_unique_and_there_are_enough():
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)
    assert len(VARIANTS) >= 60
    assert sum(variant.is_native for variant in VARIANTS) >= 20
    assert sum("cuda/kernels" in variant.file for variant in VARIANTS) >= 15


def test_old_text_that_is_gone_is_an_error():
    variant = VARIANTS[0]
    with pytest.raises(ValueError, match=f"{variant.name}: {variant.file} holds the text to replace 0 times, not once"):
        variant.broken("something else")
    with pytest.raises(ValueError, match="2 times, not once"):
        variant.broken(variant.old * 2)


def report(inner):
    case = f'<testcase file="tests/test_a.py" name="test_b[c]">{inner}</testcase>'
    return f"<testsuites><testsuite>{case}</testsuite></testsuites>"


def test_a_failed_assertion_is_a_catch_and_a_broken_import_is_none():
    verdict = judge(report('<failure message="AssertionError: the arrays are not close">...</failure>'))
    assert (verdict.caught, verdict.by) == (True, "tests/test_a.py::test_b[c]")
    verdict = judge(report('<failure message="AssertionError: mul fails&#10;NameError: no x">...</failure>'))
    assert not verdict.caught
    assert verdict.by == "tests/test_a.py::test_b[c] raised NameError: nothing was tested"
    verdict = judge(report('<error message="collection failure">...</error>'))
    assert (verdict.caught, verdict.by) == (False, "tests/test_a.py::test_b[c] could not be run: collection failure")
    assert not judge(report("")).caught
