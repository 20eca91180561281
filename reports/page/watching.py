"""The page to watch: an exact denoiser that runs in the reader's browser, and the chains of a run played back."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from priors import mixture
from priors.error import BANDS
from priors.learned import SHIPPED, read
from problems import load_image
from reports.experiments.chains import Chain
from reports.page import scripts, sheets, templates
from reports.runs.cell import Record

SIDE = 32  # pixels of the live pictures: a power of two, as the page's Fourier transform needs
NET_SIDE = 64  # pixels of the network's pictures
PICTURES = ("camera", "astronaut", "coins")
WEIGHTS = SHIPPED / "diffusion-grey.safetensors"
SPREAD = 0.1  # of the live prior, the default of priors.mixture.digits


def facts() -> dict[str, object]:
    """What the page's prior is made from: the digits as bits, and how they are drawn."""
    digits = {"digits": mixture.DIGITS, "dark": mixture.DARK, "bright": mixture.BRIGHT, "shifts": mixture.SHIFTS}
    return {**digits, "spread": SPREAD, "side": SIDE}


def build(path: Path, played: Sequence[tuple[Record, Chain]] = (), exact: bool = True, live: bool = False) -> Path:
    """Write the page, one file that needs no other, and return its path.

    Without chains it holds what is computed in the browser alone; ``exact`` as ``sheets.room`` tells. ``live`` puts the network of
    the diffusion prior in, which the browser then runs.

    Raises:
        OSError: it cannot be written, or the weights cannot be read.
    """
    return templates.write(
        path,
        "watch/watch.html.j2",
        facts=embedded(facts()),
        side=SIDE,
        spread=SPREAD,
        components=len(mixture.DIGITS) * len(mixture.SHIFTS) ** 2,
        played=embedded(chains(played, exact)) if played else None,
        date=datetime.date.today().isoformat(),
        script=scripts.bundle(),
        **(network() if live else {"network": None}),
    )


def network() -> dict[str, object]:
    """The grey diffusion prior for the template: what its card tells, its weights, its program, and the pictures to measure."""
    prior = read(WEIGHTS)
    told = prior.card["network"]
    error = {"levels": prior.error.sigma, "bands": BANDS, "correlation": [level[0] for level in prior.error.correlation]}
    card = {"blocks": told["blocks"], "mean": told["mean"], "std": told["std"], "lowest": prior.sigma_range[0], "error": error}
    pixels = [(255 * load_image(name, size=NET_SIDE)).round().int().flatten().tolist() for name in PICTURES]
    return {
        "network": embedded({"card": card, "side": NET_SIDE, "pictures": pixels}),
        "engine": scripts.bundle(scripts.WORKER),
        "weights": base64.b64encode(WEIGHTS.read_bytes()).decode(),
        "parameters": sum(parameter.numel() for parameter in prior.net.parameters()),
        "licence": prior.licence,
        "net_side": NET_SIDE,
        "pictures": PICTURES,
    }


def chains(played: Sequence[tuple[Record, Chain]], exact: bool) -> dict[str, object]:
    """What the page plays back, as its script reads it."""
    scenes: dict[tuple[str, str], list[tuple[Record, Chain]]] = {}
    for row, chain in played:
        scenes.setdefault((row.cell.problem, row.cell.image), []).append((row, chain))
    entries = []
    for number, own in enumerate(scenes.values()):
        top = sheets.brightest([chain for _, chain in own])
        entries += [sheets.entry(chain, row, number, top, exact) for row, chain in own]
    return {"scenes": [sheets.scene(own[0][0]) for own in scenes.values()], "chains": entries}


def embedded(content: object) -> Markup:
    """JSON that may stand inside a script element."""
    return Markup(json.dumps(content, separators=(",", ":")).replace("<", "\\u003c"))
