"""The switches of the precision of float32 products: where PyTorch users look for them, and without a GPU."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest

import minitorch
from minitorch import backends, precision

SWITCHES = {"matmul": backends.cuda.matmul, "conv": backends.cudnn.conv}


@pytest.fixture(autouse=True)
def as_before():
    before = [(switch, switch.fp32_precision) for switch in SWITCHES.values()]
    yield
    for switch, value in before:
        switch.fp32_precision = value


def test_they_start_as_in_pytorch():
    assert {name: switch.fp32_precision for name, switch in SWITCHES.items()} == {"matmul": "ieee", "conv": "tf32"}
    assert backends.cuda.conv is backends.cudnn.conv
    assert not backends.cuda.matmul.allow_tf32
    assert backends.cudnn.allow_tf32


@pytest.mark.parametrize("name", SWITCHES)
def test_values(name):
    switch = SWITCHES[name]
    for value in ("tf32", "ieee"):
        switch.fp32_precision = value
        assert switch.fp32_precision == value
        assert switch.allow_tf32 == (value == "tf32")
        assert repr(switch) == f"<{name}: fp32_precision={value!r}>"
    switch.allow_tf32 = True
    assert switch.fp32_precision == "tf32"
    for wrong in ("fp32", "TF32", True, None):
        with pytest.raises(ValueError, match=rf"{name}\.fp32_precision can be 'ieee' or 'tf32', got {wrong!r}"):
            switch.fp32_precision = wrong
    assert switch.fp32_precision == "tf32"


def test_winograd():
    switch = backends.winograd
    assert switch.enabled
    with switch.flags():
        assert repr(switch) == "<winograd: enabled=False>"
        with switch.flags(enabled=True):
            assert switch.enabled
        assert not switch.enabled
    with contextlib.suppress(KeyError), switch.flags(enabled=False):
        raise KeyError
    with precision.ieee():
        assert not switch.enabled
    assert switch.enabled
    for wrong in (0, "no", None):
        with pytest.raises(TypeError, match=f"winograd.enabled can be True or False, got {wrong!r}"):
            switch.enabled = wrong


def test_a_misspelt_switch_is_noticed():
    with pytest.raises(AttributeError):
        backends.cuda.matmul.fp32_precison = "tf32"
    with pytest.raises(AttributeError):
        backends.cudnn.fp32_precision = "ieee"
    with pytest.raises(AttributeError):
        backends.winograd.enable = False


def test_the_older_names():
    backends.cudnn.allow_tf32 = False
    assert backends.cudnn.conv.fp32_precision == "ieee"
    for value, got, setting in (("high", "high", "tf32"), ("medium", "high", "tf32"), ("highest", "highest", "ieee")):
        minitorch.set_float32_matmul_precision(value)
        assert minitorch.get_float32_matmul_precision() == got
        assert backends.cuda.matmul.fp32_precision == setting
    with pytest.raises(ValueError, match="expected 'highest', 'high' or 'medium', got 'tf32'"):
        minitorch.set_float32_matmul_precision("tf32")


def test_as_a_context():
    backends.cuda.matmul.fp32_precision = "tf32"
    seen = []
    with contextlib.suppress(KeyError), precision.ieee():
        seen = [switch.fp32_precision for switch in SWITCHES.values()]
        raise KeyError
    assert seen == ["ieee", "ieee"]
    assert {switch.fp32_precision for switch in SWITCHES.values()} == {"tf32"}


@pytest.mark.parametrize("check", [minitorch.autograd.gradcheck, minitorch.autograd.gradgradcheck])
def test_gradients_are_checked_exactly(check):
    seen = set()

    def function(x):
        seen.update(switch.fp32_precision for switch in SWITCHES.values())
        return x * x * x

    backends.cuda.matmul.fp32_precision = "tf32"
    check(function, minitorch.ones(2, dtype=minitorch.float64, requires_grad=True))
    assert seen == {"ieee"}
    assert {switch.fp32_precision for switch in SWITCHES.values()} == {"tf32"}


def test_no_cupy_is_needed():
    code = (
        "import sys, minitorch; minitorch.backends.cuda.matmul.fp32_precision = 'tf32'; "
        "minitorch.backends.cudnn.conv.fp32_precision = 'ieee'; assert 'cupy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
