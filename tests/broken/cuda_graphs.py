"""Mistakes in CUDA graphs: numbers that stay what they were, memory that isn't the graph's, steps that don't count."""

from __future__ import annotations

from .variant import Variant

GRAPHS, CAPTURE = "minitorch/cuda_graphs.py", "minitorch/backends/cuda/capture.py"
KERNELS = "minitorch/backends/cuda/kernels/"
TESTS = "tests/on_cuda/test_graph.py tests/on_cuda/test_graph_errors.py -k "

VARIANTS = [
    Variant(
        "cuda graphs: the same mask",
        "every replay of dropout begins at the same place of the stream",
        KERNELS + "elementwise.cu",
        "    offset += cells[1];\n",
        "",
        TESTS + "random_numbers",
    ),
    Variant(
        "cuda graphs: the first seed",
        "a seed that is set after the capture isn't taken",
        KERNELS + "elementwise.cu",
        "    seed = cells[0];\n",
        "",
        TESTS + "random_numbers",
    ),
    Variant(
        "cuda graphs: the first learning rate",
        "an optimiser's step is repeated with the numbers of the captured one",
        KERNELS + "optim.cu",
        "if (cells != nullptr) ((numbers = *cells++), ...);",
        "",
        TESTS + "'replays_are_steps and Adam'",
    ),
    Variant(
        "cuda graphs: no cells are written",
        "the numbers of a replay stay on the host",
        CAPTURE,
        "        if words != self._written:\n",
        "        if not self._written:\n",
        TESTS + "learning_rates_may_change",
    ),
    Variant(
        "cuda graphs: memory of the common pool",
        "what a graph works in is given to others",
        CAPTURE,
        "            inside.enter_context(cupy.cuda.using_allocator(self.pool.malloc))\n",
        "",
        TESTS + "memory_is_its_own",
    ),
    Variant(
        "cuda graphs: the capture draws",
        "the generator has moved on although nothing was computed",
        GRAPHS,
        "        self.generator.set_state(self.before)\n",
        "        self.generator._seed = self.before[0]\n",
        TESTS + "'random_numbers or computes_nothing'",
    ),
    Variant(
        "cuda graphs: the capture counts",
        "a step that was only captured is counted",
        GRAPHS,
        "            for update in reversed(self._updates):\n                update.undo()\n            if not",
        "            if not",
        TESTS + "computes_nothing",
    ),
    Variant(
        "cuda graphs: steps undone in the wrong order",
        "of two steps in a graph one is counted at the capture",
        GRAPHS,
        "            for update in reversed(self._updates):\n",
        "            for update in self._updates:\n",
        TESTS + "two_steps",
    ),
    Variant(
        "cuda graphs: replays don't count",
        "Adam's corrections stay those of one step",
        GRAPHS,
        '            state["step"] = step + 1\n',
        "            pass\n",
        TESTS + "'replays_are_steps and Adam'",
    ),
    Variant(
        "cuda graphs: still capturing",
        "an error leaves the stream in the middle of a capture",
        GRAPHS,
        "        try:\n            self.cuda_graph.capture_end()\n",
        "        try:\n            if error is None:\n                self.cuda_graph.capture_end()\n",
        TESTS + "another_exception",
    ),
    Variant(
        "cuda graphs: options that are compiled in",
        "nesterov is changed, and the graph goes on without",
        GRAPHS,
        "            if fixed != captured:\n",
        "            if False:\n",
        TESTS + "options_that_are_no_numbers",
    ),
    Variant(
        "cuda graphs: labels aren't counted",
        "the mean of a cross-entropy is its sum",
        "minitorch/backends/cuda/loss.py",
        "                np.bool_(mean),\n                loss,\n",
        "                np.bool_(False),\n                loss,\n",
        TESTS + "ignored_labels",
    ),
]
