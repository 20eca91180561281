"""The command that shows chains: watch."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.cli.endings import FAILED, finishing, input_checked, leave
from reports.cli.options import PLACE, names

if TYPE_CHECKING:
    from reports.experiments.chains import Chain
    from reports.runs.cell import Record

LONGEST = 120  # letters of the name of a film


@click.command()
@click.argument("run", type=PLACE, required=False)
@names("--prior", "-p", shown="all of the run", text="Priors of the run, as its report names them; by commas or repeated.")
@names("--problem", "-P", shown="the first", text="Problems of the run.")
@names("--image", "-i", shown="the first", text="Images of the run.")
@names("--method", "-m", shown="the first that samples", text="Methods of the run.")
@click.option("--live", is_flag=True, help="Put the network of the diffusion prior in the page, to run in the browser: 13 MB.")
@click.option("--format", "kind", type=click.Choice(["html", "gif", "mp4"]), default="html", show_default=True, help="Page, or films.")
@click.option("--out", "-o", type=PLACE, show_default="RUN/watch or out/watch", help="Folder of index.html, or of the films.")
def watch(
    run: str | None, prior: Sequence[str], problem: Sequence[str], image: Sequence[str], method: Sequence[str], live: bool, kind: str,
    out: str | None,
) -> None:  # fmt: skip
    """A page to watch: noise becomes an image step by step, computed in the browser, with dials for all that decides it.

    With the folder RUN of a comparison the page also plays back the chains of its cells, which are gone through once more for it;
    with --format gif or mp4 each becomes a film for slides.
    """
    from reports.experiments import chains
    from reports.figures import film
    from reports.page import sheets, watching
    from reports.runs.selectors import split
    from reports.runs.store import Store
    from reports.runs.stored import Run

    folder = Path(out or (Path(run) / "watch" if run else "out/watch"))
    with input_checked():
        if run is None and (kind != "html" or prior or problem or image or method):
            raise ValueError("films and chains are those of a run; name its folder, such as priorbench watch out/compare")
        rows = chains.chosen(Run.load(run), *map(split, (prior, problem, image, method))) if run else []
        film.check(kind)
        if live and kind != "html":
            raise ValueError("--live is for the page; leave it out, or leave --format out")
        room = sheets.BESIDE if live else sheets.ROOM
        frames, exact = sheets.room(rows, room) if rows and kind == "html" else (chains.FRAMES, True)
        Store(folder).prepare()
    with finishing(str(folder)):
        played = list(filter(None, (again(row, frames) for row in rows)))
        if rows and not played:
            leave("no chain could be gone through again", FAILED)
        if kind == "html":
            click.echo(f"page: {watching.build(folder / 'index.html', played, exact, live)}")
        for name, (_, chain) in zip(stems([row for row, _ in played]), played, strict=True) if kind != "html" else []:
            path = folder / f"{name}.{kind}"
            film.save(chain, path, kind)
            click.echo(f"film: {path}")
    sys.exit(0 if len(played) == len(rows) else FAILED)


def again(row: Record, frames: int) -> tuple[Record, Chain] | None:
    """The chain of a cell, told as it ends; None for one that fails."""
    from reports.experiments import chains

    began = time.perf_counter()
    try:
        chain = chains.play(row, frames)
    except Exception as error:  # whatever a prior or a moved file may raise
        click.echo(f"priorbench: failed: {row.cell}: {' '.join(str(error).split())}", err=True)
        return None
    other = "" if chain.repeated else "; it ends elsewhere than the stored answer: code, weights or libraries have changed"
    click.echo(f"chain: {row.cell} ({time.perf_counter() - began:.1f} s{other})")
    return row, chain


def stems(rows: Sequence[Record]) -> list[str]:
    """A name for the film of each cell, all different, that every file system takes."""
    found: list[str] = []
    for row in rows:
        words = "-".join((row.cell.problem, Path(row.cell.image).stem, row.cell.prior, row.cell.method))
        name = "".join(sign if sign.isalnum() or sign in "-_.=" else "_" for sign in words).strip("_")[:LONGEST]
        found.append(name if name not in found else f"{name}-{len(found) + 1}")
    return found
