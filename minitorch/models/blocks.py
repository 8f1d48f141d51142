"""Building blocks of the networks that came after AlexNet: inception, residual, and depthwise separable blocks.

Each does more with fewer parameters than a plain convolution of the same width: an inception block and a bottleneck by
1×1 convolutions that leave fewer maps for the large kernels, a depthwise separable convolution by keeping the maps
apart where it looks around. A residual block makes deep networks trainable.
"""

from __future__ import annotations

from .. import nn
from ..nn import functional as F
from ..ops.join import cat
from ..tensor import Tensor


class Inception(nn.Module):
    """An inception block: four branches see the same maps, and theirs are joined.

    ::

        branch1   1×1, ch1x1 maps
        branch2   1×1, ch3x3red maps   3×3, ch3x3 maps
        branch3   1×1, ch5x5red maps   5×5, ch5x5 maps
        branch4   max_pool 3×3         1×1, pool_proj maps

    (N, in_channels, H, W) → (N, ch1x1 + ch3x3 + ch5x5 + pool_proj, H, W), with ReLU after every convolution. The 1×1
    convolutions of ``branch2`` and ``branch3`` are bottlenecks: the costly kernels see few maps.

    Szegedy et al., "Going deeper with convolutions" (2014), section 4 and figure 2(b). Names and order are
    torchvision's; its version normalises batches, and has 3×3 in ``branch3`` where the paper has 5×5.

    The first of GoogLeNet's nine blocks (table 1, "inception (3a)"), and what it would be without bottlenecks:

    >>> import minitorch
    >>> from minitorch.models import Inception
    >>> block = Inception(192, 64, 96, 128, 16, 32, 32)
    >>> block(minitorch.zeros(1, 192, 28, 28)).shape
    minitorch.Size([1, 256, 28, 28])
    >>> sum(p.numel() for p in block.parameters())
    163696
    >>> 64 * (192 * 1 + 1) + 128 * (192 * 9 + 1) + 32 * (192 * 25 + 1) + 32 * (192 * 1 + 1)
    393472

    Raises:
        RuntimeError: in the call, where the input hasn't ``in_channels`` channels.
    """

    def __init__(
        self,
        in_channels: int,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
    ) -> None:
        super().__init__()
        self.branch1 = nn.Sequential(nn.Conv2d(in_channels, ch1x1, 1), nn.ReLU())
        self.branch2 = nn.Sequential(
            nn.Conv2d(in_channels, ch3x3red, 1), nn.ReLU(), nn.Conv2d(ch3x3red, ch3x3, 3, padding=1), nn.ReLU()
        )
        self.branch3 = nn.Sequential(
            nn.Conv2d(in_channels, ch5x5red, 1), nn.ReLU(), nn.Conv2d(ch5x5red, ch5x5, 5, padding=2), nn.ReLU()
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(in_channels, pool_proj, 1), nn.ReLU()
        )

    def forward(self, input: Tensor) -> Tensor:
        return cat([self.branch1(input), self.branch2(input), self.branch3(input), self.branch4(input)], 1)


class DepthwiseSeparableConv2d(nn.Module):
    """A convolution in two steps: first one kernel for each map, then the maps mixed at each pixel.

    ::

        depthwise   kernel_size, stride, one kernel a map    bn1  relu    (N, in_channels,  OH, OW)
        pointwise   1×1                                      bn2  relu    (N, out_channels, OH, OW)

    OH = ⌊(H - 1) / stride⌋ + 1 and OW likewise: an odd kernel is padded so that stride 1 keeps the size. Against a
    convolution with C·O·k² weights it has C·k² + C·O, and takes 1/O + 1/k² of the multiplications: for 3×3 kernels
    about a ninth.

    Howard et al., "MobileNets" (2017), section 3.1 and figure 3.

    >>> import minitorch
    >>> from minitorch.models import DepthwiseSeparableConv2d
    >>> block = DepthwiseSeparableConv2d(64, 128, stride=2)
    >>> block(minitorch.zeros(2, 64, 56, 56)).shape
    minitorch.Size([2, 128, 28, 28])
    >>> block.depthwise.weight.numel() + block.pointwise.weight.numel(), minitorch.nn.Conv2d(64, 128, 3).weight.numel()
    (8768, 73728)

    Raises:
        ValueError: ``kernel_size`` is even.
        RuntimeError: in the call, where the input hasn't ``in_channels`` channels.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"DepthwiseSeparableConv2d: expected an odd kernel_size, got {kernel_size}")
        self.depthwise = nn.Conv2d(
            in_channels, in_channels, kernel_size, stride, padding=kernel_size // 2, groups=in_channels, bias=False
        )
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, input: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.depthwise(input)))
        return F.relu(self.bn2(self.pointwise(x)))


class _Residual(nn.Module):
    """relu(residual(x) + x), or relu(residual(x) + downsample(x)) where the residual's shape isn't that of x."""

    expansion: int  # maps that leave the block, per `planes`
    downsample: nn.Module | None  # subclasses set it last: torchvision's order of parameters

    def __init__(self, inplanes: int, planes: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        outplanes = planes * self.expansion
        if downsample is None and (stride != 1 or inplanes != outplanes):
            raise ValueError(
                f"{type(self).__name__}: {inplanes} maps become {outplanes} with stride {stride}, which can't be added "
                f"to the input: give downsample=projection({inplanes}, {outplanes}, {stride})"
            )
        self.stride = stride

    def residual(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        shortcut = input if self.downsample is None else self.downsample(input)
        return F.relu(self.residual(input) + shortcut)


class BasicBlock(_Residual):
    """A residual block of two 3×3 convolutions: relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut).

    (N, inplanes, H, W) → (N, planes, ⌈H/stride⌉, ⌈W/stride⌉). The layers learn what is to be added to the input. Where
    that is nothing, a block passes on what the one before it gave, so that more blocks don't make training harder.
    Where the shapes of input and output differ, ``downsample`` makes one of the other: :func:`projection`.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015), section 3 and figure 5, left: what
    ResNet-18 and ResNet-34 are built of. Names and order are torchvision's (whose further arguments, for other
    networks, aren't here).

    >>> import minitorch
    >>> from minitorch.models import BasicBlock, projection
    >>> stage = minitorch.nn.Sequential(
    ...     BasicBlock(64, 128, stride=2, downsample=projection(64, 128, stride=2)), BasicBlock(128, 128)
    ... )
    >>> stage(minitorch.zeros(2, 64, 56, 56)).shape
    minitorch.Size([2, 128, 28, 28])

    Raises:
        ValueError: there is no ``downsample``, although input and output differ in shape.
        RuntimeError: in the call, where the input hasn't ``inplanes`` channels.
    """

    expansion = 1

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__(inplanes, planes, stride, downsample)
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def residual(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(x))  # type: ignore[no-any-return]


class Bottleneck(_Residual):
    """A residual block of a 1×1, a 3×3 and a 1×1 convolution: the 3×3 sees a quarter of the maps.

    (N, inplanes, H, W) → (N, 4·planes, ⌈H/stride⌉, ⌈W/stride⌉). With ``planes`` a quarter of ``inplanes`` it costs
    about as much as a :class:`BasicBlock` of ``planes`` maps, and has four times as many.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015), section 4.1 and figure 5, right: what
    ResNet-50 and deeper ones are built of. As in torchvision the 3×3 convolution has the stride, where the paper gives
    it to the first 1×1, which then skips three of four pixels.

    >>> import minitorch
    >>> from minitorch.models import BasicBlock, Bottleneck
    >>> block = Bottleneck(256, 64)
    >>> block(minitorch.zeros(2, 256, 14, 14)).shape
    minitorch.Size([2, 256, 14, 14])
    >>> [sum(p.numel() for p in block.parameters()) for block in (block, BasicBlock(64, 64), BasicBlock(256, 256))]
    [70400, 73984, 1180672]

    Raises:
        ValueError: there is no ``downsample``, although input and output differ in shape.
        RuntimeError: in the call, where the input hasn't ``inplanes`` channels.
    """

    expansion = 4

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__(inplanes, planes, stride, downsample)
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.downsample = downsample

    def residual(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))  # type: ignore[no-any-return]


def projection(inplanes: int, outplanes: int, stride: int = 1) -> nn.Sequential:
    """The shortcut of a residual block that changes the shape: a 1×1 convolution and batch normalisation.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015), equation (2) and section 4.1, option
    B. torchvision's ResNet makes the same inside.

    >>> import minitorch
    >>> from minitorch.models import projection
    >>> projection(64, 128, stride=2)(minitorch.zeros(2, 64, 7, 7)).shape
    minitorch.Size([2, 128, 4, 4])
    """
    return nn.Sequential(nn.Conv2d(inplanes, outplanes, 1, stride, bias=False), nn.BatchNorm2d(outplanes))
