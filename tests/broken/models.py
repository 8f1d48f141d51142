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
    Variant(
        "inception: 3×3 in the third branch",
        "it has 3×3 kernels, as torchvision's has by an old mistake",
        "minitorch/models/blocks.py",
        "nn.Conv2d(ch5x5red, ch5x5, 5, padding=2)",
        "nn.Conv2d(ch5x5red, ch5x5, 3, padding=1)",
        "tests/models/test_blocks.py",
    ),
    Variant(
        "inception: branches in another order",
        "the pooled maps come before those of the 5×5 kernels",
        "minitorch/models/blocks.py",
        "self.branch2(input), self.branch3(input), self.branch4(input)",
        "self.branch2(input), self.branch4(input), self.branch3(input)",
        "tests/models/test_blocks.py -k outputs",
    ),
    Variant(
        "residual: added after ReLU",
        "what is added to the input can't be negative",
        "minitorch/models/blocks.py",
        "return F.relu(self.residual(input) + shortcut)",
        "return F.relu(self.residual(input)) + shortcut",
        "tests/models/test_blocks.py -k outputs",
    ),
    Variant(
        "residual: identity instead of the projection",
        "a given downsample is used only where the stride isn't 1",
        "minitorch/models/blocks.py",
        "shortcut = input if self.downsample is None else",
        "shortcut = input if self.stride == 1 else",
        "tests/models/test_blocks.py",
    ),
    Variant(
        "bottleneck: another stride",
        "the first convolution has the stride, as in the paper, not the second",
        "minitorch/models/blocks.py",
        """        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)""",
        """        self.conv1 = nn.Conv2d(inplanes, planes, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)""",
        "tests/models/test_blocks.py -k outputs",
    ),
    Variant(
        "depthwise: all maps in one group",
        "every kernel sees every map",
        "minitorch/models/blocks.py",
        "padding=kernel_size // 2, groups=in_channels, bias=False",
        "padding=kernel_size // 2, bias=False",
        "tests/models/test_blocks.py -k parameters",
    ),
    Variant(
        "depthwise: no ReLU between",
        "there is no ReLU between the two steps",
        "minitorch/models/blocks.py",
        "x = F.relu(self.bn1(self.depthwise(input)))",
        "x = self.bn1(self.depthwise(input))",
        "tests/models/test_blocks.py -k outputs",
    ),
]
