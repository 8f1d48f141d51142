"""Models from the literature."""

from .lenet import LeNet5, LeNet5_1998

__all__ = ["LeNet5", "LeNet5_1998"]
