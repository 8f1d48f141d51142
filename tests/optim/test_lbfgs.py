"""L-BFGS against the dense matrix that it stands for, and its line search against the conditions it promises."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import minitorch
from minitorch import optim
from minitorch.optim.line_search import C1, C2, Point, strong_wolfe


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def slope_of_rosenbrock(x):
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])


def quartic(x):
    return ((x - 1) ** 4).sum() + 0.1 * (x * x).sum()


def two_valleys(x):
    """Concave between its minima at ±1: there the change of the gradient points against the step."""
    return ((x * x - 1) ** 2).sum()


def slope_of_two_valleys(x):
    return 4 * x * (x * x - 1)


def problem(function, start, **options):
    """A parameter, its optimiser, and the closure for it."""
    p = minitorch.tensor(start, dtype=minitorch.float64, requires_grad=True)
    optimizer = optim.LBFGS([p], **options)

    def closure():
        optimizer.zero_grad()
        loss = function(p)
        loss.backward()
        return loss

    return p, optimizer, closure


def dense_bfgs(gradient, x, lr, iterations, history):
    """The inverse Hessian as a matrix, updated by each pair anew: Nocedal and Wright (2006), equation 7.16."""
    identity, points, pairs = np.eye(len(x)), [], []
    g = gradient(x)
    for k in range(iterations):
        H = identity
        if pairs:
            s, y = pairs[-1]
            H = identity * (s @ y) / (y @ y)
        for s, y in pairs[-history:]:
            V = identity - np.outer(y, s) / (s @ y)
            H = V.T @ H @ V + np.outer(s, s) / (s @ y)
        s = -(min(1, 1 / abs(g).sum()) * lr if k == 0 else lr) * (H @ g)
        x = x + s
        y = gradient(x) - g
        g = g + y
        points.append(x)
        if s @ y > 1e-10:
            pairs.append((s, y))
    return np.array(points)


@pytest.mark.parametrize("history", [1, 3, 100])
@pytest.mark.parametrize("per_step", [1, 4])
@pytest.mark.parametrize(
    ("function", "slope", "start"),
    [(rosenbrock, slope_of_rosenbrock, [-0.3, 0.4]), (two_valleys, slope_of_two_valleys, [0.05, -0.1])],
    ids=["rosenbrock", "two_valleys"],
)
def test_the_two_loops_are_the_matrix(function, slope, start, per_step, history):
    expected = dense_bfgs(slope, np.array(start), 0.1, 12, history)
    p, optimizer, closure = problem(
        function, start, lr=0.1, max_iter=per_step, max_eval=100, history_size=history, tolerance_change=0
    )
    for k in range(12 // per_step):
        optimizer.step(closure)
        np.testing.assert_allclose(p.detach().numpy(), expected[(k + 1) * per_step - 1], rtol=1e-8)
    assert optimizer.state[p]["n_iter"] == 12
    assert len(optimizer.state[p]["ro"]) <= history


def test_a_quadratic_is_solved_in_as_many_steps_as_it_has_dimensions():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4, 4))
    A = A @ A.T + np.eye(4)
    b = rng.standard_normal(4)
    matrix, vector = minitorch.from_numpy(A), minitorch.from_numpy(b)
    p, optimizer, closure = problem(
        lambda x: x @ (matrix @ x) / 2 - vector @ x, np.zeros(4), line_search_fn="strong_wolfe", max_iter=30
    )
    optimizer.step(closure)
    np.testing.assert_allclose(p.detach().numpy(), np.linalg.solve(A, b), atol=1e-6)


@pytest.mark.parametrize("function", [rosenbrock, quartic])
def test_the_minimum_is_found(function):
    p, optimizer, closure = problem(
        function, [-1.2, 1.0], line_search_fn="strong_wolfe", max_iter=60, tolerance_change=0
    )
    before = optimizer.step(closure).item()
    assert before == pytest.approx(function(np.array([-1.2, 1.0])))
    closure()
    assert abs(p.grad.numpy()).max() < 1e-5


# ---- the line search -------------------------------------------------------------------------------------------------

CURVES = {
    "parabola": (lambda t: (t - 2) ** 2, lambda t: 2 * (t - 2)),
    "flat": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),  # Moré and Thuente (1994), 5.1
    "steep": (lambda t: (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4, lambda t: (t + 0.004) ** 3 * (5 * (t + 0.004) - 8)),
    "waves": (lambda t: -t / 2 - 0.3 * math.cos(4 * t), lambda t: -0.5 + 1.2 * math.sin(4 * t)),
    "narrow": (lambda t: math.exp(20 * (t - 1)) - t, lambda t: 20 * math.exp(20 * (t - 1)) - 1),
}


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("name", CURVES)
def test_the_strong_wolfe_conditions_hold(name, first):
    loss, slope = CURVES[name]
    tried = []

    def at(t):
        tried.append(t)
        return Point(t, loss(t), np.zeros(0), slope(t))

    start = Point(0.0, loss(0.0), np.zeros(0), slope(0.0))
    point, evaluations = strong_wolfe(at, start, first, 1.0, 1e-12, 60)
    assert evaluations == len(tried)
    assert point.t in tried
    assert point.loss <= start.loss + C1 * point.t * start.slope
    assert abs(point.slope) <= C2 * abs(start.slope)


def points_of(*values):
    """A line on which the first steps give these (loss, slope), and all later ones the last; and the steps taken."""
    taken = []

    def at(t):
        loss, slope = values[min(len(taken), len(values) - 1)]
        taken.append(t)
        return Point(t, loss, np.zeros(0), slope)

    return at, taken


def test_a_loss_that_rises_again_ends_the_bracket():
    """It may still have fallen enough since the start, and be falling where it was looked at."""
    at, taken = points_of((-1.0, -1.0), (-2.0, -1.0), (-1.5, -1.0), (-3.0, 0.0))
    point, _ = strong_wolfe(at, Point(0.0, 0.0, np.zeros(0), -1.0), 1.0, 1.0, 1e-9, 25)
    assert taken[0] < taken[1] < taken[2]
    assert taken[1] < taken[3] < taken[2]
    assert point.t == taken[3]


def test_a_bracket_shrinks_by_a_tenth_at_least_every_other_time():
    at, taken = points_of((1000.0, 1000.0), (0.3, 1000.0), (-1.0, 0.0))
    strong_wolfe(at, Point(0.0, 0.0, np.zeros(0), -1.0), 1.0, 1.0, 1e-9, 25)
    assert taken[1] < 0.1  # close to the start, where the cubic has its minimum
    assert taken[2] == pytest.approx(0.1 * taken[1])  # not as close again


def test_a_line_search_ends():
    """Where the loss has no minimum, is not a number, or can't be evaluated as often as it takes."""

    def at(t):
        calls.append(t)
        return Point(t, -t, np.zeros(0), -1.0)

    for steps in (0, 1, 7):
        calls = []
        point, evaluations = strong_wolfe(at, Point(0.0, 0.0, np.zeros(0), -1.0), 1.0, 1.0, 1e-9, steps)
        assert evaluations == len(calls) == steps + 1
        assert point.t == calls[-1] == max(calls)
    calls = []

    def nowhere(t):
        calls.append(t)
        return Point(t, math.inf, np.zeros(0), math.nan)

    start = Point(0.0, 0.0, np.zeros(0), -1.0)
    point, _ = strong_wolfe(nowhere, start, 1.0, 1.0, 1e-9, 60)
    assert point == start  # halved towards the start until the bracket was small enough
    assert len(calls) < 40


# ---- a step ----------------------------------------------------------------------------------------------------------


def test_parameters_of_any_shape_and_layout_are_one_vector():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((3, 4))
    base = np.zeros((8, 6))
    base[::2, ::2] = values.T
    target = rng.standard_normal((3, 4))

    def run(*params):
        params = [p.requires_grad_() for p in params]
        unused = minitorch.ones(2, dtype=minitorch.float64, requires_grad=True)  # never has a gradient
        optimizer = optim.LBFGS([params[0], unused, *params[1:]], lr=0.5, max_iter=7)

        def closure():
            optimizer.zero_grad()
            rows = minitorch.cat([p.reshape(-1, 4) for p in params])
            loss = ((rows - minitorch.from_numpy(target)) ** 4).sum()
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
        assert unused.tolist() == [1, 1]
        return np.concatenate([p.detach().numpy().reshape(-1, 4) for p in params])

    whole = run(minitorch.tensor(values))
    np.testing.assert_array_equal(run(minitorch.from_numpy(base[::2, ::2].T)), whole)
    np.testing.assert_array_equal(run(minitorch.tensor(values[0]), minitorch.tensor(values[1:])), whole)
    assert not base[1::2].any()


def test_half_precision_is_computed_in_single():
    p = minitorch.tensor([3.0, -2.0], dtype=minitorch.float16, requires_grad=True)
    optimizer = optim.LBFGS([p], max_iter=4)

    def closure():
        optimizer.zero_grad()
        loss = (p.float() ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert p.dtype is minitorch.float16
    assert optimizer.state[p]["d"].dtype is minitorch.float32
    np.testing.assert_allclose(p.detach().numpy(), [0, 0], atol=1e-2)


def test_it_stops_where_nothing_is_left_to_do():
    p, optimizer, closure = problem(quartic, [2.0], tolerance_grad=1e6)
    optimizer.step(closure)
    assert p.tolist() == [2.0]
    assert optimizer.state[p] == {"func_evals": 1, "n_iter": 0}
    p, optimizer, closure = problem(quartic, [2.0], lr=1e-12)
    optimizer.step(closure)
    assert optimizer.state[p]["n_iter"] == 1
    p, optimizer, closure = problem(quartic, [2.0], lr=1e-3, max_iter=9, max_eval=4)
    optimizer.step(closure)
    assert (optimizer.state[p]["func_evals"], optimizer.state[p]["n_iter"]) == (4, 3)


def test_the_closure_is_recorded_and_steps_are_noticed():
    p, optimizer, closure = problem(quartic, [2.0], line_search_fn="strong_wolfe")
    loss = quartic(p)
    with minitorch.no_grad():
        optimizer.step(closure)
    assert p.item() != 2.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_resumed_it_goes_on_to_the_bit(search, tmp_path):
    options = {"lr": 0.3, "max_iter": 3, "history_size": 4, "line_search_fn": search}
    p, through, closure = problem(rosenbrock, [-1.2, 1.0], **options)
    for step in range(5):
        if step == 3:
            minitorch.save({"p": p.detach(), "optimizer": through.state_dict()}, tmp_path / "checkpoint.safetensors")
        through.step(closure)
    saved = minitorch.load(tmp_path / "checkpoint.safetensors")
    q, resumed, closure = problem(rosenbrock, saved["p"].numpy())
    resumed.load_state_dict(saved["optimizer"])
    assert resumed.state[q]["old_dirs"][0].tolist() == saved["optimizer"]["state"][0]["old_dirs"][0].tolist()
    for _ in range(2):
        resumed.step(closure)
    assert q.tolist() == p.tolist()
    assert resumed.state[q]["func_evals"] == through.state[p]["func_evals"]


def test_loading_copies():
    p, optimizer, closure = problem(rosenbrock, [-1.2, 1.0], lr=0.1)
    optimizer.step(closure)
    saved = copy.deepcopy(optimizer.state_dict())
    _, other, _ = problem(rosenbrock, [-1.2, 1.0])
    other.load_state_dict(optimizer.state_dict())
    optimizer.step(closure)
    (state,) = other.state.values()
    assert state["prev_flat_grad"].tolist() == saved["state"][0]["prev_flat_grad"].tolist()
    assert len(state["ro"]) == len(saved["state"][0]["ro"])
    fresh = optim.LBFGS([p])
    fresh.load_state_dict(optim.LBFGS([p]).state_dict())
    assert fresh.state == {}


# ---- mistakes --------------------------------------------------------------------------------------------------------


def test_mistakes():
    p = minitorch.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="step needs a closure"):
        optim.LBFGS([p]).step()
    with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
        optim.LBFGS([{"params": [p]}, {"params": [minitorch.ones(1, requires_grad=True)]}])
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported, got line_search_fn='golden'"):
        optim.LBFGS([p], line_search_fn="golden")
    fixed = minitorch.from_numpy(np.broadcast_to(np.float32(1), (3,))).requires_grad_()
    with pytest.raises(RuntimeError, match=r"LBFGS: a parameter of shape \(3,\) is read-only"):
        optim.LBFGS([fixed]).step(lambda: minitorch.ones(1))


# ---- against PyTorch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [rosenbrock, quartic])
@pytest.mark.parametrize(
    "options",
    [
        {"lr": 0.1, "max_iter": 5},
        {"lr": 0.01, "history_size": 2},
        {"lr": 1e-3, "history_size": 1, "max_iter": 7, "tolerance_grad": 1e-3},
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "max_iter": 4, "history_size": 2},
        {"line_search_fn": "strong_wolfe", "max_eval": 3},
        {"line_search_fn": "strong_wolfe", "max_eval": 1},
        {"line_search_fn": "strong_wolfe", "lr": 0.01, "max_iter": 3},
        {"line_search_fn": "strong_wolfe", "lr": 50, "max_iter": 3},
    ],
    ids=str,
)
def test_the_same_steps_as_pytorch(function, options):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    p, optimizer, closure = problem(function, [-1.2, 1.0], **options)
    q = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.LBFGS([q], **options)

    def their_closure():
        theirs.zero_grad()
        loss = function(q)
        loss.backward()
        return loss

    for _ in range(5):
        assert optimizer.step(closure).item() == pytest.approx(theirs.step(their_closure).item(), rel=1e-8, abs=1e-10)
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-8, atol=1e-8)
        for name in ("func_evals", "n_iter"):
            assert optimizer.state[p][name] == theirs.state[q][name]


def test_the_state_of_pytorch_continues_here():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    options = {"line_search_fn": "strong_wolfe", "max_iter": 3}
    q = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    theirs = torch.optim.LBFGS([q], **options)

    def their_closure():
        theirs.zero_grad()
        loss = rosenbrock(q)
        loss.backward()
        return loss

    theirs.step(their_closure)

    def converted(value):
        if isinstance(value, list):
            return [converted(v) for v in value]
        return minitorch.from_numpy(value.numpy().copy()) if isinstance(value, torch.Tensor) else value

    saved = theirs.state_dict()
    saved["state"] = {0: {name: converted(value) for name, value in saved["state"][0].items()}}
    p, ours, closure = problem(rosenbrock, q.detach().numpy())
    ours.load_state_dict(saved)
    for _ in range(3):
        ours.step(closure)
        theirs.step(their_closure)
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-8)
