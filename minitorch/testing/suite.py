"""The checks of an operation, with the inputs that each is tried with, and ``check_op``, which runs all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ..tensor import Tensor
from . import checks
from .cases import Case, Source
from .operation import Operation
from .strategies import LAYOUTS, SEPARATE, with_layout

INTEGERS_AND_BOOL = (np.int64, np.int32, np.uint8, np.bool_)


@st.composite
def cases(
    draw: st.DrawFn,
    op: Operation,
    dtype: Any,
    layouts: tuple[str, ...] = LAYOUTS,
    max_side: int = 5,
    empty: bool = False,
) -> Case:
    """Calls of one operation with tensors of one dtype (indices and masks keep theirs)."""
    return op.case(Source(draw, dtype, layouts, max_side, empty))


@st.composite
def _integer_cases(draw: st.DrawFn, op: Operation) -> Case:
    return draw(cases(op, draw(st.sampled_from(op.integers))))


@st.composite
def _special_cases(draw: st.DrawFn, op: Operation) -> Case:
    """Cases with NaN, infinities and zeros of either sign strewn among the elements."""
    case = draw(cases(op, np.float64))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    arrays = []
    for array in case.tensors:
        special = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], array.shape)
        arrays.append(np.where(rng.random(array.shape) < 0.3, special, array) if array.dtype.kind == "f" else array)
    return replace(case, tensors=tuple(arrays))


@dataclass(frozen=True)
class Check:
    """One promise that operations keep, and the search for a call that breaks it."""

    name: str
    run: Callable[[Operation, Case], None]  # raises where the promise is broken
    applies: Callable[[Operation], bool]
    cases: Callable[[Operation], st.SearchStrategy[Case]]
    share: float  # of the profile's number of examples: less for what takes longer

    def search(self, op: Operation) -> None:
        """Looks for a case in which ``op`` fails.

        Raises:
            AssertionError: there is one. Hypothesis has made it as simple as it could.
        """

        def example(case: Case) -> None:
            try:
                self.run(op, case)
            except Exception as error:
                kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
                raise AssertionError(f"{op.name}{case} fails the check {self.name!r}\n{kind}{error}") from error

        examples = max(5, int(settings().max_examples * self.share))
        rounds = -(-examples // 10)  # from the eleventh on, Hypothesis mostly repeats parts of one example in the next
        for number in range(rounds):
            few = settings(
                max_examples=(examples + number) // rounds,
                phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
                report_multiple_bugs=False,
                suppress_health_check=[HealthCheck.too_slow],  # it depends on what else the machine does
            )
            test = few(given(self.cases(op))(example))
            if settings().derandomize:
                # Else Hypothesis draws the same for all functions that have the same source, which is example's.
                test = seed(f"{op.name} {self.name} {number}")(test)
            test()


def _drawn(dtype: Any, *args: Any, **kwargs: Any) -> Callable[[Operation], st.SearchStrategy[Case]]:
    return lambda op: cases(op, dtype, *args, **kwargs)


def _takes_floats(op: Operation) -> bool:
    return op.floats


def _differentiable(op: Operation) -> bool:
    return op.floats and op.differentiable


# The simplest first: where several fail, the first says most.
CHECKS = (
    Check("forward float64", checks.forward, _takes_floats, _drawn(np.float64), 0.5),
    Check("forward float32", checks.forward, _takes_floats, _drawn(np.float32), 0.2),
    Check("forward integers", checks.forward, lambda op: bool(op.integers), _integer_cases, 0.3),
    Check("forward nan and inf", checks.forward, lambda op: op.special, _special_cases, 0.3),
    Check("no gradient", checks.no_gradient, lambda op: op.floats and not op.differentiable, _drawn(np.float64), 0.1),
    Check("gradient", checks.gradient, _differentiable, _drawn(np.float64, SEPARATE, max_side=3), 0.4),
    Check("empty", checks.empty, _takes_floats, _drawn(np.float64, SEPARATE, empty=True), 0.1),
    Check("adjoint", checks.adjoint, lambda op: op.linear, _drawn(np.float64, SEPARATE), 0.2),
    Check("gradient float32", checks.gradient_float32, _differentiable, _drawn(np.float32, SEPARATE), 0.1),
    Check("gradient of a sum", checks.gradient_of_a_sum, _differentiable, _drawn(np.float64, SEPARATE), 0.1),
    Check(
        "second gradient",
        checks.second_gradient,
        lambda op: _differentiable(op) and op.smooth,
        _drawn(np.float64, SEPARATE, max_side=3),
        0.2,
    ),
    Check("changed in place", checks.changed_in_place, _differentiable, _drawn(np.float64, ("contiguous",)), 0.1),
    Check("gradients apart", checks.gradients_apart, _differentiable, _drawn(np.float64, SEPARATE), 0.1),
    Check("nothing kept", checks.nothing_kept, _differentiable, _drawn(np.float64, SEPARATE), 0.1),
)


def check_op(
    function: Callable[..., Any],
    *,
    inputs: Any,
    reference: Callable[..., Any],
    name: str | None = None,
    differentiable: bool = True,
    smooth: bool = True,
    linear: bool = False,
    integers: tuple[Any, ...] = (),
    special: bool = False,
    fast_mode: bool = False,
    rtol: float = 1e-5,
    atol: float = 1e-5,
) -> None:
    """Checks an operation in every way in which Minitorch's own are checked.

    Forward in float64 and float32 against ``reference``, in every memory layout, of empty tensors too; inputs and
    gradients unchanged; :func:`~minitorch.autograd.gradcheck` and :func:`~minitorch.autograd.gradgradcheck`; gradients
    in float32; the gradient of a sum; saved tensors that are changed in place; gradients that share no memory; and a
    graph that is freed with its results. Hypothesis looks for inputs that fail and simplifies those it finds.

    Args:
        function: takes tensors (and the other arguments of a case by name), gives a tensor or a tuple of tensors:
            a function, or the ``apply`` of a :class:`~minitorch.autograd.Function`.
        inputs: what to call it with. A function from a :class:`Source` to a :class:`Case`, such as :func:`unary` and
            :func:`binary` make; or a Hypothesis strategy for a tensor, an array, a tuple of these, or a ``Case``; or a
            sequence of tensors or arrays. Only the first can make empty tensors and keep Jacobians small.
        reference: computes the same from NumPy arrays, in another way.
        name: of the operation, in messages.
        differentiable, smooth: whether its results have a gradient; whether that isn't zero everywhere and has one too.
        linear: whether it is linear in all tensors together; then its gradient must be its adjoint to the last bit.
        integers: the integer dtypes, and bool, that it takes besides float32 and float64.
        special: whether ``reference`` holds for NaN and infinities as well.
        fast_mode: compare gradients of large inputs in random directions only.
        rtol, atol: tolerances of float32 results.

    Raises:
        AssertionError: naming the check that failed, the inputs, and what was wrong.

    >>> import minitorch, numpy as np
    >>> minitorch.testing.check_op(minitorch.exp, inputs=minitorch.testing.unary(), reference=np.exp)
    """
    op = Operation(
        name or _name(function),
        lambda lib, *tensors, **kwargs: function(*tensors, **kwargs),
        reference,
        _case_function(inputs),
        differentiable=differentiable,
        smooth=smooth,
        linear=linear,
        integers=integers,
        special=special,
        fast_mode=fast_mode,
        rtol=rtol,
        atol=atol,
    )
    for check in CHECKS:
        if check.applies(op):
            check.search(op)


def _name(function: Callable[..., Any]) -> str:
    """The class of an ``apply``, or the name of a function."""
    owner = getattr(function, "__self__", None)
    return str(getattr(owner if isinstance(owner, type) else function, "__name__", function))


def _case_function(inputs: Any) -> Callable[[Source], Case]:
    """The cases that ``check_op`` was given, in the dtype and layouts that a check asks for."""
    if callable(inputs):
        function: Callable[[Source], Case] = inputs
        return function
    strategy = inputs if isinstance(inputs, st.SearchStrategy) else st.just(tuple(inputs))

    def case(s: Source) -> Case:
        drawn = s.draw(strategy)
        if not isinstance(drawn, Case):
            drawn = Case(tuple(map(_array, drawn)) if isinstance(drawn, (tuple, list)) else (_array(drawn),))
        # Not "broadcast": it repeats elements, and what was drawn may have to be distinct.
        layouts = [layout for layout in s.layouts if layout != "broadcast"]
        arrays = [a.astype(s.dtype) if a.dtype.kind == "f" else a for a in drawn.tensors]
        return replace(drawn, tensors=tuple(with_layout(array, s.one_of(*layouts)) for array in arrays))

    return case


def _array(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
