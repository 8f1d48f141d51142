"""Mistakes in training with several processes: what isn't averaged, isn't waited for, or is told to the wrong ranks."""

from __future__ import annotations

from .variant import Variant

COLLECTIVES = "minitorch/distributed/collectives.py"
MODEL = "minitorch/distributed/data_parallel.py"
MPI = "minitorch/distributed/mpi.py"
REDUCER = "minitorch/distributed/reducer.py"
EXAMPLE = "tests/distributed/test_examples.py -k two_ranks_follow_one"


def with_two_ranks(check: str) -> str:
    """A check of the programs in ``tests/distributed/programs``."""
    return f"tests/distributed/test_processes.py -k '{check}-2'"


VARIANTS = [
    Variant(
        "hooks: the end comes at once",
        "what waits for the end of backward is called in its middle",
        "minitorch/autograd/engine.py",
        "    state.at_the_end.append(callback)\n",
        "    callback()\n",
        "tests/autograd/test_hooks.py -k callback",
    ),
    Variant(
        "hooks: gradients that aren't added",
        "hooks for accumulated gradients are called by autograd.grad, too",
        "minitorch/autograd/engine.py",
        "            accumulate(leaf, received)\n            if hooks",
        "            accumulate(leaf, received)\n        if True:\n            if hooks",
        "tests/autograd/test_hooks.py -k accumulated",
    ),
    Variant(
        "distributed: sums for means",
        "the ranks' gradients are added up, not averaged",
        REDUCER,
        "xp.divide(param._grad.data, self.group.size, out=part.data)",
        "xp.divide(param._grad.data, 1, out=part.data)",
        with_two_ranks("it_follows_one_process_with_the_whole_batch"),
    ),
    Variant(
        "distributed: the first layers first",
        "the first bucket to be summed is the last to be complete",
        REDUCER,
        "self.named = list(reversed(named))",
        "self.named = list(named)",
        with_two_ranks("sums_begin_before_backward_ends"),
    ),
    Variant(
        "distributed: sums as they come",
        "each rank starts a bucket's sum when it is complete there, in whatever order",
        REDUCER,
        "        while self.started < len(self.buckets) and self.buckets[self.started].missing == 0:\n"
        "            self.buckets[self.started].start()\n"
        "            self.started += 1\n",
        "        for bucket in self.buckets[self.started :]:\n"
        "            if bucket.missing == 0:\n"
        "                self.buckets.remove(bucket)\n"
        "                self.buckets.insert(self.started, bucket)\n"
        "                bucket.start()\n"
        "                self.started += 1\n",
        with_two_ranks("the_order_of_gradients_may_differ"),
    ),
    Variant(
        "distributed: no_sync averages",
        "parts of a batch are averaged one by one",
        REDUCER,
        "if not (reducer.is_paused and reducer.began_paused):",
        "if True:",
        "tests/distributed/test_alone.py -k no_sync",
    ),
    Variant(
        "distributed: used before",
        "a parameter that only an earlier part of the batch used counts as unused",
        REDUCER,
        "tensor([int(param in self.used) for",
        "tensor([int(param in self.arrived) for",
        with_two_ranks("unused_parameters_are_found"),
    ),
    Variant(
        "distributed: every rank its own weights",
        "training begins with other weights on each rank",
        MODEL,
        "        broadcast_together([*module.parameters(), *module.buffers()], group.rank)\n",
        "",
        with_two_ranks("all_ranks_begin_with_those_of_rank_0"),
    ),
    Variant(
        "distributed: buffers go apart",
        "each rank keeps its own running statistics",
        MODEL,
        "        self._buffers_differ = averages\n",
        "",
        with_two_ranks("buffers_follow_rank_0"),
    ),
    Variant(
        "distributed: models may differ in type",
        "the dtypes of the ranks' models aren't compared",
        MODEL,
        'return f"{tensor.dtype} {tuple(tensor.shape)}, ',
        'return f"{tuple(tensor.shape)}, ',
        with_two_ranks("models_that_differ_are_told"),
    ),
    Variant(
        "distributed: divided at each wait",
        "waiting twice for a mean divides it twice",
        "minitorch/distributed/work.py",
        "finish, self._finish = self._finish, None",
        "finish = self._finish",
        with_two_ranks("several_may_be_under_way"),
    ),
    Variant(
        "distributed: always from rank 0",
        "broadcast takes no notice of src",
        MPI,
        "self._comm.Ibcast(array, src)",
        "self._comm.Ibcast(array, 0)",
        with_two_ranks("broadcast_copies_from_any_rank"),
    ),
    Variant(
        "distributed: unnoticed by autograd",
        "a tensor that was changed in place counts as what it was",
        COLLECTIVES,
        "    tensor._bump_version()\n    operation",
        "    operation",
        "tests/distributed/test_alone.py -k noticed_by_autograd",
    ),
    Variant(
        "distributed: a failure is a success",
        "the exit status doesn't tell that a rank failed",
        "minitorch/distributed/group.py",
        "self.mpi.abort(128 + signal.SIGINT if issubclass(kind, KeyboardInterrupt) else 1)",
        "self.mpi.abort(0)",
        "tests/distributed/test_processes.py -k 'raises and plain'",
    ),
    Variant(
        "distributed: answers at the wrong images",
        "the ranks' answers are put one after the other over each other",
        "examples/training/evaluation.py",
        "rows[ranks.rank() :: ranks.size()] = mine",
        "rows[: len(mine)] = mine",
        EXAMPLE,
    ),
    Variant(
        "distributed: the loss of one rank",
        "the training loss is a sum over the ranks",
        "examples/training/loop.py",
        "ranks.total(loss / ranks.size(), ",
        "ranks.total(loss, ",
        EXAMPLE,
    ),
    Variant(
        "distributed: the same order",
        "the images come in one order in all epochs",
        "examples/training/loop.py",
        "        loader.sampler.set_epoch(progress.epoch)\n",
        "        pass\n",
        "tests/distributed/test_examples.py -k order_of_its_own",
    ),
    Variant(
        "cuda nccl: nobody waits",
        "what is computed next doesn't wait for what other GPUs send",
        "minitorch/backends/cuda/nccl.py",
        "            cupy.cuda.get_current_stream().wait_event(self._reached)\n",
        "            pass\n",
        "tests/on_cuda/test_nccl.py",
    ),
    Variant(
        "cuda nccl: one GPU for two",
        "ranks on the same GPU aren't told",
        "minitorch/backends/cuda/nccl.py",
        "        if other != rank:\n",
        "        if False:\n",
        "tests/on_cuda/test_nccl.py -k same_gpu",
    ),
]
