"""Optimizer: what all optimisers share, from parameter groups to the collecting of arrays for the kernels."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from ..autograd import enable_grad
from ..backends.protocol import Array, Backend
from ..devices import on, on_its_device
from ..tensor import Tensor, wrap

Group = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Any])

_F32 = np.dtype(np.float32)  # float16 parameters are updated in it, and keep their state in it
_NOTHING: Mapping[str, Any] = {}


class _Capture(threading.local):
    """What wants to know of each update, before it is made: a CUDA graph that is being captured."""

    note: Callable[[Optimizer, Group, Batch], None] | None = None


capture = _Capture()


def capturable(update: F) -> F:
    """Marks an ``_update`` that a CUDA graph can repeat: it calls a backend's step once and does nothing else.

    Before each replay it is called again with no arrays, to learn the numbers of that step.
    """
    update.capturable = True  # type: ignore[attr-defined]
    return update


class Batch:
    """Parameters that one kernel call updates: of one device and dtype, and updated equally often before."""

    __slots__ = ("backend", "fresh", "grads", "params", "states", "step", "tensors", "unpacked")

    def __init__(self, backend: Backend, step: int, fresh: bool, number_of_states: int) -> None:
        self.backend = backend
        self.step = step  # the number of this update, from 1
        self.fresh = fresh  # whether a state tensor was missing and begins as zeros now
        self.tensors: list[Tensor] = []
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.states: list[list[Array]] = [[] for _ in range(number_of_states)]  # by name, then by parameter
        self.unpacked: list[tuple[Tensor, Array]] = []  # parameters that a copy in `params` stands for


class Optimizer:
    """Base class of optimisers. Make one of a subclass with a model's parameters:

    >>> import minitorch
    >>> from minitorch import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> for input, target in [(minitorch.ones(8, 2), minitorch.zeros(8, 1))]:
    ...     optimizer.zero_grad()
    ...     nn.functional.mse_loss(model(input), target).backward()
    ...     optimizer.step()

    ``params`` may also be dicts, each a group with its own options:

    >>> optimizer = optim.SGD([{"params": [model.weight], "lr": 0.01}, {"params": [model.bias]}], lr=0.1)
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.01, 0.1]

    A subclass says which state tensors a parameter has (:meth:`_state_names`), what options may be
    (:meth:`_check_options`), and updates the parameters of a :class:`Batch` (:meth:`_update`).

    Raises:
        TypeError: ``params`` holds something else than tensors.
        ValueError: there are none, one appears twice, one is no leaf, or an option is out of range.
    """

    def __init__(self, params: Iterable[Tensor] | Iterable[Group], defaults: Group) -> None:
        if isinstance(params, (Tensor, Mapping)):
            raise TypeError(
                f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{type(params).__name__}"
            )
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Any]] = {}
        self.param_groups: list[Group] = []
        given: list[Any] = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Adds parameters with options of their own, to train layers that were frozen, for example."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group).__name__}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        seen = {param for group in self.param_groups for param in group["params"]}
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}")
            if not param.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
            if not param.is_floating_point():
                raise ValueError(f"optimizer can only optimize floating-point Tensors, but one is {param.dtype}")
            if param in seen:
                raise ValueError("some parameters appear more than once, in one parameter group or in several")
            seen.add(param)
        group = {**self.defaults, **param_group, "params": params}
        self._check_options(group)
        self.param_groups.append(group)

    _number_names: tuple[str, ...] = ()  # what ``state`` holds for a parameter beside tensors of its shape

    # ---- what a subclass defines ------------------------------------------------------------------------------------

    def _check_options(self, group: Group) -> None:
        """Raises ValueError where an option of the group is out of range."""
        raise NotImplementedError

    def _state_names(self, group: Group) -> tuple[str, ...]:
        """The tensors that ``state`` holds for a parameter of this group; each starts as zeros of its shape."""
        raise NotImplementedError

    def _update(self, batch: Batch, group: Group) -> None:
        """Changes ``batch.params`` and ``batch.states`` in place."""
        raise NotImplementedError

    # ---- stepping ---------------------------------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of every parameter, or fills them with zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param._grad = None
                elif param._grad is not None:
                    param._grad = param._grad.detach().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates every parameter that has a gradient.

        ``closure``, if given, computes the loss and its gradients anew; its result is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        # All is collected, and so checked, before anything changes.
        pending = [(group, batch) for group in self.param_groups for batch in self._collect(group)]
        for group, batch in pending:
            if capture.note is not None:
                capture.note(self, group, batch)
            with on(batch.backend):
                self._update(batch, group)
                self._store(batch, group)
        return loss

    def _collect(self, group: Group) -> Iterable[Batch]:
        """The parameters of a group that have gradients, with their gradients and states, in batches."""
        names = self._state_names(group)
        batches: dict[Any, Batch] = {}
        for param in group["params"]:
            if param._grad is None:
                continue
            array, backend = param.data, param.backend
            grad = self._checked("gradient", param._grad, param, array.dtype)
            state = self.state.get(param, _NOTHING)
            dtype = _F32 if array.itemsize == 2 else array.dtype
            known = [self._checked(name, state[name], param, dtype) for name in names if name in state]
            fresh = len(known) < len(names)
            key = (backend, array.itemsize, state.get("step", 0), fresh)
            batch = batches.get(key)
            if batch is None:
                batch = batches[key] = Batch(backend, state.get("step", 0) + 1, fresh, len(names))
            batch.tensors.append(param)
            batch.params.append(array if _is_packed(array, dtype) else self._unpack(param, dtype, batch))
            batch.grads.append(grad if grad.flags.c_contiguous and grad.dtype is dtype else _packed(param._grad, dtype))
            if fresh:
                known = [state[name].data if name in state else _zeros(backend, array.shape, dtype) for name in names]
            for arrays, one in zip(batch.states, known, strict=True):
                arrays.append(one)
        return batches.values()

    def _checked(self, name: str, tensor: Tensor, param: Tensor, dtype: Any) -> Array:
        """The array of a gradient or state, which must have the parameter's shape and device and the given dtype."""
        array = tensor.data
        if array.shape == param.data.shape and array.dtype == dtype and tensor.backend is param.backend:
            return array
        raise RuntimeError(
            f"{type(self).__name__}: the {name} of a parameter doesn't fit it: expected shape {tuple(param.shape)}, "
            f"{dtype}, {param.device}, got {tuple(tensor.shape)}, {array.dtype}, {tensor.device}. Move and convert a "
            f"model before its optimizer is made."
        )

    def _unpack(self, param: Tensor, dtype: Any, batch: Batch) -> Array:
        """A copy that a kernel can update, to be written back into ``param`` afterwards."""
        self._check_writeable(param)
        array = _packed(param, dtype)
        batch.unpacked.append((param, array))
        return array

    def _check_writeable(self, param: Tensor) -> None:
        if not getattr(param.data.flags, "writeable", True):  # CuPy's arrays always are
            raise RuntimeError(
                f"{type(self).__name__}: a parameter of shape {tuple(param.shape)} is read-only: an expanded view, or "
                f"made of a read-only array. Make the parameter of a clone()."
            )

    def _store(self, batch: Batch, group: Group) -> None:
        """Keeps what an update leaves: parameters that were copied, new states, counts of steps and versions."""
        for tensor, array in batch.unpacked:
            tensor.data[...] = array
        for tensor in batch.tensors:
            tensor._bump_version()
            self.state.setdefault(tensor, {})["step"] = batch.step
        if batch.fresh:
            for name, arrays in zip(self._state_names(group), batch.states, strict=True):
                for tensor, array in zip(batch.tensors, arrays, strict=True):
                    self.state[tensor].setdefault(name, wrap(array, batch.backend))

    # ---- checkpoints ------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Options and state, with parameters as numbers counted through all groups; tensors are not copied.

        ``{"state": {0: {"step": …, "exp_avg": …}, …}, "param_groups": [{"lr": …, "params": [0, 1, …]}, …]}``
        """
        params = [param for group in self.param_groups for param in group["params"]]
        number = {param: i for i, param in enumerate(params)}
        groups = [{**group, "params": [number[param] for param in group["params"]]} for group in self.param_groups]
        return {
            "state": {number[param]: dict(state) for param, state in self.state.items()},
            "param_groups": [dict(sorted(group.items(), key=lambda item: item[0] == "params")) for group in groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continues where ``state_dict`` was taken, all of it or nothing. Tensors are copied.

        Raises:
            ValueError: groups or parameters differ in number, shapes don't match, or it is another optimiser's.
        """
        saved_groups = state_dict["param_groups"]
        if len(saved_groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        params: dict[int, Tensor] = {}
        groups = []
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            if len(group["params"]) != len(saved["params"]):
                raise ValueError(
                    f"loaded state dict contains a parameter group that doesn't match the size of optimizer's group: "
                    f"{len(saved['params'])} and {len(group['params'])} parameters"
                )
            missing = [option for option in self.defaults if option not in saved]
            if missing:
                raise ValueError(f"loaded state dict is not of {type(self).__name__}: it lacks {', '.join(missing)}")
            self._check_options(saved)
            params.update(zip(saved["params"], group["params"], strict=True))
            groups.append({**copy.deepcopy(dict(saved)), "params": group["params"]})
        unknown = [number for number in state_dict["state"] if number not in params]
        if unknown:
            raise ValueError(f"loaded state dict has state of parameters that are in none of its groups: {unknown}")
        state = {params[number]: self._loaded(number, params[number], s) for number, s in state_dict["state"].items()}
        self.param_groups, self.state = groups, state

    def _loaded(self, number: int, param: Tensor, saved: Mapping[str, Any]) -> dict[str, Any]:
        """One parameter's state, copied to where the parameter is, in the dtype that updates are computed in."""
        dtype = _F32 if param.data.itemsize == 2 else param.data.dtype
        state: dict[str, Any] = {"step": int(saved.get("step", 0))}
        for name, value in saved.items():
            if name == "step" or value is None:
                continue
            if name in self._number_names:
                state[name] = float(value)
                continue
            if not isinstance(value, Tensor) or value.shape != param.shape:
                got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                raise ValueError(
                    f"loaded state dict: {name} of parameter {number} should be a tensor of shape "
                    f"{tuple(param.shape)}, got {got}"
                )
            array = value.numpy(force=True).astype(dtype, order="C")  # a copy
            state[name] = wrap(param.backend.move(array), param.backend)
        return state

    # ---- showing ----------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {option}: {group[option]}" for option in sorted(group) if option != "params"]
        return "\n".join([*lines, ")"])


def check_not_negative(group: Group, **options: str) -> None:
    """Raises ValueError where one of the options is below 0 or NaN; they are given with their names in the message."""
    for option, name in options.items():
        if not group[option] >= 0:
            raise ValueError(f"Invalid {name}: {group[option]}")


def check_betas(group: Group) -> None:
    """Raises ValueError where one of the betas of a running mean is not in [0, 1)."""
    beta1, beta2 = group["betas"]
    for i, beta in enumerate((beta1, beta2)):
        if not 0 <= beta < 1:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")


def directions(batch: Batch, group: Group, *, decoupled: bool = False) -> Iterator[Array]:
    """What an optimiser steps against, for each parameter: the gradient, with the weight decay λ·p unless decoupled."""
    decay = 0 if decoupled else group["weight_decay"]
    for param, grad in zip(batch.params, batch.grads, strict=True):
        g = -grad if group["maximize"] else grad
        yield g + decay * param if decay else g


def _is_packed(array: Array, dtype: Any) -> bool:
    """Whether a kernel can update the array in place."""
    if array.dtype != dtype:
        return False
    flags = array.flags
    return bool(flags.carray if isinstance(array, np.ndarray) else flags.c_contiguous)


@on_its_device
def _packed(tensor: Tensor, dtype: Any) -> Array:
    """A C-contiguous copy of the array."""
    return tensor.data.astype(dtype, order="C")


@on_its_device
def _zeros(backend: Backend, shape: tuple[int, ...], dtype: Any) -> Array:
    return backend.xp.zeros(shape, dtype)
