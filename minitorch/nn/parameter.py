"""Parameter: a tensor that a module finds when it is assigned as an attribute."""

from __future__ import annotations

from ..dtypes import get_default_dtype
from ..tensor import Tensor, array_of, backend_of


class Parameter(Tensor):
    """A tensor to be learnt. Assigned to an attribute of a :class:`Module` it is listed in ``parameters()``.

    It shares the memory of ``data`` and is a leaf, whatever ``data`` was computed from.

    >>> import minitorch
    >>> minitorch.nn.Parameter(minitorch.tensor([1., 2.]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)

    Raises:
        TypeError: ``data`` is no tensor.
        RuntimeError: it requires a gradient and is not of a floating-point dtype.
    """

    __slots__ = ()

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            self.backend = backend_of(None)
            self.data = array_of((), get_default_dtype(), self.backend)
            self._version_cell = None
        elif isinstance(data, Tensor):
            self.backend = data.backend
            self.data = data.data
            self._version_cell = data._shared_version()
        else:
            raise TypeError(
                f"Parameter: expected a Tensor, got {type(data).__name__}; make one with minitorch.tensor(data)"
            )
        self.grad_fn = self._grad = self._hooks = None
        self.output_nr = 0
        self._requires_grad = False
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"
