"""cross_entropy, nll_loss: results, first and second derivatives, errors."""

from __future__ import annotations

from functools import partial
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import minitorch
import minitorch.nn.functional as F
from minitorch.autograd import gradcheck, gradgradcheck
from minitorch.backends.reference import ReferenceBackend
from minitorch.testing import arrays, assert_close

rng = np.random.default_rng(0)
LOGITS = rng.standard_normal((5, 4)) * 3
LABELS = np.array([0, 3, 1, 1, 2])
WEIGHT = np.array([0.5, 2.0, 0.0, 1.5])
REDUCTIONS = ["none", "mean", "sum"]


def both(torch: Any, name: str, target: Any, weight: Any = None, **options: Any) -> tuple[Any, Any]:
    """Our loss and PyTorch's, as functions of the input."""

    def make(module: Any, functional: Any) -> Any:
        loss, w = getattr(functional, name), None if weight is None else module.tensor(weight)
        return lambda x: loss(x, module.tensor(target), w, **options)

    return make(minitorch, F), make(torch, torch.nn.functional)


@given(data=st.data(), rows=st.integers(0, 6), classes=st.integers(1, 9))
def test_class_indices_follow_the_reference(data: st.DataObject, rows: int, classes: int) -> None:
    x = data.draw(arrays((rows, classes), np.float32))
    target = data.draw(arrays((rows,), np.int64, values="integers")) % classes
    before = x.copy()
    losses, _ = ReferenceBackend().cross_entropy(x, target, -100)
    tensors = minitorch.from_numpy(x), minitorch.from_numpy(target)
    assert_close(F.cross_entropy(*tensors, reduction="none"), losses)
    assert_close(F.cross_entropy(*tensors, reduction="sum"), losses.sum())
    if rows:
        assert_close(F.cross_entropy(*tensors), losses.mean())
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignore_index", [-100, 1])
@pytest.mark.parametrize("weight", [None, WEIGHT + 0.25])
def test_class_indices_like_torch(
    torch: Any, assert_like_torch: Any, name: str, reduction: str, ignore_index: int, weight: Any
) -> None:
    options = {"weight": weight, "reduction": reduction, "ignore_index": ignore_index}
    for shape in ((5, 4), (2, 4, 3), (2, 4, 2, 3)):
        target = rng.integers(0, 4, (shape[0], *shape[2:]))
        assert_like_torch(*both(torch, name, target, **options), rng.standard_normal(shape))
    assert_like_torch(*both(torch, name, np.array(2), **options), LOGITS[0])  # one sample
    ours, theirs = both(torch, name, np.array([2]), **options)
    assert_close(ours(minitorch.tensor(LOGITS[0])), theirs(torch.tensor(LOGITS[0])))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("smoothing", [0.1, 1.0])
@pytest.mark.parametrize("ignore_index", [-100, 1])
def test_label_smoothing_like_torch(
    torch: Any, assert_like_torch: Any, reduction: str, weight: Any, smoothing: float, ignore_index: int
) -> None:
    options = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": ignore_index}
    assert_like_torch(*both(torch, "cross_entropy", LABELS, weight, **options), LOGITS)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_probabilities_like_torch(
    torch: Any, assert_like_torch: Any, reduction: str, weight: Any, smoothing: float
) -> None:
    def make(module: Any, functional: Any) -> Any:
        w = None if weight is None else module.tensor(weight)
        return lambda x, q: functional.cross_entropy(x, q, w, reduction=reduction, label_smoothing=smoothing)

    for shape in ((5, 4), (2, 4, 3), (4,)):
        operands = rng.standard_normal(shape), rng.random(shape)
        assert_like_torch(make(minitorch, F), make(torch, torch.nn.functional), *operands)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "options", [{}, {"ignore_index": 1}, {"label_smoothing": 0.2}, {"weight": minitorch.tensor(WEIGHT)}]
)
def test_cross_entropy_gradcheck(reduction: str, options: dict[str, Any]) -> None:
    x, target = minitorch.tensor(LOGITS, requires_grad=True), minitorch.tensor(LABELS)
    assert gradcheck(lambda x: F.cross_entropy(x, target, reduction=reduction, **options), x)
    assert gradgradcheck(lambda x: F.cross_entropy(x, target, reduction=reduction, **options), x)


def test_third_derivatives_of_cross_entropy() -> None:
    x, target = minitorch.tensor(LOGITS, requires_grad=True), minitorch.tensor(LABELS)

    def gradient(x: minitorch.Tensor) -> minitorch.Tensor:
        return minitorch.autograd.grad(F.cross_entropy(x, target), x, create_graph=True)[0]

    assert gradgradcheck(gradient, x)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"weight": minitorch.ones(4)}])
@pytest.mark.parametrize(("shape", "target_shape"), [((0, 4), (0,)), ((2, 4, 0), (2, 0)), ((0, 4), (0, 4))])
def test_empty_batches(options: dict[str, Any], shape: tuple[int, ...], target_shape: tuple[int, ...]) -> None:
    x = minitorch.zeros(shape, requires_grad=True)
    target = minitorch.zeros(target_shape) if shape == target_shape else minitorch.zeros(target_shape).long()
    loss = F.cross_entropy(x, target, **options)
    assert np.isnan(loss.item())  # the mean of nothing
    loss.backward()
    assert x.grad.shape == shape
    assert F.cross_entropy(x, target, reduction="sum", **options).item() == 0.0
    assert F.cross_entropy(x, target, reduction="none", **options).shape == (shape[0], *shape[2:])


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"weight": minitorch.ones(4)}])
def test_all_ignored(options: dict[str, Any]) -> None:
    x, target = minitorch.zeros(3, 4, requires_grad=True), minitorch.full((3,), -100)
    loss = F.cross_entropy(x, target, **options)
    loss.backward()
    assert np.isnan(loss.item())
    assert x.grad.tolist() == [[0.0] * 4] * 3
    assert F.cross_entropy(x, target, reduction="none", **options).tolist() == [0.0] * 3
    assert F.cross_entropy(minitorch.zeros(3, 0), target, reduction="none").tolist() == [0.0] * 3


@pytest.mark.parametrize("weight", [None, minitorch.tensor(WEIGHT)])
@pytest.mark.parametrize("smoothing", [None, 0.0, 0.1])
def test_ignored_labels_do_not_count(weight: minitorch.Tensor | None, smoothing: float | None) -> None:
    """The mean is that of the samples that are left, as if there were no others; without smoothing, of nll_loss too."""
    x, target = minitorch.tensor(LOGITS, requires_grad=True), minitorch.tensor(LABELS)
    left = minitorch.tensor([0, 1, 4])  # not those with the label 1
    loss = F.nll_loss if smoothing is None else partial(F.cross_entropy, label_smoothing=smoothing)
    some = loss(x, target, weight, ignore_index=1)
    alone = loss(x[left], target[left], weight)
    assert_close(some, alone, rtol=1e-12, atol=0)
    assert_close(*(minitorch.autograd.grad(mean, x)[0] for mean in (some, alone)), rtol=1e-12, atol=1e-15)


def test_logits_that_are_not_numbers() -> None:
    x = minitorch.zeros(4, 3)
    x.data[0], x.data[1, 0], x.data[2, 1] = np.nan, np.inf, -np.inf
    x.requires_grad_()
    losses = F.cross_entropy(x, minitorch.tensor([-100, 0, 1, 2]), reduction="none")
    assert losses[0].item() == 0.0  # ignored, whatever it is
    assert np.isnan(losses[1].item())
    assert losses[2].item() == np.inf
    losses.sum().backward()
    assert x.grad[0].tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(x.grad[1].numpy()).all()
    assert np.isfinite(x.grad[2:].numpy()).all()


def test_bytes_and_layouts_as_labels() -> None:
    x = minitorch.tensor(LOGITS)
    expected = F.cross_entropy(x, minitorch.tensor(LABELS)).item()
    assert F.cross_entropy(x, minitorch.tensor(LABELS).byte()).item() == expected
    assert F.cross_entropy(x, minitorch.from_numpy(np.repeat(LABELS, 2)[::2])).item() == expected
    assert F.cross_entropy(minitorch.from_numpy(LOGITS.copy(order="F")), minitorch.tensor(LABELS)).item() == expected


def test_half_precision() -> None:
    x = minitorch.tensor(LOGITS).half().requires_grad_()
    target = minitorch.tensor(LABELS)
    for options in ({}, {"label_smoothing": 0.1}, {"weight": minitorch.tensor(WEIGHT).half()}):
        loss = F.cross_entropy(x, target, **options)
        assert loss.dtype is minitorch.float16
        wide = {k: v.float() if k == "weight" else v for k, v in options.items()}
        assert loss.item() == F.cross_entropy(x.detach().float(), target, **wide).half().item()
    loss.backward()
    assert x.grad.dtype is minitorch.float16
    assert F.nll_loss(x, target).dtype is minitorch.float16
    assert F.cross_entropy(x, F.softmax(x, 1)).dtype is minitorch.float16


def labels(*numbers: int) -> minitorch.Tensor:
    return minitorch.tensor(list(numbers))


x, t = minitorch.zeros(3, 4), labels(0, 1, 2)
image = minitorch.zeros(2, 4, 5)
ERRORS: list[tuple[Any, Any, dict[str, Any], type[Exception], str]] = [
    (x, labels(0, 1, 4), {}, IndexError, "target 4 (element 2) is out of bounds: input (3, 4) has 4 classes"),
    (x, labels(0, -1, 1), {}, IndexError, "target -1 (element 1) is out of bounds"),
    (x, labels(0, -100, 1), {"ignore_index": 7}, IndexError, "target -100 (element 1)"),
    (image, minitorch.full((2, 5), 7), {}, IndexError, "target 7 (element 0) is out of bounds: input (2, 4, 5) has 4"),
    (x, labels(0, 1), {}, ValueError, "expected the batch of input (3, 4) to match that of target (2,): 3 samples"),
    (x[0], labels(0, 1), {}, ValueError, "for input (4,), expected a target of shape () or (1,), got (2,)"),
    (x, t.reshape(3, 1), {}, RuntimeError, "expected target of shape (3,) for input (3, 4), got (3, 1)"),
    (image, minitorch.zeros(2, 6).long(), {}, RuntimeError, "expected target of shape (2, 5) for input (2, 4, 5), got"),
    (x, t.int(), {}, RuntimeError, "expected class indices as int64 or uint8, got minitorch.int32"),
    (x, t.float(), {}, RuntimeError, "(Class probabilities have the shape of the input, (3, 4).)"),
    (x, [0, 1, 2], {}, TypeError, "expected target to be a Tensor, got list"),
    (minitorch.zeros(()), labels(0)[0], {}, ValueError, "expected input of 1 or more dimensions"),
    (x.long(), t, {}, RuntimeError, "expected floating-point tensors, got minitorch.int64"),
    (x, t, {"reduction": "avg"}, ValueError, "'avg' is not a valid value for reduction"),
    (x, t, {"weight": minitorch.ones(3)}, RuntimeError, "each of the 4 classes of input (3, 4), got shape (3,)"),
    (x, t, {"weight": minitorch.ones(1, 4)}, RuntimeError, "each of the 4 classes of input (3, 4), got shape (1, 4)"),
    (
        x,
        t,
        {"weight": minitorch.ones(4).double()},
        RuntimeError,
        "expected tensors of one dtype, got minitorch.float32",
    ),
]


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
@pytest.mark.parametrize(("input", "target", "options", "kind", "message"), ERRORS, ids=[e[-1][:40] for e in ERRORS])
def test_errors_say_what_is_wrong(
    loss: Any, input: Any, target: Any, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as error:
        loss(input, target, **options)
    assert str(error.value).startswith(f"{loss.__name__}: ")
    assert message in str(error.value)


def test_errors_of_cross_entropy() -> None:
    with pytest.raises(RuntimeError, match=r"label_smoothing must be between 0.0 and 1.0. Got: 1.5"):
        F.cross_entropy(x, t, label_smoothing=1.5)
    with pytest.raises(RuntimeError, match="holds class probabilities, which are of a floating dtype"):
        F.cross_entropy(x, minitorch.zeros(3, 4).long())
    with pytest.raises(RuntimeError, match="ignore_index is not supported for class probabilities"):
        F.cross_entropy(x, minitorch.zeros(3, 4), ignore_index=1)
    elsewhere = labels(0, 1, 2)
    elsewhere.backend = ReferenceBackend()
    with pytest.raises(RuntimeError, match="cross_entropy: expected all tensors to be on the same device"):
        F.cross_entropy(x, elsewhere)
