"""Initialisation: distributions, fans, gains, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitorch
from minitorch import nn
from minitorch.nn import init

ROOT3 = math.sqrt(3)


def test_constants():
    assert init.constant_(minitorch.empty(2), 3).tolist() == [3, 3]
    assert init.ones_(minitorch.empty(2)).tolist() == [1, 1]
    assert init.zeros_(minitorch.empty(2)).tolist() == [0, 0]


def test_a_parameter_is_filled_in_place_without_recording():
    parameter = nn.Parameter(minitorch.zeros(4, 4))
    version = parameter._version
    assert init.uniform_(parameter, 1, 2) is parameter
    assert parameter.is_leaf
    assert parameter._version > version
    assert (parameter >= 1).all()
    transposed = minitorch.zeros(3, 2).t()
    assert (init.uniform_(transposed, 1, 2) >= 1).all()


# Weight (O, I, KH, KW) = (60, 50, 3, 2): fan_in 300, fan_out 360.
@pytest.mark.parametrize(
    ("fill", "std", "bound"),
    [
        (lambda t: init.uniform_(t, -2, 2), 2 / ROOT3, 2),
        (lambda t: init.normal_(t, 0, 3), 3, None),
        (init.xavier_uniform_, math.sqrt(2 / 660), math.sqrt(6 / 660)),
        (lambda t: init.xavier_normal_(t, gain=2), 2 * math.sqrt(2 / 660), None),
        (init.kaiming_uniform_, math.sqrt(2 / 300), math.sqrt(6 / 300)),
        (lambda t: init.kaiming_uniform_(t, a=math.sqrt(5)), 1 / math.sqrt(900), 1 / math.sqrt(300)),
        (lambda t: init.kaiming_normal_(t, mode="fan_out"), math.sqrt(2 / 360), None),
        (lambda t: init.kaiming_normal_(t, nonlinearity="tanh"), 5 / 3 / math.sqrt(300), None),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_spread(fill, std, bound, dtype):
    minitorch.manual_seed(0)
    tensor = minitorch.empty(60, 50, 3, 2, dtype=dtype)
    values = fill(tensor).numpy()
    assert values.dtype == dtype
    assert abs(values.mean()) < 4 * std / math.sqrt(values.size)
    assert abs(values.std() / std - 1) < 0.03
    if bound is not None:
        assert (np.abs(values) <= np.float32(bound)).all()


def test_a_generator_repeats_and_leaves_the_default_alone():
    state = minitorch.get_rng_state()
    first = init.normal_(minitorch.empty(5), generator=minitorch.Generator().manual_seed(4))
    second = init.normal_(minitorch.empty(5), generator=minitorch.Generator().manual_seed(4))
    assert minitorch.equal(first, second)
    assert minitorch.get_rng_state() == state


def test_gains():
    assert init.calculate_gain("conv2d") == init.calculate_gain("sigmoid") == 1
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert init.calculate_gain("leaky_relu", 2) == math.sqrt(2 / 5)
    assert init.calculate_gain("selu") == 0.75


def test_empty_tensors_stay_empty():
    for fill in (init.uniform_, init.normal_, init.xavier_uniform_, init.kaiming_uniform_):
        assert fill(minitorch.empty(0, 3)).shape == (0, 3)
        assert fill(minitorch.empty(3, 0)).shape == (3, 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: init.uniform_(minitorch.zeros(2), 1, 0), RuntimeError, r"found from=1 > to=0"),
        (lambda: init.normal_(minitorch.zeros(2), std=-1), RuntimeError, r"std >= 0.0, but found std -1"),
        (lambda: init.uniform_(minitorch.arange(3)), RuntimeError, "uniform_: expected a tensor of a floating-point"),
        (lambda: init.normal_(minitorch.arange(3)), RuntimeError, "normal_: expected a tensor of a floating-point"),
        (lambda: init.xavier_normal_(minitorch.zeros(3)), ValueError, r"fewer than 2 dimensions, got shape \(3,\)"),
        (lambda: init.kaiming_normal_(minitorch.zeros(3, 3), mode="fan"), ValueError, "Mode fan not supported"),
        (lambda: init.calculate_gain("gelu"), ValueError, "Unsupported nonlinearity gelu"),
        (lambda: init.calculate_gain("leaky_relu", True), ValueError, "negative_slope True not a valid number"),
        (lambda: init.zeros_(minitorch.zeros(1).expand(3)), RuntimeError, "constant_: this tensor is read-only"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
