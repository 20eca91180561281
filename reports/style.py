"""How figures and page look: colours that every eye can tell apart, one small type, and no more ink than needed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

INK, MUTED, HAIR, PAPER = "#1b1f24", "#5e6872", "#d3d9de", "#ffffff"  # the page swaps these four in the dark
UNMEASURED = "#f2c19a"  # a tint that no grey picture has
MAP = "viridis"  # standard deviations and errors
WIDTH = 7.2  # inches: two columns of a paper

RC: dict[Any, Any] = {
    "figure.facecolor": "none",
    "savefig.facecolor": PAPER,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same figure on every machine
    "font.size": 7,
    "text.color": INK,
    "text.parse_math": False,  # a file name may hold dollar signs
    "axes.edgecolor": HAIR,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "image.interpolation": "nearest",
    "pdf.fonttype": 42,
    "svg.hashsalt": "priorbench",
}


class Look(NamedTuple):
    """Colour and marker of a family; the colours are those of Okabe and Ito (2008), cool to warm along the spectrum."""

    colour: str
    marker: str


FAMILIES = {
    "smoother": Look("#56b4e9", "o"),
    "variational": Look("#0072b2", "s"),
    "classical": Look("#009e73", "^"),
    "learned": Look("#e69f00", "D"),
    "generative": Look("#d55e00", "*"),
}
OTHER = Look("#cc79a7", "P")


def look(family: str | None) -> Look:
    return FAMILIES.get(family or "", OTHER)


def display(image: np.ndarray) -> np.ndarray:
    """An image [H, W, 1 or 3] as a screen shows it, [H, W, 3]: clipped to [0, 1], NaN (not measured) tinted."""
    colour = np.array([int(UNMEASURED[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(np.isnan(image), colour, np.clip(image, 0, 1))
