"""Where in a model an error was raised: ``features.3 (Conv2d): conv2d: input has 3 channels but …``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .module import Module

_KEY = "_minitorch_location"


class _Location(NamedTuple):
    """What an exception carries on its way out of a model."""

    left: Module  # the module that it left last
    path: str  # from there to the module where it was raised
    class_name: str  # of the module where it was raised
    args: tuple[Any, ...]  # the exception's own, without the path

    def __str__(self) -> str:
        return f"{self.path} ({self.class_name})"


def locate(error: Exception, module: Module) -> None:
    """Puts the path of the failing module before the message of ``error``, which is leaving ``module``.

    A module doesn't know its name in its parent. So this is called for every module that the exception leaves, from
    the innermost outwards, and each adds the name that it has for the one before.
    """
    before: _Location | None = error.__dict__.get(_KEY)
    here = _Location(module, "", type(module).__name__, error.args if before is None else before.args)
    if before is not None:
        name = next((name for name, child in module.named_modules() if child is before.left), None)
        if name:  # else the failing module is not registered in this one, and the path begins here
            path = f"{name}.{before.path}" if before.path else name
            here = here._replace(path=path, class_name=before.class_name)
        _hide(error, before)
    error.__dict__[_KEY] = here
    if here.path:
        _show(error, here)


def _has_plain_message(args: tuple[Any, ...], error: Exception) -> bool:
    """Whether the message is ``args[0]``: not so for KeyError, OSError, and some classes of users."""
    return type(error).__str__ is BaseException.__str__ and (not args or isinstance(args[0], str))


def _show(error: Exception, location: _Location) -> None:
    args = location.args
    if not _has_plain_message(args, error):
        error.__dict__.setdefault("__notes__", []).append(f"in {location}")  # shown by Python 3.11 and later
    elif args:
        error.args = (f"{location}: {args[0]}", *args[1:])
    else:
        error.args = (f"in {location}",)


def _hide(error: Exception, location: _Location) -> None:
    """Takes away what :func:`_show` wrote."""
    if _has_plain_message(location.args, error):
        error.args = location.args
    elif location.path:
        error.__dict__["__notes__"].remove(f"in {location}")
