"""Photographs as tensors: Pillow decodes JPEG, PNG and whatever else it reads."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np

from ..ops.creation import from_numpy
from ..tensor import Tensor


class DamagedImage(OSError):
    """A file was read but isn't an intact image. (A file that can't be read at all is an OSError of another kind.)"""


def load_image(path: str | os.PathLike[str]) -> Tensor:
    """The picture in a file as a uint8 tensor (3, H, W): red, green and blue, from 0 to 255. Needs Pillow.

    What is not red, green and blue becomes so as in torchvision's ``pil_loader``, by Pillow's ``convert("RGB")``: grey
    levels three times, a palette's colours, an alpha channel left out, CMYK and YCbCr converted, grey levels of 16 bits
    cut off at 255 (those need a loader of their own). An orientation in the EXIF data doesn't turn the picture.

    >>> import minitorch, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "picture.ppm")
    >>> with open(path, "wb") as file:  # a red and a blue pixel
    ...     count = file.write(b"P6 2 1 255 " + bytes([255, 0, 0, 0, 0, 255]))
    >>> minitorch.data.load_image(path)
    tensor([[[255,   0]],
    <BLANKLINE>
            [[  0,   0]],
    <BLANKLINE>
            [[  0, 255]]], dtype=minitorch.uint8)

    Raises:
        OSError: the file can't be read, or is no intact image; the message names it and says what is wrong.
        ImportError: Pillow isn't installed.
    """
    return decode(Path(path).read_bytes(), str(path))


def decode(data: bytes, name: str) -> Tensor:
    """The picture in the bytes of a file. ``name`` is what an error calls it.

    Raises:
        DamagedImage: the bytes aren't an intact image.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ImportError(f"{name}: images are decoded by Pillow: pip install pillow") from error
    if not data:
        raise DamagedImage(f"{name}: the file is empty")
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGB"))
    except MemoryError:
        raise  # says nothing of the file
    except UnidentifiedImageError as error:
        raise DamagedImage(f"{name}: not an image that Pillow can identify: it begins with {data[:8]!r}") from error
    except Exception as error:
        # Decoders meet damage with OSError, SyntaxError, ValueError, struct.error, DecompressionBombError, and others.
        raise DamagedImage(f"{name}: the image can't be decoded: {error} ({type(error).__name__})") from error
    return from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
