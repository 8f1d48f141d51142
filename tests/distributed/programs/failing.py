"""One rank ends in the way that the command line says, while the others wait for it."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta

import minitorch
from minitorch import distributed

way = sys.argv[1]
distributed.init_process_group(timeout=timedelta(seconds=1) if way == "late" else None)
distributed.barrier()
if distributed.get_rank() == 1:
    if way == "raise":
        raise LookupError("what rank 1 says")
    if way == "exit":
        sys.exit(7)
    if way == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "late":
        time.sleep(60)
    if way == "wait":
        print("all are waiting", flush=True)
while True:  # until Ctrl-C, or the end of the others
    distributed.all_reduce(minitorch.ones(1000))
    if way == "wait" and distributed.get_rank() == 1:
        time.sleep(0.2)
