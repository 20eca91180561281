"""Which pixels are measured: bool arrays [H, W], true where there is a measurement.

Wherever a mask is asked for, a text will do ("random:0.5", "box:0.25", "text", a picture file), and so will a bool array or tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from problems.kernels import read_npy
from problems.names import arguments, is_picture
from problems.seeds import Seed, generator

GREYS = 0.2  # share of grey pixels that the soft edges of drawn strokes stay below
WORDS = ("measured", "conjured", "prior", "image", "noise", "sample", "guess", "pixel", "blur", "answer", "truth", "spread")


def random(shape: Sequence[int], keep: float = 0.5, rng: Seed = 0) -> np.ndarray:
    """Single pixels at random; exactly the share ``keep`` of them is measured, rounded to a pixel, at least one."""
    if not 0 < keep <= 1:
        raise ValueError(f"keep, the share of measured pixels, must lie above 0 and up to 1, not {keep}")
    size = int(np.prod(shape))
    return (generator(rng).permutation(size) < max(1, round(keep * size))).reshape(shape)


def box(shape: Sequence[int], side: float = 0.25) -> np.ndarray:
    """A square hole in the middle; ``side`` is its share of the shorter side of the image."""
    if not 0 < side < 1:
        raise ValueError(f"side, the share of the shorter image side, must lie between 0 and 1, not {side}")
    hole = max(1, round(side * min(shape)))
    mask = np.ones(shape, dtype=bool)
    top, left = ((n - hole) // 2 for n in shape)
    mask[top : top + hole, left : left + hole] = False
    return mask


def text(shape: Sequence[int], rng: Seed = 0) -> np.ndarray:
    """Lines of text and two pen strokes lie over the image; what they cover is missing."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = shape
    rng = generator(rng)
    paper = Image.new("1", (width, height), 1)
    pen, line = ImageDraw.Draw(paper), max(6, min(shape) // 10)
    font = ImageFont.load_default(line)
    for top in range(line // 3, height, 2 * line):
        pen.text((-int(rng.integers(2 * line)), top), " ".join(rng.permutation(WORDS)), fill=0, font=font)
    for _ in range(2):
        pen.line([(x, int(rng.integers(height))) for x in np.linspace(0, width, 4)], fill=0, width=max(1, line // 8))
    return np.array(paper)


MASKS: dict[str, Callable[..., np.ndarray]] = {"random": random, "box": box, "text": text}


def named(text: str, shape: Sequence[int], rng: Seed = 0) -> np.ndarray:
    """A mask from a text: a name with a number, "random:0.5", a picture or a .npy file.

    Raises:
        ValueError: unknown name, a number that does not fit.
        FileNotFoundError: no such file.
    """
    if is_picture(text) or Path(text).suffix.lower() == ".npy":
        return load(text)
    name, values = arguments("mask", text, MASKS, given=("shape", "rng"))
    return MASKS[name](shape, **values) if name == "box" else MASKS[name](shape, **values, rng=rng)


def load(path: str | Path) -> np.ndarray:
    """A mask from a .npy file of bools (or of zeros and ones), or drawn as a picture.

    In a picture black is missing, white or transparent (as on white paper) is measured; in an array false is missing, true is measured.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a picture with many greys, an array of other numbers, or one that leaves nothing measured or nothing missing; the
            sentence names the file.
    """
    array = Path(path).suffix.lower() == ".npy"
    mask = stored(Path(path)) if array else drawn(path)
    if mask.all() or not mask.any():
        missing, measured = ("false", "true") if array else ("black", "white or transparent")
        all_or_none = f"{measured}: nothing is missing" if mask.all() else f"{missing}: nothing is measured"
        raise ValueError(f"the mask {path} is all {all_or_none}; {missing} is missing, {measured} is measured, so draw or invert it")
    return mask


def drawn(path: str | Path) -> np.ndarray:
    from problems.images import load_image, to_array

    picture = to_array(load_image(path))
    grey = float(((picture > 0.25) & (picture < 0.75)).mean())
    if grey > GREYS:
        raise ValueError(f"{path} is no mask: {grey:.0%} of its pixels are neither dark nor bright; draw what is missing in black on white")
    return picture >= 0.5


def stored(path: Path) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f"no mask file {path}; check the path")
    try:
        (values,) = read_npy(path)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a mask ({error}); save it again") from None
    if values.ndim != 2 or not (values.dtype == bool or (values.dtype.kind in "iuf" and np.isin(values, (0, 1)).all())):
        raise ValueError(f"{path} holds no mask; a mask is an array [height, width] of bools, or of zeros and ones")
    return values == 1


def as_mask(mask: Any) -> np.ndarray:
    """A bool array [H, W] from an array or a tensor.

    Raises:
        TypeError: values that are not bools.
        ValueError: not two-dimensional, or nothing measured.
    """
    array = np.array(mask.detach().cpu().numpy() if hasattr(mask, "detach") else mask)
    if array.dtype != bool:
        raise TypeError(f"a mask holds bools, true where measured, not {array.dtype}; compare, for example mask > 0.5")
    if array.ndim != 2:
        raise ValueError(f"a mask is an array [height, width], not one of shape {list(array.shape)}")
    if not array.any():
        raise ValueError("the mask measures no pixel; at least one must be true")
    return array
