"""In-place changes: when they are refused, and when backward notices them."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch.testing import assert_close

MODIFIED = "has been modified by an inplace operation"


def leaf(*values):
    return minitorch.tensor(values, dtype=minitorch.float64, requires_grad=True)


def tensor(*values):
    return minitorch.tensor(values, dtype=minitorch.float64)


IN_PLACE = {
    "add_": lambda x: x.add_(1),
    "sub_": lambda x: x.sub_(1),
    "mul_": lambda x: x.mul_(2),
    "div_": lambda x: x.div_(2),
    "pow_": lambda x: x.pow_(2),
    "neg_": lambda x: x.neg_(),
    "abs_": lambda x: x.abs_(),
    "exp_": lambda x: x.exp_(),
    "log_": lambda x: x.log_(),
    "sqrt_": lambda x: x.sqrt_(),
    "clamp_": lambda x: x.clamp_(min=2.5),
    "zero_": lambda x: x.zero_(),
    "fill_": lambda x: x.fill_(3),
    "copy_": lambda x: x.copy_(tensor(4.0)),
    "setitem": lambda x: x.__setitem__(0, 5.0),
    "setitem(mask)": lambda x: x.__setitem__(x > 0, 5.0),
    "+=": lambda x: x.__iadd__(1),
    "-=": lambda x: x.__isub__(1),
    "*=": lambda x: x.__imul__(2),
    "/=": lambda x: x.__itruediv__(2),
    "**=": lambda x: x.__ipow__(2),
}


@pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE)
def test_a_saved_tensor_changed_in_place_is_noticed(change):
    x, w = leaf(2.0, 3.0), tensor(5.0, 7.0)
    y = x * w
    assert w._version == 0
    change(w)
    assert w._version == 1
    with pytest.raises(
        RuntimeError, match=rf"{MODIFIED}: tensor 1 saved by MulBackward, of shape \(2,\), is at version 1"
    ):
        y.sum().backward()


@pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE)
def test_a_leaf_that_requires_grad_refuses(change):
    x = leaf(2.0, 3.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        change(x)
    assert x.tolist() == [2.0, 3.0]
    assert x._version == 0


@pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE)
def test_a_tensor_of_a_recorded_graph_refuses(change):
    y = leaf(2.0, 3.0) * 1
    with pytest.raises(RuntimeError, match=r"part of a recorded graph.*MulBackward.*no_grad"):
        change(y)


@pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE)
def test_under_no_grad_everything_may_be_changed(change):
    x = leaf(2.0, 3.0)
    identity = id(x)
    with minitorch.no_grad():
        change(x)
    assert x.tolist() != [2.0, 3.0] or change is IN_PLACE["abs_"]
    assert id(x) == identity
    assert x.requires_grad
    assert x._version == 1


def test_the_results_are_those_of_the_operations():
    x = tensor(4.0, 9.0)
    for name, wanted in [("sqrt_", [2.0, 3.0]), ("pow_", [4.0, 9.0]), ("neg_", [-4.0, -9.0]), ("abs_", [4.0, 9.0])]:
        assert IN_PLACE[name](x) is x
        assert_close(x, tensor(*wanted))
    x += 1
    x *= tensor(2.0, 10.0)
    x -= tensor(10.0)
    x /= 2
    assert_close(x, tensor(0.0, 45.0))


def test_a_tensor_that_is_not_saved_may_be_changed():
    x, w = leaf(2.0), tensor(5.0)
    y = x + w
    w.zero_()
    y.backward()
    assert_close(x.grad, tensor(1.0))


def test_a_saved_output_changed_in_place_is_noticed():
    x = leaf(1.0)
    y = x.exp()
    with minitorch.no_grad():
        y.mul_(2)
    with pytest.raises(RuntimeError, match="ExpBackward"):
        y.backward()


def test_views_share_their_bases_version():
    base = tensor(1.0, 2.0, 3.0, 4.0)
    views = [base[1:], base.reshape(2, 2), base.reshape(2, 2).T, base.detach(), base.unsqueeze(0), base.expand(2, 4)]
    views += [*base.split(2), base.view(4, 1), base.flatten(), base.narrow(0, 0, 1)]
    views[0].mul_(2)
    assert base._version == 1
    assert [view._version for view in views] == [1] * len(views)
    base.add_(1)
    assert [view._version for view in views] == [2] * len(views)


def test_a_single_element_is_a_view():
    base = minitorch.arange(6.0).reshape(2, 3)
    base[1, 2].fill_(7.0)
    base[0][1].mul_(10)
    assert base.tolist() == [[0.0, 10.0, 2.0], [3.0, 4.0, 7.0]]
    assert base._version == 2
    assert base.reshape(6)[3]._version == 2


def test_copies_have_a_version_of_their_own():
    base = tensor(1.0, 2.0, 3.0, 4.0)
    square = base.reshape(2, 2)
    copies = [
        base.clone(),
        base[minitorch.tensor([0, 1])],
        base[base > 1],
        base * 1,
        square.T.reshape(4),
        square.T.clone(),
    ]
    base.add_(1)
    assert [copy._version for copy in copies] == [0] * len(copies)
    copies[4].add_(1)
    assert base._version == 1


def test_changing_a_view_is_noticed_by_what_saved_the_base():
    x, w = leaf(2.0, 3.0), tensor(5.0, 7.0)
    y = x * w
    w[0] = 1.0
    with pytest.raises(RuntimeError, match=MODIFIED):
        y.sum().backward()


def test_changing_the_base_is_noticed_by_what_saved_a_view():
    x, w = leaf(2.0), tensor(5.0, 7.0)
    y = x * w[1:]
    w[0] = 1.0
    with pytest.raises(RuntimeError, match=MODIFIED):
        y.sum().backward()


def test_changing_what_was_detached_is_noticed():
    x = leaf(2.0)
    y = x * x
    x.detach().mul_(2)
    with pytest.raises(RuntimeError, match=MODIFIED):
        y.backward()


def test_an_optimisers_step_between_forward_and_backward_is_noticed():
    w, x = leaf(1.0, 2.0), tensor(3.0, 4.0)
    loss = (w * x * w).sum()
    with minitorch.no_grad():
        w -= 0.1
    with pytest.raises(RuntimeError, match=MODIFIED):
        loss.backward()


def test_a_tensor_that_requires_grad_is_not_written_into_one_that_does_not():
    x = tensor(1.0, 2.0)
    with pytest.raises(RuntimeError, match="would be written into one that is no part of its graph"):
        x.add_(leaf(1.0, 2.0))
    with pytest.raises(RuntimeError, match="would be written"):
        x[0] = leaf(1.0).sum()
    with pytest.raises(RuntimeError, match="would be written"):
        x.copy_(leaf(1.0, 2.0))
    assert x.tolist() == [1.0, 2.0]


def test_in_place_operations_keep_shape_and_dtype():
    x = minitorch.ones(2, dtype=minitorch.float32)
    assert x.add_(minitorch.ones(2, dtype=minitorch.float64)).dtype is minitorch.float32
    with pytest.raises(RuntimeError, match=r"output with shape \[2\] doesn't match the broadcast shape \[3, 2\]"):
        x.add_(minitorch.ones(3, 2))
    n = minitorch.tensor([1, 2])
    with pytest.raises(RuntimeError, match=r"result type .*float32 can't be cast to the desired output type .*int64"):
        n.add_(1.5)
    with pytest.raises(RuntimeError, match="can't be cast"):
        n.div_(2)
    assert n.add_(2).tolist() == [3, 4]
    with pytest.raises(RuntimeError, match=r"shape \[3\] does not broadcast to the tensor's \[2\]"):
        n.copy_(minitorch.ones(3))
    assert n.copy_(minitorch.tensor([1.9, -1.9])).tolist() == [1, -1]


def test_read_only_memory_refuses():
    array = np.ones(2)
    array.flags.writeable = False
    for x in (minitorch.from_numpy(array), minitorch.ones(1).expand(2)):
        with pytest.raises(RuntimeError, match="read-only"):
            x.add_(1)
        with pytest.raises(RuntimeError, match="read-only"):
            x[0] = 3.0
    assert array.tolist() == [1.0, 1.0]


def test_an_operand_may_overlap_with_the_result():
    x = minitorch.arange(5)
    x[1:].add_(x[:-1])
    assert x.tolist() == [0, 1, 3, 5, 7]
    y = minitorch.arange(4).reshape(2, 2)
    y.copy_(y.T.clone())
    assert y.tolist() == [[0, 2], [1, 3]]
    z = minitorch.arange(4)
    z[1:] = z[:-1]
    assert z.tolist() == [0, 0, 1, 2]
