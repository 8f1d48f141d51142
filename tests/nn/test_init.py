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


RANDOM = [
    init.uniform_,
    init.normal_,
    init.trunc_normal_,
    init.xavier_uniform_,
    init.xavier_normal_,
    init.kaiming_uniform_,
    init.kaiming_normal_,
    init.orthogonal_,
    lambda tensor, generator=None: init.trunc_normal_(tensor, a=1.5, b=3.0, generator=generator),
    lambda tensor, generator=None: init.sparse_(tensor, 0.5, generator=generator),
]


@pytest.mark.parametrize("fill", RANDOM)
def test_a_generator_repeats_and_leaves_the_default_alone(fill):
    state = minitorch.get_rng_state()
    first = fill(minitorch.empty(5, 4), generator=minitorch.Generator().manual_seed(4))
    second = fill(minitorch.empty(5, 4), generator=minitorch.Generator().manual_seed(4))
    assert minitorch.equal(first, second)
    assert minitorch.get_rng_state() == state
    other = fill(minitorch.empty(5, 4), generator=minitorch.Generator().manual_seed(5))
    assert not minitorch.equal(first, other)
    fill(minitorch.empty(5, 4))
    assert minitorch.get_rng_state() != state


def test_gains():
    assert init.calculate_gain("conv2d") == init.calculate_gain("sigmoid") == 1
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert init.calculate_gain("leaky_relu", 2) == math.sqrt(2 / 5)
    assert init.calculate_gain("selu") == 0.75


@pytest.mark.parametrize("fill", [*RANDOM, init.eye_, init.ones_])
def test_empty_tensors_stay_empty(fill):
    assert fill(minitorch.empty(0, 3)).shape == (0, 3)
    assert fill(minitorch.empty(3, 0)).shape == (3, 0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("fill", [*RANDOM, init.eye_, init.zeros_])
def test_parameters_are_filled_in_their_dtype_and_layout(fill, dtype):
    parameter = nn.Parameter(minitorch.empty(4, 3, dtype=dtype).fill_(100).t())
    assert fill(parameter) is parameter
    assert parameter.is_leaf
    assert parameter.dtype.name == dtype
    assert (parameter < 50).all()


# ---- truncated normal ------------------------------------------------------------------------------------------------


def phi(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def probability(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (1, 2, 0, 9), (0, 1, 0.5, 0.75), (0, 1, 1.5, 4), (0, 0.5, -math.inf, 0.1), (0, 1, 1.9, math.inf)],
)
def test_truncated_normal(mean, std, a, b):
    minitorch.manual_seed(0)
    values = init.trunc_normal_(minitorch.empty(40_000, dtype=minitorch.float64), mean, std, a, b).numpy()
    assert values.min() >= a
    assert values.max() <= b
    low, high = (a - mean) / std, (b - mean) / std
    inside = probability(high) - probability(low)
    expected = mean + std * (phi(low) - phi(high)) / inside
    edges = [0.0 if math.isinf(x) else x * phi(x) for x in (low, high)]
    variance = std**2 * (1 + (edges[0] - edges[1]) / inside) - (expected - mean) ** 2
    assert abs(values.mean() - expected) < 4 * math.sqrt(variance / values.size)
    assert abs(values.var() / variance - 1) < 0.05
    # Not the moments alone: the share below a quantile.
    middle = high - 0.5 if math.isinf(low) else low + min(0.5, (high - low) / 2)
    share = (probability(middle) - probability(low)) / inside
    assert abs((values <= mean + std * middle).mean() - share) < 0.02


def test_truncated_normal_far_from_its_mean():
    with pytest.warns(UserWarning, match="mean is more than 2 std from") as warned:
        values = init.trunc_normal_(minitorch.empty(1000), 0, 1, 5, 6).numpy()
    assert warned[0].filename == __file__
    assert values.min() >= 5
    assert 5.1 < values.mean() < 5.3  # E = 5.19


def test_truncated_normal_of_one_number():
    assert init.trunc_normal_(minitorch.empty(3), a=1, b=1).tolist() == [1, 1, 1]


# ---- matrices --------------------------------------------------------------------------------------------------------


def test_eye():
    assert init.eye_(minitorch.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    layer = nn.Linear(3, 3, bias=False)
    init.eye_(layer.weight)
    x = minitorch.randn(2, 3)
    assert minitorch.equal(layer(x), x)


def test_dirac_makes_convolutions_pass_their_input_on():
    layer = nn.Conv2d(4, 4, (3, 5), padding=(1, 2), groups=2, bias=False)
    init.dirac_(layer.weight, groups=2)
    x = minitorch.randn(2, 4, 6, 7)
    assert minitorch.equal(layer(x), x)


@pytest.mark.parametrize("shape", [(6, 2, 3), (6, 4, 4, 5), (4, 6, 2, 3, 3), (2, 3, 1), (0, 2, 3)])
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac(shape, groups):
    weight = init.dirac_(minitorch.ones(shape), groups).numpy()
    expected = np.zeros(shape)
    for group in range(groups):
        for channel in range(min(shape[0] // groups, shape[1])):
            output = group * (shape[0] // groups) + channel
            expected[(output, channel, *(side // 2 for side in shape[2:]))] = 1
    np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (4, 2, 3), (2, 3, 2, 2)])
def test_orthogonal(shape):
    weight = init.orthogonal_(minitorch.empty(shape, dtype=minitorch.float64), gain=2).numpy().reshape(shape[0], -1)
    product = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_every_rotation_is_as_likely():
    """Without the signs of R's diagonal, the first element of Q would be negative always."""
    minitorch.manual_seed(0)
    first = [init.orthogonal_(minitorch.empty(2, 2)).numpy()[0, 0] for _ in range(200)]
    assert 60 < sum(x > 0 for x in first) < 140


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.1, 1), (0.5, 5), (0.51, 6), (1.0, 10)])
def test_sparse(sparsity, zeros):
    minitorch.manual_seed(0)
    weight = init.sparse_(minitorch.empty(10, 2000), sparsity, std=3).numpy()
    assert ((weight == 0).sum(0) == zeros).all()
    if zeros < 10:
        assert abs(weight[weight != 0].std() / 3 - 1) < 0.05
        share = (weight == 0).mean(1)  # every row is as likely
        assert np.abs(share - zeros / 10).max() < 0.06


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
        (lambda: init.trunc_normal_(minitorch.zeros(2), std=0), ValueError, "expects std > 0, but found std 0"),
        (lambda: init.trunc_normal_(minitorch.zeros(2), a=2, b=1), ValueError, "expects a <= b, but found a=2 > b=1"),
        (lambda: init.trunc_normal_(minitorch.arange(3)), RuntimeError, "trunc_normal_: expected a tensor of a float"),
        (lambda: init.eye_(minitorch.zeros(3)), ValueError, r"eye_: only tensors with 2 dimensions.* shape \(3,\)"),
        (lambda: init.dirac_(minitorch.zeros(3, 3)), ValueError, "dirac_: only tensors with 3, 4, or 5 dimensions"),
        (lambda: init.dirac_(minitorch.zeros(3, 3, 1), 2), ValueError, "divisible by groups, got 3 and groups=2"),
        (lambda: init.dirac_(minitorch.zeros(3, 3, 1), 0), ValueError, "divisible by groups, got 3 and groups=0"),
        (lambda: init.orthogonal_(minitorch.zeros(3)), ValueError, "orthogonal_: only tensors with 2 or more dim"),
        (lambda: init.orthogonal_(minitorch.arange(4).view(2, 2)), RuntimeError, "orthogonal_: expected a tensor of"),
        (lambda: init.sparse_(minitorch.zeros(3), 0.5), ValueError, "sparse_: only tensors with 2 dimensions"),
        (lambda: init.sparse_(minitorch.zeros(3, 3), 1.5), ValueError, "between 0 and 1, but found sparsity 1.5"),
        (lambda: init.zeros_(minitorch.zeros(1).expand(3)), RuntimeError, "constant_: this tensor is read-only"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
