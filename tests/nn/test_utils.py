"""nn.utils: clipped gradients, and parameters as one vector."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import minitorch
from minitorch import nn
from minitorch.nn import utils
from minitorch.testing import assert_close

rng = np.random.default_rng(0)
GRADIENTS = [rng.standard_normal(shape) for shape in ((2, 3), (4,), (), (0,))]


def parameters(gradients=GRADIENTS, library=minitorch, **kwargs):
    """Parameters with these gradients, and one that has none."""
    made = [library.zeros(g.shape, requires_grad=True, **kwargs) for g in gradients]
    for parameter, gradient in zip(made, gradients, strict=True):
        parameter.grad = library.tensor(gradient, dtype=parameter.dtype)
    return [*made, library.zeros(2, requires_grad=True)]


def concatenated(arrays):
    return np.concatenate([np.asarray(a).ravel() for a in arrays])


def gradients_of(params):
    return concatenated([p.grad.numpy() for p in params if p.grad is not None])


NORMS = [1.0, 2, 3.5, math.inf]


@pytest.mark.parametrize("norm_type", [*NORMS, 0.5])
def test_the_total_norm_is_that_of_one_vector(norm_type):
    tensors = [minitorch.tensor(g) for g in GRADIENTS[:3]]
    expected = np.asarray(np.linalg.norm(concatenated(GRADIENTS), norm_type))
    assert_close(utils.get_total_norm(tensors, norm_type), expected, rtol=1e-12, atol=1e-12)
    assert_close(utils.get_total_norm(iter(tensors), norm_type), expected, rtol=1e-12, atol=1e-12)
    assert_close(
        utils.get_total_norm(tensors[0], norm_type), np.asarray(np.linalg.norm(GRADIENTS[0].ravel(), norm_type))
    )


def test_the_total_norm_of_nothing():
    assert utils.get_total_norm([]).item() == 0
    assert utils.get_total_norm([minitorch.zeros(0)]).item() == 0


@pytest.mark.parametrize("norm_type", NORMS)
@pytest.mark.parametrize("max_norm", [0.5, 100])
def test_clip_grad_norm(norm_type, max_norm):
    params = parameters(GRADIENTS[:3], dtype=minitorch.float64)
    before, holders = gradients_of(params), [p.grad for p in params]
    total = utils.clip_grad_norm_(params, max_norm, norm_type)
    norm = np.linalg.norm(before, norm_type)
    assert_close(total, np.asarray(norm), rtol=1e-12, atol=1e-12)
    assert_close(gradients_of(params), before * min(max_norm / (norm + 1e-6), 1), rtol=1e-12, atol=1e-12)
    assert all(p.grad is g for p, g in zip(params, holders, strict=True))  # in place
    assert params[-1].grad is None


def test_clip_grad_norm_of_one_tensor_and_of_none():
    (one, _) = parameters([np.array([3.0, 4.0])])
    assert utils.clip_grad_norm_(one, 1).item() == 5
    assert_close(one.grad, np.array([0.6, 0.8], np.float32), rtol=1e-5, atol=1e-5)
    assert utils.clip_grad_norm_([minitorch.ones(1, requires_grad=True)], 1).item() == 0
    with pytest.warns(UserWarning, match="is an empty generator"):
        utils.clip_grad_norm_((p for p in []), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert utils.clip_grad_norm_([], 1).item() == 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_norms_that_are_not_finite(value):
    params = parameters([np.array([value, 1.0])])
    for norm_type in (2, math.inf):
        with pytest.raises(RuntimeError, match=rf"order {float(norm_type)} .* is non-finite \({value}\)"):
            utils.clip_grad_norm_(params, 1, norm_type, error_if_nonfinite=True)
    np.testing.assert_array_equal(gradients_of(params), [value, 1])  # untouched
    utils.clip_grad_norm_(params, 1)
    np.testing.assert_array_equal(gradients_of(params), [math.nan, math.nan if math.isnan(value) else 0])


def test_clip_grads_with_norm():
    params = parameters(dtype=minitorch.float64)
    before = gradients_of(params)
    utils.clip_grads_with_norm_(params, 1.0, minitorch.tensor(4.0, dtype=minitorch.float64))
    assert_close(gradients_of(params), before / (4 + 1e-6), rtol=1e-12, atol=1e-12)


def test_clip_grad_value():
    params = parameters(dtype=minitorch.float64)
    before = gradients_of(params)
    utils.clip_grad_value_(iter(params), 0.5)
    np.testing.assert_array_equal(gradients_of(params), np.clip(before, -0.5, 0.5))
    assert params[-1].grad is None


def test_gradients_that_are_part_of_a_graph_are_clipped_without_recording():
    x = minitorch.ones(3, requires_grad=True)
    (x * x).sum().backward(create_graph=True)
    utils.clip_grad_norm_(x, 1)
    utils.clip_grad_value_(x, 0.1)
    assert_close(x.grad, np.full(3, 0.1, np.float32))


def test_half_precision():
    params = parameters(dtype=minitorch.float16)
    total = utils.clip_grad_norm_(params, 1)
    assert total.dtype is minitorch.float16
    assert params[0].grad.dtype is minitorch.float16
    assert abs(np.linalg.norm(gradients_of(params).astype(float)) - 1) < 1e-2


def test_a_vector_and_back():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    model[0].weight = nn.Parameter(model[0].weight.detach().t().clone().t())  # lies apart in memory
    vector = utils.parameters_to_vector(model.parameters())
    np.testing.assert_array_equal(vector.detach().numpy(), concatenated([p.detach() for p in model.parameters()]))
    other = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    holders = list(other.parameters())
    utils.vector_to_parameters(vector, other.parameters())
    assert all(a is b for a, b in zip(holders, other.parameters(), strict=True))
    x = minitorch.randn(4, 2)
    assert minitorch.equal(model(x), other(x))
    vector.sum().backward()
    assert all((p.grad == 1).all() for p in model.parameters())


def test_a_recorded_graph_notices_new_parameters():
    layer = nn.Linear(2, 1)
    loss = (layer(minitorch.ones(1, 2, requires_grad=True)) ** 2).sum()
    utils.vector_to_parameters(minitorch.ones(3), layer.parameters())
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_what_is_left_of_a_vector_is_ignored():
    parameter = minitorch.zeros(2)
    utils.vector_to_parameters(minitorch.arange(5.0), [parameter])
    assert parameter.tolist() == [0, 1]


def test_what_is_no_vector_of_the_parameters():
    layer = nn.Linear(2, 1)
    before = utils.parameters_to_vector(layer.parameters())
    with pytest.raises(TypeError, match="but got: list"):
        utils.vector_to_parameters([1.0], layer.parameters())
    for vector in (minitorch.ones(2), minitorch.ones(3, 1)):
        with pytest.raises(RuntimeError, match=r"expected a vector of the 3 elements of the parameters, got shape"):
            utils.vector_to_parameters(vector, layer.parameters())
    assert minitorch.equal(utils.parameters_to_vector(layer.parameters()), before)
    with pytest.raises(ValueError, match="non-empty"):
        utils.parameters_to_vector([])


# ---- against PyTorch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm_type", NORMS)
def test_like_pytorch(norm_type):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours, theirs = parameters(GRADIENTS[:3]), parameters(GRADIENTS[:3], torch)
    total, expected = (
        lib.nn.utils.clip_grad_norm_(p, 0.7, norm_type) for lib, p in ((minitorch, ours), (torch, theirs))
    )
    assert_close(total, expected.numpy(), rtol=1e-6, atol=1e-6)
    assert_close(gradients_of(ours), gradients_of(theirs), rtol=1e-6, atol=1e-6)
    for lib, p in ((minitorch, ours), (torch, theirs)):
        lib.nn.utils.clip_grad_value_(p, 0.1)
    assert_close(gradients_of(ours), gradients_of(theirs), rtol=1e-6, atol=1e-6)
    with minitorch.no_grad():
        vector = utils.parameters_to_vector(ours)
    assert_close(vector, torch.nn.utils.parameters_to_vector(theirs).detach().numpy())
