"""A line search: how far to go in a direction, so that the loss falls enough and its slope flattens enough.

The strong Wolfe conditions on a step t, with φ(t) the loss there and φ'(t) its slope along the line::

    φ(t) ≤ φ(0) + c₁·t·φ'(0)        it falls by a part of what the slope promised (Armijo)
    |φ'(t)| ≤ c₂·|φ'(0)|            little is left to gain in this direction

Nocedal and Wright, "Numerical optimization" (2006), section 3.5: algorithm 3.5 brackets a step, 3.6 zooms in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ..backends.protocol import Array

C1, C2 = 1e-4, 0.9


class Point(NamedTuple):
    """A place on the line."""

    t: float
    loss: float
    grad: Array  # of the loss with respect to the parameters, flat
    slope: float  # along the line: grad · direction


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, length: float, tolerance_change: float, max_steps: int
) -> tuple[Point, int]:
    """A point that satisfies the conditions, or the best found; and how often ``at`` was called.

    Args:
        at: evaluates the loss at a step.
        start: where the line begins, t = 0.
        t: the first step to try.
        length: the largest component of the direction: a bracket that moves no parameter by more than
            ``tolerance_change`` is small enough.
        max_steps: how many points may be tried after the first.
    """
    found, steps = _bracket(at, start, t, max_steps)
    if len(found) == 2:
        point, steps = _zoom(at, start, found, length, tolerance_change, steps, max_steps)
    else:
        (point,) = found
    return point, steps + 1


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + C1 * point.t * start.slope


def _flat_enough(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -C2 * start.slope


def _bracket(at: Callable[[float], Point], start: Point, t: float, max_steps: int) -> tuple[list[Point], int]:
    """One point that satisfies the conditions, or two with such a point between them; and the steps it took."""
    before, point = start, at(t)
    for steps in range(max_steps):
        if _too_high(point, start) or (steps > 1 and point.loss >= before.loss):
            return [before, point], steps
        if _flat_enough(point, start):
            return [point], steps
        if point.slope >= 0:
            return [before, point], steps
        t = _lowest_of_cubic(before, point, point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point = point, at(t)
    return [start, point], max(max_steps, 0)


def _zoom(
    at: Callable[[float], Point],
    start: Point,
    bracket: list[Point],
    length: float,
    tolerance_change: float,
    steps: int,
    max_steps: int,
) -> tuple[Point, int]:
    """An end of the bracket that satisfies the conditions, after making it smaller; and the steps so far."""
    crowded = False  # whether the last trial lay close to an end
    low = 0 if bracket[0].loss <= bracket[1].loss else 1  # which end has the lower loss
    while steps < max_steps:
        left, right = sorted(point.t for point in bracket)
        if (right - left) * length < tolerance_change:
            break
        t = _lowest_of_cubic(bracket[0], bracket[1], left, right)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:
            # Twice close to an end, or at it: rather go a tenth inwards, so that the bracket does shrink.
            if crowded or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                crowded = False
            else:
                crowded = True
        else:
            crowded = False
        point = at(t)
        steps += 1
        if _too_high(point, start) or point.loss >= bracket[low].loss:
            bracket[1 - low] = point
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
            continue
        done = _flat_enough(point, start)
        if not done and point.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = point
        if done:
            break
    return bracket[low], steps


def _lowest_of_cubic(a: Point, b: Point, left: float, right: float) -> float:
    """Where the cubic through two points, with their slopes, has its minimum, moved into [left, right].

    Nocedal and Wright (2006), equation 3.59. The middle, where the cubic has no minimum.
    """
    if a.t > b.t:
        a, b = b, a
    if a.t < b.t:
        d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
        square = d1 * d1 - a.slope * b.slope
        d2 = math.sqrt(square) if square >= 0 else math.nan
        divisor = b.slope - a.slope + 2 * d2
        t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / divisor) if divisor else math.nan
        if math.isfinite(t):
            return min(max(t, left), right)
    return (left + right) / 2
