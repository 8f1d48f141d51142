"""Rectifiers and their kin: activations made of straight pieces (hardswish also has a parabola).

They have no derivative at their kinks; each says which value its gradient takes there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..autograd import no_grad
from ..devices import on_its_device
from ..tensor import Function, Tensor, tensor_method, wrap
from .dispatch import check_floating, ieee, in_float32
from .inplace import check_in_place, store
from .selection import where
from .shape import reshape


def replace(name: str, input: Tensor, function: Callable[..., Tensor], *args: Any) -> Tensor:
    """Writes ``function(input, *args)`` into ``input``."""
    check_in_place(name, input, instead="Leave out inplace=True")
    with no_grad():
        return store(input, function(input, *args).data)


def activate(
    name: str, function: Callable[..., Tensor], input: Tensor, *args: Any, inplace: bool = False, integers: bool = False
) -> Tensor:
    """``function(input, *args)`` with what all activations have in common.

    That is a check of the dtype (``integers`` says whether integers will do), float16 computed in float32, and the
    result written into ``input`` where ``inplace`` is set.
    """
    if inplace:
        return replace(name, input, partial(activate, name, function, integers=integers), *args)
    if integers and isinstance(input, Tensor) and input.data.dtype.kind in "iu":
        return function(input, *args)
    check_floating(name, input)
    if input.data.dtype.itemsize == 2:
        return in_float32(function, input, *args)
    return function(input, *args)


class ReLU(Function):
    """max(x, 0): the gradient passes where the output is positive (or NaN)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        output = wrap(input.backend.relu(input.data), input.backend)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return ReLUBackward.apply(grad_output, *ctx.saved_tensors)


class ReLUBackward(Function):
    """0 where ``output <= 0``, else ``grad_output``: linear in the gradient, piecewise constant in the output."""

    @staticmethod
    def forward(ctx: Any, grad_output: Tensor, output: Tensor) -> Tensor:
        ctx.save_for_backward(output)
        return wrap(grad_output.backend.relu_backward(grad_output.data, output.data), grad_output.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (output,) = ctx.saved_tensors
        grad = ReLUBackward.apply(grad_output, output.detach()) if ctx.needs_input_grad[0] else None
        # A derivative of 0, not of None: second derivatives of a network with ReLUs exist, as in PyTorch.
        zero = output.new_zeros(()).expand(output.data.shape) if ctx.needs_input_grad[1] else None
        return grad, zero


class Flat(Function):
    """The gradient of a straight piece as it is, noted as a function of ``input``: a constant one, of derivative 0.

    Without it second derivatives wouldn't be 0 but not there.
    """

    @staticmethod
    def forward(ctx: Any, grad_input: Tensor, input: Tensor) -> Tensor:
        ctx.shape = input.data.shape
        return wrap(grad_input.data, grad_input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return grad_output, grad_output.new_zeros(()).expand(ctx.shape)


class LeakyReLU(Function):
    """x where x > 0, else s·x."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, negative_slope: float) -> Tensor:
        ctx.save_for_backward(input)
        ctx.negative_slope = negative_slope
        scaled = ieee.run(input.backend.xp.multiply, input.data, negative_slope)
        return wrap(input.backend.xp.where(input.data > 0, input.data, scaled), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return Flat.apply(where(input > 0, grad_output, grad_output * ctx.negative_slope), input), None


class PReLU(Function):
    """x where x > 0, else w·x; w broadcasts. ∂x = ∂y or w·∂y, ∂w = 0 or x·∂y."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(input, weight)
        scaled = ieee.run(input.backend.xp.multiply, input.data, weight.data)
        return wrap(input.backend.xp.where(input.data > 0, input.data, scaled), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        input, weight = ctx.saved_tensors
        positive = input > 0
        grad_input = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_input = Flat.apply(where(positive, grad_output, grad_output * weight), input)
        if ctx.needs_input_grad[1]:
            grad_weight = where(positive, 0, grad_output * input)
        return grad_input, grad_weight


class Threshold(Function):
    """The value v where x <= t, else x (or NaN)."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, threshold: float, value: float) -> Tensor:
        ctx.save_for_backward(input)
        ctx.threshold = threshold
        return wrap(input.backend.xp.where(input.data <= threshold, value, input.data), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return Flat.apply(where(input <= ctx.threshold, 0, grad_output), input), None, None


class Hardtanh(Function):
    """x moved into [a, b]: the gradient passes where a < x < b."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, min_val: float, max_val: float) -> Tensor:
        ctx.save_for_backward(input)
        ctx.bounds = min_val, max_val
        return wrap(input.backend.xp.clip(input.data, min_val, max_val), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        low, high = ctx.bounds
        return Flat.apply(where((input > low) & (input < high), grad_output, 0), input), None, None


class Hardsigmoid(Function):
    """(x + 3)/6 moved into [0, 1]: ∂x = ∂y/6 where -3 < x < 3."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        return wrap(input.backend.xp.clip(input.data + 3, 0, 6) / 6, input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        return Flat.apply(where((input > -3) & (input < 3), grad_output / 6, 0), input)


class Hardswish(Function):
    """x·hardsigmoid(x): ∂x = 0 where x <= -3, (x/3 + 1/2)·∂y between, ∂y where x >= 3."""

    @staticmethod
    def forward(ctx: Any, input: Tensor) -> Tensor:
        ctx.save_for_backward(input)
        gate = input.backend.xp.clip(input.data + 3, 0, 6) / 6
        return wrap(ieee.run(input.backend.xp.multiply, input.data, gate), input.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (input,) = ctx.saved_tensors
        between = where(input < 3, grad_output * (input / 3 + 0.5), grad_output)
        return where(input <= -3, 0, between)


@on_its_device
def _relu_of_integers(input: Tensor) -> Tensor:
    return wrap(input.backend.xp.maximum(input.data, 0), input.backend)


@tensor_method("relu")
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(input, 0)``, elementwise; NaN stays NaN. The gradient passes where the input is positive.

    ``inplace=True`` changes ``input`` itself, where no graph is being recorded.

    >>> import minitorch
    >>> minitorch.relu(minitorch.tensor([-1., 0., 2.]))
    tensor([0., 0., 2.])

    Raises:
        RuntimeError: the tensor is bool; or ``inplace``, and it is part of a graph that is being recorded.

    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).
    """
    if inplace:
        return replace("relu", input, relu)
    if isinstance(input, Tensor) and input.data.dtype.kind in "iu":
        return _relu_of_integers(input)
    check_floating("relu", input)
    if input.data.dtype.itemsize == 2:
        return in_float32(relu, input)
    return ReLU.apply(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(input, 0), 6)``, elementwise. The gradient passes where 0 < input < 6.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.relu6(minitorch.tensor([-1., 2., 7.]))
    tensor([0., 2., 6.])

    Raises:
        RuntimeError: the tensor is bool; or ``inplace``, and it is part of a graph that is being recorded.

    Krizhevsky, "Convolutional deep belief networks on CIFAR-10" (2010).
    """
    return activate("relu6", Hardtanh.apply, input, 0, 6, inplace=inplace, integers=True)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``input`` where it is positive, else ``negative_slope * input``. The gradient at 0 is ``negative_slope``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.leaky_relu(minitorch.tensor([-100., 2.]))
    tensor([-1.,  2.])

    Raises:
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).
    """
    return activate("leaky_relu", LeakyReLU.apply, input, float(negative_slope), inplace=inplace)


@tensor_method("prelu")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``input`` where it is positive, else ``weight * input``: a leaky ReLU whose slope is learnt.

    At 0 the gradient of ``input`` is ``weight``.

    Args:
        input: (N, C, …), or of fewer dimensions and then taken as one channel.
        weight: one slope, or one for each of the C channels.

    >>> import minitorch
    >>> minitorch.prelu(minitorch.tensor([[-1., -1.], [2., -3.]]), minitorch.tensor([0.5, 0.25]))
    tensor([[-0.5000, -0.2500],
            [ 2.0000, -0.7500]])

    Raises:
        RuntimeError: ``weight`` has more than one dimension or another number of elements than there are channels,
            or the dtypes differ or are no floating ones.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015).
    """
    check_floating("prelu", input, weight)
    shape = input.data.shape
    if weight.data.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.data.ndim}, "
            f"shape {tuple(weight.data.shape)}"
        )
    if weight.data.size == 1:
        weight = reshape(weight, ())
    else:
        if not shape:
            raise RuntimeError(
                f"prelu: Not allow zero-dim input tensor. It is one channel, and weight has {weight.data.size} elements"
            )
        channels = shape[1] if len(shape) > 1 else 1
        if weight.data.size != channels:
            raise RuntimeError(
                f"prelu: Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.data.size} and channel size = {channels}; the input's shape is {tuple(shape)}."
            )
        weight = reshape(weight, (channels,) + (1,) * (len(shape) - 2))
    return activate("prelu", PReLU.apply, input, weight)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``input`` where it is larger than ``threshold`` (or NaN), else ``value``, where the gradient is 0.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.threshold(minitorch.tensor([0., 1., 2.]), 1, -5)
    tensor([-5., -5.,  2.])

    Raises:
        RuntimeError: the tensor is bool; or ``inplace``, and it is part of a graph that is being recorded.
    """
    if isinstance(input, Tensor) and input.data.dtype.kind in "iu":
        threshold, value = int(threshold), int(value)
    return activate("threshold", Threshold.apply, input, threshold, value, inplace=inplace, integers=True)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Each element moved into [``min_val``, ``max_val``]. The gradient passes where it lies between them.

    Unlike that of :func:`minitorch.clamp`, the gradient is 0 at the bounds.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.hardtanh(minitorch.tensor([-3., 0.5, 2.]))
    tensor([-1.0000,  0.5000,  1.0000])

    Raises:
        ValueError: ``min_val`` is larger than ``max_val``.
        RuntimeError: the tensor is bool, or uint8 with a negative bound; or ``inplace``, and it is part of a graph.

    Collobert, "Large scale machine learning" (2004).
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val cannot be greater than max_val, got {min_val=} and {max_val=}")
    if isinstance(input, Tensor) and input.data.dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)
        if input.data.dtype.kind == "u" and min_val < 0:
            raise RuntimeError(f"hardtanh: cannot do hardtanh on an unsigned type with negative limits, got {min_val=}")
    return activate("hardtanh", Hardtanh.apply, input, min_val, max_val, inplace=inplace, integers=True)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``relu6(input + 3) / 6``: a sigmoid of three straight pieces. The gradient is 0 at its kinks, ±3.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.hardsigmoid(minitorch.tensor([-4., 0., 1.5]))
    tensor([0.0000, 0.5000, 0.7500])

    Raises:
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Howard et al., "Searching for MobileNetV3" (2019), section 5.2.
    """
    return activate("hardsigmoid", Hardsigmoid.apply, input, inplace=inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``input * relu6(input + 3) / 6``: :func:`silu` without an exponential. The gradient is 0 at -3 and 1 at 3.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.hardswish(minitorch.tensor([-4., -1., 4.]))
    tensor([-0.0000, -0.3333,  4.0000])

    Raises:
        RuntimeError: the dtype is no floating one; or ``inplace``, and the tensor is part of a graph.

    Howard et al., "Searching for MobileNetV3" (2019), section 5.2.
    """
    return activate("hardswish", Hardswish.apply, input, inplace=inplace)
