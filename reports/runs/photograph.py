"""A picture of the user's own: read with its depth and its alpha, written back as it came."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from problems import images
from reports.runs import files

TIFF = (".tif", ".tiff")


@dataclass(frozen=True)
class Photograph:
    """``pixels`` [1, C, H, W] in [0, 1], ``alpha`` [H, W] in [0, 1] or None, the bits of a value, and the kind of file for answers.

    ``quantisation`` is the root mean square error in pixel units that JPEG's rounding has left in it, 0 where it is no JPEG.
    """

    path: Path
    pixels: Tensor
    alpha: Tensor | None
    bits: int
    suffix: str
    quantisation: float = 0.0

    def with_answer(self, x: Tensor) -> np.ndarray:
        """Pixels [h, w] or [h, w, C] in the depth of the file for an answer [1, C, h, w] of any size, its alpha resized to it."""
        shown = x[0].clamp(0, 1)
        if self.alpha is not None:
            size = tuple(x.shape[-2:])
            alpha = torch.nn.functional.interpolate(self.alpha[None, None], size, mode="bilinear", antialias=True)[0]
            shown = torch.cat([shown.expand(3, *size), alpha])
        values = (shown * (2**self.bits - 1)).round().movedim(0, -1).numpy()
        return values.astype(np.uint16 if self.bits == 16 else np.uint8).squeeze()


def read(path: str | Path) -> Photograph:
    """A picture upright, as grey where its colours are equal; colours that are hidden by its alpha stay as they are.

    Raises:
        FileNotFoundError, ValueError: no file, or no picture in known units.
    """
    path = Path(path)
    array = images.read(str(path))
    bits = 16 if array.dtype.itemsize > 1 else 8
    alpha = None
    if array.ndim == 3 and array.shape[-1] == 4:
        alpha, array = images.scaled(images.channels_first(array[..., 3])).float(), array[..., :3]
    try:
        x = images.as_tensor(array).float()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is no picture in known units: {error}") from None
    if x.shape[1] == 3 and bool((x[:, :1] == x).all()):
        x = x[:, :1]
    return Photograph(path, x, alpha, bits, ".tif" if path.suffix.lower() in TIFF else ".png", quantisation(path))


def quantisation(path: Path) -> float:
    """Each coefficient of brightness is rounded to a multiple of its step q, with an error of variance q^2 / 12 if it is not small.

    The steps stand in the file. Brightness is taken for the colours too, whose own errors are finer in RGB.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            tables = getattr(image, "quantization", None)
    except OSError:  # a bundled picture, or a TIFF that only tifffile reads
        return 0.0
    return float(np.sqrt(np.mean(np.square(tables[0])) / 12) / 255) if tables else 0.0


def write(path: Path, values: np.ndarray) -> None:
    """A PNG or TIFF of 8 or 16 bits, grey, RGB or RGBA, whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    import png
    import tifffile

    if path.suffix == ".tif":
        colours = "rgb" if values.ndim == 3 else "minisblack"
        extra = ["unassalpha"] if values.ndim == 3 and values.shape[-1] == 4 else None
        files.write(path, lambda file: tifffile.imwrite(file, values, photometric=colours, extrasamples=extra))
    else:
        height, width, planes = values.shape if values.ndim == 3 else (*values.shape, 1)
        writer = png.Writer(width, height, greyscale=planes == 1, alpha=planes == 4, bitdepth=8 * values.itemsize)
        files.write(path, lambda file: writer.write(file, values.reshape(height, -1)))
