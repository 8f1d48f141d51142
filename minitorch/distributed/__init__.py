"""Several processes that train one model: names and meaning of ``torch.distributed``.

Every process (*rank*) runs the same program on its own share of the data. ``mpiexec`` starts them::

    mpiexec -n 2 python -m mpi4py train.py

>>> import minitorch
>>> from minitorch import distributed
>>> distributed.init_process_group()                        # outside of mpiexec: a group of one
>>> distributed.get_rank(), distributed.get_world_size()
(0, 1)
>>> counts = minitorch.tensor([3, 4])
>>> distributed.all_reduce(counts)                          # summed over the ranks, in place
>>> counts
tensor([3, 4])
>>> distributed.destroy_process_group()

Tensors on a CPU travel by MPI (mpi4py), those on GPUs by NCCL (CuPy). Models are trained with
:class:`DistributedDataParallel`, data is divided with :class:`minitorch.data.DistributedSampler`. A rank that raises
ends the others, after its traceback.
"""

from .collectives import all_gather, all_reduce, barrier, broadcast
from .data_parallel import DistributedDataParallel
from .group import (
    destroy_process_group,
    get_node_local_rank,
    get_rank,
    get_world_size,
    init_process_group,
    is_available,
    is_initialized,
)
from .work import ReduceOp, Work

__all__ = [
    "DistributedDataParallel",
    "ReduceOp",
    "Work",
    "all_gather",
    "all_reduce",
    "barrier",
    "broadcast",
    "destroy_process_group",
    "get_node_local_rank",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
]
