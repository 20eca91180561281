"""How pictures look in a notebook: a row of them as inline PNG, with a line of facts."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST = 128  # pixels on a screen: smaller pictures are enlarged, their pixels kept square
UNMEASURED = "#f2c19a"  # a tint that no grey picture has


def gallery(pictures: Mapping[str, Tensor], facts: str) -> str:
    """HTML: the first of each [B, C, H, W], clipped to [0, 1] and NaN tinted, above its name; then ``facts``, which may be any text."""
    cells = "".join(
        f'<figure style="display:inline-block;margin:0 .5em .5em 0"><img src="{data_uri(x)}" width="{width(x)}" alt="{escape(name)}" '
        f'style="image-rendering:pixelated"><figcaption>{escape(name)}</figcaption></figure>'
        for name, x in pictures.items()
    )
    return f"<div>{cells}<div>{escape(facts)}</div></div>"


def width(x: Tensor) -> int:
    return x.shape[-1] * max(1, math.ceil(SMALLEST / x.shape[-1]))


def data_uri(x: Tensor) -> str:
    """The first of [B, C, H, W] as PNG inside the text of a page."""
    seen, file = display(x[0].detach().cpu().movedim(0, -1).numpy()), io.BytesIO()
    Image.fromarray(np.round(seen * 255).astype(np.uint8)).save(file, "png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def display(image: np.ndarray) -> np.ndarray:
    """An image [H, W, 1 or 3] as a screen shows it, [H, W, 3]: clipped to [0, 1], NaN (not measured) tinted."""
    colour = np.array([int(UNMEASURED[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(np.isnan(image), colour, np.clip(image, 0, 1))
