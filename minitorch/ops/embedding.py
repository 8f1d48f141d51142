"""Classes and words as vectors: one-hot vectors, and the rows of a table that is learnt."""

from __future__ import annotations

from typing import Any

from ..autograd import no_grad
from ..devices import on_its_device
from ..tensor import Function, Tensor, wrap
from .dispatch import ieee, same_device
from .gather import IndexAdd, check_range
from .inplace import check_in_place
from .selection import where
from .shape import reshape


@on_its_device
def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """Classes (…) → (…, num_classes): vectors of int64 that are 1 at the class and 0 elsewhere.

    Without ``num_classes`` there are as many as the largest class needs.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> F.one_hot(minitorch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])

    Raises:
        RuntimeError: a class is negative or not below ``num_classes``; the dtype isn't int64; or there are no elements
            and no ``num_classes`` is given.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"one_hot(): argument 'input' must be Tensor, not {type(input).__name__}")
    if input.data.dtype != "int64":
        raise RuntimeError(f"one_hot is only applicable to index tensor of type int64, got {input.dtype}")
    xp, classes = input.backend.xp, input.data
    if classes.size == 0 and num_classes <= 0:
        raise RuntimeError("one_hot: Can not infer total number of classes from empty tensor.")
    if classes.size and classes.min() < 0:
        raise RuntimeError(f"one_hot: Class values must be non-negative, got {classes.min()}")
    if num_classes == -1:
        num_classes = int(classes.max()) + 1
    elif classes.size and classes.max() >= num_classes:
        raise RuntimeError(
            f"one_hot: Class values must be smaller than num_classes, got {classes.max()} and num_classes={num_classes}"
        )
    return wrap((classes[..., None] == xp.arange(num_classes)).astype(classes.dtype), input.backend)


class Embedding(Function):
    """Rows of ``weight``; each gets the sum of the gradients of where it was used."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, indices: Tensor, padding_idx: int | None, scale_grad_by_freq: bool) -> Tensor:
        ctx.save_for_backward(indices)
        ctx.shape, ctx.options = weight.data.shape, (padding_idx, scale_grad_by_freq)
        return wrap(weight.data.take(indices.data, axis=0), weight.backend)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        (indices,) = ctx.saved_tensors
        num_embeddings, embedding_dim = ctx.shape
        padding_idx, scale_grad_by_freq = ctx.options
        used, rows = reshape(indices, (-1,)), reshape(grad_output, (indices.data.size, embedding_dim))
        if scale_grad_by_freq:
            times_used = indices.backend.xp.bincount(used.data, minlength=num_embeddings)[used.data]
            rows = rows / wrap(times_used[:, None].astype(rows.data.dtype), rows.backend)
        if padding_idx is not None:
            rows = where(wrap(used.data[:, None] != padding_idx, rows.backend), rows, 0)
        return IndexAdd.apply(rows, 0, used, num_embeddings), None, None, None


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Looks up the rows of a table: indices (…) and weight (num_embeddings, embedding_dim) → (…, embedding_dim).

    It is ``one_hot(input) @ weight`` without the matrix of zeros.

    Args:
        input: int64 or int32, each at least 0 and below num_embeddings.
        weight: the table.
        padding_idx: this row gets no gradient; it may be counted from the back.
        max_norm: rows that are used and have a larger norm are first scaled down to it, in ``weight`` itself.
        norm_type: the p of that norm.
        scale_grad_by_freq: divide the gradients of a row by how often it was used.
        sparse: can only be False, for gradients are dense.

    >>> import minitorch
    >>> import minitorch.nn.functional as F
    >>> words = minitorch.tensor([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1]])
    >>> F.embedding(minitorch.tensor([2, 0]), words)
    tensor([[2.0000, 2.1000],
            [0.0000, 0.1000]])

    Raises:
        IndexError: an index is negative or too large.
        RuntimeError: ``weight`` isn't a matrix, or ``input`` is of another dtype.
        AssertionError: ``padding_idx`` is no row.
        NotImplementedError: ``sparse`` is True.

    Bengio et al., "A neural probabilistic language model" (2003).
    """
    if sparse:
        raise NotImplementedError("embedding: there are no sparse gradients; sparse must be False")
    same_device("embedding", input, weight)
    if weight.data.ndim != 2:
        raise RuntimeError(f"embedding: 'weight' must be 2-D, got shape {list(weight.data.shape)}")
    if input.data.dtype.kind != "i":
        raise RuntimeError(f"embedding: expected indices of int64 or int32, got {input.dtype}")
    num_embeddings = weight.data.shape[0]
    check_range("embedding", input, 0, num_embeddings, IndexError)
    if padding_idx is not None:
        padding_idx = row_of_padding(padding_idx, num_embeddings)
    if max_norm is not None:
        _scale_down(weight, input, max_norm, norm_type)
    return Embedding.apply(weight, input, padding_idx, scale_grad_by_freq)


def row_of_padding(padding_idx: int, num_embeddings: int) -> int:
    """``padding_idx`` counted from the front.

    Raises:
        AssertionError: there is no such row.
    """
    if not -num_embeddings <= padding_idx < num_embeddings:
        raise AssertionError(
            f"embedding: Padding_idx must be within num_embeddings, got {padding_idx} and {num_embeddings}"
        )
    return padding_idx % num_embeddings


@on_its_device
def _scale_down(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """Scales the rows of ``weight`` that are used to a norm of at most ``max_norm``, in place."""
    with no_grad():
        check_in_place("embedding", weight)
    xp = weight.backend.xp
    used = xp.unique(indices.data)
    rows = weight.data[used]
    norms = ieee.run(xp.linalg.norm, rows, norm_type, 1, True)
    weight.data[used] = xp.where(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows)
    weight._bump_version()
