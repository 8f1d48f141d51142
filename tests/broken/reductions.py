"""Mistakes in extremes, sorting, running products, norms, and sums over letters."""

from __future__ import annotations

from .variant import Variant, row

EXTREMES = "minitorch/ops/extremes.py"
ORDER = "minitorch/ops/order.py"
SCAN = "minitorch/ops/scan.py"
NORM = "minitorch/ops/vector_norm.py"
EINSUM = "minitorch/ops/einsum.py"

VARIANTS = [
    Variant(
        "std: infinite slope",
        "the root of a variance of 0 has an infinite derivative, and 0·∞ is NaN",
        "minitorch/ops/reduce.py",
        "return where(constant, 0, where(constant, 1, variance).sqrt())",
        "return where(constant, 0, variance.sqrt())",
        "tests/ops/test_special_points.py tests/ops/test_reductions.py",
    ),
    Variant(
        "argmax: the last of equals",
        "of equal maxima, the index of the last is returned",
        EXTREMES,
        "return wrap(getattr(xp, name)(input.data, axis=dim, keepdims=keepdim), input.backend)",
        "backwards = getattr(xp, name)(xp.flip(input.data, dim), axis=dim, keepdims=keepdim)\n"
        "    return wrap(input.data.shape[dim] - 1 - backwards, input.backend)",
        "tests/ops/test_special_points.py -k ties",
    ),
    Variant(
        "sort: equals are turned round",
        "descending is ascending read from the end, so that equal elements change places",
        ORDER,
        '    backwards = xp.argsort(xp.flip(array, dim), axis=dim, kind="stable")\n'
        "    return array.shape[dim] - 1 - xp.flip(backwards, dim)\n",
        '    return xp.flip(xp.argsort(array, axis=dim, kind="stable"), dim)\n',
        "tests/ops/test_order.py -k equal",
    ),
    Variant(
        "median: the upper one",
        "of an even number, the upper of the two in the middle is taken",
        ORDER,
        "middle = xp.where(numbers < size, numbers, (size - 1) // 2)",
        "middle = xp.where(numbers < size, numbers, size // 2)",
        "tests/ops/test_order.py -k median",
    ),
    Variant(
        "cumprod: division by the elements",
        "the products without an element are the products divided by it, which is 0/0 at 0",
        SCAN,
        "return _previous(output, ctx.dim, 1, ctx.reverse) * inner, None, None",
        "return output / input * inner, None, None",
        row("cumprod"),
    ),
    Variant(
        "cumprod: no second derivative by the factors",
        "the recurrence is differentiated as if its factors were constants",
        SCAN,
        "grad_a = grad_b * _previous(output, ctx.dim, 0, ctx.reverse) if ctx.needs_input_grad[1] else None",
        "grad_a = None",
        row("cumprod"),
    ),
    Variant(
        "norm: NaN at zero",
        "the gradient of the length of a zero vector is 0/0",
        NORM,
        "unit = where(vanishes, 0, input / where(vanishes, 1, output))",
        "unit = input / output",
        "tests/ops/test_special_points.py",
    ),
    Variant(
        "einsum: the order of appearance",
        "without an arrow, the letters of the result aren't sorted",
        EINSUM,
        "sorted(label for label in letters if letters.count(label) == 1)",
        "(label for label in letters if letters.count(label) == 1)",
        "tests/ops/test_products.py -k einsum",
    ),
    Variant(
        "einsum: letters needed later",
        "a letter is summed as soon as two operands share it, though a third has it too",
        EINSUM,
        "needed = set(output).union(*[later.labels for later in operands[i:]])",
        "needed = set(output)",
        "tests/ops/test_products.py -k einsum",
    ),
    Variant(
        "tensordot: the first axes of both",
        "the first axes of a are contracted, not the last",
        EINSUM,
        "return tuple(range(a.data.ndim - dims, a.data.ndim)), tuple(range(dims))",
        "return tuple(range(dims)), tuple(range(dims))",
        row("tensordot"),
    ),
]
