from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest

import minitorch
from minitorch.data import load_image
from minitorch.data.decode import DamagedImage, decode

Image = pytest.importorskip("PIL.Image")

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def encoded(image, kind, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["png", "bmp", "ppm", "tiff"])
def test_lossless_files_give_their_pixels(tmp_path, kind):
    path = tmp_path / f"picture.{kind}"
    path.write_bytes(encoded(PIXELS, kind))
    for image in (load_image(path), load_image(str(path))):
        assert image.dtype == minitorch.uint8
        assert image.shape == (3, 5, 7)
        assert image.is_contiguous()
        np.testing.assert_array_equal(image.numpy(), PIXELS.transpose(2, 0, 1))


def test_the_result_is_a_tensor_of_its_own():
    image = decode(encoded(PIXELS, "png"), "picture")
    image[:] = 0
    assert image.sum().item() == 0


def test_jpeg_is_near_its_pixels():
    smooth = np.add.outer(np.arange(32), np.arange(16))[..., None] + np.array([0, 60, 150])
    image = decode(encoded(smooth.astype(np.uint8), "jpeg", quality=95), "picture")
    np.testing.assert_allclose(image.numpy().astype(int), smooth.transpose(2, 0, 1), atol=6)


@pytest.mark.parametrize(
    ("image", "kind", "expected"),
    [
        (Image.new("L", (1, 1), 77), "png", (77, 77, 77)),
        (Image.new("LA", (1, 1), (77, 3)), "png", (77, 77, 77)),
        (Image.new("RGBA", (1, 1), (10, 20, 30, 0)), "png", (10, 20, 30)),  # transparent, but its colour is known
        (Image.new("1", (1, 1), 1), "png", (255, 255, 255)),
        (Image.new("RGB", (1, 1), (250, 10, 20)).quantize(), "png", (250, 10, 20)),
        (Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "tiff", (255, 0, 0)),
        (Image.new("CMYK", (8, 8), (0, 0, 0, 255)), "jpeg", (0, 0, 0)),  # Adobe's, which are stored inverted
        (Image.fromarray(np.array([[200]], np.uint16)), "png", (200, 200, 200)),
        (Image.fromarray(np.array([[60000]], np.uint16)), "png", (255, 255, 255)),
    ],
)
def test_other_colours_become_red_green_and_blue(image, kind, expected):
    assert tuple(decode(encoded(image, kind), "picture").numpy()[:, 0, 0]) == expected


def test_orientation_does_not_turn_the_picture():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees for display
    assert decode(encoded(PIXELS, "jpeg", exif=exif), "picture").shape == (3, 5, 7)


def png_of_size(width, height):
    """The beginning of a PNG that announces a size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in (header, data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def jpeg():
    return encoded(np.kron(PIXELS, np.ones((20, 20, 1), np.uint8)), "jpeg")


DAMAGED = {
    "empty": (b"", "the file is empty"),
    "text": (b"not a picture at all", "not an image that Pillow can identify: it begins with b'not a pi'"),
    "zeros": (bytes(2000), "not an image that Pillow can identify"),
    "html": (b"<html>404 Not Found</html>", "not an image"),
    "JPEG, only its magic": (jpeg()[:3], "not an image"),
    "JPEG without its end": (jpeg()[: len(jpeg()) // 2], "the image can't be decoded: image file is truncated"),
    "PNG without its end": (encoded(PIXELS, "png")[:60], "the image can't be decoded"),
    "PNG with a wrong checksum": (encoded(PIXELS, "png").replace(b"IHDR", b"IHDX"), "not an image"),
    "PNG with nothing in it": (png_of_size(3, 2), "the image can't be decoded"),
    "a decompression bomb": (
        png_of_size(60000, 60000),
        "the image can't be decoded: .* decompression bomb .*DecompressionBombError",
    ),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_images(tmp_path, kind):
    data, message = DAMAGED[kind]
    with pytest.raises(DamagedImage, match=f"^picture: {message}"):
        decode(data, "picture")
    path = tmp_path / "picture.jpg"
    path.write_bytes(data)
    with pytest.raises(OSError, match=f"^{path}: "):
        load_image(path)


@pytest.mark.parametrize("kind", ["jpeg", "png", "bmp", "tiff", "webp", "ppm"])
def test_any_damage_is_an_error_that_names_the_file_or_a_picture(kind):
    intact = encoded(PIXELS, kind)
    rng = np.random.default_rng(0)
    messages = []
    for _ in range(60):
        data = bytearray(intact[: rng.integers(1, len(intact) + 1)])
        for position in rng.integers(0, len(data), 4):
            data[position] = rng.integers(256)
        try:
            assert decode(bytes(data), "picture").dtype == minitorch.uint8
        except DamagedImage as error:
            messages.append(str(error))
    assert messages
    assert all(message.startswith("picture: ") for message in messages)


def test_a_missing_file_is_not_taken_for_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_image(tmp_path / "missing.png")


def test_memory_that_runs_out_is_not_damage(monkeypatch):
    def convert(self, mode):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "convert", convert)
    with pytest.raises(MemoryError):
        decode(encoded(PIXELS, "png"), "picture")


def test_without_pillow_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImportError, match=r"picture: images are decoded by Pillow: pip install pillow"):
        decode(b"x", "picture")
