"""CUDA graphs: what a step does on the GPU is recorded once, and then repeated by a single call.

A small network is trained by dozens of kernels of a few microseconds, each of which Python takes longer to launch than
the GPU to run. A graph holds them all, so that a replay costs about as much as one launch.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

from . import random
from .backends import cuda as _cuda
from .optim import optimizer as _optimizer
from .optim.optimizer import Batch, Group, Optimizer
from .random import Generator

_CAPTURE = "minitorch.backends.cuda.capture"  # imports CuPy, so it is imported when a graph is first captured

__all__ = ["CUDAGraph", "graph", "is_current_stream_capturing"]


class CUDAGraph:
    """A step that is captured once, with :class:`graph`, and then repeated by :meth:`replay`.

    A replay runs the very same kernels on the very same memory. So a step reads its inputs from tensors that were there
    before the capture, into which each batch is copied; and its results are in the tensors that it made while it was
    captured, to be read (or cloned) before the next replay. Tensors that it used must be kept as long as the graph.

    >>> import minitorch
    >>> from minitorch import nn, optim
    >>> model = nn.Linear(20, 3).to("cuda")
    >>> optimizer = optim.Adam(model.parameters(), lr=0.1)
    >>> batch = minitorch.randn(8, 20), minitorch.randint(3, (8,))
    >>> images, labels = (tensor.to("cuda") for tensor in batch)
    >>> def step():
    ...     optimizer.zero_grad()
    ...     loss = nn.functional.cross_entropy(model(images), labels)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> first = step().item()                   # a step as usual: it compiles the kernels, and makes Adam's state
    >>> graph = minitorch.cuda.CUDAGraph()
    >>> with minitorch.cuda.graph(graph):
    ...     loss = step()                       # nothing is computed here
    >>> for _ in range(30):
    ...     copied = images.copy_(batch[0]), labels.copy_(batch[1])  # each time the next batch
    ...     graph.replay()
    >>> loss.item() < first / 2
    True

    What changes from step to step, changes:

    - Random numbers of the default generator (those of dropout, say) go on as they would without the graph; another
      generator's do after :meth:`register_generator_state`.
    - SGD, Adam, AdamW and RMSprop count their steps, and take the numbers among their groups' options, such as a
      learning rate that a scheduler has changed, as they are at the replay. Other optimisers can't be captured.

    What can't be captured, raises: whatever reads a tensor's numbers on the CPU (``item()``, ``if tensor:``, printing,
    ``cpu()``, boolean masks), copies from the CPU, a kernel that is used for the first time. Work on CPU tensors is
    no part of a graph: it is done once, while capturing. A captured loss doesn't check class indices or probabilities:
    it is NaN where one is out of range. Shapes are fixed: another one needs another graph.

    After a capture that failed everything is as before, but for gradients: call ``zero_grad()``.
    """

    def __init__(self) -> None:
        self._capture: Any = None
        self._generators: dict[Generator, _Stream] = {}
        self._updates: list[_Update] = []
        self._ready = False

    def register_generator_state(self, generator: Generator) -> None:
        """Lets random numbers of ``generator`` be captured: each replay draws the next ones.

        Raises:
            RuntimeError: a graph has been captured, or is just being.
        """
        self._check_unused()
        self._generators.setdefault(generator, _Stream(generator))

    def capture_begin(self, stream: Any = None) -> None:
        """Begins to capture in a stream, or in a new one of the current device; :class:`graph` is the safe way to call
        it.

        Raises:
            RuntimeError: a graph has been captured, or one is just being.
        """
        self._check_unused()
        _cuda.get_backend()  # says why there is none
        module = importlib.import_module(_CAPTURE)
        if is_current_stream_capturing():
            raise RuntimeError("a CUDA graph is already being captured; one can't be captured inside another")
        self.register_generator_state(random.current_generator())
        recording = module.Capture(None if stream is None else stream._stream)
        recording.begin()
        self._capture = recording
        for random_numbers in self._generators.values():
            random_numbers.begin(recording)
        _optimizer.capture.note = self._note

    def capture_end(self) -> None:
        """Ends the capture.

        Raises:
            RuntimeError: none was begun, something in it can't be captured, or nothing was.
        """
        if self._capture is None or self._ready:
            raise RuntimeError("capture_end: there is no capture to end; call capture_begin() first")
        _optimizer.capture.note = None
        try:
            self._capture.end()
            if self._capture.is_empty():
                raise RuntimeError(
                    "the CUDA graph is empty: nothing ran on the GPU while it was captured. Are the model and its "
                    "inputs on device 'cuda'?"
                )
            self._ready = True
        finally:
            for stream in self._generators.values():
                stream.end()
            for update in reversed(self._updates):
                update.undo()
            if not self._ready:
                self.reset()

    def replay(self) -> None:
        """Repeats what was captured, on the current stream, without waiting for it.

        Raises:
            RuntimeError: nothing was captured, or an optimiser isn't what it was: options that a graph can't change
                have been changed, or a state was loaded.
        """
        if not self._ready:
            raise RuntimeError("replay: nothing has been captured; capture a step with minitorch.cuda.graph(g) first")
        if sys.modules[_CAPTURE].current() is not None:
            raise RuntimeError("replay: a CUDA graph can't be replayed while another one is being captured")
        if self._updates:
            self._refresh_numbers()
        for stream in self._generators.values():
            stream.advance()
        self._capture.launch()

    def reset(self) -> None:
        """Forgets what was captured, and frees its memory but for that of tensors that are still in use."""
        self._capture = None
        self._updates = []
        self._ready = False
        for stream in self._generators.values():
            stream.forget()

    def _check_unused(self) -> None:
        if self._capture is not None:
            raise RuntimeError("this CUDAGraph has been captured already; make another one, or reset() it")

    # ---- optimisers -------------------------------------------------------------------------------------------------

    def _note(self, optimizer: Optimizer, group: Group, batch: Batch) -> None:
        self._updates.append(_Update(optimizer, group, batch))

    def _refresh_numbers(self) -> None:
        """Counts the optimisers' steps, and gives the kernels the numbers of these; all of it or nothing."""
        counted: list[_Update] = []
        try:
            with sys.modules[_CAPTURE].asking() as asked:
                for update in self._updates:
                    update.count()
                    counted.append(update)
                    update.ask()
            self._place_numbers(asked)
        except BaseException:
            for update in reversed(counted):
                update.undo()
            raise

    def _place_numbers(self, asked: list[tuple[Any, Any]]) -> None:
        for (fixed, numbers), (captured, places) in zip(asked, self._capture.steps, strict=True):
            if fixed != captured:
                raise RuntimeError(
                    "an optimizer's option has changed that is part of the CUDA graph: of its options only numbers can "
                    f"change, such as the learning rate; capture the step again (it was {captured}, is {fixed})"
                )
            with np.errstate(all="ignore"):
                for place in places:
                    place[...] = numbers


class _Update:
    """An optimiser's update of some parameters, as a graph repeats it.

    Raises:
        RuntimeError: it can't be captured.
    """

    def __init__(self, optimizer: Optimizer, group: Group, batch: Batch) -> None:
        what = f"a step of {type(optimizer).__name__} can't be captured in a CUDA graph"
        if not getattr(type(optimizer)._update, "capturable", False):
            raise RuntimeError(
                f"{what}, which would repeat the numbers of this one step; SGD, Adam, AdamW and RMSprop can. Call "
                f"step() after replay() instead."
            )
        if not hasattr(batch.params[0], "__cuda_array_interface__"):
            raise RuntimeError(f"{what}: parameters are on the CPU; model.to('cuda') moves them")
        if batch.fresh:
            raise RuntimeError(f"{what} before its state is there: make one step before the capture")
        self.optimizer, self.group = optimizer, group
        self.versions = [tensor._shared_version() for tensor in batch.tensors]
        self.all_states = optimizer.state
        self.states = [optimizer.state.setdefault(tensor, {}) for tensor in batch.tensors]
        self.batch = Batch(batch.backend, batch.step, False, len(batch.states))

    def count(self) -> None:
        """Does what an update does on the CPU.

        Raises:
            RuntimeError: the optimiser's state isn't what it was.
        """
        name = type(self.optimizer).__name__
        if self.optimizer.state is not self.all_states:  # and its groups are others as well
            raise RuntimeError(f"{name}: a state was loaded since the CUDA graph was captured; capture the step again")
        step = self.states[0]["step"]
        for state in self.states:
            if state["step"] != step:
                raise RuntimeError(
                    f"{name}: some parameters have been updated without others since the CUDA graph was captured, so "
                    f"that they are at different steps now; capture the step again"
                )
        self.batch.step = step + 1
        for state in self.states:
            state["step"] = step + 1
        for version in self.versions:
            version[0] += 1

    def ask(self) -> None:
        """Calls the update for its numbers only."""
        self.optimizer._update(self.batch, self.group)

    def undo(self) -> None:
        """Nothing was updated."""
        for state in self.states:
            state["step"] = self.batch.step - 1


# ---- random numbers --------------------------------------------------------------------------------------------------


class _Stream:
    """A generator's stream in a graph: captured kernels count from where it stands when the graph is replayed."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.forget()

    def forget(self) -> None:
        self.words = 0  # that a replay takes
        self.on_host: Any = None
        self.on_device: Any = None

    def begin(self, capture: Any) -> None:
        self.before = self.generator.get_state()
        self.capture = capture
        self.generator._seed, self.generator._offset = _Seed(self.before[0]).of(self), 0

    def cells(self) -> Any:
        if self.on_host is None:
            self.on_host, self.on_device = self.capture.cells(2, np.uint64)
        return self.on_device

    def end(self) -> None:
        seed, blocks = self.generator.get_state()
        self.words = 4 * blocks if isinstance(seed, _Seed) else 0
        self.generator.set_state(self.before)
        self.capture = None

    def advance(self) -> None:
        """Takes the numbers of one replay out of the stream."""
        if self.on_host is not None:
            seed, offset = self.generator.reserve(self.words)
            self.on_host[...] = seed % 2**64, offset % 2**64


class _Seed(int):
    """The seed of a generator while a graph is captured. Kernels find seed and offset in ``cells``."""

    def of(self, stream: _Stream) -> _Seed:
        self.stream = stream
        return self

    @property
    def cells(self) -> Any:
        return self.stream.cells()


# ---- capturing -------------------------------------------------------------------------------------------------------


class graph:
    """Captures what is done inside into a :class:`CUDAGraph`, whose example shows it::

        g = minitorch.cuda.CUDAGraph()
        with minitorch.cuda.graph(g):
            loss = step()

    Args:
        cuda_graph: a new one, or one that was reset.
        stream: where to capture. Without it, in a new stream of the current device.

    Raises:
        RuntimeError: something inside can't be captured. What it is, the error below says, with its line.
    """

    def __init__(self, cuda_graph: CUDAGraph, stream: Any = None) -> None:
        self.cuda_graph, self.stream = cuda_graph, stream

    def __enter__(self) -> None:
        self.cuda_graph.capture_begin(self.stream)

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        try:
            self.cuda_graph.capture_end()
        except RuntimeError as at_end:
            if error is None and not _is_of_capturing(at_end):
                raise
            error = error or at_end
        if error is not None:
            self.cuda_graph.reset()
            if _is_of_capturing(error):
                raise RuntimeError(_NOT_CAPTURED.format(error=error)) from error


_NOT_CAPTURED = (
    "this can't be captured in a CUDA graph ({error}). Inside, the CPU can neither wait for the GPU nor give it data: "
    "move out what reads a tensor's numbers (item(), if tensor:, printing, cpu(), boolean masks), what copies from the "
    "CPU, and synchronize(). A kernel that is used for the first time can't be loaded either: make one step before."
)


def is_current_stream_capturing() -> bool:
    """Whether the work that is given to the current GPU is being captured into a graph instead of done."""
    module = sys.modules.get(_CAPTURE)
    return module is not None and module.is_capturing()


def _is_of_capturing(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and "CUDA" in type(error).__name__ and "captur" in str(error).lower()
