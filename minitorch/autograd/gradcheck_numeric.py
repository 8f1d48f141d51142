"""One gradient check: backward against central differences, at one point."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..devices import on
from .engine import grad
from .grad_mode import enable_grad
from .gradcheck_diagnosis import GradcheckError, Mismatch, Nearby, Tolerance, describe, graph_of
from .variable import Variable

Array = NDArray[Any]

# The directions are random but the same in every call, and no other random stream notices: nothing here can flake.
_SEED = 20130516


class Check:
    """One check: a function, the point where it is differentiated, and its outputs there.

    ``name_input`` and ``name_output`` say what messages call the arguments and results of ``func``, by their number.
    """

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        inputs: tuple[Any, ...],
        tolerance: Tolerance,
        name_input: Callable[[int], str] = "input {}".format,
        name_output: Callable[[int], str] = "output {}".format,
    ) -> None:
        self.name, self.func, self.inputs, self.tolerance = name, func, inputs, tolerance
        self.name_output = name_output
        # (name, tensor) of the inputs whose gradients are checked
        self.checked = [(name_input(i), tensor) for i, tensor in enumerate(inputs) if is_checked(tensor)]
        self.sources = tuple(tensor for _, tensor in self.checked)
        self._check_inputs()
        with self._unchanged("the function changes {} in place; let it work on a clone()", self.checked):
            outputs = self._call()
        # (number, tensor) of the outputs that are looked at: those with a gradient, or, where none has one, all that
        # are floating point, whose derivative must then be zero.
        self.outputs = differentiable(outputs)
        self.has_graph = bool(self.outputs)
        if not self.has_graph:
            self.outputs = [
                (i, t) for i, t in enumerate(outputs) if isinstance(t, Variable) and t.data.dtype.kind == "f"
            ]
        self.graph = graph_of([out for _, out in self.outputs])

    def run(self, nondet_tol: float, check_undefined: bool, check_dtypes: bool, fast_mode: bool) -> None:
        rng = generator()
        cotangents = [random_array(rng, out.data.shape) for _, out in self.outputs]
        found = self._backward(cotangents)
        gradients = self._arrays(found)
        if self.has_graph:
            self._check_backward(cotangents, gradients, nondet_tol)
            if check_undefined and len(self.outputs) > 1:
                self._check_undefined(cotangents)
            if check_dtypes:
                self._check_dtypes(gradients)
        for number, gradient in enumerate(gradients):
            agrees = self._projection_agrees(rng, number, cotangents, gradient)
            if not (agrees and fast_mode):
                self._check_jacobian(number, cotangents, gradient, missing=found[number] is None)

    def _call(self) -> tuple[Any, ...]:
        with enable_grad():
            return as_tuple(self.func(*self.inputs))

    def _zeros(self, number: int) -> Array:
        return np.zeros(self.sources[number].data.shape, self.sources[number].data.dtype)

    # ---- what must be so before numbers are compared -----------------------------------------------------------------

    def _check_inputs(self) -> None:
        if not self.checked:
            raise ValueError(
                f"{self.name} expects at least one input tensor to require gradient, but none of them has "
                f"requires_grad=True."
            )
        for source, tensor in self.checked:
            if tensor.data.dtype != np.float64:
                warnings.warn(
                    f"{self.name}: {source} requires gradient and is {tensor.data.dtype}, not float64: differences "
                    f"with eps={self.tolerance.eps:g} will be too coarse. Use .double().",
                    stacklevel=5,
                )
            layout = zip(tensor.data.strides, tensor.data.shape, strict=True)
            if tensor.data.size and any(stride == 0 and n > 1 for stride, n in layout):
                raise RuntimeError(
                    f"{self.name}: {source} has a dimension with stride 0 (it was expanded); gradcheck only supports "
                    f"inputs that are non-overlapping. Call .contiguous() on it before."
                )

    @contextmanager
    def _unchanged(self, message: str, tensors: Sequence[tuple[str, Any]]) -> Iterator[None]:
        """Raises where ``tensors``, given with their names, hold other numbers after than before."""
        before = [host(tensor).copy() for _, tensor in tensors]
        yield
        for (name, tensor), array in zip(tensors, before, strict=True):
            if not np.array_equal(host(tensor), array, equal_nan=True):
                raise GradcheckError(f"{self.name}: {message.format(name)}")

    # ---- what backward gives -----------------------------------------------------------------------------------------

    def _backward(self, cotangents: Sequence[Array], layout: Callable[[Any, Array], Any] | None = None) -> list[Any]:
        """The gradient of every checked input, or None, for cotangents of all outputs."""
        if not self.has_graph:
            return [None] * len(self.sources)
        grads = [(layout or packed)(out, v) for (_, out), v in zip(self.outputs, cotangents, strict=True)]
        outputs = [out for _, out in self.outputs]
        named = [(f"grad_output {i}", gradient) for (i, _), gradient in zip(self.outputs, grads, strict=True)]
        with self._unchanged(f"backward of {self.graph} changes {{}} in place", [*named, *self.checked]):
            return list(grad(outputs, self.sources, grads, retain_graph=True, allow_unused=True))

    def _arrays(self, gradients: Sequence[Any]) -> list[Array]:
        return [self._zeros(n) if gradient is None else host(gradient) for n, gradient in enumerate(gradients)]

    def _check_backward(self, cotangents: list[Array], gradients: list[Array], nondet_tol: float) -> None:
        """Called again, backward gives the same; called with a gradient that isn't contiguous, too."""
        again = self._arrays(self._backward(cotangents))
        strided = self._arrays(self._backward(cotangents, apart))
        for (source, tensor), first, second, third in zip(self.checked, gradients, again, strided, strict=True):
            if not within(first, second, nondet_tol):
                raise GradcheckError(
                    f"{self.name}: Backward is not reentrant, i.e., running backward with same input and grad_output "
                    f"multiple times gives different values: of {self.graph} for {source}, by "
                    f"{largest(first - second):.3g}. The tolerance for nondeterminism was {nondet_tol}."
                )
            # Sums over memory in another order may round differently.
            rounding = 1e3 * float(np.finfo(tensor.data.dtype).eps) * max(1.0, largest(first))
            if not within(first, third, nondet_tol + rounding):
                raise GradcheckError(
                    f"{self.name}: backward of {self.graph} gives another gradient of {source} where its grad_output "
                    f"is not contiguous, by {largest(first - third):.3g}"
                )

    def _check_undefined(self, cotangents: list[Array]) -> None:
        """The gradient of one output alone is that of all with zeros for the others."""
        for position, (number, out) in enumerate(self.outputs):
            alone = grad(out, self.sources, packed(out, cotangents[position]), retain_graph=True, allow_unused=True)
            zeros = [v if k == position else np.zeros_like(v) for k, v in enumerate(cotangents)]
            for (source, _), a, b in zip(
                self.checked, self._arrays(alone), self._arrays(self._backward(zeros)), strict=True
            ):
                if not within(a, b, self.tolerance.atol):
                    raise GradcheckError(
                        f"{self.name}: Expected backward function to handle undefined output grads: with a gradient "
                        f"for {self.name_output(number)} alone, the gradient of {source} differs from that with zeros "
                        f"for the other outputs ({graph_of([out])})"
                    )

    def _check_dtypes(self, gradients: list[Array]) -> None:
        for (source, tensor), gradient in zip(self.checked, gradients, strict=True):
            if gradient.dtype != tensor.data.dtype:
                raise GradcheckError(
                    f"{self.name}: {source} is {tensor.data.dtype}, but its gradient is {gradient.dtype}"
                )

    # ---- against central differences ---------------------------------------------------------------------------------

    def _values(self, number: int, step: Array) -> list[Array]:
        """The outputs with one input moved by ``step``.

        The tensor itself stays the same object, so that a function may also reach it otherwise than through its
        arguments, as a module reaches its parameters. Its own memory isn't touched.
        """
        tensor = self.sources[number]
        data = tensor.data
        with on(tensor.backend):
            moved = data.copy(order="K")
            moved += tensor.new_tensor(step).data
        tensor.data = moved
        try:
            outputs = self._call()
            return [host(outputs[i]).astype(np.float64) for i, _ in self.outputs]
        finally:
            tensor.data = data

    def _difference(self, number: int, direction: Array) -> list[Array]:
        """The derivative of every output along ``direction``, by central differences."""
        step = self.tolerance.eps * direction
        above, below = self._values(number, step), self._values(number, -step)
        with np.errstate(invalid="ignore"):
            return [(a - b) / (2 * self.tolerance.eps) for a, b in zip(above, below, strict=True)]

    def _projection_agrees(
        self, rng: np.random.Generator, number: int, cotangents: list[Array], gradient: Array
    ) -> bool:
        """Whether ``vᵀ J u`` is the same by backward and by differences, for one direction of one input."""
        direction = random_array(rng, gradient.shape)
        direction /= max(1.0, float(np.linalg.norm(direction)))
        differences = self._difference(number, direction)
        numerical = sum((v * d).sum() for v, d in zip(cotangents, differences, strict=True))
        return self.tolerance.agree((gradient * direction).sum(), np.asarray(numerical))

    def _check_jacobian(self, number: int, cotangents: list[Array], gradient: Array, missing: bool) -> None:
        """Compares every element of the Jacobians of all outputs with respect to one input."""
        source, tensor = self.checked[number]
        total = np.zeros(gradient.size)
        size = np.zeros(gradient.size)
        numerical = self._numerical_jacobians(number)
        for position, (k, out) in enumerate(self.outputs):
            mismatch = Mismatch(
                output=self.name_output(k),
                input=source,
                operation=graph_of([out]),
                analytical=self._analytical_jacobian(number, out),
                numerical=numerical[position],
                output_shape=tuple(out.data.shape),
                input_shape=tuple(tensor.data.shape),
                dtype=tensor.data.dtype,
                missing=missing,
                tolerance=self.tolerance,
            )
            if mismatch.wrong.any():
                raise GradcheckError(describe(self.name, mismatch, self._nearby(number, position, *mismatch.worst)))
            total += cotangents[position].reshape(-1) @ mismatch.analytical
            size += abs(cotangents[position]).reshape(-1) @ abs(mismatch.analytical)
        # Each row came from a cotangent with a single 1 in it. Backward of all at once must be their sum.
        far = ~(abs(gradient.reshape(-1) - total) <= self.tolerance.of(size))
        if far.any():
            raise GradcheckError(
                f"{self.name}: backward of {self.graph} is not linear in its grad_output: the gradient of {source} is "
                f"{gradient.reshape(-1)[far][0]:.6g} where grad_output·Jacobian is {total[far][0]:.6g}. Does it "
                f"multiply by grad_output, and once only?"
            )

    def _numerical_jacobians(self, number: int) -> list[Array]:
        """d output / d input as a matrix (elements of the output × elements of the input) for every output."""
        shape, size = self.sources[number].data.shape, self.sources[number].data.size
        jacobians = [np.zeros((out.data.size, size)) for _, out in self.outputs]
        for column in range(size):
            differences = self._difference(number, one_hot(size, column).reshape(shape))
            for jacobian, difference in zip(jacobians, differences, strict=True):
                jacobian[:, column] = difference.reshape(-1)
        return jacobians

    def _analytical_jacobian(self, number: int, output: Any) -> Array:
        """The same for one output, by a backward for each of its elements."""
        tensor = self.sources[number]
        jacobian = np.zeros((output.data.size, tensor.data.size))
        for row in range(output.data.size if self.has_graph else 0):
            seed = packed(output, one_hot(output.data.size, row).reshape(output.data.shape))
            (found,) = grad(output, tensor, seed, retain_graph=True, allow_unused=True)
            if found is not None:
                jacobian[row] = host(found).reshape(-1)
        return jacobian

    def _nearby(self, number: int, position: int, row: int, column: int) -> Nearby:
        """What one output does around the point where one element of its Jacobian is wrong."""
        tensor, eps = self.sources[number], self.tolerance.eps
        step = eps * one_hot(tensor.data.size, column).reshape(tensor.data.shape)
        below, here, above = (self._values(number, move)[position] for move in (-step, 0 * step, step))
        before = host(self.outputs[position][1]).astype(np.float64)
        with np.errstate(invalid="ignore"):
            return Nearby(
                not_finite=here[~np.isfinite(here)].tolist(),
                right=float((above - here).reshape(-1)[row]) / eps,
                left=float((here - below).reshape(-1)[row]) / eps,
                largest=largest(here),
                repeats=within(before, here, 1e-9 * max(1.0, largest(here))),
            )


# ---- tensors and arrays ----------------------------------------------------------------------------------------------


def as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def is_checked(value: Any) -> bool:
    return isinstance(value, Variable) and value.requires_grad


def differentiable(outputs: Sequence[Any]) -> list[tuple[int, Any]]:
    return [(i, out) for i, out in enumerate(outputs) if is_checked(out)]


def host(tensor: Any) -> Array:
    """A tensor's numbers as a NumPy array."""
    return np.asarray(tensor.detach().cpu().numpy())


def packed(like: Any, array: Array) -> Any:
    """A contiguous tensor of ``array``, with the dtype and device of ``like``."""
    return like.new_tensor(array)


def apart(like: Any, array: Array) -> Any:
    """The same with every other place in memory left out."""
    padded = np.zeros((*array.shape, 2))
    padded[..., 0] = array
    return like.new_tensor(padded)[..., 0]


def generator() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(_SEED))


def random_array(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of either sign, between 0.5 and 1.5 in size: none so small that an error could hide behind it."""
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def one_hot(size: int, index: int) -> Array:
    array = np.zeros(size)
    array[index] = 1.0
    return array


def largest(array: Array) -> float:
    return float(abs(array).max(initial=0.0))


def within(a: Array, b: Array, tolerance: float) -> bool:
    """Whether the arrays differ by no more than ``tolerance`` anywhere; NaN equals NaN."""
    with np.errstate(invalid="ignore"):
        return a.shape == b.shape and bool(((a == b) | (abs(a - b) <= tolerance) | ((a != a) & (b != b))).all())
