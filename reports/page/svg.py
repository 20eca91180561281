"""A figure as inline SVG: in the colours of the page, with a sentence for those who do not see it, and no larger than it must be."""

from __future__ import annotations

import base64
import io
import re
import zlib

import matplotlib
import numpy as np
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

from reports.figures import style
from reports.figures.charts import DPI, MARGIN

THEMED = {style.INK: "var(--ink)", style.MUTED: "var(--muted)", style.HAIR: "var(--hair)", style.PAPER: "var(--paper)"}
SHORTER = (
    (r"<!--.*?-->", ""),  # comments repeat every text
    (r"\n\s*", "\n"),
    (r"DejaVuSans-", ""),
    (r"xlink:href=", "href="),
    (r'transform="translate\((\S+) 0\)"/>', r'x="\1"/>'),  # of a letter in its line
)


def inline(figure: Figure, stem: str, told: str, margin: float = MARGIN) -> Markup:
    """A figure as inline SVG, with ids of its own that begin as ``stem`` says, and what is ``told`` as its label.

    ``margin`` inches are cut off on both sides, so that figure and text begin at one line.
    """
    file = io.StringIO()
    for image in figure.findobj(AxesImage):
        unsampled(image)
    with matplotlib.rc_context({**style.RC, "image.composite_image": False}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", dpi=DPI, facecolor="none", metadata=nothing)
    attributes, _, drawing = slim(file.getvalue().partition("<svg")[2], f"f{zlib.crc32(stem.encode()):x}").partition(">")
    width, height = attributes.partition('viewBox="')[2].partition('"')[0].split()[2:]
    box = f"{72 * margin:g} 0 {float(width) - 2 * 72 * margin:g} {height}"
    return Markup(f'<svg viewBox="{box}" preserveAspectRatio="xMinYMin" role="img" aria-label="{escape(told)}">{drawing}')


def unsampled(image: AxesImage) -> None:
    """Keep a picture that is shown whole in its own pixels: the browser enlarges them, and the page stays small."""
    left, right, bottom, top = image.get_extent()
    if abs(right - left) <= abs(image.axes.viewLim.width) and abs(top - bottom) <= abs(image.axes.viewLim.height):
        image.set_interpolation("none")


def slim(text: str, key: str) -> str:
    """The same drawing in fewer bytes, in the colours of the page, its ids beginning with ``key``."""
    for pattern, shorter in SHORTER:
        text = re.sub(pattern, shorter, text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{key}-", text)
    for colour, variable in THEMED.items():
        text = text.replace(colour, variable)
    return re.sub(r'data:image/png;base64,([^"]*)', lambda found: f"data:image/png;base64,{repacked(found[1])}", text)


def repacked(encoded: str) -> str:
    """A PNG in base64 with the same pixels; if they are opaque, as grey values, or as a palette where colours are few, as in maps."""
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    pixels = np.asarray(picture)
    values, places = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if (values[:, 3] < 255).any():
        return encoded
    if (values[:, :1] == values[:, 1:3]).all():
        smaller = picture.convert("L")
    elif len(values) > 256:
        smaller = picture.convert("RGB")
    else:
        smaller = Image.fromarray(places.reshape(pixels.shape[:2]).astype(np.uint8), "P")
        smaller.putpalette(values[:, :3].tobytes())
    file = io.BytesIO()
    smaller.save(file, "png")
    return base64.b64encode(file.getvalue()).decode()
