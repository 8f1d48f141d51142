"""Module: the base class of layers and models."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .. import dtypes
from ..autograd import no_grad
from ..autograd.variable import RemovableHandle
from ..devices import device as Device
from ..tensor import Tensor, backend_of
from .errors import locate
from .members import Members
from .parameter import Parameter
from .state import IncompatibleKeys, load_state_dict

T = TypeVar("T", bound="Module")


def _register(
    hooks: OrderedDict[int, tuple[Callable[..., Any], bool]], hook: Callable[..., Any], prepend: bool, with_kwargs: bool
) -> RemovableHandle:
    handle = RemovableHandle(hooks, (hook, with_kwargs))
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _replace_data(param: Parameter, converted: Tensor) -> None:
    """Gives a parameter other memory and keeps the object, which optimisers and graphs hold."""
    if converted is not param:
        param.data, param.backend = converted.data, converted.backend
        param._bump_version()


def indent(text: str) -> str:
    """``text`` with every line but the first two spaces further in."""
    first, *others = text.split("\n")
    return "\n".join([first, *(f"  {line}" if line.strip() else "" for line in others)])


def _forward_unimplemented(self: Module, *input: Any) -> None:
    """Defines the computation performed at every call; every subclass overrides it."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


class Module(Members):
    """Base class of layers and models, which may hold other modules.

    Parameters, buffers and modules that are assigned to attributes are registered under the attribute's name. Call
    ``super().__init__()`` before the first of them::

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 6, 5)
                self.fc = nn.Linear(6 * 28 * 28, 10)

            def forward(self, x):
                return self.fc(F.relu(self.conv(x)).flatten(1))

    An error that is raised inside a model begins with the path and class of the module where it was raised:
    ``features.3 (Conv2d): conv2d: input has 3 channels but …``.

    >>> from minitorch import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    training: bool
    # A hook is kept with whether it takes keyword arguments.
    _forward_pre_hooks: OrderedDict[int, tuple[Callable[..., Any], bool]]
    _forward_hooks: OrderedDict[int, tuple[Callable[..., Any], bool]]

    def __init__(self) -> None:
        super().__init__()
        self.training = True
        self._forward_pre_hooks = OrderedDict()
        self._forward_hooks = OrderedDict()

    # ---- calling ----------------------------------------------------------------------------------------------------

    forward: Callable[..., Any] = _forward_unimplemented

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if not self._forward_pre_hooks and not self._forward_hooks:
                return self.forward(*args, **kwargs)
            return self._call_with_hooks(args, kwargs)
        except Exception as error:
            locate(error, self)
            raise

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook, with_kwargs in list(self._forward_pre_hooks.values()):
            result = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if result is None:
                continue
            if not with_kwargs:
                args = result if isinstance(result, tuple) else (result,)
            elif isinstance(result, tuple) and len(result) == 2:
                args, kwargs = result
            else:
                raise RuntimeError(
                    f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {result}."
                )
        output = self.forward(*args, **kwargs)
        for hook, with_kwargs in list(self._forward_hooks.values()):
            result = hook(self, args, kwargs, output) if with_kwargs else hook(self, args, output)
            if result is not None:
                output = result
        return output

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, args)`` before every ``forward``; what it returns, if not None, replaces ``args``.

        With ``with_kwargs`` it is called as ``hook(module, args, kwargs)`` and returns None or both. ``prepend`` puts
        it before the hooks that are registered already.
        """
        return _register(self._forward_pre_hooks, hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, args, output)`` after every ``forward``; what it returns, if not None, is the output.

        >>> from minitorch import nn, ones
        >>> layer = nn.Identity()
        >>> handle = layer.register_forward_hook(lambda module, args, output: output * 2)
        >>> layer(ones(2))
        tensor([2., 2.])
        >>> handle.remove()
        """
        return _register(self._forward_hooks, hook, prepend, with_kwargs)

    # ---- changing all of it -----------------------------------------------------------------------------------------

    def apply(self: T, fn: Callable[[Module], Any]) -> T:
        """Calls ``fn`` with every module below this one and then with this one: to initialise a model, for example."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self: T, mode: bool = True) -> T:
        """Sets ``training``, which dropout for example looks at, here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self: T) -> T:
        """The same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Sets ``requires_grad`` of every parameter: ``False`` freezes the module."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of every parameter, or fills them with zeros."""
        for param in self.parameters():
            if set_to_none:
                param.grad = None
            elif param.grad is not None:
                param.grad = param.grad.detach().zero_()

    def to(self: T, *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False) -> T:
        """Moves and converts parameters and buffers.

        ``to("cuda")``, ``to(minitorch.float64)``, ``to(device, dtype, non_blocking)``, or ``to(tensor)`` for both of a
        tensor's.
        In place: the parameters stay the objects that an optimiser holds. Integer buffers keep their dtype.

        Raises:
            TypeError: the dtype is not a floating-point one.
            RuntimeError: the device doesn't exist here; nothing was moved.
        """
        for arg in args:
            if isinstance(arg, Tensor):
                device, dtype = arg.device, arg.dtype
            elif isinstance(arg, (Device, str)):
                device = arg
            elif isinstance(arg, bool):
                non_blocking = arg
            elif arg is not None:
                dtype = arg
        floating = None if dtype is None else dtypes.as_dtype(dtype)
        if floating is not None and not floating.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={floating}")
        if device is not None:
            backend_of(device)  # raises before anything has moved
        return self._apply(lambda t: t.to(device, floating if t.is_floating_point() else None, non_blocking))

    def cpu(self: T) -> T:
        """Moves parameters and buffers to the CPU."""
        return self.to("cpu")

    def cuda(self: T, device: Any = "cuda") -> T:
        """Moves parameters and buffers to a GPU."""
        return self.to(Device("cuda", device) if isinstance(device, int) else device)

    def float(self: T) -> T:
        """Makes floating-point parameters and buffers float32."""
        return self.to(dtype=dtypes.float32)

    def double(self: T) -> T:
        """Makes floating-point parameters and buffers float64."""
        return self.to(dtype=dtypes.float64)

    def half(self: T) -> T:
        """Makes floating-point parameters and buffers float16."""
        return self.to(dtype=dtypes.float16)

    def _apply(self: T, fn: Callable[[Tensor], Tensor]) -> T:
        with no_grad():
            for module in self.modules():
                for param in module._parameters.values():
                    if param is not None:
                        _replace_data(param, fn(param))
                        if param._grad is not None:
                            param._grad = fn(param._grad)
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = fn(buffer)
        return self

    # ---- state ------------------------------------------------------------------------------------------------------

    def state_dict(
        self, *, destination: dict[str, Tensor] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Parameters and persistent buffers under their paths, as PyTorch names them.

        They share the model's memory: ``clone()`` what must not change with further training. They are detached,
        unless ``keep_vars``.

        >>> from minitorch import nn
        >>> list(nn.Sequential(nn.Linear(2, 3), nn.ReLU()).state_dict())
        ['0.weight', '0.bias']
        """
        state = OrderedDict() if destination is None else destination
        for path, module in self.named_modules(remove_duplicate=False):
            dot = f"{prefix}{path}." if path else prefix
            for name, param in module._parameters.items():
                if param is not None:
                    state[dot + name] = param if keep_vars else param.detach()
            for name, buffer in module._buffers.items():
                if buffer is not None and name not in module._non_persistent_buffers_set:
                    state[dot + name] = buffer if keep_vars else buffer.detach()
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copies parameters and buffers out of a ``state_dict``, all or none.

        Floating-point tensors are rounded to the dtype of their parameter. Without ``strict``, missing and unexpected
        names are left alone and returned; shapes must match all the same.

        >>> from minitorch import nn
        >>> nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3).state_dict())
        <All keys matched successfully>

        Raises:
            TypeError: ``state_dict`` is no mapping.
            RuntimeError: names or shapes don't match; all of them are listed, and the model is as it was.
        """
        return load_state_dict(self, state_dict, strict)

    # ---- showing ----------------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses of this module's ``repr``."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [f"({name}): {indent(repr(child))}" for name, child in self._modules.items()]
        if len(extra) == 1 and not children:
            return f"{self._get_name()}({extra[0]})"
        lines = "".join(f"\n  {line}" for line in extra + children)
        return f"{self._get_name()}({lines}\n)" if lines else f"{self._get_name()}()"
