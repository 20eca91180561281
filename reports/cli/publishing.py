"""Commands that lay out a stored run for print: figure, table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from reports.cli.endings import input_checked
from reports.cli.options import PLACE


@click.command()
@click.argument("run", type=PLACE)
@click.argument("name")
@click.option("--width", default="ieee2", show_default=True, help="ieee1, ieee2, cvpr1, cvpr2, neurips, slide, or a number of mm.")
@click.option("--format", "kind", type=click.Choice(["pdf", "svg", "png"]), show_default="that of --out, or pdf", help="Of the file.")
@click.option("--problem", "-P", show_default="the first", help="Problem of the run, as its report names it.")
@click.option("--out", "-o", type=PLACE, show_default="RUN/figures/NAME_WIDTH.FORMAT", help="File.")
def figure(run: str, name: str, width: str, kind: str | None, problem: str | None, out: str | None) -> None:
    """Draw the figure NAME of the finished cells in the folder RUN for a paper or a slide; nothing is solved.

    Names: spectrum, grid, uncertainty, trust, measured, plane, effort, bands, convergence, tuning, beliefs.
    """
    from reports.figures import paper
    from reports.runs.stored import Run

    suffix = Path(out or "").suffix[1:]
    form = kind or (suffix if suffix in paper.FORMATS else "pdf")
    with input_checked():
        stored = Run.load(run)
        drawn = paper.figure(stored, name, problem, width)
        about = problem or paper.problem_of(stored, name)
        path = Path(out) if out else paper.file_of(stored, name, about, width, form)
        paper.save(drawn, path, form)
    others = [each for each in stored.problems if about and each != about]
    click.echo(f"caption: {drawn.get_label()}")
    click.echo(f"figure: {path}" + (f" (of {about}; --problem gives {' or '.join(others)})" if others and not problem else ""))


@click.command()
@click.argument("run", type=PLACE)
@click.option("--format", "kind", type=click.Choice(["latex", "markdown", "csv", "html"]), default="latex", show_default=True, help="Form.")
@click.option("--metric", "metrics", multiple=True, show_default="PSNR, a perceptual score, of samples coverage too", help="By commas.")
@click.option("--out", "-o", type=PLACE, show_default="the terminal", help="File.")
def table(run: str, kind: str, metrics: Sequence[str], out: str | None) -> None:
    """Print the scores of the finished cells in the folder RUN for a paper: mean and 95 % interval over images; nothing is solved."""
    from reports.figures import paper
    from reports.runs.selectors import split
    from reports.runs.stored import Run
    from reports.tables import comparison as tables
    from reports.tables import forms

    with input_checked():
        text = forms.FORMS[kind](tables.table(Run.load(run), split(metrics)))
        if out:
            paper.write(Path(out), lambda file: file.write(text.encode()))
    click.echo(f"table: {out}" if out else text, nl=bool(out))
