"""What ``compare_torch_cuda.py`` measures in the process of one framework: training steps, and kernels one by one.

The same code for both frameworks, which have the same names. A case is prepared when it is first asked for, and given
up for the next one, so that the memory of a small GPU is enough.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from networks import alexnet, lenet5, load, step
from pairs import serve

STEPS, KERNEL = 0.1, 0.03  # seconds that a framework measures of a training step, or of a kernel, in one round
WARM_UP = 3  # steps that aren't measured: they compile kernels, choose algorithms, fill caches

Run = Callable[[], Any]


class Precision(NamedTuple):
    """How float32 is multiplied: ``"ieee"``, or ``"tf32"`` on tensor cores."""

    conv: str
    matmul: str


DEFAULTS = Precision("tf32", "ieee")  # PyTorch's
IEEE = Precision("ieee", "ieee")
TF32 = Precision("tf32", "tf32")


class Case(NamedTuple):
    """Something to measure: ``make()`` returns what is run, with so many operations and bytes that it can't do without.

    ``flops`` counts a multiplication and an addition as two; ``bytes`` what must be read and written once at least.
    """

    make: Callable[[], Run]
    precision: Precision = DEFAULTS
    flops: float = 0
    bytes: float = 0

    @property
    def limit(self) -> str:
        """What of the card keeps it from being faster: ``"ieee"``, ``"tf32"``, ``"copy"``; "" for a training step."""
        return self.precision.matmul if self.flops else "copy" if self.bytes else ""


# AlexNet's convolutions: channels, maps, kernel, stride, padding, and the size of the input for images of 224×224.
CONVOLUTIONS = ((3, 64, 11, 4, 2, 224), (64, 192, 5, 1, 2, 27), (192, 384, 3, 1, 1, 13), (384, 256, 3, 1, 1, 13),
                (256, 256, 3, 1, 1, 13))  # fmt: skip


class Sizes(NamedTuple):
    """How large everything is."""

    lenet: tuple[int, ...] = (64, 1024)  # batches
    alexnet: int = 128
    image: int = 224
    hidden: int = 4096  # AlexNet's, between its linear layers
    convolutions: tuple[tuple[int, ...], ...] = CONVOLUTIONS
    matrices: tuple[int, ...] = (1024, 4096, 8192)
    elements: int = 2**26  # of arrays that only pass through: several times a large GPU's cache
    maps: tuple[int, int, int, int] = (512, 64, 55, 55)
    rows: tuple[int, int] = (2**16, 1000)
    parameters: int = 2**26


# So small that a case takes no time: to try whether all of it runs.
TINY = Sizes((2,), 1, 63, 8, ((1, 2, 3, 2, 1, 7), (2, 3, 3, 1, 1, 4)), (8,), 64, (2, 2, 7, 7), (2, 5), 64)


def random(fw: Any, device: str, *shape: int) -> Any:
    """Uniform in [-1/2, 1/2), which is drawn faster than normal numbers."""
    return fw.rand(*shape, device=device) - 0.5


# ---- training steps --------------------------------------------------------------------------------------------------


def training(fw: Any, device: str, network: Run, shape: tuple[int, ...], classes: int, graphed: bool) -> Run:
    """A training step of SGD with momentum on random images, as a loop runs it, or captured and replayed."""
    fw.manual_seed(0)
    model = network().to(device)
    images, labels = random(fw, device, *shape), fw.randint(0, classes, shape[:1], device=device)
    loss_fn = fw.nn.CrossEntropyLoss()
    optimizer = fw.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    if not graphed:
        return lambda: step(model, loss_fn, optimizer, images, labels)
    if device != "cuda":
        raise RuntimeError(f"device {device!r} has no graphs")

    # As PyTorch's documentation says: warm up beside the current stream, capture without gradients, so that backward
    # makes them in the graph's own memory.
    side = fw.cuda.Stream()
    side.wait_stream(fw.cuda.current_stream())
    with fw.cuda.stream(side):
        for _ in range(WARM_UP):
            step(model, loss_fn, optimizer, images, labels)
    fw.cuda.current_stream().wait_stream(side)
    optimizer.zero_grad()
    graph = fw.cuda.CUDAGraph()
    with fw.cuda.graph(graph):
        loss_fn(model(images), labels).backward()
        optimizer.step()
    # A replay uses memory that belongs to what was captured.
    return lambda alive=(model, images, labels, optimizer): graph.replay()


def training_cases(fw: Any, device: str, sizes: Sizes) -> Iterator[tuple[str, Case]]:
    ways = ("eager", "graphed")
    for batch in sizes.lenet:
        for way in ways:
            yield (
                f"LeNet-5, batch {batch}, {way}",
                Case(
                    lambda b=batch, w=way: training(fw, device, lambda: lenet5(fw), (b, 1, 32, 32), 10, w == "graphed")
                ),
            )
    shape = (sizes.alexnet, 3, sizes.image, sizes.image)
    for name, precision in (("defaults", DEFAULTS), ("IEEE", IEEE), ("TF32", TF32)):
        for way in ways:
            yield (
                f"AlexNet, batch {sizes.alexnet}, {name}, {way}",
                Case(
                    lambda w=way: training(fw, device, lambda: alexnet(fw, sizes.hidden), shape, 1000, w == "graphed"),
                    precision,
                ),
            )


# ---- kernels: products -----------------------------------------------------------------------------------------------


def product_cases(fw: Any, device: str, sizes: Sizes) -> Iterator[tuple[str, Case]]:
    def matmul(M: int, K: int, N: int) -> Run:
        a, b = random(fw, device, M, K), random(fw, device, K, N)
        return lambda: a @ b

    for name, precision in (("IEEE", IEEE), ("TF32", TF32)):
        shapes = [(n, n, n) for n in sizes.matrices] + [(sizes.alexnet, 9 * sizes.hidden // 4, sizes.hidden)]
        for M, K, N in shapes:
            yield (
                f"matmul {M}×{K}×{N}, {name}",
                Case(lambda s=(M, K, N): matmul(*s), precision, 2.0 * M * K * N, 4.0 * (M * K + K * N + M * N)),
            )
        for number, layer in enumerate(sizes.convolutions, 1):
            yield from convolution_cases(fw, device, sizes.alexnet, number, layer, name, precision)


def convolution_cases(
    fw: Any, device: str, N: int, number: int, layer: tuple[int, ...], name: str, precision: Precision
) -> Iterator[tuple[str, Case]]:
    """A layer forward, and each of its gradients."""
    C, O, K, stride, padding, size = layer
    out = (size + 2 * padding - K) // stride + 1
    flops = 2.0 * N * O * out * out * C * K * K
    elements = N * C * size**2 + O * C * K**2 + N * O * out**2

    def make(wanted: str) -> Run:
        x = random(fw, device, N, C, size, size).requires_grad_(wanted == "input gradient")
        w = random(fw, device, O, C, K, K).requires_grad_(wanted == "weight gradient")
        if wanted == "forward":
            return lambda: fw.nn.functional.conv2d(x, w, None, stride, padding)
        y = fw.nn.functional.conv2d(x, w, None, stride, padding)
        return gradient(fw, y, x if x.requires_grad else w)

    for wanted in ("forward", "input gradient", "weight gradient"):
        if number > 1 or wanted != "input gradient":  # nobody needs the gradient of the images
            case = Case(lambda wanted=wanted: make(wanted), precision, flops, 4.0 * elements)
            yield f"AlexNet conv {number} {wanted}, {name}", case


def gradient(fw: Any, output: Any, input: Any) -> Run:
    """Computes the gradient of `input` again and again."""
    grad_output = fw.rand_like(output, requires_grad=False)
    return lambda: fw.autograd.grad(output, [input], grad_output, retain_graph=True)


# ---- kernels: what only passes through memory ------------------------------------------------------------------------


def memory_cases(fw: Any, device: str, sizes: Sizes) -> Iterator[tuple[str, Case]]:
    F = fw.nn.functional

    def drawn(*shape: int) -> Any:
        return random(fw, device, *shape)

    def copy() -> Run:
        x, y = drawn(n), drawn(n)
        return lambda: y.copy_(x)

    def add() -> Run:
        x, y = drawn(n), drawn(n)
        return lambda: x + y

    def forward(function: Callable[..., Any], *shape: int) -> Run:
        x = drawn(*shape)
        return lambda: function(x)

    def backward(function: Callable[..., Any], *shape: int) -> Run:
        x = drawn(*shape).requires_grad_()
        return gradient(fw, function(x), x)

    n = sizes.elements
    yield "copy", Case(copy, bytes=8.0 * n)
    yield "add", Case(add, bytes=12.0 * n)
    yield "sum", Case(lambda: forward(lambda x: x.sum(), n), bytes=4.0 * n)
    yield "ReLU forward", Case(lambda: forward(F.relu, n), bytes=8.0 * n)
    yield "ReLU backward", Case(lambda: backward(F.relu, n), bytes=12.0 * n)
    yield "dropout forward", Case(lambda: forward(lambda x: F.dropout(x, 0.5, True), n), bytes=8.0 * n)

    N, C, H, W = sizes.maps
    maps, pooled = N * C * H * W, N * C * ((H - 3) // 2 + 1) * ((W - 3) // 2 + 1)
    for name, function, less in (
        ("max-pool 3/2", lambda x: F.max_pool2d(x, 3, 2), pooled),
        ("average-pool 3/2", lambda x: F.avg_pool2d(x, 3, 2), pooled),
        ("batch norm", lambda x: F.batch_norm(x, None, None, training=True), maps),
        ("local response norm", lambda x: F.local_response_norm(x, 5), maps),
    ):
        size = 4.0 * (maps + less)
        yield f"{name} forward", Case(lambda f=function: forward(f, *sizes.maps), bytes=size)
        if less is maps:
            size += 4.0 * maps  # the input is read again
        yield f"{name} backward", Case(lambda f=function: backward(f, *sizes.maps), bytes=size)

    rows, columns = sizes.rows
    labels = fw.arange(rows) % columns
    for name, function in (
        ("softmax", lambda x: F.softmax(x, 1)),
        ("layer norm", lambda x: F.layer_norm(x, (columns,))),
    ):
        size = 4.0 * rows * columns
        yield f"{name} forward", Case(lambda f=function: forward(f, rows, columns), bytes=2 * size)
        yield f"{name} backward", Case(lambda f=function: backward(f, rows, columns), bytes=3 * size)

    def cross_entropy(way: Callable[..., Run]) -> Run:
        target = labels.to(device)
        return way(lambda x: F.cross_entropy(x, target), rows, columns)

    yield "cross-entropy forward", Case(lambda: cross_entropy(forward), bytes=4.0 * rows * columns)
    yield "cross-entropy backward", Case(lambda: cross_entropy(backward), bytes=8.0 * rows * columns)

    def optimiser(kind: str) -> Run:
        p = drawn(sizes.parameters).requires_grad_()
        p.grad = drawn(sizes.parameters)
        optimizer = {
            "SGD": lambda: fw.optim.SGD([p], lr=1e-3, momentum=0.9),
            "Adam": lambda: fw.optim.Adam([p], lr=1e-3),
        }[kind]()
        return optimizer.step

    # Read: parameter, gradient and state; written: parameter and state.
    for kind, states in (("SGD", 1), ("Adam", 2)):
        yield f"{kind} step", Case(lambda k=kind: optimiser(k), bytes=4.0 * (3 + 2 * states) * sizes.parameters)


# ---- the process -----------------------------------------------------------------------------------------------------


def work(framework: str, device: str, tiny: bool) -> None:
    """Answers names of cases with the seconds that they take: between events on the device, and by the clock."""
    try:
        fw = load(framework, threads=4)
        if device == "cuda" and not fw.cuda.is_available():
            raise ImportError("it sees no GPU")
        fw.ones(1, device=device)
    except (ImportError, RuntimeError) as error:
        serve({"missing": str(error)}, lambda name: None)
        return
    sizes = TINY if tiny else Sizes()
    families = (training_cases, product_cases, memory_cases)
    cases = {name: case for family in families for name, case in family(fw, device, sizes)}
    about = {
        "version": fw.__version__,
        "device": fw.cuda.get_device_name() if device == "cuda" else device,
        "defaults": [switch.fp32_precision for switch in switches(fw, device)],
        "cases": {
            name: {"flops": case.flops, "bytes": case.bytes, "limit": case.limit} for name, case in cases.items()
        },
    }
    bench = Bench(fw, device, tiny)
    serve(about, lambda name: bench.measure(name, cases[name]))


class Bench:
    """Measures cases; keeps the last one for the next round."""

    def __init__(self, fw: Any, device: str, tiny: bool) -> None:
        self.fw, self.device, self.tiny = fw, device, tiny
        self.name = ""
        self.run: Run | None = None

    def measure(self, name: str, case: Case) -> dict[str, Any]:
        try:
            with precision(self.fw, self.device, case.precision):
                if self.run is None or name != self.name:
                    self.prepare(name, case)
                return self.timed(self.run, 0.0 if self.tiny else KERNEL if case.limit else STEPS)
        except Exception as error:  # whatever it is: the other cases are still worth their time
            self.run = None
            return {"error": f"{type(error).__name__}: {error}", "lost": not self.alive()}

    def prepare(self, name: str, case: Case) -> None:
        self.name, self.run = name, None
        gc.collect()
        if self.device == "cuda":
            self.fw.cuda.empty_cache()
        run = case.make()
        for _ in range(WARM_UP):
            run()
        self.run = run

    def alive(self) -> bool:
        """Whether the GPU still answers this process; after an error inside a kernel it never does again."""
        try:
            self.synchronize()
        except Exception:
            return False
        return True

    def synchronize(self) -> None:
        if self.device == "cuda":
            self.fw.cuda.synchronize()

    def timed(self, run: Run, seconds: float) -> dict[str, float]:
        """Seconds a run, of as many runs one after the other as there is time for, five at least."""
        estimate = self.several(run, 5)
        count = min(int(seconds / max(estimate["clock"], 1e-6)), 10_000)
        return self.several(run, count) if count > 5 else estimate

    def several(self, run: Run, count: int) -> dict[str, float]:
        if self.device == "cuda":
            first, last = self.fw.cuda.Event(enable_timing=True), self.fw.cuda.Event(enable_timing=True)
        self.synchronize()
        started = time.perf_counter()
        if self.device == "cuda":
            first.record()
        for _ in range(count):
            run()
        if self.device == "cuda":
            last.record()
        self.synchronize()
        clock = (time.perf_counter() - started) / count
        return {"clock": clock, "device": first.elapsed_time(last) / 1e3 / count if self.device == "cuda" else clock}


def switches(fw: Any, device: str) -> tuple[Any, ...]:
    """The objects whose ``fp32_precision`` is that of convolutions and of matrix products on a GPU."""
    return (fw.backends.cudnn.conv, fw.backends.cuda.matmul) if device == "cuda" else ()


@contextlib.contextmanager
def precision(fw: Any, device: str, wanted: Precision) -> Iterator[None]:
    """Computes in that precision on a GPU, and as before afterwards."""
    before = [(switch, switch.fp32_precision) for switch in switches(fw, device)]
    try:
        for (switch, _), value in zip(before, wanted, strict=False):
            switch.fp32_precision = value
        yield
    finally:
        for switch, value in before:
            switch.fp32_precision = value
