"""Chains as the page holds them: sheets of pictures, spectra and curves, ready for JSON."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from PIL import Image

from reports.experiments.chains import FRAMES, SHOWN, Chain, spectrum
from reports.figures import style
from reports.page.pictures import COMPRESSED, EXACT, data_uri
from reports.runs import titles
from reports.runs.cell import Record, is_heuristic

COLUMNS = 8  # of a sheet
KINDS = ("noisy", "believed", "measured")  # its rows
ROOM, BESIDE = 12e6, 2e6  # bytes of all sheets, and of those that lie beside the network's weights
FEWEST = 6  # frames by which a chain can still be followed
QUALITY = 75  # of compressed sheets, which are seen in motion
HIDES = 0.3  # noise above it is shown shrunk, as in paint.js


def room(rows: Sequence[Record], most: float = ROOM) -> tuple[int, bool]:
    """How many frames of each chain go into ``most`` bytes of the page, and whether their pixels are kept exactly.

    Raises:
        ValueError: fewer than one can follow.
    """
    shown = sum(min(SHOWN, max(row.cell.samples, 1)) * len(KINDS) * row.cell.size**2 * row.cell.channels for row in rows)
    maps = sum(row.cell.size**2 for row in rows if row.cell.samples > 1)  # never compressed: their colours are numbers
    if EXACT * (shown + maps) * FRAMES <= most:
        return FRAMES, True
    frames = min(FRAMES, int(most / (COMPRESSED * shown + EXACT * maps)))
    if frames < FEWEST:
        told = f"{titles.counted(rows, 'chain')} of {rows[0].cell.size} x {rows[0].cell.size} pixels"
        raise ValueError(f"{told} would make a page too large to open; name fewer with --prior, --problem, --image or --method")
    return frames, False


def scene(row: Record) -> dict[str, Any]:
    truth, shown = row.arrays["truth"], row.arrays["shown"]
    told = {"problem": titles.problem_title(row.cell.problem), "image": titles.image_title(row.cell.image)}
    return {**told, "truth": data_uri(truth), "shown": data_uri(shown), "spectrum": rounded(spectrum(truth)[1])}


def entry(chain: Chain, row: Record, scene: int, top: float, exact: bool) -> dict[str, Any]:
    """A chain as the page's script reads it; ``scene`` is the number of its measurement, ``top`` the end of the scale of its maps."""
    truth, cell = row.arrays["truth"], chain.cell
    height, width = truth.shape[:2]
    told = {"prior": cell.prior, "method": cell.method, "scene": scene, "drawn": cell.samples, "planned": chain.planned}
    facts = {"levels": chain.levels, "sigmas": rounded(chain.sigmas), "heuristic": is_heuristic(row), "repeated": chain.repeated}
    layout = {"columns": COLUMNS, "ratio": height / width, "f": rounded(spectrum(truth)[0])}
    samples = [sample(chain, i, truth, exact) for i in range(chain.noisy.shape[1])]
    return {**told, **facts, **layout, "samples": samples, "spread": None if chain.spread is None else spread(chain.spread, top)}


def sample(chain: Chain, i: int, truth: np.ndarray, exact: bool) -> dict[str, Any]:
    """The sheet of one sample, the error of what is believed, and its spectra, level by level."""
    images = {kind: getattr(chain, kind)[:, i] for kind in KINDS}
    seen = images | {"noisy": np.stack([shrunk(x, sigma) for x, sigma in zip(images["noisy"], chain.sigmas, strict=True)])}
    errors = np.sqrt(np.mean((images["believed"] - truth) ** 2, (1, 2, 3)))
    spectra = {kind: [rounded(spectrum(image)[1]) for image in images[kind]] for kind in KINDS}
    return {"sheet": data_uri(sheet([seen[kind] for kind in KINDS]), exact, QUALITY), "error": rounded(errors), "spectra": spectra}


def brightest(chains: Sequence[Chain]) -> float:
    """What the brightest colour of the maps stands for: all chains of a measurement share one scale."""
    return max([1e-6, *(float(np.quantile(chain.spread, 0.999)) for chain in chains if chain.spread is not None)])


def spread(maps: np.ndarray, top: float) -> dict[str, Any]:
    """The maps [L, H, W, C] in the colours of the figures, on a scale from 0 to ``top``, and the root mean square of each."""
    grey = np.sqrt(np.mean(maps**2, -1, keepdims=True))
    picture = Image.fromarray(np.round(255 * np.clip(sheet([grey / top])[..., 0], 0, 1)).astype(np.uint8), "P")
    picture.putpalette((np.asarray(matplotlib.colormaps[style.MAP](np.arange(256)))[:, :3] * 255).astype(np.uint8).tobytes())
    file = io.BytesIO()
    picture.save(file, "png", optimize=True)
    source = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return {"sheet": source, "top": float(f"{top:.3g}"), "values": rounded(np.sqrt(np.mean(maps**2, (1, 2, 3))))}


def sheet(kinds: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks [L, H, W, C] as one picture: COLUMNS levels side by side, their kinds below each other, then the next COLUMNS."""
    levels, height, width, channels = kinds[0].shape
    blocks = -(-levels // COLUMNS)
    laid = np.zeros((len(kinds), blocks * COLUMNS, height, width, channels), np.float32)
    laid[:, :levels] = kinds
    laid = laid.reshape(len(kinds), blocks, COLUMNS, height, width, channels).transpose(1, 0, 3, 2, 4, 5)
    return laid.reshape(blocks * len(kinds) * height, COLUMNS * width, channels)


def shrunk(x: np.ndarray, sigma: float) -> np.ndarray:
    """An image under noise, shrunk towards mid-grey so that the noise fits between black and white."""
    return 0.5 + (x - 0.5) / np.sqrt(1 + (sigma / HIDES) ** 2)


def rounded(values: Sequence[float] | np.ndarray) -> list[float]:
    return [float(f"{value:.3g}") for value in values]
