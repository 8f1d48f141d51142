"""gradcheck finds wrong gradients, says what is wrong with them, and leaves everything as it was."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch
from minitorch.autograd import Function, GradcheckError, gradcheck, gradgradcheck
from minitorch.testing import assert_close


def double(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return minitorch.tensor(values, requires_grad=True)


def operation(forward, backward):
    """A Function called Mine; ``backward(grad_output, *saved)`` gets the inputs of ``forward``."""

    class Mine(Function):
        @staticmethod
        def forward(ctx, *args):
            ctx.save_for_backward(*args)
            return forward(*args)

        @staticmethod
        def backward(ctx, *grad_outputs):
            return backward(*grad_outputs, *ctx.saved_tensors)

    return Mine.apply


def complaint(function, inputs, check=gradcheck, **kwargs):
    with pytest.raises(GradcheckError) as info:
        check(function, inputs, **kwargs)
    assert check(function, inputs, raise_exception=False, **kwargs) is False
    return str(info.value)


# A wrong operation, its inputs, and what the diagnosis has to contain.
MISTAKES = {
    "a forgotten 2": (
        operation(lambda x: x * x, lambda g, x: g * x),
        [double(3)],
        "the gradient is off by a factor of 2 (too small: multiply it by 2)",
    ),
    "a 2 too many": (
        operation(lambda x: x.exp(), lambda g, x: g * x.exp() * 2),
        [double(3)],
        "the gradient is off by a factor of 2 (too large: divide it by 2)",
    ),
    "a factor of -3/2": (
        operation(lambda x: x * 2, lambda g, x: g * -3),
        [double(3)],
        "the sign of the gradient is wrong, and it is off by a factor of 3/2 (too large: divide it by 3/2)",
    ),
    "an odd factor": (
        operation(lambda x: x * 1, lambda g, x: g * 3.14159),
        [double(3)],
        "off by a factor of 3.14159",
    ),
    "the sign": (
        operation(lambda x: x.cos(), lambda g, x: g * x.sin()),
        [double(3)],
        "the sign of the gradient is wrong",
    ),
    "a mean for a sum": (
        operation(lambda x: x.sum(0), lambda g, x: (g / 4).expand(4, 3)),
        [double(4, 3)],
        "off by a factor of 4 (too small: multiply it by 4); 4 is also the length of axis 0 of the input",
    ),
    "no gradient": (
        operation(lambda x, y: x * y, lambda g, x, y: (g * y, None)),
        [double(3), double(3, seed=1)],
        "the gradient of input 1 is missing: backward returned None",
    ),
    "a gradient of zero": (
        operation(lambda x, y: x * y, lambda g, x, y: (g * y, g * 0)),
        [double(3), double(3, seed=1)],
        "the gradient is zero where output 0 depends on input 1",
    ),
    "a gradient of nothing": (
        operation(lambda x, y: x * 1, lambda g, x, y: (g, g)),
        [double(3), double(3, seed=1)],
        "backward gives a gradient where the output does not depend on input 1",
    ),
    "no sum over a broadcast axis": (
        operation(lambda x, b: x + b, lambda g, x, b: (g, g[0])),
        [double(4, 3), double(3)],
        "a missing sum over a broadcast axis: input 1 reaches all 4 slices of axis 0 of the output, but its gradient "
        "counts only slice 0",
    ),
    "no sum over an inner broadcast axis": (
        operation(lambda x, b: x + b, lambda g, x, b: (g, g[:, 1:2])),
        [double(4, 3), double(4, 1)],
        "a missing sum over a broadcast axis: input 1 reaches all 3 slices of axis 1 of the output, but its gradient "
        "counts only slice 1",
    ),
    "a transposed axis": (
        operation(lambda x: x.T * 1, lambda g, x: g),
        [double(3, 3)],
        "transposed axes: the axes of the gradient of input 0, of shape (3, 3), come in the order (1, 0)",
    ),
    "a reshape for a transpose": (
        operation(lambda x: x.permute(2, 0, 1) * 1, lambda g, x: g.reshape(2, 3, 4)),
        [double(2, 3, 4)],
        "transposed axes: the axes of the gradient of input 0, of shape (2, 3, 4), come in the order (2, 0, 1)",
    ),
    "a transposed grad_output": (
        operation(lambda x, y: x @ y, lambda g, x, y: (g.T @ y.T, x.T @ g)),
        [double(3, 3), double(3, 3, seed=1)],
        "transposed axes: the axes of grad_output, of shape (3, 3), come in the order (1, 0)",
    ),
    "a reversed axis": (
        operation(lambda x: minitorch.from_numpy(x.data[:, ::-1].copy()), lambda g, x: g),
        [double(2, 3)],
        "a reversed axis: axis 1 of the gradient of input 0, of shape (2, 3), runs backwards",
    ),
    "an unused grad_output": (
        operation(lambda x: x * x, lambda g, x: x * 2),
        [double(3)],
        "backward gives the same whatever grad_output is: multiply the derivative by grad_output",
    ),
    "a missing term": (
        operation(lambda x: x * x + x.exp(), lambda g, x: g * x * 2),
        [double(3)],
        "none of the usual ones; check the formula of backward for a missing term",
    ),
    "a detached result": (lambda x: x.detach() * 2, [double(3)], "a detach(), no_grad() or .data on the way"),
    "a detached input": (
        lambda x, y: x * y.detach(),
        [double(3), double(3, seed=1)],
        "the gradient of input 1 is missing",
    ),
}


@pytest.mark.parametrize("fast_mode", [False, True], ids=["slow", "fast"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_and_named(mistake, fast_mode):
    function, inputs, cause = MISTAKES[mistake]
    assert cause in complaint(function, inputs, fast_mode=fast_mode).split("likely cause: ")[1]


def test_the_message_names_the_operation_the_element_and_both_numbers():
    wrong = operation(lambda x, y: x * y, lambda g, x, y: (g * y, g * x * 2))
    y = minitorch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=minitorch.float64, requires_grad=True)
    x = minitorch.tensor([[1.0, 1.0], [5.0, 1.0]], dtype=minitorch.float64, requires_grad=True)
    assert complaint(lambda x, y: wrong(x, y).exp().log(), (x, y)) == (
        "gradcheck: Jacobian mismatch for output 0 with respect to input 1\n"
        "operation:    LogBackward ← ExpBackward ← MineBackward\n"
        "worst:        d output 0[1, 0] / d input 1[1, 0]\n"
        "analytical:   10 (by backward)\n"
        "numerical:    5 (by central differences, eps=1e-06)\n"
        "error:        5, allowed 0.00501 (atol=1e-05 + rtol=0.001·|numerical|); 4 of 16 elements are wrong\n"
        "likely cause: the gradient is off by a factor of 2 (too large: divide it by 2)"
    )


def test_one_wrong_element_is_found():
    def backward(g, x):
        mask = minitorch.ones(3, 4, dtype=minitorch.float64)
        with minitorch.no_grad():
            mask[2, 1] = 1.01
        return g * mask

    message = complaint(operation(lambda x: x * 1, backward), double(3, 4))
    assert "d output 0[2, 1] / d input 0[2, 1]" in message
    assert "1 of 144 elements are wrong" in message


@pytest.mark.parametrize(
    ("function", "point"),
    [
        (lambda x: minitorch.where(x > 0, x, 0), 0.0),
        (lambda x: minitorch.maximum(x, x.detach() * 0 + 2), 2.0 + 2e-7),
        (lambda x: x.clamp(max=1), 1.0),
    ],
    ids=["at a kink", "near a tie", "at a bound"],
)
def test_a_kink_is_named(function, point):
    x = minitorch.tensor([5.0, point], dtype=minitorch.float64, requires_grad=True)
    message = complaint(function, x)
    assert "likely cause: a kink, a jump or a tie near the point" in message
    assert "input 0[1]" in message


def test_infinite_derivatives_are_named():
    x = minitorch.tensor([1.0, 0.0], dtype=minitorch.float64, requires_grad=True)
    assert "likely cause: backward gives" in complaint(lambda x: x.sqrt(), x)
    assert "is not finite within eps" in complaint(lambda x: x * x.detach().sqrt(), x)


def test_a_function_that_is_nowhere_finite_is_named():
    x = minitorch.tensor([1.0, -1.0], dtype=minitorch.float64, requires_grad=True)
    assert "likely cause: output 0 is nan at the point itself" in complaint(lambda x: x.sqrt(), x)


def test_a_random_function_is_named():
    noise = np.random.default_rng(0)
    message = complaint(lambda x: x * noise.standard_normal(), double(3))
    assert "likely cause: the function is not deterministic" in message
    # A random number that doesn't matter for the gradient shows in the differences all the same.
    assert "the function is not deterministic" in complaint(lambda x: x + noise.standard_normal(), double(3))


def test_float32_inputs_are_warned_of_and_named_as_the_cause():
    x = minitorch.tensor([0.5, 1.5, -1.0], requires_grad=True)
    with pytest.warns(UserWarning, match=r"input 0 requires gradient and is float32, not float64.*\.double\(\)"):
        message = complaint(lambda x: x.exp(), x)
    assert "likely cause: the input is float32" in message
    with pytest.warns(UserWarning, match="float32"):
        assert gradcheck(lambda x: x.exp(), x, eps=1e-2, atol=1e-2, rtol=1e-2)


def test_a_float32_gradient_that_is_plainly_wrong_is_not_excused():
    x = minitorch.tensor([0.5, 1.5, -1.0], requires_grad=True)
    wrong = operation(lambda x: x * 10, lambda g, x: g * 30)
    with pytest.warns(UserWarning, match="float32"):
        message = complaint(wrong, x, eps=1e-3, atol=1e-2, rtol=1e-2)
    assert "the gradient is off by a factor of 3" in message


# ---- backward itself -------------------------------------------------------------------------------------------------


def test_backward_must_be_linear():
    message = complaint(operation(lambda x: x * 2, lambda g, x: g * g * 2), double(4))
    assert "backward of MineBackward is not linear in its grad_output" in message
    message = complaint(operation(lambda x: (x * x).sum(), lambda g, x: x * 2), double(4))
    assert "is not linear in its grad_output" in message
    assert message.endswith("Does it multiply by grad_output, and once only?")


def test_backward_must_not_care_how_grad_output_lies_in_memory():
    def backward(g, x):
        return g if g.is_contiguous() else g * 2

    assert "where its grad_output is not contiguous" in complaint(operation(lambda x: x * 1, backward), double(4))


def test_backward_must_give_the_same_twice():
    calls = []

    def backward(g, x):
        calls.append(1)
        return g * (1 + 1e-9 * len(calls))

    wobbling = operation(lambda x: x * 1, backward)
    assert "Backward is not reentrant" in complaint(wobbling, double(4))
    assert gradcheck(wobbling, double(4), nondet_tol=1e-5)


def test_backward_must_not_change_its_arguments():
    def scale(g, x):
        return g.mul_(1.0) if g.data.ndim == 0 else minitorch.from_numpy(np.multiply(g.data, 2, out=g.data))

    assert "MineBackward changes grad_output 0 in place" in complaint(operation(lambda x: x * 2, scale), double(4))

    def spoil(g, x):
        x.data += 1
        return g * 2

    assert "MineBackward changes input 0 in place" in complaint(operation(lambda x: x * 2, spoil), double(4))
    spoiled = operation(lambda x: x * 2, spoil)
    assert "changes input 1 in place" in complaint(lambda n, x: spoiled(x), (3, double(4)))


def test_outputs_without_gradient_count_as_zero():
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            return a * 2 + b * 3 if a is not None and b is not None else (a or b) * 5

    x = double(1)
    assert "handle undefined output grads: with a gradient for output 0 alone" in complaint(Two.apply, x)
    assert gradcheck(Two.apply, x, check_undefined_grad=False, fast_mode=True)


def test_the_dtype_of_gradients_can_be_checked():
    x = double(3)
    assert gradcheck(lambda x: x * 2, x, check_grad_dtypes=True)
    x.register_hook(lambda g: g.float())
    assert "input 0 is float64, but its gradient is float32" in complaint(
        lambda x: x * 2, x, check_grad_dtypes=True, atol=1e-3
    )


# ---- inputs and outputs ----------------------------------------------------------------------------------------------


def test_functions_of_several_inputs_and_outputs():
    def function(x, n, y):
        return x * y, (x.sum() * n).sin(), minitorch.tensor([1, 2]), "text"

    assert gradcheck(function, (double(2, 3), 4, double(3, seed=1)))
    assert gradgradcheck(function, (double(2, 3), 4, double(3, seed=1)))


def test_the_wrong_output_is_named():
    wrong = operation(lambda x: x * 2, lambda g, x: g)
    assert "for output 1 with respect to input 0" in complaint(lambda x: (x * 2, wrong(x)), double(3))


def test_scalars_empty_tensors_and_constants_pass():
    assert gradcheck(lambda x: x * x, double())
    assert gradcheck(lambda x: (x * x).sum(), double(0, 3))
    assert gradcheck(lambda x: x.floor(), double(3))
    assert gradcheck(lambda x: x.detach() * 0, double(3))
    assert gradgradcheck(lambda x: x.sum(), double(3))


def test_non_contiguous_and_read_only_inputs_are_left_alone():
    frozen = np.random.default_rng(0).standard_normal((3, 4))
    frozen.flags.writeable = False
    x, y = minitorch.from_numpy(frozen).requires_grad_(), double(4, 3).detach().T.requires_grad_()
    values, array = y.detach().clone(), y.data
    assert gradcheck(lambda x, y: (x * y).sin(), (x, y))
    assert y.data is array
    assert_close(y, values, rtol=0, atol=0)
    assert x.grad is None
    assert y.grad is None


def test_the_function_may_reach_its_inputs_by_other_ways():
    weight = double(3)
    assert gradcheck(lambda x, _: x * weight * weight, (double(3, seed=1), weight))


def test_an_input_changed_in_place_is_reported():
    def function(x):
        x.data[0] = 7
        return x * 2

    assert "the function changes input 0 in place" in complaint(function, double(3))


def test_inputs_that_cannot_be_checked():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x, minitorch.ones(3))
    expanded = minitorch.ones(3, 1, dtype=minitorch.float64).expand(3, 4).detach().requires_grad_()
    with pytest.raises(RuntimeError, match="input 0 has a dimension with stride 0"):
        gradcheck(lambda x: x * 2, expanded)


def test_fast_mode_evaluates_the_function_a_few_times_only():
    calls = []

    def function(x):
        calls.append(1)
        return x.sin()

    assert gradcheck(function, double(50), fast_mode=True)
    assert len(calls) <= 4
    assert gradcheck(function, double(50))
    assert len(calls) >= 100


def test_random_streams_are_not_touched():
    minitorch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = minitorch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    gradcheck(lambda x: x.sin(), double(3))
    assert (minitorch.get_rng_state(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_it_works_inside_no_grad():
    with minitorch.no_grad():
        assert gradcheck(lambda x: x * x, double(3))
        assert gradgradcheck(lambda x: x * x, double(3))
        assert not minitorch.is_grad_enabled()


# ---- second derivatives ----------------------------------------------------------------------------------------------


def test_a_wrong_second_derivative_is_found():
    detached = operation(lambda x: x * x * x, lambda g, x: g * (x * x).detach() * 3)
    assert gradcheck(detached, double(3))
    message = complaint(detached, double(3), gradgradcheck)
    assert message.startswith("gradgradcheck (MineBackward): Jacobian mismatch for the gradient of input 0 with ")
    assert "d the gradient of input 0[2] / d input 0[2]\n" in message
    assert "the gradient of input 0 is missing" in message


def test_a_second_derivative_that_forgets_grad_output_is_found():
    detached = operation(lambda x: x * x, lambda g, x: g.detach() * x * 2)
    assert gradcheck(detached, double(3))
    message = complaint(detached, double(3), gradgradcheck)
    assert "Jacobian mismatch for the gradient of input 0 with respect to grad_output 0" in message


@pytest.mark.parametrize("apart", [False, True])
def test_grad_outputs_are_given_or_drawn(apart):
    seen = []

    def backward(g, x):
        seen.append(g.is_contiguous())
        return g * x.cos()

    sine = operation(lambda x: x.sin(), backward)
    assert gradgradcheck(sine, double(3, 2), gen_non_contig_grad_outputs=apart)
    assert seen[0] is not apart
    assert gradgradcheck(sine, double(3, 2), double(3, 2, seed=2))
