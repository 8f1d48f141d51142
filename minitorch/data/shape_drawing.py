"""How :class:`minitorch.data.Shapes` draws: signed distances to outlines, and colours.

A shape is a function of x and y whose value is negative inside, positive outside, and near the outline the distance to
it. Where the outline runs through a pixel, the distance tells which part of the pixel is inside. Most of them are known
from Quilez, "2D distance functions" (iquilezles.org). Every shape fits into the unit circle.

Only + - × ÷, square roots, minima and maxima touch pixels: these are rounded alike on every machine, other functions
aren't.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
NUMBERS = 40  # random numbers that a picture is made of, besides its noise


def circle(x: Floats, y: Floats, radius: float = 0.9) -> Floats:
    return length(x, y) - radius


def square(x: Floats, y: Floats) -> Floats:
    return box(x, y, 0.7, 0.7)


def triangle(x: Floats, y: Floats) -> Floats:
    """With equal sides: inside of three half-planes."""
    largest: Floats = half_planes(x, y, corners=3, distance=0.5).max(0)
    return largest


def star(x: Floats, y: Floats) -> Floats:
    """With five points: inside of at least four of the five half-planes that the long lines of a pentagram bound."""
    planes = half_planes(x, -y, corners=5, distance=math.cos(2 * math.pi / 5))
    second_largest: Floats = np.sort(planes, axis=0)[-2]
    return second_largest


def cross(x: Floats, y: Floats) -> Floats:
    return np.minimum(box(x, y, 0.95, 0.3), box(x, y, 0.3, 0.95))


def ring(x: Floats, y: Floats) -> Floats:
    return np.maximum(circle(x, y, 0.97), -circle(x, y, 0.53))


def heart(x: Floats, y: Floats) -> Floats:
    """A square that stands on a corner, and a disc on each of its upper sides."""
    a = 0.77  # from the middle of the square to a corner
    x, y = np.abs(x), y + 0.15
    diamond: Floats = (x + np.abs(y) - a) * math.sqrt(0.5)
    return np.minimum(diamond, circle(x - a / 2, y - a / 2, a * math.sqrt(0.5)))


def crescent(x: Floats, y: Floats) -> Floats:
    """A disc without another one beside it."""
    return np.maximum(circle(x + 0.1, y), -circle(x - 0.4, y, 0.7))


def semicircle(x: Floats, y: Floats) -> Floats:
    y = y + 0.35
    return np.maximum(circle(x, y), -y)


def bar(x: Floats, y: Floats) -> Floats:
    return box(x, y, 0.95, 0.28)


def length(x: Floats, y: Floats) -> Floats:
    return np.sqrt(x * x + y * y)


def box(x: Floats, y: Floats, half_width: float, half_height: float) -> Floats:
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def half_planes(x: Floats, y: Floats, corners: int, distance: float) -> Floats:
    """Distances to so many lines around the origin, (corners, …); the first one is below it."""
    angles = [2 * math.pi * k / corners - math.pi / 2 for k in range(corners)]
    return np.stack([x * math.cos(a) + y * math.sin(a) - distance for a in angles])


# The classes, in their order.
SHAPES: tuple[Callable[[Floats, Floats], Floats], ...] = (
    circle,
    square,
    triangle,
    star,
    cross,
    ring,
    heart,
    crescent,
    semicircle,
    bar,
)


def draw(labels: NDArray[np.int64], numbers: Floats, noise: Floats) -> NDArray[np.uint8]:
    """Pictures (N, 3, S, S) of shapes.

    Args:
        labels: (N,), which of :data:`SHAPES`.
        numbers: (N, :data:`NUMBERS`), from [0, 1): all that is random, but for the noise.
        noise: (N, 3, S, S) with deviation 1; becomes the picture.
    """
    size = noise.shape[-1]
    parts = np.split(numbers[:, :, None, None], [1, 2, 4, 7, 10, 37, 38, 39], axis=1)
    turn, scale, position, base, contrast, grid, shade, strength, _ = parts
    radius = 0.45 + 0.35 * scale[:, 0]  # of half the picture's side
    centre = (2 * position - 1) * (1 - radius[:, None])  # the whole shape is in the picture
    # y points upwards.
    across = np.linspace(1 / size - 1, 1 - 1 / size, size, dtype=np.float32)
    x, y = rotated(across - centre[:, 0], -across[:, None] - centre[:, 1], turn[:, 0])
    x, y = x / radius, y / radius
    distance = np.empty_like(x)
    for label in np.unique(labels):
        chosen = labels == label
        distance[chosen] = SHAPES[label](x[chosen], y[chosen])
    distance *= radius * size / 2  # in pixels
    inside = np.clip(0.5 - distance, 0, 1)[:, None]

    background = 0.45 * base + 0.35 * blend(grid.reshape(-1, 3, 3, 3), size)
    shadow = np.clip(1 - distance * 6 / size, 0, 1)[:, None] * 0.3
    colour = 0.5 + 0.5 * contrast + y[:, None] * (shade - 0.5) * 0.4  # brighter than most backgrounds
    picture = background * (1 - shadow)
    picture += (colour - picture) * inside
    noise *= strength * 0.1
    noise += picture
    return (np.clip(noise, 0, 1) * 255 + 0.5).astype(np.uint8)


def rotated(x: Floats, y: Floats, turn: Floats) -> tuple[Floats, Floats]:
    """The coordinates in a system that is rotated by so many whole turns."""
    # In float64: whatever a machine makes of the last digit, leaves no trace in float32.
    angle = 2 * math.pi * turn.astype(np.float64)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    return x * cos + y * sin, y * cos - x * sin


def blend(grid: Floats, size: int) -> Floats:
    """(N, C, K, K) enlarged to (N, C, size, size), linearly between the values at the borders and within."""
    cells = grid.shape[-1] - 1
    position = np.linspace(0, cells, size, dtype=np.float32)
    left = np.minimum(position.astype(np.int64), cells - 1)
    share = position - left.astype(np.float32)
    rows = grid[:, :, left] * (1 - share)[:, None] + grid[:, :, left + 1] * share[:, None]
    blended: Floats = rows[..., left] * (1 - share) + rows[..., left + 1] * share
    return blended
