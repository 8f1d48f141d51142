"""Loading a ``state_dict`` into a module: everything is checked before the first number is copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autograd import no_grad
from ..ops.inplace import is_writeable
from ..tensor import Tensor

if TYPE_CHECKING:
    from .module import Module


class IncompatibleKeys(NamedTuple):
    """What ``load_state_dict(strict=False)`` found no counterpart for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def load_state_dict(module: Module, state_dict: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """See :meth:`Module.load_state_dict`."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    own = module.state_dict(keep_vars=True)
    missing = [name for name in own if name not in state_dict]
    unexpected = [name for name in state_dict if name not in own]
    errors = []
    if strict and missing:
        errors.append(f"Missing key(s) in state_dict: {_listed(missing)}. ")
    if strict and unexpected:
        errors.append(f"Unexpected key(s) in state_dict: {_listed(unexpected)}. ")
    common = [name for name in own if name in state_dict]
    errors += [problem for name in common if (problem := _mismatch(name, own[name], state_dict[name]))]
    if errors:
        listed = "\n\t".join(errors)
        raise RuntimeError(f"Error(s) in loading state_dict for {type(module).__name__}:\n\t{listed}")
    with no_grad():
        for name in common:
            own[name].copy_(state_dict[name])
    return IncompatibleKeys(missing, unexpected)


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _mismatch(name: str, own: Tensor, given: Any) -> str | None:
    """Why ``given`` can't be copied into ``own``, or None."""
    if not isinstance(given, Tensor):
        return (
            f'While copying the parameter named "{name}", expected minitorch.Tensor from checkpoint but received '
            f"{type(given)}"
        )
    if given.shape != own.shape:
        return (
            f"size mismatch for {name}: copying a param with shape {given.shape} from checkpoint, the shape in current "
            f"model is {own.shape}."
        )
    if not np.can_cast(given.data.dtype, own.data.dtype, "same_kind"):
        return f"dtype mismatch for {name}: {given.dtype} in the checkpoint can't become {own.dtype} without loss."
    if not is_writeable(own.data):
        return f"{name} is made of a read-only array; make the parameter of a copy()."
    return None
