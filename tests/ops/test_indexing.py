"""Indexing: what shares memory and versions, repeated indices, and what the table of operations can't reach."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch.autograd import grad

VIEWS = {
    "x[0]": lambda x: x[0],
    "x[0, 1]": lambda x: x[0, 1],
    "x[:, None, 1:]": lambda x: x[:, None, 1:],
    "x[...]": lambda x: x[...],
    "x[()]": lambda x: x[()],
    "x[0-d tensor]": lambda x: x[minitorch.tensor(1)],
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, -1),
    "split": lambda x: x.split(2, 1)[1],
    "chunk": lambda x: x.chunk(3)[1],
    "unbind": lambda x: x.unbind(1)[2],
    "diagonal": lambda x: x.diagonal(1),
    "expand": lambda x: x.expand(1, 3, 4),
    "movedim": lambda x: x.movedim(0, 1),
    "permute": lambda x: x.permute(1, 0),
    "transpose": lambda x: x.transpose(0, 1),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "squeeze": lambda x: x.unsqueeze(0).squeeze(0),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "view of a view": lambda x: x[1:].reshape(-1)[2:].view(3, 2).T[0],
}

COPIES = {
    "x[mask]": lambda x: x[x > 3],
    "x[indices]": lambda x: x[[0, 1]],
    "x[1-d tensor]": lambda x: x[minitorch.tensor([1])],
    "x[True]": lambda x: x[True],
    "diag": lambda x: x.diag(),
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x.roll(0),
    "repeat": lambda x: x[:1].repeat(1, 1),
    "tile": lambda x: x.tile(),
    "tril": lambda x: x.tril(10),
    "index_select": lambda x: x.index_select(0, minitorch.tensor([0])),
    "masked_select": lambda x: x.masked_select(x > -1),
    "pad": lambda x: minitorch.nn.functional.pad(x, (0, 0)),
    "pad(circular)": lambda x: minitorch.nn.functional.pad(x, (0, 0), "circular"),
    "cat": lambda x: minitorch.cat([x]),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory_and_versions(name):
    x = minitorch.arange(12.0).reshape(3, 4).clone()
    view = VIEWS[name](x)
    before = x._version
    view.fill_(-1)
    assert x._version == view._version == before + 1
    assert (x == -1).sum().item() == view.numel()
    x.zero_()
    assert (view == 0).all()
    assert view._version == before + 2


@pytest.mark.parametrize("name", COPIES)
def test_copies_share_nothing(name):
    x = minitorch.arange(12.0).reshape(3, 4).clone()
    copy = COPIES[name](x)
    before = x._version
    copy.fill_(-1)
    assert x.tolist() == np.arange(12.0).reshape(3, 4).tolist()
    assert x._version == before


def test_expanded_views_can_not_be_written_to():
    x = minitorch.zeros(3, 1)
    for view in (x.expand(3, 2), minitorch.meshgrid(x[:, 0], x[:, 0])[0]):
        with pytest.raises(RuntimeError, match="read-only"):
            view.fill_(1)
        assert view._version_cell is x._version_cell


def test_the_gradient_of_an_element_taken_often_is_a_sum():
    x = minitorch.zeros(3, requires_grad=True)
    weights = minitorch.tensor([1.0, 10.0, 100.0, 1000.0])
    wanted = [1001.0, 0.0, 110.0]
    index = minitorch.tensor([0, 2, 2, 0])
    for taken in (x[index], x[[0, 2, 2, 0]], x[index - 3], x.index_select(0, index), x.gather(0, index)):
        assert grad((taken * weights).sum(), x)[0].tolist() == wanted


def test_an_index_that_changes_before_backward_is_noticed():
    x, index = minitorch.zeros(3, requires_grad=True), minitorch.tensor([0, 1])
    for taken in (x[index], x.gather(0, index), x.index_select(0, index), x.scatter(0, index, 1.0)):
        index.add_(0)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            taken.sum().backward()


def test_lists_and_arrays_as_indices_are_copied():
    x, array, items = minitorch.zeros(3, requires_grad=True), np.array([0, 1]), [0, 1]
    first, second = x[array], x[items]
    array[:] = 2
    items[:] = [2, 2]
    assert grad(first.sum(), x)[0].tolist() == grad(second.sum(), x)[0].tolist() == [1, 1, 0]


def test_uint8_counts_as_a_mask():
    x = minitorch.arange(3)
    mask = minitorch.tensor([1, 0, 2], dtype=minitorch.uint8)
    with pytest.warns(UserWarning, match="uint8 is deprecated") as warned:
        taken = x[mask]
    assert taken.tolist() == [0, 2]
    assert warned[0].filename == __file__  # where the index stands
    with pytest.warns(UserWarning, match="uint8 is deprecated") as warned:
        x[mask.numpy()] = 7
    assert x.tolist() == [7, 1, 7]
    assert warned[0].filename == __file__


def test_the_last_of_several_writers_gets_the_gradient():
    src = minitorch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    x = minitorch.zeros(3, requires_grad=True)
    out = x.scatter(0, minitorch.tensor([2, 0, 2, 2]), src)
    assert out.tolist() == [2, 0, 4]
    for_x, for_src = grad(out, [x, src], minitorch.tensor([1.0, 10.0, 100.0]))
    assert for_x.tolist() == [0, 10, 0]
    assert for_src.tolist() == [0, 1, 0, 100]


def test_a_list_of_lists_is_one_index():
    """PyTorch still takes it for a tuple and announces this."""
    assert minitorch.arange(4)[[[0, 1], [2, 3]]].tolist() == [[0, 1], [2, 3]]


def test_assignment_converts_where_pytorch_does():
    x = minitorch.zeros(2, 2, dtype=minitorch.int64)
    x[0] = minitorch.tensor([1.9, -1.9])
    x[1, 1] = 2.9
    x[[1], [0]] = minitorch.tensor(7.5)
    x[None, 1:, 1] = np.array([[3.5]])
    assert x.tolist() == [[1, -1], [7, 3]]
    flags = minitorch.zeros(2, dtype=minitorch.bool)
    flags[0] = 3
    assert flags.tolist() == [True, False]


def test_half_precision():
    x = minitorch.arange(6.0).reshape(2, 3).half().requires_grad_()
    out = minitorch.nn.functional.pad(x[:, [0, 0, 2]].roll(1, 1), (1, 1), "reflect")
    assert out.dtype is minitorch.float16
    out.sum().backward()
    assert x.grad.dtype is minitorch.float16
    assert x.grad.tolist() == [[4, 0, 1], [4, 0, 1]]
