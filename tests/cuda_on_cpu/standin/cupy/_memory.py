"""The stand-in's memory: pools of blocks that lie between guard pages, poisoned as soon as nobody has them.

The pools count as CuPy's do, call its hooks and give a block again to whoever asks for its size on its stream. They
differ in what a block is: every array has pages of its own (``memory.cpp``), so that a kernel that leaves it is caught.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import math
import sys
import threading

import kernels_on_cpu
import numpy as np

from . import _state

_UNIT = 512  # sizes of blocks are multiples of it
_MOST_BLOCKS = 8192  # that exist at once; the system's limit is at about 30,000
_MOST_FREE_BYTES = 2**28

_native = kernels_on_cpu.runtime()
_place, _displace = _native.mt_place, _native.mt_displace
_local = threading.local()
_blocks = 0  # that exist
current_stream = None  # the function of that name; cuda.py, which defines it, imports this module


class Damage(RuntimeError):
    """A kernel has written where it shouldn't."""


def check():
    """Looks for what has been written beside arrays, or into those that were freed, since the last call.

    Raises:
        Damage: there is something.
    """
    found = _native.mt_found()
    if found:
        raise Damage(
            ("a thread writes just outside an array", "a thread wrote into memory that had been freed")[found - 1]
        )


class OutOfMemoryError(MemoryError):
    pass


# ---- memory ----------------------------------------------------------------------------------------------------------


class _Block:
    """Pages between guards, which hold one array at a time."""

    __slots__ = ("begin", "home", "size")

    def __init__(self, size, home=None):
        global _blocks
        self.size, self.home = size, home
        self.begin = _native.mt_map(size)
        if not self.begin:
            raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes")
        _blocks += 1

    def unmap(self):
        global _blocks
        _native.mt_unmap(self.begin, self.size)
        _blocks -= 1


def _nothing():
    return None


class BaseMemory:
    """Memory of a device, which NumPy sees as an array of bytes."""

    __slots__ = ("__array_interface__", "__weakref__", "_block", "device_id", "first", "ptr", "size")

    def __init__(self, device, block=None, size=0, written=False):
        self.device_id, self._block, self.ptr, self.size = device, block, 0, 0
        self.first = _nothing  # weakly, the array that was made in it: not those that are views of that
        if block is not None:
            self.ptr = _place(block.begin, block.size, size, _state.guard == "before", not written)
            self.size = block.size
        self.__array_interface__ = {"data": (self.ptr, False), "shape": (size,), "typestr": "|u1", "version": 3}

    def __int__(self):
        return self.ptr

    @property
    def device(self):
        from ._array import Device

        return Device(self.device_id)


class Memory(BaseMemory):
    """Memory straight from the system."""

    __slots__ = ()

    def __init__(self, size):
        super().__init__(_state.device, _Block(size) if size else None, size)

    def __del__(self, is_finalizing=sys.is_finalizing):
        if self.ptr and not is_finalizing():
            _displace(self.ptr)
            self._block.unmap()


class PooledMemory(BaseMemory):
    """A block of a pool, until it is freed."""

    __slots__ = ("pool",)

    def __init__(self, pool, block, size, written):
        super().__init__(_state.device, block, size, written)
        self.pool = pool

    def free(self):
        if not self.ptr:
            return
        hooks = getattr(_local, "hooks", None)
        if hooks:
            about = {"device_id": self.device_id, "mem_size": self.size, "mem_ptr": self.ptr, "pmem_id": id(self)}
            for hook in hooks.values():
                hook.free_preprocess(**about)
        _displace(self.ptr)
        if _state.capture is not None:
            _state.capture.freed(self)
        self.ptr = 0
        self.pool._give_back(self._block)
        if hooks:
            for hook in hooks.values():
                hook.free_postprocess(**about)

    def __del__(self, is_finalizing=sys.is_finalizing):
        if not is_finalizing():
            self.free()


class MemoryPointer:
    """A place in memory."""

    __slots__ = ("device_id", "mem", "ptr")

    def __init__(self, mem, offset):
        self.mem, self.ptr, self.device_id = mem, mem.ptr + offset, mem.device_id

    def __int__(self):
        return self.ptr

    def __add__(self, offset):
        return MemoryPointer(self.mem, self.ptr - self.mem.ptr + offset)

    @property
    def device(self):
        return self.mem.device


# ---- pools -----------------------------------------------------------------------------------------------------------


class MemoryPool:
    """Keeps the blocks that it gets back. What is written into those is an error, unless the pool is somebody's own: a
    captured graph works in such blocks whenever it is launched."""

    def __init__(self, allocator=None):
        if allocator is not None:
            raise NotImplementedError("the stand-in's pools take their memory from the system")
        self._free = collections.defaultdict(list)  # (device, stream, size) -> blocks
        self._used = collections.Counter()  # by device
        self._total = collections.Counter()
        self._limit = collections.Counter()

    def malloc(self, size):
        """An allocator for ``cupy.cuda.set_allocator`` and ``using_allocator``."""
        rounded = -(-size // _UNIT) * _UNIT
        hooks = getattr(_local, "hooks", None)
        if not hooks:
            return MemoryPointer(self._malloc(size, rounded), 0)
        about = {"device_id": _state.device, "size": size, "mem_size": rounded}
        for hook in hooks.values():
            hook.malloc_preprocess(**about)
        given = {"mem_ptr": 0, "pmem_id": 0}
        try:
            memory = self._malloc(size, rounded)
            given = {"mem_ptr": memory.ptr, "pmem_id": id(memory)}
        finally:
            for hook in hooks.values():
                hook.malloc_postprocess(**about, **given)
        return MemoryPointer(memory, 0)

    def _malloc(self, size, rounded):
        if size == 0:
            return Memory(0)
        device = _state.device
        # Graphs write into blocks of their own pool that are free, or somebody else's by then: as far as the array did
        # that was there. So only one of that size gets the block again.
        home = device, current_stream().ptr, rounded if _state.capture is None else size
        free = self._free[home]
        if free:
            block, written = free.pop(), self is not default_pool
        else:
            block, written = self._new_block(device, rounded, home), False
        self._used[device] += rounded
        return PooledMemory(self, block, size, written)

    def _new_block(self, device, rounded, home):
        if _blocks > _MOST_BLOCKS or self._total[device] - self._used[device] > _MOST_FREE_BYTES:
            self.free_all_blocks()
        if self._limit[device] and self._total[device] + rounded > self._limit[device]:
            raise OutOfMemoryError(
                f"Out of memory allocating {rounded:,} bytes (allocated so far: {self._total[device]:,} bytes, "
                f"limit set to: {self._limit[device]:,} bytes)."
            )
        hooks = getattr(_local, "hooks", {}).values()
        for hook in hooks:
            hook.alloc_preprocess(device_id=device, mem_size=rounded)
        block = _Block(rounded, home)
        for hook in hooks:
            hook.alloc_postprocess(device_id=device, mem_size=rounded, mem_ptr=block.begin)
        self._total[device] += rounded
        return block

    def _give_back(self, block):
        self._used[block.home[0]] -= block.size
        self._free[block.home].append(block)

    def free_all_blocks(self, stream=None):
        for home, free in list(self._free.items()):
            if stream is None or home[1] == stream.ptr:
                del self._free[home]
                for block in free:
                    self._total[home[0]] -= block.size
                    block.unmap()

    def poison_free_blocks(self):
        for block in itertools.chain(*self._free.values()):
            _native.mt_poison(block.begin, block.size)

    def used_bytes(self):
        return self._used[_state.device]

    def total_bytes(self):
        return self._total[_state.device]

    def free_bytes(self):
        return self._total[_state.device] - self._used[_state.device]

    def n_free_blocks(self):
        return sum(len(free) for home, free in self._free.items() if home[0] == _state.device)

    def set_limit(self, size=None, fraction=None):
        self._limit[_state.device] = size or int((fraction or 0) * 2**34)

    def get_limit(self):
        return self._limit[_state.device]

    def __del__(self, is_finalizing=sys.is_finalizing):
        if not is_finalizing():
            for block in itertools.chain(*self._free.values()):
                block.unmap()


class MemoryHook:
    """Is told of what the pools do, in the thread that entered it."""

    name = "MemoryHook"

    def __enter__(self):
        hooks = _local.__dict__.setdefault("hooks", {})
        if self.name in hooks:
            raise KeyError(f"memory hook {self.name} already exists")
        hooks[self.name] = self
        return self

    def __exit__(self, *_):
        del _local.hooks[self.name]

    def _ignore(self, **about):
        pass

    alloc_preprocess = alloc_postprocess = malloc_preprocess = malloc_postprocess = _ignore
    free_preprocess = free_postprocess = _ignore


# ---- the current allocator -------------------------------------------------------------------------------------------


def _from_the_system(size):
    return MemoryPointer(Memory(size), 0)


default_pool = MemoryPool()
_allocator = default_pool.malloc


def alloc(size):
    return get_allocator()(size)


def get_allocator():
    return getattr(_local, "allocator", None) or _allocator


def set_allocator(allocator=None):
    global _allocator
    if getattr(_local, "allocator", None) is not None:
        raise ValueError("Can't change the global allocator inside `using_allocator` context manager")
    _allocator = _from_the_system if allocator is None else allocator


@contextlib.contextmanager
def using_allocator(allocator=None):
    before = getattr(_local, "allocator", None)
    _local.allocator = _from_the_system if allocator is None else allocator
    try:
        yield
    finally:
        _local.allocator = before


# ---- arrays in memory ------------------------------------------------------------------------------------------------


def owner(array):
    """The memory that a NumPy array lies in, or None: it is the host's, or the array is empty."""
    base = array.base
    while base is not None and not isinstance(base, BaseMemory):
        base = getattr(base, "base", None)
    return base


def uninitialised(shape, dtype, order="C", strides=None):
    """A NumPy array in new memory of the current allocator."""
    dtype = np.dtype(dtype)
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (int(shape),)
    size = math.prod(shape) * dtype.itemsize
    pointer = alloc(size)
    if size == 0:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, np.asarray(pointer.mem), pointer.ptr - pointer.mem.ptr, strides, order)


def placed(array):
    """The array itself if it lies in the stand-in's memory, else a copy that does, with its elements in their order."""
    if array.size == 0 or owner(array) is not None:
        return array
    flags = array.flags
    if flags.c_contiguous or flags.f_contiguous:
        copy = uninitialised(array.shape, array.dtype, "C" if flags.c_contiguous else "F")
    else:
        copy = uninitialised(array.shape, array.dtype, strides=np.copy(array, "K").strides)
    copy[...] = array
    return copy
