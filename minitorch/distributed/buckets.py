"""Many tensors as a few flat ones, so that they travel together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..devices import on
from ..tensor import Tensor, wrap
from .collectives import broadcast

MIB = 2**20


def divide(tensors: Sequence[Tensor], first_bytes: float, other_bytes: float) -> list[list[int]]:
    """Positions of ``tensors`` that share a bucket, bucket by bucket; one dtype and device in each.

    A bucket is closed by the tensor that brings it to its size or over it: ``first_bytes`` for the first of a dtype and
    device, ``other_bytes`` for those that follow. Buckets come in the order of their first tensors.
    """
    buckets: list[list[int]] = []
    open_buckets: dict[object, tuple[list[int], int]] = {}
    seen = set()
    for position, tensor in enumerate(tensors):
        kind = tensor.dtype, tensor.device
        bucket, size = open_buckets.pop(kind, ([], 0))
        if not bucket:
            buckets.append(bucket)
        bucket.append(position)
        size += tensor.nbytes
        if size < (other_bytes if kind in seen else first_bytes):
            open_buckets[kind] = bucket, size
        else:
            seen.add(kind)
    return buckets


def flat_like(tensors: Sequence[Tensor]) -> Tensor:
    """An uninitialised flat tensor with as many elements as ``tensors`` together, which have one dtype and device."""
    backend, dtype = tensors[0].backend, tensors[0].data.dtype
    return wrap(backend.empty((sum(tensor.numel() for tensor in tensors),), dtype), backend)


def views(flat: Tensor, tensors: Sequence[Tensor]) -> Iterator[Tensor]:
    """The part of ``flat`` for each of ``tensors``, in its shape."""
    start = 0
    for tensor in tensors:
        end = start + tensor.numel()
        with on(flat.backend):
            yield wrap(flat.data[start:end].reshape(tensor.data.shape), flat.backend)
        start = end


def broadcast_together(tensors: Sequence[Tensor], rank: int) -> None:
    """All ``tensors`` become those of rank 0. ``rank`` is this process's."""
    for positions in divide(tensors, 25 * MIB, 25 * MIB):
        group = [tensors[position] for position in positions]
        flat = flat_like(group)
        parts = list(views(flat, group))
        with on(flat.backend):
            if rank == 0:
                for part, tensor in zip(parts, group, strict=True):
                    part.data[...] = tensor.data
            broadcast(flat, src=0)
            if rank != 0:
                for part, tensor in zip(parts, group, strict=True):
                    tensor.data[...] = part.data
                    tensor._bump_version()
