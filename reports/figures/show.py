"""Images in a row on one scale, for scripts and notebooks."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from problems.shown import display
from reports.figures import style
from reports.runs import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 1.8  # inches of a picture
ACROSS = 6  # pictures in a row; more of them go on below
LETTERS = 28  # of a title in a line
FORMATS = (".png", ".pdf", ".svg")


def show(
    *images: Any, titles: Sequence[str] = (), path: str | Path | None = None, limits: tuple[float, float] | None = (0.0, 1.0)
) -> Figure:
    """Images in a row, all on the same scale of grey, as a matplotlib figure.

    Args:
        images: tensors [B, C, H, W], of which each of the B is shown, or [H, W]; arrays [H, W] or [H, W, 3]. NaN is tinted.
        titles: a few words above each image shown, or none at all.
        path: a file, .png, .pdf or .svg, to which the figure is written. A notebook shows it in any case.
        limits: the values shown black and white; None takes the smallest and the largest of all, which stand at the bar beside them.

    Raises:
        TypeError: something that is no image.
        ValueError: no image, another number of titles than images, another kind of file.
        OSError: the file cannot be written.
    """
    pictures = [picture for image in images for picture in apart(image)]
    check(pictures, titles, path)
    low, high = limits or spread(pictures)
    from matplotlib import pyplot  # a notebook shows its figures by itself, and so finds them

    with matplotlib.rc_context(style.RC):
        columns = min(len(pictures), ACROSS)
        rows = math.ceil(len(pictures) / columns)
        figure, axes = pyplot.subplots(
            rows, columns, figsize=(SIDE * columns + 0.2, (SIDE + 0.25) * rows), squeeze=False, layout="constrained"
        )  # fmt: skip
        for ax, picture, title in zip(axes.flat, pictures, titles or [""] * len(pictures), strict=False):
            ax.imshow(display((picture - low) / (high - low)), interpolation="nearest")
            ax.set_title(textwrap.fill(title, LETTERS), size=8)
        for ax in axes.flat:
            ax.axis("off")
        if limits is None:
            figure.colorbar(ScalarMappable(Normalize(low, high), "gray"), ax=list(axes.flat), shrink=0.7, aspect=15)
        if path is not None:
            kind = Path(path).suffix[1:].lower()
            files.write(Path(path), lambda file: figure.savefig(file, format=kind, dpi=150))
    return figure


def apart(image: Any) -> list[np.ndarray]:
    """The pictures [H, W, 1 or 3] that an image holds."""
    if hasattr(image, "detach"):
        values = image.detach().cpu().double().numpy()
        values = values.reshape((1,) * (4 - values.ndim) + values.shape) if 2 <= values.ndim <= 4 else values
        found = list(np.moveaxis(values, 1, -1)) if values.ndim == 4 else []
    else:
        values = np.asarray(image)
        found = [values[..., None] if values.ndim == 2 else values] if values.ndim in (2, 3) and values.dtype.kind in "biuf" else []
    if not found or found[0].shape[-1] not in (1, 3) or values.size == 0:
        kind = f"{type(image).__name__} of shape {list(values.shape)}"
        raise TypeError(f"{kind} is no image; show takes tensors [B, C, H, W] or [H, W], and arrays [H, W] or [H, W, 3]")
    return [picture.astype(float) for picture in found]


def check(pictures: Sequence[np.ndarray], titles: Sequence[str], path: str | Path | None) -> None:
    if not pictures:
        raise ValueError("show needs an image at least, such as reports.show(problem.truth)")
    if isinstance(titles, str) or (titles and len(titles) != len(pictures)):
        told = "one text" if isinstance(titles, str) else f"{len(titles)} titles"
        raise ValueError(f"{told} for {len(pictures)} images; give a list of as many titles, or none")
    if path is not None and Path(path).suffix.lower() not in FORMATS:
        raise ValueError(f"a figure is written as {', '.join(FORMATS)}, not as {str(path)!r}")


def spread(pictures: Sequence[np.ndarray]) -> tuple[float, float]:
    """The smallest and the largest value, a little apart."""
    low, high = min(float(np.nanmin(p)) for p in pictures), max(float(np.nanmax(p)) for p in pictures)
    return low, max(high, low + 1e-12)
