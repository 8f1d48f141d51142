"""What a failed gradient check says: where backward and central differences disagree most, and the likely cause."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .function import Function

Array = NDArray[Any]
Shape = tuple[int, ...]


class GradcheckError(RuntimeError):
    """A gradient failed :func:`minitorch.autograd.gradcheck`. The message says where, how far off it is, and why.

    >>> import minitorch
    >>> x = minitorch.ones(1, dtype=minitorch.float64, requires_grad=True)
    >>> try:
    ...     minitorch.autograd.gradcheck(lambda x: x * x.detach(), x)
    ... except minitorch.autograd.GradcheckError as error:
    ...     print(error)
    gradcheck: Jacobian mismatch for output 0 with respect to input 0
    operation:    MulBackward
    worst:        d output 0[0] / d input 0[0]
    analytical:   1 (by backward)
    numerical:    2 (by central differences, eps=1e-06)
    error:        1, allowed 0.00201 (atol=1e-05 + rtol=0.001·|numerical|); 1 of 1 elements are wrong
    likely cause: the gradient is off by a factor of 2 (too small: multiply it by 2)
    """


@dataclass(frozen=True)
class Tolerance:
    """How far two numbers may be apart, and the step of the differences."""

    eps: float
    atol: float
    rtol: float

    def of(self, numerical: Array) -> Array:
        """The error that is allowed in each element."""
        return self.atol + self.rtol * abs(numerical)

    def agree(self, analytical: Array, numerical: Array) -> bool:
        """Whether all elements are close; NaN is close to nothing."""
        return bool((abs(analytical - numerical) <= self.of(numerical)).all())


@dataclass(frozen=True)
class Mismatch:
    """Two Jacobians of one output with respect to one input, as matrices: elements of the output × of the input."""

    output: str  # what messages call them
    input: str
    operation: str
    analytical: Array
    numerical: Array
    output_shape: Shape
    input_shape: Shape
    dtype: Any
    missing: bool  # backward gave None
    tolerance: Tolerance

    @property
    def wrong(self) -> Array:
        """Where the Jacobians disagree."""
        return ~(abs(self.analytical - self.numerical) <= self.tolerance.of(self.numerical))

    @property
    def worst(self) -> tuple[int, int]:
        """The row and column where they disagree most."""
        error = np.where(self.wrong, abs(self.analytical - self.numerical), -1.0)
        row, column = np.unravel_index(np.where(np.isnan(error), np.inf, error).argmax(), error.shape)
        return int(row), int(column)


@dataclass(frozen=True)
class Nearby:
    """What the output does at and around the point."""

    right: float  # the slopes of the worst element on either side: at a kink they differ
    left: float
    not_finite: list[float]  # elements that are NaN or infinite
    largest: float  # of all elements: it bounds how exact differences can be
    repeats: bool  # whether all elements are the same in another call


def nodes_of(outputs: Sequence[Any]) -> list[Function]:
    """The nodes of the graph behind ``outputs``, breadth first, without its leaves."""
    nodes = [out.grad_fn for out in outputs if out.grad_fn is not None]
    seen = set(nodes)
    for node in nodes:  # `nodes` grows
        for behind, _ in node.next_functions:
            if isinstance(behind, Function) and behind not in seen:
                seen.add(behind)
                nodes.append(behind)
    return nodes


def graph_of(outputs: Sequence[Any]) -> str:
    """The operations that made ``outputs``, the last one first: ``MulBackward ← ExpBackward``."""
    names = [node.name() for node in nodes_of(outputs)]
    return " ← ".join(names[:6]) + (f" ← … ({len(names)} operations)" if len(names) > 6 else "")


def describe(name: str, mismatch: Mismatch, nearby: Nearby) -> str:
    """The message of a failed check."""
    row, column = mismatch.worst
    analytical, numerical = mismatch.analytical[row, column], mismatch.numerical[row, column]
    tolerance, wrong = mismatch.tolerance, mismatch.wrong
    where = mismatch.output + _index(row, mismatch.output_shape)
    by = mismatch.input + _index(column, mismatch.input_shape)
    return (
        f"{name}: Jacobian mismatch for {mismatch.output} with respect to {mismatch.input}\n"
        f"operation:    {mismatch.operation or 'none: the output requires no gradient'}\n"
        f"worst:        d {where} / d {by}\n"
        f"analytical:   {analytical:.8g} (by backward)\n"
        f"numerical:    {numerical:.8g} (by central differences, eps={tolerance.eps:g})\n"
        f"error:        {abs(analytical - numerical):.3g}, allowed {tolerance.of(numerical):.3g} (atol="
        f"{tolerance.atol:g} + rtol={tolerance.rtol:g}·|numerical|); {wrong.sum()} of {wrong.size} elements are wrong\n"
        f"likely cause: {likely_cause(mismatch, nearby)}"
    )


def likely_cause(mismatch: Mismatch, nearby: Nearby) -> str:
    """The first known mistake that explains the wrong elements."""
    return (
        _random(mismatch, nearby)
        or _not_finite(mismatch, nearby)
        or _not_recorded(mismatch)
        or _rounding(mismatch, nearby)
        or _kink(mismatch, nearby)
        or _not_used(mismatch)
        or _missing_sum(mismatch)
        or _factor(mismatch)
        or _rearranged(mismatch)
        or "none of the usual ones; check the formula of backward for a missing term or a factor not transposed"
    )


def _random(m: Mismatch, nearby: Nearby) -> str | None:
    if nearby.repeats:
        return None
    return (
        f"the function is not deterministic: called again with the same inputs, it gives another {m.output}. Does it "
        f"draw random numbers, or keep state? Fix the seed inside of the function"
    )


def _not_finite(m: Mismatch, nearby: Nearby) -> str | None:
    row, column = m.worst
    if np.isfinite(m.analytical[row, column]) and np.isfinite(m.numerical[row, column]):
        return None
    if nearby.not_finite:
        return f"{m.output} is {nearby.not_finite[0]} at the point itself, where it has no derivative"
    if not np.isfinite(m.analytical[row, column]):
        return f"backward gives {m.analytical[row, column]}: a division by zero, or the derivative is infinite here"
    return f"the function is not finite within eps={m.tolerance.eps:g} of the point: move the inputs away from there"


def _not_recorded(m: Mismatch) -> str | None:
    if not m.operation:
        return "the output requires no gradient, but depends on the input: a detach(), no_grad() or .data on the way"
    if m.missing:
        return (
            f"the gradient of {m.input} is missing: backward returned None for it, or it was cut off by a "
            f"detach(), no_grad() or .data, and {m.output} does depend on it"
        )
    return None


def _rounding(m: Mismatch, nearby: Nearby) -> str | None:
    if m.dtype == np.float64:
        return None
    noise = float(np.finfo(m.dtype).eps) * nearby.largest / m.tolerance.eps
    if abs(m.analytical - m.numerical).max() > 4 * noise:
        return None
    return (
        f"the input is {m.dtype}, whose rounding alone makes differences wrong by about {noise:.2g}: check in float64, "
        f"with inputs made by .double()"
    )


def _kink(m: Mismatch, nearby: Nearby) -> str | None:
    right, left = nearby.right, nearby.left
    # In a smooth function they differ by eps times the second derivative; 0.01 is far more than that and rounding.
    if m.dtype == np.float64 and abs(right - left) > 0.01 * max(1.0, min(abs(right), abs(left))):
        return (
            f"a kink, a jump or a tie near the point: the slope is {right:.6g} to the right and {left:.6g} to the "
            f"left, so there is no derivative to compare with. Draw inputs that stay away from it by more than eps"
        )
    return None


def _not_used(m: Mismatch) -> str | None:
    """Whatever grad_output is, backward gives the same: all rows of its Jacobian are one."""
    rows = m.analytical
    if len(rows) < 2 or not rows.any() or not m.tolerance.agree(rows, rows[:1]):
        return None
    if m.tolerance.agree(m.numerical, m.numerical[:1]):
        return None
    return "backward gives the same whatever grad_output is: multiply the derivative by grad_output"


def _missing_sum(m: Mismatch) -> str | None:
    """All wrong elements are zero, and all lie outside one slice of an axis of the output."""
    wrong = m.wrong
    if abs(m.analytical[wrong]).max() > m.tolerance.atol:
        return None
    rows = wrong.any(axis=1).reshape(m.output_shape)
    dependent = (abs(m.numerical) > m.tolerance.atol).any(axis=1).reshape(m.output_shape)
    for axis, size in enumerate(m.output_shape):
        others = tuple(i for i in range(rows.ndim) if i != axis)
        if size > 1 and dependent.any(axis=others).all() and (~rows.any(axis=others)).sum() == 1:
            kept = int((~rows.any(axis=others)).argmax())
            return (
                f"a missing sum over a broadcast axis: {m.input} reaches all {size} slices of axis {axis} of the "
                f"output, but its gradient counts only slice {kept}; sum grad_output over that axis"
            )
    return None


def _factor(m: Mismatch) -> str | None:
    """All wrong elements are one multiple of what they should be."""
    a, n = m.analytical[m.wrong], m.numerical[m.wrong]
    squares = float((n * n).sum())
    factor = float((a * n).sum()) / squares if squares else 0.0
    if not m.tolerance.agree(a, factor * n):
        if m.tolerance.agree(n, np.zeros_like(n)):
            return f"backward gives a gradient where the output does not depend on {m.input}"
        return None
    if abs(factor) < m.tolerance.rtol:
        return f"the gradient is zero where {m.output} depends on {m.input}: a term is missing"
    if m.tolerance.agree(a, -n):
        return "the sign of the gradient is wrong"
    sign = "the sign of the gradient is wrong, and it" if factor < 0 else "the gradient"
    size, advice = (abs(factor), "large: divide") if abs(factor) > 1 else (1 / abs(factor), "small: multiply")
    fraction = Fraction(size).limit_denominator(20)
    number = str(fraction) if abs(float(fraction) - size) < 1e-4 * size else f"{size:.6g}"
    return f"{sign} is off by a factor of {number} (too {advice} it by {number}){_length(number, m)}"


def _length(number: str, m: Mismatch) -> str:
    """A hint where a factor is the length of an axis. 2 is passed over: it is more often a forgotten 2."""
    if number == "2":
        return ""
    for kind, shape in (("input", m.input_shape), ("output", m.output_shape)):
        for axis, length in enumerate(shape):
            if number == str(length):
                return f"; {number} is also the length of axis {axis} of the {kind}: a mean for a sum?"
    return ""


def _rearranged(m: Mismatch) -> str | None:
    """The right numbers in the wrong places: axes swapped or reversed, of the gradient or of grad_output."""
    rows, columns = len(m.analytical), m.analytical.shape[1]
    for kind, shape in ((f"the gradient of {m.input}", m.input_shape), ("grad_output", m.output_shape)):
        of_input = shape is m.input_shape and kind != "grad_output"
        jacobian = m.analytical.T if of_input else m.analytical
        jacobian = jacobian.reshape(*shape, rows if of_input else columns)
        numerical = (m.numerical.T if of_input else m.numerical).reshape(jacobian.shape)
        for axes, mended in _transposed(jacobian, shape):
            if m.tolerance.agree(mended, numerical):
                return f"transposed axes: the axes of {kind}, of shape {shape}, come in the order {axes}"
        for axis in range(len(shape)):
            if m.tolerance.agree(np.flip(jacobian, axis), numerical):
                return f"a reversed axis: axis {axis} of {kind}, of shape {shape}, runs backwards"
    return None


def _transposed(jacobian: Array, shape: Shape) -> Iterator[tuple[Shape, Array]]:
    """What ``jacobian`` (of shape ``(*shape, n)``) would be if its axes had been written in another order."""
    if len(shape) <= 4:
        for axes in itertools.permutations(range(len(shape))):
            if axes != tuple(range(len(shape))):
                written = jacobian.reshape(*[shape[axis] for axis in axes], jacobian.shape[-1])
                yield axes, written.transpose(*[axes.index(axis) for axis in range(len(shape))], len(shape))


def _index(flat: int, shape: Shape) -> str:
    return str([int(i) for i in np.unravel_index(flat, shape)]) if shape else ""
