"""Distances and similarities of vectors, and the losses that draw them together or push them apart."""

from __future__ import annotations

from ..tensor import Tensor
from .dispatch import broadcast_shape, cast, same_device
from .elementwise import sqrt
from .loss import at_least, check_reduction, loss_operands, reduced
from .reduce import sum
from .selection import clamp, minimum, where
from .shape import expand
from .vector_norm import norm


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along ``dim``: ``Σ x1·x2 / (max(‖x1‖, eps)·max(‖x2‖, eps))``.

    Args:
        x1, x2: of shapes that broadcast.
        dim: the dimension of the common shape that is reduced.
        eps: a smaller length counts as this; its gradient is as if it hadn't been changed. That of a length of 0 is 0.

    >>> import minitorch
    >>> minitorch.cosine_similarity(minitorch.tensor([[1., 0.]]), minitorch.tensor([[2., 2.]]))
    tensor([0.7071])

    Raises:
        IndexError: there is no such dimension.
        RuntimeError: both are of integers, the shapes don't broadcast, or the devices differ.
    """
    (a, b), d = loss_operands("cosine_similarity", x1, x2)
    if not d.is_floating_point:
        raise RuntimeError(f"cosine_similarity: expected common dtype to be floating point, yet common dtype is {d}")
    shape = broadcast_shape("cosine_similarity", a.data.shape, b.data.shape)
    a, b = expand(a, shape), expand(b, shape)
    # Each is divided by its own length: the product of both may over- or underflow.
    unit1, unit2 = (x / at_least(norm(x, 2, dim, True), eps) for x in (a, b))
    return reduced(sum(unit1 * unit2, dim), "none", d)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of ``x1 - x2 + eps`` along the last dimension.

    Args:
        x1, x2: (N, D) or (D), or other shapes that broadcast.
        p: the norm; see :func:`norm`.
        eps: added to every difference, so that the distance of equal vectors has a gradient.
        keepdim: whether the last dimension stays, as 1.

    >>> import minitorch
    >>> minitorch.pairwise_distance(minitorch.tensor([[3., 4.]]), minitorch.zeros(1, 2))
    tensor([5.0000])

    Raises:
        RuntimeError: the shapes don't broadcast, or the devices differ.
    """
    (a, b), d = loss_operands("pairwise_distance", x1, x2)
    distances = norm(a - b + eps, p, -1, keepdim)
    return reduced(distances, "none", d)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``1 - cos`` of pairs that belong together (target 1), ``max(0, cos - margin)`` of those that don't (target -1).

    ``cos`` is the cosine of the angle between both vectors, each squared length enlarged by 10⁻¹².

    Args:
        input1, input2: (N, D), or (D) for one pair.
        target: (N), or of no dimensions: 1 and -1.
        margin: from which cosine on pairs are similar: 0 to 0.5 is usual.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> a, b = minitorch.tensor([[1., 0.], [1., 0.]]), minitorch.tensor([[0., 3.], [2., 0.]])
    >>> F.cosine_embedding_loss(a, b, minitorch.tensor([1, -1]), reduction="none")
    tensor([1., 1.])

    Raises:
        ValueError: the reduction is unknown.
        RuntimeError: the numbers of dimensions are others, the shapes don't broadcast, or the devices differ.
    """
    name = "cosine_embedding_loss"
    check_reduction(name, reduction, size_average, reduce)
    (a, b), d = loss_operands(name, input1, input2)
    ndim, sizes = target.data.ndim, f"{input1.data.shape} and {input2.data.shape}"
    if ndim > 1:
        raise RuntimeError(f"{name}: 0D or 1D target tensor expected, multi-target not supported, got {ndim}D")
    if not input1.data.ndim == input2.data.ndim == ndim + 1:
        raise RuntimeError(
            f"{name}: {ndim}D target tensor expects {ndim + 1}D input tensors, but found inputs with sizes {sizes}"
        )
    lengths = sqrt((sum(a * a, -1) + 1e-12) * (sum(b * b, -1) + 1e-12))
    cosine = sum(a * b, -1) / lengths
    same_device(name, cosine, target)
    broadcast_shape(name, cosine.data.shape, target.data.shape)
    apart = where(target == -1, clamp(cosine - margin, min=0), 0)
    return reduced(where(target == 1, 1 - cosine, apart), reduction, d)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, -target·(input1 - input2) + margin)``: for target 1 the first score shall be larger, for -1 the second.

    Args:
        input1, input2, target: of shapes that broadcast, with equally many dimensions.
        margin: by how much.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    The gradient passes where the maximum's operands are equal.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> first, second = minitorch.tensor([1., 1.]), minitorch.tensor([3., 0.])
    >>> F.margin_ranking_loss(first, second, minitorch.tensor([1., 1.]), reduction="none")
    tensor([2., 0.])

    Raises:
        ValueError: the reduction is unknown.
        RuntimeError: the numbers of dimensions differ, the shapes don't broadcast, or the devices differ.
    """
    check_reduction("margin_ranking_loss", reduction, size_average, reduce)
    (a, b, t), d = loss_operands("margin_ranking_loss", input1, input2, target)
    if not input1.data.ndim == input2.data.ndim == target.data.ndim:
        raise RuntimeError(
            f"margin_ranking_loss: all input tensors should have the same number of dimensions but got sizes: input1: "
            f"{input1.data.shape}, input2: {input2.data.shape}, target: {target.data.shape}"
        )
    return reduced(clamp(float(margin) - t * (a - b), min=0), reduction, d)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """A distance ``input`` of pairs that belong together (target 1), ``max(0, margin - input)`` of the others (-1).

    Args:
        input: distances.
        target: 1 and -1, of a shape that broadcasts with the input's. Other numbers give the sum of both.
        margin: how far the others shall be from each other.
        size_average, reduce: None; deprecated in PyTorch and not supported.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    The gradient passes where the maximum's operands are equal.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.hinge_embedding_loss(minitorch.tensor([0.5, 0.25]), minitorch.tensor([1, -1]), reduction="none")
    tensor([0.5000, 0.7500])

    Raises:
        ValueError: the reduction is unknown.
        RuntimeError: the shapes don't broadcast, or the devices differ.
    """
    name = "hinge_embedding_loss"
    check_reduction(name, reduction, size_average, reduce)
    loss_operands(name, input, target)
    (x,), d = loss_operands(name, input)
    apart = cast(clamp(margin - x, min=0), x.dtype)
    return reduced(where(target != 1, apart, 0) + where(target != -1, x, 0), reduction, d)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` with :func:`pairwise_distance` d.

    Args:
        anchor, positive, negative: (N, D) or (D).
        margin: how much farther the negative shall be than the positive.
        p, eps: of the distance.
        swap: take d(positive, negative) where that is less than d(anchor, negative) (Balntas et al., 2016).
        size_average, reduce: None; deprecated in PyTorch and not supported.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    The gradient passes where the maximum's operands are equal; of two equal distances each gets half.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> anchor, near, far = minitorch.zeros(1, 2), minitorch.tensor([[3., 4.]]), minitorch.tensor([[0., 5.5]])
    >>> F.triplet_margin_loss(anchor, near, far)
    tensor(0.5000)

    Raises:
        ValueError: ``margin`` is not positive, or the reduction is unknown.
        RuntimeError: the numbers of dimensions differ, the shapes don't broadcast, or the devices differ.

    Schroff, Kalenichenko and Philbin, "FaceNet: a unified embedding for face recognition and clustering" (2015).
    """
    check_reduction("triplet_margin_loss", reduction, size_average, reduce)
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: margin must be greater than 0, got {margin}")
    (a, b, c), d = loss_operands("triplet_margin_loss", anchor, positive, negative)
    dims = [tensor.data.ndim for tensor in (anchor, positive, negative)]
    if len(set(dims)) > 1:
        raise RuntimeError(
            f"triplet_margin_loss: The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {dims[0]}D, positive {dims[1]}D, and negative {dims[2]}D inputs"
        )
    near, far = pairwise_distance(a, b, p, eps), pairwise_distance(a, c, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(b, c, p, eps))
    return reduced(clamp(margin + near - far, min=0), reduction, d)
