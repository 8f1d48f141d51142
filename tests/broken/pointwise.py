"""Mistakes in functions of single elements: exponential, trigonometric, selecting, activations."""

from __future__ import annotations

from .variant import Variant, row

EXPONENTIAL = "minitorch/ops/exponential.py"
TRIGONOMETRIC = "minitorch/ops/trigonometric.py"
BINARY = "minitorch/ops/binary.py"
SELECTION = "minitorch/ops/selection.py"
ACTIVATION = "minitorch/ops/activation.py"
SMOOTH = "minitorch/ops/smooth_activation.py"
SPECIAL_POINTS = "tests/ops/test_special_points.py"

VARIANTS = [
    Variant(
        "exp2: no log 2",
        "the derivative of 2ᵃ lacks its factor log 2",
        EXPONENTIAL,
        "return grad_output * (output * math.log(2))",
        "return grad_output * output",
        row("exp2"),
    ),
    Variant(
        "tan: taken for tanh",
        "the derivative of tan is 1 - tan²",
        TRIGONOMETRIC,
        "return grad_output * (output * output + 1)",
        "return grad_output * (1 - output * output)",
        row("tan"),
    ),
    Variant(
        "asin: cancellation",
        "√(1 - x²) near 1, where x² has no digits left for the difference",
        TRIGONOMETRIC,
        "return sqrt((1 - x) * (1 + x))",
        "return sqrt(1 - x * x)",
        "tests/ops/test_accuracy.py -k asin",
    ),
    Variant(
        "atan2: sign",
        "the gradient of the abscissa has the wrong sign",
        TRIGONOMETRIC,
        "grad_other = scaled * -y if",
        "grad_other = scaled * y if",
        row("atan2"),
    ),
    Variant(
        "atan2: NaN at the origin",
        "0/0 where both coordinates are 0",
        TRIGONOMETRIC,
        "scaled = grad_output / where(square == 0, math.inf, square)",
        "scaled = grad_output / square",
        SPECIAL_POINTS,
    ),
    Variant(
        "lerp: the end is missed",
        "with a weight of 1 the result is a + (b - a), which is not always b",
        BINARY,
        "xp.where(abs(w) < 0.5, a + w * difference, b - difference * (1 - w))",
        "a + w * difference",
        "tests/ops/test_accuracy.py -k lerp",
    ),
    Variant(
        "logaddexp: shares exchanged",
        "the gradient of the larger goes to the smaller",
        BINARY,
        "grad_input = grad_output * sigmoid(input - other)",
        "grad_input = grad_output * sigmoid(other - input)",
        row("logaddexp"),
    ),
    Variant(
        "nan_to_num: gradients of the replaced",
        "a gradient passes where a number was put in the place of NaN",
        SELECTION,
        "return where(isfinite(input), grad_output, 0), None, None, None",
        "return grad_output, None, None, None",
        SPECIAL_POINTS,
    ),
    Variant(
        "clamp: bounds that cross",
        "where the lower bound is above the upper one, it gets the gradient though its rival won",
        SELECTION,
        "below, above = (input < low) & (low < high), (input > high) | (high < low)",
        "below, above = input < low, input > high",
        "tests/test_ops_table.py -k 'clamp and tensors'",
    ),
    Variant(
        "gelu: a digit is lost",
        "0.44715 for 0.044715 in the approximation",
        SMOOTH,
        "(twice * 0.044715)",
        "(twice * 0.44715)",
        row("gelu"),
    ),
    Variant(
        "softplus: the threshold of the input",
        "the input is compared with the threshold, not beta times the input",
        SMOOTH,
        "return wrap(xp.where(scaled > threshold, input.data, curve), input.backend)",
        "return wrap(xp.where(input.data > threshold, input.data, curve), input.backend)",
        row("softplus"),
    ),
    Variant(
        "glu: halves exchanged",
        "the first half is the gate",
        SMOOTH,
        "return narrow(input, dim, 0, half) * sigmoid(narrow(input, dim, half, half))",
        "return narrow(input, dim, half, half) * sigmoid(narrow(input, dim, 0, half))",
        row("glu"),
    ),
    Variant(
        "leaky_relu: the slope at zero",
        "0 counts as positive",
        ACTIVATION,
        "return Flat.apply(where(input > 0, grad_output, grad_output * ctx.negative_slope), input), None",
        "return Flat.apply(where(input >= 0, grad_output, grad_output * ctx.negative_slope), input), None",
        "tests/ops/test_activation.py",
    ),
    Variant(
        "prelu: positive inputs count",
        "the gradient of the slope also sums what lies on the right",
        ACTIVATION,
        "grad_weight = where(positive, 0, grad_output * input)",
        "grad_weight = grad_output * input",
        row("prelu"),
    ),
    Variant(
        "hardswish: half the product rule",
        "x/6 for x/3 in the derivative",
        ACTIVATION,
        "grad_output * (input / 3 + 0.5)",
        "grad_output * (input / 6 + 0.5)",
        row("hardswish"),
    ),
]
