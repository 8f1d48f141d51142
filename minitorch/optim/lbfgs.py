"""L-BFGS: a quasi-Newton method that remembers the last steps instead of a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..autograd import enable_grad
from ..backends.protocol import Array
from ..devices import on
from ..ops.dispatch import ieee
from ..tensor import Tensor, wrap
from .line_search import Point, strong_wolfe
from .optimizer import Group, Optimizer, capture, check_not_negative


class LBFGS(Optimizer):
    """Steps along -H·g, where H approximates the inverse of the Hessian from the last ``history_size`` steps::

        s = the change of the parameters,  y = the change of the gradient    of each step remembered, while s·y > 0
        d = -H·g by the two loops of Nocedal and Wright, algorithm 7.4, beginning with H = (s·y / y·y)·I
        p ← p + t·d

    The step t is ``lr``, and in the first iteration of all at most lr/Σ|g|. With ``line_search_fn="strong_wolfe"`` t is
    searched along d until it satisfies the strong Wolfe conditions. One call of :meth:`step` makes up to ``max_iter``
    iterations, and evaluates ``closure`` about ``max_eval`` times (5/4 of ``max_iter`` by default). It ends earlier
    where no gradient exceeds ``tolerance_grad``, or the step or the change of the loss falls below
    ``tolerance_change``.

    The loss should be of all data, not of a batch: what is remembered belongs to one function. There is one group of
    parameters, on one device.

    >>> import minitorch
    >>> p = minitorch.tensor([-1.0, 2.0], dtype=minitorch.float64, requires_grad=True)
    >>> optimizer = minitorch.optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2  # Rosenbrock's valley
    ...     loss.backward()
    ...     return loss
    >>> for _ in range(3):
    ...     loss = optimizer.step(closure)
    >>> p
    tensor([1.0000, 1.0000], dtype=minitorch.float64, requires_grad=True)

    Raises:
        ValueError: ``lr`` is negative, or there is more than one group.
        RuntimeError: ``line_search_fn`` is another; in ``step``, the parameters are on several devices.

    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization" (1989).
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Group],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: Group) -> None:
        if self.param_groups:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    def _check_options(self, group: Group) -> None:
        check_not_negative(group, lr="learning rate")
        if group["history_size"] < 1:
            raise ValueError(f"Invalid history_size value: {group['history_size']}")
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(f"only 'strong_wolfe' is supported, got line_search_fn={group['line_search_fn']!r}")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Makes up to ``max_iter`` iterations; ``closure`` computes the loss and its gradients anew, and returns it.

        Returns:
            What ``closure`` gave at the start.

        Raises:
            TypeError: there is no ``closure``.
            RuntimeError: a CUDA graph is being captured.
        """
        if capture.note is not None:
            raise RuntimeError(
                "a step of LBFGS can't be captured in a CUDA graph: how often it calls the closure depends on the loss"
            )
        if closure is None:
            raise TypeError("LBFGS: step needs a closure that computes the loss and its gradients anew")
        (group,) = self.param_groups
        params = self._checked_params(group)
        with on(params[0].backend):
            return self._minimize(closure, params, group)

    def _minimize(self, closure: Callable[[], Any], params: list[Tensor], group: Group) -> Any:
        state = self.state.setdefault(params[0], {"func_evals": 0, "n_iter": 0})
        result, loss, grad = self._evaluate(closure, params)
        evaluations = 1
        state["func_evals"] += 1
        if _largest(grad) <= group["tolerance_grad"]:
            return result
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            d = ieee.run(self._direction, state, grad, group["history_size"])
            t = float(group["lr"])
            if state["n_iter"] == 1:
                t *= min(1.0, 1.0 / float(abs(grad).sum()))
            backend, loss_before = params[0].backend, loss
            state.update(d=wrap(d, backend), t=t, prev_flat_grad=wrap(grad, backend), prev_loss=loss)
            start = Point(0.0, loss, grad, ieee.run(_dot, grad, d))
            if start.slope > -group["tolerance_change"]:
                break
            used = 0
            if group["line_search_fn"] is not None:
                point, used = self._search(closure, params, start, d, t, group["max_eval"] - evaluations)
                state["t"], loss, grad, _ = point
                ieee.run(_move, params, state["t"], d)
            else:
                ieee.run(_move, params, t, d)
                if iteration < group["max_iter"]:  # a last evaluation would serve nothing: the next step makes its own
                    _, loss, grad = self._evaluate(closure, params)
                    used = 1
            evaluations += used
            state["func_evals"] += used
            if (
                evaluations >= group["max_eval"]
                or _largest(grad) <= group["tolerance_grad"]
                or _largest(d) * abs(state["t"]) <= group["tolerance_change"]
                or abs(loss - loss_before) < group["tolerance_change"]
            ):
                break
        return result

    def _checked_params(self, group: Group) -> list[Tensor]:
        params: list[Tensor] = group["params"]
        devices = {str(param.device) for param in params}
        if len(devices) > 1:
            raise RuntimeError(f"LBFGS: all parameters must be on one device, got {' and '.join(sorted(devices))}")
        for param in params:
            self._check_writeable(param)
        return params

    def _evaluate(self, closure: Callable[[], Any], params: list[Tensor]) -> tuple[Any, float, Array]:
        """What the closure gives, as it is and as a number; and the gradients that it left, as one vector."""
        with enable_grad():
            result = closure()
        xp = params[0].backend.xp
        grads = [
            xp.zeros(p.data.size, p.data.dtype)
            if p._grad is None
            else self._checked("gradient", p._grad, p, p.data.dtype).reshape(-1)
            for p in params
        ]
        flat = xp.concatenate(grads)
        return result, float(result), flat.astype(xp.result_type(flat.dtype, xp.float32))

    def _direction(self, state: dict[str, Any], grad: Array, history_size: int) -> Array:
        """-H·g, after the step before has been remembered."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -grad
        backend = state["d"].backend
        y, s = grad - state["prev_flat_grad"].data, state["d"].data * state["t"]
        curvature = _dot(y, s)
        remembered = state["old_dirs"], state["old_stps"], state["ro"]
        if curvature > 1e-10:  # else H would not be positive definite, and -H·g might lead upwards
            for values, new in zip(remembered, (wrap(y, backend), wrap(s, backend), 1 / curvature), strict=True):
                if len(values) == history_size:
                    values.pop(0)
                values.append(new)
            state["H_diag"] = curvature / _dot(y, y)
        steps = [(y.data, s.data, ro) for y, s, ro in zip(*remembered, strict=True)]
        d, alphas = -grad, []
        for y, s, ro in reversed(steps):
            alphas.append(ro * _dot(s, d))
            d -= alphas[-1] * y
        d *= state["H_diag"]
        for (y, s, ro), alpha in zip(steps, reversed(alphas), strict=True):
            d += (alpha - ro * _dot(y, d)) * s
        return d

    def _search(
        self, closure: Callable[[], Any], params: list[Tensor], start: Point, d: Array, t: float, max_steps: int
    ) -> tuple[Point, int]:
        """The point on the line from here along ``d`` where the line search ends, and the evaluations it took."""
        here = [param.data.copy() for param in params]

        def at(t: float) -> Point:
            ieee.run(_move, params, t, d)
            _, loss, grad = self._evaluate(closure, params)
            for param, array in zip(params, here, strict=True):
                param.data[...] = array
                param._bump_version()
            return Point(t, loss, grad, ieee.run(_dot, grad, d))

        tolerance = self.param_groups[0]["tolerance_change"]
        return strong_wolfe(at, start, t, _largest(d), tolerance, max_steps)

    def _loaded(self, number: int, param: Tensor, saved: Mapping[str, Any]) -> dict[str, Any]:
        """The whole state, which is kept with the first parameter: vectors of all of them, one after the other."""
        backend = param.backend

        def vector(tensor: Tensor) -> Tensor:
            return wrap(backend.move(tensor.numpy(force=True).copy()), backend)

        state: dict[str, Any] = {name: int(saved[name]) for name in ("func_evals", "n_iter")}
        if "d" in saved:
            state.update({name: vector(saved[name]) for name in ("d", "prev_flat_grad")})
            state.update({name: float(saved[name]) for name in ("t", "H_diag", "prev_loss")})
            state.update({name: [vector(v) for v in saved[name]] for name in ("old_dirs", "old_stps")})
            state["ro"] = [float(v) for v in saved["ro"]]
        return state


def _dot(a: Array, b: Array) -> float:
    return float(a.dot(b))


def _largest(array: Array) -> float:
    """The largest absolute value; 0 of nothing."""
    return float(abs(array).max()) if array.size else 0.0


def _move(params: list[Tensor], t: float, d: Array) -> None:
    """p ← p + t·d, each parameter with its piece of the vector."""
    begin = 0
    for param in params:
        end = begin + param.data.size
        param.data += (t * d[begin:end]).reshape(param.data.shape)
        param._bump_version()
        begin = end
