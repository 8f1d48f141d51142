"""Rows of the normalisations. The references collect, element by element, what shares a mean and a variance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .row import Array, Case, Mistake, Op, Shape, Source


def _standardized(array: Array, key: Callable[[Any], Any], eps: float, centred: bool = True) -> Array:
    """(x - μ)/√(σ² + eps) with the μ and σ² of all elements whose index has the same key."""
    members: dict[Any, list[float]] = {}
    for index in np.ndindex(*array.shape):
        members.setdefault(key(index), []).append(float(array[index]))
    out = np.empty(array.shape)
    for index in np.ndindex(*array.shape):
        group = members[key(index)]
        mean = math.fsum(group) / len(group) if centred else 0.0
        variance = math.fsum((x - mean) ** 2 for x in group) / len(group)
        out[index] = (array[index] - mean) / math.sqrt(variance + eps)
    return out


def _affine(array: Array, weight: Array | None, bias: Array | None, place: Callable[[Any], Any]) -> Array:
    out = array.copy()
    for index in np.ndindex(*array.shape):
        if weight is not None:
            out[index] *= weight[place(index)]
        if bias is not None:
            out[index] += bias[place(index)]
    return out


def _parameters(s: Source, shape: Shape) -> tuple[tuple[Array, ...], dict[str, Any]]:
    """Weight and bias, one of them, or none, and ``given``, which says in words which."""
    given = s.one_of("", "weight", "bias", "weight bias")
    return tuple(s.array(shape) for _ in given.split()), {"given": given}


def _split(given: str, parameters: tuple[Any, ...]) -> dict[str, Any]:
    return {"weight": None, "bias": None, **dict(zip(given.split(), parameters, strict=True))}


def _call(name: str) -> Callable[..., Any]:
    def call(lib: Any, input: Any, *parameters: Any, given: str, **kwargs: Any) -> Any:
        return getattr(lib.nn.functional, name)(input, **kwargs, **_split(given, parameters))

    return call


def _in_torch(case: Case) -> bool:
    # PyTorch fails to differentiate a bias alone twice, and empty inputs at all, or gives NaN.
    return case.kwargs["given"] != "bias" and case.tensors[0].size > 0


# ---- of channels -----------------------------------------------------------------------------------------------------


def _by_channel(s: Source, option: str, several: Callable[[Shape], int], min_dims: int) -> Case:
    """Inputs (N, C, …) with the statistics of the batch where ``option`` is true, else with given ones."""
    shape = s.shape(min_dims=min_dims, max_dims=4)
    own = s.flag()
    if own and several(shape) == 1:
        shape = (*shape[:-1], shape[-1] + 1) if len(shape) > 2 else (2, shape[1])
    parameters, kwargs = _parameters(s, shape[1:2])
    running = None if own else (s.array(shape[1:2]), s.array(shape[1:2], "positive"))
    kwargs["running_mean"], kwargs["running_var"] = running or (None, None)
    kwargs[option] = own
    return Case((s.array(shape), *parameters), {**kwargs, "eps": s.one_of(0.01, 0.5)})


def _channel_reference(option: str, key: Callable[[Any], Any]) -> Callable[..., Array]:
    def reference(
        input: Array, *parameters: Array, given: str, running_mean: Any, running_var: Any, eps: float, **kwargs: bool
    ) -> Array:
        if kwargs[option]:
            out = _standardized(input, key, eps)
        else:
            out = np.empty(input.shape)
            for index in np.ndindex(*input.shape):
                c = index[1]
                out[index] = (input[index] - running_mean[c]) / math.sqrt(running_var[c] + eps)
        return _affine(out, **_split(given, parameters), place=lambda index: index[1])

    return reference


def _channel_mistakes(name: str, option: str) -> tuple[Mistake, ...]:
    """Wrong tensors of batch norm and instance norm; the channels are three."""

    def call(**kwargs: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def run(lib: Any) -> Any:
            given = {"running_mean": lib.zeros(3), "running_var": lib.ones(3)}
            made = {key: make(lib) for key, make in kwargs.items()}
            return getattr(lib.nn.functional, name)(lib.ones(2, 3, 4), **{**given, **made})

        return run

    def of(size: int) -> Callable[[Any], Any]:
        return lambda lib: lib.ones(size)

    def nothing(lib: Any) -> None:
        return None

    def double(lib: Any) -> Any:
        return lib.ones(3, dtype=lib.float64)

    def learnt(lib: Any) -> Any:
        return lib.ones(3).requires_grad_()

    def no(lib: Any) -> bool:
        return False

    def yes(lib: Any) -> bool:
        return True

    return (
        Mistake(
            call(running_mean=of(2)),
            RuntimeError,
            r"running_mean should contain 3 elements not 2; .*shape is \(2, 3, 4",
        ),
        Mistake(call(running_var=of(4)), RuntimeError, "running_var should contain 3 elements not 4"),
        Mistake(call(weight=of(2)), RuntimeError, "weight should contain 3 elements not 2"),
        Mistake(call(bias=of(2)), RuntimeError, "bias should contain 3 elements not 2"),
        Mistake(call(weight=double), RuntimeError, r"mixed dtype.*weight.*float32, got minitorch\.float64"),
        Mistake(call(running_mean=learnt), RuntimeError, "not differentiable with respect to running_mean"),
        Mistake(call(running_var=nothing, **{option: yes}), ValueError, "must either both be None or neither"),
        Mistake(
            call(running_mean=nothing, **{option: no}),
            RuntimeError,
            "running_mean must be defined in evaluation mode",
        ),
        Mistake(
            lambda lib: getattr(lib.nn.functional, name)(lib.ones(1, 3), None, None, **{option: True}),
            ValueError,
            r"Expected more than 1 (value per channel|spatial element) when training, got input size \(1, 3\)",
        ),
        Mistake(
            lambda lib: getattr(lib.nn.functional, name)(
                lib.ones(2, 3, 4, dtype=lib.int64), lib.zeros(3), lib.ones(3), **{option: False}
            ),
            RuntimeError,
            "expected floating-point tensors",
        ),
        Mistake(
            lambda lib: getattr(lib.nn.functional, name)(lib.ones(3), lib.zeros(3), lib.ones(3), **{option: False}),
            RuntimeError,
            "Expected at least 2 dimensions for input tensor but received 1",
            as_pytorch=name == "batch_norm",  # where instance_norm fails to find a dimension
        ),
    )


def _eps_mistake(eps: float, training: bool, message: str) -> Mistake:
    def call(lib: Any) -> Any:
        return lib.nn.functional.batch_norm(lib.ones(2, 3), lib.zeros(3), lib.ones(3), training=training, eps=eps)

    return Mistake(call, ValueError, message)


def _grouped(s: Source) -> Case:
    G = s.integer(1, 3)
    shape = (s.integer(1, 3), G * s.integer(0 if s.integer(0, 7) == 7 else 1, 3), *s.shape(max_dims=2))
    if math.prod(shape) // G == 1:
        shape = (2, *shape[1:])
    parameters, kwargs = _parameters(s, shape[1:2])
    return Case((s.array(shape), *parameters), {**kwargs, "num_groups": G, "eps": s.one_of(0.01, 0.5)})


def _group_norm(input: Array, *parameters: Array, given: str, num_groups: int, eps: float) -> Array:
    size = input.shape[1] // num_groups
    out = _standardized(input, lambda index: (index[0], index[1] // size), eps)
    return _affine(out, **_split(given, parameters), place=lambda index: index[1])


# ---- of the last dimensions ------------------------------------------------------------------------------------------


def _last(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    wanted = shape[s.integer(0, len(shape) - 1) :]
    parameters, kwargs = _parameters(s, wanted)
    return Case((s.array(shape), *parameters), {**kwargs, "normalized_shape": wanted, "eps": s.one_of(0.01, 0.5)})


def _layer_norm(input: Array, *parameters: Array, given: str, normalized_shape: Shape, eps: float) -> Array:
    k = len(normalized_shape)
    out = _standardized(input, lambda index: index[:-k], eps)
    return _affine(out, **_split(given, parameters), place=lambda index: index[-k:])


def _scaled(s: Source) -> Case:
    shape = s.shape(min_dims=1)
    wanted = shape[s.integer(0, len(shape) - 1) :]
    weight = (s.array(wanted),) if s.flag() else ()
    # Where the numbers are drawn near 0, the rule for eps=None would be much less smooth than the steps of gradcheck.
    return Case((s.array(shape, "nonzero"), *weight), {"normalized_shape": wanted, "eps": s.one_of(None, 0.01, 0.5)})


def _call_rms_norm(lib: Any, input: Any, *weight: Any, normalized_shape: Shape, eps: float | None) -> Any:
    return lib.nn.functional.rms_norm(input, normalized_shape, *weight, eps=eps)


def _rms_norm(input: Array, *weight: Array, normalized_shape: Shape, eps: float | None) -> Array:
    k = len(normalized_shape)
    out = _standardized(input, lambda index: index[:-k], 2.0**-52 if eps is None else eps, centred=False)
    return _affine(out, weight[0] if weight else None, None, place=lambda index: index[-k:])


def _shape_mistakes(name: str, roles: tuple[str, ...]) -> tuple[Mistake, ...]:
    def call(size: Shape, shape: Any, **kwargs: Any) -> Callable[[Any], Any]:
        def run(lib: Any) -> Any:
            return getattr(lib.nn.functional, name)(
                lib.ones(size), shape, **{role: lib.ones(given) for role, given in kwargs.items()}
            )

        return run

    return (
        Mistake(call((1, 2, 3), ()), RuntimeError, "Expected normalized_shape to be at least 1-dimensional"),
        *(
            Mistake(
                call((1, 2, 3), (1, 2, 3), **{role: (1, 2)}),
                RuntimeError,
                rf"Expected {role} to be of same shape.*of shape \[1, 2\] and normalized_shape = \[1, 2, 3\]",
            )
            for role in roles
        ),
        Mistake(
            call((2, 2, 3), (2, 2)),
            RuntimeError,
            r"Given normalized_shape=\[2, 2\], expected input with shape \[\*, 2, 2\], but got .* size \[2, 2, 3\]",
        ),
        Mistake(
            call((3,), (2, 3)),
            RuntimeError,
            r"expected input with shape \[\*, 2, 3\], but got input of size \[3\]",
            as_pytorch=name == "layer_norm",  # rms_norm gives it as a ValueError
        ),
        Mistake(call((2, 3), 3), TypeError, "normalized_shape must be tuple of ints, not int"),
        Mistake(
            lambda lib: getattr(lib.nn.functional, name)(lib.ones(2, dtype=lib.int64), (2,)),
            RuntimeError,
            "expected floating-point tensors",
        ),
    )


ROWS = [
    Op(
        "batch_norm",
        _call("batch_norm"),
        _channel_reference("training", lambda index: index[1]),
        lambda s: _by_channel(s, "training", lambda shape: math.prod(shape[:1] + shape[2:]), 2),
        in_torch=_in_torch,
        mistakes=(
            *_channel_mistakes("batch_norm", "training"),
            _eps_mistake(-1.0, True, "eps must be positive during training, but got -1.0"),
            _eps_mistake(0.0, True, "eps must be positive during training, but got 0.0"),
            _eps_mistake(-1.0, False, "eps must be non-negative, but got -1.0"),
        ),
    ),
    Op(
        "instance_norm",
        _call("instance_norm"),
        _channel_reference("use_input_stats", lambda index: index[:2]),
        lambda s: _by_channel(s, "use_input_stats", lambda shape: math.prod(shape[2:]), 3),
        in_torch=_in_torch,
        mistakes=_channel_mistakes("instance_norm", "use_input_stats"),
    ),
    Op(
        "group_norm",
        _call("group_norm"),
        _group_norm,
        _grouped,
        in_torch=_in_torch,
        mistakes=(
            Mistake(
                lambda lib: lib.nn.functional.group_norm(lib.ones(1), 1),
                RuntimeError,
                "Expected at least 2 dimensions for input tensor but received 1",
            ),
            Mistake(
                lambda lib: lib.nn.functional.group_norm(lib.ones(2, 7, 4), 2),
                RuntimeError,
                r"divisible by num_groups, but got input of shape \(2, 7, 4\) and num_groups=2",
            ),
            Mistake(
                lambda lib: lib.nn.functional.group_norm(lib.ones(2, 4), -2),
                RuntimeError,
                "Expected num groups to be greater than 0, got -2",
            ),
            Mistake(
                lambda lib: lib.nn.functional.group_norm(lib.ones(1, 4), 4),
                ValueError,
                r"Expected more than 1 value per channel when training, got input size \(1, 4\) and num_groups=4",
            ),
            Mistake(
                lambda lib: lib.nn.functional.group_norm(lib.ones(2, 4), 2, lib.ones(3)),
                RuntimeError,
                r"Expected weight to be a vector .* but got weight of shape \(3,\) and input of shape \(2, 4\)",
            ),
            Mistake(
                lambda lib: lib.nn.functional.group_norm(lib.ones(2, 4), 2, None, lib.ones(4, 1)),
                RuntimeError,
                r"Expected bias to be a vector .* but got bias of shape \(4, 1\)",
            ),
        ),
    ),
    Op(
        "layer_norm",
        _call("layer_norm"),
        _layer_norm,
        _last,
        in_torch=_in_torch,
        mistakes=_shape_mistakes("layer_norm", ("weight", "bias")),
    ),
    Op("rms_norm", _call_rms_norm, _rms_norm, _scaled, mistakes=_shape_mistakes("rms_norm", ("weight",))),
]
