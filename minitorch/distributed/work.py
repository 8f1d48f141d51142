"""What is asked of several ranks together, and how it is waited for."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Protocol


class ReduceOp(enum.Enum):
    """How the ranks' numbers become one: ``SUM``, ``AVG`` (their mean), ``PRODUCT``, ``MIN``, ``MAX``.

    >>> from minitorch.distributed import ReduceOp
    >>> ReduceOp.MAX
    <ReduceOp.MAX: 'max'>
    """

    SUM = "sum"
    AVG = "avg"
    PRODUCT = "product"
    MIN = "min"
    MAX = "max"


class Transfer(Protocol):
    """What a transport gives for something that it has started."""

    def is_completed(self) -> bool: ...

    def wait(self) -> None: ...


class Transport(Protocol):
    """Exchanges contiguous arrays of one kind of device between the ranks: MPI, or NCCL.

    ``operation`` is ``"sum"``, ``"product"``, ``"min"`` or ``"max"``. Arrays must stay as they are until the transfer
    has been waited for.
    """

    def all_reduce(self, array: Any, operation: str) -> Transfer: ...

    def broadcast(self, array: Any, src: int) -> Transfer: ...

    def all_gather(self, gathered: Any, array: Any) -> Transfer:
        """``gathered`` (size, …) gets the ``array`` (…) of every rank."""


class Work:
    """A collective operation that has been started with ``async_op=True``.

    Its tensors may be read, changed or dropped when :meth:`wait` has returned.

    >>> import minitorch
    >>> from minitorch import distributed
    >>> distributed.init_process_group()
    >>> total = minitorch.tensor([1., 2.])
    >>> work = distributed.all_reduce(total, async_op=True)
    >>> work.wait()                                         # other work may be done before
    True
    >>> work.is_completed()
    True
    >>> distributed.destroy_process_group()
    """

    def __init__(self, transfer: Transfer, finish: Callable[[], None] | None = None) -> None:
        self._transfer = transfer
        self._finish = finish  # what remains to be done here when everything has arrived

    def is_completed(self) -> bool:
        """Whether the result is there. Asking also moves things on: MPI works while it is called."""
        if not self._transfer.is_completed():
            return False
        return self.wait()

    def wait(self) -> bool:
        """Returns when the result is there; of a GPU, when what is computed next there will see it.

        Raises:
            RuntimeError: the other ranks didn't take part before the group's timeout (on CPUs).
        """
        self._transfer.wait()
        finish, self._finish = self._finish, None
        if finish is not None:
            finish()
        return True
