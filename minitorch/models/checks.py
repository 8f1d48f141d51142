"""What the models ask of their inputs."""

from __future__ import annotations

from ..tensor import Tensor


def check_images(name: str, input: Tensor, channels: int, size: int) -> None:
    """Raises RuntimeError unless ``input`` is (N, channels, size, size)."""
    if input.data.shape[1:] != (channels, size, size):
        raise RuntimeError(
            f"{name}: expected images (N, {channels}, {size}, {size}), got {tuple(input.data.shape)}; "
            "crop, pad or resize them"
        )
