"""A chain as a moving picture for slides: noisy, believed and measured side by side, the level written below."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reports.experiments.chains import Chain
from reports.figures import style
from reports.figures.paper import write

SIDE = 256  # pixels that a small picture is enlarged to, at least
GAP, LINE = 12, 40  # pixels between pictures, and below them for the words
SECONDS, LAST = 0.18, 2.0  # that a level and the answer are shown
HIDES = 0.3  # noise above it is shown shrunk towards mid-grey, as in the page
FORMATS = ("gif", "mp4")


def frames(chain: Chain) -> list[Image.Image]:
    """A picture for each level, of the first sample or the estimate."""
    found = []
    for k, (level, sigma) in enumerate(zip(chain.levels, chain.sigmas, strict=True)):
        noisy = 0.5 + (chain.noisy[k, 0] - 0.5) / np.sqrt(1 + (sigma / HIDES) ** 2)
        panels = {"noisy": noisy, "believed": chain.believed[k, 0], "measured": chain.measured[k, 0]}
        found.append(frame(panels, f"{chain.cell.prior}, {chain.cell.method}", f"level {level + 1} of {chain.planned}, sigma {sigma:.3g}"))
    return found


def frame(panels: dict[str, np.ndarray], who: str, where: str) -> Image.Image:
    """Pictures [H, W, C] side by side, their names above, two texts below; both sides even, as video needs."""
    shown = [enlarged(panel) for panel in panels.values()]
    width, height = shown[0].size
    paper = Image.new("RGB", ((len(shown) * width + (len(shown) + 1) * GAP) // 2 * 2, (height + 2 * LINE) // 2 * 2), style.PAPER)
    pen = ImageDraw.Draw(paper)
    for i, (name, picture) in enumerate(zip(panels, shown, strict=True)):
        left = GAP + i * (width + GAP)
        paper.paste(picture, (left, LINE))
        pen.text((left, LINE / 2), name, style.INK, font(18), anchor="lm")
    below = LINE + height + LINE / 2
    pen.text((paper.width - GAP, below), where, style.MUTED, font(18), anchor="rm")
    pen.text((GAP, below), fitted(who, paper.width - 4 * GAP - font(18).getlength(where)), style.INK, font(18), anchor="lm")
    return paper


def fitted(text: str, width: float) -> str:
    """The text, or as much of it as there is room for."""
    while font(18).getlength(text) > width and len(text) > 1:
        text = text.rstrip("\N{HORIZONTAL ELLIPSIS}")[:-1] + "\N{HORIZONTAL ELLIPSIS}"
    return text


def enlarged(panel: np.ndarray) -> Image.Image:
    picture = Image.fromarray(np.round(style.display(panel) * 255).astype(np.uint8))
    factor = max(1, -(-SIDE // max(picture.size)))
    return picture.resize((factor * picture.width, factor * picture.height), Image.Resampling.NEAREST)


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def check(kind: str) -> None:
    """
    Raises:
        ValueError: a film that this machine cannot write.
    """
    if kind == "mp4" and shutil.which("ffmpeg") is None:
        raise ValueError("mp4 needs the program ffmpeg, which is not on this machine; install it, or take --format gif")


def save(chain: Chain, path: Path, kind: str) -> None:
    """Write the film of a chain, whole or not at all.

    Raises:
        OSError: it cannot be written, or ffmpeg failed; the sentence holds its last line.
    """
    shown = frames(chain)
    if kind == "gif":
        palette = [each.quantize(255, dither=Image.Dither.NONE) for each in shown]
        durations = [round(1000 * SECONDS)] * (len(shown) - 1) + [round(1000 * LAST)]
        write(path, lambda file: palette[0].save(file, "gif", save_all=True, append_images=palette[1:], duration=durations, loop=0))
    else:
        film = encoded(shown)
        write(path, lambda file: file.write(film))


def encoded(shown: Sequence[Image.Image]) -> bytes:
    """An mp4 by ffmpeg at the pace of the levels, the answer repeated for as long as it is shown."""
    repeated = [*shown, *[shown[-1]] * (round(LAST / SECONDS) - 1)]
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        size = f"{shown[0].width}x{shown[0].height}"
        source = f"-f rawvideo -pix_fmt rgb24 -s {size} -r {1 / SECONDS:.4f} -i -"
        command = f"ffmpeg -loglevel error {source} -pix_fmt yuv420p -movflags +faststart"
        done = subprocess.run(
            [*command.split(), str(film)], input=b"".join(each.tobytes() for each in repeated), capture_output=True, check=False
        )
        if done.returncode or not film.is_file():
            told = (done.stderr.decode(errors="replace").strip() or "no word").splitlines()[-1]
            raise OSError(f"ffmpeg could not write the film: {told}; take --format gif")
        return film.read_bytes()
