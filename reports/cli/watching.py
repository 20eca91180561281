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


@click.command()
@click.argument("run", type=PLACE, required=False)
@names("--prior", "-p", shown="all of the run", text="Priors of the run, as its report names them; by commas or repeated.")
@names("--problem", "-P", shown="the first", text="Problems of the run.")
@names("--image", "-i", shown="the first", text="Images of the run.")
@names("--method", "-m", shown="the first that samples", text="Methods of the run.")
@click.option("--format", "kind", type=click.Choice(["html", "gif", "mp4"]), default="html", show_default=True, help="Page, or films.")
@click.option("--out", "-o", type=PLACE, show_default="RUN/watch or out/watch", help="Folder of index.html, or of the films.")
def watch(
    run: str | None, prior: Sequence[str], problem: Sequence[str], image: Sequence[str], method: Sequence[str], kind: str, out: str | None
) -> None:
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
        frames, exact = sheets.room(rows) if rows and kind == "html" else (chains.FRAMES, True)
        Store(folder).prepare()
    with finishing(str(folder)):
        played = list(filter(None, (again(row, frames) for row in rows)))
        if rows and not played:
            leave("no chain could be gone through again", FAILED)
        if kind == "html":
            click.echo(f"page: {watching.build(folder / 'index.html', played, exact)}")
        for row, chain in played if kind != "html" else []:
            path = folder / f"{stem(row)}.{kind}"
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


def stem(row: Record) -> str:
    """A name for the film of a cell that every file system takes."""
    words = "-".join((row.cell.problem, Path(row.cell.image).stem, row.cell.prior, row.cell.method))
    return "".join(sign if sign.isalnum() or sign in "-_.=" else "_" for sign in words).strip("_")
