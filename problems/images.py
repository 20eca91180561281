"""Pictures in, pictures out: by name, from files, arrays, PIL images and tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from problems.catalogue import IMAGES
from problems.names import is_picture, unknown

FULL_SCALE = {torch.bool: 1, torch.uint8: 255, torch.uint16: 65535}
SIGNED = 0.4  # pixels this far on both sides of zero, and none beyond 1: a picture in [-1, 1]
UNASSOCIATED = 2  # of TIFF's extra samples: alpha that the colours are not multiplied by
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as PIL's mode "L"


def load_image(image: str | Path, size: int | None = None, channels: int = 1) -> Tensor:
    """A bundled picture by name (``IMAGES``) or a file, float32 [1, C, H, W] in [0, 1].

    Args:
        size: cut the largest centred square and shrink it to ``size`` x ``size``, antialiased.
        channels: 1 for luminance, 3 for colour; a grey picture in colour has three equal channels.

    Raises:
        ValueError: unknown name, a file that is no picture, ``size`` above the short side, ``channels`` not 1 or 3.
        FileNotFoundError: no such file.
    """
    x = in_channels(as_tensor(image).float(), channels)
    return x if size is None else shrunk(centre(x), size, str(image))


def as_tensor(image: Any) -> Tensor:
    """Any picture as a float tensor [B, C, H, W], C in (1, 3).

    Takes a bundled name or path, a PIL image, an array [H, W] or [H, W, 1 | 3 | 4], a tensor [H, W], [C, H, W] or [B, C, H, W].
    8-bit and 16-bit integers are divided by 255 and 65535, float values kept, float64 in double; alpha is laid on white.

    Raises:
        TypeError: another type, or integers of unknown scale.
        ValueError: another shape, NaN or infinite values, values far outside [0, 1].
    """
    if isinstance(image, str | Path):
        return from_file(str(image))
    if isinstance(image, Image.Image):
        image = pixels(image)
    if isinstance(image, np.ndarray):
        image = channels_first(image)
    if not isinstance(image, Tensor):
        raise TypeError(f"{type(image).__name__} is not an image; give a name, path, numpy array, PIL image or torch tensor")
    if not 2 <= image.ndim <= 4:
        raise ValueError(f"an image tensor is [H, W], [C, H, W] or [B, C, H, W], not {list(image.shape)}")
    x = scaled(image.detach())
    return checked(on_white(x.reshape((1,) * (4 - x.ndim) + x.shape)))


def from_file(name: str) -> Tensor:
    """``as_tensor`` of a bundled picture or a file, whose name stands in what is refused."""
    array = read(name)
    try:
        return as_tensor(array)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no picture in known units: {error}") from None


def to_array(x: Tensor) -> np.ndarray:
    """The first image of [B, C, H, W] as an array [H, W] or [H, W, 3], in the dtype of x, not clipped."""
    first = x[0].detach().cpu()
    return (first[0] if len(first) == 1 else first.permute(1, 2, 0)).numpy()


def read(name: str) -> np.ndarray:
    """Pixels of a bundled picture or a file, with the channels and the number type it has there."""
    if name in IMAGES:
        import skimage.data

        return getattr(skimage.data, name)()
    if not Path(name).is_file():
        if name.strip() and Path(name).is_dir():
            raise ValueError(f"{' '.join(name.split())} is a folder; name the pictures in it, such as {Path(name) / 'NAME.png'}")
        if is_picture(name):
            raise FileNotFoundError(f"no image file {' '.join(name.split())}; check the path")
        raise ValueError(unknown("image or file", name, IMAGES))
    try:
        if Path(name).suffix.lower() in (".tif", ".tiff"):
            return read_tiff(name)
        return read_deep_png(name) if is_deep_png(name) else read_by_pillow(name)
    except Exception as error:  # a damaged file fails in its decoder's own way
        raise ValueError(f"{name} cannot be read as an image ({error}); save it again as PNG or TIFF") from None


def read_by_pillow(name: str) -> np.ndarray:
    with Image.open(name) as image:
        return pixels(image)


def is_deep_png(name: str) -> bool:
    """Whether a file is a PNG with colours or alpha of 16 bits, of which Pillow reads 8."""
    with Path(name).open("rb") as file:
        head = file.read(26)
    return head[:8] == b"\x89PNG\r\n\x1a\n" and head[24:25] == b"\x10" and head[25:26] in (b"\x02", b"\x04", b"\x06")


def read_deep_png(name: str) -> np.ndarray:
    import png

    with Path(name).open("rb") as file:
        width, height, rows, facts = png.Reader(file).read()
        array = np.vstack([np.asarray(row, np.uint16) for row in rows]).reshape(height, width, facts["planes"])
    return array if facts["planes"] > 2 else array[..., [0, 0, 0, 1]]


def read_tiff(name: str) -> np.ndarray:
    """The first page. Plain grey, RGB and RGBA by tifffile, which keeps 16 bits and floats of colour; all else by Pillow.

    Pillow turns pictures upright and knows palettes, CMYK, YCbCr and both kinds of alpha, but reads 8 bits of a colour only.
    """
    import tifffile

    with tifffile.TiffFile(name) as file:
        page: Any = file.pages[0]
        tag = page.tags.get("Orientation")
        known = not page.extrasamples or (page.photometric.name == "RGB" and tuple(page.extrasamples) == (UNASSOCIATED,))
        plain = page.photometric.name in ("MINISBLACK", "MINISWHITE", "RGB") and known and page.planarconfig == 1
        if not plain or page.dtype is None or page.dtype.itemsize < 2:
            return read_by_pillow(name)
        try:
            array = page.asarray()
        except ValueError:  # compressed by a codec that tifffile does not have
            return read_by_pillow(name)
    if page.photometric.name == "MINISWHITE":
        array = np.iinfo(array.dtype).max - array if array.dtype.kind == "u" else 1 - array
    return upright(array, 1 if tag is None else int(tag.value))


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """An array [H, W, ...] turned and mirrored as the tag Orientation (1 to 8, TIFF 6.0) asks for."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    down, right = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return array[:: -1 if down else 1, :: -1 if right else 1]


def pixels(image: Image.Image) -> np.ndarray:
    """A PIL image, turned upright, as an array; palettes, foreign colour spaces and transparent colours become RGB or RGBA."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ("La", "RGBa"):  # colours multiplied by alpha
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    known = image.mode in ("1", "L", "RGB", "F") and not image.has_transparency_data
    if not known and not image.mode.startswith("I"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return np.asarray(image)


def channels_first(array: np.ndarray) -> Tensor:
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (1, 3, 4))):
        raise ValueError(f"an image array is [H, W] or [H, W, 1 | 3 | 4], not {list(array.shape)}")
    if array.dtype.kind not in "bfu":
        raise TypeError(f"an image of {array.dtype} has no known scale; give uint8, uint16, or float in [0, 1]")
    native = array.astype(array.dtype.newbyteorder("="))  # a copy, since read-only arrays and reversed strides are allowed
    return torch.from_numpy(native if array.ndim == 2 else np.moveaxis(native, -1, 0).copy())


def scaled(x: Tensor) -> Tensor:
    """Integers to [0, 1] by their full scale, half precision to float32."""
    if x.dtype == torch.float64:
        return x
    if not (x.dtype in FULL_SCALE or x.is_floating_point()):
        raise TypeError(f"an image of {x.dtype} has no known scale; give uint8, uint16, or float in [0, 1]")
    return x.float() / FULL_SCALE.get(x.dtype, 1)


def on_white(x: Tensor) -> Tensor:
    if x.shape[1] != 4:
        return x
    colour, alpha = x[:, :3], x[:, 3:]
    return colour * alpha + (1 - alpha)


def checked(x: Tensor) -> Tensor:
    if x.shape[1] not in (1, 3) or x.numel() == 0:
        raise ValueError(f"an image has 1 or 3 channels and at least one pixel; this one is [B, C, H, W] = {list(x.shape)}")
    if not bool(torch.isfinite(x).all()):
        raise ValueError("the image holds NaN or infinite values; replace them, or measure around them with problems.inpaint")
    low, high = float(x.min()), float(x.max())
    if -1.001 < low < -SIGNED and SIGNED < high < 1.001:
        raise ValueError(f"the image ranges from {low:.3g} to {high:.3g}, as pictures in [-1, 1] do; give (x + 1) / 2, in [0, 1]")
    if low < -1 or high > 2:
        raise ValueError(f"the image ranges from {low:.3g} to {high:.3g}, far outside [0, 1]; divide by 255, or by its full scale")
    return x


def in_channels(x: Tensor, channels: int) -> Tensor:
    """Luminance for 1, three equal channels from grey for 3."""
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (colour), not {channels}")
    if x.shape[1] == channels:
        return x
    return x.repeat(1, 3, 1, 1) if channels == 3 else (x * x.new_tensor(LUMINANCE)[:, None, None]).sum(1, keepdim=True)


def centre(x: Tensor) -> Tensor:
    """The largest centred square."""
    height, width = x.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return x[..., top : top + side, left : left + side]


def shrunk(x: Tensor, size: int, name: str) -> Tensor:
    """Cubic and antialiased; enlarging is refused: it adds pixels without detail, which would raise every score."""
    side = x.shape[-1]
    if not 1 <= size <= side:
        raise ValueError(f"size must lie from 1 to {side}, the short side of {name}, not {size}; pictures are never enlarged")
    if size == side:
        return x
    return torch.nn.functional.interpolate(x, (size, size), mode="bicubic", antialias=True).clamp(0, 1)
