"""What the stand-in remembers: the current device, the order in which kernels' threads run, and what has happened."""

from __future__ import annotations

import weakref

devices = 2
device = 0
THREAD_ORDERS = ("forward", "reversed", "shuffled", "warps")  # fibers.cpp says what they are
thread_order = 0
launches = 0
stream = None  # the current one
capture = None  # what a stream is capturing
guard = "behind"  # at which end an array lies closely to a page that nobody may touch: "before" or "behind" it
races = False  # whether kernels that are compiled now look for races
streams = weakref.WeakValueDictionary()  # by their handles
landing = []  # copies to the host that are on their way


def land():
    while landing:
        landing.pop(0)()
