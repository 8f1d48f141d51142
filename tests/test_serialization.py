"""save and load: what comes back, files of others, damage, and what a crash leaves."""

from __future__ import annotations

import errno
import json
import math
import os
import pickle
import signal
import stat
import struct
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

import minitorch
from minitorch import nn, optim


def same(a, b):
    """Equality of nested objects: types, values (NaN equals NaN), and tensors with their dtypes."""
    if isinstance(a, minitorch.Tensor):
        return isinstance(b, minitorch.Tensor) and a.dtype is b.dtype and a.shape == b.shape and minitorch.equal(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(type(k) is type(j) and same(a[k], b[j]) for k, j in zip(a, b, strict=True))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


def round_trip(obj, folder):
    path = folder / "file.safetensors"
    minitorch.save(obj, path)
    return minitorch.load(path)


# ---- what comes back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3, 1)])
def test_tensors(tmp_path, dtype, shape):
    tensor = minitorch.from_numpy(np.random.default_rng(0).integers(0, 2, shape).astype(dtype))
    assert same(round_trip(tensor, tmp_path), tensor)
    assert same(round_trip({"t": tensor}, tmp_path), {"t": tensor})


def test_special_values_keep_their_bits(tmp_path):
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e-310])
    assert round_trip(minitorch.from_numpy(values), tmp_path).numpy().tobytes() == values.tobytes()


def test_views_are_stored_as_they_look(tmp_path):
    base = minitorch.arange(24.0).view(4, 6)
    views = {"t": base.t(), "part": base[::2, 1::2], "expanded": minitorch.ones(1, 3).expand(2, 3), "flip": base[0]}
    loaded = round_trip(views, tmp_path)
    for name, view in views.items():
        assert loaded[name].tolist() == view.tolist()
    loaded["expanded"].fill_(0)  # what was loaded has its own memory


def test_parameters_come_back_as_tensors(tmp_path):
    loaded = round_trip(nn.Parameter(minitorch.ones(2)), tmp_path)
    assert type(loaded) is minitorch.Tensor
    assert not loaded.requires_grad


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"))
tensors = st.builds(lambda n: minitorch.full((n,), n / 3), st.integers(0, 3))
keys = st.text(st.sampled_from("ab/~.$é\0"), max_size=4) | st.just("$tensor")
objects = st.recursive(
    scalars | tensors,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner, max_size=3)
        | st.dictionaries(st.integers(0, 99), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(objects)
def test_any_nesting(tmp_path_factory, obj):
    assert same(round_trip(obj, tmp_path_factory.mktemp("any")), obj)


def test_a_state_dict_is_a_plain_safetensors_file(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(2, 2))
    path = tmp_path / "model.safetensors"
    minitorch.save(model.state_dict(), path)
    arrays = safetensors.numpy.load_file(path)
    assert set(arrays) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    np.testing.assert_array_equal(arrays["0.weight"], model[0].weight.detach().numpy())


def test_names_in_the_file_are_paths(tmp_path):
    one = minitorch.ones(1)
    path = tmp_path / "file"
    minitorch.save({"model": OrderedDict({"conv1.weight": one}), "list": [one, {"a/b~": one}], "state": {0: one}}, path)
    assert set(safetensors.numpy.load_file(path)) == {"model/conv1.weight", "list/0", "list/1/a~1b~0", "state/0"}


def test_what_cannot_be_saved(tmp_path):
    for obj, error, message in (
        (nn.ReLU(), TypeError, r"save: the object is of type ReLU; save its state_dict\(\)"),
        ({"a": [1, {"b": np.ones(2)}]}, TypeError, "save: a/1/b is of type ndarray"),
        ({"a": {(1, 2): 3}}, TypeError, r"save: a has the key \(1, 2\)"),
        ({0: minitorch.ones(1), "0": minitorch.ones(1)}, ValueError, "the name '0' is taken"),
        ({"__metadata__": minitorch.ones(1)}, ValueError, "the name '__metadata__' is taken"),
    ):
        with pytest.raises(error, match=message):
            minitorch.save(obj, tmp_path / "file")
    assert os.listdir(tmp_path) == []


# ---- resuming --------------------------------------------------------------------------------------------------------


def a_run(seed):
    minitorch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    optimizer = optim.Adam(model.parameters(), lr=0.01, amsgrad=True)
    return model, optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)


def train(model, optimizer, scheduler, epochs):
    for _ in range(epochs):
        for _ in range(3):
            x, y = minitorch.randn(5, 4), minitorch.randint(3, (5,))
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(x), y).backward()
            optimizer.step()
        scheduler.step()


def test_training_resumes_to_the_bit(tmp_path):
    path = tmp_path / "checkpoint"
    through = a_run(0)
    train(*through, 5)
    model, optimizer, scheduler = a_run(0)
    train(model, optimizer, scheduler, 2)
    checkpoint = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "rng": minitorch.get_rng_state(),
        "epoch": 2,
    }
    minitorch.save(checkpoint, path)

    loaded = minitorch.load(path)
    assert loaded["epoch"] == 2
    resumed = a_run(99)
    for part, name in zip(resumed, ("model", "optimizer", "scheduler"), strict=True):
        part.load_state_dict(loaded[name])
    minitorch.set_rng_state(loaded["rng"])
    train(*resumed, 3)
    for a, b in zip(resumed, through, strict=True):
        assert same(dict(a.state_dict()), dict(b.state_dict()))


# ---- files of others, and damaged ones -------------------------------------------------------------------------------


def test_files_of_other_programs(tmp_path):
    path = tmp_path / "theirs"
    arrays = {"conv1.weight": np.ones((2, 1, 3, 3), np.float32), "n": np.array(3)}
    safetensors.numpy.save_file(arrays, path, {"format": "pt"})
    loaded = minitorch.load(path)
    assert loaded["conv1.weight"].shape == (2, 1, 3, 3)
    assert loaded["n"].item() == 3


def test_bad_files(tmp_path):
    good = tmp_path / "good"
    minitorch.save({"a": minitorch.ones(3)}, good)
    data = good.read_bytes()
    for content, message in (
        (b"", "is empty"),
        (b"epoch,loss\n1,0.5\n", "is not a safetensors file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is not a safetensors file"),
        (pickle.dumps({"a": 1}), "looks like a pickle, as torch.save writes it"),
        (b"PK\x03\x04" + bytes(100), "looks like a pickle, as torch.save writes it"),
        (data[:-1], "is a damaged or truncated safetensors file"),
        (data[:30], "is a damaged or truncated safetensors file"),
        (data + b"\0", "is a damaged or truncated safetensors file"),
    ):
        path = tmp_path / "bad"
        path.write_bytes(content)
        with pytest.raises(RuntimeError, match=message) as info:
            minitorch.load(path)
        assert str(path) in str(info.value)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        minitorch.load(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError):
        minitorch.load(tmp_path)


def test_every_damaged_byte_is_noticed(tmp_path):
    path = tmp_path / "file"
    minitorch.save({"epoch": 3, "w": minitorch.ones(2), "b": minitorch.zeros(1, dtype=minitorch.float64)}, path)
    data = bytearray(path.read_bytes())
    expected = minitorch.load(path)
    for position in range(len(data)):
        data[position] ^= 0x01
        path.write_bytes(data)
        data[position] ^= 0x01
        try:
            loaded = minitorch.load(path)
        except RuntimeError as error:
            message = str(error)
        else:
            # Damage that does not matter: to the version that wrote the file, say.
            assert same(loaded, expected)
            message = str(path)
        assert str(path) in message


def a_file(path, structure, **tensors):
    """A file with a valid checksum around any structure."""
    from minitorch.serialization import _checksum

    metadata = {"minitorch": "0", "structure": structure, "crc32": _checksum(structure, tensors)}
    safetensors.numpy.save_file(tensors, path, metadata)


@pytest.mark.parametrize(
    "structure",
    ["", "{", '{"$tensor":"b"}', '{"$tensor":[]}', '{"$float":"x"}', '{"$dict":[[1]]}', '{"$tuple":3}', "[" * 100000],
)
def test_structures_that_make_no_sense(tmp_path, structure):
    a_file(tmp_path / "file", structure, a=np.ones(1))
    with pytest.raises(RuntimeError, match="file' has a structure that this version doesn't understand"):
        minitorch.load(tmp_path / "file")


def test_a_dtype_that_minitorch_lacks(tmp_path):
    header = json.dumps({"w": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    path = tmp_path / "file"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0")
    with pytest.raises(TypeError, match=r"file': tensor 'w' has dtype BF16; Minitorch has bool, uint8"):
        minitorch.load(path)


def test_a_model_stays_as_it_was_when_its_file_does_not_fit(tmp_path):
    model = nn.Linear(2, 2)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    minitorch.save(nn.Linear(3, 2).state_dict(), tmp_path / "file")
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        model.load_state_dict(minitorch.load(tmp_path / "file"))
    assert same(dict(model.state_dict()), before)


def test_a_device_that_is_not_there(tmp_path):
    minitorch.save(minitorch.ones(1), tmp_path / "file")
    assert minitorch.load(tmp_path / "file", map_location="cpu").tolist() == [1]
    with pytest.raises(RuntimeError, match="cuda"):
        minitorch.load(tmp_path / "file", map_location="cuda:7")


# ---- writing ---------------------------------------------------------------------------------------------------------


def test_new_files_get_the_usual_permissions(tmp_path):
    previous = os.umask(0o027)
    try:
        minitorch.save(1, tmp_path / "file")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_link_is_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "folder" / "file")
    minitorch.save(3, link)
    assert link.is_symlink()
    assert minitorch.load(tmp_path / "folder" / "file") == 3


def test_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    minitorch.save(3, "file")
    assert minitorch.load("file") == 3


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        minitorch.save(1, tmp_path / "nowhere" / "file")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    minitorch.save(1, tmp_path / "file")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        minitorch.save(2, tmp_path / "file")
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["file"]
    assert minitorch.load(tmp_path / "file") == 1


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path, call):
    path = tmp_path / "file"
    minitorch.save({"w": minitorch.ones(1000)}, path)
    script = (
        "import minitorch, os, signal\n"
        f"os.{call} = lambda *args: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"minitorch.save({{'w': minitorch.zeros(1000)}}, {str(path)!r})\n"
    )
    finished = subprocess.run([sys.executable, "-c", script], check=False)
    assert finished.returncode == -signal.SIGKILL
    assert minitorch.load(path)["w"].sum().item() == 1000


def test_the_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):

        def record(*args, name=name, originals=(os.fsync, os.replace)):
            is_folder = name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
            calls.append("fsync folder" if is_folder else name)
            return originals[name == "replace"](*args)

        monkeypatch.setattr(os, name, record)
    minitorch.save(1, tmp_path / "file")
    assert calls == ["fsync", "replace", "fsync folder"]
