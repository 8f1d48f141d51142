"""``python -m tests.broken``: makes each mistake in a copy of the project and proves that the tests notice it."""

from __future__ import annotations

import argparse
import random
import sys
import time

from . import VARIANTS
from .variant import PROJECT, Variant
from .workshop import PASSED, Workshop


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.broken", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="N variants drawn at random instead of all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample; the same one draws the same variants")
    parser.add_argument("--only", metavar="TEXT", help="the variants whose name contains TEXT")
    parser.add_argument("--list", action="store_true", help="print what there is and stop")
    options = parser.parse_args()

    chosen = [v for v in VARIANTS if options.only is None or options.only in v.name]
    if options.sample is not None and options.sample < len(chosen):
        drawn = set(random.Random(options.seed).sample([v.name for v in chosen], options.sample))
        chosen = [v for v in chosen if v.name in drawn]
    if not chosen:
        parser.error(f"no variant has a name that contains {options.only!r}")
    if options.list:
        for variant in chosen:
            print(f"{variant.name:40} {variant.file:40} {variant.breaks}")
        return 0

    return prove(chosen)


def prove(variants: list[Variant]) -> int:
    """Makes the mistakes, prints what noticed each, and returns the status of the process: 0 if all were caught."""
    workshop = Workshop(PROJECT / "build" / "broken")
    native = any(variant.is_native for variant in variants)
    begin = time.monotonic()
    workshop.prepare(native)
    print(f"the copy in {workshop.folder} is ready after {time.monotonic() - begin:.0f} s\n", flush=True)
    survivors, witnesses = [], set()
    # Those of one file one after another: then each compilation also mends what the last one broke.
    for variant in sorted(variants, key=lambda v: (v.is_native, v.file)):
        start = time.monotonic()
        verdict = workshop.test(variant)
        if verdict.caught:
            witnesses.add(verdict.by)
        else:
            survivors.append(variant.name)
        seconds = time.monotonic() - start
        print(f"{'caught' if verdict.caught else 'MISSED'}  {variant.name:38} {seconds:5.1f} s  {variant.breaks}")
        print(f"        {verdict.by}", flush=True)

    # What failed must have failed for the mistake.
    workshop.prepare(native)
    control = workshop.check(sorted(witnesses))
    caught = len(variants) - len(survivors)
    print(f"\n{caught} of {len(variants)} variants caught in {(time.monotonic() - begin) / 60:.1f} minutes")
    if survivors:
        print(f"not caught: {', '.join(survivors)}")
    if control != PASSED:
        print(f"but without any mistake, the tests that caught them don't pass: {control.by}")
    return 1 if survivors or control != PASSED else 0


if __name__ == "__main__":
    sys.exit(main())
