"""Rows of pooling, over one and two dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .pool_references import (
    adaptive_avg_pooled,
    adaptive_max_pooled,
    avg_pooled,
    lp_pooled,
    max_pooled,
    per_dim,
    unpooled,
)
from .row import INTEGERS, Case, Mistake, Op, Source, functional

# ---- cases -----------------------------------------------------------------------------------------------------------


def _shape(s: Source, sizes: Sequence[int]) -> tuple[int, ...]:
    """(N, C, …), perhaps an empty batch, or (C, …)."""
    channels = s.integer(1, 2)
    return (s.integer(0, 2), channels, *sizes) if s.flag() else (channels, *sizes)


def _option(s: Source, sizes: tuple[int, ...]) -> Any:
    """One number for all dimensions now and then, where it says the same."""
    return sizes[0] if len(set(sizes)) == 1 and s.flag() else sizes


def _geometry(s: Source, dims: int, *, max_padding: int = 2, dilated: bool = False) -> tuple[Any, dict[str, Any]]:
    """The sizes of an input, of which every window sees some of, and the options of a pool."""
    kernel = tuple(s.integer(1, 4) for _ in range(dims))
    padding = tuple(min(s.integer(0, k // 2), max_padding) for k in kernel)
    dilation = tuple(s.integer(1, 2) if dilated else 1 for _ in range(dims))
    sizes = []
    for k, p, d in zip(kernel, padding, dilation, strict=True):
        smallest = d * (k - 1) + 1 - (2 * p if d == 1 else 0)
        sizes.append(max(1, smallest) + s.integer(0, 4))
    options = {
        "kernel_size": _option(s, kernel),
        "stride": _option(s, tuple(s.integer(1, 3) for _ in range(dims))) if s.flag() else None,
        "ceil_mode": s.flag(),
    }
    if max_padding:
        options["padding"] = _option(s, padding)
    if dilated:
        options["dilation"] = _option(s, dilation)
    return sizes, options


def _max_pool(dims: int, *, flag: bool = True) -> Callable[[Source], Case]:
    def case(s: Source) -> Case:
        sizes, options = _geometry(s, dims, dilated=True)
        if flag:
            options["return_indices"] = s.flag()
        return Case((s.array(_shape(s, sizes), "distinct"),), options)

    return case


def _avg_pool(dims: int) -> Callable[[Source], Case]:
    def case(s: Source) -> Case:
        sizes, options = _geometry(s, dims)
        options["count_include_pad"] = s.flag()
        if dims == 2:
            options["divisor_override"] = s.one_of(None, 3, -2)
        return Case((s.array(_shape(s, sizes)),), options)

    return case


def _adaptive(dims: int, values: str, *, flag: bool = False) -> Callable[[Source], Case]:
    def case(s: Source) -> Case:
        sizes = [s.integer(1, 7) for _ in range(dims)]
        if dims == 1:
            output_size = s.one_of(s.integer(0, 8), (s.integer(0, 8),))
        else:
            output_size = s.one_of(
                s.integer(0, 4), (s.integer(0, 5), s.integer(1, 8)), (None, s.integer(1, 8)), (s.integer(1, 4), None)
            )
        options = {"output_size": output_size, "return_indices": s.flag()} if flag else {"output_size": output_size}
        return Case((s.array(_shape(s, sizes), values),), options)

    return case


def _lp_pool(dims: int) -> Callable[[Source], Case]:
    def case(s: Source) -> Case:
        sizes, options = _geometry(s, dims, max_padding=0)
        if dims == 1:
            options["kernel_size"] = per_dim(options["kernel_size"], 1)[0]
        else:
            options["kernel_size"] = per_dim(options["kernel_size"], 2)
        options["norm_type"] = s.one_of(1, 2, 3.0, 2.5, -1, math.inf, -math.inf)
        return Case((s.array(_shape(s, sizes), "nonzero" if options["norm_type"] == 2 else "positive"),), options)

    return case


def _unpool(dims: int) -> Callable[[Source], Case]:
    def case(s: Source) -> Case:
        sizes = tuple(s.integer(1, 4) for _ in range(dims))
        kernel = tuple(s.integer(1, 4) for _ in range(dims))
        stride = tuple(s.integer(1, 3) for _ in range(dims)) if s.flag() else None
        padding = tuple(s.integer(0, (k - 1) // 2) for k in kernel)
        steps = stride or kernel
        usual = [(n - 1) * d + k - 2 * p for n, d, k, p in zip(sizes, steps, kernel, padding, strict=True)]
        shape = _shape(s, sizes)
        output = [u + s.integer(0, d - 1) for u, d in zip(usual, steps, strict=True)]
        options = {"kernel_size": _option(s, kernel), "stride": stride, "padding": _option(s, padding)}
        if s.flag():
            options["output_size"] = tuple(output if len(shape) == dims + 1 or s.flag() else (*shape[:2], *output))
        else:
            output = usual
        rng = s.rng()
        planes = [rng.permutation(math.prod(output))[: math.prod(sizes)] for _ in range(math.prod(shape[:-dims]))]
        options["indices"] = np.array(planes, np.int64).reshape(shape)
        return Case((s.array(shape),), options)

    return case


# ---- mistakes --------------------------------------------------------------------------------------------------------


def _mistake(name: str, message: str, input: Any, *args: Any, error: Any = RuntimeError, **kwargs: Any) -> Mistake:
    return Mistake(lambda lib: getattr(lib.nn.functional, name)(lib.ones(*input), *args, **kwargs), error, message)


def _geometry_mistakes(name: str) -> tuple[Mistake, ...]:
    """What every pool with a kernel refuses."""
    image = (1, 1, 8, 8) if name.endswith("2d") or "2d_" in name else (1, 1, 8)
    layout = r"\(N, C, H, W\)" if len(image) == 4 else r"\(N, C, L\)"
    return (
        _mistake(name, "padding.* half", image, 3, padding=2),
        _mistake(name, "padding must be non-negative", image, 3, padding=-1),
        _mistake(name, "stride must be positive", image, 3, stride=0),
        _mistake(name, "kernel_size must be positive", image, 0),
        _mistake(name, "kernel_size must be an int or a tuple", image, (1, 2, 3)),
        _mistake(name, "kernel_size must be an int or a tuple", image, 2.0, error=TypeError),
        _mistake(name, "larger than the padded input", image, 9),
        _mistake(name, "channels", (0, *image[2:]), 1),
        _mistake(name, "at least one element", (*image[1:-1], 0), 1),
        _mistake(name, layout, (1, *image), 3),
        Mistake(
            lambda lib: getattr(lib.nn.functional, name)(lib.ones(*image, dtype=lib.bool), 2), RuntimeError, "bool"
        ),
    )


def _adaptive_mistakes(name: str) -> tuple[Mistake, ...]:
    if "1d" in name:
        wrong = (_mistake(name, "one int", (1, 2, 3), ()), _mistake(name, "one int", (1, 2, 3), (1, 2)))
        image = (1, 2, 3)
    else:
        wrong = (
            _mistake(name, "pair of ints", (1, 2, 3, 4), ()),
            _mistake(name, "pair of ints", (1, 2, 3, 4), (3,)),
            _mistake(name, "at least 3", (2, 2), (2, 2), error=ValueError),
        )
        image = (1, 2, 3, 4)
    return (
        *wrong,
        _mistake(name, r"\(N, C", (3,), 2),
        _mistake(name, r"\(N, C", (1, *image), 2),
        _mistake(name, "greater than or equal to 0", image, -1),
        _mistake(name, "output_size must be an int", image, "a", error=TypeError),
        _mistake(name, "at least one element", (*image[:-1], 0), 2),
        Mistake(
            lambda lib: getattr(lib.nn.functional, name)(lib.ones(*image, dtype=lib.int64), 2), RuntimeError, "int64"
        ),
    )


def _unpool_mistakes(dims: int) -> tuple[Mistake, ...]:
    name, shape = f"max_unpool{dims}d", (1, 1, 4, 4)[: dims + 2]

    def call(
        error: type[Exception],
        message: str,
        shape: Any = shape,
        indices: Any = None,
        dtype: str = "int64",
        **kwargs: Any,
    ) -> Mistake:
        def run(lib: Any) -> Any:
            where = lib.zeros(*(shape if indices is None else indices), dtype=getattr(lib, dtype))
            return getattr(lib.nn.functional, name)(lib.ones(*shape), where + kwargs.pop("offset", 0), 2, **kwargs)

        return Mistake(run, error, message)

    return (
        call(RuntimeError, "Expected shape of indices", indices=(*shape[:-1], 1)),
        call(RuntimeError, "int64, got minitorch.int32", dtype="int32"),
        call(RuntimeError, r"expected input of shape", (1, *shape)),
        call(ValueError, f"containing {dims} or {dims + 2} elements, but it has a length of 3", output_size=(9, 9, 9))
        if dims == 2
        else call(ValueError, "containing 1 or 3 elements, but it has a length of 2", output_size=(9, 9)),
        call(ValueError, r"invalid output_size .* between 7 and 9", output_size=(6,) * dims),
        call(ValueError, r"invalid output_size .* between 7 and 9", output_size=(10,) * dims),
        call(ValueError, "less than nothing", padding=5),
        _invalid_index(name, shape, 8**dims),
        _invalid_index(name, shape, -1),
    )


def _invalid_index(name: str, shape: Any, index: int) -> Mistake:
    return Mistake(
        lambda lib: getattr(lib.nn.functional, name)(lib.ones(*shape), lib.full(shape, index), 2),
        RuntimeError,
        f"invalid max index: {index}",
    )


# ---- rows ------------------------------------------------------------------------------------------------------------


def _takes_integers(case: Case) -> bool:
    """PyTorch's ``max_pool1d`` takes integers only together with indices."""
    return case.tensors[0].dtype.kind == "f" or case.kwargs["return_indices"]


def _has_outputs(case: Case) -> bool:
    """PyTorch's gradient refuses results without elements, but for an empty batch."""
    size = case.kwargs["output_size"]
    return 0 not in (size if isinstance(size, tuple) else (size,))


def _row(name: str, reference: Any, case: Any, mistakes: Any = (), **options: Any) -> Op:
    return Op(name, functional(name), reference, case, fast_mode=True, mistakes=tuple(mistakes), **options)


ROWS = []
for dims in (1, 2):
    max_mistakes = _geometry_mistakes(f"max_pool{dims}d")
    ROWS += [
        _row(
            f"max_pool{dims}d",
            max_pooled(dims),
            _max_pool(dims),
            (*max_mistakes, _mistake(f"max_pool{dims}d", "dilation must be positive", (1, 8, 8), 3, dilation=0)),
            special=True,
            integers=INTEGERS,
            in_torch=_takes_integers if dims == 1 else lambda case: True,
        ),
        _row(
            f"max_pool{dims}d_with_indices",
            max_pooled(dims, with_indices=True),
            _max_pool(dims, flag=False),
            special=True,
            integers=INTEGERS,
        ),
        _row(
            f"avg_pool{dims}d",
            avg_pooled(dims),
            _avg_pool(dims),
            _geometry_mistakes(f"avg_pool{dims}d")
            + ((_mistake("avg_pool2d", "divisor", (1, 1, 8, 8), 3, divisor_override=0),) if dims == 2 else ()),
            linear=True,
            special=True,
            integers=(np.int64,),
        ),
        _row(f"max_unpool{dims}d", unpooled(dims), _unpool(dims), _unpool_mistakes(dims), linear=True, special=True),
        _row(
            f"adaptive_avg_pool{dims}d",
            adaptive_avg_pooled(dims),
            _adaptive(dims, "normal"),
            _adaptive_mistakes(f"adaptive_avg_pool{dims}d"),
            linear=True,
            special=True,
            in_torch=_has_outputs,
        ),
        _row(
            f"adaptive_max_pool{dims}d",
            adaptive_max_pooled(dims),
            _adaptive(dims, "distinct", flag=True),
            _adaptive_mistakes(f"adaptive_max_pool{dims}d"),
            special=True,
            in_torch=_has_outputs,
        ),
        _row(
            f"adaptive_max_pool{dims}d_with_indices",
            adaptive_max_pooled(dims, with_indices=True),
            _adaptive(dims, "distinct"),
            special=True,
            in_torch=_has_outputs,
        ),
        _row(
            f"lp_pool{dims}d",
            lp_pooled(dims),
            _lp_pool(dims),
            (
                _mistake(f"lp_pool{dims}d", "norm_type", (1, 1, 8, 8)[: dims + 2], 0, 2, error=ZeroDivisionError),
                _mistake(f"lp_pool{dims}d", "stride must be positive", (1, 1, 8, 8)[: dims + 2], 2, 2, 0),
                _mistake(f"lp_pool{dims}d", "larger than the padded", (1, 1, 8, 8)[: dims + 2], 2, 9),
            ),
        ),
    ]
