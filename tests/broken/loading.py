"""Mistakes in the loader: in what makes a batch the same whoever makes it, in resuming, and in how workers end."""

from __future__ import annotations

from .variant import Variant

LOADER = "minitorch/data/loader.py"
EPOCH = "minitorch/data/epoch.py"
PROCESSES = "minitorch/data/processes.py"
SAMPLER = "minitorch/data/sampler.py"
WORKER = "minitorch/data/worker.py"

RESUMING = "tests/data/test_resuming.py"
WORKERS = "tests/data/test_workers.py"
ENDS = "tests/data/test_worker_ends.py"

VARIANTS = [
    Variant(
        "loader: the same order",
        "shuffling doesn't",
        SAMPLER,
        "yield from randperm(n, generator=self.generator)[:left].tolist()",
        "yield from sorted(randperm(n, generator=self.generator)[:left].tolist())",
        "tests/data/test_loader.py -k test_shuffling",
    ),
    Variant(
        "loader: the last batch is lost",
        "an incomplete last batch is left out also without drop_last",
        SAMPLER,
        "if len(batch) == self.batch_size or not self.drop_last:",
        "if len(batch) == self.batch_size:",
        "tests/data/test_loader.py -k test_length_and_drop_last",
    ),
    Variant(
        "loader: one generator for all batches",
        "every batch of an epoch is augmented with the same random numbers",
        WORKER,
        "philox(task.base_seed, task.number, 4)",
        "philox(task.base_seed, 0, 4)",
        f"{WORKERS} -k test_each_batch_has_a_generator_of_its_own",
    ),
    Variant(
        "loader: dropout from the wrong generator",
        "what draws from the default generator by name isn't seeded in workers",
        "minitorch/ops/dropout.py",
        "from ..random import current_generator, uniform",
        "from ..random import default_generator, uniform\n\ndef current_generator():\n    return default_generator\n",
        "tests/test_random.py -k test_another_default_generator_is_what_everything_draws_from",
    ),
    Variant(
        "loader: batches numbered from 0 after resuming",
        "a resumed epoch is augmented as its beginning was",
        EPOCH,
        "count(skipped)",
        "count()",
        RESUMING,
    ),
    Variant(
        "loader: the order drawn later than the base seed",
        "a sampler that is a generator function draws when its first batch is wanted",
        EPOCH,
        "first = list(islice(indices, 1))",
        "first: list[Any] = []",
        RESUMING,
    ),
    Variant(
        "loader: a resumed epoch moves the generator back",
        "numbers that others drew from the generator meanwhile are drawn again",
        LOADER,
        "            if state is not None:\n                generator.set_state(now)\n",
        "            pass\n",
        f"{RESUMING} -k test_a_generator_that_others_use",
    ),
    Variant(
        "loader: the sampler's state of now",
        "an order that was drawn already is drawn again from where its generator stands afterwards",
        LOADER,
        '"sampler": progress.sampler,',
        '"sampler": self._sampler_state(),',
        RESUMING,
    ),
    Variant(
        "loader: StopIteration in a dataset",
        "an epoch ends silently in its middle",
        WORKER,
        "except StopIteration as error:",
        "except ZeroDivisionError as error:",
        f"{WORKERS} -k 'test_an_exception_arrives and stops and threads'",
    ),
    Variant(
        "loader: arrays in the wrong order",
        "the arrays of a batch are filled with each other's memory",
        PROCESSES,
        "for buffer in buffers:\n            found",
        "for buffer in reversed(buffers):\n            found",
        f"{WORKERS} -k 'test_batches_arrive_as_they_were_made and forked'",
    ),
    Variant(
        "loader: workers that have ended take orders",
        "an iterator hangs after an error of another one with the same workers",
        "minitorch/data/team.py",
        "if not self.is_open:",
        "if False:",
        f"{WORKERS} -k test_an_error_of_another_iterator_ends_the_workers_of_both",
    ),
    Variant(
        "loader: Ctrl-C in the workers",
        "each worker prints a traceback of its own",
        PROCESSES,
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n",
        "",
        f"{ENDS} -k 'test_ctrl_c_in_the_loop and fork'",
    ),
    Variant(
        "loader: our end inherited",
        "forked workers outlive a program that is killed",
        PROCESSES,
        "        inherited.close()\n",
        "        pass\n",
        f"{ENDS} -k 'test_workers_end_with_a_program_that_is_killed and fork-9'",
    ),
    Variant(
        "loader: a forked copy ends the workers",
        "a child process that drops its copy of an iterator takes the workers from its parent",
        "minitorch/data/team.py",
        "if os.getpid() != process:",
        "if False:",
        f"{ENDS} -k 'a_fork_that_drops_its_copy or (test_a_quiet_end and drops)'",
    ),
    Variant(
        "DistributedSampler: the same order every epoch",
        "set_epoch is forgotten",
        SAMPLER,
        "manual_seed(self.seed + self.epoch)",
        "manual_seed(self.seed)",
        "tests/data/test_sampler.py -k test_the_processes_share_the_dataset",
    ),
    Variant(
        "WeightedRandomSampler: clocks that aren't exponential",
        "without replacement, large weights are favoured too little",
        SAMPLER,
        "-np.log1p(-drawn) / weights",
        "drawn / weights",
        "tests/data/test_sampler.py -k test_weighted_without_replacement",
    ),
]
