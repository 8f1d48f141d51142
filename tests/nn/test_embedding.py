"""The layer of embeddings."""

from __future__ import annotations

import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch import nn


def test_it_looks_up_rows():
    layer = nn.Embedding(5, 3)
    words = minitorch.tensor([[4, 0], [0, 2]])
    assert minitorch.equal(layer(words), layer.weight[words])
    assert list(layer.state_dict()) == ["weight"]
    layer(words).sum().backward()
    assert layer.weight.grad.sum(1).tolist() == [6, 0, 3, 0, 3]


def test_the_table_begins_normally_distributed():
    minitorch.manual_seed(0)
    weight = nn.Embedding(200, 100).weight.detach()
    assert abs(weight.mean().item()) < 0.03
    assert abs(weight.std().item() - 1) < 0.03


def test_the_padding_row_begins_as_zeros_and_stays():
    layer = nn.Embedding(4, 3, padding_idx=-1)
    assert layer.padding_idx == 3
    assert layer.weight[3].tolist() == [0, 0, 0]
    assert (layer.weight[:3] != 0).all()
    layer(minitorch.tensor([3, 1])).sum().backward()
    assert layer.weight.grad.sum(1).tolist() == [0, 3, 0, 0]


def test_options_reach_the_function():
    minitorch.manual_seed(0)
    layer = nn.Embedding(4, 3, max_norm=0.5, norm_type=1, scale_grad_by_freq=True)
    words = minitorch.tensor([1, 1, 2])
    weight = layer.weight.detach().clone().requires_grad_()
    out = layer(words)
    expected = F.embedding(words, weight, None, 0.5, 1, True)
    assert minitorch.equal(out, expected)
    assert (out.abs().sum(1) < 0.5001).all()
    out.sum().backward()
    expected.sum().backward()
    assert minitorch.equal(layer.weight.grad, weight.grad)


def test_from_pretrained():
    table = minitorch.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = nn.Embedding.from_pretrained(table, padding_idx=0)
    assert (frozen.num_embeddings, frozen.embedding_dim, frozen.padding_idx) == (2, 2, 0)
    assert frozen.weight.tolist() == table.tolist()  # the padding row too
    assert not frozen.weight.requires_grad
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Embedding(3, 2, padding_idx=3), AssertionError, "Padding_idx must be within num_embeddings"),
        (lambda: nn.Embedding(3, 2, padding_idx=-4), AssertionError, "Padding_idx must be within num_embeddings"),
        (lambda: nn.Embedding(3, 2, _weight=minitorch.ones(2, 3)), AssertionError, "Shape of weight"),
        (lambda: nn.Embedding.from_pretrained(minitorch.ones(3)), AssertionError, "2-dimensional"),
        (lambda: nn.Embedding(3, 2, sparse=True), NotImplementedError, "sparse must be False"),
        (lambda: nn.Embedding(3, 2)(minitorch.tensor([3])), IndexError, "index 3 is out of bounds"),
    ],
)
def test_arguments_that_make_no_table(make, error, message):
    with pytest.raises(error, match=message):
        make()
