"""Mistakes in models from the literature: what a paper says, and a slip of memory does otherwise."""

from __future__ import annotations

from .variant import Variant

VARIANTS = [
    Variant(
        "AlexNet 2012: alpha as PyTorch reads it",
        "the response norm divides the paper's α by n",
        "minitorch/models/alexnet_2012.py",
        "alpha=n * 1e-4",
        "alpha=1e-4",
        "tests/models/test_alexnet_2012.py",
    ),
    Variant(
        "AlexNet 2012: the third convolution in two groups",
        "the two GPUs never exchange their maps",
        "minitorch/models/alexnet_2012.py",
        "nn.Conv2d(256, 384, kernel_size=3, padding=1),",
        "nn.Conv2d(256, 384, kernel_size=3, padding=1, groups=2),",
        "tests/models/test_alexnet_2012.py",
    ),
    Variant(
        "AlexNet 2012: biases of 1 a layer early",
        "the third convolution's biases begin at 1 instead of the fourth's",
        "minitorch/models/alexnet_2012.py",
        "ones = {convs[1], convs[3], convs[4], hidden_1, hidden_2}",
        "ones = {convs[1], convs[2], convs[4], hidden_1, hidden_2}",
        "tests/models/test_alexnet_2012.py",
    ),
    Variant(
        "AlexNet small: pools that don't overlap",
        "the last pool has a stride of its own, and leaves fewer features",
        "minitorch/models/alexnet_small.py",
        "nn.MaxPool2d(kernel_size=3, stride=2),\n        )",
        "nn.MaxPool2d(kernel_size=3, stride=3),\n        )",
        "tests/models/test_alexnet_small.py",
    ),
]
