"""Mistakes in what happens where: several GPUs, pinned memory, the precision of products."""

from __future__ import annotations

from .variant import Variant

BACKEND, PINNED = "minitorch/backends/cuda/backend.py", "minitorch/backends/cuda/pinned.py"

VARIANTS = [
    Variant(
        "cuda devices: forward on the current one",
        "an operation runs on the current GPU instead of its tensors'",
        "minitorch/autograd/function.py",
        "        if devices.several:\n",
        "        if False:\n",
        "tests/on_cuda/test_several_devices.py -k 'test_the_table and exp'",
    ),
    Variant(
        "cuda devices: backward on the current one",
        "a backward with array code of its own runs on the current GPU",
        "minitorch/autograd/engine.py",
        "        if devices.several:\n",
        "        if False:\n",
        "tests/on_cuda/test_several_devices.py -k test_a_function_of_a_users_own",
    ),
    Variant(
        "cuda devices: numbers on the current one",
        "the number beside a tensor becomes an array on another GPU",
        BACKEND,
        "    def scalar(self, number: Any, dtype: Any) -> Array:\n        with on(self):\n            return",
        "    def scalar(self, number: Any, dtype: Any) -> Array:\n        if True:\n            return",
        "tests/on_cuda/test_several_devices.py -k test_in_place_and_indexing",
    ),
    Variant(
        "cuda devices: in place on the current one",
        "what in-place operations store is written by another GPU",
        "minitorch/ops/inplace.py",
        "@on_its_device\ndef store(",
        "def store(",
        "tests/on_cuda/test_several_devices.py -k test_in_place_and_indexing",
    ),
    Variant(
        "cuda devices: an update on the current one",
        "optimisers update on the current GPU",
        "minitorch/optim/optimizer.py",
        "            with on(batch.backend):\n",
        "            if True:\n",
        "tests/on_cuda/test_several_devices.py -k 'test_optimizers and Adadelta'",
    ),
    Variant(
        "cuda pinned: the source is let go",
        "memory that a GPU still reads from is given to others",
        PINNED,
        "        _in_flight.append((reached, array))\n",
        "",
        "tests/on_cuda/test_cuda_module.py -k test_a_copy_from_pinned_memory",
    ),
    Variant(
        "cuda pinned: never let go",
        "pinned memory is kept when the GPU has read it",
        PINNED,
        "        while _in_flight and _in_flight[0][0].done:\n            _in_flight.popleft()\n",
        "",
        "tests/on_cuda/test_cuda_module.py -k test_a_copy_from_pinned_memory",
    ),
    Variant(
        "cuda pinned: copies never wait",
        "a copy that nobody asked to be asynchronous is",
        BACKEND,
        "if non_blocking and pinned.is_pinned(array)",
        "if pinned.is_pinned(array)",
        "tests/on_cuda/test_cuda_module.py -k test_copies_that_wait",
    ),
    Variant(
        "cuda precision: gradients checked in TensorFloat-32",
        "gradcheck leaves the switches as they are",
        "minitorch/precision.py",
        '    matmul.fp32_precision = conv.fp32_precision = "ieee"\n',
        "",
        "tests/test_precision.py",
    ),
]
