"""The parameters of a model as one vector, as general optimisers and line searches see them."""

from __future__ import annotations

from collections.abc import Iterable

from ...autograd import no_grad
from ...ops.join import cat
from ...ops.shape import reshape
from ...tensor import Tensor


def _check_device(parameters: list[Tensor]) -> None:
    for parameter in parameters:
        if parameter.backend is not parameters[0].backend:
            raise TypeError(
                f"Found two parameters on different devices, {parameters[0].device} and {parameter.device}, this is "
                f"currently not supported."
            )


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of all parameters, one after another. It can be differentiated.

    >>> import minitorch
    >>> minitorch.nn.utils.parameters_to_vector([minitorch.ones(2, 1), minitorch.zeros(1)])
    tensor([1., 1., 0.])

    Raises:
        TypeError: the parameters are on different devices.
        ValueError: there are none.
    """
    parameters = list(parameters)
    _check_device(parameters)
    return cat([reshape(parameter, (-1,)) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copies a vector, as :func:`parameters_to_vector` makes one, into the parameters, without recording.

    What is left of a longer vector is ignored, as in PyTorch, whose parameters become views of the vector, however.

    >>> import minitorch
    >>> layer = minitorch.nn.Linear(2, 1)
    >>> minitorch.nn.utils.vector_to_parameters(minitorch.tensor([1., 2., 3.]), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[1.0, 2.0]], [3.0])

    Raises:
        TypeError: ``vec`` is no tensor, or the parameters are on different devices.
        RuntimeError: it has fewer elements than the parameters; these are as they were.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected minitorch.Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    _check_device(parameters)
    needed = sum(parameter.numel() for parameter in parameters)
    if vec.data.ndim != 1 or vec.data.size < needed:
        raise RuntimeError(
            f"vector_to_parameters: expected a vector of the {needed} elements of the parameters, got shape "
            f"{vec.data.shape}"
        )
    start = 0
    with no_grad():
        for parameter in parameters:
            end = start + parameter.numel()
            parameter.copy_(reshape(vec[start:end], parameter.data.shape))
            start = end
