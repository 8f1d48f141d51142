"""The stand-in's memory: it counts as CuPy's does, and what is done to it wrongly shows."""

from __future__ import annotations

import cupy
import numpy as np
import pytest
from test_fibers import HELPERS, OUTSIDE

import minitorch


def kernel(body):
    code = f"{HELPERS}\n__global__ void kernel(float* x, const float* y) {{ {body} }}"
    return cupy.RawModule(code=code, name_expressions=("kernel",)).get_function("kernel")


def table_kernel(body):
    """Gets an array's address in a struct, as the optimisers' kernels do."""
    code = f"{HELPERS}\nstruct Table {{ u64 address; }}; __global__ void kernel(Table table) {{ {body} }}"
    function = cupy.RawModule(code=code, name_expressions=("kernel",)).get_function("kernel")
    return lambda array: function((1,), (1,), (np.array((array.data.ptr,), [("address", np.uint64)]),))


@pytest.fixture(params=["before", "behind"])
def guard(request, monkeypatch):
    monkeypatch.setattr(cupy._state, "guard", request.param)
    return request.param


@pytest.mark.parametrize("index", [-1, 5])
def test_writes_outside_are_caught_at_either_end(guard, index):
    with pytest.raises(RuntimeError, match=OUTSIDE):
        kernel(f"x[{index}] = 1;")((1,), (1,), (cupy.zeros(5, np.float32), cupy.zeros(5, np.float32)))


@pytest.mark.parametrize("index", [-1, 5])
def test_reads_outside_are_caught_or_give_nan(guard, index):
    x = cupy.zeros(5, np.float32)
    try:
        kernel(f"x[0] = y[{index}];")((1,), (1,), (x, cupy.zeros(5, np.float32)))
    except RuntimeError as error:
        assert "touches memory outside" in str(error)  # noqa: PT017
    else:
        assert np.isnan(x.get()[0])


@pytest.mark.parametrize("index", [-1, 5])
def test_an_array_whose_address_is_in_a_struct_is_guarded_too(guard, index):
    with pytest.raises(RuntimeError, match="array"):
        table_kernel(f"reinterpret_cast<float*>(table.address)[{index}] = 1;")(cupy.zeros(5, np.float32))


def test_every_array_of_the_stand_in_is_guarded():
    x = cupy.arange(6, dtype=np.float32)
    results = [
        x + x, x.copy(), x.reshape(2, 3).T.copy(), x.astype(np.float64), cupy.asarray(np.ones((2, 3)).T), x.sum(),
        cupy.stack([x, x]), cupy.where(x > 1, x, 0), x[cupy.asarray(np.array([0, 2]))], cupy.empty((2, 3), order="F"),
    ]  # fmt: skip
    for result in results:
        memory = result.data.mem
        assert isinstance(memory, cupy._memory.PooledMemory)
        assert 0 <= result.data.ptr - memory.ptr <= memory.size - result.nbytes
    assert results[4].flags.f_contiguous
    for view in (x[2:], x[::-1], x.reshape(2, 3).T, cupy.broadcast_to(x, (2, 6)), x.view(np.int32)):
        assert view.data.mem is x.data.mem


def test_freed_memory_is_full_of_nan_at_once(guard):
    x = cupy.zeros(5, np.float32)
    address = x.data.ptr
    y = cupy.empty(1, np.float32)
    del x
    copy = kernel(f"x[0] = reinterpret_cast<const float*>({address}ull)[2];")
    copy((1,), (1,), (y, y))
    assert np.isnan(y.get()[0])


def test_a_write_into_freed_memory_is_found_when_that_is_used_again():
    x = cupy.zeros(5, np.float32)
    address = x.data.ptr
    del x
    y = cupy.empty(1000, np.float32)
    kernel(f"reinterpret_cast<float*>({address}ull)[2] = 1;")((1,), (1,), (y, y))
    cupy.zeros(5, np.float32)
    with pytest.raises(RuntimeError, match="that had been freed"):
        cupy._memory.check()


def test_a_pool_of_ones_own_may_be_written_to_while_its_blocks_are_free():
    pool = cupy.cuda.MemoryPool()
    with cupy.cuda.using_allocator(pool.malloc):
        x, y = cupy.zeros(5, np.float32), cupy.zeros(999, np.float32)
        address = x.data.ptr
        del x
        kernel(f"reinterpret_cast<float*>({address}ull)[2] = 1;")((1,), (1,), (y, y))
        assert np.isnan(cupy.empty(5, np.float32).get()).all()
        assert pool.n_free_blocks() == 1
    cupy._memory.check()


def test_pools_count_blocks_of_512_bytes():
    pool = cupy.cuda.MemoryPool()
    with cupy.cuda.using_allocator(pool.malloc):
        x, y = cupy.empty(1, np.float32), cupy.empty(129, np.float32)
        assert (pool.used_bytes(), pool.total_bytes(), pool.n_free_blocks()) == (1536, 1536, 0)
        view = y[3:]
        del y
        assert pool.used_bytes() == 1536  # a view keeps its memory
        del view
        assert (pool.used_bytes(), pool.free_bytes(), pool.total_bytes(), pool.n_free_blocks()) == (512, 1024, 1536, 1)
        z = cupy.empty(256, np.float32)
        assert (pool.used_bytes(), pool.total_bytes()) == (1536, 1536)  # the freed block again
        with cupy.cuda.Device(1):
            assert pool.total_bytes() == 0
        del z
        pool.free_all_blocks()
        assert (pool.used_bytes(), pool.total_bytes(), pool.n_free_blocks()) == (512, 512, 0)
        pool.set_limit(size=600)
        with pytest.raises(cupy.cuda.OutOfMemoryError, match="limit set to: 600 bytes"):
            cupy.empty(2)
    assert x.data.mem.pool is pool
    assert cupy.empty(3).data.mem.pool is cupy.get_default_memory_pool()


def test_empty_arrays_have_no_memory():
    pool = cupy.cuda.MemoryPool()
    with cupy.cuda.using_allocator(pool.malloc):
        assert cupy.empty((0, 3)).data.ptr == 0
        assert pool.total_bytes() == 0


def test_hooks_are_told_what_cupys_are():
    told = []

    class Hook(cupy.cuda.MemoryHook):
        def alloc_postprocess(self, **about):
            told.append(("alloc", about))

        def malloc_postprocess(self, **about):
            told.append(("malloc", about))

        def free_postprocess(self, **about):
            told.append(("free", about))

    pool = cupy.cuda.MemoryPool()
    with Hook(), cupy.cuda.using_allocator(pool.malloc):
        x = cupy.empty(5, np.float32)
        about = {"device_id": 0, "mem_size": 512, "mem_ptr": x.data.ptr, "pmem_id": id(x.data.mem)}
        del x
        with pytest.raises(KeyError, match="already exists"):
            Hook().__enter__()
    cupy.empty(5)
    assert [name for name, _ in told] == ["alloc", "malloc", "free"]
    assert told[1][1] == {**about, "size": 20}
    assert told[2][1] == about


def test_minitorch_counts_what_tensors_take():
    minitorch.cuda.empty_cache()
    before, elsewhere = minitorch.cuda.memory_allocated(), minitorch.cuda.memory_allocated("cuda:1")
    x = minitorch.zeros(1000, device="cuda")  # 4000 bytes, in 8 blocks
    assert minitorch.cuda.memory_allocated() == before + 4096
    minitorch.cuda.reset_peak_memory_stats()
    y = -x
    del y
    assert minitorch.cuda.memory_allocated() == before + 4096
    assert minitorch.cuda.max_memory_allocated() == before + 8192
    assert minitorch.cuda.memory_reserved() >= before + 8192
    del x
    minitorch.cuda.empty_cache()
    assert minitorch.cuda.memory_allocated() == before
    assert minitorch.cuda.memory_reserved() == before
    assert minitorch.cuda.max_memory_allocated() == before + 8192
    assert minitorch.cuda.memory_allocated("cuda:1") == elsewhere
