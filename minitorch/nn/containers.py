"""Modules that hold others in order: Sequential, ModuleList, ModuleDict."""

from __future__ import annotations

import operator
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, TypeVar, overload

from .module import Module, indent

L = TypeVar("L", bound="_ModuleSequence")


class _ModuleSequence(Module):
    """What both have of a list; a child's name is its position, unless it was given one."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]  # none of them is None

    @overload
    def __getitem__(self: L, index: slice) -> L: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            part = type(self)()
            for name, module in list(self._modules.items())[index]:
                part.register_module(name, module)
            return part
        return self._modules[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        self.register_module(self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._name_at(index)]
        self._renumber([module for name, module in self._modules.items() if name not in names])

    def _name_at(self, index: int) -> str:
        index, count = operator.index(index), len(self._modules)
        if not -count <= index < count:
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def _renumber(self, modules: Iterable[Module | None]) -> None:
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def append(self: L, module: Module) -> L:
        """Adds a module at the end; returns the container."""
        number = len(self)
        while str(number) in self._modules:  # a slice [1:] has the names "1", "2", …
            number += 1
        self.register_module(str(number), module)
        return self

    def extend(self: L, modules: Iterable[Module]) -> L:
        """Adds modules at the end; returns the container."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self: L, index: int, module: Module) -> L:
        """Adds a module before position ``index``; all are renumbered. Returns the container."""
        modules = list(self)
        modules.insert(index, module)
        self.register_module(str(len(modules)), module)  # checks its type
        self._renumber(modules)
        return self

    def pop(self, index: int = -1) -> Module:
        """Takes the module at ``index`` out; those that stay are renumbered."""
        module = self[index]
        del self[index]
        return module


class Sequential(_ModuleSequence):
    """Calls its modules one after another: each gets what the one before returned.

    Made of modules, or of an ``OrderedDict`` of names and modules. ``model[1]`` is a module, ``model[:2]`` a
    ``Sequential`` of the first two, which they share.

    >>> from minitorch import nn
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> model[1:]
    Sequential(
      (1): ReLU()
      (2): Linear(in_features=3, out_features=2, bias=True)
    )

    Raises:
        TypeError: something in it is no module.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.register_module(name, module)
        else:
            self.extend(args)

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input


class ModuleList(_ModuleSequence):
    """A list of modules that knows their parameters; how they are called is up to the module that holds it.

    >>> from minitorch import nn
    >>> nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    ModuleList(
      (0-2): 3 x Linear(in_features=4, out_features=4, bias=True)
    )

    Raises:
        TypeError: something in it is no module.
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: Any) -> Any:
        return type(self)(list(self)[index]) if isinstance(index, slice) else super().__getitem__(index)

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __add__(self, modules: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *modules])

    def __repr__(self) -> str:
        """Equal modules in a row are shown once, with their number."""
        runs: list[list[Any]] = []  # [first, last, repr]
        for i, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        lines = [
            f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}"
            for first, last, text in runs
        ]
        body = "".join(f"\n  {indent(line)}" for line in lines)
        return f"{self._get_name()}({body}\n)" if body else f"{self._get_name()}()"


class ModuleDict(Module):
    """A dictionary of modules that knows their parameters, in the order in which they came.

    Made of a mapping, or of pairs of a name and a module. How they are called is up to the module that holds it.

    >>> from minitorch import nn
    >>> choices = nn.ModuleDict({"linear": nn.Linear(4, 2), "none": nn.Identity()})
    >>> choices["activation"] = nn.ReLU()
    >>> list(choices), list(choices.state_dict())
    (['linear', 'none', 'activation'], ['linear.weight', 'linear.bias'])

    Raises:
        TypeError: a name is no string, or what it names no module.
        KeyError: a name is empty, contains a dot, or is that of an attribute.
    """

    _modules: dict[str, Module]  # type: ignore[assignment]  # none of them is None

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.register_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Module]:
        """The names with their modules."""
        return self._modules.items()

    def clear(self) -> None:
        """Takes every module out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Takes a module out and returns it."""
        return self._modules.pop(key)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | ModuleDict) -> None:
        """Adds the modules of a mapping, or pairs of a name and a module; a name that is there gets another module."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"ModuleDict.update should be called with an iterable of key/value pairs, but got "
                f"{type(modules).__name__}"
            )
        pairs = modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules
        for i, pair in enumerate(pairs):
            if not isinstance(pair, Iterable):
                raise TypeError(f"ModuleDict update sequence element #{i} should be Iterable; is {type(pair).__name__}")
            key_and_module = tuple(pair)
            if len(key_and_module) != 2:
                raise ValueError(
                    f"ModuleDict update sequence element #{i} has length {len(key_and_module)}; 2 is required"
                )
            self[key_and_module[0]] = key_and_module[1]
