"""NCCL, as ``cupy.cuda.nccl``: the ranks are threads, each with a device.

What is started in a stream is done when somebody waits for that stream, no earlier: results that weren't waited for
aren't there. The stand-in has one current device and one current stream, so threads take turns: each runs inside of
``with nccl.turn:`` and leaves it while it waits for the others.
"""

from __future__ import annotations

import ctypes
import itertools
import threading

import numpy as np

from . import _state

available = True
turn = threading.Condition(threading.RLock())

_DTYPES = {
    name: np.dtype(name.lower())
    for name in "INT8 UINT8 INT32 UINT32 INT64 UINT64 FLOAT16 FLOAT32 FLOAT64".split()  # in the order of nccl.h
}
_OPERATIONS = {"SUM": np.add, "PROD": np.multiply, "MAX": np.maximum, "MIN": np.minimum}
for _number, _name in enumerate(_DTYPES):
    globals()[f"NCCL_{_name}"] = _number
for _number, _name in enumerate(_OPERATIONS):
    globals()[f"NCCL_{_name}"] = _number

_SECONDS = 5  # after which the other ranks don't come any more


class Clique:
    """Ranks that exchange values."""

    def __init__(self, size):
        self.size = size
        self._values, self._last, self._rounds = {}, [], 0

    def exchange(self, rank, value):
        """The values of all ranks, when all have come."""
        mine = _state.device, _state.stream
        with turn:
            self._values[rank] = value
            if len(self._values) == self.size:
                self._last = [self._values[rank] for rank in range(self.size)]
                self._values, self._rounds = {}, self._rounds + 1
                turn.notify_all()
            else:
                now = self._rounds
                if not turn.wait_for(lambda: self._rounds > now, _SECONDS):
                    raise RuntimeError("NCCL_ERROR_SYSTEM_ERROR: the other ranks didn't come")
            _state.device, _state.stream = mine
            return self._last


_cliques = {}
_identities = itertools.count()


def get_unique_id():
    return (next(_identities), *(0,) * 127)


def _array(pointer, count, datatype):
    dtype = list(_DTYPES.values())[datatype]
    if not count:
        return np.empty(0, dtype)
    return np.ctypeslib.as_array((ctypes.c_ubyte * (count * dtype.itemsize)).from_address(pointer)).view(dtype)


class NcclCommunicator:
    def __init__(self, ndev, commId, rank):
        self._rank, self._device = rank, _state.device
        self._clique = _cliques.setdefault(commId, Clique(ndev))
        devices = self._clique.exchange(rank, self._device)
        if len(set(devices)) < ndev:
            raise RuntimeError("NCCL_ERROR_INVALID_USAGE: invalid usage")

    def rank_id(self):
        return self._rank

    def size(self):
        return self._clique.size

    def device_id(self):
        return self._device

    def destroy(self):
        self._clique = None

    def _later(self, stream, function):
        if _state.device != self._device:
            raise RuntimeError("NCCL_ERROR_INVALID_USAGE: another device is current")
        _state.streams[stream].waiting.append(function)

    def allReduce(self, sendbuf, recvbuf, count, datatype, op, stream):
        def do():
            shares = self._clique.exchange(self._rank, _array(sendbuf, count, datatype).copy())
            with np.errstate(all="ignore"):
                total = shares[0].copy()
                for share in shares[1:]:
                    list(_OPERATIONS.values())[op](total, share, out=total)
            _array(recvbuf, count, datatype)[...] = total

        self._later(stream, do)

    def broadcast(self, sendbuff, recvbuff, count, datatype, root, stream):
        def do():
            shares = self._clique.exchange(self._rank, _array(sendbuff, count, datatype).copy())
            _array(recvbuff, count, datatype)[...] = shares[root]

        self._later(stream, do)

    def allGather(self, sendbuf, recvbuf, count, datatype, stream):
        def do():
            shares = self._clique.exchange(self._rank, _array(sendbuf, count, datatype).copy())
            _array(recvbuf, count * len(shares), datatype)[...] = np.concatenate(shares)

        self._later(stream, do)
