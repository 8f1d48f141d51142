"""Adding and writing to places that an index names more than once: to the bit what NumPy's loop gives."""

from __future__ import annotations

import cupy
import numpy as np
import pytest
from against_reference import LAYOUTS, on_device

import minitorch
from minitorch.backends.cpu import CpuBackend
from minitorch.backends.cuda.scatter import Scatter
from minitorch.backends.reference import ReferenceBackend

pytestmark = pytest.mark.usefixtures("thread_order")

reference = ReferenceBackend()
DTYPES = [np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8, np.bool_]
# Few places and many summands, the reverse, rows of one and of more elements than a warp has threads, and nothing.
SHAPES = [(1, 3, 400, 1), (2, 5, 30, 40), (1, 700, 20, 1), (3, 4, 1, 7), (1, 1, 300, 2), (2, 3, 0, 4), (0, 3, 5, 2)]


def numbers(rng, shape, dtype):
    """Of very different size: a sum in another order has other bits."""
    if np.dtype(dtype).kind == "f":
        return (rng.standard_normal(shape) * 2.0 ** rng.integers(-8, 8, shape)).astype(dtype)
    return rng.integers(0, 2 if dtype == np.bool_ else 100, shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("index_dtype", [np.int64, np.int32])
def test_index_add(shape, dtype, index_dtype):
    rng = np.random.default_rng(0)
    outer, size, count, inner = shape
    output, source = (numbers(rng, (outer, n, inner), dtype) for n in (size, count))
    index = rng.integers(0, size, count).astype(index_dtype)
    there = cupy.asarray(output)
    Scatter.index_add(there, cupy.asarray(index), cupy.asarray(source))
    if dtype == np.float16:  # summed in float32, and rounded once
        wanted = output.astype(np.float32)
        reference.index_add(wanted, index, source.astype(np.float32))
        wanted = wanted.astype(dtype)
    else:
        wanted = output.copy()
        reference.index_add(wanted, index, source)
    assert there.dtype == dtype
    np.testing.assert_array_equal(there.get(), wanted)
    if dtype != np.float16:
        here = output.copy()
        CpuBackend().index_add(here, index, source)
        np.testing.assert_array_equal(here, wanted)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    rng = np.random.default_rng(1)
    source, index = numbers(rng, (2, 30, 5), np.float32), rng.integers(0, 4, 60)[::2]
    there, wanted = cupy.zeros((2, 4, 5), np.float32), np.zeros((2, 4, 5), np.float32)
    Scatter.index_add(there, cupy.asarray(index), on_device(source, layout))
    reference.index_add(wanted, index, source)
    np.testing.assert_array_equal(there.get(), wanted)
    places = rng.integers(-2, 2, (3, 30))
    there, wanted = on_device(numbers(rng, (4, 2, 30), np.float32), layout), numbers(rng, (4, 2, 30), np.float32)
    there[...] = cupy.asarray(wanted)
    values = numbers(rng, (3, 30, 30), np.float32)
    Scatter.index_put(there, (slice(1, 3), cupy.asarray(places)), on_device(values[:, :1], layout)[None])
    reference.index_put(wanted, (slice(1, 3), places), values[:, :1][None])
    np.testing.assert_array_equal(there.get(), wanted)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("count", [0, 1, 3, 700])
def test_the_last_of_several_stays(dtype, count):
    rng = np.random.default_rng(2)
    output, source = numbers(rng, (40,), dtype), numbers(rng, (count,), dtype)
    index = rng.integers(-40, 40, count)
    there = cupy.asarray(output)
    Scatter.index_put(there, (cupy.asarray(index),), cupy.asarray(source))
    reference.index_put(output, (index,), source)
    np.testing.assert_array_equal(there.get(), output)


@pytest.mark.parametrize(
    "index",
    [
        (1,),
        (slice(None), 2),
        (slice(1, None), slice(None, None, 2), 1),
        (1, slice(None), 2),
        (slice(None), 1, 2),
        (2, 1, slice(1, 3), 1),
    ],
    ids=str,
)
def test_arrays_among_slices(index):
    """A number n stands for an array of n dimensions, which broadcasts with the others."""
    rng = np.random.default_rng(3)
    output = numbers(rng, (3, 4, 5, 2), np.float32)
    index = tuple(rng.integers(-2, 2, (3, 4)[-n:]) if isinstance(n, int) else n for n in index)
    source = numbers(rng, output[index].shape, np.float32)
    there = cupy.asarray(output)
    Scatter.index_put(there, tuple(i if isinstance(i, slice) else cupy.asarray(i) for i in index), cupy.asarray(source))
    reference.index_put(output, index, source)
    np.testing.assert_array_equal(there.get(), output)


def test_values_that_do_not_fit():
    with pytest.raises(ValueError, match="broadcast"):
        Scatter.index_put(cupy.zeros(3), (cupy.asarray([0, 1]),), cupy.zeros(3))


INDEXING = {
    "getitem": lambda x, i: x[i],
    "index_select": lambda x, i: x.index_select(0, i),
    "gather": lambda x, i: x.gather(0, i[:, None]),
    "take_along_dim": lambda x, i: x.take_along_dim(i[:, None], 0),
    "embedding": lambda x, i: minitorch.nn.functional.embedding(i, x),
    "setitem": lambda x, i: x.__setitem__(i, 1.0),
    "scatter": lambda x, i: x.scatter(0, i[:, None], 1.0),
    "scatter_add": lambda x, i: x.scatter_add(0, i[:, None], x),
}


@pytest.mark.parametrize("call", INDEXING.values(), ids=INDEXING)
@pytest.mark.parametrize("wrong", [3, -4, 2**31 - 1, 2**62])
@pytest.mark.parametrize("dtype", [minitorch.int64, minitorch.int32])
def test_an_index_out_of_range_raises_as_on_the_cpu(call, wrong, dtype):
    """CuPy's own functions take the remainder."""
    if dtype is minitorch.int32 and (wrong >= 2**31 or call is INDEXING["take_along_dim"]):
        return
    messages = []
    for device in ("cpu", "cuda"):
        x = minitorch.arange(6.0, device=device).reshape(3, 2)
        index = minitorch.tensor([0, wrong], dtype=dtype, device=device)
        with pytest.raises((IndexError, RuntimeError), match=f"index {wrong} is out of bounds") as raised:
            call(x, index)
        messages.append((raised.type, str(raised.value)))
    assert messages[0] == messages[1]
