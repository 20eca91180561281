"""The page to watch: an exact denoiser that runs in the reader's browser, and the chains of a run played back."""

from __future__ import annotations

import json
from pathlib import Path

from markupsafe import Markup

from priors import mixture
from reports.page import scripts, templates

SIDE = 32  # pixels of the live pictures: a power of two, as the page's Fourier transform needs
SPREAD = 0.1  # of the live prior, the default of priors.mixture.digits


def facts() -> dict[str, object]:
    """What the page's prior is made from: the digits as bits, and how they are drawn."""
    digits = {"digits": mixture.DIGITS, "dark": mixture.DARK, "bright": mixture.BRIGHT, "shifts": mixture.SHIFTS}
    return {**digits, "spread": SPREAD, "side": SIDE}


def build(path: Path) -> Path:
    """Write the page, one file that needs no other, and return its path.

    Raises:
        OSError: it cannot be written.
    """
    return templates.write(
        path,
        "watch/watch.html.j2",
        facts=embedded(facts()),
        side=SIDE,
        spread=SPREAD,
        components=len(mixture.DIGITS) * len(mixture.SHIFTS) ** 2,
        played=None,
        script=scripts.bundle(),
    )


def embedded(content: object) -> Markup:
    """JSON that may stand inside a script element."""
    return Markup(json.dumps(content, separators=(",", ":")).replace("<", "\\u003c"))
