"""How many threads the CPU kernels use. Their results do not depend on it."""

from __future__ import annotations


def get_num_threads() -> int:
    """The number of threads that the CPU kernels use: at first ``OMP_NUM_THREADS``, or one a processor.

    >>> import minitorch
    >>> minitorch.get_num_threads() >= 1
    True
    """
    from .backends import cpu

    return cpu.get_num_threads()


def set_num_threads(num: int) -> None:
    """Lets the CPU kernels use so many threads. The bits of their results stay the same.

    >>> import minitorch
    >>> before = minitorch.get_num_threads()
    >>> minitorch.set_num_threads(1)
    >>> minitorch.get_num_threads()
    1
    >>> minitorch.set_num_threads(before)

    Raises:
        TypeError: ``num`` is no int.
        RuntimeError: it is below 1.
    """
    from .backends import cpu  # only a program that asks needs the kernels: the reference backend has none

    if not isinstance(num, int) or isinstance(num, bool):
        raise TypeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {num}")
    cpu.set_num_threads(num)
