"""What the one place that launches kernels refuses before CUDA gets it: CUDA itself checks nothing."""

from __future__ import annotations

import cupy
import numpy as np
import pytest

from minitorch.backends.cuda.launch import Strided, launch


def relu(input, output, n, grid=(1,), block=(32,), name="relu<float>", further=()):
    launch("elementwise", name, grid=grid, block=block, args=(input, output, n, *further))
    return output.get().tolist()


def arrays(dtype=np.float32):
    return cupy.asarray(np.array([-1, 2, -3, 4], dtype)), cupy.zeros(4, dtype)


def test_a_launch_as_the_kernel_declares_it():
    assert relu(*arrays(), np.int64(4)) == [0, 2, 0, 4]


def test_a_grid_of_no_blocks_launches_nothing():
    assert relu(*arrays(), np.int64(4), grid=(0,)) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("input", "n", "further", "message"),
    [
        (cupy.zeros(4, np.float32), np.int64(4), (1,), "the kernel has 3 parameters, got 4 arguments"),
        (cupy.zeros(4), np.int64(4), (), "input points to float32, got ndarray of float64"),
        (np.zeros(4, np.float32), np.int64(4), (), "input points to float32, got ndarray of float32"),
        (cupy.zeros(4, np.float32), 4, (), "n is one int64, got int"),
        (cupy.zeros(4, np.float32), np.int32(4), (), "n is one int64, got int32"),
        (cupy.zeros(4, np.float32), np.float64(4), (), "n is one int64, got float64"),
        (cupy.zeros(8, np.float32)[::2], np.int64(4), (), r"input must lie in C order, got strides \(8,\)"),
        (cupy.zeros((2, 2), np.float32).T, np.int64(4), (), r"input must lie in C order, got strides \(4, 8\)"),
    ],
)
def test_arguments_that_the_kernel_does_not_declare(input, n, further, message):
    with pytest.raises(TypeError, match=message):
        relu(input, cupy.zeros(4, np.float32), n, further=further)


def test_a_kernel_that_gets_strides_takes_any_order():
    array = cupy.zeros((2, 2), np.float32).T
    assert relu(Strided(array), cupy.zeros(4, np.float32), np.int64(4)) == [0] * 4


@pytest.mark.parametrize(
    ("grid", "block", "name", "message"),
    [
        ((1,), (2048,), "relu<float>", "is more than CUDA takes"),
        ((1, 70_000), (32,), "relu<float>", "is more than CUDA takes"),
        ((1,), (32,), "relu<half>", "lists no instance 'relu<half>'"),
    ],
)
def test_launches_that_cuda_does_not_take(grid, block, name, message):
    with pytest.raises(ValueError, match=message):
        relu(*arrays(), np.int64(4), grid=grid, block=block, name=name)


@pytest.mark.skipif(cupy.cuda.runtime.getDeviceCount() < 2, reason="needs two GPUs")
def test_a_kernel_runs_on_its_arrays_device():
    with cupy.cuda.Device(1):
        input, output = arrays()
        other = cupy.zeros(4, np.float32)
    with pytest.raises(ValueError, match="on several devices, cuda:0 and cuda:1"):
        launch("elementwise", "relu<float>", grid=(1,), block=(32,), args=(arrays()[0], other, np.int64(4)))
    launch("elementwise", "relu<float>", grid=(1,), block=(32,), args=(input, output, np.int64(4)))
    with cupy.cuda.Device(1):
        assert output.get().tolist() == [0, 2, 0, 4]
