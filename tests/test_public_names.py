"""Every promised name is there, takes PyTorch's arguments, and nothing public is of our own invention."""

from __future__ import annotations

import importlib
import inspect
import re

import public_names
import pytest

import minitorch

HERE = {"m": "minitorch", "t": "minitorch.Tensor", "f": "minitorch.nn.functional"}
NAMES = [
    (place, name)
    for family in public_names.FAMILIES.values()
    for name, _, places in (word.partition(":") for word in family.split())
    for place in places
]
OTHERS = [(place, name) for place, names in public_names.PLACES.items() for name in names.split()]

# PyTorch's arguments that Minitorch doesn't take, anywhere: they speak of what it hasn't got.
NOT_TAKEN = {
    "out": "results are new tensors",
    "out_dtype": "it is for products on GPUs",
    "layout": "tensors are strided",
    "memory_format": "memory is in the order N C H W, or a view of it",
    "pin_memory": "there is no pinned memory",
    "foreach": "an optimiser makes one call for all parameters",
    "fused": "an optimiser makes one call for all parameters",
    "capturable": "there are no CUDA graphs",
    "differentiable": "steps of optimisers aren't recorded",
    "implicit": "an inner argument",
    "check_forward_ad": "there is no forward mode",
    "check_backward_ad": "there is no forward mode",
    "check_batched_grad": "there is no vmap",
    "check_batched_forward_grad": "there is no vmap",
    "check_undefined_grad": "backward is never given None unless asked for",
    "masked": "there are no sparse tensors",
    "check_fwd_over_rev": "there is no forward mode",
    "check_rev_over_rev": "it is what gradgradcheck does",
    "is_grads_batched": "there is no vmap",
    "grad_variables": "a deprecated name",
    **dict.fromkeys(("group", "group_src", "group_name"), "there is one group of processes, of all"),
    **dict.fromkeys(("init_method", "world_size", "rank", "store", "_ranks"), "mpiexec tells"),
    **dict.fromkeys(("device_id", "device_ids", "pg_options"), "a tensor's device says enough"),
}

# What PyTorch writes in C++ without a schema of its arguments.
WITHOUT_SIGNATURE = {"tensor", "as_tensor", "from_numpy", "new_tensor", "nonzero", "Generator", "Function"}
# The schema is called log_sigmoid; that of gelu is taken for one that names a dimension.
WITHOUT_SIGNATURE |= {"logsigmoid", "gelu"}
# Used as ``with no_grad():`` or as decorators; their one argument has no public name.
WITHOUT_SIGNATURE |= {"no_grad", "enable_grad"}

# Classes of C++, and a default that is one; a limit for one wait, and a source that may be numbered within a group.
WITHOUT_SIGNATURE |= {"ReduceOp", "Work", "all_reduce", "barrier", "broadcast"}

# Another operation of the same name: sliding windows of one dimension, where F.unfold is im2col.
HOMONYMS = {("t", "unfold")}

# Packages that PyTorch has elsewhere or not at all.
OUR_OWN = {"data", "metrics", "models", "viz", "ops", "bool"}


def find(place: str, name: str, library: str = "minitorch"):
    place = HERE.get(place, f"minitorch.{place}").replace("minitorch", library)
    if place.endswith(".Tensor"):
        return getattr(importlib.import_module(library).Tensor, name)
    return getattr(importlib.import_module(place), name)


@pytest.mark.parametrize(("place", "name"), NAMES + OTHERS)
def test_the_name_is_there(place, name):
    found = find(place, name)
    assert callable(found) or isinstance(found, property)
    assert found.__doc__ or isinstance(found, property) or name.startswith("__")


def test_none_is_listed_twice():
    assert len(set(NAMES)) == len(NAMES)


# ---- against PyTorch -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def taken(parameters) -> list[inspect.Parameter]:
    return [p for p in parameters if p.name not in NOT_TAKEN]


def overloads(torch, name: str) -> list:
    """The schemas of a function of tensors that PyTorch implements in C++, without those that write into ``out``."""
    chosen = []
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        types = " ".join(str(a.type) for a in schema.arguments)
        if name == "view" and schema.overload_name == "dtype":
            continue  # Minitorch doesn't read the bits of numbers as those of another dtype
        # Others are for the numbers and lists of TorchScript, or name dimensions by strings.
        if ("List[Tensor]" in types and name in ("eq", "ne", "sort")) or (
            schema.overload_name == "Scalar" and "alpha" in str(schema)
        ):
            continue  # no call from Python reaches these
        if ("Tensor" in types or "dtype" in {a.name for a in schema.arguments}) and not (
            any(a.is_out for a in schema.arguments)
            or re.search(r"complex|List\[(str|t)\]|^Tensor str|List\[Optional", types)
        ):
            chosen.append(schema)
    return chosen


def check_schema(function, schema, name: str, place: str) -> None:
    """``function`` can be called as PyTorch's parser allows: in order, or by these names with these defaults."""
    signature = inspect.signature(function)
    arguments = [a for a in schema.arguments if a.name not in NOT_TAKEN]
    positional = ["input" if a.name == "self" else a.name for a in arguments if not a.kwarg_only]
    keywords = {a.name: None for a in arguments if a.kwarg_only}
    first = []
    if place == "t":  # the tensor itself, wherever the function has it
        first = ["input" if "input" in positional else positional[0]]
        positional.remove(first[0])
    signature.bind(*first, *positional, **keywords)
    if not any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        signature.bind(*first, **dict.fromkeys(positional), **keywords)
    for argument in arguments:
        ours = signature.parameters.get(argument.name)
        if ours is not None and argument.has_default_value() and ours.default not in (ours.empty, None):
            default = argument.default_value
            if isinstance(default, list) and len(set(default)) == 1:
                (default,) = set(default)  # one number for all dimensions
            if argument.name == "padding" and default == "valid":
                default = 0  # a convolution's, which has two schemas
            assert ours.default == default, f"{name}: the default of {argument.name}"


@pytest.mark.parametrize(("place", "name"), NAMES + OTHERS)
def test_it_takes_the_arguments_of_pytorch(torch, place, name):
    ours, theirs = find(place, name), find(place, name, "torch")
    if isinstance(ours, property):
        pytest.skip("a property takes no arguments")
    if name.startswith("__"):
        pytest.skip("Python's operators take what they take")
    if name in WITHOUT_SIGNATURE:
        pytest.skip("PyTorch's parser alone knows the arguments")
    if inspect.isfunction(theirs) and theirs in torch._jit_internal.boolean_dispatched:
        theirs = torch._jit_internal.boolean_dispatched[theirs]["if_false"]  # return_indices chooses between two
    try:
        signature = inspect.signature(theirs)
    except ValueError:
        assert overloads(torch, name), f"{name}: PyTorch describes it nowhere"
        for schema in overloads(torch, name):
            if place == "m" or "self" in {a.name for a in schema.arguments}:  # the other overloads are no methods
                check_schema(ours, schema, name, place)
        return
    wanted = taken(signature.parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in wanted):
        pytest.skip("PyTorch passes on what it is given")
    found = taken(inspect.signature(ours).parameters.values())
    if place == "t":  # PyTorch documents other names for its few methods in Python than it uses
        assert [(p.kind, p.default) for p in found] == [(p.kind, p.default) for p in wanted]
    else:
        assert [str(p.replace(annotation=p.empty)) for p in found] == [
            str(p.replace(annotation=p.empty)) for p in wanted
        ]
        assert [p.kind for p in found] == [p.kind for p in wanted]


@pytest.mark.parametrize("place", ["m", "t", "f"])
def test_a_name_stands_wherever_pytorch_has_it(torch, place):
    """PyTorch's page of an operation counts: ``torch`` also holds inner functions that have none."""
    words = [word.partition(":") for family in public_names.FAMILIES.values() for word in family.split()]
    missing = []
    for name, _, places in words:
        try:
            theirs = find(place, name, "torch")
        except AttributeError:
            continue
        if place not in places and not name.startswith("_") and theirs.__doc__ and (place, name) not in HOMONYMS:
            missing.append(name)
    assert not missing


def test_nothing_is_of_our_own_invention(torch):
    for place, module in (("m", minitorch), ("f", minitorch.nn.functional), ("nn", minitorch.nn)):
        for name in module.__all__:
            if not (place == "m" and name in OUR_OWN):
                find(place, name, "torch")
