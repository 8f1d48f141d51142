"""PyTorch's own test inputs, given to Minitorch: every sample and every mistake that PyTorch tests an operation with.

PyTorch keeps them for its own tests, as ``OpInfo`` records (torch/testing/_internal/common_methods_invocations.py).
Samples compare values, dtypes and gradients; mistakes must raise PyTorch's type of exception.
"""

from __future__ import annotations

import functools
import itertools
import operator
import warnings

import numpy as np
import public_names
import pytest

import minitorch
from minitorch.testing import assert_close

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
records = pytest.importorskip(
    "torch.testing._internal.common_methods_invocations", reason="PyTorch's tests need expecttest"
)

NAMES = {
    word.partition(":")[0] for family in public_names.FAMILIES.values() for word in family.split() if word[0] != "_"
}
SAMPLES = 60  # of an operation at most; PyTorch draws over a thousand of some
DTYPES = {
    torch.float64: minitorch.float64,
    torch.float32: minitorch.float32,
    torch.float16: minitorch.float16,
    torch.int64: minitorch.int64,
    torch.int32: minitorch.int32,
    torch.uint8: minitorch.uint8,
    torch.bool: minitorch.bool,
}

# Operations whose results are random or uninitialised.
RANDOM = """
    bernoulli normal rand randn randint rand_like randn_like randint_like randperm dropout dropout1d dropout2d
    alpha_dropout empty empty_like new_empty
"""

# Samples that aren't run, with the reason, by the operation's name, its variant's, or that and the dtype.
SKIPPED: dict[str, str] = {
    "argsort torch.bool": "the order of equal elements, which PyTorch leaves open",
    "nn.functional.local_response_norm torch.int64": "PyTorch rounds the means of squares of integers down",
    "norm-nuc": "the nuclear norm needs singular values, which Minitorch does not compute",
    "sort torch.bool": "the order of equal elements, which PyTorch leaves open",
    "unfold": "Tensor.unfold is another operation than F.unfold",
    "topk torch.int64": "which of equal elements are taken, which PyTorch leaves open",
}
MISTAKES_SKIPPED: dict[str, str] = {
    "clamp_max": "the record says that a number is a mistake, but PyTorch takes it",
    "clamp_min": "the record says that a number is a mistake, but PyTorch takes it",
    "normal": "the record's mistake is one of normal_",
}


# Arguments that Minitorch refuses: samples with them aren't run.
LEFT_OUT = {"scatter": {"reduce"}}  # deprecated in PyTorch


class Untranslatable(Exception):
    """Minitorch has nothing of this kind: complex numbers, sparse tensors, other memory formats."""


def found() -> dict[str, tuple]:
    """Each record whose name is one of Minitorch's, with where PyTorch has it."""
    chosen = {}
    for record in records.op_db:
        name = record.name.removeprefix("nn.functional.")
        place = "f" if name != record.name else "m"
        if name in NAMES and "." not in name and (place == "m" or hasattr(torch.nn.functional, name)):
            chosen[f"{record.name}{'-' + record.variant_test_name if record.variant_test_name else ''}"] = record
    return chosen


RECORDS = found()


def function_of(record, library):
    """The function in ``minitorch`` or ``torch`` that a record is about; for a property, one that reads it."""
    name = record.name.removeprefix("nn.functional.")
    if name != record.name:
        return getattr(library.nn.functional, name)
    if hasattr(torch, name):
        return getattr(library, name)
    found = getattr(library.Tensor, name)
    return found if callable(found) else operator.attrgetter(name)


def translated(value):
    """An argument of PyTorch's as one of Minitorch's."""
    if isinstance(value, torch.Tensor):
        if value.layout is not torch.strided or value.dtype not in DTYPES or value.device.type != "cpu":
            raise Untranslatable
        array = value.detach().numpy()
        return minitorch.from_numpy(array).requires_grad_(value.requires_grad)
    if isinstance(value, torch.dtype):
        if value not in DTYPES:
            raise Untranslatable
        return DTYPES[value]
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(
        value, (torch.layout, torch.memory_format, torch.Generator, complex, np.ndarray, torch.storage.UntypedStorage)
    ):
        raise Untranslatable
    if isinstance(value, (list, tuple)):
        return type(value)(map(translated, value)) if type(value) in (list, tuple) else tuple(map(translated, value))
    if isinstance(value, dict):
        return {k: translated(v) for k, v in value.items()}
    return value


def tensors_of(result) -> list:
    if isinstance(result, (torch.Tensor, minitorch.Tensor, bool)):
        return [result]
    return list(itertools.chain.from_iterable(tensors_of(r) for r in result))


# A record's samples begin with what can require a gradient, whatever the function's first argument is.
ORDER = {
    "where": lambda input, condition, other: (condition, input, other),
    "einsum": lambda tensors, equation: (equation, *tensors),
    "nn.functional.embedding": lambda weight, input: (input, weight),
}


def arguments(record, sample) -> tuple:
    args = (sample.input, *sample.args)
    kwargs = {k: v for k, v in sample.kwargs.items() if k != "layout"}
    return ORDER[record.name](*args) if record.name in ORDER else args, kwargs


def leaves(args, kwargs) -> list:
    flat = []
    for value in (*args, *kwargs.values()):
        if isinstance(value, (torch.Tensor, minitorch.Tensor)):
            flat.append(value)
        elif isinstance(value, (list, tuple)):
            flat += leaves(value, {})
    return [t for t in flat if t.requires_grad]


def check_values(mine, their) -> None:
    assert len(mine) == len(their)
    for a, b in zip(mine, their, strict=True):
        if isinstance(b, bool):
            assert a == b
            continue
        assert tuple(a.shape) == tuple(b.shape)
        assert b.dtype in DTYPES
        assert a.dtype is DTYPES[b.dtype], f"{a.dtype}, PyTorch gives {b.dtype}"
        rtol = 1e-6 if b.dtype is torch.float32 else 1e-7
        assert_close(a.detach().data, b.detach().numpy(), rtol=rtol, atol=1e-9, equal_nan=True)


def check_sample(record, sample, differentiable: bool) -> None:
    args, kwargs = arguments(record, sample)
    if set(kwargs) & LEFT_OUT.get(record.name, set()):
        raise Untranslatable
    mine_args, mine_kwargs = translated(args), translated(kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        their = tensors_of(function_of(record, torch)(*args, **kwargs))
        mine = tensors_of(function_of(record, minitorch)(*mine_args, **mine_kwargs))
    check_values(mine, their)
    if not differentiable:
        return
    sources, their_sources = leaves(mine_args, mine_kwargs), leaves(args, kwargs)
    ends, their_ends = ([t for t in r if not isinstance(t, bool) and t.requires_grad] for r in (mine, their))
    assert len(ends) == len(their_ends), "another number of results requires grad"
    if not ends or not sources:
        return
    rng = np.random.default_rng(0)
    cotangents = [rng.standard_normal(tuple(t.shape)) for t in their_ends]
    first = minitorch.autograd.grad(
        ends,
        sources,
        [minitorch.tensor(c, dtype=e.dtype) for c, e in zip(cotangents, ends, strict=True)],
        allow_unused=True,
    )
    second = torch.autograd.grad(
        their_ends,
        their_sources,
        [torch.tensor(c, dtype=e.dtype) for c, e in zip(cotangents, their_ends, strict=True)],
        allow_unused=True,
    )
    for a, b in zip(first, second, strict=True):
        a = np.zeros(()) if a is None else a.data
        b = np.zeros(()) if b is None else b.numpy()
        assert_close(*map(np.array, np.broadcast_arrays(a, b)), rtol=1e-6, atol=1e-8, equal_nan=True)


@functools.cache
def samples_of(name: str, dtype, requires_grad: bool) -> list:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples = list(RECORDS[name].sample_inputs("cpu", dtype, requires_grad=requires_grad))
    step = -(-len(samples) // SAMPLES)
    return samples[:: max(step, 1)]


@pytest.mark.parametrize("name", sorted(set(RECORDS)))
@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.bool], ids=str)
def test_samples(name, dtype):
    record = RECORDS[name]
    for key in (record.name, name, f"{name} {dtype}"):
        if key in SKIPPED:
            pytest.skip(SKIPPED[key])
    if dtype not in record.dtypes:
        pytest.skip("PyTorch doesn't take this dtype")
    if record.name.removeprefix("nn.functional.") in RANDOM.split():
        pytest.skip("the results are random")
    differentiable = record.supports_autograd and dtype is torch.float64
    run = 0
    for sample in samples_of(name, dtype, differentiable):
        try:
            check_sample(record, sample, differentiable)
        except Untranslatable:
            continue
        except Exception as error:
            raise AssertionError(f"{record.name}{sample.summary()}") from error
        run += 1
    assert run, "no sample could be run"


@pytest.mark.parametrize("name", sorted(n for n, r in RECORDS.items() if r.error_inputs_func))
def test_mistakes(name):
    record = RECORDS[name]
    if record.name in MISTAKES_SKIPPED:
        pytest.skip(MISTAKES_SKIPPED[record.name])
    torch.manual_seed(0)
    run = 0
    for mistake in record.error_inputs("cpu"):
        args, kwargs = arguments(record, mistake.sample_input)
        where = f"{record.name}{mistake.sample_input.summary()}"
        wanted = f"{mistake.error_type.__name__} ({mistake.error_regex}) for {where}"
        if set(kwargs) & {"out", "layout", "names"}:
            continue
        if not isinstance(args[0], (torch.Tensor, list, tuple)):
            continue  # a number first: Minitorch takes it where PyTorch takes only a tensor
        try:
            args, kwargs = translated(args), translated(kwargs)
        except (Untranslatable, RuntimeError, ValueError):
            continue  # also integers that require grad, and more dimensions than NumPy has
        run += 1
        try:
            result = function_of(record, minitorch)(*args, **kwargs)
        except mistake.error_type:
            continue
        except Exception as error:
            raise AssertionError(f"PyTorch raises {wanted}") from error
        pytest.fail(f"no {wanted}, but {result}")
    if not run:
        pytest.skip("PyTorch's mistakes are of arguments that Minitorch doesn't have")
